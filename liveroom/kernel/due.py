"""Finite work that is due again and again, done by the task workers: handed out by the relay, claimed in the database.

Promise: a job is under way once at a time, whoever hands it out and how often; what a worker had that died is due again when its claim
is over; a worker that was believed dead and is not ends without a word. A task message is a hint: a lost one is sent again, a second
one finds nothing to claim. State: one row per job (`DueJob`). `liveroom/wiring.py` lists the jobs.

Whatever a job writes must bear being done twice at once: a worker may outlive its claim."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.db import DatabaseError

from liveroom.kernel import clock, metrics
from liveroom.kernel.models import DueJob
from liveroom.kernel.sql import adapted, asked

log = logging.getLogger(__name__)

# An answer of `Job.work`: there is more, do not wait for the next turn.
MORE = "more"
# A hint that was not followed is sent again so much later at the soonest, and is worth nothing after a while.
HINT_AGAIN = timedelta(seconds=2)
HINT_EXPIRES_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Job:
    """`work(now)` once in so many seconds; it bounds what it does at once and answers `MORE` if something is left.

    `wanted(now)`: a cheap look whether there is anything to do; without it there always is. `longest`: seconds after which a worker that
    has it is given up."""

    name: str
    seconds: float
    work: Callable[[datetime], object]
    wanted: Callable[[datetime], bool] | None = None
    longest: float = 30.0


@dataclass(slots=True)
class _Table:
    jobs: Sequence[Job] = ()


_table = _Table()


def install(jobs: Sequence[Job]) -> None:
    """Called once by the roof when Django is ready."""
    _table.jobs = jobs


@dataclass(slots=True)
class Dispatcher:
    """Sends hints for what is due: one query a look, and the looks of `wanted`. Remembers only whom it asked when.

    `send(name)`: a message to the task workers. `waiting()`: how many messages nobody has taken: of workers that are away for a day
    none must be left to wade through."""

    send: Callable[[str], None]
    waiting: Callable[[], int]
    most_waiting: int = 50
    _look_at: dict[str, datetime] = field(default_factory=dict)

    def hand_out(self, *, now: datetime) -> list[str]:
        """The names of the jobs that were handed out."""
        rows = {name: (due_at, until) for name, due_at, until in _rows()}
        if missing := [DueJob(name=job.name, due_at=now) for job in _table.jobs if job.name not in rows]:
            DueJob.objects.bulk_create(missing, ignore_conflicts=True)
            rows |= {job.name: (now, None) for job in missing}
        due = [job for job in _table.jobs if _is_free(*rows[job.name], now) and self._is_turn(job, now)]
        wanted = [job for job in due if job.wanted is None or job.wanted(now)]
        if not wanted or self.waiting() >= self.most_waiting:
            return []
        for job in wanted:
            self.send(job.name)
        return [job.name for job in wanted]

    def _is_turn(self, job: Job, now: datetime) -> bool:
        look_at = self._look_at.get(job.name)
        if look_at is not None and now < look_at <= now + timedelta(seconds=job.seconds) + HINT_AGAIN:
            return False
        self._look_at[job.name] = now + min(HINT_AGAIN, timedelta(seconds=job.seconds))
        return True


def _rows() -> list[tuple[str, datetime, datetime | None]]:
    return list(DueJob.objects.values_list("name", "due_at", "claimed_until"))


def _is_free(due_at: datetime, claimed_until: datetime | None, now: datetime) -> bool:
    return due_at <= now and (claimed_until is None or claimed_until <= now)


# A job that waits longer than this has no worker.
LATE = timedelta(minutes=2)


def late(*, now: datetime) -> list[str]:
    """Jobs that nobody does: for the admin and `doctor`. Of those that look whether there is anything to do nothing can be said."""
    always = {job.name for job in _table.jobs if job.wanted is None}
    return sorted(name for name, due_at, _ in _rows() if name in always and due_at < now - LATE)


def run(name: str, *, by: str) -> bool:
    """On a task worker: claim and do. False: it is not due, or somebody else has it."""
    job = next((job for job in _table.jobs if job.name == name), None)
    if job is None:
        log.warning("There is no due job %r here; another version handed it out.", name)
        return False
    began = clock.now()
    claim = _claim(job, by=by, now=began)
    if claim is None:
        return False
    fault, more = "", False
    try:
        more = job.work(began) == MORE
    except (redis.RedisError, OSError) as error:
        fault = f"{type(error).__name__}: {error}"[:300]
        log.info("The due job %r waits: %s", name, error)
    except DatabaseError as error:
        fault = f"{type(error).__name__}: {error}"[:300]
        log.warning("The due job %r has lost the database (%s); it is tried again.", name, error)
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"[:300]
        log.exception("The due job %r failed; it is tried again.", name)
    _finish(job, claim=claim, due_at=began if more else began + timedelta(seconds=job.seconds), fault=fault)
    metrics.due_jobs.labels(job=name, result="failed" if fault else "done").inc()
    return True


_CLAIM = """
UPDATE kernel_duejob SET claim = claim + 1, claimed_until = %s, claimed_by = %s
WHERE name = %s AND due_at <= %s AND (claimed_until IS NULL OR claimed_until <= %s) RETURNING claim
"""


def _claim(job: Job, *, by: str, now: datetime) -> int | None:
    """A conditional UPDATE: of two workers one gets it. The number tells the one from whoever comes after it."""
    until = adapted(now + timedelta(seconds=job.longest))
    found = asked(_CLAIM, (until, by[:120], job.name, adapted(now), adapted(now)))
    return int(found[0][0]) if found else None


def _finish(job: Job, *, claim: int, due_at: datetime, fault: str) -> None:
    """Only what is still ours. Without the database the claim runs out by itself."""
    try:
        DueJob.objects.filter(name=job.name, claim=claim).update(due_at=due_at, claimed_until=None, last_error=fault)
    except DatabaseError as error:
        log.warning("The due job %r could not be put down (%s); its claim runs out.", job.name, error)
