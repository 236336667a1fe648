"""Overlays as pictures with alpha: panels with soft grounds, words that can be read. Each is made when what it says is new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from PIL import Image

from streams.media.compositor import scene
from streams.media.compositor.drawing import shapes
from streams.media.compositor.drawing.colors import Plane, rgb_of
from streams.media.compositor.drawing.text.lettering import LINE, WIDEST, Lettering, Style
from streams.media.compositor.drawing.text.words import clean

GROUND: Final = "#0f141a"
DARK: Final = "#101418"
SOFT: Final = 0.8
MOST_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Room:
    """What a drawing may use: `line` pixels of height a line, `width` pixels to the canvas's right edge, of a canvas of this size."""

    line: int
    width: int
    canvas_width: int
    canvas_height: int
    lettering: Lettering

    @property
    def letters(self) -> int:
        """Size of letters that fill a line."""
        return max(round(self.line / LINE), 8)


Draws = Callable[[scene.Overlay, str, Plane | None, Room], Plane | None]


def drawn(overlay: scene.Overlay, said: str, image: Plane | None, room: Room) -> Plane | None:
    """RGBA. None: there is nothing to see. `said`: its words now (`saying.said`); `image`: the pixels of its `image`."""
    return _DRAWS[overlay.kind](overlay, said, image, room)


def _text(overlay: scene.Overlay, said: str, image: Plane | None, room: Room) -> Plane | None:
    style = Style(room.letters, overlay.color, outline=not overlay.background)
    side = room.letters // 2 if overlay.background else 0
    lines = [
        room.lettering.line(line, style, most_width=room.width - 2 * side) for line in clean(said, lines=MOST_LINES)
    ]
    if not lines:
        return None
    width = max(line.shape[1] for line in lines) + 2 * side
    if overlay.kind in ("clock", "countdown"):
        # Digits differ in width in some faces: the panel does not breathe with them.
        width += -width % max(room.letters // 2, 2)
    height = sum(line.shape[0] for line in lines)
    sheet = _sheet(width, height, overlay.background, radius=room.letters * 0.35)
    for index, line in enumerate(lines):
        x = (width - line.shape[1]) // 2 if overlay.kind in ("clock", "countdown") else side
        sheet.alpha_composite(Image.fromarray(line), (x, index * line.shape[0]))
    return np.asarray(sheet, np.uint8)


def _scrolling(overlay: scene.Overlay, said: str, image: Plane | None, room: Room) -> Plane | None:
    """Its words alone; their band, if it has one, is `band`."""
    words = clean(said)
    style = Style(min(room.letters, room.canvas_height // 5), overlay.color, outline=not overlay.background)
    return room.lettering.line(words[0], style, most_width=WIDEST) if words else None


def band(overlay: scene.Overlay, room: Room) -> Plane | None:
    """Behind words that run through: as wide as the canvas."""
    if not overlay.background:
        return None
    height = Style(min(room.letters, room.canvas_height // 5)).height
    return shapes.panel(room.canvas_width, height, overlay.background, opacity=SOFT)


def _image(overlay: scene.Overlay, said: str, image: Plane | None, room: Room) -> Plane | None:
    if image is None:
        return None
    return _scaled(image, max(round(image.shape[1] * room.line / image.shape[0]), 2), room.line, room)


def _lower_third(overlay: scene.Overlay, said: str, image: Plane | None, room: Room) -> Plane | None:
    """A bar of the words' colour, the name, and below it smaller what they do."""
    letters = room.letters
    bar, side = max(letters // 6, 3), letters // 2
    most = room.width - bar - 2 * side
    title = Style(letters, "#ffffff", outline=False)
    small = Style(max(round(letters * 0.6), 8), "#d5dbe3", bold=False, outline=False)
    # The words of both begin at one line: a larger one has a wider pad.
    lines = [
        (room.lettering.line(line, style, most_width=most - title.pad), title.pad - style.pad)
        for words, style in ((said, title), (overlay.detail, small))
        for line in clean(words)
    ]
    if not lines:
        return None
    high = letters // 6
    width = max(line.shape[1] + in_line for line, in_line in lines) + bar + 2 * side
    height = sum(line.shape[0] for line, _ in lines) + 2 * high
    sheet = _sheet(width, height, overlay.background or GROUND, radius=letters * 0.22)
    sheet.alpha_composite(_solid(bar, height, overlay.color, radius=bar / 2), (0, 0))
    y = high
    for line, in_line in lines:
        sheet.alpha_composite(Image.fromarray(line), (bar + side + in_line, y))
        y += line.shape[0]
    return np.asarray(sheet, np.uint8)


def _scoreboard(overlay: scene.Overlay, said: str, image: Plane | None, room: Room) -> Plane | None:
    """Side, points, side: the points on a field of their own in the middle, both sides equally wide."""
    letters = room.letters
    side = letters // 2
    points = room.lettering.line(
        f"{_points(overlay.score[0])} : {_points(overlay.score[1])}",
        Style(letters, _on(overlay.color), outline=False), most_width=room.width // 2,
    )  # fmt: skip
    most = max((room.width - points.shape[1] - 6 * side) // 2, letters * 2)
    sides = [
        room.lettering.line(line, Style(round(letters * 0.82), overlay.color, outline=False), most_width=most)
        for words in (said, overlay.detail)
        for line in (clean(words) or [""])
    ]
    each, middle = max(line.shape[1] for line in sides) + 2 * side, points.shape[1] + 2 * side
    height = points.shape[0]
    sheet = _sheet(2 * each + middle, height, overlay.background or GROUND, radius=letters * 0.35)
    sheet.alpha_composite(_solid(middle, height, overlay.color), (each, 0))
    sheet.alpha_composite(Image.fromarray(points), (each + side, 0))
    for line, x in zip(sides, (0, each + middle), strict=True):
        sheet.alpha_composite(Image.fromarray(line), (x + (each - line.shape[1]) // 2, (height - line.shape[0]) // 2))
    return np.asarray(sheet, np.uint8)


def _comment(overlay: scene.Overlay, said: str, image: Plane | None, room: Room) -> Plane | None:
    """A picture of whoever wrote it, the nick, and what was written in at most three lines."""
    letters = room.letters
    light = _on(overlay.background or GROUND) == DARK
    nick = Style(max(round(letters * 0.62), 8), "#1b62ab" if light else "#8fc7ff", outline=False)
    body = Style(letters, overlay.color, outline=False)
    side = letters // 2
    face = round(letters * 1.9) if image is not None else 0
    left = side + (face + side if face else 0)
    most = max(min(room.width, int(room.canvas_width * 0.52)) - left - side, letters * 4)
    lines = [room.lettering.line(line, nick, most_width=most) for line in clean(overlay.detail)]
    for words in clean(said):
        wrapped = room.lettering.wrapped(words, body, most_width=most, most_lines=3)
        lines += [room.lettering.line(line, body, most_width=most) for line in wrapped]
    if not lines:
        return None
    high = letters // 3
    width = max(line.shape[1] for line in lines) + left + side
    height = max(sum(line.shape[0] for line in lines), face) + 2 * high
    sheet = _sheet(width, height, overlay.background or GROUND, radius=letters * 0.6)
    if image is not None:
        sheet.alpha_composite(_round(image, face), (side, high + letters // 8))
    y = high
    for line in lines:
        sheet.alpha_composite(Image.fromarray(line), (left, y))
        y += line.shape[0]
    return np.asarray(sheet, np.uint8)


_DRAWS: Final[dict[str, Draws]] = {
    "text": _text,
    "clock": _text,
    "countdown": _text,
    "image": _image,
    "scrolling": _scrolling,
    "lower_third": _lower_third,
    "scoreboard": _scoreboard,
    "comment": _comment,
}


def _sheet(width: int, height: int, background: str, *, radius: float) -> Image.Image:
    if not background:
        return Image.new("RGBA", (width, height), (0, 0, 0, 0))
    return _solid(width, height, background, radius=radius, opacity=SOFT)


def _solid(width: int, height: int, color: str, *, radius: float = 0.0, opacity: float = 1.0) -> Image.Image:
    return Image.fromarray(shapes.panel(width, height, color, radius=radius, opacity=opacity))


def _points(value: int) -> str:
    return str(min(max(value, -9_999), 99_999))


def _on(color: str) -> str:
    """Dark on light, light on dark."""
    red, green, blue = rgb_of(color)
    return DARK if red * 0.3 + green * 0.59 + blue * 0.11 > 130 else "#ffffff"


def _scaled(image: Plane, width: int, height: int, room: Room) -> Plane:
    """By areas; multiplied by its alpha meanwhile, so that what is not seen does not bleed into its edge."""
    share = min(1.0, room.canvas_width / width, room.canvas_height / height)
    size = (max(round(width * share), 2), max(round(height * share), 2))
    shrinks = size[0] < image.shape[1]
    alpha = image[:, :, 3:].astype(np.float32) / 255
    seen = np.dstack([image[:, :, :3] * alpha, alpha])
    small = cv2.resize(seen, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC).clip(0, 255)
    covers = small[:, :, 3:].clip(0, 1)
    found = np.dstack([(small[:, :, :3] / np.maximum(covers, 1e-4)).clip(0, 255), covers * 255])
    return np.asarray(np.rint(found), np.uint8)


def _round(image: Plane, size: int) -> Image.Image:
    """Its middle, in a circle."""
    high, wide = image.shape[:2]
    side = min(high, wide)
    square = image[(high - side) // 2 :, (wide - side) // 2 :][:side, :side]
    small = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    small[:, :, 3] = (small[:, :, 3] * shapes.rounded(size, size, size / 2)).astype(np.uint8)
    return Image.fromarray(small)
