"""Reads about draws: as everybody is shown them, and as anybody can check them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db.models import QuerySet

from interactions.draws import rules
from interactions.draws.events import ShownConditions, ShownDraw, ShownResult, Winner
from interactions.draws.rules import Conditions
from interactions.models import Draw, DrawEntry, DrawWinner
from interactions.shown import of_wire
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.kernel.errors import Conflict, NotFound
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room

# A room is told the first of a draw's winners; the result's own address has all (a frame must not grow with the prize).
NAMED_WINNERS = 50
# After the end, for words that were said in time and are still on their way into the archive's stream.
GRACE = timedelta(seconds=2)
_ROWS_AT_ONCE = 200


class DrawUnknown(NotFound):
    """10010: there is no such draw here."""

    name = "draw_unknown"


class NotDrawnYet(Conflict):
    """10056: the seed stays secret until the lot has fallen; of a cancelled draw for ever."""

    name = "not_drawn"


# -- as they go over the wire


def _ms(instant: datetime) -> int:
    """Of an instant that is a whole millisecond: rounded, because its float may be a little below."""
    return round(instant.timestamp() * 1000)


def conditions_of(draw: Draw) -> Conditions:
    return Conditions(
        min_level=draw.min_level,
        follower=draw.followers_only,
        gift=draw.gift_senders_only,
        member=draw.members_only,
    )


def shown_draw(draw: Draw) -> ShownDraw:
    """As the event of the opening, the snapshot of who joins and REST show it."""
    return ShownDraw(
        id=draw.number,
        keyword=draw.keyword,
        prize=draw.prize,
        winners=draw.winners_count,
        conditions=of_wire(ShownConditions, conditions_of(draw).shown()),
        opens_at=_ms(draw.opens_at),
        closes_at=_ms(draw.closes_at),
        commitment=draw.commitment,
        status=draw.status,
    )


def shown_result(draw: Draw, *, winners: Sequence[Person]) -> ShownResult:
    """The same of one that is over. `winners`: those to be named, in their order. The seed only of a draw that was drawn."""
    drawn = draw.status == Draw.DRAWN
    promised = msgspec.structs.asdict(shown_draw(draw)) | {"winners": [_winner(person) for person in winners]}
    return ShownResult(
        **promised,
        won=min(draw.winners_count, draw.entrants_count) if drawn else 0,
        entrants=draw.entrants_count,
        seed=draw.seed if drawn else None,
        entrants_sha256=draw.entrants_sha256 if drawn else None,
    )


def _winner(person: Person) -> Winner:
    found = profile(person)
    return Winner(id=found.id, nick=found.nick, avatar=found.avatar)


def open_draws(room: Room) -> list[ShownDraw]:
    """For whoever comes in: what can be entered now, oldest first."""
    return [shown_draw(draw) for draw in Draw.objects.filter(room=room, status=Draw.OPEN).order_by("id")]


def with_open_draws(rooms: Sequence[Room]) -> set[int]:
    """Which of them have one."""
    return set(Draw.objects.filter(room__in=rooms, status=Draw.OPEN).values_list("room_id", flat=True))


# -- one, many


def draw_of(*, app_id: int, number: str) -> Draw:
    """A draw of the app. DrawUnknown."""
    found = None
    if ids.may_be_number(number):
        rows = Draw.objects.select_related("app", "room__app", "room__owner", "session")
        found = rows.filter(app_id=app_id, number=number).first()
    if found is None:
        raise DrawUnknown(f"There is no draw {number[:24]!r} here.")
    return found


def published_draw(number: str) -> Draw | None:
    """Of whatever app, if rooms were told of it: what its page may show."""
    if not ids.may_be_number(number):
        return None
    return Draw.objects.select_related("app", "room").exclude(status=Draw.PLANNED).filter(number=number).first()


def draws_of(*, room: Room, planned: bool) -> QuerySet[Draw]:
    """`planned`: also those that nobody was told of yet."""
    found = Draw.objects.filter(room=room).select_related("room__app")
    return found if planned else found.exclude(status=Draw.PLANNED)


def winners_of(draw: Draw) -> QuerySet[DrawWinner]:
    return DrawWinner.objects.filter(draw=draw).select_related("person").order_by("place")


WINNERS_HEADER = ("place", "user", "nick")


def winner_rows(draw: Draw) -> Iterator[list[tuple[int, str, str]]]:
    """For a table, a part at a time."""
    rows = winners_of(draw)
    for start in range(0, draw.winners_count, _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        yield [(row.place, row.person.identifier, row.person.shown_name) for row in part]


def entrants_of(draw: Draw) -> list[str]:
    """Who took part in a draw that was drawn, in the order in which the hash is made."""
    rows = DrawEntry.objects.filter(draw=draw, refused="").values_list("person__identifier", flat=True)
    return rules.canonical(rows)


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that makes the result, and whether it does. `checks`: as `rules.check` has them."""

    draw: Draw
    entrants: list[str]
    winners: list[str]
    checks: dict[str, bool]
    algorithm: str = rules.ALGORITHM

    @property
    def ok(self) -> bool:
        return all(self.checks.values())


def verification(draw: Draw) -> Verification:
    """The result computed anew from the seed and the entries. NotDrawnYet."""
    if draw.status != Draw.DRAWN:
        raise NotDrawnYet(f"This draw is {draw.status}; the result of one that was drawn can be checked.")
    entrants = entrants_of(draw)
    winners = list(winners_of(draw).values_list("person__identifier", flat=True))
    checks = rules.check(
        seed=draw.seed,
        commitment_told=draw.commitment,
        draw=draw.number,
        entrants=entrants,
        entrants_told=draw.entrants_sha256,
        winners_told=winners,
        count=draw.winners_count,
    )
    return Verification(draw=draw, entrants=entrants, winners=winners, checks=checks)
