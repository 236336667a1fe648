"""What happens to marked copies by themselves: sources and copies come and go, programmes change, sizes change, recordings end."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from liveroom.kernel.facts import handles
from liveroom.rooms.facts import RoomDisbanded
from streams.engines.base import EngineState
from streams.facts import ProgrammeChanged, StreamPublished, StreamUnpublished
from streams.jobs import services as jobs
from streams.ladder.services import source_of
from streams.models.streams import MARK, Stream
from streams.plans import rounds
from streams.plans.settings import TIMESHIFT, TRANSCODE
from streams.watermarks.copies.kinds import MarkedCopyKind
from streams.watermarks.copies.settling import settle
from streams.watermarks.models import MarkedCopy

log = logging.getLogger(__name__)

# The engine learns sizes before it learns how many pictures come; after so long it is taken at its word.
_FPS_MS = 3_000


@handles(StreamPublished)
def copy_came(fact: StreamPublished) -> None:
    """A copy is there: what waited for it, or did without it, takes it."""
    _settle_source(fact.stream, now=fact.at)


@handles(StreamUnpublished)
def copy_or_source_left(fact: StreamUnpublished) -> None:
    """A copy ends with its source at once, instead of showing a card."""
    _settle_source(fact.stream, now=fact.at)
    for copy in MarkedCopy.objects.filter(source__name=fact.stream):
        job = jobs.open_job(kind=MarkedCopyKind, reference=copy.reference)
        if job is not None and job.pid is not None:
            jobs.restart(job=job)


def _settle_source(name: str, *, now: datetime) -> None:
    source = Stream.objects.filter(name=name, made_by=MARK).values_list("stands_in_for_id", flat=True).first()
    if source is not None:
        settle(stream_id=source, now=now)


@handles(ProgrammeChanged)
def programme_changed(fact: ProgrammeChanged) -> None:
    """The original is kept back while its copy is shown. Ladder and time shift are made of what viewers see."""
    for source in Stream.objects.filter(room_id=fact.room_id, marked_copies__isnull=False).distinct():
        settle(stream_id=source.pk, now=fact.at)
        for kind in (TRANSCODE, TIMESHIFT):
            rounds.begin(app_id=source.room.app_id, kind=kind, stream_id=source.pk, now=fact.at)


@handles(RoomDisbanded)
def room_is_no_more(fact: RoomDisbanded) -> None:
    for source in Stream.objects.filter(room_id=fact.room_id, marked_copies__isnull=False).distinct():
        settle(stream_id=source.pk, now=fact.at)


def follow(state: EngineState, *, now: datetime) -> None:
    """Called by the reconciler with the engine's list: another size is another copy; who waited long enough takes the original; what is
    for nobody any more rests."""
    busy = MarkedCopy.objects.exclude(targets=[]).select_related("source")
    for source in {copy.source for copy in busy}:
        try:
            _follow(source, state, now=now)
        except Exception:
            log.exception("The marked copies of %s could not be looked at.", source)


@transaction.atomic
def _follow(source: Stream, state: EngineState, *, now: datetime) -> None:
    found = state.published(source.name)
    about = None if found is None else source_of(found)
    ms = 0 if found is None or found.publisher is None else found.publisher.connected_ms
    if about is not None and about.width and about.height and (about.fps or ms > _FPS_MS):
        size = {"width": about.width, "height": about.height, "fps": min(60, round(about.fps) or 25)}
        MarkedCopy.objects.filter(source=source).exclude(**size).update(**size, updated_at=now)
    settle(stream_id=source.pk, now=now)
