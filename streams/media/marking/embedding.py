"""The mark into pictures: a number, in place, frame by frame.

Cost: about a millisecond for a picture of 720 lines (`deploy/test --bench marks`). Added are whole steps of luma: none or one where the
picture is flat, one to three where it has texture, which hides them. State: patterns of eight phases, the other eight are their
negatives; 33 bytes a pixel, drawn when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from streams.media.marking.signal import HERTZ, drawn_on

PHASES: Final = 16
# Root mean squares of what is added to flat and to textured areas, in steps of luma, before it is rounded. All texture: 45.1 dB.
FLAT: Final = 0.4
TEXTURED: Final = 1.38
# A place is textured where luma differs from its surroundings by so much on average, looked at with a quarter of the lines.
TEXTURE: Final = 3
_SHRINK: Final = 4

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One phase: what is added and taken away everywhere, and what more where there is texture."""

    up: Plane
    down: Plane
    more_up: Plane
    more_down: Plane


class Marker:
    """Marks the frames of one canvas. `width`, `height` in pixels; `fps` frames a second. ValueError: the number is none."""

    def __init__(self, number: int, *, width: int, height: int, fps: float) -> None:
        self._fps = fps
        self._size = (width, height)
        self._small = (max(1, width // _SHRINK), max(1, height // _SHRINK))
        waves = drawn_on(number, width=width, height=height)
        self._patterns = [_pattern(waves, turn=2 * np.pi * phase / PHASES) for phase in range(PHASES // 2)]

    def embed(self, y_plane: Plane, frame: int) -> None:
        """Into the luma of frame number `frame`, (height, width), in place."""
        phase = round(frame / self._fps * HERTZ * PHASES) % PHASES
        pattern = self._patterns[phase % (PHASES // 2)]
        add, take = (cv2.add, cv2.subtract) if phase < PHASES // 2 else (cv2.subtract, cv2.add)
        textured = self._textured(y_plane)
        add(y_plane, pattern.up, dst=y_plane)
        take(y_plane, pattern.down, dst=y_plane)
        add(y_plane, pattern.more_up, dst=y_plane, mask=textured)
        take(y_plane, pattern.more_down, dst=y_plane, mask=textured)

    def _textured(self, y_plane: Plane) -> Plane:
        """A mask: where the picture itself is busy."""
        small = cv2.resize(y_plane, self._small, interpolation=cv2.INTER_AREA)
        busy = cv2.blur(cv2.absdiff(small, cv2.blur(small, (5, 5))), (7, 7))
        mask = cv2.threshold(busy, TEXTURE - 1, 255, cv2.THRESH_BINARY)[1]
        return np.asarray(cv2.resize(mask, self._size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _pattern(waves: NDArray[np.complex128], *, turn: float) -> _Pattern:
    at_once = (waves * np.exp(-1j * turn)).real * np.sqrt(2)
    flat, textured = np.rint(at_once * FLAT), np.rint(at_once * TEXTURED)
    more = textured - flat
    return _Pattern(*(np.clip(each, 0, 255).astype(np.uint8) for each in (flat, -flat, more, -more)))
