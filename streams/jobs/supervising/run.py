"""One child of one job, as the worker that started it knows it. Memory only; the row is the truth about whether it should be there."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import Any

from streams.egress.rules import blotted, secrets_in
from streams.jobs.kinds import Exit, Kind, Launch, Verdict
from streams.jobs.models import MediaJob
from streams.jobs.supervising import strays
from streams.jobs.supervising.progress import Reader
from streams.media.process import Child

_MEASURE_SECONDS = 1.5


@dataclass(slots=True)
class Run:
    """`replacing`: it is ended because another child of the same job shall follow; `verdict`: because its kind said so."""

    job: MediaJob
    kind: Kind[Any]
    spec: Any
    launch: Launch
    reader: Reader = field(default_factory=Reader)
    child: Child | None = None
    started: float = field(default_factory=time.monotonic)
    stopping_since: float | None = None
    replacing: bool = False
    verdict: Verdict | None = None
    exit_: Exit | None = None
    cpu_seconds: float = 0.0
    cores_used: float = 0.0
    _measured: float = field(default_factory=time.monotonic)
    _blocks: int = 0
    _heard: float = field(default_factory=time.monotonic)
    looked: float = 0.0

    @property
    def key(self) -> tuple[int, int]:
        return self.job.pk, self.job.run

    @property
    def asked(self) -> bool:
        return self.stopping_since is not None

    def measure(self) -> None:
        """What it took of the CPU since the last time."""
        now = time.monotonic()
        if self.child is None or not self.child.pid or now - self._measured < _MEASURE_SECONDS:
            return
        total = strays.cpu_seconds(self.child.pid)
        if total is None:
            return
        if now > self._measured:
            self.cores_used = max(0.0, total - self.cpu_seconds) / (now - self._measured)
        self.cpu_seconds, self._measured = total, now

    def is_silent(self) -> bool:
        """Whether it said nothing of its progress for longer than its kind allows."""
        now = time.monotonic()
        if self.reader.blocks != self._blocks:
            self._blocks, self._heard = self.reader.blocks, now
        limit = self.kind.silent_seconds
        return limit is not None and now - self._heard > limit

    def ask(self) -> None:
        """Once: end, please."""
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
            if self.child is not None:
                self.child.signal(self.kind.stop_signal)

    def insist_when_late(self) -> None:
        if self.child is None or self.stopping_since is None or self.exit_ is not None:
            return
        if time.monotonic() - self.stopping_since > self.kind.stop_seconds:
            self.child.signal(signal.SIGKILL)

    def kill(self) -> None:
        self.stopping_since = self.stopping_since or time.monotonic()
        if self.child is not None:
            self.child.signal(signal.SIGKILL)

    def left(self, *, code: int, words: tuple[str, ...]) -> None:
        """Its child has ended. `words`: what it said last, and why it was kept from something."""
        self.exit_ = Exit(
            code=code,
            asked=self.asked,
            ran_seconds=time.monotonic() - self.started,
            progress=self.reader.progress,
            last_lines=tuple(blotted(line, self._secrets) for line in words),
        )

    @property
    def log(self) -> str:
        return blotted("\n".join(self.child.last_lines), self._secrets) if self.child is not None else ""

    @property
    def _secrets(self) -> tuple[str, ...]:
        """Of the outside addresses: a server may say a stream's key back, and ffmpeg repeats it."""
        return tuple(secret for reach in self.launch.reach for secret in secrets_in(reach.url))
