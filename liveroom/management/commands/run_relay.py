"""Tells what transactions wrote into the outbox, and moves what is due: one process by lease, any number stand by."""

from __future__ import annotations

import logging
import threading
from typing import Any

import redis
from django.db import DatabaseError

from liveroom import wiring
from liveroom.kernel import clock, metrics, outbox
from liveroom.kernel.fencing import HeldLease, LeaseLost
from liveroom.kernel.process import ServiceCommand, Worker
from liveroom.kernel.redis import common_channel, shared
from liveroom.kernel.sweeps import Sweeper

log = logging.getLogger(__name__)

LEASE = "relay"
LEASE_SECONDS = 10


class Command(ServiceCommand):
    help = "Tell outbox rows to the rooms and follow due times."
    kind = "relay"

    def serve(self, options: dict[str, Any]) -> None:
        self.worker = Worker()
        self.sweeper = Sweeper(sweeps=wiring.SWEEPS)
        self.lease = HeldLease(name=LEASE, holder=self.name, seconds=LEASE_SECONDS)
        self.lease.keep()
        threading.Thread(target=self._listen, daemon=True).start()
        self.worker.every(seconds=0.5, work=self._round)
        self.lease.give_back()

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

    def _round(self) -> float | None:
        """Seconds until something is due that cannot wait for the next look."""
        try:
            held = self.lease.take()
            metrics.lease_held.labels(process=self.name, lease=LEASE).set(held)
            if held:
                self.sweeper.sweep(now=clock.now(), may_go_on=self.lease.seems_ours)
                return self._carry()
        except LeaseLost:
            log.warning("Another process has the lease; this one stands by.")
            metrics.lease_held.labels(process=self.name, lease=LEASE).set(0)
        except DatabaseError as error:
            log.warning("The database is away (%s); trying again.", error)
            self.worker.stopping.wait(0.5)
        return None

    def _carry(self) -> float | None:
        while True:
            gathered, again_in = outbox.handle_batches(now=clock.now(), lease=self.lease)
            told, failed = outbox.handle_pending(now=clock.now(), lease=self.lease)
            metrics.outbox_told.labels(result="told").inc(told + gathered)
            metrics.outbox_told.labels(result="failed").inc(failed)
            if told + gathered < outbox.ROUND or self.worker.stopping.is_set():
                return again_in
