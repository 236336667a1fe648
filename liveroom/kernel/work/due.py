"""Work that is due again and again, done by the task workers: handed out by the relay, claimed in the database.

Promise: a job is under way once at a time, whoever hands it out and how often; what a worker had that died is due again when its claim
is over; a worker that was believed dead and is not ends without a word. A task message is a hint: a lost one is sent again, a second
one finds nothing to claim. What viewers wait for by the second (`prompt`) never waits for a thread: a part of every worker's threads is
for it alone. State: one row per job (`DueJob`). `liveroom/wiring.py` lists the jobs.

Whatever a job writes must bear being done twice at once: a worker may outlive its claim."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.db import DatabaseError

from liveroom.kernel import clock
from liveroom.kernel.data.sql import adapted, asked
from liveroom.kernel.models import DueJob
from liveroom.kernel.work import metrics

log = logging.getLogger(__name__)

# An answer of `Job.work`: there is more, do not wait for the next turn.
MORE = "more"
# A hint that was not followed is sent again so much later at the soonest, and is worth nothing after a while.
HINT_AGAIN = timedelta(seconds=2)
HINT_EXPIRES_SECONDS = 30.0
# Between two looks of the dispatcher: sooner only if it knows that something is due.
LOOK_SECONDS, SHORTEST_LOOK_SECONDS = 0.25, 0.02
# A worker whose clock is so much behind the relay's believes a hint all the same.
CLOCKS_APART = timedelta(milliseconds=200)
# Jobs that are not prompt, of one worker at once. Its threads are more (CELERY_WORKER_CONCURRENCY): the others are for the prompt ones.
SLOW_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Job:
    """`work(now)` once in so many seconds; it bounds what it does at once and answers `MORE` if something is left.

    `wanted(now)`: a cheap look whether there is anything to do; without it there always is. `prompt`: viewers wait for it. `longest`:
    seconds after which a worker that has it is given up, and another one may begin."""

    name: str
    seconds: float
    work: Callable[[datetime], object]
    wanted: Callable[[datetime], bool] | None = None
    prompt: bool = False
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
    none must be left to wade through. `may_go_on()`: whoever has lost its lease leaves the rest to the next one. Two at once do no
    harm."""

    send: Callable[[str], None]
    waiting: Callable[[], int]
    may_go_on: Callable[[], bool] = lambda: True
    most_waiting: int = 50
    # Seconds until the next look is worth it, after each.
    pause: float = LOOK_SECONDS
    _look_at: dict[str, datetime] = field(default_factory=dict)
    # The turn for which the last hint was sent, as its row said when it was due.
    _sent_for: dict[str, datetime] = field(default_factory=dict)

    def hand_out(self, *, now: datetime) -> list[str]:
        """The names of the jobs that were handed out. DatabaseError, RedisError, and what `send` raises."""
        rows = {name: (due_at, until) for name, due_at, until in _rows()}
        if missing := [DueJob(name=job.name, due_at=now) for job in _table.jobs if job.name not in rows]:
            DueJob.objects.bulk_create(missing, ignore_conflicts=True)
            rows |= {job.name: (now, None) for job in missing}
        metrics.due_jobs_late.set(len(_late(rows, now)))
        free = [job for job in _table.jobs if _is_free(*rows[job.name], now)]
        due = [job for job in free if self._is_turn(job, rows[job.name][0], now)]
        wanted = [job for job in due if job.wanted is None or job.wanted(now)]
        self.pause = self._until_next(rows, now)
        if not wanted or self.waiting() >= self.most_waiting:
            return []
        done = []
        for job in wanted:
            if not self.may_go_on():
                del self._look_at[job.name]
                continue
            self.send(job.name)
            self._sent_for[job.name] = rows[job.name][0]
            self._look_at[job.name] = now + HINT_AGAIN
            done.append(job.name)
        return done

    def _is_turn(self, job: Job, due_at: datetime, now: datetime) -> bool:
        """Not while a hint is on its way, and not more often than it wants to be looked at."""
        look_at = self._look_at.get(job.name)
        if self._sent_for.get(job.name, due_at) != due_at:  # that hint was followed; this is another turn
            del self._sent_for[job.name]
        elif look_at is not None and now < look_at <= now + timedelta(seconds=job.seconds) + HINT_AGAIN:
            return False
        self._look_at[job.name] = now + min(HINT_AGAIN, timedelta(seconds=job.seconds))
        return True

    def _until_next(self, rows: _Rows, now: datetime) -> float:
        """A turn that begins before the next look would come is met in time."""
        soon = [(due_at - now).total_seconds() for due_at, until in rows.values() if until is None and due_at > now]
        return max(SHORTEST_LOOK_SECONDS, min([LOOK_SECONDS, *soon]))


_Rows = dict[str, tuple[datetime, datetime | None]]


def _rows() -> list[tuple[str, datetime, datetime | None]]:
    return list(DueJob.objects.values_list("name", "due_at", "claimed_until"))


def _is_free(due_at: datetime, claimed_until: datetime | None, now: datetime) -> bool:
    return due_at <= now and (claimed_until is None or claimed_until <= now)


# A job that waits longer than this has no worker.
LATE = timedelta(minutes=2)


def late(*, now: datetime) -> list[str]:
    """Jobs that nobody does: for the admin, `doctor` and `/metrics`. Of those that look whether there is anything to do nothing can be
    said."""
    return _late({name: (due_at, until) for name, due_at, until in _rows()}, now)


def _late(rows: _Rows, now: datetime) -> list[str]:
    always = {job.name for job in _table.jobs if job.wanted is None}
    return sorted(name for name, (due_at, _) in rows.items() if name in always and due_at < now - LATE)


_slow = threading.BoundedSemaphore(SLOW_AT_ONCE)


def run(name: str, *, by: str) -> bool:
    """On a task worker: claim and do. False: it is not due, somebody else has it, or this worker has enough of the slow ones."""
    job = next((job for job in _table.jobs if job.name == name), None)
    if job is None:
        log.warning("There is no due job %r here; another version handed it out.", name)
        return False
    if job.prompt:
        return _do(job, by=by)
    if not _slow.acquire(blocking=False):
        return False
    try:
        return _do(job, by=by)
    finally:
        _slow.release()


def _do(job: Job, *, by: str) -> bool:
    began = clock.now()
    claim = _claim(job, by=by, now=began)
    if claim is None:
        return False
    fault, more = "", False
    try:
        more = job.work(began) == MORE
    except (redis.RedisError, OSError) as error:
        fault = f"{type(error).__name__}: {error}"[:300]
        log.info("The due job %r waits: %s", job.name, error)
    except DatabaseError as error:
        fault = f"{type(error).__name__}: {error}"[:300]
        log.warning("The due job %r has lost the database (%s); it is tried again.", job.name, error)
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"[:300]
        log.exception("The due job %r failed; it is tried again.", job.name)
    _finish(job, claim=claim, due_at=began if more else began + timedelta(seconds=job.seconds), fault=fault)
    metrics.due_jobs.labels(job=job.name, result="failed" if fault else "done").inc()
    return True


_CLAIM = """
UPDATE kernel_duejob SET claim = claim + 1, claimed_until = %s, claimed_by = %s
WHERE name = %s AND due_at <= %s AND (claimed_until IS NULL OR claimed_until <= %s) RETURNING claim
"""


def _claim(job: Job, *, by: str, now: datetime) -> int | None:
    """A conditional UPDATE: of two workers one gets it. The number tells the one from whoever comes after it."""
    until = adapted(now + timedelta(seconds=job.longest))
    found = asked(_CLAIM, (until, by[:120], job.name, adapted(now + CLOCKS_APART), adapted(now)))
    return int(found[0][0]) if found else None


def _finish(job: Job, *, claim: int, due_at: datetime, fault: str) -> None:
    """Only what is still ours. Without the database the claim runs out by itself."""
    try:
        DueJob.objects.filter(name=job.name, claim=claim).update(due_at=due_at, claimed_until=None, last_error=fault)
    except DatabaseError as error:
        log.warning("The due job %r could not be put down (%s); its claim runs out.", job.name, error)
