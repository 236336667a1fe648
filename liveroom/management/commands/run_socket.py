"""A socket process: viewers' sockets and the hot lane, nothing else. It holds nothing but its sockets."""

import gc
from typing import Any

from django.conf import settings

from liveroom.kernel.data.kept_connections import keep_sqlite_connections
from liveroom.kernel.work.process import ServiceCommand


class Command(ServiceCommand):
    help = "Serve viewers' sockets at LIVEROOM_WS_PORT."
    kind = "socket"

    def serve(self, options: dict[str, Any]) -> None:
        from interactions.delivery.fanout import Hub, send_many
        from interactions.limits import Limits
        from interactions.socket.joining.join_cache import JoinCache
        from interactions.socket.returning import look_again
        from interactions.socket.session import Shared
        from liveroom.sockets.server import SocketServer
        from liveroom.asgi import sockets  # isort: skip

        keep_sqlite_connections()
        config = settings.LIVEROOM
        send_many.use(config.data)
        hub, join_cache = Hub(process=self.name, tick_ms=config.tick_ms), JoinCache()
        hub.on_return, hub.on_doubt = look_again, join_cache.doubt
        server = SocketServer(
            application=sockets,
            shared=Shared(hub=hub, limits=Limits.of(config), join_cache=join_cache),
            address=config.bind,
            port=config.ws_port,
            deflate=config.ws_deflate,
            drain_seconds=config.drain_seconds,
        )
        # A thousand viewers who come are a hundred thousand objects, none of them garbage: look for it less often, and never
        # again among what was there before them.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        server.run()
