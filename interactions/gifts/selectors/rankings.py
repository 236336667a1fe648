"""Who gave most in a room: in a show, a day, a week, ever (G6). The sums are kept by gifts/services/totals.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from interactions.models import GiftTotal
from liveroom.accounts.models import Person
from liveroom.rooms.models import LiveSession, Room

SCOPES = (GiftTotal.STREAM, GiftTotal.DAY, GiftTotal.WEEK, GiftTotal.ALL)
SHOWN, MOST = 20, 100


@dataclass(frozen=True, slots=True)
class Place:
    """`place` from 1; who gave the same shares one."""

    place: int
    person: Person
    value: int
    count: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """`mine`: of whoever asks, also below those that are shown; None: gave nothing, or is nobody."""

    scope: str
    period: str
    places: list[Place]
    mine: Place | None


def period_of(*, room: Room, scope: str, now: datetime) -> str:
    """How the rows of that scope call this moment. `stream`: the show that is on, else the last one; "": none ever."""
    if scope == GiftTotal.DAY:
        return now.astimezone(UTC).date().isoformat()
    if scope == GiftTotal.WEEK:
        year, week, _ = now.astimezone(UTC).isocalendar()
        return f"{year}-W{week:02}"
    if scope == GiftTotal.STREAM:
        return LiveSession.objects.filter(room=room).order_by("-id").values_list("sequence", flat=True).first() or ""
    return ""


def ranking(*, room: Room, scope: str, limit: int, now: datetime, person_id: int | None = None) -> Ranking:
    """`scope`: one of SCOPES."""
    period = period_of(room=room, scope=scope, now=now)
    if scope == GiftTotal.STREAM and not period:
        return Ranking(scope, period, [], None)
    rows = GiftTotal.objects.filter(room=room, scope=scope, period=period, value__gt=0).select_related("person")
    places: list[Place] = []
    for number, row in enumerate(rows.order_by("-value", "id")[:limit], start=1):
        tied = places[-1].place if places and places[-1].value == row.value else number
        places.append(Place(tied, row.person, row.value, row.count))
    own = next((place for place in places if place.person.pk == person_id), None)
    if own is None and person_id is not None:
        mine = rows.filter(person=person_id).first()
        if mine is not None:
            own = Place(rows.filter(value__gt=mine.value).count() + 1, mine.person, mine.value, mine.count)
    return Ranking(scope, period, places, own)
