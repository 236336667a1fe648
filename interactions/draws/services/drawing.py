"""The lot falls (D1, D2): who entered is judged, the winners are drawn, the room and each winner hear it.

Promise: a draw is drawn once, in one transaction that holds its refusals, its winners and what is published: who dies in the middle has
done nothing, and the next look finds it due again."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q

from interactions.chat.services import archive
from interactions.delivery import Person as PersonTarget
from interactions.delivery import Room as RoomTarget
from interactions.delivery import ms, publish_all_durably, publish_durably
from interactions.draws import rules
from interactions.draws.events import DrawResult, WonDraw, YouWon
from interactions.draws.rules import Entrant
from interactions.draws.selectors import GRACE, NAMED_WINNERS, conditions_of, shown_result
from interactions.draws.services.entries import enter_archived
from interactions.draws.services.opening import locked_draw, open_due_draws
from interactions.models import Draw, DrawEntry, DrawWinner, Follow, Membership, SentGift
from liveroom.accounts.models import Person
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import RoomUnknown, admin_ids
from liveroom.rooms.services.locking import locked
from moderation import selectors as moderation
from moderation.rules import verdict

log = logging.getLogger(__name__)

# So many are drawn in one turn.
AT_ONCE = 50
_WRITTEN_AT_ONCE = 500


def is_wanted(now: datetime) -> bool:
    """Whether any is to be opened, or drawn."""
    planned, over = Q(status=Draw.PLANNED, opens_at__lte=now), Q(status=Draw.OPEN, closes_at__lte=now - GRACE)
    return Draw.objects.filter(planned | over).exists()


def follow_draws(*, now: datetime) -> None:
    """Open what was planned for now, then draw what is over. RedisError: nobody knows what was said; all wait."""
    open_due_draws(now=now)
    finish_due_draws(now=now)


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
    """Judge who entered, let the lot fall, publish the result: all of it or nothing. None: it is not open (any more).

    The caller has seen to it that the archive has read everything that was said in the window."""
    room_id = Draw.objects.values_list("room_id", flat=True).get(pk=draw_id)
    try:
        room = locked(room_id)
    except RoomUnknown:
        return None
    draw = locked_draw(draw_id)
    if draw.status != Draw.OPEN:
        return None
    enter_archived(draw)
    entrants = _judge(draw, room, now=now)
    draw.entrants_sha256, draw.entrants_count = rules.entrants_sha256(entrants), len(entrants)
    names = rules.winners(seed=draw.seed, draw=draw.number, entrants=entrants, count=draw.winners_count)
    DrawWinner.objects.bulk_create(
        DrawWinner(draw=draw, person_id=entrants[name], place=place) for place, name in enumerate(names, start=1)
    )
    draw.status, draw.drawn_at = Draw.DRAWN, now
    draw.save(update_fields=["status", "drawn_at", "entrants_sha256", "entrants_count"])
    _publish_result(draw, room, winners=[(name, entrants[name]) for name in names], now=now)
    return draw


def _publish_result(draw: Draw, room: Room, *, winners: Sequence[tuple[str, int]], now: datetime) -> None:
    """First to the room, then to the winners (identifier and person): there may be a thousand, so theirs are written at once."""
    first = [person for _, person in winners[:NAMED_WINNERS]]
    people = Person.objects.in_bulk(first)
    result = shown_result(draw, winners=[people[person] for person in first])
    publish_durably(DrawResult(t=ms(now), draw=result), to=RoomTarget(room.key), at=now)
    won = WonDraw(id=draw.number, keyword=draw.keyword, prize=draw.prize)
    publish_all_durably(
        [
            (
                YouWon(t=ms(now), room=room.group_id, draw=won, place=place),
                PersonTarget(sdkappid=room.app.sdkappid, identifier=name),
            )
            for place, (name, _) in enumerate(winners, start=1)
        ],
        at=now,
    )


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
