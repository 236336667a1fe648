"""What was heard in a part of a recording, in the recording's time: a bounded answer for the page, a stream of everything for a file.

Left out is what viewers did not hear (sampled), and what people said who are banned now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from interactions.models import ArchivedMessage
from interactions.replay.rules.said import Line, line_of
from interactions.replay.rules.timeline import Timeline
from interactions.replay.rules.windows import (
    LISTED,
    MOST_EVENTS,
    REPLAYED,
    STANDING,
    instant,
    is_told,
    wall_ms,
)  # fmt: skip
from liveroom.kernel import permission
from liveroom.rooms.models import Room
from streams.recording.models import Recording

# Rows of one query of a file.
PORTION = 2_000

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """`to_ms`: how far the answer goes, at most as far as asked. `earlier`: the last lines before it; `standing`: what was in sight."""

    from_ms: int
    to_ms: int
    events: list[Event]
    earlier: list[Event] = field(default_factory=list)
    standing: list[Event] = field(default_factory=list)


def window(*, room: Room, line: Timeline, from_ms: int, to_ms: int, before: int) -> Window:
    """Of [from_ms, to_ms) as many events as an answer holds: it then goes less far. What piled up at one joint is cut to its newest."""
    silenced = permission.excluded_from(room)
    rows = _rows(room.pk, line.wall_from(from_ms), line.wall_from(to_ms))
    found = list(rows.order_by("at", "id")[: MOST_EVENTS + 1])
    if len(found) > MOST_EVENTS:
        last = line.media_ms(wall_ms(found[-1].at))
        to_ms = from_ms if last is None else last
        found = [row for row in found if _place(line, row) < to_ms]
        if not found:
            joint = _rows(room.pk, line.wall_from(to_ms), line.wall_from(to_ms + 1))
            found = list(joint.order_by("-at", "-id")[:MOST_EVENTS])[::-1]
            to_ms += 1
    return Window(
        from_ms=from_ms,
        to_ms=to_ms,
        events=_told(found, line, silenced),
        earlier=_earlier(room.pk, line, from_ms=from_ms, count=before, silenced=silenced),
        standing=_standing(room.pk, line, from_ms=from_ms),
    )


def everything(*, recording: Recording, line: Timeline) -> Iterator[Event]:
    """Every event of the recording in order, by the thousand: memory holds one portion, however long the show was."""
    silenced = permission.excluded_from(recording.room)
    for portion in _portions(recording, line):
        yield from _told(portion, line, silenced)


def lines(*, recording: Recording, line: Timeline) -> Iterator[Line]:
    """Every comment that flies."""
    silenced = permission.excluded_from(recording.room)
    for portion in _portions(recording, line):
        for row in portion:
            at_ms = line.media_ms(wall_ms(row.at))
            if at_ms is None or row.sender in silenced:
                continue
            said_at = int(row.at.timestamp())
            if said := line_of(row.body, at_ms=at_ms, said_at=said_at, number=row.seq or 0):
                yield said


def _rows(room_id: int, wall_from: int, wall_to: int) -> QuerySet[ArchivedMessage]:
    return ArchivedMessage.objects.filter(
        room=room_id, at__gte=instant(wall_from), at__lt=instant(wall_to),
        seq__isnull=False, type__in=REPLAYED,
    ).only("id", "at", "sender", "seq", "body")  # fmt: skip


def _portions(recording: Recording, line: Timeline) -> Iterator[list[ArchivedMessage]]:
    rows = _rows(recording.room_id, line.first_wall_ms, line.last_wall_ms).order_by("at", "id")
    last: tuple[datetime, int] | None = None
    while True:
        at_once = (
            rows if last is None else rows.filter(Q(at=last[0], id__gt=last[1]) | Q(at__gt=last[0]), at__gte=last[0])
        )
        portion = list(at_once[:PORTION])
        if portion:
            last = (portion[-1].at, portion[-1].pk)
            yield portion
        if len(portion) < PORTION:
            return


def _place(line: Timeline, row: ArchivedMessage) -> int:
    return line.media_ms(wall_ms(row.at)) or 0


def _told(rows: list[ArchivedMessage], line: Timeline, silenced: frozenset[str]) -> list[Event]:
    return [
        {"at_ms": at_ms, **row.body}
        for row in rows
        if (at_ms := line.media_ms(wall_ms(row.at))) is not None and row.sender not in silenced and is_told(row.body)
    ]


def _earlier(room_id: int, line: Timeline, *, from_ms: int, count: int, silenced: frozenset[str]) -> list[Event]:
    if count == 0:
        return []
    rows = _rows(room_id, line.first_wall_ms, line.wall_from(from_ms)).filter(type__in=LISTED)
    return _told(list(rows.order_by("-at", "-id")[:count])[::-1], line, silenced)


def _standing(room_id: int, line: Timeline, *, from_ms: int) -> list[Event]:
    """Also from before the recording began: a pin stands until it is taken away."""
    found = []
    for kind in STANDING:
        row = (
            ArchivedMessage.objects.filter(
                room=room_id, type=kind, at__lt=instant(line.wall_from(from_ms)),
                seq__isnull=False,
            )
            .order_by("-at", "-id")
            .first()
        )  # fmt: skip
        if row is not None:
            found.append({"at_ms": line.media_ms(wall_ms(row.at)) or 0, **row.body})
    return found
