"""A show that is over, and a room that is closed, take their windows with them."""

from __future__ import annotations

from liveroom.kernel.facts import handles
from liveroom.rooms.facts import RoomDisbanded, StatusChanged
from liveroom.rooms.rules.status import Status
from streams.timeshift import services


@handles(StatusChanged)
def room_changed(fact: StatusChanged) -> None:
    if fact.after == Status.ENDED:
        services.show_is_over(room_id=fact.room_id, now=fact.at)
    elif fact.after == Status.LIVE and fact.before not in (Status.LIVE, Status.PAUSED):
        services.show_begins(room_id=fact.room_id, now=fact.at)


@handles(RoomDisbanded)
def room_closed(fact: RoomDisbanded) -> None:
    services.forget_room(room_id=fact.room_id)
