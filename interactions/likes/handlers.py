"""What likes have to know of their room: whether the show has ended, and that the room is gone."""

from __future__ import annotations

from interactions.delivery import Room as ToRoom
from interactions.delivery import Target, before, when_a_room_closes
from interactions.likes import redis_counter
from interactions.room.events import RoomStatus
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import StatusChanged
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import is_over


@handles(StatusChanged, after_commit=True)
def follow_status(fact: StatusChanged) -> None:
    """Sockets ask Redis whether the show is on: it knows of a change as soon as that is committed (best effort; `follow_status_surely`
    writes it again)."""
    found = Room.objects.filter(pk=fact.room_id).values_list("status", "state_version").first()
    if found is not None:
        redis_counter.mark_over_now(room_key=fact.room_key, over=is_over(found[0]), version=found[1])


@before(RoomStatus)
def follow_status_surely(event: RoomStatus, to: Target) -> None:
    """Before viewers hear of it: whoever has heard that the show is on may like it."""
    if isinstance(to, ToRoom):
        redis_counter.mark_over_now(room_key=to.key, over=is_over(event.status), version=event.version)


@when_a_room_closes
def forget_likes(room_key: str) -> None:
    redis_counter.forget_now(room_key=room_key)
