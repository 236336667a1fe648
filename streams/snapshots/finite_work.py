"""Pictures become snapshots: what a job wrote is taken in, what somebody asked for is taken.

Both bear being done twice: a file is taken in once (`Snapshot.origin`), and goes only when its row says where the picture is kept."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from liveroom.accounts.models import App
from liveroom.kernel import clock
from liveroom.kernel.values import ids
from streams.engines import engine
from streams.jobs.finite import Claim, Hopeless, does, want_task
from streams.jobs.models import MediaTask
from streams.media.graphs.pictures import OnePicture
from streams.media.one_picture import NoPicture, take_picture
from streams.models.streams import Stream
from streams.snapshots import covers, files, retention
from streams.snapshots.models import DONE, FAILED, WAITING, Snapshot
from streams.snapshots.review import wanting
from streams.storage import storage

log = logging.getLogger(__name__)

TAKE_IN, TAKE = "snapshots", "snapshot"
# Of one turn: who was away for long has many.
AT_ONCE = 50
ASKED_WIDTH = 1280


def want_taken_in(*, stream_id: int, app: App, now: datetime) -> None:
    """Pictures of that stream wait in its folder."""
    want_task(kind=TAKE_IN, reference=f"stream:{stream_id}", app=app, now=now, spec={"stream": stream_id})


def want_taken(*, snapshot: Snapshot, now: datetime) -> None:
    """In the transaction that makes the row."""
    app = snapshot.stream.room.app
    want_task(kind=TAKE, reference=f"snapshot:{snapshot.pk}", app=app, now=now, spec={"snapshot": snapshot.pk})


@does(TAKE_IN, quick=True)
def take_in(claim: Claim) -> None:
    stream_id = int(claim.task.spec["stream"])
    stream = Stream.objects.select_related("room__app", "room__owner").filter(pk=stream_id).first()
    newest: Snapshot | None = None
    for waiting in files.waiting(stream_id, at_most=AT_ONCE):
        if stream is not None:
            newest = _taken_in(stream, waiting) or newest
            claim.told(0.5)
        waiting.path.unlink(missing_ok=True)
    if stream is None:
        return
    retention.forget_surplus(stream_id=stream.pk)
    if newest is not None and not newest.review:
        covers.follow(snapshot=newest)


def _taken_in(stream: Stream, waiting: files.WaitingPicture) -> Snapshot | None:
    """None: it was taken in before, or it is no picture."""
    try:
        measures = files.measured(waiting.path)
    except files.BadPicture as error:
        log.warning("A picture of %s cannot be read: %s", stream.name, error)
        return None
    there = Snapshot.objects.filter(stream=stream, origin=waiting.origin).first()
    if there is not None and there.state == DONE:
        return None
    row = there or Snapshot(
        number=ids.number("s"), stream=stream, origin=waiting.origin, kept=waiting.kept, asked_at=waiting.taken_at
    )
    storage().keep(path=waiting.path, key=row.key)
    row.state, row.taken_at = DONE, waiting.taken_at
    row.width, row.height, row.size_bytes = measures.width, measures.height, measures.size_bytes
    try:
        with transaction.atomic():
            wanting.mark(row, asked=waiting.review)
            row.save()
            wanting.want(row, now=clock.now())
    except IntegrityError:
        storage().remove(key=row.key)
        return None
    return row


def _gave_up(task: MediaTask, reason: str) -> None:
    Snapshot.objects.filter(pk=task.spec.get("snapshot"), state=WAITING).update(state=FAILED, reason=reason[:300])


@does(TAKE, quick=True, gave_up=_gave_up)
def take(claim: Claim) -> None:
    """The next keyframe of the stream. Hopeless, if there is none: who asked waits for an answer, not for a stream."""
    row = Snapshot.objects.select_related("stream__room__app").filter(pk=claim.task.spec["snapshot"]).first()
    if row is None or row.state != WAITING:
        return
    path = files.asked_path(row.number)
    spec = OnePicture(source=engine().loopback_url(stream=row.stream.name), target=str(path), width=ASKED_WIDTH)
    try:
        take_picture(spec)
        measures = files.measured(path)
        storage().keep(path=path, key=row.key)
    except (NoPicture, files.BadPicture) as error:
        raise Hopeless(str(error)) from error
    finally:
        path.unlink(missing_ok=True)
    row.state, row.taken_at = DONE, clock.now()
    row.width, row.height, row.size_bytes = measures.width, measures.height, measures.size_bytes
    with transaction.atomic():
        wanting.mark(row, asked=False)
        row.save()
        wanting.want(row, now=clock.now())
