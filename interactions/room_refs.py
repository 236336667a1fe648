"""What the hot lane knows of a room, as the database has it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from interactions.delivery.room_ref import RoomRef
from interactions.likes.rules import APART_MS, BATCH
from liveroom.rooms.models import Room


@dataclass(frozen=True, slots=True)
class KnownRoom(RoomRef):
    """With the limits that features ask for: settings of the app at the time of joining."""

    message_bytes: int = 8192
    likes_per_second: int = 50
    like_batch: int = BATCH
    like_batch_ms: int = APART_MS
    several_rooms: bool = True


def ref(room: Room) -> KnownRoom:
    """The reference of a room whose `app` is loaded."""
    return KnownRoom(
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


def open_refs(room_ids: Collection[int]) -> dict[int, RoomRef]:
    """Of these rooms those that are not disbanded, by their ids."""
    rooms = Room.objects.filter(disbanded_at__isnull=True).select_related("app").in_bulk(room_ids)
    return {pk: ref(room) for pk, room in rooms.items()}


def ref_of_key(*, room_key: str) -> KnownRoom:
    """Of a room of which only the key is known; nothing enters its history."""
    return KnownRoom(key=room_key, group_id=room_key.partition(":")[2], app_id=0, history_count=0, history_hours=1)
