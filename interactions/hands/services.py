"""Raising a hand, and lowering it: by its person, by a moderator, or by the end of the show.

Promise: twice is once. The owner and the admins hear of it wherever they are, at most once a second; the list has all in any case."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from interactions.delivery import Person as PersonTarget
from interactions.delivery import ms, publish_durably
from interactions.hands.events import HandMoved
from interactions.hands.selectors import hands_of
from interactions.models import Hand
from interactions.room.services import publish_to_moderators
from interactions.shown import shown_person
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import Conflict, NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import current_session, refuse_ended
from moderation.rules.verdict import Standing

MOST_HANDS = 1_000


class NoShow(Conflict):
    """10056: hands are raised while a show is on."""

    name = "no_show"


class TooManyHands(Conflict):
    """10056: wait until some are lowered. `limit`: how many are up at most."""

    name = "too_many_hands"


@transaction.atomic
def raise_hand(
    *, room: Room, by: Actor, now: datetime, role: str | None = None, standing: Standing | None = None
) -> Hand:
    """NoShow, RoomEnded, TooManyHands, and what `permission.ask` refuses. `role`, `standing`: as a socket knows them; None: the database
    is asked."""
    permission.ask("hand.raise", actor=by, room=room, role=role, standing=standing, now_ms=ms(now))
    if by.person_id is None:
        raise NotPermitted("Users raise hands; a server has none.", action="hand.raise")
    refuse_ended(room.status, "hands")
    session = current_session(room)
    if session is None:
        raise NoShow("Hands are raised while a show is on.")
    up = Hand.objects.filter(session=session)
    known = up.filter(person_id=by.person_id).first()
    if known is not None:
        return known
    if up.count() >= MOST_HANDS:
        raise TooManyHands(f"{MOST_HANDS:,} hands are up in this room.", limit=MOST_HANDS)
    hand, is_new = Hand.objects.get_or_create(session=session, person_id=by.person_id, defaults={"raised_at": now})
    if is_new:
        _tell_moderators(_moved(hand, room, up=True, now=now), room, now=now)
    return hand


@transaction.atomic
def lower_hand(
    *, room: Room, by: Actor, now: datetime, role: str | None = None, standing: Standing | None = None
) -> None:
    """One's own; also by somebody who may not speak."""
    permission.ask("hand.lower", actor=by, room=room, role=role, standing=standing, now_ms=ms(now))
    hand = None if by.person_id is None else hands_of(room).filter(person_id=by.person_id).first()
    if hand is not None and _lowered(hand):
        _tell_moderators(_moved(hand, room, up=False, now=now), room, now=now)


@transaction.atomic
def lower_hand_of(*, room: Room, identifier: str, by: Actor, now: datetime, address: str = "") -> None:
    """By a moderator; its person hears of it, too."""
    permission.ask("hand.manage", actor=by, room=room)
    hand = hands_of(room).filter(person__identifier=identifier).first()
    if hand is None or not _lowered(hand):
        return
    audit.record(action="hand.lower", actor=by, now=now, room_key=room.key, target=identifier, address=address)
    event = _moved(hand, room, up=False, now=now, by=by)
    publish_durably(event, to=PersonTarget(sdkappid=room.app.sdkappid, identifier=identifier), at=now)
    _tell_moderators(event, room, now=now)


def _lowered(hand: Hand) -> bool:
    """False: somebody else was faster."""
    return Hand.objects.filter(pk=hand.pk).delete()[0] == 1


def _moved(hand: Hand, room: Room, *, up: bool, now: datetime, by: Actor | None = None) -> HandMoved:
    user, raised = shown_person(profile(Person.objects.get(pk=hand.person_id))), hands_of(room).count()
    if by is None:
        return HandMoved(t=ms(now), room=room.group_id, user=user, up=up, raised=raised)
    return HandMoved(t=ms(now), room=room.group_id, user=user, up=up, raised=raised, by=str(by))


def _tell_moderators(event: HandMoved, room: Room, *, now: datetime) -> None:
    publish_to_moderators(event, room=room, what="hand-told", at=now, but=event.user.id)
