"""Words that run: where they are, and at which time, so that they run evenly. Pure."""

from __future__ import annotations

from typing import Final

# From one side of the canvas to the other.
CROSSING_SECONDS: Final = 9.0
# Further off than this the given time is taken: something stood still, or it is another show.
_FAR_SECONDS: Final = 0.12
_CATCHES_UP: Final = 0.05


def scrolled(now: float, *, canvas_width: int, width: int) -> int:
    """Where the left edge of a text that runs through is: it enters at the right, leaves at the left and begins again."""
    speed = canvas_width / CROSSING_SECONDS
    return round(canvas_width - (now * speed) % (canvas_width + width))


class Steady:
    """Time by frames. Frames are drawn a little early or late but shown at one rate: what runs by the time of its drawing trembles (15 ms
    late are four pixels). Each new time is one frame after the one before, and only slowly drawn to the one that is given."""

    def __init__(self, fps: int) -> None:
        self._step = 1 / fps
        self._given = self._time = float("-inf")

    def at(self, now: float) -> float:
        """The same for the same `now`: a frame may be drawn of several looks."""
        if now != self._given:
            off = now - (self._time + self._step)
            self._time = now if abs(off) > _FAR_SECONDS else self._time + self._step + off * _CATCHES_UP
            self._given = now
        return self._time
