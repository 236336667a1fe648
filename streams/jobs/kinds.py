"""What a kind of media job has to say, and the register of kinds. A feature adds one: `@registered` above a subclass of `Kind`.

Everything here is called on the supervisor's database thread, never on the event loop, and must be quick: what takes long is a task
(`finite.py`). A method that raises costs its own job a restart and nobody else anything."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from streams.jobs.models import MediaJob

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Reach:
    """One outside address that a child must be let to: `placeholder` in its arguments is replaced by a guarded way there
    (`streams/egress`). The child itself never connects to what somebody typed."""

    url: str
    placeholder: str


@dataclass(frozen=True, slots=True)
class Launch:
    """A child to be started: an argument list (never a shell), more environment, and the outside addresses it needs."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    reach: Sequence[Reach] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """What ffmpeg's `-progress` said last. `out_seconds`: of media written; `speed`: media seconds per second; None: not said."""

    out_seconds: float = 0.0
    frame: int = 0
    fps: float = 0.0
    speed: float | None = None
    bitrate_kbps: float = 0.0
    size_bytes: int = 0
    dropped_frames: int = 0
    duplicated_frames: int = 0


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended. `code` is negative for a signal; `asked`: we had told it to stop."""

    code: int
    asked: bool
    ran_seconds: float
    progress: Progress
    last_lines: Sequence[str]

    @property
    def why(self) -> str:
        """One line for people: the child's last words, or its code."""
        if self.last_lines:
            return self.last_lines[-1][:280]
        return f"ended by signal {-self.code}" if self.code < 0 else f"ended with code {self.code}"


@dataclass(frozen=True, slots=True)
class Again:
    """Start it again. `counts`: it is a failure, and the pause grows with each in a row; otherwise it starts as soon as it may."""

    reason: str = ""
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Over:
    """It has come to its end. `state`: done, failed or stopped; `finishing`: a task goes on with it and calls `services.finished`."""

    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is going on around a job that asks whether it may start. `published`: of its stream and its `sources`, those that somebody
    pushes now, by pk;
    `by_jobs`: which of them a job of ours pushes, stream -> job; `disk_free_bytes`: where media is written on this host."""

    now: datetime
    published: frozenset[int]
    disk_free_bytes: int
    by_jobs: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))


Verdict = Again | Over


class Kind(ABC, Generic[S]):
    """One kind of job. `spec`: a frozen dataclass whose fields JSON can hold; `version`: of its shape (`upgraded` reads older ones)."""

    name: ClassVar[str]
    label: ClassVar[str]
    spec: type[S]
    version: ClassVar[int] = 1
    # Smaller ones are let in first when cores are scarce.
    order: ClassVar[int] = 10
    needs_publisher: ClassVar[bool] = True
    # How it is asked to end, and how long it may take to finish its files.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_seconds: ClassVar[float] = 5.0
    # A child that reports no progress for so long hangs and is ended. None: it may.
    silent_seconds: ClassVar[float | None] = 20.0
    # Failures in a row make the pause before the next try longer, up to this.
    longest_pause_seconds: ClassVar[float] = 30.0
    # `watch` is called so often while it runs.
    watch_seconds: ClassVar[float] = 1.0

    def read(self, job: MediaJob) -> S:
        """The spec of a row. ValueError (msgspec.ValidationError): it is none."""
        raw = job.spec if job.spec_version == self.version else self.upgraded(job.spec, version=job.spec_version)
        return msgspec.convert(raw, self.spec)

    def upgraded(self, raw: dict[str, Any], *, version: int) -> dict[str, Any]:
        """A spec that an older version wrote. New fields with defaults need none of this."""
        return raw

    def cores(self, spec: S) -> float:
        """What it will take of a CPU core, estimated (media-facts.md)."""
        return 0.02

    def holds_back(self, job: MediaJob, spec: S, stage: Stage) -> str:
        """Why it cannot start now, for people; "" if it can. Without a query: there may be many."""
        if self.needs_publisher and job.stream_id is not None and job.stream_id not in stage.published:
            return "Waits for a publisher."
        return ""

    def sources(self, job: MediaJob) -> Collection[int]:
        """Streams beside the job's own that `holds_back` looks for in `Stage.published`, by pk. Without a query."""
        return ()

    def fitted(self, spec: S, *, cores: float) -> S | None:
        """A smaller spec that takes no more than `cores`, or None: then it waits for room."""
        return None

    @abstractmethod
    def launch(self, job: MediaJob, spec: S, *, now: datetime) -> Launch:
        """The child. Runs inside the transaction that claims the job; folders may be made here.

        An earlier child may have ended without `ended` having been asked: its worker was killed, or stopped. So whatever a child
        leaves behind must be found here too."""

    def watch(
        self, job: MediaJob, spec: S, *, progress: Progress, lines: Sequence[str], now: datetime
    ) -> S | Verdict | None:
        """Looked at while it runs: `lines` are what it wrote on standard output since the last look, without progress.

        None: go on. A spec: it is stored and the child replaced by one with it. A verdict: it is ended with that."""
        return None

    def ended(self, job: MediaJob, spec: S, exit_: Exit, *, now: datetime) -> Verdict:
        """The child is gone while the job is still wanted."""
        return Again(reason=exit_.why)

    def stopped(self, job: MediaJob, spec: S, exit_: Exit | None, *, now: datetime) -> Over:
        """It is no longer wanted and its child, if it had one, is gone."""
        return Over("stopped")

    def settled(self, job: MediaJob, spec: S, over: Over, *, now: datetime) -> None:
        """Called in the transaction that writes its last state, whatever that is."""


_kinds: dict[str, Kind[Any]] = {}
K = TypeVar("K", bound=type[Kind[Any]])


def registered(kind: K) -> K:
    """Adds a kind; its module is imported by `streams/jobs/register.py`."""
    _kinds[kind.name] = kind()
    return kind


def kind_of(name: str) -> Kind[Any] | None:
    return _kinds.get(name)
