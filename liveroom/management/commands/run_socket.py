"""A socket process: viewers' sockets and the hot lane, nothing else. It holds nothing but its sockets."""

import gc
from typing import Any

from django.conf import settings

from liveroom.kernel.kept_connections import keep_sqlite_connections
from liveroom.kernel.process import ServiceCommand


class Command(ServiceCommand):
    help = "Serve viewers' sockets at LIVEROOM_WS_PORT."
    kind = "socket"

    def serve(self, options: dict[str, Any]) -> None:
        from interactions.delivery.fanout import Hub, send_many
        from interactions.limits import Limits
        from interactions.socket.joining.join_cache import Lobby
        from interactions.socket.returning import look_again
        from liveroom.sockets.server import SocketServer
        from liveroom.asgi import sockets  # isort: skip

        keep_sqlite_connections()
        config = settings.LIVEROOM
        send_many.use(config.data)
        server = SocketServer(
            application=sockets,
            address=config.bind,
            port=config.ws_port,
            limits=Limits.of(config),
            deflate=config.ws_deflate,
            drain_seconds=config.drain_seconds,
        )
        server.hub = Hub(process=self.name, tick_ms=config.tick_ms)
        server.hub.on_return = look_again
        server.lobby = Lobby()
        server.hub.on_doubt = server.lobby.doubt
        # A thousand viewers who come are a hundred thousand objects, none of them garbage: look for it less often, and never
        # again among what was there before them.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        server.run()
