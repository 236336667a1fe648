"""A web process: REST, admin, pages. It holds nothing; SO_REUSEPORT lets several share the port."""

import gc
from typing import Any

from django.conf import settings

from liveroom.kernel.data.kept_connections import keep_connections
from liveroom.kernel.work.process import ServiceCommand


class Command(ServiceCommand):
    help = "Serve REST, admin and pages (behind nginx)."
    kind = "web"

    def serve(self, options: dict[str, Any]) -> None:
        from liveroom.web_server import WebServer
        from liveroom.wsgi import application
        from streams.files.rules import is_piece

        keep_connections()
        config = settings.LIVEROOM
        server = WebServer(
            application=application,
            address="127.0.0.1",
            port=config.web_port,
            threads=config.web_threads,
            is_streamed=is_piece,
        )
        # What is there before the first request stays: it need not be looked through again for garbage.
        gc.collect()
        gc.freeze()
        server.run()
