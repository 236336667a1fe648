"""What happens to recordings by themselves: rules start and end them, publishers come and go, rooms end, time passes.

Due times stand in the database; `follow_due` and `clear_due` are jobs of the task workers (`liveroom/wiring.py`)."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from liveroom.kernel import permission
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.facts import handles
from liveroom.kernel.permission import Actor
from liveroom.rooms.facts import RoomDisbanded, StatusChanged
from liveroom.rooms.rules.status import Status
from streams.facts import StreamUnpublished
from streams.jobs.models import MediaTask, State
from streams.models.streams import Publish, Stream
from streams.plans.applying import applies
from streams.plans.models import Template
from streams.plans.settings import RecordSettings
from streams.recording import services
from streams.recording.chapters import add_chapter
from streams.recording.models import Chapter, Recording
from streams.recording.playback import offer_playback
from streams.recording.raw import disk
from streams.recording.rules import Wish, too_much

log = logging.getLogger(__name__)

RULE = Actor(kind=permission.STAFF, label="rule")
# Between two looks at what a running recording has written.
READ_EVERY = timedelta(seconds=20)
_AT_ONCE = 100
_CHAPTER_TITLES = {Status.LIVE: "Live", Status.PAUSED: "Paused"}


@applies("record")
def record_by_plan(*, stream: Stream, template: Template | None, publish: Publish, now: datetime) -> None:
    """What the rule wants runs, once per publish; what an older rule started ends."""
    wanted: dict[str, Wish] = {}
    if template is not None:
        said = template.read()
        assert isinstance(said, RecordSettings)  # noqa: S101 - the kind says so
        wanted = _wishes(said)
    open_ = Recording.objects.filter(stream=stream, origin=Recording.Origin.RULE, state__in=services.UNDER_WAY)
    for recording in open_.select_related("room__app", "stream"):
        if template is None or recording.template != template.pk or recording.format not in wanted:
            services.end_recording(recording=recording, now=now)
    for format, wish in wanted.items():
        assert template is not None  # noqa: S101 - wishes come from it
        known = Recording.objects.filter(stream=stream, template=template.pk, format=format)
        goes_on = Q(state__in=services.UNDER_WAY) | Q(created_at__gte=publish.started_at)
        if known.filter(goes_on).exists():
            continue
        try:
            services.start_recording(
                stream=stream, format=format, wish=wish, by=RULE, now=now, origin=Recording.Origin.RULE,
                template=template.pk,
            )  # fmt: skip
        except LiveRoomError as error:
            log.warning("The rule's %s recording of %s was not started: %s", format, stream.name, error.message)


def _wishes(said: RecordSettings) -> dict[str, Wish]:
    return {
        format: Wish(
            split_seconds=getattr(of, "interval_seconds", 0),
            split_bytes=getattr(of, "max_size_bytes", 0),
            flow_continue_seconds=said.flow_continue_seconds,
            storage_seconds=of.storage_seconds,
        )
        for format, of in said.formats.items()
    }


@handles(StreamUnpublished)
def publisher_left(fact: StreamUnpublished) -> None:
    """Recordings wait for it for a while (`flow_continue_seconds`)."""
    Recording.objects.filter(
        stream__name=fact.stream, state__in=services.UNDER_WAY, started_at__isnull=False, lost_at=None
    ).update(lost_at=fact.at)


@handles(StatusChanged)
def room_changed(fact: StatusChanged) -> None:
    """A chapter at each change; a show that is over ends the recordings of its programme."""
    title = _CHAPTER_TITLES.get(Status(fact.after))
    if title is not None:
        add_chapter(room_id=fact.room_id, kind=Chapter.Kind.STATUS, title=title, at=fact.at, now=fact.at)
    if fact.after == Status.ENDED:
        _end_all(fact.room_id, now=fact.at, only_programme=True)


@handles(StatusChanged, after_commit=True)
def play_back_what_is_there(fact: StatusChanged) -> None:
    """Its recording may have been finished before the show was over."""
    if fact.after == Status.ENDED:
        with transaction.atomic():
            offer_playback(room_id=fact.room_id, now=fact.at)


@handles(RoomDisbanded)
def end_with_room(fact: RoomDisbanded) -> None:
    _end_all(fact.room_id, now=fact.at, only_programme=False)


def _end_all(room_id: int, *, now: datetime, only_programme: bool) -> None:
    found = Recording.objects.filter(room_id=room_id, state__in=services.UNDER_WAY)
    found = found.filter(on_programme=True, started_at__isnull=False) if only_programme else found
    for recording in found.select_related("room__app", "stream"):
        services.end_recording(recording=recording, now=now)


def is_wanted(now: datetime) -> bool:
    return Recording.objects.filter(state__in=services.OPEN).exists()


def follow_due(now: datetime) -> None:
    """Ends what waited long enough, reads what was written, wants what was left undone."""
    for recording in Recording.objects.filter(state__in=services.OPEN).select_related("room__app", "stream", "app"):
        try:
            with transaction.atomic():
                _follow(recording, now=now)
        except Exception:
            log.exception("The recording %s could not be followed.", recording.number)


def _follow(recording: Recording, *, now: datetime) -> None:
    if recording.state == State.FINISHING:
        is_there = MediaTask.objects.filter(
            kind=services.FILES_TASK, reference=str(recording.pk), state__in=(State.WAITING, State.RUNNING)
        ).exists()
        left = (
            recording.files.filter(state=State.FINISHING).order_by("-size_bytes").values_list("size_bytes", flat=True)
        )
        if not is_there and disk.fits_beside(left.first() or 0):
            services.want_files(recording=recording, now=now)
        return
    if recording.until is not None and recording.until <= now:
        services.end_recording(recording=recording, now=now)
        return
    if recording.lost_at is not None:
        wish = msgspec.convert(recording.settings, Wish)
        if services.is_on_air(recording.stream_id):
            # Another publisher took its place, and the child never noticed.
            Recording.objects.filter(pk=recording.pk).update(lost_at=None)
        elif recording.lost_at + timedelta(seconds=wish.flow_continue_seconds) <= now:
            services.end_recording(recording=recording, now=now)
            return
        elif recording.read_at is None or recording.read_at < recording.lost_at + timedelta(seconds=2) <= now:
            services.want_files(recording=recording, now=now)
    if recording.state == State.RUNNING and (recording.read_at or recording.created_at) + READ_EVERY <= now:
        services.want_files(recording=recording, now=now)


def clear_due(now: datetime) -> None:
    """What is older than its time goes, and the oldest of what is more than fits (LIVEROOM_RECORDINGS_MAX_BYTES)."""
    over = Recording.objects.filter(expires_at__lte=now).exclude(state__in=services.OPEN)
    for recording in over.order_by("expires_at")[:_AT_ONCE]:
        _clear(recording, why="its time is over")
    limit = settings.LIVEROOM.recordings_max_bytes
    if limit:
        kept = Recording.objects.exclude(state__in=services.OPEN).order_by("ended_at", "pk")
        gone = too_much(kept.values_list("pk", "size_bytes"), limit_bytes=limit)[:_AT_ONCE]
        for recording in Recording.objects.filter(pk__in=gone):
            _clear(recording, why="newer ones need its room")


def _clear(recording: Recording, *, why: str) -> None:
    log.info("The recording %s is deleted: %s.", recording.number, why)
    with transaction.atomic():
        services.remove_recording(recording)
