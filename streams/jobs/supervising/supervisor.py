"""The event loop's side: starts children from the main thread, hears them, ends them; asks the database once a second, or when woken.

`setpriv --pdeathsig` watches the thread that forks, so this must run on the main thread. State: the runs of this process."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from liveroom.kernel import clock
from liveroom.kernel.work import metrics
from streams.jobs import hints
from streams.jobs.kinds import Again, Kind, Launch, Over
from streams.jobs.supervising import strays
from streams.jobs.supervising.claims import Claims, Orders
from streams.jobs.supervising.host import Host, NameTaken
from streams.jobs.supervising.run import Run
from streams.media.process import spawn

log = logging.getLogger(__name__)

# Between two rounds; where children run that nobody looks at, and nothing waits for its next try, a little longer.
ROUND_SECONDS, QUIET_SECONDS = 1.0, 2.0
WRITE_SECONDS = 5.0
# Two words close together make one round.
_BREATH_SECONDS = 0.05
# A deploy/up that ends gives its children ten.
_LAST_SECONDS = 6.0


class Ways(Protocol):
    """Guarded ways to outside addresses, made for one child (`streams/egress`)."""

    async def open(self, launch: Launch, *, owner: str) -> tuple[Sequence[str], dict[str, str]]:
        """The child's arguments and environment with every placeholder replaced. LiveRoomError: an address that is not allowed."""

    async def close(self, *, owner: str) -> Sequence[str]:
        """The child is gone. Why it was not let somewhere, or found nobody there, for people."""


class Supervisor:
    def __init__(self, *, name: str, ways: Ways | None = None) -> None:
        self.name = name
        self._ways = ways
        self._host = Host(name=name)
        self._claims = Claims(host=self._host)
        self._runs: dict[tuple[int, int], Run] = {}
        self._database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="media jobs")
        self._woken = asyncio.Event()
        self._ending = threading.Event()
        self._watching: set[asyncio.Task[None]] = set()
        self._written = 0.0
        self._displaced = False
        self._deployment = deployment(Path(settings.LIVEROOM.data))

    async def serve(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set, and then until every child is gone."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._woken.set)

        hints.listen(wake, ending=self._ending)
        ended = asyncio.create_task(self._wake_at(stopping))
        while not stopping.is_set():
            self._woken.clear()
            self._look_after()
            orders = await loop.run_in_executor(self._database, self._round, list(self._runs.values()))
            self._runs = {key: run for key, run in self._runs.items() if run.exit_ is None or orders is None}
            if orders is not None:
                await self._obey(orders)
            try:
                await asyncio.wait_for(self._woken.wait(), self._pause(orders))
                await asyncio.sleep(_BREATH_SECONDS)
            except TimeoutError:
                pass
        await self._end_all()
        self._ending.set()
        ended.cancel()
        self._database.shutdown(wait=False)

    def _pause(self, orders: Orders | None) -> float:
        """Until the next round, if nobody wakes us."""
        watched = any(type(run.kind).watch is not Kind.watch for run in self._runs.values())
        return ROUND_SECONDS if orders is None or orders.soon or watched else QUIET_SECONDS

    async def _wake_at(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._woken.set()

    # On the database thread

    def _round(self, runs: list[Run]) -> Orders | None:
        """None: the database is away, or the round failed; children go on."""
        now = clock.now()
        try:
            if not self._host.token:
                if self._displaced and self._host.is_taken(now=now):
                    return Orders()
                self._host.begin(now=now)
                killed = strays.end_all_but(deployment=self._deployment, current=self._claims.others(now=now))
                if killed:
                    log.warning("%d children of an earlier life were still there and are ended.", killed)
            orders = self._claims.round(runs=runs, now=now)
            metrics.lease_held.labels(process=self.name, lease="media host").set(1)
            self._watch([run for run in runs if run.exit_ is None], orders)
            if time.monotonic() - self._written > WRITE_SECONDS:
                self._written = time.monotonic()
                self._claims.write(runs)
                self._host.tell(
                    now=now,
                    reserved=sum(run.kind.cores(run.spec) for run in runs if run.exit_ is None),
                    used=sum(run.cores_used for run in runs if run.exit_ is None),
                )
            return orders
        except NameTaken:
            log.error(
                "Another media worker is called %s: give each a --name of its own. Its jobs are ended here.", self.name
            )
            self._host.token, self._displaced = 0, True
            return Orders(kill=[run for run in runs if run.exit_ is None])
        except DatabaseError as error:
            log.warning("The database is away (%s); children go on.", error)
        except Exception:
            log.exception("A round of media jobs failed; the next one follows.")
        finally:
            close_old_connections()
        return None

    def _watch(self, runs: Sequence[Run], orders: Orders) -> None:
        """Kinds that look at their running children."""
        for run in runs:
            if (
                run.asked
                or type(run.kind).watch is Kind.watch
                or time.monotonic() - run.looked < run.kind.watch_seconds
            ):
                continue
            run.looked = time.monotonic()
            try:
                word = run.kind.watch(
                    run.job, run.spec, progress=run.reader.progress, lines=run.reader.take_lines(), now=clock.now()
                )
                if isinstance(word, Again | Over):
                    run.verdict = word
                elif word is not None:
                    self._claims.change(run, word)
                if word is not None:
                    orders.end.append(run)
            except DatabaseError:
                raise
            except Exception:
                log.exception("The kind of the media job %s failed to look at its child.", run.job.pk)

    # On the event loop

    def _look_after(self) -> None:
        for run in self._runs.values():
            if run.exit_ is not None:
                continue
            run.measure()
            run.insist_when_late()
            if not run.asked and run.is_silent():
                log.warning("The child of the media job %s says nothing any more and is ended.", run.job.pk)
                run.verdict = Again(reason="It hung: no progress for a while.")
                run.kill()

    async def _obey(self, orders: Orders) -> None:
        for run in orders.kill:
            run.kill()
        for run in orders.end:
            run.ask()
        for run in orders.start:
            self._runs[run.key] = run
        await asyncio.gather(*(self._start(run) for run in orders.start))

    async def _start(self, run: Run) -> None:
        owner = strays.mark(deployment=self._deployment, job=run.job.pk, run=run.job.run)
        loop = asyncio.get_running_loop()
        try:
            older = await loop.run_in_executor(None, self._end_older, run)
            if older:
                log.warning("%d older children of the media job %s were still there.", older, run.job.pk)
            arguments, environment = list(run.launch.arguments), dict(run.launch.environment)
            if run.launch.reach:
                if self._ways is None:
                    raise OSError("this worker has no way to outside addresses")
                found, more = await self._ways.open(run.launch, owner=owner)
                arguments, environment = list(found), {**environment, **more}
            run.child = await spawn(
                arguments,
                on_output=run.reader.feed,
                environment={**environment, strays.VARIABLE: owner},
                at_our_death=signal.SIGKILL,
            )
        except Exception as error:
            log.warning("The child of the media job %s cannot be started: %s", run.job.pk, error)
            if run.launch.reach and self._ways is not None:
                await self._ways.close(owner=owner)
            run.left(code=127, words=(f"It cannot be started: {error}",))
            self._woken.set()
            return
        run.job.pid = run.child.pid or None
        task = asyncio.create_task(self._wait_for(run, owner))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    def _end_older(self, run: Run) -> int:
        return strays.end_older(deployment=self._deployment, job=run.job.pk, run=run.job.run)

    async def _wait_for(self, run: Run, owner: str) -> None:
        assert run.child is not None  # noqa: S101 - started by the caller
        code = await run.child.wait()
        words = run.child.last_lines
        if run.launch.reach and self._ways is not None:
            # What the guard says is the reason; the child only says that it got nothing.
            words = (*words, *await self._ways.close(owner=owner))
        run.left(code=code, words=words)
        self._woken.set()

    async def _end_all(self) -> None:
        """Ask all, insist, and let their jobs go to whoever looks next."""
        for run in self._runs.values():
            run.measure()
            run.ask()
        if self._watching:
            await asyncio.wait(self._watching, timeout=min(_LAST_SECONDS, self._longest_stop()))
        for run in self._runs.values():
            if run.exit_ is None:
                run.kill()
        if self._watching:
            await asyncio.wait(self._watching, timeout=1.0)
        runs = list(self._runs.values())
        try:
            await asyncio.get_running_loop().run_in_executor(self._database, self._let_go, runs)
        except DatabaseError as error:
            log.warning("The jobs could not be given back (%s); they are taken up when the lease is over.", error)

    def _longest_stop(self) -> float:
        return max((run.kind.stop_seconds for run in self._runs.values()), default=0.0)

    def _let_go(self, runs: list[Run]) -> None:
        try:
            self._claims.let_go(runs, now=clock.now())
        finally:
            close_old_connections()


def deployment(data: Path) -> str:
    """Names the children of a deployment among those of other copies on the machine; `data`: its folder."""
    return sha256(str(data.resolve()).encode()).hexdigest()[:16]
