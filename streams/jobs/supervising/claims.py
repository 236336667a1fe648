"""One round of a host with the database: what ended, what is wanted, what may start. Runs on the supervisor's database thread.

Promise: a job is started by whoever claimed it, with a number (`run`) that grows with each claim; every later word about it is written
only if that number still stands. A job whose host is gone is claimed by the next one that looks. State: the rows of `MediaJob`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from streams.jobs import rules
from streams.jobs.kinds import Again, Exit, Kind, Over, Stage, Verdict, kind_of
from streams.jobs.models import RUNNING, STOPPED, MediaJob, State
from streams.jobs.supervising import settling
from streams.jobs.supervising.host import Host, cores_budget, dead_beside_us, disk
from streams.jobs.supervising.run import Run
from streams.models.streams import Publish

log = logging.getLogger(__name__)

# Children started in one round: each costs a fork and a burst of CPU.
STARTS_AT_ONCE = 8
_LOOKED_AT = 500
_SOON = timedelta(seconds=2)


@dataclass(slots=True)
class Orders:
    """What the event loop shall do: children to start, runs to end, and runs to end at once because they are somebody else's."""

    start: list[Run] = field(default_factory=list)
    end: list[Run] = field(default_factory=list)
    kill: list[Run] = field(default_factory=list)
    soon: bool = False
    """Something is due again within a second or two."""


@dataclass(slots=True)
class Look:
    """What every round reads of every job that is open."""

    pk: int
    run: int
    state: str
    wanted: str
    spec_serial: int
    running_serial: int
    host: int | None
    host_token: int
    retry_at: datetime | None
    starts_at: datetime | None
    host_is_at: int | None
    host_until: datetime | None

    def has_host(self, now: datetime) -> bool:
        return self.host_until is not None and self.host_until > now and self.host_token == self.host_is_at

    def is_due(self, now: datetime) -> bool:
        if self.state != State.WAITING:
            return False
        return self.wanted == STOPPED or all(at is None or at <= now for at in (self.retry_at, self.starts_at))

    def is_soon(self, now: datetime) -> bool:
        return self.state == State.WAITING and self.retry_at is not None and self.retry_at - now < _SOON


def _look() -> list[Look]:
    rows = MediaJob.objects.filter(state__in=(State.WAITING, State.RUNNING)).values_list(
        "pk", "run", "state", "wanted", "spec_serial", "running_serial", "host_id", "host_token", "retry_at",
        "starts_at", "host__token", "host__lease_until",
    )  # fmt: skip
    return [Look(*row) for row in rows]


@dataclass(slots=True)
class Claims:
    """Of one host. `round` is called by one thread."""

    host: Host

    def round(self, *, runs: Sequence[Run], now: datetime) -> Orders:
        """DatabaseError; NameTaken."""
        self.host.renew(now=now)
        orders = Orders()
        for run in runs:
            if run.exit_ is not None:
                self._ended(run, now=now)
        here = [run for run in runs if run.exit_ is None]
        looks = _look()
        self._compare(here, looks, orders, now=now)
        self._free_orphans(looks, now=now)
        due = [look.pk for look in looks if look.is_due(now)]
        if due:
            self._let_in(due, here, orders, now=now)
        orders.soon = any(look.is_soon(now) for look in looks)
        return orders

    # What ended

    def _ended(self, run: Run, *, now: datetime) -> None:
        exit_ = run.exit_
        assert exit_ is not None  # noqa: S101 - chosen by the caller
        with transaction.atomic():
            job = self._ours(run).select_for_update().first()
            if job is None:
                return  # it was taken from us meanwhile
            job.cpu_seconds = run.job.cpu_seconds + run.cpu_seconds
            job.log = run.log
            job.progress = settling.shown_progress(run.reader.progress, since=job.progress)
            verdict = self._verdict(job, run, exit_, now=now)
            if isinstance(verdict, Over):
                settling.settle(job, run.kind, run.spec, verdict, now=now)
            else:
                failures = rules.failures_after(job.failures, ran_seconds=exit_.ran_seconds) if verdict.counts else 0
                killed, longest = exit_.code < 0 and not exit_.asked, run.kind.longest_pause_seconds
                settling.wait(job, now=now, reason=verdict.reason, failures=failures, killed=killed, longest=longest)

    @staticmethod
    def _verdict(job: MediaJob, run: Run, exit_: Exit, *, now: datetime) -> Verdict:
        kind = run.kind
        if job.wanted == STOPPED:
            return settling.asked(lambda: kind.stopped(job, run.spec, exit_, now=now), job) or Over(State.FAILED)
        if run.verdict is not None:
            return run.verdict
        if run.replacing:
            return Again(counts=False)
        answer = settling.asked(lambda: kind.ended(job, run.spec, exit_, now=now), job)
        return answer or Again(reason="Its end could not be judged; see the log of the media worker.")

    def _ours(self, run: Run) -> QuerySet[MediaJob]:
        return MediaJob.objects.filter(pk=run.job.pk, run=run.job.run, host_id=self.host.pk, state=State.RUNNING)

    # What runs

    def _compare(self, here: Sequence[Run], looks: Sequence[Look], orders: Orders, *, now: datetime) -> None:
        """Our rows against our children."""
        mine = (self.host.pk, self.host.token)
        rows = {look.pk: look for look in looks if look.state == State.RUNNING and (look.host, look.host_token) == mine}
        for run in here:
            row = rows.pop(run.job.pk, None)
            if row is None or row.run != run.job.run:
                orders.kill.append(run)
            elif row.wanted == STOPPED or row.spec_serial != row.running_serial:
                run.replacing = row.wanted != STOPPED
                orders.end.append(run)
        for row in rows.values():
            # Claimed, and never started: the round failed after its claim.
            self._take_back(row, now=now)

    @staticmethod
    def _take_back(row: Look, *, now: datetime) -> bool:
        with transaction.atomic():
            job = MediaJob.objects.select_for_update().filter(pk=row.pk, run=row.run, state=State.RUNNING).first()
            if job is not None:
                settling.wait(job, now=now, reason="", failures=job.failures)
        return job is not None

    def write(self, runs: Iterable[Run]) -> None:
        """How our children do."""
        with transaction.atomic():
            for run in runs:
                if run.child is None:
                    continue
                self._ours(run).update(
                    progress=settling.shown_progress(run.reader.progress, since=run.job.progress),
                    cpu_seconds=run.job.cpu_seconds + run.cpu_seconds,
                    log=run.log,
                    pid=run.child.pid or None,
                )

    def change(self, run: Run, spec: Any) -> None:
        """A kind wants another spec for its running child."""
        settling.store_spec(run.job, run.kind, spec)
        run.replacing = True

    # What shall run

    def _free_orphans(self, looks: Sequence[Look], *, now: datetime) -> None:
        """Jobs of hosts that are gone, and of earlier lives of living ones."""
        elsewhere = any(look.state == State.RUNNING and look.host != self.host.pk for look in looks)
        dead = dead_beside_us(now=now) if elsewhere else frozenset()
        for look in looks:
            gone = look.host in dead or not look.has_host(now)
            if look.state == State.RUNNING and gone and self._take_back(look, now=now):
                log.info("The media job %s is taken up again: its worker is gone.", look.pk)
                look.state, look.retry_at = State.WAITING, None

    def _let_in(self, due: Sequence[int], here: Sequence[Run], orders: Orders, *, now: datetime) -> None:
        rows = MediaJob.objects.filter(pk__in=due[:_LOOKED_AT], state=State.WAITING)
        waiting = list(rows.select_related("stream__room__app", "app"))
        known = [(kind, job) for job in waiting if (kind := kind_of(job.kind)) is not None]
        streams = {job.stream_id for job in waiting if job.stream_id is not None}
        streams |= {stream for kind, job in known for stream in kind.sources(job)}
        publishes = Publish.objects.filter(stream_id__in=streams, ended_at__isnull=True)
        published = dict(publishes.values_list("stream_id", "job_id"))
        stage = Stage(
            now=now, published=frozenset(published), disk_free_bytes=disk()[0],
            by_jobs={stream: job for stream, job in published.items() if job is not None},
        )  # fmt: skip
        reserved = sum(run.kind.cores(run.spec) for run in here)
        for kind, job in sorted(known, key=lambda pair: (pair[0].order, pair[1].pk)):
            if len(orders.start) >= STARTS_AT_ONCE:
                break
            reserved += self._considered(kind, job, stage, orders, reserved=reserved)

    def _considered(self, kind: Kind[Any], job: MediaJob, stage: Stage, orders: Orders, *, reserved: float) -> float:
        """Start, end or leave one waiting job; the cores that are taken by it now."""
        try:
            spec = kind.read(job)
        except ValueError as error:
            settling.fail_unreadable(job, reason=f"Its spec cannot be read: {error}", now=stage.now)
            return 0.0
        if job.wanted == STOPPED:
            settling.settle_waiting(job, kind, spec, now=stage.now)
            return 0.0
        budget = cores_budget()
        reason = settling.asked(lambda: kind.holds_back(job, spec, stage), job)
        if reason is None:
            reason = "It could not be judged; see the log of the media worker."
        cores = kind.cores(spec)
        if not reason and not rules.fits(cores, reserved=reserved, budget=budget):
            smaller = kind.fitted(spec, cores=max(0.0, budget - reserved))
            if smaller is None:
                reason = rules.no_room_text(cores, budget=budget)
            else:
                spec, cores = smaller, kind.cores(smaller)
                settling.store_spec(job, kind, spec)
        if reason:
            if reason != job.reason:
                MediaJob.objects.filter(pk=job.pk, state=State.WAITING).update(reason=reason[:300])
            return 0.0
        run = self._claimed(kind, job, spec, now=stage.now)
        if run is None:
            return 0.0
        orders.start.append(run)
        return cores

    def _claimed(self, kind: Kind[Any], job: MediaJob, spec: Any, *, now: datetime) -> Run | None:
        """None: another host was faster, or it cannot be started."""
        try:
            with transaction.atomic():
                mine = MediaJob.objects.filter(
                    pk=job.pk, run=job.run, state=State.WAITING, wanted=RUNNING, spec_serial=job.spec_serial
                ).update(
                    state=State.RUNNING, run=F("run") + 1, host_id=self.host.pk, host_token=self.host.token, reason="",
                    running_serial=job.spec_serial, started_at=now, retry_at=None, pid=None,
                    restarts=F("restarts") + (1 if job.started_at else 0),
                )  # fmt: skip
                if not mine:
                    return None
                job.refresh_from_db()
                return Run(job=job, kind=kind, spec=spec, launch=kind.launch(job, spec, now=now))
        except Exception as error:
            log.warning("The %s job %s cannot be started: %s", job.kind, job.pk, error, exc_info=True)
            settling.hold(job, reason=f"It cannot be started: {error}", now=now)
            return None

    def let_go(self, runs: Sequence[Run], *, now: datetime) -> None:
        """At a clean stop: whoever looks next may have them at once."""
        for run in runs:
            with transaction.atomic():
                job = self._ours(run).select_for_update().first()
                if job is not None:
                    job.cpu_seconds = run.job.cpu_seconds + run.cpu_seconds
                    job.progress = settling.shown_progress(run.reader.progress, since=job.progress)
                    settling.wait(job, now=now, reason="", failures=job.failures)
        self.host.give_back(now=now)

    def others(self, *, now: datetime) -> dict[int, int]:
        """Job and run of what other living hosts have: those on this machine must not be taken for strays."""
        theirs = MediaJob.objects.filter(
            state=State.RUNNING, host__lease_until__gt=now, host_token=F("host__token")
        ).exclude(host_id=self.host.pk)
        return dict(theirs.values_list("pk", "run"))
