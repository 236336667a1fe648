"""Following a streamer, and hearing that a show of hers begins (O5).

Promise: every follower who is connected is told once per show, however many they are and whoever dies: an outbox message tells a
thousand and leaves the rest to the next one, so that nobody else waits for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from django.db import transaction

from interactions.delivery import Person as To
from interactions.delivery import ms, publish_to_many
from interactions.delivery.events import as_row
from interactions.models import Follow
from interactions.people import selectors
from interactions.people.events import ShowBegan
from interactions.shown import shown_person
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.accounts.services.people import person_of
from liveroom.kernel import outbox, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.models import OutboxRow
from liveroom.kernel.outbox import Handled, OutboxMessage
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import LiveSession, Room

# The topic of the outbox; its batch handler is `publish_to_followers` (wiring.py).
FOLLOWERS: Final = "followers"
# Followers of one message; between two messages the relay does what else there is.
PER_MESSAGE = 1_000
# A show that begins sooner after the one before is no news: the stream flaps.
SHOWS_APART = timedelta(minutes=10)


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


def tell_followers_of(*, room_id: int, session: str, now: datetime) -> None:
    """A show begins: its owner's followers are told, unless another one began a moment ago, or the room is not listed.

    In the caller's transaction, one outbox message for all of them."""
    before = LiveSession.objects.filter(room_id=room_id, started_at__gt=now - SHOWS_APART)
    if before.exclude(sequence=session).exists():
        return
    room = Room.objects.select_related("owner", "app").get(pk=room_id)
    if room.visibility != Room.LISTED:  # its address is for whom its owner gives it to
        return
    if not Follow.objects.filter(streamer_id=room.owner_id).exists():
        return
    event = ShowBegan(t=ms(now), room=room.group_id, title=room.title, owner=shown_person(profile(room.owner)))
    portion = _Portion(streamer=room.owner_id, sdkappid=room.app.sdkappid, session=session, event=event)
    outbox.put(topic=FOLLOWERS, room_key=portion.order, payload=as_row(portion), now=now)


class _Portion(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox message: who follows `streamer` (row ids) and comes after the follow of that id is told of the show."""

    streamer: int
    sdkappid: int
    session: str
    event: ShowBegan
    after: int = 0

    @property
    def order(self) -> str:
        return f"@live:{self.session}:{self.after}"


def publish_to_followers(messages: Sequence[OutboxMessage], now: datetime) -> Handled:
    """The batch handler of FOLLOWERS: of the oldest message so many followers, in the order of their following; a next message goes on
    there. In between the relay does what else there is. RedisError: it comes again, and whoever has heard it hears nothing."""
    portion = msgspec.convert(messages[0].payload, _Portion)
    rows = Follow.objects.filter(streamer_id=portion.streamer, pk__gt=portion.after).order_by("pk")
    found = list(rows.values_list("pk", "follower__identifier")[:PER_MESSAGE])
    people = [To(sdkappid=portion.sdkappid, identifier=identifier) for _, identifier in found]
    publish_to_many(portion.event, to=people, event_id=f"live:{portion.session}")
    if len(found) == PER_MESSAGE:
        _go_on(msgspec.structs.replace(portion, after=found[-1][0]), now=now)
    more = len(found) == PER_MESSAGE or len(messages) > 1
    return Handled(done=[messages[0].event_id], again_in=0.0 if more else None)


def _go_on(portion: _Portion, *, now: datetime) -> None:
    """Once: a message that is handled twice finds the next one there."""
    with transaction.atomic():
        if not OutboxRow.objects.filter(topic=FOLLOWERS, room_key=portion.order).exists():
            outbox.put(topic=FOLLOWERS, room_key=portion.order, payload=as_row(portion), now=now)
