"""The job that writes what a publisher sends: an ffmpeg that copies the engine's tags to disk, run after run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from streams.engines import engine
from streams.jobs.kinds import Again, Exit, Kind, Launch, Over, Progress, Stage, Verdict, registered
from streams.jobs.models import MediaJob, State
from streams.media.graphs import recording as graphs
from streams.media.specs import RtmpToFile
from streams.recording import services
from streams.recording.models import Recording
from streams.recording.raw import disk

# A child that ran so long did well: what ended it is no reason to wait.
_WELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """`recording`: its pk; `number`: names its folder; `stream`: the name at the engine. `source`, `source_id`: of the marked copy that is
    recorded instead, if it is one (`streams/watermarks`)."""

    recording: int
    number: str
    stream: str
    source: str = ""
    source_id: int = 0


@registered
class Record(Kind[RecordSpec]):
    """A run is a file of its own, named by the job's fencing number: two children never write into the same one."""

    name = "record"
    label = "Recording"
    spec = RecordSpec
    # What is not recorded now is lost; a ladder can wait.
    order = 1

    def __init__(self) -> None:
        # Runs of this process whose first bytes were told; a second telling changes nothing.
        self._told: set[tuple[int, int]] = set()

    def sources(self, job: MediaJob) -> Collection[int]:
        return (job.spec.get("source_id") or 0,)

    def holds_back(self, job: MediaJob, spec: RecordSpec, stage: Stage) -> str:
        if spec.source_id and spec.source_id not in stage.published:
            return super().holds_back(job, spec, stage) or "Waits for its marked copy."
        return super().holds_back(job, spec, stage) or disk.full_text(disk.free_bytes(), starting=True)

    def launch(self, job: MediaJob, spec: RecordSpec, *, now: datetime) -> Launch:
        folder = disk.folder_of(spec.number)
        folder.mkdir(parents=True, exist_ok=True)
        services.written_from_now(recording_id=spec.recording)
        target = folder / f"{job.run:08d}.flv"
        source = engine().loopback_url(stream=spec.source or spec.stream)
        return Launch(arguments=graphs.rtmp_to_file(RtmpToFile(source=source, target=str(target))))

    def watch(
        self, job: MediaJob, spec: RecordSpec, *, progress: Progress, lines: Sequence[str], now: datetime
    ) -> RecordSpec | Verdict | None:
        if progress.size_bytes and (job.pk, job.run) not in self._told:
            self._tell_start(job, spec, now=now)
        full = disk.full_text(disk.free_bytes(), written=disk.written_bytes(spec.number))
        return self._full(spec, full, now=now) if full else None

    def ended(self, job: MediaJob, spec: RecordSpec, exit_: Exit, *, now: datetime) -> Verdict:
        recording = self._recording(spec)
        if recording is None:
            return Over(State.STOPPED, "The recording is gone.")
        full = disk.full_text(disk.free_bytes(), starting=True)
        if full and disk.was_written(spec.number):
            return self._full(spec, full, now=now)
        if services.is_on_air(recording.stream_id):
            # Killed, or the engine's connection broke: what follows is a new run of the same recording.
            return Again(reason=exit_.why, counts=exit_.ran_seconds < _WELL_SECONDS)
        Recording.objects.filter(pk=recording.pk, lost_at=None).update(lost_at=now)
        return Again(reason="Its publisher is away.", counts=False)

    def stopped(self, job: MediaJob, spec: RecordSpec, exit_: Exit | None, *, now: datetime) -> Over:
        return self._over(spec, now=now)

    def settled(self, job: MediaJob, spec: RecordSpec, over: Over, *, now: datetime) -> None:
        self._told = {run for run in self._told if run[0] != job.pk}
        recording = self._recording(spec)
        if recording is not None and recording.state in services.UNDER_WAY:
            services.written_to_the_end(recording=recording, now=now, reason=over.reason)

    def _over(self, spec: RecordSpec, *, now: datetime, reason: str = "") -> Over:
        recording = self._recording(spec)
        if recording is None:
            return Over(State.STOPPED)
        state = services.written_to_the_end(recording=recording, now=now, reason=reason)
        return Over(state, reason or recording.reason)

    @transaction.atomic
    def _full(self, spec: RecordSpec, text: str, *, now: datetime) -> Over:
        recording = self._recording(spec)
        if recording is not None and recording.state in services.UNDER_WAY and not recording.reason:
            Recording.objects.filter(pk=recording.pk).update(reason=text)
            services.announce_stop(recording=recording, now=now, reason=text)
        return self._over(spec, now=now, reason=text)

    @transaction.atomic
    def _tell_start(self, job: MediaJob, spec: RecordSpec, *, now: datetime) -> None:
        self._told.add((job.pk, job.run))
        mine = Recording.objects.filter(pk=spec.recording, started_at=None).update(started_at=now)
        recording = self._recording(spec) if mine else None
        if recording is not None:
            services.announce_start(recording=recording, now=now)

    @staticmethod
    def _recording(spec: RecordSpec) -> Recording | None:
        return Recording.objects.select_related("room__app", "stream", "app").filter(pk=spec.recording).first()
