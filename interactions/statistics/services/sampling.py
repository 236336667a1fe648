"""Who watches the shows that are on: looked at once in ten seconds, added to the minute and to each viewer.

Promise: a stretch of time is counted once, whoever dies and however many look: what a sample adds and how far it goes (a Cursor row per
show) are one transaction. State: the database; who is there is the word of Redis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery

from interactions.delivery.presence import Attendance, attendance
from interactions.models import MinuteStat
from interactions.statistics.rules import statistics as rules
from liveroom.kernel.data.redis import room_key
from liveroom.kernel.data.sql import adapted, asked, instant
from liveroom.kernel.work import due
from liveroom.rooms.models import LiveSession

# Of one look; what does not fit is looked at in the next, which follows at once.
MOST_SHOWS: Final = 400
MOST_PEOPLE: Final = 10_000
# Of one transaction: SQLite has one writer at a time.
SHOWS_AT_ONCE: Final = 50
PEOPLE_AT_ONCE: Final = 2_000
PEOPLE_PER_STATEMENT: Final = 1_000
_NAME: Final = "sampled "


@dataclass(frozen=True, slots=True)
class Due:
    """A show that is on, and when it was sampled last. `online`: as the rooms list has it, to guess how much work it is."""

    session_id: int
    app_id: int
    room_key: str
    online: int
    likes: int
    started_at: datetime
    last: datetime | None


def cursor_of(session_id: int) -> str:
    return f"{_NAME}{session_id}"


# A show that was never sampled comes first. As `rules.is_due` says it.
_DUE: Final = """
SELECT s.id, r.app_id, a.sdkappid, r.group_id, r.online, r.likes, s.started_at, c.at
FROM rooms_livesession s JOIN rooms_room r ON r.id = s.room_id JOIN accounts_app a ON a.id = r.app_id
LEFT JOIN interactions_cursor c ON c.name = 'sampled ' || s.id
WHERE s.ended_at IS NULL AND r.disbanded_at IS NULL AND (c.at IS NULL OR c.at < %s OR c.at > %s)
ORDER BY c.at IS NOT NULL, c.at, s.id LIMIT %s
"""


def is_wanted(now: datetime) -> bool:
    """Whether any show is on."""
    return LiveSession.objects.filter(ended_at__isnull=True).exists()


def sample_due(now: datetime) -> object:
    """`sample` as the work of a due job."""
    return due.MORE if sample(now=now) else None


def due_shows(*, now: datetime) -> list[Due]:
    """Those that wait longest first, as many as one look may take: one query."""
    rows = asked(_DUE, (adapted(rules.due_before(now)), adapted(now + rules.AHEAD), MOST_SHOWS))
    shows = [
        Due(
            session_id=session_id,
            app_id=app_id,
            room_key=room_key(sdkappid=sdkappid, group_id=group_id),
            online=online,
            likes=likes,
            started_at=instant(started_at),
            last=instant(last),
        )
        for session_id, app_id, sdkappid, group_id, online, likes, started_at, last in rows
    ]
    return next(_portions(shows, [show.online for show in shows], at_once=MOST_SHOWS, people=MOST_PEOPLE), [])


def sample(*, now: datetime) -> int:
    """Look at every show that was not looked at in these ten seconds. Returns how many were counted. redis.RedisError."""
    shows = due_shows(now=now)
    there = dict(zip(shows, attendance(room_keys=[show.room_key for show in shows]), strict=True))
    counted = 0
    for portion in _portions(
        shows, [there[show].online for show in shows], at_once=SHOWS_AT_ONCE, people=PEOPLE_AT_ONCE
    ):
        with transaction.atomic():
            ours = [(show, there[show]) for show in _claimed(portion, now)]
            if ours:
                _count_minutes(ours, now)
                _count_viewers(ours, now)
        counted += len(ours)
    return counted


def _portions(shows: Sequence[Due], weights: Sequence[int], *, at_once: int, people: int) -> Iterator[list[Due]]:
    """At most so many shows, and people unless one show has more."""
    portion: list[Due] = []
    weight = 0
    for show, more in zip(shows, weights, strict=True):
        if portion and (len(portion) == at_once or weight + more > people):
            yield portion
            portion, weight = [], 0
        portion.append(show)
        weight += more
    if portion:
        yield portion


def _claimed(shows: Sequence[Due], now: datetime) -> list[Due]:
    """Those whose sample nobody else takes: their cursors stand where we saw them, and now here."""
    at = rules.sampled_at(now)
    new = [(cursor_of(show.session_id), at) for show in shows if show.last is None]
    old = [(cursor_of(show.session_id), show.last) for show in shows if show.last is not None]
    ours: set[str] = set()
    if new:
        ours |= _names(
            f"INSERT INTO interactions_cursor (name, at) VALUES {_rows(new)} ON CONFLICT (name) DO NOTHING RETURNING name",  # noqa: S608
            _flat(new),
        )
    if old:
        ours |= _names(
            f"UPDATE interactions_cursor SET at = %s WHERE (name, at) IN (VALUES {_rows(old)}) RETURNING name",  # noqa: S608
            [adapted(at), *_flat(old)],
        )
    return [show for show in shows if cursor_of(show.session_id) in ours]


def _names(statement: str, values: Sequence[Any]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {name for (name,) in cursor.fetchall()}


def _rows(rows: Sequence[Sequence[Any]]) -> str:
    return ", ".join(f"({', '.join(['%s'] * len(row))})" for row in rows)


def _flat(rows: Sequence[Sequence[Any]]) -> list[Any]:
    return [adapted(value) for row in rows for value in row]


_COLUMNS: Final = (
    "session_id", "minute", "samples", "online_sum", "online_peak", "guests_peak", "watch_seconds", "likes_total", "likes",
    "new_viewers", "comments", "gift_value", "followers", "drops",
)  # fmt: skip
_ADDED: Final = ("samples", "online_sum", "watch_seconds", "likes")
_HIGHEST: Final = ("online_peak", "guests_peak", "likes_total")


def _upsert(count: int) -> str:
    row = f"({', '.join(['%s'] * len(_COLUMNS))})"
    added = [f"{name} = s.{name} + excluded.{name}" for name in _ADDED]
    highest = [
        f"{name} = CASE WHEN excluded.{name} > s.{name} THEN excluded.{name} ELSE s.{name} END" for name in _HIGHEST
    ]
    return (
        f"INSERT INTO interactions_minutestat AS s ({', '.join(_COLUMNS)}) VALUES {', '.join([row] * count)} "  # noqa: S608
        f"ON CONFLICT (session_id, minute) DO UPDATE SET {', '.join([*added, *highest])}"
    )


def _count_minutes(ours: Sequence[tuple[Due, Attendance]], now: datetime) -> None:
    """Likes are differences of the room's total, which has them for ever; a total that fell (Redis forgot some) is waited for."""
    minute, ids = rules.minute_of(now), [show.session_id for show, _ in ours]
    latest = MinuteStat.objects.filter(session=OuterRef("pk")).order_by("-minute").values("likes_total")[:1]
    totals = dict(LiveSession.objects.filter(pk__in=ids).annotate(seen=Subquery(latest)).values_list("pk", "seen"))
    rows = []
    for show, there in ours:
        before = totals.get(show.session_id)
        before = show.likes if before is None else before
        online, total = there.online, max(show.likes, before)
        watched = online * rules.worth_seconds(last=show.last, started_at=show.started_at, now=now)
        rows.append(
            (show.session_id, minute, 1, online, online, there.guests, watched, total, total - before, 0, 0, 0, 0, 0)
        )
    with connection.cursor() as cursor:
        # In the order in which recounting writes them: neither waits for the other in a circle.
        cursor.execute(_upsert(len(rows)), _flat(sorted(rows)))


def _count_viewers(ours: Sequence[tuple[Due, Attendance]], now: datetime) -> None:
    """A row per user and show; whoever the app does not know (any more) has none. Portions go across shows: small rooms are many."""
    rows = [
        (f"({show.session_id}, {show.app_id}, {seconds}, %s)", one)
        for show, there in ours
        for seconds in [rules.worth_seconds(last=show.last, started_at=show.started_at, now=now)]
        for one in sorted(there.people)
    ]
    for first in range(0, len(rows), PEOPLE_PER_STATEMENT):
        portion = rows[first : first + PEOPLE_PER_STATEMENT]
        # Numbers of ours stand in the text: binding them as well takes four times as long.
        here = ", ".join(row for row, _ in portion)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO interactions_sessionviewer AS v (session_id, person_id, first_at, seconds) "  # noqa: S608
                f"SELECT here.column1, p.id, %s, here.column3 FROM (VALUES {here}) AS here "
                "JOIN accounts_person p ON p.app_id = here.column2 AND p.identifier = here.column4 WHERE true "
                "ON CONFLICT (session_id, person_id) DO UPDATE SET seconds = v.seconds + excluded.seconds",
                [adapted(now), *(one for _, one in portion)],
            )
