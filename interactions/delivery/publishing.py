"""The one way to be heard, from a thread: publish an event to a room, to a person, or to everyone.

`publish` does it now; `publish_durably` writes it into the outbox in the caller's transaction, and `run_relay` publishes it from there.
What that promises stands in `interactions/delivery/__init__.py`. Sockets and the hot lane use `rooms.ticker` and the coroutines here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import redis
from django.db import transaction

from interactions.delivery import control
from interactions.delivery.control import CloseSockets
from interactions.delivery.events import Control, RoomEvent, UserEvent, as_row, encoded, from_row
from interactions.delivery.people import user_events
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms import archive_stream
from interactions.delivery.rooms.archive_stream import LastNumbers
from interactions.delivery.rooms.epochs import forget_now
from interactions.delivery.rooms.messages import Message
from interactions.delivery.rooms.published import DROPPABLE
from interactions.delivery.rooms.submitting import publish_many_now, publish_now
from interactions.delivery.targets import Everyone, Person, Room, Target, person_of_key
from liveroom.kernel import outbox
from liveroom.kernel.data.redis import channel, key, redis_for
from liveroom.kernel.outbox import OutboxMessage
from liveroom.kernel.values import ids

log = logging.getLogger(__name__)

# The topic of the outbox, and its handler in wiring.py: `deliver`.
TOPIC: Final = "event"
# Longer than any relay sleeps.
_CLOSED_SECONDS: Final = 86400

Published = RoomEvent | UserEvent | Control
_FAMILIES: Final[dict[str, type[Any]]] = {"room": RoomEvent, "user": UserEvent, "control": Control}

Kind = TypeVar("Kind", bound=Published)
# False: it is not true any more, and nobody is to hear it.
Subscriber = Callable[[Any, Target], bool | None]


@dataclass(slots=True)
class _Subscribers:
    before: dict[type[Any], list[Subscriber]] = field(default_factory=dict)
    room_closed: list[Callable[[str], None]] = field(default_factory=list)
    open_rooms: Callable[[int], Iterable[Sequence[RoomRef]]] | None = None


_subscribers: Final = _Subscribers()


def before(
    kind: type[Kind],
) -> Callable[[Callable[[Kind, Target], bool | None]], Callable[[Kind, Target], bool | None]]:
    """Declares what the relay does before it publishes an event of this kind. It may be called again for the same event; where it
    returns False, the event is not true any more and is dropped."""

    def declare(subscriber: Callable[[Kind, Target], bool | None]) -> Callable[[Kind, Target], bool | None]:
        _subscribers.before.setdefault(kind, []).append(subscriber)
        return subscriber

    return declare


def when_a_room_closes(subscriber: Callable[[str], None]) -> Callable[[str], None]:
    """Declares what is forgotten of a room (its key) that is gone for good: whoever gets its id next begins with nothing."""
    _subscribers.room_closed.append(subscriber)
    return subscriber


def install(*, open_rooms: Callable[[int], Iterable[Sequence[RoomRef]]], last_numbers: LastNumbers) -> None:
    """Called once by the roof. `open_rooms(sdkappid)`: the open rooms of an app, in portions that Redis may be asked for at once.
    `last_numbers`: what the archive has of rooms."""
    archive_stream.install(last_numbers)
    _subscribers.open_rooms = open_rooms


# -- durable


def publish_durably(event: Published, *, to: Target, at: datetime) -> None:
    """In the caller's transaction: heard if that is committed, and then surely. One statement."""
    outbox.put(topic=TOPIC, room_key=_order_of(to), payload=_payload(event, to), now=at)


def publish_all_durably(events: Iterable[tuple[Published, Target]], *, at: datetime) -> None:
    """The same for many at once, in their order."""
    messages = [
        OutboxMessage(event_id=ids.event_id(), room_key=_order_of(to), payload=_payload(event, to))
        for event, to in events
    ]
    outbox.put_all(topic=TOPIC, messages=messages, now=at)


def publish_at_once(message: Control, *, to: Person | Room, at: datetime) -> None:
    """In the caller's transaction: durable, and beside that published right after the commit, before whoever asked is answered, and acted
    upon by every process that holds sockets. So what was answered holds from the answer on. Whoever hears it twice knows by its version."""
    publish_durably(message, to=to, at=at)
    hold_at_once(message, to=to)


def hold_at_once(message: Control, *, to: Person | Room) -> None:
    """The same without the durable half: for what a lost message does no harm to, because whoever comes in reads it anyhow."""
    transaction.on_commit(partial(_hold, message, to), robust=True)


def _hold(message: Control, to: Person | Room) -> None:
    try:
        if not control.published_and_done(message, to=to):
            log.warning(
                "Not every socket process acted on a message about %s in time; the relay publishes it again.", to.key
            )
    except redis.RedisError as error:
        log.warning("A message about %s waits for the relay: Redis is away (%s).", to.key, type(error).__name__)


def _order_of(to: Target) -> str:
    if isinstance(to, Room):
        return to.key
    return f"@{to.key}" if isinstance(to, Person) else f"@{to.sdkappid}"


def _payload(event: Published, to: Target) -> dict[str, Any]:
    family = next(name for name, base in _FAMILIES.items() if isinstance(event, base))
    who: dict[str, Any]
    if isinstance(to, Everyone):
        who = {"everyone": to.sdkappid}
    else:
        who = {"room" if isinstance(to, Room) else "person": to.key}
    return {"family": family, "to": who, "event": as_row(event)}


def _target(who: Mapping[str, Any]) -> Target:
    if "room" in who:
        return Room(key=who["room"])
    return person_of_key(who["person"]) if "person" in who else Everyone(sdkappid=who["everyone"])


def deliver(message: OutboxMessage) -> None:
    """The outbox handler of TOPIC. Whatever is published here twice is heard once, by the id of its row."""
    payload = message.payload
    event, to = from_row(payload["event"], _FAMILIES[payload["family"]]), _target(payload["to"])
    for subscriber in _subscribers.before.get(type(event), ()):
        if subscriber(event, to) is False:
            return
    if isinstance(event, Control):
        if isinstance(to, Everyone):
            raise TypeError("A control message goes to a person or a room.")
        control.publish_now(event, to=to, row=message.row)
        if isinstance(event, CloseSockets) and isinstance(to, Room):
            _forget(to.key, message.event_id)
    else:
        publish(event, to=to, event_id=message.event_id)


def _forget(room_key: str, event_id: str) -> None:
    """Once: published again, by another relay or after a death, the id may be another room's by now, which is not to be forgotten."""
    client, done = redis_for(room_key), key(f"closed:{event_id}", room_key)
    if not client.exists(done):
        forget_now(room_key=room_key)
        for subscriber in _subscribers.room_closed:
            subscriber(room_key)
        client.set(done, 1, ex=_CLOSED_SECONDS)


# -- now


def publish(event: RoomEvent | UserEvent, *, to: Target, event_id: str = "", kept_seconds: int | None = None) -> None:
    """Now, from a thread. With the same `event_id` it is heard once, however often it is published. `kept_seconds`: longer than the
    event's class says, for one person. RedisError: it is not known; publish it again with the same id."""
    event_id = event_id or ids.event_id()
    if isinstance(event, UserEvent):
        if not isinstance(to, Person):
            raise TypeError(f"{type(event).__name__} concerns one person.")
        user_events.publish_now(person=to.key, event=event, event_id=event_id, kept_seconds=kept_seconds)
    elif isinstance(to, Room):
        _into_room(event, to.known(), event_id)
    elif isinstance(to, Everyone):
        _to_everyone(event, to, event_id)
    else:
        raise TypeError(f"{type(event).__name__} is heard in rooms.")


async def apublish(event: UserEvent, *, to: Person, event_id: str = "", kept_seconds: int | None = None) -> None:
    """The same for an event loop."""
    await user_events.publish(
        person=to.key, event=event, event_id=event_id or ids.event_id(), kept_seconds=kept_seconds
    )


def publish_to_many(event: UserEvent, *, to: Sequence[Person], event_id: str) -> int:
    """The same event to many people, in rounds. Of somebody who was not connected for a day nothing is kept. Returns for how many it
    was new. RedisError: publish it again with the same id."""
    return user_events.publish_to_many_now(persons=[person.key for person in to], event=event, event_id=event_id)


def _into_room(event: RoomEvent, room: RoomRef, event_id: str) -> None:
    if not event.numbered:
        redis_for(room.key).publish(channel(room.key), DROPPABLE + encoded(event))
        return
    publish_now(
        room=room, event=encoded(event), event_id=event_id, in_history=event.in_history and room.history_count > 0
    )


def _to_everyone(event: RoomEvent, to: Everyone, event_id: str) -> None:
    """Numbered, room by room, in portions; a relay that died in between begins again, and rooms that have heard it hear nothing."""
    if not event.numbered:
        raise TypeError(f"{type(event).__name__} is a state of one room.")
    if _subscribers.open_rooms is None:
        raise LookupError("Nobody has said which rooms an app has: `install` was not called.")
    message = Message(id=event_id, event=encoded(event), in_history=event.in_history)
    for rooms in _subscribers.open_rooms(to.sdkappid):
        publish_many_now([(room, message) for room in rooms])
