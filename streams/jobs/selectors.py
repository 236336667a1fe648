"""Reads about jobs and hosts."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from liveroom.accounts.models import App
from liveroom.kernel.errors import BadParameter, NotFound
from liveroom.rooms.models import Room
from streams.jobs.models import OPEN_STATES, MediaHost, MediaJob, State


class JobUnknown(NotFound):
    name = "job_unknown"


def jobs_of(
    *, app: App, room: Room | None = None, stream: str = "", kind: str = "", state: str = ""
) -> QuerySet[MediaJob]:
    """The jobs of an app, or of one room of it. `state`: one of the six, or `open`. BadParameter."""
    rows = MediaJob.objects.filter(app=app).select_related("stream__room", "host")
    if room is not None:
        rows = rows.filter(stream__room=room)
    if stream:
        rows = rows.filter(stream__name=stream)
    if kind:
        rows = rows.filter(kind=kind)
    if state == "open":
        return rows.filter(state__in=OPEN_STATES)
    if state and state not in State.values:
        raise BadParameter(f"state is open, {', '.join(State.values)}; not {state[:20]!r}.", field="state")
    return rows.filter(state=state) if state else rows


def job_of(*, app: App, pk: int) -> MediaJob:
    """JobUnknown, also for another app's."""
    found = MediaJob.objects.filter(app=app, pk=pk).select_related("stream__room__app", "host").first()
    if found is None:
        raise JobUnknown(f"There is no media job {pk}.")
    return found


def hosts_alive(*, now: datetime) -> QuerySet[MediaHost]:
    """Media workers that run now, by name."""
    return MediaHost.objects.filter(lease_until__gt=now).order_by("name")
