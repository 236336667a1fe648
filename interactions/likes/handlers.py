"""What likes have to know of their room before viewers do: whether the show has ended, and that the room is gone."""

from __future__ import annotations

from interactions.delivery import Room, Target, before, when_a_room_closes
from interactions.likes import counting
from interactions.room.events import RoomStatus
from liveroom.rooms.rules.status import is_over


@before(RoomStatus)
def count_again_or_no_more(event: RoomStatus, to: Target) -> None:
    """Before viewers hear of it: whoever has heard that the show is on may like it."""
    if isinstance(to, Room):
        counting.mark_over_now(room_key=to.key, over=is_over(event.status), version=event.version)


@when_a_room_closes
def forget_likes(room_key: str) -> None:
    counting.forget_now(room_key=room_key)
