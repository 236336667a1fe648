"""What a mix costs: two inputs beside a plain ffmpeg mix of the same, nine on a wall, and twenty comments that move over it."""

from __future__ import annotations

import statistics
import subprocess
import time

from streams.media.compositor import scene as scenes
from streams.media.compositor import wires
from streams.media.compositor.drawing.bullets import Bullets
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.scene import Comments, Look, Scene
from streams.media.graphs import mixing
from tests.bench.mix import rig
from tests.bench.mix.rig import Stand, cpu_seconds

MOST_RATIO, MOST_CORES, MOST_COMMENTS_MS = 1.3, 1.0, 2.0
_SETTLE_SECONDS = 3.0
PLAIN = "plainmix"


def two_inputs(stand: Stand, *, seconds: float, rounds: int) -> bool:
    """Two inputs of 720p25 side by side on 720p25, in turns with plain ffmpeg: the same sizes, scaler and encoder. Of several turns the
    least counts: whatever else runs only adds."""
    clip = rig.clip(stand.folder, size="1280x720", seconds=12, kbps=2500)
    for name in ("left", "right"):
        stand.rig.push(name, clip)
    scene = Scene(serial=1, inputs=stand.inputs(["left", "right"]), programme=rig.side_by_side())
    ours, own, plain, late = [], [], [], 0
    for _ in range(rounds):
        plain.append(_plain(stand, scene, seconds))
        with stand.compositor(scene) as desk:
            stand.on_air()
            desk.listen(_SETTLE_SECONDS)
            pid, began = desk.process.pid, time.monotonic()
            encoder = next(one for one in rig.below(pid) if one not in desk.decoders)
            before, before_encoder = cpu_seconds(pid), cpu_seconds(encoder)
            desk.listen(seconds)
            took = time.monotonic() - began
            ours.append((cpu_seconds(pid) - before) / took)
            own.append(ours[-1] - (cpu_seconds(encoder) - before_encoder) / took)
            late += desk.told[-1][1].late
    ratio = min(ours) / min(plain)
    print(
        f"two 720p25 inputs: ours {min(ours):.3f} of a core ({min(own):.3f} beside the encoder), "
        f"plain ffmpeg {min(plain):.3f}: × {ratio:.2f} (at most {MOST_RATIO}), {late} frames late; {rig.load()}",
        flush=True,
    )
    return ratio <= MOST_RATIO and min(own) <= MOST_CORES


def _plain(stand: Stand, scene: Scene, seconds: float) -> float:
    """hstack and pad are the cheapest way that ffmpeg has for this layout."""
    arguments = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]
    for one in scene.inputs:
        arguments += ["-threads", "1", "-f", "live_flv", "-i", one.address]
    width, height, fps = scene.width, scene.height, scene.fps
    fitted = f"fps={fps},scale={width // 2}:{height // 2}:flags=bilinear,setsar=1,format=yuv420p"
    graph = (
        f"[0:v]{fitted}[a];[1:v]{fitted}[b];[a][b]hstack,pad={width}:{height}:0:{height // 4}[v];"
        "[0:a]aresample=48000:async=1000[c];[1:a]aresample=48000:async=1000[d];[c][d]amix=2[s]"
    )
    spec = mixing.Encode(
        target=stand.rig.engine.rtmp_url(stream=PLAIN, query="", host="127.0.0.1"), width=width, height=height, fps=fps,
        sound=-1, video_bitrate_kbps=scene.video_bitrate_kbps, audio_bitrate_kbps=scene.audio_bitrate_kbps, preset="superfast",
    )  # fmt: skip
    video = f"{spec.video_bitrate_kbps}k"
    arguments += ["-filter_complex", graph, "-map", "[v]", "-map", "[s]", *mixing.coding(spec)]
    arguments += [
        "-b:v",
        video,
        "-maxrate",
        video,
        "-bufsize",
        video,
        "-c:a",
        "aac",
        "-b:a",
        f"{spec.audio_bitrate_kbps}k",
    ]
    child = subprocess.Popen([*arguments, "-f", "flv", spec.target])
    try:
        stand.on_air(PLAIN)
        time.sleep(_SETTLE_SECONDS)
        began, before = time.monotonic(), cpu_seconds(child.pid)
        time.sleep(seconds)
        return (cpu_seconds(child.pid) - before) / (time.monotonic() - began)
    finally:
        child.kill()
        child.wait()


def nine_inputs(stand: Stand, *, seconds: float) -> bool:
    clip = rig.clip(stand.folder, size="640x360", seconds=12, kbps=800)
    names = [f"wall{number}" for number in range(9)]
    for name in names:
        stand.rig.push(name, clip, wait=False)
    scene = Scene(
        serial=1, width=1920, height=1080, fps=12, video_bitrate_kbps=3000, inputs=stand.inputs(names), programme=rig.wall(names),
        badges=True,
    )  # fmt: skip
    with stand.compositor(scene, preset="ultrafast") as desk:
        stand.on_air()
        desk.listen(_SETTLE_SECONDS + 3)
        pid, began = desk.process.pid, time.monotonic()
        encoder = next(one for one in rig.below(pid) if one not in desk.decoders)
        before, before_encoder, late = cpu_seconds(pid), cpu_seconds(encoder), desk.told[-1][1].late
        desk.listen(seconds)
        took = time.monotonic() - began
        whole, coding = (cpu_seconds(pid) - before) / took, (cpu_seconds(encoder) - before_encoder) / took
        last = desk.told[-1][1]
        up = sum(one.state == "up" for one in last.inputs)
    print(
        f"nine 360p25 inputs on 1080p12: {whole:.3f} of a core, {whole - coding:.3f} beside the encoder (at most "
        f"{MOST_CORES:g}), {last.ms:.1f} ms a frame, {last.late - late} late, {up} up; {rig.load()}",
        flush=True,
    )
    return whole <= MOST_CORES and up == 9


def comments() -> bool:
    """Twenty of them, CJK and Latin, at 720p: milliseconds a frame, without the frames in which they were made."""
    bullets, canvas = Bullets(1280, 720, 25), Canvas(1280, 720)
    bullets.set(Comments(seconds=30, height=100, line=4))
    for number in range(20):
        bullets.add(wires.Bullet(text=f"弹幕 hello 666 主播好 {number}", nick="mia"))
    times = []
    for frame in range(400):
        began = time.perf_counter()
        bullets.draw(canvas, now=frame / 25)
        times.append((time.perf_counter() - began) * 1000)
    shown, settled = bullets.shown, times[150:]
    mean = statistics.median(settled)
    print(
        f"{shown} moving comments at 720p: {mean:.2f} ms a frame (at most {MOST_COMMENTS_MS:g}), "
        f"the slowest {max(settled):.1f}; {rig.load()}"
    )
    return mean <= MOST_COMMENTS_MS and shown == 20


def look_of(name: str) -> Look:
    """One input over all of it."""
    return Look(places=(scenes.Place(input=name, x=0, y=0, width=100, height=100),))
