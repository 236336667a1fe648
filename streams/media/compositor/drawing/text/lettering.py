"""One line of words as a picture with alpha: any script, any direction, emoji in colour, readable on any ground.

Of each piece (one face, one direction) raqm does the shaping; which face and in which order is ours (`fonts.py`, `bidi.py`)."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from streams.media.compositor.drawing.colors import Plane, rgb_of
from streams.media.compositor.drawing.kept import Kept
from streams.media.compositor.drawing.text import bidi
from streams.media.compositor.drawing.text.fonts import EMOJI_SIZE, HAS_RAQM, Face, Fonts
from streams.media.compositor.drawing.text.words import clusters

# In parts of the letters' size: of a line, and of its baseline from its top. Thai and Devanagari stand high, Arabic reaches deep.
LINE: Final = 1.54
BASELINE: Final = 1.11
SMALLEST, LARGEST = 8, 300
WIDEST: Final = 16_000
# Of one picture of words: 2 MB as alpha, some 40 MB while it is made.
MOST_PIXELS: Final = 2_000_000
_NEVER_FIRST = frozenset(",.!?:;)]}。，、！？：；）】」》…")


@dataclass(frozen=True, slots=True)
class Style:
    """`size` of the letters in pixels. `outline`: an edge and a shadow that make it readable on any ground."""

    size: int
    color: str = "#ffffff"
    bold: bool = True
    outline: bool = True

    @property
    def height(self) -> int:
        """Of the line's picture."""
        return 2 * round(self.fair_size * LINE / 2)

    @property
    def fair_size(self) -> int:
        return min(max(self.size, SMALLEST), LARGEST)

    @property
    def pad(self) -> int:
        """Left and right of the words, for what reaches over."""
        return max(2, round(self.fair_size * 0.14))


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    face: Face | None
    level: int
    width: float


class Lettering:
    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._emoji_widths: Kept[float] = Kept(most=2048, most_bytes=2048, weight=lambda _: 1)
        self._emoji: Kept[Image.Image] = Kept(
            most=256, most_bytes=8 * 2**20, weight=lambda one: one.width * one.height * 4
        )

    def width(self, text: str, style: Style) -> float:
        """Of the words without pads."""
        return sum(piece.width for piece in self._pieces(clusters(text), style))

    def wrapped(self, text: str, style: Style, *, most_width: int, most_lines: int) -> list[str]:
        """Lines no wider than that, broken at spaces and between characters of scripts that have none. What is too long for the last
        line stays in it, for `line` to cut."""
        room = most_width - 2 * style.pad
        lines = [""]
        for word in _breakable(clusters(text)):
            if lines[-1] and len(lines) < most_lines and self.width((lines[-1] + word).rstrip(), style) > room:
                lines[-1] = lines[-1].rstrip()
                lines.append("")
            lines[-1] += word if lines[-1] else word.lstrip()
        return [line for line in lines if line]

    def line(self, text: str, style: Style, *, most_width: int = WIDEST) -> Plane:
        """RGBA, `style.height` high, as wide as the words and two pads, at most `most_width`: what is longer ends in an ellipsis. `text`
        is clean (`words.clean`)."""
        most = max(min(most_width, WIDEST, MOST_PIXELS // style.height), style.height) - 2 * style.pad
        pieces = self._cut(clusters(text), style, most)
        width = 2 * round(sum(piece.width for piece in pieces) / 2 + 0.5) + 2 * style.pad
        mask = Image.new("L", (width, style.height), 0)
        colored = Image.new("RGBA", mask.size, (0, 0, 0, 0))
        self._draw(pieces, style, mask, colored)
        return _composed(np.asarray(mask), np.asarray(colored), style)

    def _cut(self, parts: list[str], style: Style, most: float) -> list[_Piece]:
        whole = self._pieces(parts, style)
        if sum(piece.width for piece in whole) <= most:
            return whole
        guess = int(len(parts) * most / max(sum(piece.width for piece in whole), 1))
        few, many = max(guess - 12, 0), min(guess + 12, len(parts) - 1)
        if not self._fits(parts[:few], style, most):
            few = 0
        while few < many:
            middle = (few + many + 1) // 2
            if self._fits(parts[:middle], style, most):
                few = middle
            else:
                many = middle - 1
        while few and parts[few - 1] == " ":
            few -= 1
        return self._pieces([*parts[:few], "…"], style)

    def _fits(self, parts: list[str], style: Style, most: float) -> bool:
        return sum(piece.width for piece in self._pieces([*parts, "…"], style)) <= most

    def _pieces(self, parts: list[str], style: Style) -> list[_Piece]:
        levels = bidi.levels("".join(parts))
        found: list[tuple[str, Face | None, int]] = []
        at = 0
        for part in parts:
            before = found[-1][1] if found else None
            face, level = self._fonts.face_of(part, bold=style.bold, before=before), levels[at]
            at += len(part)
            if found and face is not None and not face.colored and found[-1][1:] == (face, level):
                found[-1] = (found[-1][0] + part, face, level)
            else:
                found.append((part, face, level))
        return [self._piece(text, face, level, style) for text, face, level in found]

    def _piece(self, text: str, face: Face | None, level: int, style: Style) -> _Piece:
        font = self._fonts.open(face, style.fair_size) if face else None
        if face is not None and font is not None:
            # FreeType may fail in any way at a damaged font.
            with suppress(OSError, ValueError):
                return _Piece(text, face, level, self._width(text, face, font, level, style))
        return _Piece(text, None, level, style.fair_size * 0.7)

    def _width(self, text: str, face: Face, font: FreeTypeFont, level: int, style: Style) -> float:
        shown, direction = _directed(text, level)
        if not face.colored:
            return float(font.getlength(shown, direction=direction))
        # To measure one is to decode its picture.
        width = self._emoji_widths.get(text, lambda: float(font.getlength(shown, direction=direction)))
        return width * style.fair_size * 1.1 / EMOJI_SIZE

    def _draw(self, pieces: list[_Piece], style: Style, mask: Image.Image, colored: Image.Image) -> None:
        pen = ImageDraw.Draw(mask)
        size, x, baseline = style.fair_size, float(style.pad), style.fair_size * BASELINE
        for index in bidi.seen_order([piece.level for piece in pieces]):
            piece = pieces[index]
            font = self._fonts.open(piece.face, size) if piece.face else None
            try:
                if piece.face is None or font is None:
                    raise OSError("no face has it")
                text, direction = _directed(piece.text, piece.level)
                if piece.face.colored:
                    small = self._small_emoji(text, font, size, piece.width)
                    at = (round(x), round(baseline - small.height * 101 / 128))
                    colored.alpha_composite(small, (at[0], max(at[1], 0)), (0, max(-at[1], 0)))
                else:
                    pen.text((x, baseline), text, font=font, fill=255, anchor="ls", direction=direction)
            except (OSError, ValueError):
                edge = max(1, size // 14)
                box = (x + edge, baseline - size * 0.75, x + max(piece.width, 3 * edge) - edge, baseline)
                pen.rectangle(box, outline=255, width=edge)
            x += piece.width

    def _small_emoji(self, text: str, font: FreeTypeFont, size: int, width: float) -> Image.Image:
        return self._emoji.get((text, size), lambda: _emoji(text, font, size, width))


def _emoji(text: str, font: FreeTypeFont, size: int, width: float) -> Image.Image:
    direction = _directed(text, 0)[1]
    whole = Image.new("RGBA", (min(max(int(font.getlength(text, direction=direction)), 8), 2000), 128), (0, 0, 0, 0))
    ImageDraw.Draw(whole).text((0, 101), text, font=font, anchor="ls", embedded_color=True, direction=direction)
    wanted = (max(round(width), 1), max(round(size * 1.1 * 128 / EMOJI_SIZE), 1))
    return whole.resize(wanted, Image.Resampling.BICUBIC)


def _breakable(parts: list[str]) -> list[str]:
    """Pieces between which a line may end; each has the space that follows it."""
    found: list[str] = []
    for part in parts:
        wide = unicodedata.east_asian_width(part[0]) in ("W", "F") and part[0] not in _NEVER_FIRST
        new = not found or wide or (part not in _NEVER_FIRST and part != " " and _ends(found[-1]))
        if new:
            found.append(part)
        else:
            found[-1] += part
    return found


def _ends(word: str) -> bool:
    return word.endswith(" ") or unicodedata.east_asian_width(word[0]) in ("W", "F")


def _directed(text: str, level: int) -> tuple[str, str | None]:
    """What Pillow is given. Without raqm (no libfribidi here) it knows no directions: letters are then put in order by us, unjoined."""
    if HAS_RAQM:
        return text, "rtl" if level % 2 else "ltr"
    return text[::-1] if level % 2 else text, None


def _composed(mask: Plane, colored: Plane, style: Style) -> Plane:
    """Channel by channel: numpy is slow over rows of three."""
    color = rgb_of(style.color)
    ink = mask.astype(np.float32) / 255
    alpha, share = ink, np.ones_like(ink)
    if style.outline:
        alpha = ink + _edge(mask, style) * (1 - ink)
        share = ink / np.maximum(alpha, 1e-6)
    # An edge that differs from what it is around.
    edge = 10 if np.dot(color, (0.2126, 0.7152, 0.0722)) > 70 else 235
    channels = [edge + (value - edge) * share for value in color]
    if colored.any():
        above = colored[:, :, 3].astype(np.float32) / 255
        below = alpha * (1 - above)
        alpha = above + below
        whole = np.maximum(alpha, 1e-6)
        channels = [(colored[:, :, index] * above + channel * below) / whole for index, channel in enumerate(channels)]
    found = np.empty((*mask.shape, 4), np.uint8)
    for index, channel in enumerate((*channels, alpha * 255)):
        found[:, :, index] = channel + 0.5
    return found


def _edge(mask: Plane, style: Style) -> NDArray[np.float32]:
    """Of large letters made at a fraction of their size: it is soft anyway, and the cost of spreading grows with its square."""
    reach = max(1.0, style.fair_size * 0.06)
    less = max(1, int(reach / 2.5))
    height, width = mask.shape
    small = (
        cv2.resize(mask, (-(-width // less), -(-height // less)), interpolation=cv2.INTER_AREA) if less > 1 else mask
    )
    spread = max(1, round(reach / less))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * spread + 1, 2 * spread + 1))
    wide = cv2.dilate(small, kernel).astype(np.float32) / 255
    edge = cv2.GaussianBlur(wide, (0, 0), (0.5 + style.fair_size * 0.012) / less)
    shadow = cv2.GaussianBlur(wide, (0, 0), (style.fair_size * 0.07 + 0.5) / less)
    found = np.maximum(edge * 0.85, shadow * 0.55)
    return np.asarray(cv2.resize(found, (width, height)) if less > 1 else found, np.float32)
