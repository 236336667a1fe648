"""The load client as a subprocess: compiled once, run against a target, its one line of figures taken apart.

Promise: CPU is what the kernel says of the server's processes (Redis and nginx with them), over the measured window only."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("wsload.c")
PAGE_KB = 4
# Connections before those that are measured, where connections are what is measured.
FIRST = 20
EMPTY_WINDOW = ("--seconds", "0.5", "--warmup", "0.1")
GIVEN_UP_AFTER_SECONDS = 300


class LoadFailed(Exception):
    """The text is what the client or the server said."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that runs. `pids`: its processes by kind (`server`, `redis`, `nginx`); `options`: how it is spoken to."""

    url: str
    pids: Mapping[str, tuple[int, ...]]
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """What is put on a server. `size` is a message's bytes as a viewer receives it, framing aside."""

    viewers: int
    rate: float = 0
    publishers: int = 1
    size: int = 250
    rooms: int = 1
    slow: int = 0
    at_once: int = 32
    settle_seconds: float = 1.0
    tokens: bool = False
    options: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement."""

    said: Mapping[str, Any]
    cpu_seconds: Mapping[str, float]
    peak_growth_mb: float

    @property
    def cores(self) -> float:
        return sum(self.cpu_seconds.values()) / float(self.said["window_s"])

    @property
    def micros(self) -> float:
        """CPU microseconds of all its processes per delivered message."""
        return sum(self.cpu_seconds.values()) * 1e6 / max(1, int(self.said["msgs"]))

    @property
    def redis_micros(self) -> float:
        return self.cpu_seconds.get("redis", 0.0) * 1e6 / max(1, int(self.said["msgs"]))

    @property
    def millis_per_sent(self) -> float:
        """CPU milliseconds per published message."""
        return sum(self.cpu_seconds.values()) * 1e3 / max(1, int(self.said["sent"]))

    @property
    def connect_micros(self) -> float:
        return float(self.said["connect_cpu_us"])

    @property
    def kb_per_connection(self) -> float:
        return float(self.said["rss_kb_per_conn"])

    @property
    def p50(self) -> float:
        return float(self.said.get("lat_ms", {}).get("p50", 0))

    @property
    def p99(self) -> float:
        return float(self.said.get("lat_ms", {}).get("p99", 0))

    @property
    def loss(self) -> float:
        """Of the messages that were due; 1 if the connections were not all there."""
        if self.missing:
            return 1.0
        return float(self.said["loss"] or 0)

    @property
    def missing(self) -> int:
        """Connections that were refused or lost; a stalled one may be closed."""
        return int(self.said["n"]) - int(self.said["ready"]) - int(self.said["slow_closed"])

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "said": dict(self.said)}

    @property
    def bytes_per_message(self) -> float:
        return float(self.said["bytes"]) / max(1, int(self.said["msgs"]))


def compiled(folder: Path) -> Path:
    """The client, made anew when its source is younger."""
    program = folder / "wsload"
    if not program.exists() or program.stat().st_mtime < SOURCE.stat().st_mtime:
        command = ["cc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", str(program), str(SOURCE)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise LoadFailed(made.stderr)
    return program


def run(*, program: Path, target: Target, load: Load, seconds: float, warmup: float) -> Run:
    """One measured window. Raises LoadFailed if the client could not work; lost connections are in the figures."""
    pids = [pid for group in target.pids.values() for pid in group]
    common = [
        str(program), "--url", target.url, "--rooms", str(load.rooms), "--pubs", str(load.publishers),
        "--settle", str(load.settle_seconds), "--drain", "4", "--pids", ",".join(map(str, pids)),
        *_sized(target.options, load.size), *load.options,
    ]  # fmt: skip
    crowd = ["--n", str(load.viewers), "--slow", str(load.slow), "--inflight", str(load.at_once)]
    if load.rate:
        crowd += ["--send", str(load.rate), "--seconds", str(seconds), "--warmup", str(warmup)]
    else:
        # What the first connections of a process make it load and keep is no connection's own cost.
        _said([*common, "--n", str(FIRST), *EMPTY_WINDOW])
        crowd += EMPTY_WINDOW
    with _Memory(target.pids["server"]) as memory:
        said = _said([*common, *crowd])
    cpu, idle = iter(said["pid_cpu"]), iter(said["pid_idle_mb"])
    spent = {kind: sum(next(cpu) for _ in group) for kind, group in target.pids.items()}
    before = {kind: sum(next(idle) for _ in group) for kind, group in target.pids.items()}
    return Run(said=said, cpu_seconds=spent, peak_growth_mb=memory.peak_mb() - before["server"])


def _said(argv: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=GIVEN_UP_AFTER_SECONDS)
    if not done.stdout.strip():
        raise LoadFailed(f"{' '.join(argv[:3])}: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _sized(options: Sequence[str], size: int) -> list[str]:
    """A target that wraps messages says by `--envelope` how many bytes it adds; the payload is so much shorter."""
    words = list(options)
    envelope = 0
    if "--envelope" in words:
        at = words.index("--envelope")
        envelope = int(words[at + 1])
        del words[at : at + 2]
    return [*words, "--size", str(size - envelope)]


class _Memory:
    """The most memory that processes took, looked at five times a second."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids, self._seen = pids, [0.0]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.2):
            try:
                self._seen.append(sum(resident_mb(pid) for pid in self._pids))
            except OSError:
                return

    def peak_mb(self) -> float:
        return max(self._seen)


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KB / 1024


def until(question: Any, *, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise LoadFailed(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)
