"""What the minutes of a show hold beside its viewers: comments, gifts, new followers, new viewers, lost pictures. Counted from their rows.

Promise: nothing is added up: each look counts the last three minutes anew and writes what differs, so that a crash, a late row, a refund
or a second run changes nothing. What was missed while nobody looked is counted later (the Cursor row says from when on)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Count, DateTimeField, Exists, F, Func, OuterRef, Q, QuerySet, Sum

from interactions.models import ArchivedMessage, Cursor, MinuteStat, SentGift, SessionViewer
from interactions.statistics.rules import statistics as rules
from liveroom.kernel.data.sql import adapted
from liveroom.rooms.models import LiveSession
from streams.models import Publish

BACK: Final = timedelta(minutes=2)
# After an outage, an hour at a time, and no more than a day: a show that has ended meanwhile is counted whole for its summary.
MOST_AT_ONCE: Final = timedelta(hours=1)
MOST_BACK: Final = timedelta(days=1)
SHOWS_AT_ONCE: Final = 200
ROWS_PER_STATEMENT: Final = 500
SAID: Final = ("comment", "custom")
COUNTED: Final = ("comments", "gift_value", "followers", "new_viewers", "drops")
_NAME: Final = "recounted"

Cells = dict[tuple[int, datetime], dict[str, int]]


def recount(*, now: datetime) -> int:
    """Count the last three minutes of all shows anew. Returns how many rows were written."""
    cursor, _ = Cursor.objects.get_or_create(name=_NAME, defaults={"at": now})
    since = rules.minute_of(max(min(cursor.at, now), now - MOST_BACK) - BACK)
    until = min(now, since + MOST_AT_ONCE)
    found = LiveSession.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=since), started_at__lte=until)
    ids = list(found.order_by("pk").values_list("pk", flat=True))
    written = sum(
        recount_shows(session_ids=ids[first : first + SHOWS_AT_ONCE], since=since, until=until)
        for first in range(0, len(ids), SHOWS_AT_ONCE)
    )
    Cursor.objects.filter(name=_NAME).update(at=until)
    return written


def recount_shows(*, session_ids: Sequence[int], since: datetime, until: datetime) -> int:
    """The minutes of these shows, from `since` up to before `until`. Returns how many rows were written."""
    with transaction.atomic():
        known = MinuteStat.objects.filter(session__in=session_ids, minute__gte=since, minute__lt=until)
        stand = {(row[0], row[1]): row[2:] for row in known.values_list("session_id", "minute", *COUNTED)}
        cells = _counted(session_ids, since, until)
        nothing = dict.fromkeys(COUNTED, 0)
        rows = [(*at, *({**nothing, **cells.get(at, {})}[name] for name in COUNTED)) for at in {**stand, **cells}]
        changed = sorted(row for row in rows if stand.get(row[:2]) != row[2:])
        for first in range(0, len(changed), ROWS_PER_STATEMENT):
            _write(changed[first : first + ROWS_PER_STATEMENT])
    return len(changed)


def _write(rows: Sequence[tuple[Any, ...]]) -> None:
    zero = ("samples", "online_sum", "online_peak", "guests_peak", "watch_seconds", "likes_total", "likes")
    columns = ("session_id", "minute", *COUNTED, *zero)
    row = f"({', '.join(['%s'] * (2 + len(COUNTED)))}, {', '.join('0' * len(zero))})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO interactions_minutestat ({', '.join(columns)}) VALUES {', '.join([row] * len(rows))} "  # noqa: S608
            "ON CONFLICT (session_id, minute) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in COUNTED),
            [adapted(value) for row in rows for value in row],
        )


def _counted(session_ids: Sequence[int], since: datetime, until: datetime) -> Cells:
    """Only what is more than nothing."""
    cells: Cells = defaultdict(dict)
    span = {"at__gte": since, "at__lt": until}
    ours = {"session_id__in": session_ids}
    rooms = LiveSession.objects.filter(pk__in=session_ids).values("room_id")
    # By room and time, as the indexes go: of a show of hours only these minutes are read.
    said = ArchivedMessage.objects.filter(room_id__in=rooms, type__in=SAID, **ours, **span)
    _put(cells, "comments", _per_minute(said, "session_id", "at", Count("pk")))
    given = SentGift.objects.filter(room_id__in=rooms, order__refund__isnull=True, **ours, **span)
    _put(cells, "gift_value", _per_minute(given, "session_id", "at", Sum("total")))
    came = SessionViewer.objects.filter(first_at__gte=since, first_at__lt=until, **ours)
    _put(cells, "new_viewers", _per_minute(came, "session_id", "first_at", Count("pk")))
    _put(cells, "drops", _per_minute(lost_pictures(session_ids, since, until), "session_id", "ended_at", Count("pk")))
    follow = "room__owner__followers__at"
    followed = LiveSession.objects.filter(
        Q(ended_at__isnull=True) | Q(**{f"{follow}__lt": F("ended_at")}),
        pk__in=session_ids,
        **{f"{follow}__gte": since, f"{follow}__lt": until, "started_at__lte": F(follow)},
    )
    _put(cells, "followers", _per_minute(followed, "pk", follow, Count("room__owner__followers")))
    return cells


def lost_pictures(session_ids: Sequence[int], since: datetime, until: datetime) -> QuerySet[Publish]:
    """Connections to the programme that were lost in the middle of a show: a later one of the same stream came while it was on, or it is
    on still. The last one of a show that is over is its end. One that took over from another lost nothing."""
    later = Publish.objects.filter(stream=OuterRef("stream"), session=OuterRef("session"), pk__gt=OuterRef("pk"))
    lost = Publish.objects.filter(
        session_id__in=session_ids, stream__on_programme=True, ended_at__gte=since, ended_at__lt=until
    )
    return lost.exclude(end_reason="replaced").filter(Q(session__ended_at__isnull=True) | Exists(later))


class _InMinute(Func):
    """As TruncMinute, which calls Python for every row on SQLite: ten thousand comments would take 60 ms."""

    template = "date_trunc('minute', %(expressions)s)"
    output_field = DateTimeField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(compiler, connection, template="substr(%(expressions)s, 1, 16) || ':00'", **more)


def _per_minute(rows: QuerySet[Any], session: str, at: str, figure: Any) -> Iterable[tuple[int, datetime, int]]:
    found: Any = rows.annotate(in_minute=_InMinute(at)).order_by().values(session, "in_minute").annotate(figure=figure)
    return found.values_list(session, "in_minute", "figure")  # type: ignore[no-any-return]


def _put(cells: Cells, name: str, rows: Iterable[tuple[int, datetime, int]]) -> None:
    for session_id, minute, figure in rows:
        cells[session_id, minute][name] = figure
