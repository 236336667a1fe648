"""Draws are planned, opened and cancelled by a room's moderators (D1, D2), and those that were planned open by themselves.

Promise: the seed is made with the draw and never changed; the room hears its hash at the opening. Every change of a draw happens under
the lock of its room, then of the draw."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from django.db import transaction

from interactions.delivery import Room as RoomTarget
from interactions.delivery import ms, publish_durably
from interactions.delivery.events import as_row
from interactions.draws import rules
from interactions.draws.events import DrawOpen, DrawResult
from interactions.draws.rules import LONGEST_SECONDS, SHORTEST_SECONDS, Conditions
from interactions.draws.selectors import shown_draw, shown_result
from interactions.models import Draw
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import RoomUnknown, current_session, refuse_ended
from liveroom.rooms.services.locking import locked

AHEAD_DAYS = 90
OPEN_AT_ONCE = 5
# So many are opened in one turn.
AT_ONCE = 50


class TooManyDraws(Conflict):
    """10056: cancel one first."""

    name = "too_many_draws"


class KeywordTaken(Conflict):
    """10056: another draw of this room waits for the same word."""

    name = "keyword_taken"


class DrawOver(Conflict):
    """10056: what was drawn stays."""

    name = "draw_over"


@transaction.atomic
def open_draw(
    *, room: Room, keyword: str, prize: str, winners: int, by: Actor, now: datetime, seconds: int | None = None,
    opens_at: datetime | None = None, closes_at: datetime | None = None, conditions: Conditions | None = None,
    address: str = "",
) -> Draw:  # fmt: skip
    """Promise a prize to who says the keyword: from now, or from `opens_at` on, for so many seconds or until `closes_at`.

    The values as `draws/shapes.py` leaves them. BadParameter, TooManyDraws, KeywordTaken, RoomEnded."""
    room = locked(room.pk)
    permission.ask("draw.manage", actor=by, room=room)
    if opens_at is None:  # one for the next show may be prepared
        refuse_ended(room.status, "new draws")
    if not rules.normalised(keyword):
        raise BadParameter("keyword holds nothing that can be seen.", field="keyword")
    begins, ends = _window(seconds=seconds, opens_at=opens_at, closes_at=closes_at, now=now)
    _room_for_one_more(room, keyword)
    asked, seed, planned = conditions or Conditions(), secrets.token_hex(32), opens_at is not None and begins > now
    draw = Draw.objects.create(
        number=ids.number("d"), app=room.app, room=room, session=None if planned else current_session(room),
        keyword=keyword, prize=prize, winners_count=winners,
        min_level=asked.min_level, followers_only=asked.follower, gift_senders_only=asked.gift, members_only=asked.member,
        opens_at=begins, closes_at=ends, status=Draw.PLANNED if planned else Draw.OPEN,
        seed=seed, commitment=rules.commitment(seed), by=str(by)[:120], created_at=now,
    )  # fmt: skip
    audit.record(
        action="draw.open", actor=by, now=now, room_key=room.key, target=draw.number, address=address,
        detail=as_row(shown_draw(draw)),
    )  # fmt: skip
    if not planned:
        _publish_opening(draw, room, now=now)
    return draw


def _publish_opening(draw: Draw, room: Room, *, now: datetime) -> None:
    publish_durably(DrawOpen(t=ms(now), draw=shown_draw(draw)), to=RoomTarget(room.key), at=now)


def _to_the_millisecond(instant: datetime) -> datetime:
    """As clients see it, and as comments bear it."""
    return instant.astimezone(UTC).replace(microsecond=instant.microsecond // 1000 * 1000)


def _window(
    *, seconds: int | None, opens_at: datetime | None, closes_at: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    if (seconds is None) == (closes_at is None):
        raise BadParameter("Say how long it is open: seconds, or closes_at, and not both.", field="seconds")
    if opens_at is not None and opens_at < now:
        raise BadParameter("opens_at is over already; leave it out to open the draw now.", field="opens_at")
    begins = _to_the_millisecond(opens_at or now)
    if begins > now + timedelta(days=AHEAD_DAYS):
        raise BadParameter(f"A draw opens within {AHEAD_DAYS} days.", field="opens_at", limit=AHEAD_DAYS)
    if closes_at is None:
        return begins, begins + timedelta(seconds=seconds or 0)
    ends = _to_the_millisecond(closes_at)
    if ends <= begins:
        raise BadParameter("closes_at must come after the draw opens.", field="closes_at")
    if not SHORTEST_SECONDS <= (given := (ends - begins).total_seconds()) <= LONGEST_SECONDS:
        raise BadParameter(
            f"A draw is open for {SHORTEST_SECONDS} to {LONGEST_SECONDS:,} seconds; this one would be for {given:,.0f}.",
            field="closes_at", limit=LONGEST_SECONDS, given=int(given),
        )  # fmt: skip
    return begins, ends


def _room_for_one_more(room: Room, keyword: str) -> None:
    others = list(Draw.objects.filter(room=room, status__in=Draw.UNDECIDED).values_list("number", "keyword"))
    if len(others) >= OPEN_AT_ONCE:
        raise TooManyDraws(
            f"{OPEN_AT_ONCE} draws are open or planned in this room; wait for one, or cancel it.", limit=OPEN_AT_ONCE
        )
    wanted = rules.normalised(keyword)
    taken = next((number for number, word in others if rules.normalised(word) == wanted), None)
    if taken is not None:
        raise KeywordTaken(
            "Another draw of this room has this keyword; choose another word.", field="keyword", draw=taken
        )


@transaction.atomic
def cancel_draw(*, draw: Draw, by: Actor, now: datetime, reason: str = "", address: str = "") -> Draw:
    """Nobody wins; the room hears of it if it knew of the draw. Of one that is cancelled: nothing happens. DrawOver."""
    room = locked(draw.room_id)
    permission.ask("draw.manage", actor=by, room=room)
    draw = locked_draw(draw.pk)
    if draw.status == Draw.CANCELLED:
        return draw
    if draw.status == Draw.DRAWN:
        raise DrawOver("The lot has fallen; a draw that was drawn cannot be cancelled.")
    audit.record(
        action="draw.cancel", actor=by, now=now, room_key=room.key, target=draw.number, reason=reason, address=address
    )
    return _cancel(draw, room_key=room.key, now=now)


def locked_draw(pk: int) -> Draw:
    """Under the room's lock. Entries that are being written are in the database now, and later ones find it as it is then."""
    return Draw.objects.select_for_update(of=("self",)).select_related("app").get(pk=pk)


def _cancel(draw: Draw, *, room_key: str, now: datetime) -> Draw:
    was_known = draw.status == Draw.OPEN
    draw.status = Draw.CANCELLED
    draw.save(update_fields=["status"])
    if was_known:
        draw.entrants_count = 0
        publish_durably(DrawResult(t=ms(now), draw=shown_result(draw, winners=[])), to=RoomTarget(room_key), at=now)
    return draw


def cancel_draws_of(*, room_id: int, room_key: str, now: datetime) -> None:
    """All that wait in a room that is disbanded, under its lock."""
    waiting = Draw.objects.filter(room_id=room_id, status__in=Draw.UNDECIDED).order_by("pk")
    for pk in waiting.values_list("pk", flat=True):
        _cancel(locked_draw(pk), room_key=room_key, now=now)


def open_due_draws(*, now: datetime) -> int:
    due = Draw.objects.filter(status=Draw.PLANNED, opens_at__lte=now).order_by("opens_at", "pk")
    return sum(_open_planned(pk, room_id, now=now) for pk, room_id in due.values_list("pk", "room_id")[:AT_ONCE])


@transaction.atomic
def _open_planned(pk: int, room_id: int, *, now: datetime) -> bool:
    try:
        room = locked(room_id)
    except RoomUnknown:  # disbanded this moment, and the draw with it
        return False
    draw = locked_draw(pk)
    if draw.status != Draw.PLANNED:
        return False
    draw.status, draw.session = Draw.OPEN, current_session(room)
    draw.save(update_fields=["status", "session"])
    _publish_opening(draw, room, now=now)
    return True
