"""Reads about recordings."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Prefetch, QuerySet

from liveroom.accounts.models import App
from liveroom.kernel.errors import BadParameter, NotFound
from liveroom.rooms.models import Room
from streams.jobs.models import OPEN_STATES, State
from streams.numbered import numbered
from streams.recording.models import Chapter, Recording, RecordingFile
from streams.recording.stretches import Stretch


class RecordingUnknown(NotFound):
    """10010: there is no such recording in this app."""

    name = "recording_unknown"


_WHOLE = Recording.objects.select_related("room__app", "stream", "session").prefetch_related(
    Prefetch("files", queryset=RecordingFile.objects.order_by("number")),
    Prefetch("chapters", queryset=Chapter.objects.order_by("pk")),
)


def recording_of(*, app_id: int, number: str) -> Recording:
    """RecordingUnknown."""
    found = numbered(_WHOLE, app_id=app_id, number=number)
    if found is None:
        raise RecordingUnknown("There is no such recording.")
    return found


def recordings_of(*, app: App, room: Room | None, asked: Mapping[str, str]) -> QuerySet[Recording]:
    """`asked`: stream, session and state of a query; what is not there is not looked at. BadParameter."""
    found = _WHOLE.filter(app=app) if room is None else _WHOLE.filter(room=room)
    if name := asked.get("stream", ""):
        found = found.filter(stream__name=_word(name, field="stream"))
    if sequence := asked.get("session", ""):
        found = found.filter(session__sequence=_word(sequence, field="session"))
    if state := asked.get("state", ""):
        if state != "open" and state not in State.values:
            raise BadParameter(f"state is open or one of {', '.join(State.values)}, not {state[:20]!r}.", field="state")
        found = found.filter(state__in=OPEN_STATES if state == "open" else [state])
    return found


def _word(said: str, *, field: str) -> str:
    if "\0" in said or len(said) > 64:
        raise BadParameter(f"{field} is a name of at most 64 characters.", field=field, limit=64)
    return said


def stretches_of(recording: Recording) -> tuple[Stretch, ...]:
    """In their order. Of one that still runs: up to the last look at what was written, at most a minute ago."""
    return tuple(
        Stretch(started_at=started_at, media_offset=offset, duration_seconds=duration)
        for started_at, offset, duration in recording.parts.order_by("number").values_list(
            "started_at", "media_offset", "duration_seconds"
        )
    )
