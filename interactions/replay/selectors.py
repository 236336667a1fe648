"""Recordings as viewers may see them: which there are, where a moment stands in one, how likes and comments went."""

from __future__ import annotations

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncMinute, TruncSecond

from interactions.delivery.events import ms
from interactions.models import ArchivedMessage, MinuteStat, PublishedShow
from interactions.replay.rules.curves import COLUMNS, Point, likes_curve, strip
from interactions.replay.rules.timeline import Span, Timeline, timeline_of
from interactions.replay.rules.windows import instant
from liveroom.accounts.models import App
from liveroom.kernel import permission
from liveroom.kernel.errors import LiveRoomError, NotFound
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from streams.jobs.models import State
from streams.recording.models import Recording, RecordingFile
from streams.recording.selectors import stretches_of
from streams.selectors import programme_policy

# A longer one is counted by the minute: the strip has no finer columns then.
BY_THE_SECOND_MS = 4 * 3_600_000
MINUTE_MS = 60_000


class RecordingUnknown(NotFound):
    """10010: there is none of that id here, or it is not published."""

    name = "recording_unknown"


def sees_unpublished(actor: Actor, room: Room) -> bool:
    """The owner, admins and servers look at what viewers do not see yet."""
    try:
        permission.ask("media.see", actor=actor, room=room)
    except LiveRoomError:
        return False
    return True


def recordings_of(room: Room, *, unpublished: bool) -> QuerySet[Recording]:
    """What can be played of the room's programme; without `unpublished` only of shows that were published, and what is meant
    to be played back."""
    kept = RecordingFile.objects.filter(state=State.DONE).exclude(key="")
    found = (
        Recording.objects.filter(room=room, files__in=kept, on_programme=True)
        .exclude(state__in=[State.WAITING, State.RUNNING])
        .select_related("session")
        .distinct()
    )
    if unpublished:
        return found
    return found.filter(session__in=PublishedShow.objects.values("session"), settings__playback=True)


def room_of_recording(app: App, number: str) -> Room:
    """The open room that a recording was made in. RecordingUnknown."""
    room = (
        Room.objects.select_related("owner")
        .filter(app=app, disbanded_at__isnull=True, recordings__number=number[:24])
        .first()
        if number.isalnum()
        else None
    )
    if room is None:
        raise RecordingUnknown(f"There is no recording {number[:40]!r} here.")
    room.app = app
    return room


def recording_in(room: Room, number: str, *, actor: Actor) -> Recording:
    """The recording, for somebody who may be in the room. RecordingUnknown: also of one that is not published."""
    found = recordings_of(room, unpublished=sees_unpublished(actor, room)).filter(number=number).first()
    if found is None:
        raise RecordingUnknown("This recording is not published, or there is nothing of it to play yet.")
    found.room = room
    return found


def timeline(recording: Recording) -> Timeline:
    return timeline_of(
        Span(
            wall_ms=ms(stretch.started_at),
            media_ms=round(stretch.media_offset * 1000),
            duration_ms=round(stretch.duration_seconds * 1000),
        )
        for stretch in stretches_of(recording)
    )


def likes(recording: Recording, line: Timeline) -> list[Point]:
    """The room's total as it was counted each minute of the show."""
    if recording.session_id is None:
        return []
    rows = list(
        MinuteStat.objects.filter(session=recording.session_id, samples__gt=0)
        .order_by("minute")
        .values_list("minute", "likes_total", "likes")
    )
    begin = [(ms(at), max(0, total - count)) for at, total, count in rows[:1]]
    return likes_curve(begin + [(ms(at) + MINUTE_MS, total) for at, total, _ in rows], line)


def density(recording: Recording, line: Timeline) -> list[int]:
    """How many comments stand in each column of the bar: one query that counts."""
    if not line.spans:
        return strip((), line)
    cut = TruncSecond if line.last_wall_ms - line.wall_start_ms <= BY_THE_SECOND_MS else TruncMinute
    rows = (
        ArchivedMessage.objects.filter(
            room=recording.room_id, at__gte=instant(line.first_wall_ms), at__lt=instant(line.last_wall_ms),
            seq__isnull=False, type="comment",
        )
        .order_by()
        .annotate(then=cut("at"))
        .values_list("then")
        .annotate(count=Count("pk"))
    )  # fmt: skip
    columns = max(1, min(COLUMNS, line.duration_ms // 1_000))
    return strip(((max(ms(then), line.first_wall_ms), count) for then, count in rows), line, columns=columns)


class NotRewindable(NotFound):
    """The room shows nothing that one can go back in. 10010."""

    name = "no_timeshift"


def running_line(room: Room, *, now_ms: int) -> Timeline:
    """Of the running show as far back as viewers may go: its time is the day's. NotRewindable."""
    policy = programme_policy(room)
    shift = None if policy is None else policy.shift
    if shift is None or shift.is_over(now_ms):
        raise NotRewindable("What this room shows cannot be gone back in.")
    since = shift.from_ms(now_ms)
    return timeline_of([Span(wall_ms=since, media_ms=since, duration_ms=max(1, now_ms + 1_000 - since))])
