"""Where in a recording a moment of the day stands, and which moments stand in a part of it. Plain Python, whole milliseconds.

Promise: what came later never stands earlier. What was said while nothing was recorded stands at the joint, where the picture goes on;
what was said shortly before the first picture stands at 0; what was said after the last one stands nowhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

# What was said so long before the first picture belongs to it: who waits for a show talks for hours.
LEAD_MS = 30_000


@dataclass(frozen=True, slots=True)
class Span:
    """A piece that was recorded without a break: when it began (unix ms), where it stands in the recording, how long it is."""

    wall_ms: int
    media_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """`spans` in the order of the recording, none of them empty; `ends`: for each the latest moment up to its end.

    A clock that was set back makes two pieces share moments: those belong to the earlier piece."""

    spans: tuple[Span, ...]
    ends: tuple[int, ...]
    lead_ms: int = LEAD_MS

    @property
    def duration_ms(self) -> int:
        return max((span.media_ms + span.duration_ms for span in self.spans), default=0)

    @property
    def wall_start_ms(self) -> int:
        """Of the first picture."""
        return self.spans[0].wall_ms if self.spans else 0

    @property
    def first_wall_ms(self) -> int:
        """From here on what is said stands in the recording."""
        return self.wall_start_ms - self.lead_ms if self.spans else 0

    @property
    def last_wall_ms(self) -> int:
        """Up to before here."""
        return self.ends[-1] if self.ends else 0

    def media_ms(self, wall_ms: int) -> int | None:
        """None: it was said too early or too late."""
        if not self.first_wall_ms <= wall_ms < self.last_wall_ms:
            return None
        span = self.spans[bisect_right(self.ends, wall_ms)]
        return span.media_ms + max(0, min(wall_ms - span.wall_ms, span.duration_ms - 1))

    def wall_from(self, media_ms: int) -> int:
        """The earliest moment that stands there or later: [a, b) of the recording is [wall_from(a), wall_from(b)) of the day."""
        for place, span in enumerate(self.spans):
            since = self.ends[place - 1] if place else self.first_wall_ms
            if media_ms <= span.media_ms:
                return since
            if media_ms < span.media_ms + span.duration_ms:
                return min(max(since, span.wall_ms + media_ms - span.media_ms), self.ends[place])
        return self.last_wall_ms

    def day_ms(self, media_ms: int) -> int:
        """What the clock said when that picture was taken."""
        at = max(0, min(media_ms, self.duration_ms))
        for span in reversed(self.spans):
            if at >= span.media_ms:
                return span.wall_ms + min(at - span.media_ms, span.duration_ms)
        return self.wall_start_ms

    def joints(self) -> list[int]:
        """Where in the recording a piece goes on after a break of a second or more."""
        return [
            span.media_ms
            for before, span in zip(self.spans, self.spans[1:], strict=False)
            if span.wall_ms - before.wall_ms - before.duration_ms >= 1_000
        ]


def timeline_of(spans: Iterable[Span], *, lead_ms: int = LEAD_MS) -> Timeline:
    """Of pieces in any order; one that begins before the piece in front of it has ended is pushed behind it."""
    kept: list[Span] = []
    for span in sorted((span for span in spans if span.duration_ms > 0), key=lambda one: (one.media_ms, one.wall_ms)):
        after = kept[-1].media_ms + kept[-1].duration_ms if kept else 0
        kept.append(Span(wall_ms=span.wall_ms, media_ms=max(after, span.media_ms), duration_ms=span.duration_ms))
    ends = tuple(accumulate((span.wall_ms + span.duration_ms for span in kept), max))
    return Timeline(spans=tuple(kept), ends=ends, lead_ms=lead_ms)
