"""Draws (D1, D2): planned, opened and cancelled by a room's moderators, drawn when they are due.

Promise: a draw is drawn once, in one transaction that holds its refusals, its winners and what the room is told: who dies in the middle
has done nothing, and the next look finds it due again. The seed is made at the beginning and never changed. Every change of a draw
happens under the lock of its room, then of the draw."""

from __future__ import annotations

import logging
import secrets
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q

from interactions.chat.services import archive
from interactions.draws import entries as draw_entries
from interactions.draws import rules
from interactions.draws.models import MOST_WINNERS
from interactions.draws.rules import Conditions, Entrant
from interactions.draws.selectors import GRACE, conditions_of, result, shown
from interactions.facts import DrawCancelled, DrawFinished, DrawOpened
from interactions.models import Draw, DrawEntry, DrawWinner, Follow, Membership, SentGift
from liveroom.accounts.models import Person
from liveroom.kernel import audit, facts, ids, permission, text
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.facts import handles
from liveroom.kernel.permission import Actor
from liveroom.rooms.facts import RoomDisbanded
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import RoomUnknown, admin_ids, current_session, refuse_ended
from liveroom.rooms.services.locking import locked
from moderation import selectors as moderation
from moderation.rules import verdict

log = logging.getLogger(__name__)

KEYWORD_BYTES, PRIZE_BYTES = 60, 200
SHORTEST_SECONDS, LONGEST_SECONDS = 10, 86_400
AHEAD_DAYS = 90
OPEN_AT_ONCE = 5
HIGHEST_LEVEL = 1_000_000
# So many are opened, and so many drawn, at one go.
AT_ONCE = 50
_WRITTEN_AT_ONCE = 500
_UNDECIDED = (Draw.PLANNED, Draw.OPEN)


class TooManyDraws(Conflict):
    """10056: cancel one first."""

    name = "too_many_draws"


class KeywordTaken(Conflict):
    """10056: another draw of this room waits for the same word."""

    name = "keyword_taken"


class DrawOver(Conflict):
    """10056: what was drawn stays."""

    name = "draw_over"


# -- opening and cancelling


@transaction.atomic
def open_draw(
    *, room: Room, keyword: object, prize: object, winners: object, by: Actor, now: datetime, seconds: object = None,
    opens_at: datetime | None = None, closes_at: datetime | None = None, conditions: object = None, address: str = "",
) -> Draw:  # fmt: skip
    """Promise a prize to who says the keyword: from now, or from `opens_at` on, for so many seconds or until `closes_at`.

    `conditions`: min_level, follower, gift, member; what is left out is not asked for. BadParameter, TooManyDraws, KeywordTaken."""
    room = locked(room.pk)
    permission.ask("draw.manage", actor=by, room=room)
    if opens_at is None:  # one for the next show may be prepared
        refuse_ended(room.status, "new draws")
    word = text.line(keyword, field="keyword", limit_bytes=KEYWORD_BYTES, required=True)
    if not rules.normalised(word):
        raise BadParameter("keyword holds nothing that can be seen.", field="keyword")
    said_prize = text.line(prize, field="prize", limit_bytes=PRIZE_BYTES, required=True)
    count = _whole(winners, field="winners", least=1, most=MOST_WINNERS)
    asked = checked_conditions(conditions)
    begins, ends = _window(seconds=seconds, opens_at=opens_at, closes_at=closes_at, now=now)
    _room_for_one_more(room, word)
    seed, planned = secrets.token_hex(32), opens_at is not None and begins > now
    draw = Draw.objects.create(
        number=ids.number("d"), app=room.app, room=room, session=None if planned else current_session(room),
        keyword=word, prize=said_prize, winners_count=count,
        min_level=asked.min_level, followers_only=asked.follower, gift_senders_only=asked.gift, members_only=asked.member,
        opens_at=begins, closes_at=ends, status=Draw.PLANNED if planned else Draw.OPEN,
        seed=seed, commitment=rules.commitment(seed), by=str(by)[:120], created_at=now,
    )  # fmt: skip
    audit.record(
        action="draw.open", actor=by, now=now, room_key=room.key, target=draw.number, address=address,
        detail=shown(draw),
    )  # fmt: skip
    if not planned:
        facts.state(DrawOpened(room_id=room.pk, room_key=room.key, at=now, draw=shown(draw)))
    return draw


def _whole(value: object, *, field: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadParameter(f"{field} is a whole number from {least:,} to {most:,}.", field=field, limit=most)
    return value


def checked_conditions(value: object) -> Conditions:
    """BadParameter names the one that is wrong."""
    given = {} if value is None else value
    if not isinstance(given, Mapping):
        raise BadParameter("conditions is an object: min_level, follower, gift, member.", field="conditions")
    unknown = [name for name in given if name not in Conditions.__dataclass_fields__]
    if unknown:
        raise BadParameter(
            f"A draw knows no condition {str(unknown[0])[:40]!r}; it knows min_level, follower, gift and member.",
            field="conditions",
        )
    for name in ("follower", "gift", "member"):
        if not isinstance(given.get(name, False), bool):
            raise BadParameter(f"conditions.{name} is true or false.", field="conditions")
    level = _whole(given.get("min_level", 0), field="conditions.min_level", least=0, most=HIGHEST_LEVEL)
    return Conditions(
        min_level=level,
        follower=given.get("follower", False),
        gift=given.get("gift", False),
        member=given.get("member", False),
    )


def _to_the_millisecond(instant: datetime) -> datetime:
    """As clients see it, and as comments bear it."""
    return instant.astimezone(UTC).replace(microsecond=instant.microsecond // 1000 * 1000)


def _window(
    *, seconds: object, opens_at: datetime | None, closes_at: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    if (seconds is None) == (closes_at is None):
        raise BadParameter("Say how long it is open: seconds, or closes_at, and not both.", field="seconds")
    if opens_at is not None and opens_at < now:
        raise BadParameter("opens_at is over already; leave it out to open the draw now.", field="opens_at")
    begins = _to_the_millisecond(opens_at or now)
    if begins > now + timedelta(days=AHEAD_DAYS):
        raise BadParameter(f"A draw opens within {AHEAD_DAYS} days.", field="opens_at", limit=AHEAD_DAYS)
    if closes_at is None:
        length = _whole(seconds, field="seconds", least=SHORTEST_SECONDS, most=LONGEST_SECONDS)
        return begins, begins + timedelta(seconds=length)
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
    others = list(Draw.objects.filter(room=room, status__in=_UNDECIDED).values_list("number", "keyword"))
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
    """Nobody wins; the room is told if it was told of the draw. Of one that is cancelled: nothing happens. DrawOver."""
    room = locked(draw.room_id)
    permission.ask("draw.manage", actor=by, room=room)
    draw = _locked(draw.pk)
    if draw.status == Draw.CANCELLED:
        return draw
    if draw.status == Draw.DRAWN:
        raise DrawOver("The lot has fallen; a draw that was drawn cannot be cancelled.")
    audit.record(
        action="draw.cancel", actor=by, now=now, room_key=room.key, target=draw.number, reason=reason, address=address
    )
    return _cancel(draw, room_key=room.key, now=now)


def _locked(pk: int) -> Draw:
    """Under the room's lock. Entries that are being written are in the database now, and later ones find it as it is then."""
    return Draw.objects.select_for_update(of=("self",)).select_related("app").get(pk=pk)


def _cancel(draw: Draw, *, room_key: str, now: datetime) -> Draw:
    was_told = draw.status == Draw.OPEN
    draw.status = Draw.CANCELLED
    draw.save(update_fields=["status"])
    if was_told:
        draw.entrants_count = 0
        facts.state(DrawCancelled(room_id=draw.room_id, room_key=room_key, at=now, draw=result(draw, [])))
    return draw


@handles(RoomDisbanded)
def cancel_after_disband(fact: RoomDisbanded) -> None:
    """The draws of a room that is no more end with it (durable, under the room's lock)."""
    for pk in (
        Draw.objects.filter(room_id=fact.room_id, status__in=_UNDECIDED).order_by("pk").values_list("pk", flat=True)
    ):
        _cancel(_locked(pk), room_key=fact.room_key, now=fact.at)


# -- what is due


def is_wanted(now: datetime) -> bool:
    """Whether any is to be opened, or drawn."""
    planned, over = Q(status=Draw.PLANNED, opens_at__lte=now), Q(status=Draw.OPEN, closes_at__lte=now - GRACE)
    return Draw.objects.filter(planned | over).exists()


def follow_draws(*, now: datetime) -> None:
    """Open what was planned for now, then draw what is over. RedisError: nobody can tell what was said; all wait."""
    open_due_draws(now=now)
    finish_due_draws(now=now)


def open_due_draws(*, now: datetime) -> int:
    due = Draw.objects.filter(status=Draw.PLANNED, opens_at__lte=now).order_by("opens_at", "pk")
    return sum(_open_planned(pk, room_id, now=now) for pk, room_id in due.values_list("pk", "room_id")[:AT_ONCE])


@transaction.atomic
def _open_planned(pk: int, room_id: int, *, now: datetime) -> bool:
    try:
        room = locked(room_id)
    except RoomUnknown:  # disbanded this moment, and the draw with it
        return False
    draw = _locked(pk)
    if draw.status != Draw.PLANNED:
        return False
    draw.status, draw.session = Draw.OPEN, current_session(room)
    draw.save(update_fields=["status", "session"])
    facts.state(DrawOpened(room_id=room.pk, room_key=room.key, at=now, draw=shown(draw)))
    return True


def finish_due_draws(*, now: datetime) -> int:
    """Draw what was over two seconds ago, once the archive has read what was said until then. Returns how many."""
    due = Draw.objects.filter(status=Draw.OPEN, closes_at__lte=now - GRACE).order_by("closes_at", "pk")
    rows = list(due.values_list("pk", "closes_at")[:AT_ONCE])
    if not rows:
        return 0
    read = archive.read_up_to(now=now)
    done = 0
    for pk, closes_at in rows:
        if closes_at + GRACE > read:
            break
        try:
            done += finish_draw(draw_id=pk, now=now) is not None
        except DatabaseError:
            raise
        except Exception:  # one that cannot be drawn must not keep the others waiting
            log.exception("The draw %s could not be drawn; it is tried again.", pk)
    return done


@transaction.atomic
def finish_draw(*, draw_id: int, now: datetime) -> Draw | None:
    """Judge who entered, let the lot fall, tell it: all of it or nothing. None: it is not open (any more).

    The caller has seen to it that the archive has read everything that was said in the window."""
    room_id = Draw.objects.values_list("room_id", flat=True).get(pk=draw_id)
    try:
        room = locked(room_id)
    except RoomUnknown:
        return None
    draw = _locked(draw_id)
    if draw.status != Draw.OPEN:
        return None
    draw_entries.enter_archived(draw)
    entrants = _judge(draw, room, now=now)
    draw.entrants_sha256, draw.entrants_count = rules.entrants_sha256(entrants), len(entrants)
    names = rules.winners(seed=draw.seed, draw=draw.number, entrants=entrants, count=draw.winners_count)
    DrawWinner.objects.bulk_create(
        DrawWinner(draw=draw, person_id=entrants[name], place=place) for place, name in enumerate(names, start=1)
    )
    draw.status, draw.drawn_at = Draw.DRAWN, now
    draw.save(update_fields=["status", "drawn_at", "entrants_sha256", "entrants_count"])
    people = Person.objects.in_bulk([entrants[name] for name in names])
    said = result(draw, [people[entrants[name]] for name in names])
    facts.state(DrawFinished(room_id=room.pk, room_key=room.key, at=now, draw=said, winners=tuple(names)))
    return draw


def _judge(draw: Draw, room: Room, *, now: datetime) -> dict[str, int]:
    """Writes who is refused and why. Returns who takes part: identifier -> person."""
    entries = DrawEntry.objects.filter(draw=draw)
    here = entries.values("person")
    rows = list(entries.values_list("pk", "person", "person__identifier", "person__level", "person__blocked"))
    names = [name for _, _, name, _, _ in rows]
    standings = moderation.standings(room_id=room.pk, app_id=room.app_id, identifiers=names, now=now)
    staff = {room.owner_id, *admin_ids(room)}
    follows = Follow.objects.filter(streamer=room.owner_id, follower__in=here).values_list("follower", flat=True)
    members = Membership.objects.filter(Q(until__isnull=True) | Q(until__gt=now), since__lte=now, person__in=here)
    followers = set(follows) if draw.followers_only else set()
    givers = _givers(draw) if draw.gift_senders_only else set()
    paying = set(members.values_list("person", flat=True)) if draw.members_only else set()
    asked, now_ms = conditions_of(draw), int(now.timestamp() * 1000)
    entrants: dict[str, int] = {}
    refused: dict[str, list[int]] = defaultdict(list)
    for pk, person, name, level, blocked in rows:
        reason = rules.refusal(
            Entrant(
                identifier=name,
                level=level,
                staff=person in staff or name in room.app.admin_identifiers,
                banned=blocked or verdict.is_banned(standings[name], now_ms),
                muted=verdict.is_muted(standings[name], now_ms),
                follower=person in followers,
                gift=person in givers,
                member=person in paying,
            ),
            asked,
        )
        if reason:
            refused[reason].append(pk)
        else:
            entrants[name] = person
    for reason, pks in refused.items():
        for start in range(0, len(pks), _WRITTEN_AT_ONCE):
            DrawEntry.objects.filter(pk__in=pks[start : start + _WRITTEN_AT_ONCE]).update(refused=reason)
    return entrants


def _givers(draw: Draw) -> set[int]:
    """Who gave a gift in this show, and was not given the money back; of a draw outside of any show: while it was open."""
    gifts: dict[str, Any] = {"session": draw.session_id}
    if draw.session_id is None:
        gifts = {"at__gte": draw.opens_at, "at__lt": draw.closes_at}
    found = SentGift.objects.filter(room=draw.room_id, order__refund__isnull=True, **gifts)
    return set(found.values_list("buyer", flat=True).distinct())
