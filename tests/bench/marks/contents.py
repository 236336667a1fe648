"""Ten kinds of picture, drawn: frames of 25 a second, the same at every run. No film stock of our own.

A "photograph" is noise whose energy falls with its frequency, as in real ones, with shapes in it."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FPS, SECONDS = 25, 20
Frame = NDArray[np.uint8]


@cache
def photograph(*, width: int, height: int, seed: int) -> Frame:
    """Coloured clouds with edges: regions of unlike brightness, each with its own texture."""
    chance = np.random.default_rng(seed)
    fall = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width)[None, :] * width)
    fall[0, 0] = 1.0

    def clouds(power: float) -> NDArray[np.float64]:
        white = np.fft.fft2(chance.normal(size=(height, width)))
        made = np.fft.ifft2(white / fall**power).real
        return (made - made.mean()) / made.std()

    regions = np.digitize(clouds(1.9), (-0.9, -0.2, 0.4, 1.1))
    levels, texture = chance.uniform(50, 200, (5, 3)), chance.uniform(3, 26, 5)
    picture = levels[regions] + (texture[regions] * clouds(0.9))[:, :, None] + 14 * clouds(1.5)[:, :, None]
    return cv2.GaussianBlur(np.clip(picture, 0, 255).astype(np.uint8), (0, 0), 0.8)


def _cut(picture: Frame, *, x: float, y: float, width: int, height: int, zoom: float = 1.0) -> Frame:
    """A piece of a picture, moved by parts of a pixel."""
    where = np.array([[1 / zoom, 0, x], [0, 1 / zoom, y]])
    return cv2.warpAffine(
        picture, where, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
    )


def _camera(picture: Frame, *, sigma: float, chance: np.random.Generator) -> Frame:
    """With a sensor's noise."""
    grain = chance.normal(0, sigma, picture.shape[:2]).astype(np.float32)
    return np.clip(picture + grain[:, :, None], 0, 255).astype(np.uint8)


def face(width: int, height: int) -> Iterator[Frame]:
    """A head that sways and nods before a background that stands still, through a camera's noise."""
    chance = np.random.default_rng(1)
    room = cv2.GaussianBlur(photograph(width=width, height=height, seed=11), (0, 0), 2)
    skin = photograph(width=width, height=height, seed=12) // 3 + np.array([70, 95, 140], np.uint8)
    size = height
    for number in range(FPS * SECONDS):
        t = number / FPS
        x = width / 2 + 0.03 * size * np.sin(1.3 * t) + 0.006 * size * np.sin(5.1 * t)
        y = 0.5 * size + 0.02 * size * np.sin(1.9 * t)
        mask = np.zeros((height, width), np.uint8)
        cv2.ellipse(mask, (int(x), int(y)), (int(0.22 * size), int(0.3 * size)), 4 * np.sin(t), 0, 360, 255, -1)
        cv2.ellipse(mask, (int(x), int(1.05 * size)), (int(0.5 * size), int(0.3 * size)), 0, 0, 360, 255, -1)
        moved = _cut(skin, x=width / 2 - x, y=0.5 * size - y, width=width, height=height)
        frame = np.where(mask[:, :, None] > 0, moved, room)
        for side in (-1, 1):
            cv2.circle(frame, (int(x + side * 0.08 * size), int(y - 0.05 * size)), size // 45, (40, 30, 30), -1)
        opened = int(0.012 * size * (1 + abs(np.sin(6 * t)) * 2))
        cv2.ellipse(frame, (int(x), int(y + 0.14 * size)), (size // 14, opened), 0, 0, 360, (50, 40, 120), -1)
        yield _camera(frame, sigma=3, chance=chance)


def text(width: int, height: int) -> Iterator[Frame]:
    """An editor whose text scrolls a few lines, rests and scrolls on, with a cursor that blinks."""
    chance = np.random.default_rng(2)
    line = height // 28
    words = [row for row in textwrap.wrap(Path(__file__).read_text(), 90) if row]
    page = np.full((line * len(words) * 2, width, 3), (46, 30, 30), np.uint8)
    for row, said in enumerate(words + words):
        color = tuple(int(part) for part in chance.integers(120, 250, 3))
        cv2.putText(page, said, (line, line * (row + 1)), cv2.FONT_HERSHEY_SIMPLEX, line / 34, color, 1, cv2.LINE_AA)
    scrolled = 0
    for number in range(FPS * SECONDS):
        if number % 60 < 14:
            scrolled = (scrolled + line // 2) % (len(page) - height)
        frame = page[scrolled : scrolled + height].copy()
        if number // 13 % 2:
            cv2.rectangle(
                frame, (width // 3, height // 2), (width // 3 + line // 2, height // 2 + line), (250,) * 3, -1
            )
        yield frame


def sport(width: int, height: int) -> Iterator[Frame]:
    """A camera that follows players over a textured field, fast, with a cut every four seconds."""
    field = photograph(width=width * 2, height=height * 2, seed=31)
    green = (field // 2 + np.array([20, 90, 30], np.uint8)).astype(np.uint8)
    for number in range(FPS * SECONDS):
        t, shot = number / FPS, number // (4 * FPS)
        x = (0.5 + 0.45 * np.sin(1.1 * t + shot)) * width
        y = (0.5 + 0.4 * np.cos(0.8 * t + 2 * shot)) * height
        frame = _cut(green, x=x, y=y, width=width, height=height, zoom=1.0 + 0.5 * (shot % 2))
        for player in range(14):
            px = int(width * (0.5 + 0.48 * np.sin(1.7 * t + 1.9 * player + shot)))
            py = int(height * (0.55 + 0.4 * np.cos(1.3 * t + 2.7 * player)))
            color = ((30, 30, 200), (220, 220, 220))[player % 2]
            cv2.rectangle(frame, (px - height // 60, py - height // 16), (px + height // 60, py), color, -1)
            cv2.circle(frame, (px, py - height // 13), height // 70, (120, 150, 200), -1)
        yield frame


def dark(width: int, height: int) -> Iterator[Frame]:
    """A night: almost black, with a lamp that moves and a sensor's noise."""
    chance = np.random.default_rng(4)
    picture = photograph(width=width, height=height, seed=41).astype(np.float32) * 0.13 + 6
    rows, columns = np.mgrid[0:height, 0:width]
    for number in range(FPS * SECONDS):
        t = number / FPS
        x, y = width * (0.5 + 0.4 * np.sin(0.5 * t)), height * (0.4 + 0.2 * np.cos(0.7 * t))
        lamp = 90 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (0.08 * height) ** 2))
        yield _camera(picture + lamp[:, :, None], sigma=2, chance=chance)


def gradient(width: int, height: int) -> Iterator[Frame]:
    """Nothing but slow colours: the place where a mark is seen soonest."""
    columns, rows = np.arange(width)[None, :] / width, np.arange(height)[:, None] / height
    for number in range(FPS * SECONDS):
        t = number / FPS
        waves = [np.sin(columns * 2.2 + 0.3 * t + n) + np.cos(rows * 1.7 - 0.2 * t + 2 * n) for n in range(3)]
        yield np.clip(np.dstack([128 + 50 * wave for wave in waves]), 0, 255).astype(np.uint8)


def cartoon(width: int, height: int) -> Iterator[Frame]:
    """Plain colours with black outlines that hop about, two drawings a frame apart as in animation."""
    chance = np.random.default_rng(6)
    shapes = [(chance.uniform(0, 1, 4), tuple(int(part) for part in chance.integers(60, 255, 3))) for _ in range(16)]
    for number in range(FPS * SECONDS):
        t = number // 2 * 2 / FPS
        frame = np.full((height, width, 3), (230, 190, 120), np.uint8)
        cv2.rectangle(frame, (0, int(0.7 * height)), (width, height), (90, 190, 110), -1)
        for (a, b, c, d), color in shapes:
            middle = (int(width * (a + 0.15 * np.sin(t * (1 + c)))), int(height * (b + 0.2 * abs(np.sin(t * (2 + d))))))
            sizes = (int(height * (0.04 + 0.1 * c)), int(height * (0.04 + 0.1 * d)))
            cv2.ellipse(frame, middle, sizes, 30 * c, 0, 360, color, -1, cv2.LINE_AA)
            cv2.ellipse(frame, middle, sizes, 30 * c, 0, 360, (20, 20, 20), max(2, height // 180), cv2.LINE_AA)
        yield frame


def noise(width: int, height: int) -> Iterator[Frame]:
    """Film grain so strong that an encoder cannot follow it, over a picture that breathes."""
    chance = np.random.default_rng(7)
    picture = photograph(width=width, height=height, seed=71)
    for number in range(FPS * SECONDS):
        zoom = 1.05 + 0.04 * np.sin(0.4 * number / FPS)
        frame = _cut(picture, x=0, y=0, width=width, height=height, zoom=zoom)
        yield _camera(frame, sigma=14, chance=chance)


def pan(width: int, height: int) -> Iterator[Frame]:
    """A slow look along a landscape."""
    picture = photograph(width=width * 2, height=height, seed=81)
    for number in range(FPS * SECONDS):
        yield _cut(picture, x=width * number / FPS / SECONDS, y=0, width=width, height=height)


def slide(width: int, height: int) -> Iterator[Frame]:
    """A page of a talk that stands still."""
    frame = np.full((height, width, 3), 245, np.uint8)
    cv2.rectangle(frame, (0, 0), (width, height // 7), (150, 80, 30), -1)
    scale = height / 400
    cv2.putText(frame, "What we did last year", (width // 20, height // 10), 0, scale, (255,) * 3, 2, cv2.LINE_AA)
    for row in range(6):
        said = f"{row + 1}. A line of a talk that nobody reads to its end"
        cv2.putText(
            frame, said, (width // 14, int(height * (0.27 + 0.11 * row))), 0, scale * 0.6, (40,) * 3, 1, cv2.LINE_AA
        )
    for bar, high in enumerate((0.2, 0.35, 0.3, 0.5, 0.55)):
        x = int(width * (0.68 + 0.055 * bar))
        cv2.rectangle(frame, (x, int(height * (0.9 - high))), (x + width // 26, int(0.9 * height)), (60, 140, 230), -1)
    for _ in range(FPS * SECONDS):
        yield frame


def testsrc(width: int, height: int) -> Iterator[Frame]:
    """ffmpeg's own test picture."""
    source = f"testsrc2=size={width}x{height}:rate={FPS}:duration={SECONDS}"
    arguments = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "bgr24", "-f", "rawvideo", "-"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        while raw := child.stdout.read(width * height * 3):
            yield np.frombuffer(raw, np.uint8).reshape(height, width, 3)


KINDS: dict[str, Callable[[int, int], Iterator[Frame]]] = {
    one.__name__: one for one in (face, text, sport, dark, gradient, cartoon, noise, pan, slide, testsrc)
}
