"""A screen, filmed: what a camera before a monitor makes of a film. A model, not a camera; each step can be named.

The monitor shows 25 pictures a second on a raster of stripes (moiré), the camera takes 30, each with an exposure of a fiftieth of a second;
seen at an angle, through a lens that blurs and darkens its corners, at the camera's own gamma, with a sensor's noise; coded as phones do,
at 8 Mb/s for 720 lines, then sent on at 1.5 Mb/s."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 1280, 720, 30


@dataclass(frozen=True, slots=True)
class Camera:
    """`slant`: how far corners are from a rectangle, in parts of the picture; `shake`: pixels; `fills`: part of the picture that the screen
    fills; `turned`: degrees."""

    name: str
    slant: float = 0.0
    shake: float = 0.0
    fills: float = 1.0
    turned: float = 0.0


CAMERAS = (
    Camera("filmed straight, from a stand, all of the screen"),
    Camera("filmed straight, the screen fills 85 %", fills=0.85),
    Camera("filmed from a stand, turned by 1° and slanted by 2 %", slant=0.02, fills=0.9, turned=1.0),
    Camera("filmed by hand, slanted by 4 %", slant=0.04, fills=0.9, turned=1.5, shake=3.0),
)


def filmed(source: Path, camera: Camera, *, target: Path) -> Path:
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "pipe:0"]
    coded = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "1500k", str(target)]
    with subprocess.Popen(["nice", "ffmpeg", "-v", "error", "-y", *raw, *coded], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        for frame in _seen(source, camera):
            child.stdin.write(frame.tobytes())
    return target


def _shown(source: Path) -> Iterator[NDArray[np.float32]]:
    """The light of the monitor at each camera picture: two of the film's where the exposure meets a change."""
    arguments = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(source),
        "-vf",
        f"scale={WIDTH}:{HEIGHT},fps=25",
        "-pix_fmt",
        "gray",
    ]
    with subprocess.Popen([*arguments, "-f", "rawvideo", "-"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        before, taken, number = None, 0, 0
        while len(raw := child.stdout.read(WIDTH * HEIGHT)) == WIDTH * HEIGHT:
            light = (np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH).astype(np.float32) / 255) ** 2.2
            number += 1
            while taken / FPS < number / 25:
                part = float(np.clip((taken / FPS - (number - 1) / 25) * 50, 0, 1))
                yield light if before is None else part * light + (1 - part) * before
                taken += 1
            before = light


def _seen(source: Path, camera: Camera) -> Iterator[NDArray[np.uint8]]:
    chance = np.random.default_rng(9)
    # Stripes of the screen's raster, three to a pixel, seen at the camera's pitch: slow waves.
    stripes = (1 + 0.08 * np.sin(np.arange(WIDTH) * 2 * np.pi * 0.37)).astype(np.float32)[None, :]
    rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    corners_dark = (1 - 0.25 * (rows**2 + columns**2) / 2).astype(np.float32)
    size = np.array([WIDTH, HEIGHT], np.float32)
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], np.float32)
    turn = np.deg2rad(camera.turned)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    slanted = corners + camera.slant * np.array([[0.6, 0.3], [-0.2, -0.4], [0.1, 0.2], [-0.5, -0.1]], np.float32)
    for number, light in enumerate(_shown(source)):
        drift = camera.shake * np.array([np.sin(number / 11), np.cos(number / 17)]) + camera.shake * chance.normal(
            0, 0.15, 2
        )
        there = ((slanted * camera.fills * size) @ spin.T + size / 2 + drift).astype(np.float32)
        way = cv2.getPerspectiveTransform((corners + 0.5) * size, there)
        seen = cv2.warpPerspective(light * stripes, way, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        seen = cv2.GaussianBlur(seen, (0, 0), 1.0) * corners_dark * 0.85 + 0.02
        coded = 255 * np.clip(seen, 0, 1) ** (1 / 2.0) + chance.normal(0, 3, seen.shape)
        yield np.clip(coded, 0, 255).astype(np.uint8)
