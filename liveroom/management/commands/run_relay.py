"""Carries what transactions wrote into the outbox, and hands out what is due: one process by lease, any number stand by.

It does no work itself: rooms and people are told, task workers get hints (`kernel/work/due.py`)."""

from __future__ import annotations

import logging
import threading
from typing import Any

import redis
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError as BrokerAway

from liveroom.celery import app
from liveroom.kernel import clock, outbox
from liveroom.kernel.data.redis import common_channel, shared
from liveroom.kernel.work import due, metrics, tasks
from liveroom.kernel.work.fencing import HeldLease, LeaseLost
from liveroom.kernel.work.process import ServiceCommand, Worker

log = logging.getLogger(__name__)

LEASE = "relay"
LEASE_SECONDS = 10
# Without the database, or without anybody to send hints to.
LOOK_AGAIN_SECONDS = 0.5


class Command(ServiceCommand):
    help = "Tell outbox rows to the rooms and hand out due work."
    kind = "relay"

    def serve(self, options: dict[str, Any]) -> None:
        self.worker = Worker()
        app.set_default()  # for the thread that sends hints
        self.lease = HeldLease(name=LEASE, holder=self.name, seconds=LEASE_SECONDS)
        self.dispatcher = due.Dispatcher(send=tasks.send, waiting=tasks.waiting, may_go_on=self.lease.seems_ours)
        self.lease.keep()
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._hand_out, name="due jobs", daemon=True).start()
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

    def _hand_out(self) -> None:
        """A thread of its own: what is due does not wait for what is told, nor the other way round."""
        fault = ""
        while not self.worker.stopping.is_set():
            before, fault = fault, self._hints()
            if fault and not before:  # not again and again while it lasts
                log.warning("Due work cannot be handed to the task workers: %s", fault)
            self.worker.stopping.wait(LOOK_AGAIN_SECONDS if fault else self.dispatcher.pause)

    def _hints(self) -> str:
        """What keeps them from being sent, or nothing."""
        if not self.lease.seems_ours():
            metrics.due_jobs_late.set(0)  # the holder says it
            return ""
        try:
            self.dispatcher.hand_out(now=clock.now())
        except DatabaseError as error:
            connection.close()
            return f"the database is away ({error})"
        except (redis.RedisError, BrokerAway, OSError) as error:
            return f"Redis is away ({error})"
        except Exception as error:
            log.exception("Due work was not handed out; it is tried again.")
            return type(error).__name__
        return ""

    def _round(self) -> float | None:
        """Seconds until something is due that cannot wait for the next look."""
        try:
            held = self.lease.take()
            metrics.lease_held.labels(process=self.name, lease=LEASE).set(held)
            if held:
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
