"""Changes and deaths, seen from the output: how soon a layout is switched, and what ten kills of inputs in a minute leave of it."""

from __future__ import annotations

import contextlib
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from streams.media.compositor.scene import Input, Scene
from tests.bench.mix import rig
from tests.bench.mix.cost import look_of
from tests.bench.mix.rig import OUT, Desk, Stand
from tests.media.rig import wait_until

MOST_SWITCH_SECONDS, MOST_FROZEN_SECONDS, MOST_AWAY_SECONDS = 0.3, 1.0, 3.0
# A pixel of the output as a player gets it.
_RED, _BLUE = "#c01010", "#1010c0"


def switches(stand: Stand, *, count: int) -> bool:
    """From the message to the first changed picture at a reader by RTMP, coding and decoding included."""
    inputs = tuple(Input(id=name, kind="color", color=color) for name, color in (("red", _RED), ("blue", _BLUE)))

    def scene(serial: int) -> Scene:
        return Scene(serial=serial, inputs=inputs, programme=look_of("red" if serial % 2 else "blue"))

    seen: list[tuple[float, bool]] = []
    with stand.compositor(scene(1)) as desk:
        stand.on_air()
        reader = subprocess.Popen(
            [
                "ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-fflags", "nobuffer", "-analyzeduration", "3000000",
                "-fpsprobesize", "0", "-f", "live_flv", "-i", stand.rig.engine.loopback_url(stream=OUT), "-map", "0:v",
                "-vf", "scale=2:2", "-pix_fmt", "rgb24", "-fps_mode", "passthrough", "-f", "rawvideo", "-flush_packets", "1",
                "pipe:1",
            ], stdout=subprocess.PIPE,
        )  # fmt: skip

        def read() -> None:
            assert reader.stdout is not None
            while pixels := reader.stdout.read(12):
                seen.append((time.monotonic(), pixels[0] > pixels[2]))

        threading.Thread(target=read, daemon=True).start()
        wait_until(lambda: seen, what="a picture")
        desk.listen(3)
        delays = []
        for serial in range(2, count + 2):
            desk.listen(0.5 + serial % 7 * 0.01)
            asked, before = time.monotonic(), len(seen)
            desk.show(scene(serial))
            wait_until(lambda: any(red == bool(serial % 2) for _, red in seen[before:]), seconds=5, what="the switch")  # noqa: B023
            delays.append(next(at for at, red in seen[before:] if red == bool(serial % 2)) - asked)
        # Twenty a second, for two seconds.
        with stand.recording(stand.folder / "switches.flv"):
            desk.listen(1.5)
            for serial in range(count + 2, count + 42):
                desk.show(scene(serial))
                desk.listen(0.05)
            desk.listen(1.0)
        reader.kill()
        reader.wait()
        last = desk.told[-1][1]
    times = rig.packets(stand.folder / "switches.flv")["video"]
    step = rig.longest_step(times)
    print(
        f"layout switch seen at a player after {statistics.median(delays):.2f} s, at most {max(delays):.2f} "
        f"(bound {MOST_SWITCH_SECONDS}); forty within two seconds: longest step of the output {step * 1000:.0f} ms, {last.late} late; "
        f"{rig.load()}",
        flush=True,
    )
    return statistics.median(delays) < MOST_SWITCH_SECONDS and step < 0.06


def kills(stand: Stand, *, seconds: float, count: int) -> bool:
    """Of publishers and of decoders, in turns."""
    clip = rig.clip(stand.folder, size="640x360", seconds=12, kbps=800)
    pushers = {name: stand.rig.push(name, clip) for name in ("left", "right")}
    scene = Scene(serial=1, inputs=stand.inputs(["left", "right"]), programme=rig.side_by_side())
    path, lost = stand.folder / "kills.flv", []
    with stand.compositor(scene) as desk:
        stand.on_air()
        with stand.recording(path):
            desk.listen(3)
            memory = rig.resident_mb(desk.process.pid)
            for number in range(count):
                name = "left" if number % 2 else "right"
                if number % 4 < 2:
                    stand.rig.stop_push(pushers[name])
                else:
                    subprocess.run(["kill", "-9", *map(str, desk.decoders)], check=False)
                lost.append(_lost_after(desk, name if number % 4 < 2 else ""))
                desk.listen(seconds / count / 3)
                if number % 4 < 2:
                    pushers[name] = stand.rig.push(name, clip, wait=False)
                desk.listen(max(0.0, seconds / count * 2 / 3 - 1))
            came_back = desk.listen(5, lambda told: all(one.state == "up" for one in told.inputs))
            grown = rig.resident_mb(desk.process.pid) - memory
            last = desk.told[-1][1]
    found = rig.packets(path)
    steps = {kind: rig.longest_step(times) for kind, times in found.items()}
    frozen = _frozen(path)
    known = [one for one in lost if one is not None]
    print(
        f"{count} kills in {seconds:g} s: longest step of the output {steps['video'] * 1000:.0f} ms picture, "
        f"{steps['audio'] * 1000:.0f} ms sound; frozen at most {frozen:.2f} s (bound "
        f"{MOST_FROZEN_SECONDS:g}); a card after at most {max(known):.2f} s; "
        f"{'all back' if came_back else 'NOT all back'}, {last.late} late, memory +{grown:.0f} MB; {rig.load()}",
        flush=True,
    )
    return max(steps.values()) < 0.06 and frozen <= MOST_FROZEN_SECONDS and came_back and max(known) <= 1.0


def _lost_after(desk: Desk, name: str) -> float | None:
    """Seconds until it is said to be lost; None: nobody looked."""
    began = time.monotonic()
    if not name:
        return None
    desk.listen(3, lambda told: any(one.id == name and one.state == "lost" for one in told.inputs))
    return time.monotonic() - began


def _frozen(path: Path) -> float:
    """The longest stretch in which no picture of the output differs from the one before."""
    said = subprocess.run(
        ["ffmpeg", "-nostdin", "-i", str(path), "-map", "0:v", "-vf", "freezedetect=n=-70dB:d=0.2", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    return max(map(float, re.findall(r"freeze_duration: ([\d.]+)", said)), default=0.0)


def restart(stand: Stand) -> bool:
    """Killed, and started again as its job does: until a player that waits has the first picture."""
    clip = rig.clip(stand.folder, size="640x360", seconds=12, kbps=800)
    stand.rig.push("left", clip, wait=False)
    stand.rig.push("right", clip, wait=False)
    scene = Scene(serial=1, inputs=stand.inputs(["left", "right"]), programme=rig.side_by_side())
    away = []
    for _ in range(3):
        with stand.compositor(scene) as desk:
            stand.on_air()
            desk.listen(2)
            desk.process.kill()
            killed = time.monotonic()
            desk.process.wait()
        with stand.compositor(scene), _waiting_player(stand) as player:
            assert player.stdout is not None
            player.stdout.read(1)
            away.append(time.monotonic() - killed)
    shown = ", ".join(f"{one:.2f}" for one in away)
    print(f"picture back after a kill: {shown} s (bound {MOST_AWAY_SECONDS:g}); {rig.load()}", flush=True)
    return max(away) <= MOST_AWAY_SECONDS


@contextlib.contextmanager
def _waiting_player(stand: Stand) -> Iterator[subprocess.Popen[bytes]]:
    """As the gateway is: there before the publisher."""
    child = subprocess.Popen(
        ["ffmpeg", "-nostdin", "-v", "error", "-fpsprobesize", "0", "-analyzeduration", "2000000",
         "-f", "live_flv", "-i", stand.rig.engine.loopback_url(stream=OUT), "-map", "0:v", "-c", "copy", "-flush_packets", "1",
         "-f", "h264", "pipe:1"], stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.wait()
