"""A web process: REST, admin, pages. It holds nothing; SO_REUSEPORT lets several share the port."""

from typing import Any

from django.conf import settings

from liveroom.kernel.process import ServiceCommand


class Command(ServiceCommand):
    help = "Serve REST, admin and pages (behind nginx)."
    kind = "web"

    def serve(self, options: dict[str, Any]) -> None:
        from liveroom.serving import web_server

        from liveroom.asgi import web  # isort: skip - after the reactor is installed

        web_server(application=web, address="127.0.0.1", port=settings.LIVEROOM.web_port).run()
