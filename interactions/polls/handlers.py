"""What polls do when something happens to their room."""

from __future__ import annotations

from interactions.polls.services.polls import close_polls_of
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import RoomDisbanded


@handles(RoomDisbanded)
def close_after_disband(fact: RoomDisbanded) -> None:
    """Its polls end with it and their results are told (durable, under the room's lock)."""
    close_polls_of(room_id=fact.room_id, room_key=fact.room_key, now=fact.at)
