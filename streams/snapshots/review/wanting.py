"""Whether a picture is judged, and by whom: the app's settings, and what its stream's template asks for."""

from __future__ import annotations

from datetime import datetime

from streams.jobs.finite import want_task
from streams.snapshots.models import WAITING, PictureReview, Snapshot
from streams.snapshots.review.judging import Reviewer
from streams.snapshots.review.skin import SkinRule
from streams.snapshots.review.webhook import Webhook

REVIEW = "review"


def mark(snapshot: Snapshot, *, asked: bool) -> None:
    """Before the row is saved: it waits for a judgement, if somebody judges. `asked`: by its template."""
    found = PictureReview.objects.filter(app=snapshot.stream.room.app_id, enabled=True).first()
    if found is not None and (asked or found.all_streams):
        snapshot.review = WAITING


def want(snapshot: Snapshot, *, now: datetime) -> None:
    """In the transaction that saves it: a picture that waits has a task, whatever is killed when."""
    if snapshot.review == WAITING:
        want_task(
            kind=REVIEW, reference=f"snapshot:{snapshot.pk}", app=snapshot.stream.room.app, now=now,
            spec={"snapshot": snapshot.pk},
        )  # fmt: skip


def reviewer_of(app_id: int) -> Reviewer | None:
    """None: it was switched off meanwhile."""
    found = PictureReview.objects.filter(app=app_id, enabled=True).first()
    if found is None:
        return None
    if found.adapter == PictureReview.WEBHOOK:
        return Webhook(url=found.url, secret=found.secret)
    return SkinRule(review_at=found.review_at, block_at=found.block_at)
