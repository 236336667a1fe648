"""What the hot lane knows of a room, as the database has it."""

from __future__ import annotations

from interactions.delivery.room_ref import RoomRef
from liveroom.rooms.models import Room


def ref(room: Room) -> RoomRef:
    """The reference of a room whose `app` is loaded."""
    return RoomRef(
        key=room.key,
        group_id=room.group_id,
        app_id=room.app_id,
        history_count=room.app.history_count,
        history_hours=room.app.history_hours,
        room_id=room.pk,
        messages_per_second=room.messages_per_second or room.app.messages_per_second,
        message_bytes=room.message_bytes or room.app.message_bytes,
        likes_per_second=room.app.likes_per_second,
        like_batch=room.app.like_batch,
        like_batch_ms=room.app.like_batch_ms,
        several_rooms=room.app.several_rooms,
    )
