"""What became of a room's recordings, told to its owner and admins wherever they are; and chapters where gifts peaked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from interactions.delivery import ms
from interactions.models import MinuteStat
from interactions.room.events import YourClip, YourRecording
from interactions.room.services import publish_to_moderators
from liveroom.kernel.facts import handles
from liveroom.rooms.models import Room
from streams.recording.chapters import mark_moment
from streams.recording.facts import (
    ClipMade,
    RecordingFact,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
    RecordingStopped,
)


def _tell(fact: RecordingFact, state: str, **more: Any) -> None:
    room = Room.objects.select_related("app", "owner").get(pk=fact.room_id)
    event = YourRecording(
        t=ms(fact.at), room=room.group_id, recording=fact.recording, stream=fact.stream, format=fact.format, state=state,
        **more,
    )  # fmt: skip
    publish_to_moderators(event, room=room, what=f"recording {fact.recording} {state}", at=fact.at)


@handles(RecordingStarted)
def recording_started(fact: RecordingStarted) -> None:
    _tell(fact, "running")


@handles(RecordingStopped)
def recording_stopped(fact: RecordingStopped) -> None:
    _tell(fact, "stopped", reason=fact.reason)


@handles(RecordingFinished)
def recording_finished(fact: RecordingFinished) -> None:
    _tell(fact, "done", duration_seconds=round(fact.duration_seconds, 3), size_bytes=fact.size_bytes)


# A minute is a peak when it brought so many times the mean of the minutes with gifts; so many at most.
PEAK_FACTOR, MOST_PEAKS = 2.0, 5


def peaks(minutes: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """The minutes in which much more was given than in others, in their order. A show with gifts in one minute has that one."""
    given = [(at, value) for at, value in minutes if value > 0]
    if not given:
        return []
    least = PEAK_FACTOR * sum(value for _, value in given) / len(given) if len(given) > 1 else 0
    best = sorted((one for one in given if one[1] >= least), key=lambda one: -one[1])[:MOST_PEAKS]
    return sorted(best)


@handles(RecordingFinished)
def mark_gifts(fact: RecordingFinished) -> None:
    """The minutes are counted by then, but for the last one or two of the show."""
    rows = MinuteStat.objects.filter(session__recordings__number=fact.recording).order_by("minute")
    for at, value in peaks(list(rows.values_list("minute", "gift_value"))):
        mark_moment(recording=fact.recording, kind="gifts", title=f"Gifts: {value:,}", at=at, now=fact.at)


@handles(RecordingFailed)
def recording_failed(fact: RecordingFailed) -> None:
    _tell(fact, "failed", reason=fact.reason)


@handles(ClipMade)
def clip_made(fact: ClipMade) -> None:
    room = Room.objects.select_related("app", "owner").get(pk=fact.room_id)
    event = YourClip(
        t=ms(fact.at), room=room.group_id, clip=fact.clip, recording=fact.recording,
        duration_seconds=round(fact.duration_seconds, 3), by=fact.by,
    )  # fmt: skip
    publish_to_moderators(event, room=room, what=f"clip {fact.clip}", at=fact.at)
