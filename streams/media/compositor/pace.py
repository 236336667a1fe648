"""When each frame of the canvas is due, and how many samples of sound belong to it. Pure: the clock is given.

Frame n is due n/fps seconds after the first: what one took too long, the next ones have less. After a pause that cannot be made good
(the machine slept) it begins anew instead of hurrying for minutes."""

from __future__ import annotations

from typing import Final

from streams.media.compositor.scene import SAMPLE_RATE

# So much late it still catches up, frame by frame.
MOST_BEHIND_SECONDS: Final = 2.0


class Pace:
    """`frame`: the next one. `late`: frames that came later than half a frame. `skipped`: seconds that were given up."""

    def __init__(self, *, fps: int, now: float) -> None:
        self.fps, self.frame, self.late, self.skipped = fps, 0, 0, 0.0
        self._began = now

    def wait(self, now: float) -> float:
        """Seconds until the next frame is due; negative: it is late."""
        return self._began + self.frame / self.fps - now

    def begin(self, now: float) -> int:
        """The next frame is drawn now. Its samples."""
        behind = -self.wait(now)
        if behind > MOST_BEHIND_SECONDS:
            self._began += behind
            self.skipped += behind
        if behind > 0.5 / self.fps:
            self.late += 1
        before = self.frame * SAMPLE_RATE // self.fps
        self.frame += 1
        return self.frame * SAMPLE_RATE // self.fps - before
