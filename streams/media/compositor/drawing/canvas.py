"""The sheet that is drawn on, and then written to the encoder as it is: yuv420p in one piece, made once and used for every frame."""

from __future__ import annotations

import cv2
import numpy as np

from streams.media.compositor.drawing.colors import Plane, matrix_of, to_rgb, yuv_of
from streams.media.compositor.drawing.picture import Layer, Picture, planes, scaled


class Canvas:
    """`buffer`: width × height × 3/2 bytes. Its colours are `matrix` (of its height, see `colors.py`), limited range."""

    def __init__(self, width: int, height: int) -> None:
        """Both even, at least 2, otherwise ValueError. Black at first."""
        self.width, self.height = width, height
        self.matrix = matrix_of(height)
        self.buffer = np.empty(max(width, 0) * max(height, 0) * 3 // 2, np.uint8)
        self.y, self.u, self.v = planes(self.buffer, width, height)
        self._rows = self.buffer.reshape(height * 3 // 2, width)
        self.fill("#000000")

    def fill(self, color: str) -> None:
        for plane, value in zip((self.y, self.u, self.v), yuv_of(color, self.matrix), strict=True):
            plane.fill(value)

    def fill_part(self, color: str, x: int, y: int, width: int, height: int) -> None:
        """A rectangle within the canvas; its numbers are even."""
        for part, value in zip(self.part(x, y, width, height), yuv_of(color, self.matrix), strict=True):
            part.fill(value)

    def copy_from(self, other: Canvas) -> None:
        """Of the same size."""
        np.copyto(self.buffer, other.buffer)

    def blend_from(self, a: Canvas, b: Canvas, share: float) -> None:
        """A cross-fade: `share` of `b` (0 to 1), the rest of `a`; either may be this one. All of the same size."""
        share = min(max(share, 0.0), 1.0)
        cv2.addWeighted(a._rows, 1 - share, b._rows, share, 0, dst=self._rows)

    def part(self, x: int, y: int, width: int, height: int) -> tuple[Plane, Plane, Plane]:
        """Views of a rectangle within the canvas; its numbers are even."""
        left, top, right, bottom = x // 2, y // 2, (x + width) // 2, (y + height) // 2
        small = (slice(top, bottom), slice(left, right))
        return self.y[y : y + height, x : x + width], self.u[small], self.v[small]

    def draw(self, picture: Picture, x: int, y: int, width: int, height: int) -> None:
        """All of an opaque picture, brought to a rectangle within the canvas; its numbers are even. Of the same size it is copied."""
        for source, part in zip((picture.y, picture.u, picture.v), self.part(x, y, width, height), strict=True):
            if source.shape == part.shape:
                np.copyto(part, source)
            else:
                scaled(source, part.shape[1], part.shape[0], part)

    def lay(self, layer: Layer, x: int, y: int) -> None:
        """Over what is there. It may lie outside in part or altogether, and at odd numbers: its colours are then half a pixel away."""
        _lay(self.y, layer.y, layer.through, x, y)
        _lay(self.u, layer.u, layer.through_half, x // 2, y // 2)
        _lay(self.v, layer.v, layer.through_half, x // 2, y // 2)

    def rgb(self) -> Plane:
        """(height, width, 3), new."""
        return to_rgb(self.y, self.u, self.v, self.matrix)


def _lay(plane: Plane, over: Plane, through: Plane, x: int, y: int) -> None:
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + over.shape[1], plane.shape[1]), min(y + over.shape[0], plane.shape[0])
    if right <= left or bottom <= top:
        return
    part = plane[top:bottom, left:right]
    cut = (slice(top - y, bottom - y), slice(left - x, right - x))
    cv2.multiply(part, through[cut], dst=part, scale=1 / 255)
    cv2.add(part, over[cut], dst=part)
