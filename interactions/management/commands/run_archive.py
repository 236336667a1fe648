"""Writes what the rooms heard into the database: any number of processes, each entry by one of them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import redis
from django.db import DatabaseError

from interactions.chat.archive.archiver import Archiver, trim
from interactions.chat.services.archive import backlog
from interactions.delivery.rooms import STREAM_ENTRIES
from liveroom.kernel import clock
from liveroom.kernel.work import metrics
from liveroom.kernel.work.process import ServiceCommand, Worker

log = logging.getLogger(__name__)

# A second and five, but for rounds that wake a little early.
LOOK, ADOPT = timedelta(seconds=0.9), timedelta(seconds=4.9)
COMPLAIN = timedelta(minutes=1)


class Command(ServiceCommand):
    help = "Write what the rooms heard into the archive."
    kind = "archive"

    def serve(self, options: dict[str, Any]) -> None:
        self.worker = Worker()
        self.archiver = Archiver(consumer=self.name)
        self.away = ""
        self.looked_at = self.adopted_at = self.complained_at = clock.now() - COMPLAIN
        self.worker.every(seconds=0.5, work=self._round)

    def _round(self) -> None:
        """Twice a second: many small rooms then share a transaction, and nobody waits longer than that."""
        away = ""
        for step in (self._adopt, self._drain, self._look):
            try:
                step()
            except DatabaseError as error:
                away = f"The database is away ({str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__})"
            except (redis.RedisError, OSError) as error:
                away = f"Redis is away ({type(error).__name__})"
                break
        if away and not self.away:
            log.warning("%s; the archive waits, and loses nothing while its stream has room.", away)
        elif self.away and not away:
            log.info("The archive goes on.")
        self.away = away

    def _adopt(self) -> None:
        if clock.now() - self.adopted_at >= ADOPT:
            self.archiver.adopt()
            self.adopted_at = clock.now()

    def _drain(self) -> None:
        if self.archiver.drain():
            self.worker.wake()

    def _look(self) -> None:
        """Also while the database is away: that is when the stream fills."""
        now = clock.now()
        if now - self.looked_at < LOOK:
            return
        self.looked_at = now
        trim(client=self.archiver.client)
        behind = backlog(client=self.archiver.client)
        metrics.archive_backlog.set(behind.entries)
        metrics.archive_lag_seconds.set(behind.lag_seconds)
        if behind.late and now - self.complained_at >= COMPLAIN:
            self.complained_at = now
            log.warning(
                "The archive is late: %s. What is not written before the stream is full (%s entries) is lost.",
                behind,
                f"{STREAM_ENTRIES:,}",
            )
