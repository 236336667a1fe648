"""What became of a room's recordings, told to its owner and admins wherever they are."""

from __future__ import annotations

from typing import Any

from interactions.delivery import ms
from interactions.room.events import YourClip, YourRecording
from interactions.room.services import publish_to_moderators
from liveroom.kernel.facts import handles
from liveroom.rooms.models import Room
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
