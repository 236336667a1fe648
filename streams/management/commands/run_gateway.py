"""`manage.py run_gateway`: the process that gives pictures to viewers."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import uvloop
from channels.db import database_sync_to_async
from django.core.management.base import CommandError

from liveroom.kernel import clock
from liveroom.kernel.data.redis import aredis_for
from liveroom.kernel.values.signing import derived_secret
from liveroom.kernel.work.process import ServiceCommand
from streams.director.rules import PURPOSE
from streams.engines import engine
from streams.gateway.desk.hearing import Desks
from streams.gateway.server import Server, serve
from streams.gateway.settings import from_settings
from streams.live import viewer_counts
from streams.selectors import PlayPolicy, watch_policy
from streams.timeshift import services
from streams.timeshift.rules import Held, Wanted
from streams.traffic import counting
from streams.traffic.rules import Counted


class Windows:
    """The database's side of windows, for the gateway."""

    def __init__(self, *, process: str) -> None:
        self._process = process

    async def take(self, live: Collection[str]) -> Sequence[Wanted]:
        return await database_sync_to_async(services.take_windows)(process=self._process, live=live, now=clock.now())

    async def note(self, held: Mapping[str, Held]) -> None:
        await database_sync_to_async(services.note_held)(process=self._process, held=held)

    async def give_back(self) -> None:
        await database_sync_to_async(services.give_windows_back)(process=self._process, now=clock.now())


class Command(ServiceCommand):
    help = "Serve FLV, FLV over WebSocket and HLS playlists of the running streams, behind nginx."
    kind = "gateway"

    def serve(self, options: dict[str, Any]) -> None:
        settings = from_settings(name=self.name)
        if not settings.port:
            raise CommandError("No port is chosen for the gateway: start with deploy/up, or set LIVEROOM_GATEWAY_PORT.")

        async def load(stream: str) -> PlayPolicy | None:
            return await database_sync_to_async(watch_policy)(stream=stream)

        async def tell(room_key: str, count: int) -> int:
            return await viewer_counts.publish(process=self.name, room_key=room_key, count=count, now_ms=clock.now_ms())

        async def tell_sent(sent: Sequence[Counted]) -> None:
            await counting.acount(sent, now_seconds=time.time())

        # A desk's mix is no room's; there is one Redis for all.
        desks = Desks(connect=lambda: aredis_for(""), secret=derived_secret(PURPOSE))
        server = Server(
            settings=settings, engine=engine(), load_policy=load, tell=tell, tell_sent=tell_sent, desks=desks,
            windows=Windows(process=self.name),
        )  # fmt: skip
        try:
            uvloop.run(serve(server))
        except OSError as error:
            raise CommandError(
                f"The gateway cannot serve on port {settings.port}: {error.strerror or error}."
            ) from error
