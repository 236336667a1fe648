"""Memory over hours, played as fast as it goes: the real programme, with inputs that come, go, stumble and are replaced, by a clock of
its own. No child is started; what decoders give is made up, in rooms of the same pool."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from streams.media.compositor import wires
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.picture import Picture, planes
from streams.media.compositor.inputs.pool import Pool
from streams.media.compositor.inputs.source import Size, Source
from streams.media.compositor.inputs.timeline import Timeline
from streams.media.compositor.inputs.words import Words
from streams.media.compositor.pace import Pace
from streams.media.compositor.programme import Programme
from streams.media.compositor.scene import Comments, Input, Look, Overlay, Place, Scene, Transition
from streams.media.compositor.sound import as_bytes
from tests.bench.mix import rig

FPS, MOST_GROWN_MB = 25, 8.0
_SIZE = (320, 180)
_NAMES = [f"in{number}" for number in range(4)]
_clock = [0.0]


class MadeUp:
    """In a decoder's place: as many pictures and as much sound as the clock says, with a pause now and then."""

    def __init__(
        self,
        of: Input,
        *,
        width: int,
        height: int,
        fps: int,
        pictures: bool = True,
        sound: bool = True,
        look_seconds: float = 3.0,
    ) -> None:
        self.width, self.height, self.fps, self.pictures, self.sound = width, height, fps, pictures, sound
        self.words, self.gave, self.began, self.code = Words(), 0.0, _clock[0], None
        self.is_over = self.is_wrong = False
        self.timeline: Timeline[Picture] = Timeline(
            fps=fps, pictures=True, sound=True, delay_seconds=of.delay_ms / 1000
        )
        self._pool, self._steps = Pool(width * height * 3 // 2), 0

    def run(self) -> None:
        self._steps += 1
        if self._steps % 400 > 380:
            return
        self.gave = _clock[0]
        self.timeline.put_picture(Picture(*planes(self._pool.room(), self.width, self.height)))
        self.timeline.put_sound(np.full((48_000 // self.fps, 2), 1000, np.int16))
        if self._steps % 2500 == 2499:
            self.is_over = True

    def settle(self) -> None:
        self._pool.shrink(10)

    def close(self) -> None:
        self.is_over = True


class Sources:
    """In the intake's place, without a thread."""

    def __init__(self) -> None:
        self.sources: Mapping[str, Source] = {}

    def want(self, inputs: Mapping[str, tuple[Input, Size]], *, now: float) -> None:
        found = {}
        for name, (one, size) in inputs.items():
            source = self.sources.get(name) or Source(one, fps=FPS, wanted=size, make=MadeUp)  # type: ignore[arg-type]
            source.wish(one, size, now)
            found[name] = source
        self.sources = found

    def run(self, now: float) -> None:
        for source in self.sources.values():
            for gone in source.tend(now):
                gone.close()
            for decoder in source.decoders:
                if not decoder.is_over:
                    decoder.run()  # type: ignore[attr-defined]


def _scene(serial: int) -> Scene:
    """Another one each time: other inputs, another arrangement, other words."""
    names = _NAMES[: 1 + serial % 4]
    places = tuple(
        Place(
            input=name,
            x=number * 20,
            y=number * 15,
            width=40,
            height=40,
            z=number,
            radius_percent=serial % 3 * 10,
            plate=True,
        )
        for number, name in enumerate(names)
    )
    overlays = (
        Overlay(id="clock", kind="clock", x=60, y=2),
        Overlay(id="text", kind="lower_third", x=5, y=70, text=f"Number {serial}", detail="弹幕"),
        Overlay(id="run", kind="scrolling", y=90, text=f"Words that run, {serial}"),
    )
    return Scene(
        serial=serial, width=_SIZE[0], height=_SIZE[1], fps=FPS, programme=Look(places=places, overlays=overlays),
        inputs=tuple(Input(id=name, kind="stream", address=name, name=f"{name} {serial}", duck=name == "in1") for name in names),
        transition=Transition(kind="fade" if serial % 2 else "cut", ms=600), comments=Comments(), badges=True,
    )  # fmt: skip


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def hour(*, minutes: float) -> bool:
    _clock[0] = 1000.0
    sources, canvas, pace = Sources(), Canvas(*_SIZE), Pace(fps=FPS, now=1000.0)
    programme = Programme(_scene(1), sources)
    programme.begin(now=_clock[0])
    frames, every, began = round(minutes * 60 * FPS), max(1, round(minutes * 6 * FPS)), time.monotonic()
    sizes = []
    for frame in range(frames):
        _clock[0] += max(0.0, pace.wait(_clock[0]))
        now = _clock[0]
        if frame % (4 * FPS) == 4 * FPS - 1:
            programme.show(_scene(2 + frame // (4 * FPS)), now=now)
        if frame % 10 == 0:
            programme.comment([wires.Bullet(text=f"弹幕 {frame}", nick="mia")])
        sources.run(now)
        samples = pace.begin(now)
        as_bytes(programme.step(canvas, samples=samples, frame=frame, now=now, clock=now))
        if frame % every == every - 1:
            gc.collect()
            sizes.append(resident_mb())
    grown = sizes[-1] - sizes[len(sizes) // 2 - 1]
    print(
        f"memory over {minutes:g} simulated minutes ({time.monotonic() - began:.0f} s): {' '.join(f'{one:.0f}' for one in sizes)} MB; "
        f"{grown:+.1f} MB in the second half (at most {MOST_GROWN_MB:g}); {rig.load()}",
        flush=True,
    )
    programme.close()
    return grown <= MOST_GROWN_MB
