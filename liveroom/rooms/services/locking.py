"""Every change of a room begins by locking its row: changes of one room happen one after the other, and so do their facts."""

from __future__ import annotations

from liveroom.rooms.models import Room
from liveroom.rooms.selectors import RoomUnknown


def locked(room_id: int) -> Room:
    """The room, locked until the transaction ends. RoomUnknown if it was disbanded meanwhile."""
    room = (
        Room.objects.select_for_update(of=("self",))
        .select_related("app", "owner")
        .filter(pk=room_id, disbanded_at__isnull=True)
        .first()
    )
    if room is None:
        raise RoomUnknown("The room was disbanded.")
    return room
