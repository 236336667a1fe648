"""Delivery: how a thing reaches a viewer. It knows no feature and no table of the database.

`publish(event, to=Room(…) | Person(…) | Everyone(…))` publishes it now, from a thread. `publish_durably` publishes it if the caller's
transaction is committed, and then surely; `publish_paid_durably` the same for what was paid for, which waits for its place within the
room's rate. `publish_at_once` is for control messages, which no client sees: the processes that hold sockets have acted on them before
the caller is answered. An event is a class of a feature's `events.py` (`delivery.events`).

What is promised:

- Order. The numbered events of a room (`seq`) reach every viewer in one order, the same for all, without a gap; so do the events of one
  person (`useq`). What was published durably keeps the order of the commits. Between a room and a person there is no order.
- At least once, and once. What is durable is tried until Redis has it, whoever dies. Redis knows the id of what it has: published again
  with the same id, it is heard once.
- What may be dropped. Events that are not `numbered` may be merged, or left out for a viewer that is slow: each is a state, not a
  difference. What people say is held to the room's rate and may be sampled; what is `paid` waits for its place and is not. Everything
  else is above the rate and is never dropped: a viewer that is too slow for it is closed, and comes back to exactly the rest.
- Coming back. Whoever says what it heard last gets what came after it, as long as the log reaches (two minutes, 500 events; of a person
  two minutes or as long as was asked for); else it hears that something is missing."""

from interactions.delivery.events import ms
from interactions.delivery.paid import PaidMessage, crowded_rooms, publish_paid_durably
from interactions.delivery.publishing import (
    apublish,
    before,
    hold_at_once,
    publish,
    publish_all_durably,
    publish_at_once,
    publish_durably,
    publish_to_many,
    when_a_room_closes,
)
from interactions.delivery.targets import Everyone, Person, Room, Target

__all__ = [
    "Everyone", "PaidMessage", "Person", "Room", "Target", "apublish", "before", "crowded_rooms", "hold_at_once", "ms", "publish",
    "publish_all_durably", "publish_at_once", "publish_durably", "publish_paid_durably", "publish_to_many", "when_a_room_closes",
]  # fmt: skip
