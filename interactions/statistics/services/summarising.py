"""The last word on a show that is over (O4).

Promise: one summary per show, whoever looks and dies; it waits until what was said is in the archive, ten minutes at most."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from interactions.chat.services import archive
from interactions.delivery import Person, ms, publish_durably
from interactions.models import Cursor, SessionSummary
from interactions.statistics import selectors
from interactions.statistics.events import ShownFigures, Summary
from interactions.statistics.rules import statistics as rules
from interactions.statistics.services.recounting import recount_shows
from interactions.statistics.services.sampling import cursor_of
from liveroom.rooms.models import LiveSession

AFTER: Final = timedelta(seconds=20)
# An archive that is this late is away: the show is summed up without what is not there.
PATIENCE: Final = timedelta(minutes=10)
AT_ONCE: Final = 10
SPAN: Final = timedelta(days=1)
# After an upgrade, or an outage of days, older shows are summed up, too: nobody wants to hear of all of them.
NEWS: Final = timedelta(days=1)


def summarise_due(*, now: datetime) -> int:
    """Shows that are over and not summed up, the newest first. Returns how many were. redis.RedisError."""
    due = list(_ended(now).select_related("room__app", "room__owner").order_by("-ended_at")[:AT_ONCE])
    if not due:
        return 0
    archived = now - timedelta(seconds=archive.backlog().lag_seconds)
    ready = [one for one in due if one.ended_at and (one.ended_at < archived or one.ended_at < now - PATIENCE)]
    return sum(summarise(session=session, now=now) is not None for session in ready)


def _ended(now: datetime) -> QuerySet[LiveSession]:
    return LiveSession.objects.filter(ended_at__lte=now - AFTER, summed_up=False)


def is_wanted(now: datetime) -> bool:
    """Whether a show waits for its summary: one step in an index."""
    return _ended(now).exists()


def summarise(*, session: LiveSession, now: datetime) -> SessionSummary | None:
    """Write the summary of a show that is over, and tell its streamer. None: somebody else has."""
    ends = session.ended_at or now
    _recount_whole(session, ends, now)
    with transaction.atomic():
        # Whoever else sums it up waits here, and then finds that it is done.
        LiveSession.objects.select_for_update().get(pk=session.pk)
        if SessionSummary.objects.filter(session=session).exists():
            return None
        summary = selectors.measured(session=session, ends=ends, now=now)
        summary.save()
        LiveSession.objects.filter(pk=session.pk).update(summed_up=True)
        Cursor.objects.filter(name=cursor_of(session.pk)).delete()
        if now - ends <= NEWS:
            _publish(session, ends, summary, now=now)
    return summary


def _publish(session: LiveSession, ends: datetime, summary: SessionSummary, *, now: datetime) -> None:
    """To its streamer, wherever it is."""
    room = session.room
    event = Summary(
        t=ms(now), room=room.group_id, session=session.sequence, started_at=ms(session.started_at), ended_at=ms(ends),
        summary=ShownFigures(**selectors.figures(summary)),
    )  # fmt: skip
    publish_durably(event, to=Person(sdkappid=room.app.sdkappid, identifier=room.owner.identifier), at=now)


def _recount_whole(session: LiveSession, ends: datetime, now: datetime) -> None:
    """A day at a time. What the archive has begun to forget stays as it was counted while the show was on."""
    kept = now - timedelta(days=session.room.app.archive_days) + SPAN
    since = rules.minute_of(max(session.started_at, kept))
    last = rules.minute_of(ends) + rules.MINUTE
    while since < last:
        until = min(since + SPAN, last)
        recount_shows(session_ids=[session.pk], since=since, until=until)
        since = until
