"""Media work that ends: remuxing, covers, clips, exports. Done by the task workers (Celery), once at a time, as often as it takes.

Promise: a task is done by one worker at a time (a claim with a number; whoever lost it stops at its next word); what a worker had that
died is taken up again when its claim is over; a task that fails is tried again with a growing pause, a bounded number of times. So what
it does must bear being done twice. State: `MediaTask`. The lanes stand in `liveroom/wiring.py`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from liveroom.accounts.models import App
from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.work.due import MORE
from liveroom.kernel.work.pruning import Budget
from streams.jobs.models import MediaTask, State

log = logging.getLogger(__name__)

CLAIM = timedelta(seconds=30)
PAUSE_SECONDS = (1, 5, 30, 120, 600)
_OPEN = (State.WAITING, State.RUNNING)
_ANY = Q()


class ClaimLost(Exception):
    """Another worker has the task; what this one was doing is the other's."""


class Hopeless(LiveRoomError):
    """The task cannot succeed, now or later; its text is kept for people."""

    code, name, status = 10004, "media_task_failed", 422


@dataclass(slots=True)
class Claim:
    """A task in hand. `told(0.4)` keeps it and shows how far it is; ClaimLost."""

    task: MediaTask

    def told(self, progress: float) -> None:
        kept = MediaTask.objects.filter(pk=self.task.pk, claim=self.task.claim, state=State.RUNNING).update(
            progress=min(1.0, max(0.0, progress)), claimed_until=clock.now() + CLAIM
        )
        if not kept:
            raise ClaimLost(str(self.task))


@dataclass(frozen=True, slots=True)
class TaskKind:
    """`work(claim)`: Hopeless is final, whatever else it raises is tried again. `gave_up(task, reason)`: after the last try. `quick`: it
    takes seconds and somebody waits for it, so it has a lane of its own beside the others."""

    name: str
    work: Callable[[Claim], None]
    gave_up: Callable[[MediaTask, str], None] | None
    quick: bool = False


_kinds: dict[str, TaskKind] = {}


def does(
    name: str, *, gave_up: Callable[[MediaTask, str], None] | None = None, quick: bool = False
) -> Callable[[Callable[[Claim], None]], Callable[[Claim], None]]:
    """Declares the function below as what a kind of task does; its module is imported by `streams/jobs/register.py`."""

    def declare(work: Callable[[Claim], None]) -> Callable[[Claim], None]:
        _kinds[name] = TaskKind(name=name, work=work, gave_up=gave_up, quick=quick)
        return work

    return declare


def want_task(*, kind: str, reference: str, app: App, now: datetime, spec: dict[str, Any] | None = None) -> MediaTask:
    """The open task of that kind for that reference. Call it in the transaction of the act that wants it."""
    while True:
        try:
            with transaction.atomic():
                return MediaTask.objects.create(
                    app=app, kind=kind, reference=reference, spec=spec or {}, retry_at=now, created_at=now
                )
        except IntegrityError:
            there = MediaTask.objects.filter(kind=kind, reference=reference, state__in=_OPEN).first()
        if there is not None:
            return there  # None: it was done in between


def _ready(now: datetime) -> Q:
    return Q(state__in=_OPEN, retry_at__lte=now) & (Q(claimed_until__isnull=True) | Q(claimed_until__lte=now))


def _quick() -> list[str]:
    return [kind.name for kind in _kinds.values() if kind.quick]


def is_wanted(now: datetime) -> bool:
    return MediaTask.objects.filter(_ready(now)).exists()


def quick_is_wanted(now: datetime) -> bool:
    return MediaTask.objects.filter(_ready(now), kind__in=_quick()).exists()


def run_due(now: datetime) -> object:
    """Several, one after the other, for a while; the answer of a due job."""
    return _run_all(_ANY, budget=Budget())


def run_quick(now: datetime) -> object:
    """The same for kinds that are quick, and no others."""
    return _run_all(Q(kind__in=_quick()), budget=Budget(seconds=1.0))


def _run_all(which: Q, *, budget: Budget) -> object:
    while not budget.is_spent:
        claim = _claim(which, now=clock.now())
        if claim is None:
            return None
        run(claim)
    return MORE


def _claim(which: Q = _ANY, *, now: datetime) -> Claim | None:
    for task in MediaTask.objects.filter(which, _ready(now)).order_by("retry_at", "pk")[:5]:
        mine = MediaTask.objects.filter(_ready(now), pk=task.pk, claim=task.claim).update(
            state=State.RUNNING, claim=F("claim") + 1, claimed_until=now + CLAIM, attempts=F("attempts") + 1
        )
        if mine:
            task.refresh_from_db()
            return Claim(task)
    return None


def run(claim: Claim) -> None:
    """Do it and write what came of it."""
    task = claim.task
    kind = _kinds.get(task.kind)
    if kind is None:
        return _failed(claim, f"There is no task {task.kind!r} here; another version asked for it.", kind=None)
    if task.attempts > len(PAUSE_SECONDS):
        return _failed(claim, task.reason or "It ended its worker again and again.", kind=kind)
    try:
        kind.work(claim)
    except ClaimLost:
        log.info("The media task %s has gone to another worker.", task)
        return None
    except Hopeless as error:
        return _failed(claim, error.message, kind=kind)
    except Exception as error:
        log.warning("The media task %s failed (%s: %s).", task, type(error).__name__, error, exc_info=True)
        return _again(claim, _words(error), kind=kind)
    MediaTask.objects.filter(pk=task.pk, claim=task.claim, state=State.RUNNING).update(
        state=State.DONE, progress=1.0, reason="", claimed_until=None, ended_at=clock.now()
    )
    return None


def _words(error: Exception) -> str:
    return (error.message if isinstance(error, LiveRoomError) else f"{type(error).__name__}: {error}")[:300]


def _again(claim: Claim, reason: str, *, kind: TaskKind) -> None:
    task = claim.task
    if task.attempts >= len(PAUSE_SECONDS):
        return _failed(claim, reason, kind=kind)
    MediaTask.objects.filter(pk=task.pk, claim=task.claim, state=State.RUNNING).update(
        state=State.WAITING, reason=reason, claimed_until=None,
        retry_at=clock.now() + timedelta(seconds=PAUSE_SECONDS[task.attempts - 1]),
    )  # fmt: skip
    return None


def _failed(claim: Claim, reason: str, *, kind: TaskKind | None) -> None:
    task = claim.task
    with transaction.atomic():
        mine = MediaTask.objects.filter(pk=task.pk, claim=task.claim, state=State.RUNNING).update(
            state=State.FAILED, reason=reason[:300], claimed_until=None, ended_at=clock.now()
        )
        if mine and kind is not None and kind.gave_up is not None:
            kind.gave_up(task, reason)
