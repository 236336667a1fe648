"""`manage.py run_gateway`: the process that gives pictures to viewers."""

from __future__ import annotations

import sys
from typing import Any

import uvloop
from channels.db import database_sync_to_async
from django.core.management.base import BaseCommand, CommandError, CommandParser

from liveroom.kernel import clock
from liveroom.kernel.metrics import started
from streams.engines import engine
from streams.gateway.server import Server, serve
from streams.gateway.settings import from_settings
from streams.live import viewer_counts
from streams.selectors import PlayPolicy, play_policy


class Command(BaseCommand):
    help = "Serve FLV, FLV over WebSocket and HLS playlists of the running streams, behind nginx."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="gateway-1", help="Under which name it counts its viewers.")

    def handle(self, *args: Any, **options: Any) -> None:
        settings = from_settings(name=options["name"])
        if not settings.port:
            raise CommandError("No port is chosen for the gateway: start with deploy/up, or set LIVEROOM_GATEWAY_PORT.")
        started(process=settings.name, kind="gateway")

        async def load(stream: str) -> PlayPolicy | None:
            return await database_sync_to_async(play_policy)(stream=stream)

        async def tell(room_key: str, count: int) -> int:
            return await viewer_counts.publish(process=settings.name, room_key=room_key, count=count, now_ms=clock.now_ms())

        server = Server(settings=settings, engine=engine(), load_policy=load, tell=tell)
        try:
            uvloop.run(serve(server))
        except OSError as error:
            self.stderr.write(f"The gateway cannot serve on port {settings.port}: {error.strerror or error}.")
            sys.exit(1)
