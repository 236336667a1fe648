"""Sound against picture: a source that flashes and beeps once a second, measured in the output, at the begin, after minutes, and after
the input was killed and came back."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from streams.media.compositor.scene import Scene
from tests.bench.mix import rig
from tests.bench.mix.cost import look_of
from tests.bench.mix.rig import OUT, Stand

MOST_MS, MOST_AFTER_RETURN_MS = 40.0, 60.0
_RATE = 48_000
_WIDE, _HIGH = 32, 18


def flashes(folder: Path, seconds: int) -> Path:
    """A white picture and a tone of 1 kHz, both of 120 ms, at each second."""
    path = folder / f"flash-{seconds}.flv"
    if not path.exists():
        subprocess.run(
            [
                "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "color=black:s=320x180:r=25,geq=lum='if(lt(mod(T+0.5,1),0.12),235,16)':cb=128:cr=128", "-f", "lavfi", "-i",
                "aevalsrc='if(lt(mod(t+0.5,1),0.12),0.5*sin(2*PI*1000*t),0)':s=44100", "-t", str(seconds), "-c:v", "libx264",
                "-preset", "ultrafast", "-bf", "0", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path),
            ], check=True,
        )  # fmt: skip
    return path


def apart_ms(path: Path) -> list[tuple[float, float]]:
    """(when, by how much the sound comes after the picture) of each flash, in seconds and milliseconds."""
    pictures, sound = list(_flash_times(path)), _beep_times(path)
    found = []
    for at in pictures:
        nearest = min(sound, key=lambda one: abs(one - at), default=None)
        if nearest is not None and abs(nearest - at) < 0.4:
            found.append((at, (nearest - at) * 1000))
    return found


def _flash_times(path: Path) -> Iterator[float]:
    times = rig.packets(path)["video"]
    raw = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v", "-vf", f"scale={_WIDE}:{_HIGH}", "-pix_fmt", "gray",
         "-fps_mode", "passthrough", "-f", "rawvideo", "-"], check=True, capture_output=True,
    ).stdout  # fmt: skip
    luma = np.frombuffer(raw, np.uint8).reshape(-1, _WIDE * _HIGH).mean(axis=1)
    bright = luma > 120
    for number in range(1, min(len(bright), len(times))):
        if bright[number] and not bright[number - 1]:
            yield times[number]


def _beep_times(path: Path) -> list[float]:
    first = rig.packets(path)["audio"][0]
    raw = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:a", "-ac", "1", "-ar", str(_RATE), "-f", "s16le", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    loud = np.abs(np.frombuffer(raw, np.int16).astype(np.int32)) > 4000
    # Loud within the millisecond before: one run for each beep.
    places = np.flatnonzero(loud)
    starts = places[np.insert(np.diff(places) > _RATE // 5, 0, True)] if len(places) else []
    return [first + int(one) / _RATE for one in starts]


def minutes(stand: Stand, *, minutes: float) -> bool:
    clip = flashes(stand.folder, round(minutes * 60) + 60)
    source = statistics.median(apart for _, apart in apart_ms(clip))
    pusher = stand.rig.push("flash", clip, source=())
    scene = Scene(
        serial=1,
        width=320,
        height=180,
        video_bitrate_kbps=300,
        inputs=stand.inputs(["flash"]),
        programme=look_of("flash"),
    )
    path = stand.folder / "sync.flv"
    with stand.compositor(scene) as desk:
        stand.on_air()
        with stand.recording(path, OUT):
            desk.listen(minutes * 60)
            stand.rig.stop_push(pusher)
            desk.listen(4)
            stand.rig.push("flash", clip, source=())
            desk.listen(15)
        late, memory = desk.told[-1][1].late, rig.resident_mb(desk.process.pid)
    found = apart_ms(path)
    gap = max(range(1, len(found)), key=lambda number: found[number][0] - found[number - 1][0])
    before, after = found[:gap], found[gap:]
    rows = [("begin", before[:10]), ("end", before[-10:]), ("after it came back", after[-10:])]
    shown, worst = [], []
    for what, part in rows:
        values = _beyond(part, source)
        worst.append(max(map(abs, values)))
        shown.append(f"{what} {statistics.median(values):+.0f} ms (at most {worst[-1]:.0f})")
    print(
        f"sound after picture, {minutes:g} minutes, beyond the source's own {source:+.0f} ms: {', '.join(shown)}; {late} frames late, "
        f"{memory:.0f} MB; {rig.load()}",
        flush=True,
    )
    return max(worst[:2]) <= MOST_MS and worst[2] <= MOST_AFTER_RETURN_MS


def _beyond(part: Sequence[tuple[float, float]], source: float) -> list[float]:
    return [apart - source for _, apart in part] or [float("inf")]
