"""RGB to YUV of limited range, and back. BT.709 from 720 lines on and BT.601 below, as players guess it where a stream says nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
# As ffmpeg's `-colorspace` and `out_color_matrix` call them, but for smpte170m, which `bt601` is to the scale filter.
Matrix = Literal["bt709", "bt601"]
_SHARES = {"bt709": (0.2126, 0.0722), "bt601": (0.299, 0.114)}


def matrix_of(height: int) -> Matrix:
    """Of a picture of so many lines."""
    return "bt709" if height >= 720 else "bt601"


@lru_cache(maxsize=2)
def _to_yuv(matrix: Matrix) -> NDArray[np.float32]:
    red, blue = _SHARES[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    u = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    v = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    rows = np.vstack([luma * 219 / 255, u * 224 / 255, v * 224 / 255])
    return np.hstack([rows, [[16], [128], [128]]]).astype(np.float32)


@lru_cache(maxsize=2)
def _to_rgb(matrix: Matrix) -> NDArray[np.float32]:
    there = _to_yuv(matrix).astype(np.float64)
    back = np.linalg.inv(there[:, :3])
    return np.hstack([back, -back @ there[:, 3:]]).astype(np.float32)


def rgb_of(color: str) -> tuple[int, int, int]:
    """Of `#rrggbb`; anything else is white, for a colour is never worth a picture."""
    try:
        number = int(color.removeprefix("#"), 16)
    except ValueError:
        number = 0xFFFFFF
    return number >> 16 & 255, number >> 8 & 255, number & 255


@lru_cache(maxsize=256)
def yuv_of(color: str, matrix: Matrix) -> tuple[int, int, int]:
    pixel = np.array([[rgb_of(color)]], np.uint8)
    y, u, v = cv2.transform(pixel, _to_yuv(matrix))[0, 0]
    return int(y), int(u), int(v)


def to_yuv(rgb: Plane, matrix: Matrix) -> Plane:
    """(height, width, 3) -> the same shape."""
    return np.asarray(cv2.transform(rgb, _to_yuv(matrix)), np.uint8)


def to_rgb(y: Plane, u: Plane, v: Plane, matrix: Matrix) -> Plane:
    """Of planes of yuv420p: (height, width, 3). For thumbnails, stills and tests, not for every frame."""
    size = (y.shape[1], y.shape[0])
    whole = np.dstack([y, cv2.resize(u, size, interpolation=cv2.INTER_LINEAR), cv2.resize(v, size)])
    return np.asarray(cv2.transform(whole, _to_rgb(matrix)), np.uint8)
