"""One clip through the encoder of one preset, and how near to the original it comes out."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from streams.ladder.looks import Looks
from streams.media import x264

QUALITIES = (20, 24, 28, 32)
_ALL = 100_000


@dataclass(frozen=True, slots=True)
class Point:
    """`cores`: CPU seconds of encoding (and of reading the clip) per second of it. `vmaf`: None where no ffmpeg here knows it."""

    kbps: float
    ssim: float
    vmaf: float | None
    cores: float

    @property
    def ssim_db(self) -> float:
        return -10 * math.log10(max(1e-6, 1 - self.ssim))


def content_of(clip: Path) -> str:
    """What the product takes it for, by its own looks."""
    chain = "select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,0.5),scale=640:360:flags=bilinear,format=yuv420p,siti,entropy"
    shown = _run(
        [
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-i",
            str(clip),
            "-vf",
            f"{chain},metadata=print:file=-",
            "-f",
            "null",
            "-",
        ]
    )
    looks = Looks()
    looks.hear(shown.splitlines())
    return looks.content()


def curve(clip: Path, *, preset: str, content: str) -> list[Point]:
    """From the best to the worst quality, without a cap."""
    settings = x264.settings(_coding(clip, preset, content, _ALL))
    for name in ("maxrate", "bufsize"):
        del settings[name]
    return [coded(clip, settings | {"crf": str(quality)}) for quality in QUALITIES]


def as_set(clip: Path, *, preset: str, content: str, wish_kbps: int) -> Point:
    """As the product would make a rung of so many kb/s."""
    return coded(clip, x264.settings(_coding(clip, preset, content, wish_kbps)))


def _coding(clip: Path, preset: str, content: str, kbps: int) -> x264.Coding:
    about = _about(clip)
    return x264.Coding(
        preset, content, fps=about["fps"], bitrate_kbps=kbps, pixels=int(about["width"] * about["height"])
    )


def coded(clip: Path, settings: dict[str, str]) -> Point:
    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as folder:
        out = Path(folder) / "out.mp4"
        options = [word for name, value in settings.items() for word in (f"-{name}", value)]
        arguments = ["-i", str(clip), "-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "1000"]
        # As in the steady state: the closer keyframes of a ladder's first two seconds would be a quarter of a clip of eight.
        arguments += ["-force_key_frames", "expr:gte(t,n_forced*2)", *options]
        before = os.times()
        _run(["nice", "ffmpeg", "-nostdin", "-v", "error", "-y", *arguments, str(out)])
        after = os.times()
        seconds = _about(out)["seconds"]
        ssim = re.search(r"All:([\d.]+)", _compare("ffmpeg", out, clip, "ssim"))
        assert ssim is not None
        return Point(
            kbps=out.stat().st_size * 8 / seconds / 1000,
            ssim=float(ssim[1]),
            vmaf=_vmaf(out, clip),
            cores=(after.children_user + after.children_system - before.children_user - before.children_system)
            / seconds,
        )


@cache
def vmaf_ffmpeg() -> str | None:
    """An ffmpeg that knows VMAF: the machine's, or the one that imageio-ffmpeg brings."""
    found = [shutil.which("ffmpeg")]
    package = importlib.util.find_spec("imageio_ffmpeg")
    if package is not None and package.submodule_search_locations:
        found += [str(path) for path in Path(package.submodule_search_locations[0], "binaries").glob("ffmpeg-*")]
    for program in found:
        if program and "libvmaf" in _run([program, "-hide_banner", "-filters"]):
            return program
    return None


def _vmaf(out: Path, clip: Path) -> float | None:
    program = vmaf_ffmpeg()
    if program is None:
        return None
    said = re.search(r"VMAF score: ([\d.]+)", _compare(program, out, clip, "libvmaf=n_threads=2"))
    return float(said[1]) if said else None


def _compare(program: str, out: Path, clip: Path, chain: str) -> str:
    return _run(
        [
            "nice",
            program,
            "-nostdin",
            "-hide_banner",
            "-i",
            str(out),
            "-i",
            str(clip),
            "-lavfi",
            chain,
            "-f",
            "null",
            "-",
        ]
    )


@cache
def _about(clip: Path) -> dict[str, float]:
    shown = _run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-of", "json",
         "-show_entries", "stream=width,height,avg_frame_rate:format=duration", str(clip)]
    )  # fmt: skip
    found = json.loads(shown)
    stream = found["streams"][0]
    above, _, below = stream["avg_frame_rate"].partition("/")
    return {
        "width": stream["width"], "height": stream["height"], "fps": float(above) / float(below or 1),
        "seconds": float(found["format"]["duration"]),
    }  # fmt: skip


def _run(arguments: Sequence[str]) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def saving(of: Sequence[Point], over: Sequence[Point], *, by: str) -> float | None:
    """Part of the bits that `of` saves over `over` at the same quality, over all qualities that both reach (Bjøntegaard's measure, by
    straight lines). `by`: ssim_db or vmaf."""
    first, second = _points(of, by), _points(over, by)
    if len(first) < 2 or len(second) < 2:
        return None
    low, high = max(first[0][0], second[0][0]), min(first[-1][0], second[-1][0])
    if low >= high:
        return None
    steps = [low + (high - low) * (step + 0.5) / 100 for step in range(100)]
    return 1 - math.exp(sum(_at(first, step) - _at(second, step) for step in steps) / 100)


def _points(points: Sequence[Point], by: str) -> list[tuple[float, float]]:
    return sorted((getattr(one, by), math.log(one.kbps)) for one in points if getattr(one, by) is not None)


def _at(curve: Sequence[tuple[float, float]], quality: float) -> float:
    for (left, below), (right, above) in pairwise(curve):
        if left <= quality <= right:
            return below + (above - below) * (quality - left) / (right - left or 1)
    raise ValueError(quality)
