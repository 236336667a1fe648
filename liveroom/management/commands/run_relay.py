"""Tells what transactions wrote into the outbox, and moves what is due: one process by lease, any number stand by."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from typing import Any

import redis
from django.db import DatabaseError

from interactions.services.counting import recount_online, save_likes, write_online_counts
from liveroom.kernel import clock, leases, metrics, outbox
from liveroom.kernel.process import ServiceCommand, Worker
from liveroom.kernel.redis import common_channel, shared
from liveroom.rooms.services.status import follow_losses

log = logging.getLogger(__name__)

LEASE = "relay"
LEASE_SECONDS = 10
# A second, but for the rounds of half a second that wake a little early.
SWEEP = timedelta(seconds=0.9)
RECOUNT = timedelta(seconds=5)
PRUNE = timedelta(hours=1)


class Command(ServiceCommand):
    help = "Tell outbox rows to the rooms and follow due times."
    kind = "relay"

    def serve(self, options: dict[str, Any]) -> None:
        self.worker = Worker()
        self.swept_at = self.recounted_at = self.pruned_at = clock.now() - PRUNE
        threading.Thread(target=self._listen, daemon=True).start()
        self.worker.every(seconds=0.5, work=self._round)
        leases.give_back(name=LEASE, holder=self.name, now=clock.now())

    def _listen(self) -> None:
        """Commits wake us through Redis; without Redis we look twice a second."""
        while not self.worker.stopping.is_set():
            try:
                with shared().pubsub(ignore_subscribe_messages=True) as pubsub:
                    pubsub.subscribe(common_channel(outbox.WAKE))
                    while not self.worker.stopping.is_set():
                        if pubsub.get_message(timeout=1.0) is not None:
                            self.worker.wake()
            except (redis.RedisError, OSError):
                self.worker.stopping.wait(0.5)

    def _round(self) -> None:
        now = clock.now()
        try:
            held = leases.take(name=LEASE, holder=self.name, seconds=LEASE_SECONDS, now=now) is not None
            metrics.lease_held.labels(process=self.name, lease=LEASE).set(held)
            if held:
                self._sweep(now)
                self._carry(now)
        except DatabaseError as error:
            log.warning("The database is away (%s); trying again.", error)
            self.worker.stopping.wait(0.5)

    def _carry(self, now: datetime) -> None:
        while True:
            told, failed = outbox.carry_pending(now=now)
            metrics.outbox_told.labels(result="told").inc(told)
            metrics.outbox_told.labels(result="failed").inc(failed)
            if told < outbox.BATCH:
                return

    def _sweep(self, now: datetime) -> None:
        if now - self.swept_at < SWEEP:
            return
        self.swept_at = now
        follow_losses(now=now)
        write_online_counts()
        save_likes()
        if now - self.recounted_at >= RECOUNT:
            self.recounted_at = now
            recount_online()
        if now - self.pruned_at >= PRUNE:
            self.pruned_at = now
            self._prune()

    def _prune(self) -> None:
        from interactions.tasks import prune_archive
        from liveroom.kernel.tasks import prune
        from streams.tasks import prune_publishes

        try:
            prune.delay()
            prune_publishes.delay()
            prune_archive.delay()
        except Exception as error:  # the broker's own kinds of errors; the next hour tries again
            log.warning("House-keeping could not be handed to the task workers: %s", error)
