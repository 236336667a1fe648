"""Reads about draws: as they go over the wire, as anybody can check them, and why somebody did not win."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.db.models import Count, QuerySet

from interactions.chat.services import archive
from interactions.draws import rules
from interactions.draws.rules import Conditions
from interactions.models import ArchivedMessage, Draw, DrawEntry, DrawWinner
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.kernel import ids
from liveroom.kernel.errors import Conflict, NotFound
from liveroom.rooms.models import Room

# A room is told the first of a draw's winners; the result's own address has all (a frame must not grow with the prize).
TOLD_WINNERS = 50
# After the end, for words that were said in time and are still on their way into the archive's stream.
GRACE = timedelta(seconds=2)
# So many comments of one user are looked through for the one that was nearly the keyword.
_LOOKED_THROUGH = 500
_ROWS_AT_ONCE = 200


class DrawUnknown(NotFound):
    """10010: there is no such draw here."""

    name = "draw_unknown"


class NotDrawnYet(Conflict):
    """10056: the seed stays secret until the lot has fallen; of a cancelled draw for ever."""

    name = "not_drawn"


# -- as they go over the wire


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def conditions_of(draw: Draw) -> Conditions:
    return Conditions(
        min_level=draw.min_level,
        follower=draw.followers_only,
        gift=draw.gift_senders_only,
        member=draw.members_only,
    )


def shown(draw: Draw) -> dict[str, Any]:
    """What a room is told at the opening. `winners`: how many there will be."""
    return {
        "id": draw.number,
        "keyword": draw.keyword,
        "prize": draw.prize,
        "winners": draw.winners_count,
        "conditions": conditions_of(draw).shown(),
        "opens_at": _ms(draw.opens_at),
        "closes_at": _ms(draw.closes_at),
        "commitment": draw.commitment,
        "status": draw.status,
    }


def winner_shown(person: Person) -> dict[str, Any]:
    found = profile(person).as_dict()
    return {name: found[name] for name in ("id", "nick", "avatar")}


def result(draw: Draw, winners: Sequence[Person]) -> dict[str, Any]:
    """What a room is told at the end. `winners`: who, in their order (the first 50); `won`: how many. The seed only of a draw that was
    drawn."""
    drawn = draw.status == Draw.DRAWN
    return {
        **shown(draw),
        "entrants": draw.entrants_count,
        "seed": draw.seed if drawn else None,
        "entrants_sha256": draw.entrants_sha256 if drawn else None,
        "winners": [winner_shown(person) for person in winners[:TOLD_WINNERS]],
        "won": len(winners),
    }


def open_draws(room: Room) -> list[dict[str, Any]]:
    """For whoever comes in: what can be entered now, oldest first."""
    return [shown(draw) for draw in Draw.objects.filter(room=room, status=Draw.OPEN).order_by("id")]


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


def told_draw(number: str) -> Draw | None:
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


def refused_counts(draw: Draw) -> dict[str, int]:
    """How many were refused, by reason, the most first."""
    rows = DrawEntry.objects.filter(draw=draw).exclude(refused="").values_list("refused")
    return dict(rows.annotate(number=Count("id")).order_by("-number", "refused"))


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that makes the result, and whether it does."""

    draw: Draw
    entrants: list[str]
    winners: list[str]
    checks: dict[str, bool]


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


# -- what staff are asked


def waits_for(draw: Draw, *, now: datetime) -> str:
    """Why an open draw whose time is over is not drawn yet; empty: it is not over, or will be drawn this moment."""
    if draw.status != Draw.OPEN or now < draw.closes_at + GRACE:
        return ""
    try:
        read = archive.read_up_to(now=now)
    except redis.RedisError:
        return "Redis is away: what was said in the last moments cannot be read. The draw waits, and loses nothing."
    if read < draw.closes_at + GRACE:
        behind = (now - read).total_seconds()
        return f"The archive is {behind:.0f} s behind: the draw waits until it has read what was said up to the end."
    return ""


_REFUSED = {
    rules.BOT: "bots take part in no draw",
    rules.STAFF: "the owner and the admins of the room or the app take part in no draw of their own",
    rules.BANNED: "this user was banned from the room or the app, or blocked, when the lot fell",
    rules.MUTED: "this user was muted in the room when the lot fell",
    rules.LEVEL: "its level was below the one that was asked for",
    rules.FOLLOWER: "it did not follow the room's owner",
    rules.GIFT: "it had given no gift in this show",
    rules.MEMBER: "it was no member",
}


def why_not(draw: Draw, *, identifier: str) -> str:
    """The answer to "why did she not win?", a sentence or two."""
    person = Person.objects.filter(app_id=draw.app_id, identifier=identifier).first()
    if person is None:
        return f"There is no user {identifier[:40]!r} in this app."
    entry = DrawEntry.objects.filter(draw=draw, person=person).first()
    if entry is None:
        return f"{identifier} did not say the keyword in time. {_nearest(draw, identifier)}"
    when = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
    if draw.status == Draw.CANCELLED:
        return f"{identifier} said the keyword at {when}, but the draw was cancelled: nobody won."
    if draw.status != Draw.DRAWN:
        return f"{identifier} has said the keyword, at {when}; the lot has not fallen yet."
    if entry.refused:
        asked = f" ({draw.min_level})" if entry.refused == rules.LEVEL else ""
        return f"{identifier} said the keyword at {when} and was refused: {_REFUSED.get(entry.refused, entry.refused)}{asked}."
    order = rules.ranked(seed=draw.seed, draw=draw.number, entrants=entrants_of(draw))
    place = order.index(identifier) + 1
    if place <= draw.winners_count:
        return f"{identifier} won: place {place} of {len(order):,}."
    return (
        f"{identifier} took part (said the keyword at {when}), and the lot fell on others: place {place:,} of {len(order):,}, "
        f"and {draw.winners_count:,} won."
    )


def _nearest(draw: Draw, identifier: str) -> str:
    """What this user did say around the window, nearest to the keyword and to the window."""
    rows = ArchivedMessage.objects.filter(
        room_id=draw.room_id,
        sender=identifier,
        type="comment",
        at__gte=draw.opens_at - timedelta(hours=1),
        at__lt=draw.closes_at + timedelta(hours=1),
    )
    wanted = rules.normalised(draw.keyword)
    comments = [(row.text, _said_at(row)) for row in rows.only("text", "body", "at").order_by("-at")[:_LOOKED_THROUGH]]
    if not comments:
        return "The archive has no comment of this user in this room around that time."
    late = [(text, at) for text, at in comments if rules.says(rules.normalised(text), wanted)]
    if late:
        text, at = min(late, key=lambda one: min(abs(one[1] - draw.opens_at), abs(one[1] - draw.closes_at)))
        side = "before it opened" if at < draw.opens_at else "after it had closed"
        return f"It said {text[:80]!r} at {at:%Y-%m-%d %H:%M:%S} UTC, {side}."
    inside = [one for one in comments if draw.opens_at <= one[1] < draw.closes_at]
    if not inside:
        return "It said nothing while the draw was open."
    text, at = inside[0]
    return f"While the draw was open it said, among {len(inside)}, {text[:80]!r} at {at:%Y-%m-%d %H:%M:%S} UTC."


def _said_at(row: ArchivedMessage) -> datetime:
    at = row.body.get("t")
    return datetime.fromtimestamp(at / 1000, UTC) if type(at) is int else row.at
