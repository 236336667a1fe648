"""Segments of the cutter joined to items of a window. Pure; called in the gateway's loop, so that nothing here waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.gateway.fmp4.pieces import Open, Part, Segment

# An item of five seconds may be one of 4.8: keyframes stand where the publisher puts them.
_NEARLY_MS = 300
# However long an item should be: what is gathered is in memory.
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gathered:
    """One item, whole. `breaks`: it does not continue what came before."""

    head: bytes
    data: list[bytes]
    start_ms: int
    duration_ms: int
    breaks: bool


class Gathering:
    """A sink (`fmp4.pieces.Sink`). `give` gets each item; `over` is called at the end, after the last one."""

    def __init__(self, *, item_seconds: int, give: Callable[[Gathered], None], over: Callable[[str], None]) -> None:
        self._least_ms = item_seconds * 1000 - _NEARLY_MS
        self._give = give
        self._over = over
        self._segments: list[Segment] = []
        self._breaks = False

    def opens(self, segment: Open) -> None: ...

    def part(self, part: Part) -> None: ...

    def segment(self, segment: Segment) -> None:
        before = self._segments[-1] if self._segments else None
        if segment.after_break or (before is not None and segment.initial.id != before.initial.id):
            self.flush()
            self._breaks = True
        self._segments.append(segment)
        whole_ms = sum(one.duration for one in self._segments) * 1000
        if whole_ms >= self._least_ms or sum(one.size for one in self._segments) > _MOST_BYTES:
            self.flush()

    def discontinuity(self) -> None:
        self.flush()
        self._breaks = True

    def ended(self, word: str) -> None:
        self.flush()
        self._over(word)

    def flush(self) -> None:
        """What is gathered is an item, however short."""
        segments, self._segments = self._segments, []
        if not segments:
            return
        breaks, self._breaks = self._breaks, False
        self._give(
            Gathered(
                head=segments[0].initial.data,
                data=[part.data for segment in segments for part in segment.parts],
                start_ms=round(segments[0].started_at.timestamp() * 1000),
                duration_ms=max(1, round(sum(segment.duration for segment in segments) * 1000)),
                breaks=breaks,
            )
        )
