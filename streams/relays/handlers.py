"""What a room's end means for its relays."""

from __future__ import annotations

from liveroom.kernel.facts import handles
from liveroom.rooms.facts import RoomDisbanded, StatusChanged
from streams.relays.services import ROOM_ENDED, stop_relays


@handles(RoomDisbanded)
def stop_with_room(fact: RoomDisbanded) -> None:
    stop_relays(room_id=fact.room_id, now=fact.at, reason="The room was disbanded.")


@handles(StatusChanged)
def stop_with_show(fact: StatusChanged) -> None:
    """Whoever ends a show by hand wants it to stay ended: what would begin it again by itself is switched off."""
    if fact.by_hand and fact.after == "ended":
        stop_relays(room_id=fact.room_id, now=fact.at, reason=ROOM_ENDED, into_programme=True)
