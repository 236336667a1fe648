"""Which streams have a ladder: as plans want it, for what is pushed at present.

Promise: a publish whose plan wants a ladder has one job, made for its source as it is now; when the source changes its size or its codecs
the job is changed; when the publisher stays away longer than the grace, or no plan wants it any more, the job ends and its files go.
`follow` is called by the reconciler with the engine's list, several times in the first seconds of a publish."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.db import transaction

from streams.engines.base import EngineState, EngineStream
from streams.jobs import services as jobs
from streams.ladder import playing
from streams.ladder.kinds import LadderKind, data_folder
from streams.ladder.models import Ladder
from streams.ladder.rules import Rung, Source
from streams.ladder.spec import LadderSpec, spec_for
from streams.models.streams import Publish, Stream
from streams.plans.applying import applies
from streams.plans.models import Template
from streams.plans.settings import TRANSCODE, Fault, TranscodeSettings, read

log = logging.getLogger(__name__)

# A publisher who is back so soon goes on in the same ladder.
GRACE = timedelta(seconds=30)
# The engine meets sound and picture a moment apart; after these it is taken at its word.
# What this engine calls H.264; whatever else it takes, browsers are refused.
_DECODED: Final = "H264"
_SOUND_MS, _PICTURE_MS = 1_500, 4_000
# Folders that no ladder owns are removed after so long.
_ORPHAN_SECONDS: Final = 120.0


@applies(TRANSCODE)
def ladder_by_plan(*, stream: Stream, template: Template | None, publish: Publish, now: datetime) -> None:
    """What was pushed last is taken for what comes, so that the ladder starts with the publish; `follow` puts it right."""
    if template is None:
        row = Ladder.objects.filter(pk=stream.pk, settings__isnull=False).first()
        if row is not None:
            _end(row, now=now)
        return
    row = Ladder.objects.filter(pk=stream.pk).first() or Ladder(stream=stream, updated_at=now)
    if row.settings == template.settings and row.publish_id == publish.pk:
        return
    if row.publish_id != publish.pk:
        row.shed = []
    row.settings, row.template_name, row.publish_id, row.updated_at = template.settings, template.name, publish.pk, now
    row.generation = _next_generation(row, now)
    row.save()
    row.stream = stream
    if row.source:
        _want(row, msgspec.convert(row.source, Source), now=now)


def follow(state: EngineState, *, now: datetime) -> None:
    """Compare what is pushed with what ladders are made for."""
    for row in Ladder.objects.filter(settings__isnull=False).select_related("stream__room__app"):
        try:
            with transaction.atomic():
                _follow(row, state.published(row.stream.name), now=now)
        except Exception:
            log.exception("The ladder of %s could not be looked at.", row.stream)


def _follow(row: Ladder, found: EngineStream | None, *, now: datetime) -> None:
    if found is None:
        if _stays_away(row, now=now):
            _end(row, now=now)
        return
    source = source_of(found)
    if source is None:
        return
    known = msgspec.convert(row.source, Source) if row.source else None
    if known is not None and known.is_like(source):
        if jobs.open_job(kind=LadderKind, reference=_reference(row)) is None:
            _want(row, known, now=now)
        return
    Ladder.objects.filter(pk=row.pk).update(
        source=msgspec.to_builtins(source), generation=_next_generation(row, now), content="unknown", updated_at=now
    )
    row.refresh_from_db(fields=["source", "generation", "content"])
    _want(row, source, now=now)


def source_of(found: EngineStream) -> Source | None:
    """What is pushed, in the engine's words. None: it does not know enough yet, or it is a picture that cannot be decoded here."""
    ms = found.publisher.connected_ms if found.publisher is not None else 0
    video = found.video_codec
    if video and (video != _DECODED or not found.width or not found.height):
        return None
    if not video and (not found.audio_codec or ms < _PICTURE_MS):
        return None
    if video and not found.audio_codec and ms < _SOUND_MS:
        return None
    return Source(
        width=found.width if video else 0,
        height=found.height if video else 0,
        fps=round(found.frame_rate, 2) if video else 0.0,
        video_codec=found.video_codec,
        audio_codec=found.audio_codec,
    )


def _want(row: Ladder, source: Source, *, now: datetime) -> None:
    spec = spec_for(
        stream=row.stream.name, settings=_settings(row), source=source, generation=row.generation,
        content=row.content, shed=row.shed,
    )  # fmt: skip
    there = jobs.open_job(kind=LadderKind, reference=_reference(row))
    if spec is None:
        if there is not None:
            jobs.stop(job=there, now=now)
        return
    label = f"Ladder of {row.stream.label}: {', '.join(spec.names)}"
    jobs.want(
        kind=LadderKind, reference=_reference(row), spec=spec, app=row.stream.room.app, stream=row.stream, now=now,
        label=label,
    )  # fmt: skip


def _settings(row: Ladder) -> TranscodeSettings:
    """Fault: written by a newer version."""
    found = read(TRANSCODE, row.settings)
    if not isinstance(found, TranscodeSettings):
        raise Fault("This is no template of a ladder.", place="settings", limit=None, given=None)
    return found


def _end(row: Ladder, *, now: datetime) -> None:
    Ladder.objects.filter(pk=row.pk).update(settings=None, updated_at=now)
    job = jobs.open_job(kind=LadderKind, reference=_reference(row))
    if job is not None:
        jobs.stop(job=job, now=now)
    else:
        playing.plays(stream_id=row.pk, rungs=(), now=now)


def _stays_away(row: Ladder, *, now: datetime) -> bool:
    publishes = Publish.objects.filter(stream_id=row.pk)
    if publishes.filter(ended_at__isnull=True).exists():
        return False
    last = publishes.order_by("-id").values_list("ended_at", flat=True).first()
    return last is None or last + GRACE <= now


def _next_generation(row: Ladder, now: datetime) -> int:
    """Unix seconds: segments are never shorter on average, so that numbers grow from one generation to the next."""
    return max(int(now.timestamp()), row.generation + 1)


def _reference(row: Ladder) -> str:
    return f"ladder:{row.pk}"


def remove_orphans() -> int:
    """Folders of streams that have no ladder (any more), such as those of a host that was switched off. How many."""
    folder = data_folder() / "ladder"
    if not folder.is_dir():
        return 0
    mine = set(Ladder.objects.filter(settings__isnull=False).values_list("stream__name", flat=True))
    gone = 0
    for entry in folder.iterdir():
        if entry.name not in mine and time.time() - entry.stat().st_mtime > _ORPHAN_SECONDS:
            shutil.rmtree(entry, ignore_errors=True)
            gone += 1
    return gone


def state_of(stream: Stream) -> dict[str, Any]:
    """For REST and the console."""
    row = Ladder.objects.filter(pk=stream.pk).first() or Ladder(stream=stream)
    wanted = row.settings is not None
    source = msgspec.convert(row.source, Source) if row.source else None
    found: dict[str, Any] = {
        "stream": stream.name,
        "state": "waiting" if wanted else "stopped",
        "reason": "Waits for the first picture." if wanted else "",
        "template": row.template_name,
        "preset": None,
        "content": row.content,
        "source": None if source is None else _shown_source(source),
        "rungs": [],
        "shed": list(row.shed),
        "cores": 0.0,
        "speed": None,
        "restarts": 0,
        "playing_since": row.playing_since,
    }
    job = jobs.open_job(kind=LadderKind, reference=_reference(row))
    if job is None:
        return found
    spec = LadderKind().read(job)
    return found | {
        "state": job.state,
        "reason": job.reason,
        "preset": spec.preset,
        "rungs": [_shown_rung(rung, spec=spec, playing=stream.rungs) for rung in spec.rungs],
        "shed": list(spec.shed),
        "cores": job.cores,
        "speed": job.progress.get("speed"),
        "restarts": job.restarts,
    }


def _shown_source(source: Source) -> dict[str, Any]:
    return {
        "width": source.width or None,
        "height": source.height or None,
        "frame_rate": source.fps or None,
        "video_codec": source.video_codec,
        "audio_codec": source.audio_codec,
    }


def _shown_rung(rung: Rung, *, spec: LadderSpec, playing: Sequence[str]) -> dict[str, Any]:
    return {
        "name": rung.name,
        "width": rung.width or None,
        "height": rung.height or None,
        "video_bitrate_kbps": rung.video_bitrate_kbps or None,
        "audio_bitrate_kbps": rung.audio_kbps if spec.source.audio_codec else None,
        "playing": rung.name in playing,
    }
