"""The job of a marked copy: one compositor that takes the source whole, draws the marks, and publishes the result into our engine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from streams.jobs.kinds import Again, Exit, Kind, Launch, Progress, Stage, Verdict, registered
from streams.jobs.models import MediaJob
from streams.mixes import starting
from streams.models.streams import Publish
from streams.watermarks import rules
from streams.watermarks.copies.scenes import scene_of
from streams.watermarks.models import MarkedCopy

# A child that ran so long did well: what ended it is no reason to wait.
_WELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CopySpec:
    """What needs another process when it changes; everything else comes by Redis. `source`: the stream's pk."""

    copy: int
    source: int
    width: int
    height: int
    fps: int


class CopyGone(Exception):
    """It was deleted a moment ago."""


@registered
class MarkedCopyKind(Kind[CopySpec]):
    name: ClassVar[str] = "marked_copy"
    label: ClassVar[str] = "Marked copy"
    spec = CopySpec
    # Recordings are let in before it; ladders, which are made of it, behind it.
    order: ClassVar[int] = 10
    needs_publisher: ClassVar[bool] = False
    longest_pause_seconds: ClassVar[float] = 5.0

    def cores(self, spec: CopySpec) -> float:
        return rules.canvas(width=spec.width, height=spec.height, fps=spec.fps).cores

    def sources(self, job: MediaJob) -> Collection[int]:
        return (job.spec["source"],)

    def holds_back(self, job: MediaJob, spec: CopySpec, stage: Stage) -> str:
        return "" if spec.source in stage.published else "Waits for a publisher."

    def launch(self, job: MediaJob, spec: CopySpec, *, now: datetime) -> Launch:
        copy = MarkedCopy.objects.select_related("source", "stream", "mark").filter(pk=spec.copy).first()
        if copy is None:
            raise CopyGone(f"marked copy {spec.copy}")
        return starting.compositor(job=job, number=copy.number, stream=copy.stream, scene=scene_of(copy))

    def watch(
        self, job: MediaJob, spec: CopySpec, *, progress: Progress, lines: Sequence[str], now: datetime
    ) -> CopySpec | Verdict | None:
        """Without its source it would show a card for ever."""
        if Publish.objects.filter(stream_id=spec.source, ended_at=None).exists():
            return None
        return Again(counts=False)

    def ended(self, job: MediaJob, spec: CopySpec, exit_: Exit, *, now: datetime) -> Verdict:
        return Again(reason=exit_.why, counts=exit_.ran_seconds < _WELL_SECONDS)
