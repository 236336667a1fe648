"""What drawing costs: milliseconds of this process a frame, one thread.

    deploy/test --bench drawing [FRAMES]

Each figure is the median of five rounds of FRAMES (100) frames after a first one that fills what is kept. The bars are issue 12's
("20 moving comments cost ≤ 2 ms a frame at 720p") and media-facts.md's ("cross-fade 2.2 ms at 720p"). Run it on a quiet machine."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np

from streams.media.compositor import layouts, scene, wires
from streams.media.compositor.drawing.bullets import Bullets
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.looks import Painter, Shown
from streams.media.compositor.drawing.picture import Picture
from streams.media.compositor.drawing.stills import Stills

ROUNDS = 5
NOW = 1_795_965_000.0


def noise(width: int, height: int) -> Picture:
    """Small noise made large: neither flat nor the worst."""
    small = np.random.default_rng(1).integers(16, 236, (height * 3 // 2 // 6, width // 6), np.uint8)
    return Picture.from_yuv(cv2.resize(small, (width, height * 3 // 2)).tobytes(), width, height)


def measured(frames: int, draw: Callable[[int], None]) -> float:
    draw(0)
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for frame in range(frames):
            draw(frame)
        found.append((time.process_time() - begun) / frames * 1000)
    return statistics.median(found)


def look_of(layout: str, canvas: Canvas, pictures: list[Picture], **more: object) -> Callable[[int], None]:
    painter = Painter(canvas.width, canvas.height, 25, stills=Stills(waits=True))
    ids = [f"i{number}" for number in range(len(pictures))]
    look = scene.Look(places=layouts.places(layout, ids), **more)  # type: ignore[arg-type]
    shown = {
        id: Shown(scene.Input(id=id, kind="stream", name=id), picture)
        for id, picture in zip(ids, pictures, strict=True)
    }
    return lambda frame: painter.paint(canvas, look, inputs=shown, now=NOW + frame / 25)


def comments(canvas: Canvas, count: int) -> Callable[[int], None]:
    """So many at once all the time: each that leaves is followed by one more."""
    bullets = Bullets(canvas.width, canvas.height, 25)
    bullets.set(scene.Comments(top=0, height=100, line=5, seconds=20))
    for number in range(count):
        bullets.add(
            wires.Bullet(text=f"弹幕 hello {number} 主播好 こんにちは", color="#ffd040" if number % 3 else "#ffffff")
        )
    for frame in range(count):
        bullets.draw(canvas, now=frame / 25)
    assert bullets.shown == count, f"{bullets.shown} of {count} comments found a lane"
    return lambda frame: bullets.draw(canvas, now=6 + frame / 50)


def overlays() -> tuple[scene.Overlay, ...]:
    return (
        scene.Overlay(id="a", kind="lower_third", text="Stella Nova", detail="Berlin", x=5, y=78),
        scene.Overlay(id="b", kind="clock", x=85, y=3, background="#000000"),
        scene.Overlay(id="c", kind="scoreboard", text="Berlin", detail="東京", score=(1, 2), x=35, y=2),
        scene.Overlay(id="d", kind="scrolling", text="News that run through, 消息", y=92, background="#101418"),
    )


def main(frames: int) -> int:
    cv2.setNumThreads(1)
    hd, wall = Canvas(1280, 720), Canvas(1920, 1080)
    a, b = Canvas(1280, 720), Canvas(1280, 720)
    b.fill("#336699")
    full, half, small = noise(1280, 720), noise(640, 360), noise(640, 360)
    figures: list[tuple[str, float | None, Callable[[int], None]]] = [
        ("20 moving CJK comments, 720p", 2.0, comments(hd, 20)),
        ("two of 720p scaled, side by side on 720p", 2.0, look_of("side-by-side", hd, [full, full])),
        ("two of 360p side by side on 720p (as decoders give them)", None, look_of("side-by-side", hd, [half, half])),
        ("picture in picture with round corners and border, 720p", None, look_of("picture-in-picture", hd, [full, half])),
        ("cross-fade, 720p", 2.2, lambda frame: hd.blend_from(a, b, frame % 25 / 25)),
        ("nine of 640x360 on 1080p", 2.0, look_of("9", wall, [small] * 9)),
        ("four overlays and one input, 720p", None, look_of("1", hd, [full], overlays=overlays())),
    ]  # fmt: skip
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores, cv2 {cv2.__version__}, ms of CPU a frame")
    missed = 0
    for name, bar, draw in figures:
        ms = measured(frames, draw)
        word = "" if bar is None else f"  bar {bar:.1f}  {'PASS' if ms <= bar else 'FAIL'}"
        missed += bar is not None and ms > bar
        print(f"{ms:7.3f}  {name}{word}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
