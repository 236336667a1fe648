"""A publisher's timestamps made into one time that begins near 0 and only goes forward.

Encoders count milliseconds in 31 or 32 bits, which run over after 24.8 or 49.7 days; their clocks are set back or ahead; one track may be
an hour behind the other. Players stop at time that runs back. So each track has a distance to the time of the viewers, and whenever a
track jumps, the distance changes and the time goes on where it was. Steps that are none stay as the publisher made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# What a track may step back within itself before that counts as a jump, and step ahead of the wall clock.
BACK_MS = 200
AHEAD_MS = 5_000
# The first message of the first track; the other track may begin a little before it.
BEGIN_MS = 1_000
# Tracks that are closer than this are meant to be together: their distance to each other is kept.
TOGETHER_MS = 5_000
# Players read timestamps as signed numbers; before they run over the viewers are asked to come again.
LAST_MS = 2**31 - 3_600_000
_WRAP = 1 << 32


@dataclass(slots=True)
class _Track:
    source: int
    position: int
    """Where the last message belongs; `out`: what was given, which never goes back."""
    out: int
    arrived_ms: int


@dataclass(slots=True)
class Timebase:
    """`jumps`: how often a track had to be put back in its place."""

    jumps: int = 0
    _tracks: dict[str, _Track] = field(default_factory=dict)

    @property
    def here(self) -> int:
        """The latest time that was given."""
        return max((track.out for track in self._tracks.values()), default=0)

    @property
    def is_used_up(self) -> bool:
        return self.here > LAST_MS

    def kept(self) -> dict[str, Any]:
        """All that it knows, for JSON."""
        return asdict(self)

    @classmethod
    def again(cls, kept: Mapping[str, Any]) -> Timebase:
        """The one that was kept; of nothing: a new one."""
        tracks = {name: _Track(**track) for name, track in kept.get("_tracks", {}).items()}
        return cls(jumps=kept.get("jumps", 0), _tracks=tracks)

    def at(self, *, track: str, source: int, arrived_ms: int) -> int:
        """The viewers' time of one message. `arrived_ms`: a clock that never goes back."""
        known = self._tracks.get(track)
        if known is None:
            position = self._first(source=source, arrived_ms=arrived_ms)
            self._tracks[track] = _Track(source=source, position=position, out=position, arrived_ms=arrived_ms)
            return position
        step, waited = _distance(source, known.source), max(0, arrived_ms - known.arrived_ms)
        if -BACK_MS <= step <= waited + AHEAD_MS:
            known.position += step
        else:
            self.jumps += 1
            beside = self._beside(source=source, without=track)
            usual = known.out + max(1, min(waited, AHEAD_MS))
            fits = beside is not None and -BACK_MS <= beside - usual <= BACK_MS
            known.position = beside if fits and beside is not None else usual
        known.source, known.arrived_ms = source, arrived_ms
        known.out = max(known.out, known.position)
        return known.out

    def _first(self, *, source: int, arrived_ms: int) -> int:
        """Where a track begins: beside the other one if their times belong together, else where that one is now."""
        beside = self._beside(source=source, without="")
        if beside is not None:
            return max(0, beside)
        return max(
            (other.out + max(0, arrived_ms - other.arrived_ms) for other in self._tracks.values()), default=BEGIN_MS
        )

    def _beside(self, *, source: int, without: str) -> int | None:
        for name, other in self._tracks.items():
            apart = _distance(source, other.source)
            if name != without and abs(apart) <= TOGETHER_MS:
                return other.position + apart
        return None


def _distance(after: int, before: int) -> int:
    """From one 32-bit timestamp to another, the short way round."""
    return (after - before + _WRAP // 2) % _WRAP - _WRAP // 2
