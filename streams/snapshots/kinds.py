"""The job that takes pictures of one stream and looks at them. One child for both (`media/graphs/pictures.py`).

What it writes is taken in by a task (`finite_work.py`); what it says of trouble becomes rows here. Memory: what each child has said, by
job; the rows of open troubles tell a new child what is known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from streams.engines import engine
from streams.jobs.kinds import Again, Exit, Kind, Launch, Over, Progress, Stage, Verdict, registered
from streams.jobs.models import MediaJob
from streams.media.graphs.pictures import PicturesOf, regular_pictures
from streams.media.one_picture import NO_TRACK, has_no_track
from streams.models.streams import Publish
from streams.snapshots import finite_work, troubles
from streams.snapshots.files import folder_of, marks
from streams.snapshots.rules import BLACK, FROZEN, SILENT, Detector

# Keyframes that are further apart are too few to see a black or frozen picture in time.
FAR_APART_SECONDS = 2.5
# What began between two keyframes began that much before it was seen, more or less.
KEYFRAME_LATE_SECONDS = 1.0
LEAST_DISK_BYTES = 100 * 1024 * 1024
_LOOK_AGAIN = timedelta(seconds=2)
# After a trouble every picture is looked at for so long.
_CALM = timedelta(seconds=30)
_ASK_AGAIN = timedelta(seconds=10)
# It ended at once: something is wrong, and the next try waits.
_SHORT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class SnapshotSpec:
    """`kept`: by a template, for as long as the settings say; otherwise only the newest few, for the wall and the cover."""

    interval_seconds: int = 10
    width: int = 0
    height: int = 0
    black_seconds: float = 0
    frozen_seconds: float = 0
    silent_seconds: float = 0
    kept: bool = False
    review: bool = False
    every_frame: bool = False


@dataclass(slots=True)
class _Watched:
    run: int
    detector: Detector
    look_at: datetime
    closely_until: datetime
    asked_for: str = ""
    ask_at: datetime | None = None


@registered
class SnapshotKind(Kind[SnapshotSpec]):
    name = "snapshot"
    label = "Snapshots"
    spec = SnapshotSpec
    order = 4
    stop_seconds = 3.0
    watch_seconds = 0.5

    def __init__(self) -> None:
        self._watched: dict[int, _Watched] = {}
        self._late: set[int] = set()

    def cores(self, spec: SnapshotSpec) -> float:
        """Measured at 360p: README.md."""
        return 0.01 + (0.005 if spec.silent_seconds else 0) + (0.04 if spec.every_frame else 0)

    def holds_back(self, job: MediaJob, spec: SnapshotSpec, stage: Stage) -> str:
        if stage.disk_free_bytes < LEAST_DISK_BYTES:
            return "The disk is full."
        return super().holds_back(job, spec, stage)

    def launch(self, job: MediaJob, spec: SnapshotSpec, *, now: datetime) -> Launch:
        stream = job.stream
        if stream is None:
            raise ValueError("the stream is gone")
        folder = folder_of(stream.pk)
        folder.mkdir(parents=True, exist_ok=True)
        self._watched.pop(job.pk, None)
        wanted = PicturesOf(
            source=engine().loopback_url(stream=stream.name),
            folder=str(folder),
            prefix=f"{job.pk}-{job.run}-{marks(kept=spec.kept, review=spec.review)}",
            interval_seconds=spec.interval_seconds,
            width=spec.width,
            height=spec.height,
            black_seconds=spec.black_seconds,
            frozen_seconds=spec.frozen_seconds,
            silent_seconds=spec.silent_seconds,
            every_frame=spec.every_frame,
            late_keyframes=job.pk in self._late or (spec.every_frame and _keyframes_far_apart(stream.pk)),
        )
        return Launch(arguments=regular_pictures(wanted))

    def watch(
        self, job: MediaJob, spec: SnapshotSpec, *, progress: Progress, lines: Sequence[str], now: datetime
    ) -> SnapshotSpec | Verdict | None:
        stream = job.stream
        if stream is None:
            return Over("stopped", "The stream is gone.")
        watched = self._watched.get(job.pk)
        if watched is None or watched.run != job.run:
            watched = self._watched[job.pk] = _begun(job, spec, now=now)
        for change in watched.detector.hear(lines, now=now, stream_seconds=progress.out_seconds):
            troubles.write(stream=stream, change=change, now=now)
        self._ask_for_what_waits(job, watched, now=now)
        if now < watched.look_at or not (spec.black_seconds or spec.frozen_seconds):
            return None
        watched.look_at = now + _LOOK_AGAIN
        wanted = self._closely(job, watched, now=now)
        return replace(spec, every_frame=wanted) if wanted != spec.every_frame else None

    @staticmethod
    def _closely(job: MediaJob, watched: _Watched, *, now: datetime) -> bool:
        """Whether every picture is looked at: while one is black or frozen, so that its end is seen at once, and where keyframes are far
        apart. A decoder hands out keyframes some keyframes late if the encoder uses B-frames."""
        if watched.detector.told & {BLACK, FROZEN}:
            watched.closely_until = now + _CALM
        return now < watched.closely_until or _keyframes_far_apart(job.stream_id or 0)

    @staticmethod
    def _ask_for_what_waits(job: MediaJob, watched: _Watched, *, now: datetime) -> None:
        newest = newest_waiting(job.stream_id)
        late = watched.ask_at is not None and now >= watched.ask_at
        if newest and (newest != watched.asked_for or late):
            watched.asked_for, watched.ask_at = newest, now + _ASK_AGAIN
            finite_work.want_taken_in(stream_id=job.stream_id or 0, app=job.app, now=now)

    def ended(self, job: MediaJob, spec: SnapshotSpec, exit_: Exit, *, now: datetime) -> Verdict:
        if has_no_track(exit_.last_lines):
            late = job.pk in self._late
            self._late.add(job.pk)
            # Once more at once, and longer: its keyframes may be far apart.
            return Again(reason=NO_TRACK, counts=late)
        if exit_.code == 0:
            return Again(counts=exit_.ran_seconds < _SHORT_SECONDS)
        return Again(reason=exit_.why)

    def settled(self, job: MediaJob, spec: SnapshotSpec, over: Over, *, now: datetime) -> None:
        self._watched.pop(job.pk, None)
        self._late.discard(job.pk)
        if newest_waiting(job.stream_id):
            finite_work.want_taken_in(stream_id=job.stream_id or 0, app=job.app, now=now)


def reference(stream_id: int) -> str:
    return f"stream:{stream_id}"


def newest_waiting(stream_id: int | None) -> str:
    """The name of the newest picture that nobody has taken in; "" for none."""
    try:
        found = [(entry.stat().st_mtime, entry.name) for entry in os.scandir(folder_of(stream_id or 0))]
    except FileNotFoundError:
        return ""
    return max((one for one in found if one[1].endswith(".jpg")), default=(0.0, ""))[1]


def _begun(job: MediaJob, spec: SnapshotSpec, *, now: datetime) -> _Watched:
    thresholds = {BLACK: spec.black_seconds, FROZEN: spec.frozen_seconds, SILENT: spec.silent_seconds}
    told = {row.trouble for row in troubles.open_troubles(job.stream_id or 0)}
    detector = Detector(
        thresholds=thresholds,
        started_at=now,
        told=told,
        late_seconds=0.0 if spec.every_frame else KEYFRAME_LATE_SECONDS,
    )
    closely = now + _CALM if spec.every_frame else now
    return _Watched(run=job.run, detector=detector, look_at=now + _LOOK_AGAIN, closely_until=closely)


def _keyframes_far_apart(stream_id: int) -> bool:
    return Publish.objects.filter(
        stream_id=stream_id, ended_at__isnull=True, keyframe_seconds__gt=FAR_APART_SECONDS
    ).exists()
