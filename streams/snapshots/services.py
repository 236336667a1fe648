"""What is asked of snapshots: that a stream on air has a job, one picture now, away with one, a moderator's word on a doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import Conflict
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from streams import selectors as streams
from streams.jobs import services as jobs
from streams.models.streams import MARK, Publish, Stream
from streams.plans.applying import applies
from streams.plans.models import Template
from streams.plans.settings import SNAPSHOT, SnapshotSettings
from streams.snapshots import finite_work, troubles
from streams.snapshots.kinds import SnapshotKind, SnapshotSpec, reference
from streams.snapshots.models import BLOCK, FAILED, PASS, WAITING, Snapshot
from streams.snapshots.review import work
from streams.storage import storage

# Of pictures that nobody keeps: enough for the wall.
WALL_WIDTH = 640
# Whoever asks again within so long gets the picture that is on its way.
SAME_WITHIN = timedelta(seconds=15)


class NotOnAir(Conflict):
    """10056: nobody publishes the stream."""

    name = "not_on_air"


class NoDoubt(Conflict):
    """10056: nobody doubted the picture, or it was decided."""

    name = "no_doubt"


@applies(SNAPSHOT)
def snapshots_by_plan(*, stream: Stream, template: Template | None, publish: Publish, now: datetime) -> None:
    """As the template says; without one the usual few, unless they are switched off."""
    spec = _usual() if template is None else _by_template(template)
    if spec is not None and stream.made_by == MARK:
        spec = _of_copy(spec) if stream.wants_programme else None
    if spec is None:
        return _stop(stream, now=now)
    jobs.want(
        kind=SnapshotKind, reference=reference(stream.pk), spec=spec, app=stream.room.app, stream=stream, now=now,
        label=stream.label,
    )  # fmt: skip
    return None


def _usual() -> SnapshotSpec | None:
    here = settings.LIVEROOM.pictures
    if not here.snapshots:
        return None
    return SnapshotSpec(
        width=WALL_WIDTH,
        black_seconds=here.black_seconds,
        frozen_seconds=here.frozen_seconds,
        silent_seconds=here.silent_seconds,
    )


def _of_copy(spec: SnapshotSpec) -> SnapshotSpec:
    """Of a marked copy that viewers see: for the room's cover. What is wrong with it, its original says already."""
    return replace(spec, black_seconds=0, frozen_seconds=0, silent_seconds=0)


def _by_template(template: Template) -> SnapshotSpec:
    said = template.read()
    assert isinstance(said, SnapshotSettings)  # noqa: S101 - the template's kind says so
    return SnapshotSpec(
        interval_seconds=said.interval_seconds,
        width=said.width,
        height=said.height,
        black_seconds=said.black_seconds,
        frozen_seconds=said.frozen_seconds,
        silent_seconds=said.silent_seconds,
        kept=True,
        review=said.review,
    )


def off_air(*, stream: Stream, now: datetime) -> None:
    """Its publisher is gone and no other is there."""
    _stop(stream, now=now)
    troubles.close_all(stream=stream, now=now)


def _stop(stream: Stream, *, now: datetime) -> None:
    job = jobs.open_job(kind=SnapshotKind, reference=reference(stream.pk))
    if job is not None:
        jobs.stop(job=job, now=now)


@transaction.atomic
def ask_snapshot(*, stream: Stream, by: Actor, now: datetime) -> Snapshot:
    """A picture as soon as there is a keyframe; the row is answered at once. NotOnAir. Many who ask at once share one."""
    permission.ask("media.manage", actor=by, room=stream.room)
    # Its own row, so that two who ask at once see each other.
    Stream.objects.select_for_update(of=("self",)).get(pk=stream.pk)
    under_way = Snapshot.objects.filter(stream=stream, state=WAITING, asked_at__gt=now - SAME_WITHIN).first()
    if under_way is not None:
        return under_way
    if streams.open_publish(stream) is None:
        raise NotOnAir("Nobody publishes this stream now: there is no picture to take.", stream=stream.name)
    number = ids.number("s")
    snapshot = Snapshot.objects.create(number=number, stream=stream, origin=f"asked-{number}", asked_at=now)
    finite_work.want_taken(snapshot=snapshot, now=now)
    return snapshot


@transaction.atomic
def delete_snapshot(*, snapshot: Snapshot, by: Actor, now: datetime, address: str = "") -> None:
    """The picture and its row. One that is in doubt stays until it is decided."""
    room = snapshot.stream.room
    permission.ask("media.manage", actor=by, room=room)
    if snapshot.review == WAITING or (
        snapshot.verdict in ("review", BLOCK) and not permission.may("stream.forbid", actor=by, room=room)
    ):
        raise Conflict("This picture is being judged, or was doubted; only the app's server or its admins delete it.")
    audit.record(
        action="snapshot.delete", actor=by, now=now, room_key=room.key, target=snapshot.number, address=address
    )
    key = snapshot.key
    Snapshot.objects.filter(pk=snapshot.pk).delete()
    transaction.on_commit(lambda: storage().remove(key=key))


@transaction.atomic
def decide(*, snapshot: Snapshot, verdict: str, by: Actor, now: datetime, address: str = "") -> Snapshot:
    """A person's word on a doubt: `pass`, or `block`, which cuts and forbids the stream. NoDoubt."""
    room = snapshot.stream.room
    permission.ask("stream.forbid", actor=by, room=room)
    doubted = Snapshot.objects.filter(pk=snapshot.pk, decided_at=None).exclude(state=WAITING).exclude(verdict=PASS)
    if not doubted.filter(verdict__in=("review", BLOCK)).exists() and not doubted.filter(review=FAILED).exists():
        raise NoDoubt("Nobody doubted this picture, or somebody has decided already.")
    doubted.update(decided_by=str(by)[:120], decided_at=now, verdict=verdict)
    audit.record(
        action="snapshot.decide", actor=by, now=now, room_key=room.key, target=snapshot.number, address=address,
        detail={"verdict": verdict},
    )  # fmt: skip
    if verdict == BLOCK:
        work.block(snapshot=snapshot, by=by, why="decided by hand", now=now)
    snapshot.refresh_from_db()
    return snapshot
