"""What comes to an end: files made of what was written, their pictures, clips. Done by task workers, again after any kill.

Nothing that was written is thrown away before the file that it became is kept and its row says so."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction

from liveroom.kernel import clock
from streams.jobs import finite
from streams.jobs.finite import Claim, Hopeless, does
from streams.jobs.models import MediaTask, State
from streams.media import work
from streams.media.graphs import recording as graphs
from streams.media.specs import Cover, Remux, Sprite
from streams.recording import services
from streams.recording.chapters import place_chapters
from streams.recording.models import Recording, RecordingFile
from streams.recording.playback import offer_playback
from streams.recording.raw import disk
from streams.recording.raw.feed import Feed
from streams.recording.raw.pieces import ENHANCED, Piece
from streams.recording.raw.reading import ReadElsewhere, read_written, runs_of
from streams.recording.rules import FILE_NAMES, SOUND_ONLY
from streams.rules import codecs
from streams.storage import storage

log = logging.getLogger(__name__)

PICTURES_TASK = "recording_pictures"
# From here on a file is not written twice for its index; what the index takes for each picture and sound at most.
_LARGE_BYTES = 256_000_000
_INDEX_BYTES_EACH, _INDEX_BYTES_MORE = 40, 65_536
_NO_ROOM_FOR_INDEX = "moov_size is too small"
_SPRITE_COLUMNS, _SPRITE_ROWS = 10, 10
# What MP4 holds; FLV holds what came in FLV.
_VIDEO_IN_MP4 = (codecs.AVC,)


class NoRoom(Exception):
    """A file does not fit beside what it is made of."""


def _gave_up(task: MediaTask, reason: str) -> None:
    recording = _recording(task)
    if recording is not None and recording.state == State.FINISHING:
        services.fail_recording(recording=recording, reason=reason, now=clock.now())


def _recording(task: MediaTask) -> Recording | None:
    found = Recording.objects.select_related("room__app", "stream", "app").filter(pk=int(task.reference))
    return found.first()


@does(services.FILES_TASK, gave_up=_gave_up)
def make_files(claim: Claim) -> None:
    """Read what was written; make the files that are whole; at the recording's end all of them."""
    while True:
        recording = _recording(claim.task)
        if recording is None or recording.state not in services.OPEN:
            return
        is_over = recording.state == State.FINISHING and not _is_written(recording)
        claim.told(0.0)
        try:
            read_written(recording_id=recording.pk, last=is_over, now=clock.now())
        except ReadElsewhere:
            continue  # a clip's worker was faster
        recording.refresh_from_db()
        if recording.scan.get("full") and recording.state in services.UNDER_WAY:
            reason = "The picture changed its size or codec again and again; what was recorded until then is kept."
            _end_early(recording, reason)
        wanted = list(recording.files.filter(state=State.FINISHING).order_by("number"))
        if recording.lost_at is not None and not is_over:
            # Its publisher is away: if nobody comes back, the file is there already.
            wanted += recording.files.filter(state=State.RUNNING)
        try:
            for file in wanted:
                _make(recording, file, claim)
        except NoRoom as error:
            # No failure: `following` wants it again when there is room.
            Recording.objects.filter(pk=recording.pk, reason="").update(reason=str(error))
            log.warning("Recording %s: %s", recording.number, error)
            return
        if is_over:
            with transaction.atomic():
                held = Recording.objects.select_for_update(of=("self",)).select_related("room__app", "stream", "app")
                recording = held.get(pk=recording.pk)
                if recording.state == State.FINISHING:
                    place_chapters(recording)
                    services.finish_recording(recording=recording, now=clock.now())
                    if recording.state == State.DONE:
                        _after(recording)
            return
        if not Recording.objects.filter(pk=recording.pk, state=State.FINISHING).exists() or _is_written(recording):
            return


def _after(recording: Recording) -> None:
    finite.want_task(kind=PICTURES_TASK, reference=str(recording.pk), app=recording.app, now=clock.now())
    offer_playback(room_id=recording.room_id, now=clock.now())
    transaction.on_commit(lambda: disk.forget(recording.number))


@transaction.atomic
def _end_early(recording: Recording, reason: str) -> None:
    services.announce_stop(recording=recording, now=clock.now(), reason=reason)
    services.end_recording(recording=recording, now=clock.now(), reason=reason)


def _is_written(recording: Recording) -> bool:
    job = services.job_of(recording)
    return job is not None and job.state in (State.WAITING, State.RUNNING)


# One file


def _make(recording: Recording, file: RecordingFile, claim: Claim) -> None:
    pieces = msgspec.convert(file.pieces, list[Piece])
    digest = _digest(file)
    folder = disk.folder_of(recording.number) / f"file-{file.number}"
    target = folder / FILE_NAMES[recording.format]
    is_made = file.made_of == digest and target.exists()
    if not is_made:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        problem = _remux(recording, file, pieces, target, claim)
        if problem:
            RecordingFile.objects.filter(pk=file.pk).update(state=State.FAILED, reason=problem, made_of=digest)
            return
        # The file stands before the row that says what it was made of.
        RecordingFile.objects.filter(pk=file.pk).update(made_of=digest)
    if file.state == State.RUNNING:
        return
    kept = storage()
    key_folder = f"{recording.folder}/{file.number}"
    size = kept.keep_folder(path=folder, folder=key_folder, told=_told(claim))
    RecordingFile.objects.filter(pk=file.pk).update(
        state=State.DONE, key=f"{key_folder}/{target.name}", size_bytes=size, reason=file.reason, **_looked(target)
    )
    shutil.rmtree(folder, ignore_errors=True)


def _digest(file: RecordingFile) -> str:
    return blake2b(msgspec.json.encode(file.pieces), digest_size=16).hexdigest()


def _remux(recording: Recording, file: RecordingFile, pieces: list[Piece], target: Path, claim: Claim) -> str:
    """Why nothing can be made of it, for people; "" if it was made."""
    video_codec = next((piece.video.codec for piece in pieces if piece.video is not None and piece.frames), None)
    audio_codec = next((piece.audio.codec for piece in pieces if piece.audio is not None and piece.sounds), None)
    wants_video = recording.format not in SOUND_ONLY
    holds_video = (recording.format == "flv" and video_codec != ENHANCED) or video_codec in _VIDEO_IN_MP4
    size = sum(piece.size for piece in pieces)
    if not disk.fits_beside(size):
        free = disk.free_bytes() / 1_000_000
        raise NoRoom(
            f"Its file waits for space on the disk: it needs {disk.film_bytes(size) / 1_000_000:,.0f} MB, and {free:,.0f} MB are free."
        )
    try:
        with runs_of(recording, pieces) as runs:
            feed = Feed(pieces=pieces, runs=runs, video=wants_video and holds_video)
            if wants_video and video_codec is not None and not holds_video:
                file.reason = (
                    f"Its pictures came in a codec that {recording.format.upper()} cannot hold; only the sound is kept."
                )
            if not feed.has_video and not feed.has_audio:
                return file.reason or (
                    "No sound arrived." if not wants_video else "Neither pictures nor sound arrived."
                )
            spec = Remux(
                target=str(target), format=recording.format, has_video=feed.has_video, has_audio=feed.has_audio,
                audio=_audio(recording.format, audio_codec), index_bytes=_index_bytes(recording.format, pieces, size),
            )  # fmt: skip
            told = _told(claim, of=feed.duration_ms / 1000)
            said = work.run_to_end(graphs.remux(spec), feed=feed.chunks(), told=told)
            if any(_NO_ROOM_FOR_INDEX in line for line in said):
                # ffmpeg writes it over the first pictures then, and ends with code 0.
                log.warning("The index of recording %s did not fit; its file is written twice.", recording.number)
                work.run_to_end(graphs.remux(replace(spec, index_bytes=0)), feed=feed.chunks(), told=told)
            if not _is_whole(target, feed):
                raise work.WorkFailed("The file that was made is not as long as what was recorded.")
    except FileNotFoundError:
        raise Hopeless("What was written is no longer there.") from None
    return ""


def _is_whole(path: Path, feed: Feed) -> bool:
    """Whether it can be read, and is about as long as what went in."""
    try:
        found: Any = work.looked_at(str(path)).get("format")
        return float(found["duration"]) >= feed.duration_ms / 1000 * 0.98 - 2.0
    except (work.WorkFailed, KeyError, TypeError, ValueError):
        return False


def _audio(format: str, codec: int | None) -> str:
    """Copied wherever the format holds it."""
    if format == "mp3":
        return "copy" if codec == codecs.MP3 else "libmp3lame"
    if format == "flv":
        return "copy"
    if format == "aac":
        return "copy" if codec == codecs.AAC else "aac"
    return "copy" if codec in (codecs.AAC, codecs.MP3) else "aac"


def _index_bytes(format: str, pieces: list[Piece], size: int) -> int:
    if format != "mp4" or size < _LARGE_BYTES:
        return 0
    return _INDEX_BYTES_MORE + _INDEX_BYTES_EACH * sum(piece.frames + piece.sounds for piece in pieces)


def _told(claim: Claim, *, of: float = 1.0) -> Callable[[float], None]:
    return lambda done: claim.told(done / of if of > 0 else 0.0)


def _looked(path: Path) -> dict[str, Any]:
    """Sizes and codecs, for the row."""
    streams: Any = work.looked_at(str(path)).get("streams", [])
    found: dict[str, Any] = {}
    for stream in streams:
        if stream.get("codec_type") == "video":
            found |= {"width": stream.get("width"), "height": stream.get("height"), "video_codec": stream["codec_name"]}
        elif stream.get("codec_type") == "audio":
            found["audio_codec"] = stream["codec_name"]
    return found


# Its pictures


@does(PICTURES_TASK)
def make_pictures(claim: Claim) -> None:
    """A cover, and small pictures at equal distances of the first file."""
    recording = _recording(claim.task)
    file = (
        recording.files.filter(state=State.DONE).exclude(width=None).order_by("number").first() if recording else None
    )
    if recording is None or file is None:
        return
    folder = disk.folder_of(recording.number) / "pictures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with storage().folder_at_hand(folder=file.key.rpartition("/")[0], told=_told(claim)) as at_hand:
            source = f"file:{at_hand / file.key.rpartition('/')[2]}"
            cover = folder / "cover.jpg"
            at = min(file.duration_seconds / 10, 30.0)
            work.run_to_end(graphs.cover(Cover(source=source, target=str(cover), at_seconds=at)), told=_told(claim))
            if not cover.exists():
                work.run_to_end(graphs.cover(Cover(source=source, target=str(cover), at_seconds=0)))
            storage().keep(path=cover, key=f"{recording.folder}/cover/cover.jpg")
            Recording.objects.filter(pk=recording.pk).update(cover=f"{recording.folder}/cover/cover.jpg")
            every = max(2.0, file.duration_seconds / (_SPRITE_COLUMNS * _SPRITE_ROWS))
            small = folder / "small.jpg"
            sprite = Sprite(
                source=source, target=str(small), every_seconds=every, columns=_SPRITE_COLUMNS, rows=_SPRITE_ROWS
            )
            work.run_to_end(graphs.sprite(sprite), told=_told(claim, of=file.duration_seconds), in_no_hurry=True)
            storage().keep(path=small, key=f"{recording.folder}/small/small.jpg")
            Recording.objects.filter(pk=recording.pk).update(
                thumbnails=f"{recording.folder}/small/small.jpg", thumbnails_every=every
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if recording.state not in services.OPEN:
            disk.forget(recording.number)
