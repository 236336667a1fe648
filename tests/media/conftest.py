"""One nginx and one gateway for all media tests; each test has streams of its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.media.rig import PULL_TOKEN, SECURE_LINK_SECRET, SEGMENTS, Rig, free_port, make_clip, running_rig

VID_SECRET = "vid-secret"
_numbers = itertools.count(1)


@dataclass
class Clips:
    """Half a second or (with B-frames) a second from keyframe to keyframe; encoded once."""

    both: Path
    silent: Path
    sound: Path
    heavy: Path
    b_frames: Path


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("clips")
    return Clips(
        both=make_clip(folder / "both.flv", keyframe_frames=12),
        silent=make_clip(folder / "silent.flv", audio=False, keyframe_frames=12),
        sound=make_clip(folder / "sound.flv", video=False),
        heavy=make_clip(folder / "heavy.flv", size="640x360", kbps=8000, seconds=6, keyframe_frames=12),
        b_frames=make_clip(folder / "b.flv", keyframe_frames=25, b_frames=2),
    )


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("rig")) as running:
        yield running


@dataclass(frozen=True)
class OnAir:
    """Names of streams that run as long as the tests do, for those who only watch."""

    both: str = "air-both"
    silent: str = "air-silent"
    sound: str = "air-sound"
    b_frames: str = "air-b"


@pytest.fixture(scope="session")
def on_air(rig: Rig, clips: Clips) -> OnAir:
    names = OnAir()
    for flavour in ("both", "silent", "sound", "b_frames"):
        rig.push(getattr(names, flavour), getattr(clips, flavour))
    return names


@pytest.fixture
def name() -> str:
    """A stream name that no other test uses."""
    return f"s{next(_numbers)}"


@dataclass
class RunningGateway:
    process: subprocess.Popen[bytes]
    port: int
    rules_file: Path

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rule(self, prefix: str, **rules: Any) -> None:
        """What it takes to see streams whose names begin so. In force within two seconds for those asked for lately."""
        self._write(prefix, rules)

    def forbid(self, prefix: str) -> None:
        self._write(prefix, None)

    def _write(self, prefix: str, rules: dict[str, Any] | None) -> None:
        known = json.loads(self.rules_file.read_text())
        aside = self.rules_file.with_suffix(".new")
        aside.write_text(json.dumps({**known, prefix: rules}))
        aside.rename(self.rules_file)

    def sent(self, stream: str) -> dict[str, int]:
        """Bytes by kind, as far as it has told them."""
        found: dict[str, int] = {}
        path = self.rules_file.with_name("sent.jsonl")
        for line in path.read_text().splitlines() if path.exists() else ():
            one = json.loads(line)
            if one["stream"] == stream:
                found[one["kind"]] = found.get(one["kind"], 0) + one["bytes"]
        return found

    def held(self, stream: str) -> dict[str, Any] | None:
        """What it told of the stream's window at its last sweep."""
        path = self.rules_file.with_name("held.json")
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found.get(stream)

    def copies(self) -> list[int]:
        """Its ffmpeg children."""
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.http}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def start_gateway(rig: Rig, folder: Path, *, port: int, **settings: Any) -> RunningGateway:
    rules = folder / "rules.json"
    rules.write_text("{}")
    metrics = folder / "metrics"
    metrics.mkdir()
    given = {
        "gateway": {
            "name": "gateway-1",
            "port": port,
            "hls_folder": str(rig.site.data / "hls"),
            "ladder_folder": str(rig.site.data / "ladder"),
            "window_folder": str(rig.site.data / "timeshift"),
            "secure_link_secret": SECURE_LINK_SECRET,
            "vid_secret": VID_SECRET,
            "any_origin": True,
            **settings,
        },
        "engine": {
            "host": "127.0.0.1",
            "rtmp_port": rig.site.rtmp_port,
            "engine_port": rig.site.engine_port,
            "pull_token": PULL_TOKEN,
            "segments": SEGMENTS,
        },
        "rules": str(rules),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.media.gateway_process", json.dumps(given)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(metrics), "LIVEROOM_DATA": str(folder)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return RunningGateway(process=process, port=port, rules_file=rules)


@pytest.fixture(scope="session")
def gateway(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Behind nginx, with its usual settings; a stream nobody watches is let go after a second."""
    running = start_gateway(
        rig, tmp_path_factory.mktemp("gateway"), port=rig.site.gateway_port, linger_seconds=1.0, recheck_seconds=1.0,
        # Gateways share their windows' folder and their database; here each has rules of its own.
        sweep_seconds=3600.0,
    )  # fmt: skip
    yield running
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(5) == 0


@pytest.fixture
def another_gateway(rig: Rig, tmp_path: Path) -> Iterator[Callable[..., RunningGateway]]:
    """Gateways of a test's own, reached directly."""
    running: list[RunningGateway] = []

    def start(**settings: Any) -> RunningGateway:
        folder = tmp_path / f"gateway{len(running)}"
        folder.mkdir()
        running.append(start_gateway(rig, folder, port=free_port(), **settings))
        return running[-1]

    yield start
    for gateway in running:
        gateway.process.kill()
        gateway.process.wait()
