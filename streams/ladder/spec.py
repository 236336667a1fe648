"""What a ladder job is told: the rungs of one source, and where they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from streams.ladder import rules
from streams.ladder.rules import Rung, Source, Wish
from streams.plans.settings import TranscodeSettings


@dataclass(frozen=True, slots=True)
class LadderSpec:
    """`generation`: the folder, and the number of the first segment in it (Unix seconds): another source or other encoders' headers
    begin another, a restarted child goes on in the same. `shed`: rungs that were left out because there is too little CPU. `learned`:
    what is shown has been looked at, and the source's bitrate."""

    stream: str
    preset: str
    source: Source
    rungs: tuple[Rung, ...]
    generation: int
    content: str = "unknown"
    shed: tuple[str, ...] = ()
    keyframe_seconds: int = 2
    learned: bool = False

    @property
    def has_pictures(self) -> bool:
        return any(rung.pixels for rung in self.rungs)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(rung.name for rung in self.rungs)

    def with_rungs(self, rungs: Sequence[Rung]) -> LadderSpec:
        """What is missing then counts as shed."""
        left = {rung.name for rung in rungs}
        gone = tuple(name for name in self.names if name not in left)
        return replace(self, rungs=tuple(rungs), shed=(*self.shed, *gone))


def wishes_of(settings: TranscodeSettings) -> tuple[Wish, ...]:
    return tuple(
        Wish(
            name=rung.name,
            height=rung.height,
            video_bitrate_kbps=rung.video_bitrate_kbps,
            audio_kbps=rung.audio_bitrate_kbps,
            most_fps=rung.fps,
        )
        for rung in settings.rungs
    )


def spec_for(
    *,
    stream: str,
    settings: TranscodeSettings,
    source: Source,
    generation: int,
    content: str = "unknown",
    shed: Sequence[str] = (),
    learned: bool = False,
) -> LadderSpec | None:
    """None: this source gives no rung (nothing is known of it yet, or it sends neither)."""
    every = rules.rungs_made(source=source, wishes=wishes_of(settings))
    rungs = tuple(rung for rung in every if rung.name not in shed) or every[:1]
    if not rungs:
        return None
    return LadderSpec(
        stream=stream, preset=settings.preset, source=source, rungs=rungs, generation=generation, content=content,
        shed=tuple(name for name in shed if any(rung.name == name for rung in every)),
        keyframe_seconds=settings.keyframe_seconds, learned=learned,
    )  # fmt: skip


def folder_of(data: Path, stream: str) -> Path:
    return data / "ladder" / stream


def generation_folder(data: Path, spec: LadderSpec) -> Path:
    return folder_of(data, spec.stream) / str(spec.generation)
