"""The judging itself, as a task: once for each picture, however often a worker dies at it.

Promise: the judgement, what it does to the stream and the word to the moderators are one transaction, and only the first counts. What
could not be judged within a quarter of an hour stands as failed in the list of staff."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from liveroom.kernel import clock, facts, permission
from liveroom.kernel.permission import Actor
from streams.jobs.finite import Claim, does
from streams.jobs.models import MediaTask
from streams.services.streams import FORBID_LONGEST, forbid_stream
from streams.snapshots import covers, selectors
from streams.snapshots.facts import SnapshotDoubted
from streams.snapshots.models import BLOCK, DONE, FAILED, PASS, WAITING, Snapshot
from streams.snapshots.models import REVIEW as DOUBT
from streams.snapshots.review.judging import Judged, Judgement
from streams.snapshots.review.wanting import REVIEW, reviewer_of
from streams.storage import FileUnknown, storage

log = logging.getLogger(__name__)

# A stream in doubt is in doubt every ten seconds; its moderators are told once in a while.
TOLD_EVERY = timedelta(minutes=5)


def _gave_up(task: MediaTask, reason: str) -> None:
    Snapshot.objects.filter(pk=task.spec.get("snapshot"), review=WAITING).update(review=FAILED, reason=reason[:300])


@does(REVIEW, gave_up=_gave_up)
def review(claim: Claim) -> None:
    row = _waiting(claim.task.spec["snapshot"])
    if row is None:
        return
    app = row.stream.room.app
    reviewer = reviewer_of(app.pk)
    if reviewer is None:
        Snapshot.objects.filter(pk=row.pk, review=WAITING).update(review="")
        return
    now = clock.now()
    picture = Judged(
        id=row.number, stream=row.stream.name, room=row.stream.room.group_id, sdkappid=app.sdkappid,
        taken_at=row.taken_at or row.asked_at, width=row.width, height=row.height,
        url=selectors.address_of(row, now=now),
    )  # fmt: skip
    try:
        with storage().at_hand(key=row.key) as path:
            judgement = reviewer.judge(picture, path=path)
    except FileUnknown:
        Snapshot.objects.filter(pk=row.pk, review=WAITING).update(review=FAILED, reason="Its picture is gone.")
        return
    write(snapshot=row, judgement=judgement, by=reviewer.name, now=clock.now())


def _waiting(pk: int) -> Snapshot | None:
    rows = Snapshot.objects.select_related("stream__room__app", "stream__room__owner")
    return rows.filter(pk=pk, review=WAITING, state=DONE).first()


def write(*, snapshot: Snapshot, judgement: Judgement, by: str, now: datetime) -> bool:
    """Whether it was the first for this picture."""
    stream = snapshot.stream
    with transaction.atomic():
        first = Snapshot.objects.filter(pk=snapshot.pk, review=WAITING).update(
            review=DONE, verdict=judgement.verdict, labels=list(judgement.labels), score=judgement.score, judged_by=by,
            judged_at=now, reason="",
        )  # fmt: skip
        if not first:
            return False
        snapshot.review, snapshot.verdict = DONE, judgement.verdict
        news = judgement.verdict == DOUBT and not _told_lately(snapshot, now=now)
        if judgement.verdict == BLOCK and not _blocked_since(snapshot):
            block(snapshot=snapshot, by=_actor(snapshot), why=", ".join(judgement.labels), now=now)
            news = True
        if news:
            facts.state(
                SnapshotDoubted(
                    stream=stream.name, room_id=stream.room_id, room_key=stream.room.key, at=now, label=stream.label,
                    snapshot=snapshot.number, verdict=judgement.verdict, labels=tuple(judgement.labels),
                )
            )  # fmt: skip
    if judgement.verdict == PASS:
        covers.follow(snapshot=snapshot)
    return True


def block(*, snapshot: Snapshot, by: Actor, why: str, now: datetime) -> None:
    """Cut the stream and refuse it until somebody lifts that (90 days at most), with its entry in the audit log."""
    reason = f"Its picture {snapshot.number} was blocked by a review" + (f" ({why})." if why else ".")
    forbid_stream(stream=snapshot.stream, by=by, now=now, reason=reason[:300], until=now + FORBID_LONGEST)
    covers.drop(room_id=snapshot.stream.room_id)


def _actor(snapshot: Snapshot) -> Actor:
    app = snapshot.stream.room.app
    return Actor(
        kind=permission.SERVER, app_id=app.pk, sdkappid=app.sdkappid, label="picture review",
        scopes=frozenset({"streams"}),
    )  # fmt: skip


def _told_lately(snapshot: Snapshot, *, now: datetime) -> bool:
    others = Snapshot.objects.filter(
        stream=snapshot.stream_id, verdict=DOUBT, decided_at=None, judged_at__gt=now - TOLD_EVERY
    )
    return others.exclude(pk=snapshot.pk).exists()


def _blocked_since(snapshot: Snapshot) -> bool:
    """An older picture's late judgement must not undo what a moderator lifted meanwhile."""
    return (
        Snapshot.objects.filter(stream=snapshot.stream_id, verdict=BLOCK, judged_at__gte=snapshot.taken_at)
        .exclude(pk=snapshot.pk)
        .exists()
    )
