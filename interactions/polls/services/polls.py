"""Polls (D3): opened and closed by a room's moderators; everybody votes once, and a vote is final.

A vote is one INSERT and waits for no other. A poll that closes waits for the votes under way: its result lacks none that was answered.
Every change of a poll happens under the lock of its room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from interactions.delivery.events import as_row
from interactions.models import Ballot, Poll
from interactions.polls import rules
from interactions.polls.selectors import shown_poll
from interactions.polls.services import totals
from interactions.room_refs import KnownRoom
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict, NotFound, NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import OVER
from liveroom.rooms.selectors import RoomUnknown, current_session, refuse_ended
from liveroom.rooms.services.locking import locked
from moderation.rules.verdict import Standing

OPEN_AT_ONCE = 3
# So many polls are closed in one turn.
CLOSED_AT_ONCE = 200

_OVER = ", ".join(f"'{status}'" for status in OVER)
_VOTE = (
    'INSERT INTO "interactions_ballot" ("poll_id", "person_id", "choices", "at") '
    'SELECT "id", %s, %s, %s FROM "interactions_poll" '
    'WHERE "id" = %s AND "status" = \'open\' AND ("closes_at" IS NULL OR "closes_at" > %s) '
    'AND EXISTS (SELECT 1 FROM "rooms_room" WHERE "rooms_room"."id" = "interactions_poll"."room_id" '
    'AND "rooms_room"."status" NOT IN ({over})){lock} '
    'ON CONFLICT ("poll_id", "person_id") DO NOTHING'
)


class PollUnknown(NotFound):
    """10010: there is no such poll here."""

    name = "poll_unknown"


class PollOver(Conflict):
    """10056: it takes no votes any more."""

    name = "poll_closed"


class AlreadyVoted(Conflict):
    """10056: a vote is final. `choices`: what it was."""

    name = "already_voted"


class TooManyPolls(Conflict):
    """10056: close one first."""

    name = "too_many_polls"


@dataclass(frozen=True, slots=True)
class Vote:
    """What somebody chose, and the poll as the room was last told of it: the totals with this vote follow as an event."""

    poll: Poll
    choices: list[int]

    def shown(self) -> dict[str, Any]:
        return {"poll": as_row(shown_poll(self.poll)), "choices": self.choices}


def poll_of(*, app_id: int, number: object, room_id: int | None = None) -> Poll:
    """A poll of the app, or of this room only. PollUnknown."""
    found = None
    if ids.may_be_number(number):
        polls = Poll.objects.filter(app_id=app_id, number=number)
        if room_id is None:
            found = polls.select_related("room__app", "room__owner").first()
        else:
            found = polls.filter(room_id=room_id).first()
    if found is None:
        raise PollUnknown(f"There is no poll {str(number)[:24]!r} here.")
    return found


# -- opening and closing


@transaction.atomic
def open_poll(
    *, room: Room, question: str, answers: Sequence[str], by: Actor, now: datetime, max_choices: int = 1,
    seconds: int | None = None, address: str = "",
) -> Poll:  # fmt: skip
    """Ask the room. `seconds`: it closes by itself. The values as `polls/shapes.py` leaves them. BadParameter, TooManyPolls, RoomEnded."""
    room = locked(room.pk)
    permission.ask("poll.manage", actor=by, room=room)
    refuse_ended(room.status, "new polls")
    asked, most = question.strip(), len(answers)
    if len(set(answers)) < most:
        raise BadParameter("Two answers are the same; each needs words of its own.", field="answers")
    if max_choices > most:
        raise BadParameter(f"max_choices is a whole number from 1 to {most}.", field="max_choices", limit=most)
    if Poll.objects.filter(room=room, status=Poll.OPEN).count() >= OPEN_AT_ONCE:
        raise TooManyPolls(f"{OPEN_AT_ONCE} polls are open in this room; close one first.", limit=OPEN_AT_ONCE)
    poll = Poll.objects.create(
        number=ids.number("p"), app=room.app, room=room, session=current_session(room), question=asked, answers=list(answers),
        max_choices=max_choices, opened_at=now, closes_at=None if seconds is None else now + timedelta(seconds=seconds),
        told_votes=[0] * most, told_at=now, by=str(by)[:120],
    )  # fmt: skip
    audit.record(
        action="poll.open", actor=by, now=now, room_key=room.key, target=poll.number, address=address,
        detail={"question": asked},
    )  # fmt: skip
    totals.publish(poll, room_key=room.key, now=now)
    return poll


@transaction.atomic
def close_poll(*, poll: Poll, by: Actor, now: datetime, address: str = "") -> Poll:
    """End it and tell the result. Of one that is closed: nothing happens, nothing is told."""
    room = locked(poll.room_id)
    permission.ask("poll.manage", actor=by, room=room)
    poll = Poll.objects.get(pk=poll.pk)
    if poll.status == Poll.CLOSED:
        return poll
    audit.record(action="poll.close", actor=by, now=now, room_key=room.key, target=poll.number, address=address)
    return _close(poll, room_key=room.key, now=now)


def _close(poll: Poll, *, room_key: str, now: datetime) -> Poll:
    """Under the room's lock. The poll's own waits for votes under way, and those that come now find it closed."""
    poll = Poll.objects.select_for_update(of=("self",)).get(pk=poll.pk)
    poll.status, poll.closed_at = Poll.CLOSED, now
    totals.count(poll, now=now)
    poll.save(update_fields=["status", "closed_at", "told_votes", "told_ballots", "told_at"])
    totals.publish(poll, room_key=room_key, now=now)
    return poll


def close_polls_of(*, room_id: int, room_key: str, now: datetime) -> None:
    """All that are open in a room that is disbanded, under its lock."""
    for poll in Poll.objects.filter(room_id=room_id, status=Poll.OPEN).order_by("id"):
        _close(poll, room_key=room_key, now=now)


# -- voting


def vote(
    *, poll: Poll, choices: Sequence[int], room: Room | KnownRoom, by: Actor, now: datetime, role: str | None = None,
    standing: Standing | None = None,
) -> Vote:  # fmt: skip
    """One person's vote. The same again: the same answer. BadParameter, AlreadyVoted, PollOver, RoomEnded, what `permission.ask` refuses.

    `role`, `standing`: as a socket knows them; None: the database is asked."""
    now_ms = int(now.timestamp() * 1000)
    permission.ask("poll.vote", actor=by, room=room, role=role, standing=standing, now_ms=now_ms)
    if by.person_id is None:
        raise NotPermitted("Users vote, each once; a server has no vote.", action="poll.vote")
    fault = rules.choices_fault(choices, answers=len(poll.answers), at_most=poll.max_choices)
    if fault is not None:
        raise BadParameter(fault, field="choices")
    mask = rules.mask_of(choices)
    if not _cast(poll_id=poll.pk, person_id=by.person_id, mask=mask, now=now):
        first = cast_by(poll=poll, person_id=by.person_id)
        if not first:
            status = Room.objects.filter(pk=poll.room_id).values_list("status", flat=True).first()
            refuse_ended(status or "", "votes")
            raise PollOver("This poll is closed.")
        if rules.mask_of(first) != mask:
            raise AlreadyVoted("You have voted, and a vote is final.", choices=first)
    return Vote(poll=poll, choices=rules.choices_of(mask))


def _cast(*, poll_id: int, person_id: int, mask: int, now: datetime) -> bool:
    """Whether the ballot is in: not if there is one, or the poll takes none. Votes share the poll's lock, and wait only for its end."""
    at = connection.ops.adapt_datetimefield_value(now)
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(_VOTE.format(lock=lock, over=_OVER), [person_id, mask, at, poll_id, at])
        return bool(cursor.rowcount == 1)


def cast_by(*, poll: Poll, person_id: int) -> list[int]:
    """What somebody chose; nothing: it did not vote."""
    found = Ballot.objects.filter(poll=poll, person_id=person_id).values_list("choices", flat=True).first()
    return rules.choices_of(found or 0)


# -- what is due


def is_wanted(now: datetime) -> bool:
    """Whether any is over, or may have votes that its room has not heard of."""
    return Poll.objects.filter(Q(closes_at__lte=now) | totals.untold(now), status=Poll.OPEN).exists()


def follow_polls(*, now: datetime) -> None:
    """Close what is over, then publish how the others stand."""
    close_due(now=now)
    totals.publish_totals(now=now)


def close_due(*, now: datetime) -> int:
    """Polls whose time is over. Returns how many."""
    due = Poll.objects.filter(status=Poll.OPEN, closes_at__lte=now).order_by("closes_at", "id")
    return sum(_end(poll, now=now) for poll in due[:CLOSED_AT_ONCE])


@transaction.atomic
def _end(poll: Poll, *, now: datetime) -> bool:
    try:
        room = locked(poll.room_id)
    except RoomUnknown:  # disbanded this moment, and the poll with it
        return False
    if not Poll.objects.filter(pk=poll.pk, status=Poll.OPEN).exists():
        return False
    _close(poll, room_key=room.key, now=now)
    return True
