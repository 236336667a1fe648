"""Clips: the last seconds of what is being recorded, or a stretch of a recording. Exact to the frame, so encoded anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction

from liveroom.kernel import clock, facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict, NotFound
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from streams.jobs import finite
from streams.jobs.finite import Claim, Hopeless, does
from streams.jobs.models import MediaTask, State
from streams.media import work
from streams.media.graphs import recording as graphs
from streams.media.specs import ClipCut, Cover
from streams.recording import services
from streams.recording.facts import ClipMade
from streams.recording.models import Clip, Recording, RecordingFile
from streams.recording.raw import disk
from streams.recording.raw.feed import Feed
from streams.recording.raw.pieces import Piece
from streams.recording.raw.reading import ReadElsewhere, read_written, runs_of
from streams.recording.rules import LONGEST_CLIP_SECONDS, SHORTEST_CLIP_SECONDS, SOUND_ONLY
from streams.recording.selectors import stretches_of
from streams.recording.stretches import media_seconds
from streams.storage import storage

TASK = "clip"
# Of one recording that wait or are being made.
AT_ONCE = 10


class NothingRecorded(Conflict):
    """10056: a clip of what was just shown needs a recording that runs."""

    name = "nothing_recorded"


class TooManyClips(Conflict):
    """10056: `limit` of one recording at once."""

    name = "too_many_clips"


@transaction.atomic
def clip_of_room(*, room: Room, seconds: float, by: Actor, now: datetime, title: str = "", address: str = "") -> Clip:
    """The last seconds of the room's programme. NothingRecorded, BadParameter, TooManyClips."""
    permission.ask("media.manage", actor=by, room=room)
    _check_length(seconds, field="seconds")
    running = Recording.objects.filter(room=room, on_programme=True, state=State.RUNNING, started_at__isnull=False)
    recording = running.exclude(format__in=SOUND_ONLY).order_by("id").first()
    if recording is None:
        raise NothingRecorded(
            "Nothing of this room's programme is being recorded now, so there is nothing to cut from. Start a recording first "
            "(POST /recordings), or cut a finished one (POST /recordings/{id}/clips)."
        )
    return _want(
        recording, room, by=by, now=now, title=title, spec={"last": seconds, "at": now.isoformat()}, address=address
    )


@transaction.atomic
def clip_of_recording(
    *, recording: Recording, from_seconds: float, to_seconds: float, by: Actor, now: datetime, title: str = "",
    address: str = "",
) -> Clip:  # fmt: skip
    """A stretch of it, finished or not. It lies within one of its files. BadParameter, TooManyClips, Conflict."""
    permission.ask("media.manage", actor=by, room=recording.room)
    if recording.format in SOUND_ONLY or recording.state in (State.WAITING, State.FAILED, State.STOPPED):
        raise Conflict("This recording has no pictures to cut from.")
    _check_length(to_seconds - from_seconds, field="to_seconds")
    if from_seconds < 0:
        raise BadParameter(f"from_seconds is 0 or more, not {from_seconds:g}.", field="from_seconds", limit=0)
    if recording.state == State.DONE and to_seconds > recording.duration_seconds + 0.5:
        raise BadParameter(
            f"to_seconds is a place in the recording, at most {recording.duration_seconds:.3f}; given: {to_seconds:g}.",
            field="to_seconds", limit=recording.duration_seconds,
        )  # fmt: skip
    spec = {"from": from_seconds, "to": to_seconds}
    return _want(recording, recording.room, by=by, now=now, title=title, spec=spec, address=address)


def _check_length(seconds: float, *, field: str) -> None:
    if not SHORTEST_CLIP_SECONDS <= seconds <= LONGEST_CLIP_SECONDS:
        raise BadParameter(
            f"A clip is {SHORTEST_CLIP_SECONDS} to {LONGEST_CLIP_SECONDS} seconds long; given: {seconds:g}.",
            field=field, limit=LONGEST_CLIP_SECONDS,
        )  # fmt: skip


def _want(
    recording: Recording, room: Room, *, by: Actor, now: datetime, title: str, spec: dict[str, Any], address: str
) -> Clip:
    Recording.objects.select_for_update().get(pk=recording.pk)
    waiting = recording.clips.filter(state__in=(State.WAITING, State.RUNNING)).count()
    if waiting >= AT_ONCE:
        raise TooManyClips(f"{AT_ONCE} clips of this recording are being made; wait for one to be done.", limit=AT_ONCE)
    begin, end = spec.get("from", 0.0), spec.get("to", spec.get("last", 0.0))
    clip = Clip.objects.create(
        app=room.app, room=room, recording=recording, from_seconds=begin, to_seconds=end, title=title,
        by=str(by)[:80], created_at=now,
    )  # fmt: skip
    finite.want_task(kind=TASK, reference=str(clip.pk), app=room.app, now=now, spec=spec)
    audit.record(action="clip.make", actor=by, now=now, room_key=room.key, target=clip.number, address=address)
    return clip


@transaction.atomic
def delete_clip(*, clip: Clip, by: Actor, now: datetime, address: str = "") -> None:
    permission.ask("media.manage", actor=by, room=clip.room)
    audit.record(action="clip.delete", actor=by, now=now, room_key=clip.room.key, target=clip.number, address=address)
    folder = clip.folder
    clip.delete()
    transaction.on_commit(lambda: storage().remove_folder(folder=folder))


def clip_of(*, app_id: int, number: str) -> Clip:
    found = None
    if ids.may_be_number(number):
        found = Clip.objects.select_related("room__app", "recording").filter(number=number, app_id=app_id).first()
    if found is None:
        raise NotFound("There is no such clip.")
    return found


# The work


def _gave_up(task: MediaTask, reason: str) -> None:
    Clip.objects.filter(pk=int(task.reference)).update(state=State.FAILED, reason=reason, ended_at=clock.now())


@does(TASK, gave_up=_gave_up)
def make_clip(claim: Claim) -> None:
    clip = Clip.objects.select_related("room__app", "recording").filter(pk=int(claim.task.reference)).first()
    if clip is None or clip.state == State.DONE:
        return
    recording = clip.recording
    if recording is None:
        raise Hopeless("The recording was deleted before the clip was made.")
    Clip.objects.filter(pk=clip.pk).update(state=State.RUNNING)
    if recording.state in services.OPEN:
        try:
            recording = read_written(recording_id=recording.pk, last=False, now=clock.now())
        except ReadElsewhere:
            recording.refresh_from_db()  # that worker's look is as good as ours
    file, begin, end = _place(recording, claim.task)
    folder = disk.folder_of(f"clip-{clip.number}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        target = folder / "clip.mp4"
        inside = begin - file.media_offset

        def told(done: float) -> None:
            claim.told(done / max(0.1, end - begin))

        if file.state == State.DONE:
            _cut_kept(file, inside, end - begin, target, told)
        else:
            _cut_written(recording, file, inside, end - begin, target, told)
        cover = folder / "cover.jpg"
        source = f"file:{target}"
        work.run_to_end(graphs.cover(Cover(source=source, target=str(cover), at_seconds=min(1.0, (end - begin) / 3))))
        _keep(clip, target, cover, begin, end)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place(recording: Recording, task: MediaTask) -> tuple[RecordingFile, float, float]:
    """The file it is cut from, and from where to where in the recording."""
    said = task.spec
    if "last" in said:
        at = datetime.fromisoformat(said["at"])
        end = media_seconds(stretches_of(recording), at) or recording.duration_seconds
        begin = max(0.0, end - said["last"])
    else:
        begin, end = said["from"], min(said["to"], recording.duration_seconds)
    file = recording.files.filter(media_offset__lt=end).exclude(state=State.FAILED).order_by("-number").first()
    if file is None or end - begin <= 0:
        raise Hopeless(f"The recording is {recording.duration_seconds:.1f} seconds long so far.")
    if begin < file.media_offset:
        if "last" not in said:
            raise Hopeless(
                f"The clip crosses two files of the recording: one begins at {file.media_offset:.3f} seconds."
            )
        begin = file.media_offset
    return file, begin, end


def _cut_kept(file: RecordingFile, begin: float, seconds: float, target: Path, told: Callable[[float], None]) -> None:
    with storage().folder_at_hand(folder=file.key.rpartition("/")[0], told=lambda done: told(0.0)) as folder:
        spec = ClipCut(
            source=f"file:{folder / file.key.rpartition('/')[2]}", target=str(target), from_seconds=max(0.0, begin),
            duration_seconds=seconds, has_video=bool(file.width), has_audio=bool(file.audio_codec),
        )  # fmt: skip
        work.run_to_end(graphs.clip(spec), told=told, in_no_hurry=True)


def _cut_written(
    recording: Recording, file: RecordingFile, begin: float, seconds: float, target: Path, told: Callable[[float], None]
) -> None:
    pieces = msgspec.convert(file.pieces, list[Piece])
    try:
        with runs_of(recording, pieces) as runs:
            feed = Feed(pieces=pieces, runs=runs)
            key = feed.begin_ms(round(begin * 1000))
            spec = ClipCut(
                target=str(target), from_seconds=begin - key / 1000, duration_seconds=seconds, has_video=feed.has_video,
                has_audio=feed.has_audio,
            )  # fmt: skip
            until = round((begin + seconds) * 1000) + 2_000
            chunks = feed.chunks(from_ms=round(begin * 1000), to_ms=until)
            work.run_to_end(graphs.clip(spec), feed=chunks, told=told, in_no_hurry=True)
    except FileNotFoundError:
        # It was finished meanwhile: the next try finds the file.
        raise work.WorkFailed("The recording was finished while the clip was being made.") from None


def _keep(clip: Clip, target: Path, cover: Path, begin: float, end: float) -> None:
    kept, now = storage(), clock.now()
    key, cover_key = f"{clip.folder}/film/clip.mp4", f"{clip.folder}/cover/cover.jpg"
    size = kept.keep(path=target, key=key)
    if cover.exists():
        kept.keep(path=cover, key=cover_key)
    looked = work.looked_at(str(target)).get("format")
    duration = float(looked.get("duration", 0.0)) if isinstance(looked, dict) else 0.0
    with transaction.atomic():
        mine = Clip.objects.filter(pk=clip.pk).update(
            state=State.DONE, key=key, cover=cover_key if cover.exists() else "", size_bytes=size, ended_at=now,
            duration_seconds=duration, from_seconds=round(begin, 3), to_seconds=round(end, 3), reason="",
        )  # fmt: skip
        if mine:
            facts.state(
                ClipMade(
                    clip=clip.number, recording=clip.recording.number if clip.recording else "", room_id=clip.room_id,
                    room_key=clip.room.key, duration_seconds=duration, by=clip.by, at=now,
                )
            )  # fmt: skip
    if not mine:
        kept.remove_folder(folder=clip.folder)
