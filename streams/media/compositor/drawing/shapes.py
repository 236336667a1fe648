"""Shapes with soft edges, as alpha: by the distance of a pixel to the edge, so that no edge has steps."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.colors import Matrix, Plane, rgb_of
from streams.media.compositor.drawing.picture import Layer

A = TypeVar("A", bound=np.generic)
Alpha = NDArray[np.float32]


def rounded(width: int, height: int, radius: float, inset: float = 0.0) -> Alpha:
    """A rectangle with round corners, 0 to 1; `inset` from all sides, its corners accordingly smaller."""
    radius = min(radius, width / 2, height / 2)
    inner = max(radius - inset, 0.0)
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2) - (width / 2 - inset - inner)
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2) - (height / 2 - inset - inner)
    outside = np.hypot(np.maximum(x, 0)[None, :], np.maximum(y, 0)[:, None])
    inside = np.minimum(np.maximum(x[None, :], y[:, None]), 0)
    return np.asarray(np.clip(0.5 - (outside + inside - inner), 0, 1), np.float32)


def panel(width: int, height: int, color: str, *, radius: float = 0.0, opacity: float = 1.0) -> Plane:
    """RGBA."""
    found = np.empty((height, width, 4), np.uint8)
    found[:, :, :3] = rgb_of(color)
    found[:, :, 3] = np.rint(rounded(width, height, radius) * (255 * opacity))
    return found


class Corners:
    """Round corners of a rectangle on a canvas: what lies under them is put by before it is drawn, and mixed in again after."""

    def __init__(self, radius: int) -> None:
        """`radius`: even, at least 2."""
        self.radius = radius
        quarter = rounded(2 * radius, 2 * radius, radius)
        half = quarter.reshape(radius, 2, radius, 2).mean(axis=(1, 3))
        self._takes = [_four(quarter), _four(half), _four(half)]

    def put_by(self, canvas: Canvas, x: int, y: int, width: int, height: int) -> list[list[Plane]]:
        return [
            [cut.copy() for cut in _cuts(part, self.radius // (2 if index else 1))]
            for index, part in enumerate(canvas.part(x, y, width, height))
        ]

    def bring_back(self, canvas: Canvas, x: int, y: int, width: int, height: int, under: list[list[Plane]]) -> None:
        for index, part in enumerate(canvas.part(x, y, width, height)):
            radius = self.radius // (2 if index else 1)
            for cut, below, take in zip(_cuts(part, radius), under[index], self._takes[index], strict=True):
                # 256 parts, so that a shift divides: in 16 bits.
                cut[:] = (cut * take + below * (256 - take)) >> 8


@lru_cache(maxsize=32)
def corners(radius: int) -> Corners:
    return Corners(radius)


def _four(square: Alpha) -> list[NDArray[np.uint16]]:
    whole = np.rint(square * 256).astype(np.uint16)
    return _cuts(whole, len(whole) // 2)


def _cuts(part: NDArray[A], side: int) -> list[NDArray[A]]:
    """Its four corners."""
    return [part[:side, :side], part[:side, -side:], part[-side:, :side], part[-side:, -side:]]


def frame(
    matrix: Matrix, width: int, height: int, color: str, *, radius: int, thickness: float
) -> list[tuple[int, int, Layer]]:
    """A border within a rectangle of that size: strips with their places in it. Between them nothing is laid, for there is nothing."""
    ring = rounded(width, height, radius) - rounded(width, height, radius, inset=thickness)
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[:, :, :3] = rgb_of(color)
    rgba[:, :, 3] = np.rint(np.clip(ring, 0, 1) * 255)
    deep = _even_up(max(radius, thickness) + 1)
    wide = _even_up(thickness + 1)
    if 2 * deep >= height or 2 * wide >= width:
        return [(0, 0, Layer.from_rgba(rgba, matrix))]
    strips = [(0, 0, width, deep), (0, height - deep, width, deep)]
    strips += [(0, deep, wide, height - 2 * deep), (width - wide, deep, wide, height - 2 * deep)]
    return [(x, y, Layer.from_rgba(rgba[y : y + h, x : x + w], matrix)) for x, y, w, h in strips]


def _even_up(value: float) -> int:
    return 2 * int(np.ceil(value / 2))
