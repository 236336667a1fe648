"""What delivery knows of a room without asking the database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoomRef:
    """`key` names the room in Redis, `group_id` on the wire. The limits are the app's settings at the time of joining. What a feature
    knows beside that of a room stands in a class of its own that derives from this one."""

    key: str
    group_id: str
    app_id: int
    history_count: int
    history_hours: int
    room_id: int = 0
    messages_per_second: int = 40


def ref_of_key(*, room_key: str) -> RoomRef:
    """For whoever knows the key only; nothing of theirs enters the history."""
    _, _, group_id = room_key.partition(":")
    return RoomRef(key=room_key, group_id=group_id, app_id=0, history_count=0, history_hours=1)
