"""What all parts of the benchmark stand on: a real engine, publishers of clips, a compositor's process, and the CPU of process trees."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import redis

from deploy.embedded.testing.servers_for_tests import redis_server
from streams.media.compositor import start, wires
from streams.media.compositor.scene import Input, Look, Place, Scene
from tests.media.rig import Rig, running_rig, wait_until

CHECKOUT = Path(__file__).resolve().parents[3]
TICKS = os.sysconf("SC_CLK_TCK")
OUT = "mixoutput"


def cpu_seconds(pid: int) -> float:
    """Of a process and all below it, those that have ended and were waited for, too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        below = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS + sum(map(cpu_seconds, below))


def below(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def clip(folder: Path, *, size: str, seconds: int, kbps: int, source: str = "testsrc2") -> Path:
    """A moving picture and a tone, without B-frames, a keyframe each second."""
    path = folder / f"{source}-{size}-{seconds}.flv"
    if not path.exists():
        subprocess.run(
            [
                "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"{source}=size={size}:rate=25", "-f", "lavfi",
                "-i", "sine=frequency=440:sample_rate=44100", "-t", str(seconds), "-c:v", "libx264", "-preset", "veryfast",
                "-bf", "0", "-g", "25", "-pix_fmt", "yuv420p", "-b:v", f"{kbps}k", "-c:a", "aac", str(path),
            ], check=True,
        )  # fmt: skip
    return path


@dataclass
class Desk:
    """A running compositor and the way to it. `told`: all that it said, with the moment it came."""

    process: subprocess.Popen[bytes]
    redis: redis.Redis
    mix: str = "bench"
    told: list[tuple[float, wires.Told]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._heard = self.redis.pubsub(ignore_subscribe_messages=True)
        self._heard.subscribe(wires.told_channel(self.mix))

    def show(self, scene: Scene) -> None:
        self.redis.publish(wires.do_channel(self.mix), wires.do(wires.Do(scene=scene)))

    def listen(self, seconds: float, until: Callable[[wires.Told], bool] = lambda told: False) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self._heard.get_message(timeout=0.05)
            if message is not None:
                told = wires.read_told(message["data"])
                self.told.append((time.monotonic(), told))
                if until(told):
                    return True
        return False

    @property
    def decoders(self) -> list[int]:
        return [pid for pid in below(self.process.pid) if b"verbose" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@dataclass
class Stand:
    rig: Rig
    redis_url: str
    folder: Path

    def inputs(self, names: Sequence[str], **more: object) -> tuple[Input, ...]:
        return tuple(
            Input(id=name, kind="stream", address=self.rig.engine.loopback_url(stream=name), name=name, **more)  # type: ignore[arg-type]
            for name in names
        )

    @contextlib.contextmanager
    def compositor(self, scene: Scene, *, target: str = "", preset: str = "superfast") -> Iterator[Desk]:
        told = start.Start(
            mix="bench", redis_url=self.redis_url, scene=scene, preset=preset,
            target=target or self.rig.engine.rtmp_url(stream=OUT, query="", host="127.0.0.1"),
        )  # fmt: skip
        client = redis.Redis.from_url(self.redis_url)
        client.flushall()
        process = subprocess.Popen(
            start.arguments(sys.executable), cwd=CHECKOUT, stdout=subprocess.DEVNULL,
            env={**os.environ, start.VARIABLE: start.dumped(told), "PYTHONPATH": str(CHECKOUT)},
        )  # fmt: skip
        try:
            yield Desk(process, client)
        finally:
            process.terminate()
            process.wait(5)

    def on_air(self, stream: str = OUT) -> None:
        wait_until(lambda: self.rig.engine.state().published(stream), what=f"{stream} on air")

    @contextlib.contextmanager
    def recording(self, path: Path, stream: str = OUT) -> Iterator[None]:
        child = subprocess.Popen(
            [
                "ffmpeg",
                "-nostdin",
                "-v",
                "error",
                "-y",
                "-i",
                self.rig.engine.loopback_url(stream=stream),
                "-c",
                "copy",
                str(path),
            ]
        )
        try:
            yield
        finally:
            child.send_signal(signal.SIGINT)
            child.wait()


@contextlib.contextmanager
def stand() -> Iterator[Stand]:
    with (
        tempfile.TemporaryDirectory(prefix="mix-bench-") as name,
        running_rig(Path(name) / "rig") as rig,
        redis_server(Path(name) / "redis") as url,
    ):
        yield Stand(rig, url, Path(name))


def side_by_side(left: str = "left", right: str = "right") -> Look:
    return Look(
        places=(Place(input=left, x=0, y=25, width=50, height=50), Place(input=right, x=50, y=25, width=50, height=50))
    )


def wall(names: Sequence[str], across: int = 3) -> Look:
    size = 100 / across
    return Look(
        places=tuple(
            Place(input=name, x=number % across * size, y=number // across * size, width=size, height=size)
            for number, name in enumerate(names)
        )
    )


def packets(path: Path) -> dict[str, list[float]]:
    """Timestamps of a file's packets, by track: `audio`, `video`."""
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=codec_type,pts_time", "-of", "csv=p=0", str(path)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found: dict[str, list[float]] = {"audio": [], "video": []}
    for line in said.splitlines():
        kind, _, at = line.partition(",")
        if kind in found and at.strip(","):
            found[kind].append(float(at.strip(",")))
    return found


def longest_step(times: Sequence[float]) -> float:
    return max((b - a for a, b in pairwise(times)), default=0.0)
