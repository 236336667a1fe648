"""Frames of any size and content into one complex picture for each period of the mark: what changed at the mark's rate, and little else.

A frame is compared with the one half a period before it, in which the mark was its own negative: what stands still is gone and the mark
is there twice. What moves differs by far more than a mark could, so differences are cut off at `_MOST`. Bounded: the last WINDOW periods
are kept."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from streams.media.marking.finding import Look
from streams.media.marking.signal import HERTZ

# Frames in a period; frames a second, exactly.
PERIOD: Final = 18
FPS: Final = Fraction(HERTZ).limit_denominator(100) * PERIOD
# Half a minute: longer ones tell no more, and somebody may have cut.
WINDOW: Final = 21
_MOST: Final = 3.0
_AROUND: Final = (9, 9)


class Looker:
    """Hears frames, all of one size, FPS a second."""

    def __init__(self) -> None:
        self._before: deque[NDArray[np.float32]] = deque(maxlen=PERIOD // 2)
        self._pictures: deque[NDArray[np.complex64]] = deque(maxlen=WINDOW)
        self._sum: NDArray[np.complex64] | None = None
        self._frames = 0
        self.periods = 0

    def hear(self, frame: NDArray[np.uint8]) -> bool:
        """True: another period is complete."""
        fine = frame.astype(np.float32)
        fine -= cv2.blur(fine, _AROUND)
        if self._sum is None:
            self._sum = np.zeros(frame.shape, dtype=np.complex64)
        if len(self._before) == PERIOD // 2:
            change = np.clip(fine - self._before[0], -_MOST, _MOST)
            turn = 2 * np.pi * (self._frames % PERIOD) / PERIOD
            self._sum.real += change * np.float32(np.cos(turn))
            self._sum.imag += change * np.float32(np.sin(turn))
        self._before.append(fine)
        self._frames += 1
        if self._frames % PERIOD:
            return False
        self._pictures.append(self._sum)
        self._sum = np.zeros_like(self._sum)
        self.periods += 1
        return True

    @property
    def looked_at(self) -> Look:
        """The last periods, half a minute of them at most. ValueError before there is one."""
        last = self.periods - len(self._pictures)
        at: NDArray[np.float64] = (np.arange(last, self.periods, dtype=np.float64) + 0.5) / HERTZ
        return Look(np.stack(self._pictures), at)
