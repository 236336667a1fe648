"""The process of a compositor beside a real engine: inputs that die and come back, looks that change, an output without a gap."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import redis
from django.conf import settings

from streams.media.compositor import start, wires
from streams.media.compositor.scene import Input, Look, Place, Scene
from tests.media.conftest import Clips
from tests.media.rig import Rig, wait_until

pytestmark = pytest.mark.media

CHECKOUT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 320, 180


class Desk:
    """Whoever directs it."""

    def __init__(self, mix: str, scene: Scene, target: str) -> None:
        self.mix, self.client = mix, redis.Redis.from_url(settings.CELERY_BROKER_URL)
        self.heard = self.client.pubsub(ignore_subscribe_messages=True)
        self.heard.subscribe(wires.told_channel(mix))
        told = start.Start(
            mix=mix, target=target, redis_url=settings.CELERY_BROKER_URL, scene=scene, preset="ultrafast"
        )
        self.process = subprocess.Popen(
            start.arguments(sys.executable), cwd=CHECKOUT, stdout=subprocess.PIPE,
            env={**os.environ, start.VARIABLE: start.dumped(told), "PYTHONPATH": str(CHECKOUT)},
        )  # fmt: skip

    def show(self, scene: Scene) -> None:
        self.client.publish(wires.do_channel(self.mix), wires.do(wires.Do(scene=scene)))

    def hears(self, condition: Callable[[wires.Told], bool], *, what: str, seconds: float = 15) -> wires.Told:
        end = time.monotonic() + seconds
        told = None
        while time.monotonic() < end:
            message = self.heard.get_message(timeout=0.1)
            if message is not None and condition(told := wires.read_told(message["data"])):
                return told
        raise AssertionError(f"{what} did not happen within {seconds} s; last: {told}")


@pytest.fixture
def desk(rig: Rig, name: str) -> Iterator[Callable[[Scene], Desk]]:
    running: list[Desk] = []

    def begin(scene: Scene) -> Desk:
        running.append(
            Desk(f"test-{name}", scene, rig.engine.rtmp_url(stream=f"{name}-out", query="", host="127.0.0.1"))
        )
        return running[-1]

    yield begin
    for one in running:
        one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()


def states(told: wires.Told) -> list[str]:
    return [one.state for one in told.inputs]


def rows_of(path: Path, *, at_end: bool) -> np.ndarray:
    """Luma of the first or last picture of a recording."""
    raw = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v", "-pix_fmt", "gray", "-f", "rawvideo", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, HEIGHT, WIDTH)
    return pictures[-3 if at_end else 0]


def longest_steps(path: Path) -> dict[str, float]:
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=codec_type,pts_time", "-of", "csv=p=0", str(path)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    times: dict[str, list[float]] = {}
    for line in said.splitlines():
        kind, at = line.strip(",").split(",")[:2]
        times.setdefault(kind, []).append(float(at))
    return {kind: max(after - before for before, after in pairwise(found)) for kind, found in times.items()}


def test_an_input_dies_and_comes_back_a_look_changes_and_the_output_has_no_gap(
    rig: Rig, clips: Clips, name: str, desk: Callable[[Scene], Desk], tmp_path: Path
):
    left, right = f"{name}-left", f"{name}-right"
    rig.push(left, clips.both)
    pusher = rig.push(right, clips.silent)
    inputs = tuple(
        Input(id=one, kind="stream", address=rig.engine.loopback_url(stream=stream), name=one)
        for one, stream in (("left", left), ("right", right))
    )
    halves = Look(
        background="#000000",
        places=(
            Place(input="left", x=0, y=25, width=50, height=50),
            Place(input="right", x=50, y=25, width=50, height=50),
        ),
    )
    whole = Look(places=(Place(input="left", x=0, y=0, width=100, height=100),))
    first = Scene(serial=5, width=WIDTH, height=HEIGHT, video_bitrate_kbps=800, inputs=inputs, programme=halves)
    director = desk(first)
    wait_until(lambda: rig.engine.state().published(f"{name}-out"), what="the output to go on air")
    up = director.hears(lambda told: states(told) == ["up", "up"], what="both inputs")
    assert [(one.width, one.height) for one in up.inputs] == [(320, 180)] * 2

    path = tmp_path / "out.flv"
    recorder = subprocess.Popen(
        [
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-i",
            rig.engine.loopback_url(stream=f"{name}-out"),
            "-c",
            "copy",
            str(path),
        ]
    )
    wait_until(lambda: path.exists() and path.stat().st_size > 5_000, what="the recording to begin")
    rig.stop_push(pusher)
    gone = director.hears(lambda told: states(told) == ["up", "lost"], what="the loss", seconds=5)
    assert gone.inputs[1].why
    rig.push(right, clips.both, wait=False)
    back = director.hears(lambda told: states(told) == ["up", "up"], what="the return")
    assert back.inputs[1].restarts >= 1

    # Another one is passed over, for it is older.
    director.show(Scene(serial=4, width=WIDTH, height=HEIGHT))
    director.client.set(wires.watched_key(director.mix), 1, ex=wires.WATCHED_SECONDS)
    director.show(Scene(serial=6, width=WIDTH, height=HEIGHT, inputs=inputs, programme=whole, preview=halves))
    shown = director.hears(lambda told: told.serial == 6 and "programme" in told.pictures, what="the next look")
    assert set(shown.pictures) == {"programme", "preview", "input:left", "input:right"}
    heard = director.hears(lambda told: told.serial == 6, what="some more")
    assert -40 < heard.rms_db < 0
    time.sleep(0.5)

    recorder.send_signal(signal.SIGINT)
    recorder.wait(5)
    asked = time.monotonic()
    director.process.terminate()
    said, _ = director.process.communicate(timeout=5)
    assert director.process.returncode == 0
    assert time.monotonic() - asked < 2.5
    assert b"out_time_us=" in said
    steps = longest_steps(path)
    assert steps["video"] < 0.06
    assert steps["audio"] < 0.06
    bars, picture = rows_of(path, at_end=False), rows_of(path, at_end=True)
    assert bars[:40].mean() < 25
    assert bars[60:120].mean() > 50
    assert picture[:40].mean() > 50


def test_what_is_no_start_ends_it_with_words(tmp_path: Path):
    for given in ("", "{}", '{"mix": "1", "target": "x", "scene": {"serial": "no"}}'):
        environment = {**os.environ, start.VARIABLE: given, "PYTHONPATH": str(CHECKOUT)}
        done = subprocess.run(
            start.arguments(sys.executable), cwd=CHECKOUT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert start.VARIABLE in done.stderr
        assert "Traceback" not in done.stderr
