"""Applying plans to what is on air, some at a time: a change in an app with a thousand streams keeps nobody waiting.

A round is a row with a cursor over publishes, followed by the task workers every half second. Who publishes after the change reads it;
who was just being let in while it was made has read the old rules and is not on air yet: a second round finds it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from liveroom.kernel import clock
from liveroom.kernel.work.due import MORE
from streams.models.streams import Publish
from streams.plans import applying, selectors
from streams.plans.models import PlanRound

# Publishes that are looked at in one transaction.
AT_ONCE = 25
# Longer than it takes to let a publisher in.
LET_IN = timedelta(seconds=5)
# Pauses before another try for a publish whose plan could not be applied; after the last it is left to the next change.
AGAIN_SECONDS = (1, 5, 30, 120, 600)


def begin(*, app_id: int, kind: str, stream_id: int | None, now: datetime) -> None:
    """Called in the transaction of the change."""
    for later in (timedelta(0), LET_IN):
        PlanRound.objects.create(app_id=app_id, kind=kind, stream_id=stream_id, due_at=now + later)


def try_again(*, publish: Publish, kind: str, now: datetime, attempts: int = 0) -> None:
    if attempts >= len(AGAIN_SECONDS):
        return
    PlanRound.objects.create(
        app_id=publish.stream.room.app_id, kind=kind, stream_id=publish.stream_id, attempts=attempts + 1,
        due_at=now + timedelta(seconds=AGAIN_SECONDS[attempts]),
    )  # fmt: skip


def is_wanted(now: datetime) -> bool:
    return PlanRound.objects.filter(due_at__lte=now).exists()


def follow_due(now: datetime) -> object:
    """A step of the oldest round; the answer of a due job."""
    with transaction.atomic():
        found = PlanRound.objects.select_for_update(of=("self",), skip_locked=True).filter(due_at__lte=now)
        round_ = found.order_by("due_at", "pk").first()
        if round_ is None:
            return None
        _step(round_, now=clock.now())
    return MORE


def _step(round_: PlanRound, *, now: datetime) -> None:
    seen = 0
    for one in selectors.plans_on_air(
        app_id=round_.app_id, kind=round_.kind, stream_id=round_.stream_id, after=round_.after, at_most=AT_ONCE
    ):
        seen, round_.after = seen + 1, one.publish.pk
        if not applying.apply(kind=round_.kind, publish=one.publish, template=one.template, now=now):
            try_again(publish=one.publish, kind=round_.kind, now=now, attempts=round_.attempts)
    if seen < AT_ONCE:
        round_.delete()
    else:
        round_.save(update_fields=["after"])
