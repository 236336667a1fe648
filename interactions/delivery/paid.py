"""What was paid for, published durably: under the room's rate and never dropped, however long it waits for its place.

Promise: a message stays in the outbox until the room says that it has it, under one id, so it is heard once; those of one room are handed
over in their order, as High. Of a room that was disbanded nobody is there to hear it. State: the outbox's rows of the topic `paid`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from interactions.delivery.events import RoomEvent, as_row, encoded, from_row
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.admission import Priority
from interactions.delivery.rooms.messages import WAITS, Message
from interactions.delivery.rooms.submitting import submit_many_now
from liveroom.kernel import outbox
from liveroom.kernel.outbox import Handled, OutboxMessage

# The topic of the outbox, and its handler in wiring.py: `deliver_paid`.
PAID: Final = "paid"
# Messages of one room that are handed to Redis at once, and from how many that wait a room counts as crowded.
HANDED_OVER: Final = 60
CROWDED: Final = 60


@dataclass(frozen=True, slots=True)
class PaidMessage:
    """`id`: it is heard once under it; `sender`: the user id, for fairness between senders; `room_id`: of the row, because a room's key
    is given away again once the room is disbanded."""

    id: str
    sender: str
    room_id: int
    room_key: str
    event: RoomEvent


def publish_paid_durably(messages: Sequence[PaidMessage], *, at: datetime) -> None:
    """In the caller's transaction: heard if that is committed, and then surely."""
    for one in messages:
        if not one.event.paid:
            raise TypeError(f"{type(one.event).__name__} is not paid for.")
    rows = [
        OutboxMessage(
            event_id=one.id,
            room_key=one.room_key,
            payload={"room": one.room_id, "sender": one.sender, "event": as_row(one.event)},
        )
        for one in messages
    ]
    outbox.put_all(topic=PAID, messages=rows, now=at)


def crowded_rooms() -> set[str]:
    """The keys of rooms in which so much waits that whoever publishes had better merge it."""
    return outbox.rooms_waiting(topic=PAID, at_least=CROWDED)


def deliver_paid(
    messages: Sequence[OutboxMessage], now: datetime, *, open_rooms: Callable[[Collection[int]], Mapping[int, RoomRef]]
) -> Handled:
    """The outbox's batch handler of PAID, for at most HANDED_OVER of a room. What the room has not taken yet stays and is asked for
    again. `open_rooms`: those of these ids that are not disbanded."""
    by_room: dict[int, list[OutboxMessage]] = defaultdict(list)
    for message in messages:
        by_room[message.payload["room"]].append(message)
    rooms = open_rooms(by_room.keys())
    done = [one.event_id for room_id, waiting in by_room.items() if room_id not in rooms for one in waiting]
    parts = [(rooms[room_id], waiting) for room_id, waiting in by_room.items() if room_id in rooms]
    answers = submit_many_now(
        [(room, [_message(one) for one in waiting]) for room, waiting in parts], tick_ms=settings.LIVEROOM.tick_ms
    )
    again_in: list[float] = []
    for (_, waiting), found in zip(parts, answers, strict=True):
        outcomes = zip(waiting, found.outcomes, strict=True)
        done += [one.event_id for one, outcome in outcomes if outcome is not WAITS]
        # As many as are handed over at once: there may be more.
        if len(waiting) >= HANDED_OVER or WAITS in found.outcomes:
            again_in.append(max(0.01, found.next_ms / 1000))
    return Handled(done=done, again_in=min(again_in, default=None))


def _message(waiting: OutboxMessage) -> Message:
    event = from_row(waiting.payload["event"], RoomEvent)
    return Message(
        id=waiting.event_id, event=encoded(event), sender=waiting.payload["sender"], priority=Priority.HIGH,
        in_history=event.in_history, paid=True,
    )  # fmt: skip
