"""A finished recording of a room's programme as rows: two stretches with a break of a minute, in one file unless told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from interactions.models import PublishedShow
from liveroom.rooms.models import LiveSession, Room
from streams.jobs.models import State
from streams.models import Stream
from streams.recording.models import Chapter, Clip, Recording, RecordingFile, RecordingPart

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at_ms(seconds: float) -> int:
    """Unix ms of so many seconds after noon."""
    return int(NOON.timestamp() * 1000 + seconds * 1000)


def a_show(room: Room, *, begins: datetime = NOON, seconds: int = 300, sequence: str = "s1") -> LiveSession:
    return LiveSession.objects.create(
        room=room, sequence=sequence, started_at=begins, ended_at=begins + timedelta(seconds=seconds)
    )


def recorded(
    room: Room,
    *,
    session: LiveSession | None = None,
    stretches: tuple[tuple[float, float], ...] = ((0, 60), (120, 60)),
    published: bool = True,
    begins: datetime = NOON,
    key: str = "recordings/r1/1.mp4",
    playback: bool = True,
    **more: Any,
) -> Recording:
    """`stretches`: seconds after the beginning, and how long."""
    session = session or a_show(room, begins=begins)
    if published:
        PublishedShow.objects.get_or_create(session=session, defaults={"at": begins})
    duration = sum(length for _, length in stretches)
    recording = Recording.objects.create(
        app=room.app, room=room, stream=Stream.objects.get(room=room, on_programme=True), session=session,
        origin=Recording.Origin.RULE, on_programme=True, state=State.DONE, created_at=begins, started_at=begins,
        ended_at=begins + timedelta(seconds=300), duration_seconds=duration, settings={"playback": playback}, **more,
    )  # fmt: skip
    file = RecordingFile.objects.create(
        recording=recording, number=1, state=State.DONE, started_at=begins, media_offset=0, duration_seconds=duration,
        key=key,
    )  # fmt: skip
    place = 0.0
    for number, (after, length) in enumerate(stretches, start=1):
        RecordingPart.objects.create(
            recording=recording, file=file, number=number, started_at=begins + timedelta(seconds=after),
            media_offset=place, duration_seconds=length,
        )  # fmt: skip
        place += length
    return recording


def being_recorded(room: Room, *, now: datetime, **more: Any) -> Recording:
    """One that runs, whose files nobody has written."""
    fields: dict[str, Any] = {"origin": Recording.Origin.API, "on_programme": True, "state": State.RUNNING, **more}
    return Recording.objects.create(
        app=room.app, room=room, stream=Stream.objects.get(room=room, on_programme=True), created_at=now, started_at=now,
        **fields,
    )  # fmt: skip


def a_clip(recording: Recording, *, now: datetime) -> Clip:
    return Clip.objects.create(
        app=recording.app, room=recording.room, recording=recording, from_seconds=1, to_seconds=3, state=State.DONE,
        key="clips/c1/film/clip.mp4", created_at=now,
    )  # fmt: skip


def a_chapter(recording: Recording, *, now: datetime) -> Chapter:
    return Chapter.objects.create(recording=recording, kind="hand", title="here", seconds=1, created_at=now)
