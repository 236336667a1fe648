"""Recordings and clips as REST shows them: with addresses that are signed for some hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from streams.jobs.models import State
from streams.recording.models import Clip, Recording, RecordingFile
from streams.recording.rules import PLAYABLE, saved_as
from streams.storage import storage

# A film of six hours can be watched to its end, with pauses.
ADDRESS_LIFETIME = timedelta(hours=12)


def shown_recording(recording: Recording, *, now: datetime, http: str) -> dict[str, Any]:
    """`recording` with its room, stream and session; `files` and `chapters` should be prefetched."""
    until = now + ADDRESS_LIFETIME
    rows = list(recording.files.all())
    kept = [file for file in rows if file.state == State.DONE and file.key]
    files = [_file(recording, file, of=len(kept), until=until, http=http) for file in rows]
    first = next((file for file in files if file["url"]), None)
    return {
        "id": recording.number,
        "stream": recording.stream.name,
        "room": recording.room.group_id,
        "session": recording.session.sequence if recording.session else None,
        "state": recording.state,
        "reason": recording.reason,
        "format": recording.format,
        "origin": recording.origin,
        "template": recording.template,
        "created_at": recording.created_at,
        "started_at": recording.started_at,
        "ended_at": recording.ended_at,
        "until": recording.until,
        "expires_at": recording.expires_at,
        "duration_seconds": round(recording.duration_seconds, 3),
        "size_bytes": recording.size_bytes,
        "width": recording.width,
        "height": recording.height,
        "cover": _address(recording.cover, until=until, http=http),
        "thumbnails": _address(recording.thumbnails, until=until, http=http),
        "thumbnails_every_seconds": recording.thumbnails_every,
        "url": first["url"] if first else None,
        "play_url": first["play_url"] if first else None,
        "files": files,
        "chapters": chapters_of(recording),
    }


def chapters_of(recording: Recording) -> list[dict[str, Any]]:
    """In the order of the recording; those whose place is not known yet last."""
    rows = sorted(recording.chapters.all(), key=lambda one: (one.seconds is None, one.seconds or 0.0, one.pk))
    return [{"id": one.pk, "kind": one.kind, "title": one.title, "seconds": one.seconds} for one in rows]


def _file(recording: Recording, file: RecordingFile, *, of: int, until: datetime, http: str) -> dict[str, Any]:
    name = saved_as(
        room=recording.room.group_id, started_at=file.started_at, number=file.number, files=of, format=recording.format
    )
    is_kept = file.state == State.DONE and bool(file.key)
    return {
        "number": file.number,
        "state": file.state,
        "reason": file.reason,
        "started_at": file.started_at,
        "offset_seconds": round(file.media_offset, 3),
        "duration_seconds": round(file.duration_seconds, 3),
        "size_bytes": file.size_bytes,
        "width": file.width,
        "height": file.height,
        "video_codec": file.video_codec,
        "audio_codec": file.audio_codec,
        "frames": file.frames,
        "url": _address(file.key, until=until, http=http, save_as=name) if is_kept else None,
        "play_url": _address(file.key, until=until, http=http) if is_kept and recording.format in PLAYABLE else None,
    }


def _address(key: str, *, until: datetime, http: str, save_as: str = "") -> str | None:
    return storage().address(key=key, until=until, download_as=save_as, http=http) if key else None


def shown_clip(clip: Clip, *, now: datetime, http: str) -> dict[str, Any]:
    until = now + ADDRESS_LIFETIME
    name = f"{clip.title or 'clip'}-{clip.number}.mp4"
    return {
        "id": clip.number,
        "room": clip.room.group_id,
        "recording": clip.recording.number if clip.recording else None,
        "title": clip.title,
        "state": clip.state,
        "reason": clip.reason,
        "by": clip.by,
        "from_seconds": clip.from_seconds,
        "to_seconds": clip.to_seconds,
        "duration_seconds": round(clip.duration_seconds, 3),
        "size_bytes": clip.size_bytes,
        "created_at": clip.created_at,
        "cover": _address(clip.cover, until=until, http=http),
        "url": _address(clip.key, until=until, http=http, save_as=name),
        "play_url": _address(clip.key, until=until, http=http),
    }


def all_shown(rows: Sequence[Recording], *, now: datetime, http: str) -> list[dict[str, Any]]:
    return [shown_recording(one, now=now, http=http) for one in rows]
