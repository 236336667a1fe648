"""What happens to streams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from liveroom.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class StreamFact(Fact):
    stream: str
    room_id: int
    room_key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StreamPublished(StreamFact):
    """A publisher was let in. `on_programme`: viewers see this stream."""

    on_programme: bool
    address: str


@dataclass(frozen=True, slots=True)
class StreamUnpublished(StreamFact):
    """Its publisher is gone: left, lost, cut or replaced. Another may be there already (`replaced`)."""

    on_programme: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PictureJudged(StreamFact):
    """`codec`: no browser plays it, and why. Empty: the picture plays again."""

    on_programme: bool
    codec: str


@dataclass(frozen=True, slots=True)
class ProgrammeChanged(StreamFact):
    """The room shows another stream from now on (R10)."""
