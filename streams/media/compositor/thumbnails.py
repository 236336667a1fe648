"""Small pictures for desks: JPEG of the programme, of the preview and of each input. Made in the thread that sends them."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import cv2
import numpy as np

from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.colors import matrix_of, to_rgb
from streams.media.compositor.drawing.looks import Painter, Shown
from streams.media.compositor.drawing.picture import Picture
from streams.media.compositor.drawing.stills import Stills
from streams.media.compositor.scene import Look

_LINES, _INPUT_LINES = 360, 180
_QUALITY = 70


def shrunk(canvas: Canvas) -> Picture:
    """A copy of at most 360 lines: half a millisecond, so it may be made between two frames."""
    width, height = _within(canvas.width, canvas.height, _LINES)
    return _resized(Picture(canvas.y, canvas.u, canvas.v), width, height)


class Thumbnails:
    """`preview` is drawn at a size of its own, and a painter of its own, because the canvas's is busy."""

    def __init__(self, width: int, height: int, fps: int, *, stills: Stills) -> None:
        self._shape = width, height
        self._canvas = Canvas(*_within(width, height, _LINES))
        self._painter = Painter(self._canvas.width, self._canvas.height, fps, stills=stills)

    def of_programme(self, picture: Picture) -> str:
        return _jpeg(picture, self._shape[1])

    def of_preview(self, look: Look, *, inputs: Mapping[str, Shown], clock: float) -> str:
        self._painter.paint(self._canvas, look, inputs=inputs, now=clock)
        canvas = self._canvas
        return _jpeg(Picture(canvas.y, canvas.u, canvas.v), canvas.height)

    def of_input(self, picture: Picture) -> str:
        width, height = _within(picture.width, picture.height, _INPUT_LINES)
        return _jpeg(_resized(picture, width, height), self._shape[1])


def _within(width: int, height: int, lines: int) -> tuple[int, int]:
    share = min(1.0, lines / height, lines * 16 / 9 / width)
    return max(2, round(width * share / 2) * 2), max(2, round(height * share / 2) * 2)


def _resized(picture: Picture, width: int, height: int) -> Picture:
    half = (width // 2, height // 2)
    sizes = ((picture.y, (width, height)), (picture.u, half), (picture.v, half))
    y, u, v = (np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_AREA), np.uint8) for one, size in sizes)
    return Picture(y, u, v)


def _jpeg(picture: Picture, lines: int) -> str:
    """`lines`: of the canvas its colours are meant for. Base64."""
    rgb = to_rgb(picture.y, picture.u, picture.v, matrix_of(lines))
    _, data = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return base64.b64encode(data.tobytes()).decode()
