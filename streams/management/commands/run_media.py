"""Keeps what the database says of streams equal to what the engine does, looks once at how each stream arrives, and runs media jobs.

One process reconciles (by lease), any number stand by; each runs its own jobs (`streams/jobs/supervising`). Children are started from
the main thread, which is where the event loop runs: `setpriv --pdeathsig` watches the thread that started them."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from liveroom.kernel import clock
from liveroom.kernel.work import metrics
from liveroom.kernel.work.fencing import HeldLease
from liveroom.kernel.work.process import ServiceCommand
from streams.egress.guard import from_settings
from streams.engines import EngineState, EngineUnreachable, engine
from streams.gateway.picture.look import look_at_picture
from streams.jobs import hints
from streams.jobs.supervising.supervisor import Supervisor
from streams.ladder import services as ladders
from streams.media.probe import ProbeFailed, probe_health
from streams.services import health, publishes
from streams.services.audience import RtmpAudience
from streams.services.judging import Judge
from streams.services.programmes import settle_all
from streams.services.reconcile import reconcile
from streams.traffic.collecting import Collector
from streams.watermarks.copies import following as copies

log = logging.getLogger(__name__)

LEASE = "reconciler"
LEASE_SECONDS = 6
ROUND_SECONDS = 2.0
# While a publish is new: what waits for its first picture waits no longer than this.
FRESH_ROUND_SECONDS = 0.3
FRESH_MS = 5_000
SWEEP_SECONDS = 60.0
PROBE_SECONDS = 9.0
PROBES_AT_ONCE = 2
LOOKS_AT_ONCE = 4


class Command(ServiceCommand):
    help = "Reconcile the engine with the database and look at new streams."
    kind = "media"

    def serve(self, options: dict[str, Any]) -> None:
        self.probed: set[int] = set()
        self.probes: set[asyncio.Task[None]] = set()
        self.judge = Judge()
        self.rtmp_audience = RtmpAudience()
        self.traffic = Collector(run=Path(settings.LIVEROOM.run))
        self.to_look_at: list[tuple[str, str]] = []
        self.is_fresh = False
        self.swept_at = float("-inf")
        self.looks: set[asyncio.Task[None]] = set()
        self.database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self.lease = HeldLease(name=LEASE, holder=self.name, seconds=LEASE_SECONDS)
        self.lease.keep()
        asyncio.run(self._serve())
        self.lease.give_back()

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        woken = asyncio.Event()
        listening = threading.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        hints.listen(wake, ending=listening)
        guard = from_settings()
        jobs = asyncio.create_task(Supervisor(name=self.name, ways=guard).serve(stopping), name="media jobs")
        while not stopping.is_set():
            if jobs.done():
                jobs.result()  # it failed: whoever started us starts us again
            for publish_id, stream in await loop.run_in_executor(self.database, self._round):
                self.probed.add(publish_id)
                task = asyncio.create_task(self._probe(publish_id, stream))
                self.probes.add(task)
                task.add_done_callback(self.probes.discard)
            while self.to_look_at and len(self.looks) < LOOKS_AT_ONCE:
                look = asyncio.create_task(self._look(*self.to_look_at.pop(0)))
                self.looks.add(look)
                look.add_done_callback(self.looks.discard)
            await self._pause(stopping, woken)
        listening.set()
        tasks = self.probes | self.looks
        for task in tasks:
            task.cancel()
        await asyncio.gather(jobs, *tasks, return_exceptions=True)
        await guard.shut()
        await loop.run_in_executor(self.database, self._last_count)

    def _last_count(self) -> None:
        """What waits to be added to the traffic is not left to the next one."""
        try:
            self.traffic.end(now=clock.now())
        except DatabaseError as error:
            log.warning("The traffic of the last seconds is counted later: %s", error)
        finally:
            close_old_connections()

    async def _pause(self, stopping: asyncio.Event, woken: asyncio.Event) -> None:
        """Until the next round is due, or a publish begins."""
        woken.clear()
        waits = [asyncio.create_task(event.wait()) for event in (stopping, woken)]
        seconds = FRESH_ROUND_SECONDS if self.is_fresh else ROUND_SECONDS
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if woken.is_set() and not stopping.is_set():
                await asyncio.sleep(FRESH_ROUND_SECONDS)
        finally:
            for wait in waits:
                wait.cancel()

    def _round(self) -> list[tuple[int, str]]:
        """One comparison; returns what should be looked at. Runs on the one thread that talks to the database."""
        now = clock.now()
        try:
            held = self.lease.take()
            metrics.lease_held.labels(process=self.name, lease=LEASE).set(held)
            if not held:
                return []
            self._follow()
            return publishes.publishes_to_probe(now=now, seen=self.probed, at_most=PROBES_AT_ONCE - len(self.probes))
        except DatabaseError as error:
            log.warning("The database is away (%s); trying again.", error)
            return []
        except Exception:
            log.exception("A round failed; the next one follows.")
            return []
        finally:
            close_old_connections()

    def _follow(self) -> None:
        seen_at = clock.now()
        try:
            state = engine().state()
        except EngineUnreachable as error:
            if not error.refused:
                log.warning("The engine does not answer: %s", error)
                return
            state = EngineState(instance="", streams={})  # nobody listens, so nobody publishes
        if not self.lease.seems_ours():
            return  # the engine took longer than the lease: what it said is old, and another process compares
        repairs = reconcile(state=state, seen_at=seen_at, now=clock.now())
        settle_all(now=clock.now())
        if repairs:
            log.info("%d differences between the engine and the database repaired.", repairs)
        copies.follow(state, now=clock.now())
        ladders.follow(state, now=clock.now())
        publishers = [found.publisher for found in state.streams.values() if found.publisher is not None]
        self.is_fresh = any(publisher.connected_ms < FRESH_MS for publisher in publishers)
        if time.monotonic() - self.swept_at > SWEEP_SECONDS:
            self.swept_at = time.monotonic()
            ladders.remove_orphans()
        self.judge.judge(state, now=clock.now())
        self.rtmp_audience.follow(state, now=clock.now())
        self.to_look_at += self.judge.to_look_at(state)
        for found in state.streams.values():
            if found.publisher is not None:
                health.keep(found=found)
        self.traffic.follow(state, now=clock.now())

    async def _look(self, stream: str, client_id: str) -> None:
        """What the engine does not tell of a picture; the next round judges by it."""
        try:
            codec = await look_at_picture(url=engine().loopback_url(stream=stream))
        except OSError as error:
            log.warning("%s could not be looked at: %s", stream, error)
            return
        self.judge.keep_look(stream=stream, client_id=client_id, codec=codec)

    async def _probe(self, publish_id: int, stream: str) -> None:
        try:
            probe = await probe_health(url=engine().loopback_url(stream=stream), seconds=PROBE_SECONDS)
        except ProbeFailed as error:
            log.info("%s could not be looked at: %s", stream, error)
            return
        await asyncio.get_running_loop().run_in_executor(self.database, self._write, publish_id, probe)

    def _write(self, publish_id: int, probe: Any) -> None:
        try:
            publishes.write_probe(publish_id=publish_id, probe=probe)
        except DatabaseError as error:
            log.warning("What was seen of a stream could not be kept: %s", error)
        finally:
            close_old_connections()
