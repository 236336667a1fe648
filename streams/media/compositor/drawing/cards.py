"""What is drawn on a place beside the picture: the card of an input that is away, its name plate, its badges. RGBA, each made once."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageDraw

from streams.media.compositor.drawing import shapes
from streams.media.compositor.drawing.colors import Plane, rgb_of
from streams.media.compositor.drawing.text.lettering import Lettering, Style
from streams.media.compositor.drawing.text.words import clean

PLATE: Final = "#0c1014"
BADGE: Final = "#d92d3a"


def card(width: int, height: int, *, name: str, color: str, cover: Plane | None, lettering: Lettering) -> Plane:
    """Opaque: the cover, out of focus and dark (or the input's colour), a camera that is crossed out, the name."""
    ground = _blurred(cover, width, height) if cover is not None else _gradient(color, width, height)
    sheet = Image.fromarray(ground).convert("RGBA")
    words = clean(name)
    shorter = min(width, height)
    icon = max(min(int(shorter * 0.26), 180), 10)
    letters = max(int(shorter * 0.075), 11)
    named = bool(words) and says_name(width, height)
    style = Style(letters)
    top = (height - icon - (style.height + letters // 2 if named else 0)) // 2
    sheet.alpha_composite(absent(icon), ((width - icon) // 2, max(top, 0)))
    if named:
        line = lettering.line(words[0], style, most_width=int(width * 0.9))
        sheet.alpha_composite(Image.fromarray(line), ((width - line.shape[1]) // 2, top + icon + letters // 2))
    return np.asarray(sheet, np.uint8)


def says_name(width: int, height: int) -> bool:
    """Whether a card of this size has room for its name."""
    return height >= 70 and width >= 100


def absent(size: int) -> Image.Image:
    """A camera, crossed out: understood in every language."""
    big = 4 * size
    mask = Image.new("L", (big, big), 0)
    pen = ImageDraw.Draw(mask)

    def at(*parts: float) -> list[float]:
        return [part * big / 100 for part in parts]

    pen.rounded_rectangle(at(8, 28, 66, 72), radius=big * 0.08, fill=255)
    pen.polygon(at(70, 46, 92, 32, 92, 68, 70, 54), fill=255)
    pen.line(at(14, 12, 86, 88), fill=0, width=int(big * 0.13))
    pen.line(at(14, 12, 86, 88), fill=255, width=int(big * 0.055))
    found = Image.new("RGBA", (size, size), (255, 255, 255, 0))
    found.putalpha(mask.resize((size, size), Image.Resampling.LANCZOS).point(lambda value: int(value * 0.72)))
    return found


def plate(name: str, *, most_width: int, side: int, lettering: Lettering) -> Plane | None:
    """None: there is no name. `side`: the canvas's shorter one, of which letters are a share."""
    words = clean(name)
    if not words:
        return None
    style = Style(max(round(side * 0.026), 9), outline=False)
    line = lettering.line(words[0], style, most_width=max(most_width - style.size, 24))
    edge = style.size // 3
    sheet = Image.fromarray(
        shapes.panel(line.shape[1] + 2 * edge, line.shape[0], PLATE, radius=style.size * 0.4, opacity=0.66)
    )
    sheet.alpha_composite(Image.fromarray(line), (edge, 0))
    return np.asarray(sheet, np.uint8)


def badge(words: str, *, most_width: int, side: int, lettering: Lettering) -> Plane | None:
    said = clean(words)
    if not said:
        return None
    style = Style(max(round(side * 0.02), 9), outline=False)
    line = lettering.line(said[0].upper(), style, most_width=max(most_width - style.size, 24))
    edge = style.size // 4
    sheet = Image.fromarray(
        shapes.panel(line.shape[1] + 2 * edge, line.shape[0], BADGE, radius=style.size * 0.35, opacity=0.94)
    )
    sheet.alpha_composite(Image.fromarray(line), (edge, 0))
    return np.asarray(sheet, np.uint8)


def _gradient(color: str, width: int, height: int) -> Plane:
    light = np.linspace(1.18, 0.72, height, dtype=np.float32)[:, None, None]
    column = np.clip(np.array(rgb_of(color), np.float32) * light, 0, 255)
    return np.ascontiguousarray(np.broadcast_to(column, (height, width, 3)).astype(np.uint8))


def _blurred(cover: Plane, width: int, height: int) -> Plane:
    """Small, blurred and made large again: the same to the eye for a tenth of the time."""
    high, wide = cover.shape[:2]
    share = max(width / wide, height / high)
    cut_w, cut_h = min(max(int(width / share), 1), wide), min(max(int(height / share), 1), high)
    x, y = (wide - cut_w) // 2, (high - cut_h) // 2
    part = cover[y : y + cut_h, x : x + cut_w].astype(np.float32)
    flat = part[:, :, :3] * (part[:, :, 3:] / 255) * 0.45
    small = cv2.resize(flat, (max(width // 8, 2), max(height // 8, 2)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), max(min(small.shape[:2]) * 0.035, 0.6))
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255), np.uint8)
