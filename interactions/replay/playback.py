"""A recording ready to be played by one viewer: signed addresses, chapters, how much was said when, clips."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from interactions.delivery.events import ms
from interactions.models import PublishedShow
from interactions.replay import selectors
from interactions.replay.rules.timeline import Timeline
from liveroom.rooms.models import Room
from streams.addresses import PLAYING_OFF, PlayingOff
from streams.jobs.models import State
from streams.recording.models import Chapter, Clip, Recording
from streams.selectors import programme_policy
from streams.storage import storage

# Long enough for a film; the page asks for new ones when they run out.
LIFETIME = timedelta(hours=6)
MOST_CLIPS = 50


def refuse_closed(room: Room) -> None:
    """PlayingOff, as for the live picture."""
    policy = programme_policy(room)
    if policy is not None and policy.closed:
        raise PlayingOff(PLAYING_OFF)


def published(recordings: Iterable[Recording], *, now: datetime, http: str) -> list[dict[str, Any]]:
    """As the list shows them."""
    rows = list(recordings)
    sessions = set(
        PublishedShow.objects.filter(session__in=[row.session_id for row in rows if row.session_id]).values_list(
            "session_id", flat=True
        )
    )
    return [_shown(row, is_published=row.session_id in sessions, now=now, http=http) for row in rows]


def _shown(recording: Recording, *, is_published: bool, now: datetime, http: str) -> dict[str, Any]:
    session = recording.session
    return {
        "id": recording.number,
        "session": session.sequence if session else None,
        "format": recording.format,
        "started_at": ms(recording.started_at or recording.created_at),
        "duration_ms": round(recording.duration_seconds * 1000),
        "published": is_published,
        "cover": _address(recording.cover, now=now, http=http),
    }


def playback(recording: Recording, *, line: Timeline, now: datetime, http: str) -> dict[str, Any]:
    (shown,) = published([recording], now=now, http=http)
    return {
        **shown,
        "duration_ms": max(shown["duration_ms"], line.duration_ms),
        "room": recording.room.group_id,
        "play": _play(recording, now=now, http=http),
        "chapters": _chapters(recording, line),
        "joints": line.joints(),
        "density": selectors.density(recording, line),
        "likes": [{"at_ms": point.at_ms, "total": point.total} for point in selectors.likes(recording, line)],
        "clips": _clips(recording, now=now, http=http),
    }


def _address(key: str, *, now: datetime, http: str) -> str:
    """Empty where there is no file. The same for an hour, so that a browser keeps what it has."""
    if not key:
        return ""
    until = (now + LIFETIME).replace(minute=59, second=59, microsecond=0)
    return storage().address(key=key, until=until, http=http)


def _play(recording: Recording, *, now: datetime, http: str) -> dict[str, Any]:
    files = recording.files.filter(state=State.DONE).exclude(key="").order_by("number")
    return {
        "format": recording.format,
        "expires_at": ms(now + LIFETIME),
        "parts": [
            {
                "at_ms": round(file.media_offset * 1000),
                "duration_ms": round(file.duration_seconds * 1000),
                "url": _address(file.key, now=now, http=http),
            }
            for file in files
        ],
    }


def _chapters(recording: Recording, line: Timeline) -> list[dict[str, Any]]:
    found = []
    for chapter in Chapter.objects.filter(recording=recording).order_by("id"):
        at_ms = round(chapter.seconds * 1000) if chapter.seconds is not None else None
        if at_ms is None and chapter.at is not None:
            at_ms = line.media_ms(ms(chapter.at))
        if at_ms is not None and 0 <= at_ms <= line.duration_ms:
            found.append({"at_ms": at_ms, "title": chapter.title, "kind": chapter.kind})
    return sorted(found, key=lambda one: int(one["at_ms"]))


def _clips(recording: Recording, *, now: datetime, http: str) -> list[dict[str, Any]]:
    done = Clip.objects.filter(recording=recording, state=State.DONE).exclude(key="").order_by("-id")[:MOST_CLIPS]
    return [
        {
            "id": clip.number,
            "title": clip.title,
            "at_ms": round(clip.from_seconds * 1000),
            "duration_ms": round(clip.duration_seconds * 1000),
            "url": _address(clip.key, now=now, http=http),
            "cover": _address(clip.cover, now=now, http=http),
        }
        for clip in done
    ]
