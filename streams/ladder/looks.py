"""What is shown, told from a look a second at the beginning: a screen, an animation, or the world before a camera. Pure.

The lines are ffmpeg's (`streams/media/graphs/ladder.py`): spatial and temporal information (ITU-T P.910) and the entropy of the tones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from streams.ladder.rules import Content

_LINE = re.compile(
    r"lavfi\.(?P<what>siti\.si|siti\.ti|entropy\.normalized_entropy\.normal\.Y)=(?P<value>-?\d+(?:\.\d+)?)\Z"
)
_FEWEST = 4
_MOST = 60


@dataclass(slots=True)
class Looks:
    """Bounded: the first minute."""

    detail: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)
    tones: list[float] = field(default_factory=list)

    def hear(self, lines: Iterable[str]) -> None:
        for line in lines:
            found = _LINE.match(line.strip())
            if found is None:
                continue
            kept = {"siti.si": self.detail, "siti.ti": self.change}.get(found["what"], self.tones)
            if len(kept) < _MOST:
                kept.append(float(found["value"]))

    def content(self) -> Content:
        """unknown: too few looks."""
        if min(len(self.detail), len(self.change), len(self.tones)) < _FEWEST:
            return "unknown"
        tones = median(self.tones)
        # Sharp edges on few tones; then flat surfaces with fewer edges. Seen: a screen 0.30 and 197, a camera's pictures 0.79 and more, a
        # rendered film 0.94: the last is not told from the world, and needs not be.
        if tones < SCREEN_TONES and median(self.detail) > SCREEN_DETAIL:
            return "screen"
        return "animation" if tones < FLAT_TONES else "natural"


SCREEN_TONES, SCREEN_DETAIL = 0.6, 90.0
FLAT_TONES = 0.7
