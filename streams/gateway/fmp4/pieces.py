"""What a cut stream is made of, and who hears of it: parts, segments, initial segments. Frozen; shared by all who want them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol

from streams.gateway.fmp4 import boxes
from streams.gateway.fmp4.tracks import Picture, Sound


@dataclass(frozen=True)
class Initial:
    """The tracks of what follows. `id`: the same for the same bytes, and safe in a file's name."""

    picture: Picture | None
    sound: Sound | None

    @cached_property
    def data(self) -> bytes:
        return boxes.initial(picture=self.picture, sound=self.sound)

    @cached_property
    def id(self) -> str:
        return hashlib.sha256(self.data).hexdigest()[:12]

    @property
    def codecs(self) -> str:
        """As the CODECS attribute of a playlist has them."""
        return ",".join(track.codec for track in (self.picture, self.sound) if track is not None)


@dataclass(frozen=True, slots=True)
class Part:
    """`duration` in seconds; `is_independent`: a player may begin with it."""

    msn: int
    index: int
    duration: float
    is_independent: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """Parts that follow each other. `msn` rises by one each time, also over a discontinuity; `started_at`: the wall clock (UTC) when
    its first picture came; `at_ms`: the same on the time of the viewers; `after_break`: other tracks than before, or a gap."""

    msn: int
    initial: Initial
    started_at: datetime
    at_ms: int
    duration: float
    parts: Sequence[Part]
    is_independent: bool
    after_break: bool = False

    @property
    def data(self) -> bytes:
        return b"".join(part.data for part in self.parts)

    @property
    def size(self) -> int:
        return sum(len(part.data) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Open:
    """The segment that is being made: what is known of it before its first part."""

    msn: int
    initial: Initial
    started_at: datetime
    after_break: bool


class Sink(Protocol):
    """Whoever wants a stream cut. Called in the gateway's loop, in the order of the stream; must not wait and must not raise.

    `opens` comes before a segment's first part, `discontinuity` before the `opens` of a segment that does not continue the one before.
    `ended` comes last, with the word for which the copy ended; nothing comes after it."""

    def opens(self, segment: Open) -> None: ...
    def part(self, part: Part) -> None: ...
    def segment(self, segment: Segment) -> None: ...
    def discontinuity(self) -> None: ...
    def ended(self, word: str) -> None: ...


@dataclass(slots=True)
class Making:
    """A segment as far as it has come."""

    open: Open
    at_ms: int
    duration: float = 0.0
    size: int = 0
    parts: list[Part] = field(default_factory=list)

    def add(self, part: Part) -> None:
        self.parts.append(part)
        self.duration += part.duration
        self.size += len(part.data)

    def whole(self) -> Segment:
        return Segment(
            msn=self.open.msn,
            initial=self.open.initial,
            started_at=self.open.started_at,
            at_ms=self.at_ms,
            duration=self.duration,
            parts=tuple(self.parts),
            is_independent=self.parts[0].is_independent,
            after_break=self.open.after_break,
        )
