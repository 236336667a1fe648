"""What draws do when something happens to their room."""

from __future__ import annotations

from interactions.draws.services.opening import cancel_draws_of
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import RoomDisbanded


@handles(RoomDisbanded)
def cancel_after_disband(fact: RoomDisbanded) -> None:
    """Its draws end with it (durable, under the room's lock)."""
    cancel_draws_of(room_id=fact.room_id, room_key=fact.room_key, now=fact.at)
