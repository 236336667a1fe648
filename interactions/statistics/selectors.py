"""Reads about shows in numbers: a show, its minutes, its summary, the shows before it."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Sum

from interactions.models import MinuteStat, SentGift, SessionSummary, SessionViewer
from interactions.statistics.rules.statistics import Minute, filled, totals
from liveroom.kernel.errors import NotFound
from liveroom.rooms.models import LiveSession, Room


class SessionUnknown(NotFound):
    """10010: no show of that sequence in this app."""

    name = "session_unknown"


FIGURES = (
    "seconds", "online_peak", "online_mean", "viewers", "watch_seconds", "comments", "likes", "gifts", "gift_value",
    "followers", "drops",
)  # fmt: skip


def figures(summary: SessionSummary) -> dict[str, Any]:
    """What is said of a show that is over, ready for the wire."""
    return {name: getattr(summary, name) for name in FIGURES}


def sessions_of(*, room: Room) -> QuerySet[LiveSession]:
    """The shows of the room, with their summaries where they have one."""
    return LiveSession.objects.filter(room=room).select_related("room", "summary")


def session_of(*, app_id: int, sequence: str) -> LiveSession:
    """A show of one of the app's rooms; also of one that was disbanded. SessionUnknown."""
    found = LiveSession.objects.select_related("room__app", "room__owner", "summary")
    # What no column can hold is nobody's sequence either.
    session = found.filter(sequence=sequence, room__app_id=app_id).first() if sequence.isalnum() else None
    if session is None:
        raise SessionUnknown(f"There is no show {sequence[:40]!r}.")
    return session


def minutes_of(*, session: LiveSession) -> list[Minute]:
    """In order; those in which nothing was counted are not among them."""
    return minutes_after(session=session, after=None, count=None)


def minutes_after(*, session: LiveSession, after: datetime | None, count: int | None) -> list[Minute]:
    """The same in portions: so many of those after one; None: from the first, and all."""
    names = [field.name for field in dataclasses.fields(Minute)]
    rows = MinuteStat.objects.filter(session=session).order_by("minute")
    if after is not None:
        rows = rows.filter(minute__gt=after)
    return [Minute(**dict(zip(names, row, strict=True))) for row in rows.values_list(*names)[:count]]


def timeline(*, session: LiveSession, now: datetime, at_most: int) -> tuple[list[Minute], int]:
    """Every minute of the show up to now, and how many minutes each entry stands for: of a long one, several."""
    return filled(minutes_of(session=session), first=session.started_at, last=session.ended_at or now, at_most=at_most)


def latest_summaries(*, session: LiveSession, count: int) -> list[SessionSummary]:
    """Of the room's last shows up to this one, the oldest first; fewer if there are fewer."""
    rows = SessionSummary.objects.filter(session__room_id=session.room_id, session__pk__lte=session.pk)
    return list(rows.select_related("session").order_by("-session_id")[:count])[::-1]


def last_summary(*, owner_id: int) -> SessionSummary | None:
    """Of the last show that was summed up in one of this person's open rooms."""
    rows = SessionSummary.objects.filter(session__room__owner_id=owner_id, session__room__disbanded_at__isnull=True)
    return rows.select_related("session__room__app").order_by("-session_id").first()


def measured(*, session: LiveSession, ends: datetime, now: datetime) -> SessionSummary:
    """What the show comes to from its beginning to `ends`; not saved."""
    sums = totals(minutes_of(session=session))
    given = SentGift.objects.filter(session=session, order__refund__isnull=True)
    gifts = given.aggregate(count=Sum("count"), value=Sum("total"))
    return SessionSummary(
        session=session,
        seconds=max(0, int((ends - session.started_at).total_seconds())),
        online_peak=sums.online_peak,
        online_mean=sums.online_mean,
        viewers=SessionViewer.objects.filter(session=session).count() + sums.guests_peak,
        watch_seconds=sums.watch_seconds,
        comments=sums.comments,
        likes=sums.likes,
        gifts=gifts["count"] or 0,
        gift_value=gifts["value"] or 0,
        followers=sums.followers,
        drops=sums.drops,
        at=now,
    )
