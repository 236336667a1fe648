"""A socket process: viewers' sockets and the hot lane, nothing else. It holds nothing but its sockets."""

from asyncio import ensure_future
from typing import Any

from django.conf import settings

from liveroom.kernel.process import ServiceCommand


class Command(ServiceCommand):
    help = "Serve viewers' sockets at LIVEROOM_WS_PORT."
    kind = "socket"

    def serve(self, options: dict[str, Any]) -> None:
        from liveroom.serving import socket_server

        from twisted.internet import reactor  # isort: skip - the one that serving chose
        from twisted.internet.defer import Deferred

        from interactions.live.hub import Hub  # isort: skip - after the reactor is installed
        from liveroom.asgi import sockets  # isort: skip

        config = settings.LIVEROOM
        server = socket_server(application=sockets, address=config.bind, port=config.ws_port)
        server.hub = hub = Hub(process=self.name)
        # Twisted waits for what `before` returns, so viewers hear `bye` before the transports go.
        add_trigger: Any = reactor.addSystemEventTrigger
        add_trigger("before", "shutdown", lambda: Deferred.fromFuture(ensure_future(hub.stop())))
        server.run()
