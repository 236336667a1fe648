"""What happens to recordings and clips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from liveroom.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class RecordingFact(Fact):
    """`recording`: its number; `format`: mp4, hls, flv, aac or mp3."""

    recording: str
    stream: str
    room_id: int
    room_key: str
    format: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordingStarted(RecordingFact):
    """Pictures and sound are being written."""


@dataclass(frozen=True, slots=True)
class RecordingStopped(RecordingFact):
    """It was stopped by us before its time, such as for a full disk. What was written is kept; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class RecordingFinished(RecordingFact):
    """It can be played and downloaded."""

    duration_seconds: float
    size_bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class RecordingFailed(RecordingFact):
    """Nothing came of it; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class ClipMade(Fact):
    """A clip can be played. `by`: who made it."""

    clip: str
    recording: str
    room_id: int
    room_key: str
    duration_seconds: float
    by: str
    at: datetime
