"""Films one after the other made one stream: their FLV tags put on one time that only goes forward, sent when they are due. Pure but for
the clock that is handed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streams.gateway.picture import flv
from streams.gateway.picture.flv import Kind

# How far ahead of the clock tags are sent: the next film must have begun before what was sent is shown.
LEAD_MS: Final = 1_000
# A step inside a film that is longer is a fault of the film, and is closed.
_LONGEST_STEP_MS: Final = 10_000
_STEP_MS: Final = 40
# Later than this, the clock is set back instead of sending a burst.
_LATE_MS: Final = 3_000


@dataclass(slots=True)
class Joiner:
    """`at`: the latest time that was given. After `next_film` the tags are another film's, which count from anywhere."""

    at: int = 0
    _offsets: dict[bool, int] = field(default_factory=dict)
    _last: dict[bool, int] = field(default_factory=dict)
    _given: dict[bool, int] = field(default_factory=dict)

    def next_film(self) -> None:
        self._offsets, self._last = {}, {}

    def joined(self, tag: bytes) -> bytes | None:
        """The tag with its place in the whole; None: of no use (a word to the player, the mark of an end)."""
        kind = flv.kind_of(tag)
        if kind in (Kind.META, Kind.NOTHING):
            return None
        source, track = flv.time_of(tag), flv.is_video(tag)
        if track not in self._offsets:
            self._offsets[track] = self._first(source)
        step = source - self._last.get(track, source)
        if not -_STEP_MS <= step <= _LONGEST_STEP_MS:
            self._offsets[track] -= step - _STEP_MS
        self._last[track] = source
        here = max(self._given.get(track, 0), source + self._offsets[track])
        self._given[track] = here
        self.at = max(self.at, here)
        return flv.with_time(tag, here)

    def _first(self, source: int) -> int:
        """Where a track of a film begins: behind what was before, as far from the film's other track as the film has it."""
        for offset in self._offsets.values():
            if abs(source + offset - self.at) <= _LONGEST_STEP_MS:
                return offset
            return self.at - source
        return (self.at + _STEP_MS if self.at else 0) - source


@dataclass(slots=True)
class Pace:
    """When a tag is due. `began_ms`: the clock's time of the stream's 0."""

    began_ms: float | None = None

    def wait_ms(self, at_ms: int, *, now_ms: float) -> float:
        """How long to wait before sending the tag of that time."""
        if self.began_ms is None:
            self.began_ms = now_ms - at_ms
        due = self.began_ms + at_ms - LEAD_MS
        if now_ms - due > LEAD_MS + _LATE_MS:
            # It stood still for a while: go on from here.
            self.began_ms += now_ms - due - LEAD_MS
            return 0.0
        return max(0.0, due - now_ms)
