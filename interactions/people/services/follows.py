"""Following a streamer, and hearing that a show of hers begins (O5).

Promise: every follower who is connected is told once per show, however many they are and whoever dies: a letter of the outbox tells a
thousand and leaves the rest to the next one, so that nobody else waits for them. For those who are away the fact is stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from interactions.delivery import Person as PersonTarget
from interactions.delivery import publish_to_many
from interactions.delivery.events import UserEvent, from_row
from interactions.facts import StreamerWentLive
from interactions.models import Follow
from interactions.people import selectors
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.accounts.services.people import person_of
from liveroom.kernel import facts, outbox, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.facts import handles
from liveroom.kernel.models import OutboxRow
from liveroom.kernel.outbox import Handled, OutboxMessage
from liveroom.kernel.permission import Actor
from liveroom.rooms.facts import StatusChanged
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.rules.status import Status

# As announce/telling.py calls it.
FOLLOWERS = "followers"
# Followers of one letter; between two letters the relay tells what else there is.
PER_LETTER = 1_000
# A show that begins sooner after the one before is no news: the stream flaps.
CALLS_APART = timedelta(minutes=10)
BEGINS_FROM = (Status.TO_BE_STARTED, Status.ENDED, Status.PLAYED_BACK)


class FollowsItself(BadParameter):
    """Nobody follows oneself."""


@transaction.atomic
def follow(*, person: Person, identifier: str, by: Actor, now: datetime) -> int:
    """Follow somebody of the same app; doing so twice changes nothing. Returns how many follow that one now.

    PersonUnknown, FollowsItself, and what `permission.ask` refuses."""
    streamer = _streamer(person, identifier, by)
    # A row that is there stays.
    Follow.objects.get_or_create(follower=person, streamer=streamer, defaults={"at": now})
    return selectors.follower_count(person_id=streamer.pk)


@transaction.atomic
def unfollow(*, person: Person, identifier: str, by: Actor, now: datetime) -> int:
    """The same the other way."""
    streamer = _streamer(person, identifier, by)
    Follow.objects.filter(follower=person, streamer=streamer).delete()
    return selectors.follower_count(person_id=streamer.pk)


def _streamer(person: Person, identifier: str, by: Actor) -> Person:
    permission.ask("user.follow", actor=by)
    streamer = person_of(app=person.app, identifier=identifier)
    if streamer.pk == person.pk:
        raise FollowsItself("Nobody can follow oneself.", field="user")
    return streamer


@handles(StatusChanged)
def room_went_live(fact: StatusChanged) -> None:
    """A show that begins, and not a pause that ends, is news to followers."""
    if fact.after != Status.LIVE or fact.before not in BEGINS_FROM or not fact.sequence:
        return
    before = LiveSession.objects.filter(room_id=fact.room_id, started_at__gt=fact.at - CALLS_APART)
    if before.exclude(sequence=fact.sequence).exists():
        return
    room = Room.objects.select_related("owner").get(pk=fact.room_id)
    if room.visibility != Room.LISTED:  # its address is for whom its owner gives it to
        return
    facts.state(
        StreamerWentLive(
            room_id=fact.room_id,
            room_key=fact.room_key,
            at=fact.at,
            owner_id=room.owner_id,
            owner=profile(room.owner).as_dict(),
            title=room.title,
            session=fact.sequence,
            followers=selectors.follower_count(person_id=room.owner_id),
        )
    )


def tell_followers(letters: Sequence[OutboxMessage], now: datetime) -> Handled:
    """Topic `followers`: of the oldest letter so many followers, in the order of their following; a next letter goes on there. In
    between the relay does what else there is. RedisError: it comes again, and whoever has heard it hears nothing."""
    letter = letters[0]
    said = letter.payload
    rows = Follow.objects.filter(streamer_id=said["streamer"], pk__gt=said["after"]).order_by("pk")
    found = list(rows.values_list("pk", "follower__identifier")[:PER_LETTER])
    persons = [PersonTarget(sdkappid=said["sdkappid"], identifier=identifier) for _, identifier in found]
    publish_to_many(from_row(said["event"], UserEvent), to=persons, event_id=f"live:{said['session']}")
    if len(found) == PER_LETTER:
        _go_on(said, after=found[-1][0], now=now)
    more = len(found) == PER_LETTER or len(letters) > 1
    return Handled(done=[letter.event_id], again_in=0.0 if more else None)


def _go_on(said: Mapping[str, Any], *, after: int, now: datetime) -> None:
    """Once: a letter that is carried twice finds the next one there."""
    payload = {**said, "after": after}
    room_key = f"@live:{payload['session']}:{after}"
    with transaction.atomic():
        if not OutboxRow.objects.filter(topic=FOLLOWERS, room_key=room_key).exists():
            outbox.put(topic=FOLLOWERS, room_key=room_key, payload=payload, now=now)
