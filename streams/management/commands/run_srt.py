"""Takes in pictures by SRT. Nothing to do where LIVEROOM_SRT_PORT is 0 or the library is missing: it says so and waits for its end."""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.conf import settings

from liveroom.kernel.work.process import ServiceCommand, Worker, now_serves
from streams.srt.carrying import Carriers
from streams.srt.library import Library, Listener, NoLibrary, SrtError

log = logging.getLogger(__name__)

LATENCY_MS, IDLE_MS = 120, 5_000
AGAIN_SECONDS = 10.0


class Command(ServiceCommand):
    help = "Take in streams by SRT: the stream key is the stream id."
    kind = "srt"

    def serve(self, options: dict[str, Any]) -> None:
        worker, self.listener = Worker(), None
        self.carriers = Carriers()
        self.library = self._loaded()
        now_serves()
        worker.every(seconds=AGAIN_SECONDS, work=self._listen)
        if self.listener is not None:
            self.listener.close()

    listener: Listener | None

    def _loaded(self) -> Library | None:
        if not settings.LIVEROOM.srt_port:
            return None
        try:
            return Library()
        except NoLibrary as error:
            log.warning("Nothing is taken in by SRT: %s", error)
            return None

    def _listen(self) -> None:
        """Once; a port that is taken is tried again."""
        if self.library is None or self.listener is not None:
            return
        room = settings.LIVEROOM
        try:
            self.listener = self.library.listen(
                host=room.bind, port=room.srt_port, latency_ms=LATENCY_MS, idle_ms=IDLE_MS, judge=self.carriers.judge
            )
        except SrtError as error:
            log.warning("UDP port %d cannot be had for SRT (%s); it is tried again.", room.srt_port, error)
            return
        log.info("SRT is taken in at UDP port %d.", room.srt_port)
        threading.Thread(target=self.carriers.accept_all, args=(self.listener,), name="srt", daemon=True).start()
