"""The ladder's job: one child per stream, into one folder per generation. State: `Ladder`, `Stream.ladder`, and memory of what a child
did (its pace, what it saw), lost without harm."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import orjson
from django.conf import settings
from django.db import transaction

from streams.engines import EngineUnreachable, engine
from streams.jobs.kinds import Again, Exit, Kind, Launch, Over, Progress, Verdict, registered
from streams.jobs.models import MediaJob
from streams.ladder import playing, rules
from streams.ladder.looks import Looks
from streams.ladder.models import Ladder
from streams.ladder.spec import LadderSpec, folder_of, generation_folder
from streams.media import x264
from streams.media.backlog import unread_bytes
from streams.media.graphs.ladder import LOOK_SECONDS, LadderGraph, Picture, ladder

log = logging.getLogger(__name__)

# By then the engine knows the source's bitrate, and what is shown has been looked at.
_LEARN_SECONDS = LOOK_SECONDS + 2.0
# A ladder is made anew for less bitrate only if it is much less: viewers lose a second of it.
_MUCH = 0.85
ABOUT = "ladder.json"


def data_folder() -> Path:
    return Path(settings.LIVEROOM.data)


@dataclass(slots=True)
class _Memory:
    """Of one child."""

    run: int
    pace: rules.Pace = field(default_factory=rules.Pace)
    looks: Looks = field(default_factory=Looks)
    told: bool = False
    learned: bool = False


@registered
class LadderKind(Kind[LadderSpec]):
    name: ClassVar[str] = "ladder"
    label: ClassVar[str] = "Ladder"
    spec = LadderSpec
    # Recordings and relays are let in before it.
    order: ClassVar[int] = 20

    def __init__(self) -> None:
        self._memory: dict[int, _Memory] = {}

    def cores(self, spec: LadderSpec) -> float:
        return rules.cores(preset=spec.preset, source=spec.source, rungs=spec.rungs)

    def fitted(self, spec: LadderSpec, *, cores: float) -> LadderSpec | None:
        while self.cores(spec) > cores:
            fewer = rules.without_highest(spec.rungs)
            if len(fewer) == len(spec.rungs):
                return None
            spec = spec.with_rungs(fewer)
        return spec

    def launch(self, job: MediaJob, spec: LadderSpec, *, now: datetime) -> Launch:
        folder = generation_folder(data_folder(), spec)
        folder.mkdir(parents=True, exist_ok=True)
        _write_about(folder, spec)
        if job.stream_id is not None:
            playing.shed(stream_id=job.stream_id, spec=spec, behind=False, now=now)
        return Launch(arguments=ladder(graph_of(spec, folder=folder)))

    def watch(
        self, job: MediaJob, spec: LadderSpec, *, progress: Progress, lines: Sequence[str], now: datetime
    ) -> LadderSpec | Verdict | None:
        memory = self._memory.get(job.pk)
        if memory is None or memory.run != job.run:
            memory = self._memory[job.pk] = _Memory(run=job.run)
        memory.looks.hear(lines)
        folder = generation_folder(data_folder(), spec)
        if not memory.told and all((folder / f"{name}.m3u8").exists() for name in spec.names):
            memory.told = True
            if job.stream_id is not None:
                playing.plays(stream_id=job.stream_id, rungs=spec.names, now=now)
        behind = memory.pace.look(
            at=now.timestamp(), out_seconds=progress.out_seconds, waiting_bytes=unread_bytes(job.pid)
        )
        if behind and len(rules.pictures(spec.rungs)) > 1:
            smaller = spec.with_rungs(rules.without_lowest(spec.rungs))
            log.warning("The ladder of %s falls behind and does without %s.", spec.stream, smaller.shed[-1])
            if job.stream_id is not None:
                playing.shed(stream_id=job.stream_id, spec=smaller, behind=True, now=now)
            return smaller
        if not memory.learned and progress.out_seconds > _LEARN_SECONDS:
            memory.learned = True
            _remove_others(folder)
            return self._learned(job, spec, memory.looks)
        return None

    def _learned(self, job: MediaJob, spec: LadderSpec, looks: Looks) -> LadderSpec | None:
        """Once per publish: settings for what is shown, and no rung above the source's own bitrate."""
        if spec.learned:
            return None
        content = looks.content() if spec.preset == "top_speed" else spec.content
        Ladder.objects.filter(pk=job.stream_id).update(content=content)
        rungs = spec.rungs
        try:
            found = engine().state(timeout_seconds=0.5).published(spec.stream)
        except EngineUnreachable:
            found = None
        if found is not None and found.bitrate_kbps:
            less = rules.capped(rungs, bitrate_kbps=found.bitrate_kbps)
            if any(
                new.video_bitrate_kbps < old.video_bitrate_kbps * _MUCH for new, old in zip(less, rungs, strict=True)
            ):
                rungs = less
        if rungs == spec.rungs and content == spec.content:
            return None
        return replace(spec, rungs=rungs, content=content, learned=True)

    def ended(self, job: MediaJob, spec: LadderSpec, exit_: Exit, *, now: datetime) -> Verdict:
        self._memory.pop(job.pk, None)
        # The publisher left: the next one is waited for; until then nobody did anything wrong.
        return Again(reason="" if exit_.code == 0 else exit_.why, counts=exit_.code != 0 or exit_.ran_seconds < 3)

    def settled(self, job: MediaJob, spec: LadderSpec, over: Over, *, now: datetime) -> None:
        self._memory.pop(job.pk, None)
        if job.stream_id is not None:
            playing.plays(stream_id=job.stream_id, rungs=(), now=now)
        folder = folder_of(data_folder(), spec.stream)
        transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))


def graph_of(spec: LadderSpec, *, folder: Path) -> LadderGraph:
    alone = next((rung for rung in spec.rungs if not rung.pixels), None)
    return LadderGraph(
        source=engine().loopback_url(stream=spec.stream),
        folder=folder,
        pictures=[
            Picture(rung.name, rung.width, rung.height, rung.video_bitrate_kbps, rung.every, rung.audio_kbps)
            for rung in rules.pictures(spec.rungs)
        ],
        sound_name=alone.name if alone else "",
        sound_kbps=alone.audio_kbps if alone else 0,
        has_audio=bool(spec.source.audio_codec),
        preset=spec.preset,
        content=spec.content,
        fps=rules.shown_fps(spec.source.fps),
        first_number=spec.generation,
        keyframe_seconds=spec.keyframe_seconds,
        looks=spec.preset == "top_speed" and not spec.learned,
    )


def _write_about(folder: Path, spec: LadderSpec) -> None:
    """What the gateway makes the master playlist of. Written aside and renamed: it reads the old or the new, never half."""
    has_audio = bool(spec.source.audio_codec)
    fps = rules.shown_fps(spec.source.fps)
    about = {
        "target_seconds": spec.keyframe_seconds,
        "rungs": [
            {
                "name": rung.name,
                "width": rung.width,
                "height": rung.height,
                "fps": round(fps / rung.every, 3) if rung.pixels and spec.source.fps else None,
                "video_kbps": _cap(spec, rung),
                "audio_kbps": rung.audio_kbps if has_audio else 0,
            }
            for rung in spec.rungs
        ],
    }
    aside = folder / f".{ABOUT}.{os.getpid()}"
    aside.write_bytes(orjson.dumps(about))
    aside.rename(folder / ABOUT)


def _cap(spec: LadderSpec, rung: rules.Rung) -> int:
    coding = x264.Coding(preset=spec.preset, content=spec.content, fps=1, bitrate_kbps=rung.video_bitrate_kbps)
    return x264.cap_kbps(coding) if rung.pixels else 0


def _remove_others(folder: Path) -> None:
    """Earlier generations: by now nobody asks for their segments any more."""
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
