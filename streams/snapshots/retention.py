"""Which snapshots go: those that nobody keeps beyond the newest few, the kept ones by their number and their age.

A picture that waits for a judgement stays, and one that was doubted stays for a month: somebody may ask why."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Q, QuerySet

from liveroom.kernel.work import due
from liveroom.kernel.work.pruning import Budget, forget_all
from streams.snapshots import files, troubles
from streams.snapshots.models import WAITING, Snapshot, Trouble
from streams.storage import storage

# Of a stream whose pictures no template wants: for the wall and the cover.
SHOWN: Final = 3
DOUBTED: Final = timedelta(days=30)
_AT_ONCE = 100
_LEFT_SECONDS = 3600.0
_PLAIN = ~Q(review=WAITING) & ~Q(verdict__in=("review", "block"))


def remove(rows: QuerySet[Any]) -> int:
    """The picture first: a row without one is found again, a picture without a row is not."""
    gone = 0
    for row in rows[:_AT_ONCE]:
        storage().remove(key=row.key)
        gone += Snapshot.objects.filter(pk=row.pk).delete()[0]
    return gone


def _kept_count() -> int:
    return settings.LIVEROOM.pictures.kept_count


def forget_surplus(*, stream_id: int) -> None:
    """After new pictures of that stream."""
    for kept, at_most in ((False, SHOWN), (True, _kept_count())):
        rows = Snapshot.objects.filter(_PLAIN, stream_id=stream_id, kept=kept).exclude(state=WAITING).order_by("-id")
        last = list(rows.values_list("pk", flat=True)[at_most : at_most + 1])
        if last:
            remove(rows.filter(pk__lte=last[0]))


def prune(*, now: datetime) -> object:
    """By age; and what was left lying by workers that were killed."""
    old = now - timedelta(days=settings.LIVEROOM.pictures.kept_days)
    rows = Snapshot.objects.filter(_PLAIN, asked_at__lt=old) | Snapshot.objects.filter(
        asked_at__lt=min(old, now - DOUBTED)
    )
    budget = Budget()
    while remove(rows.order_by("asked_at")):
        if budget.is_spent:
            return due.MORE
    _sweep()
    return forget_all((Trouble.objects.filter(ended_at__lt=now - troubles.KEPT).order_by("ended_at"),))


def _sweep() -> None:
    """Files that nobody came for within an hour."""
    for path in files.left_lying():
        if time.time() - path.stat().st_mtime > _LEFT_SECONDS:
            path.unlink(missing_ok=True)
