"""How many changes of its state a room has seen: a number for each word about it, so that an older word never wins over a newer one."""

from __future__ import annotations

from liveroom.kernel.data.sql import asked


def next_version(*, room_id: int) -> int:
    """In the transaction of the change, which holds the room's row or does so from here on: versions rise as the changes are committed."""
    statement = "UPDATE rooms_room SET state_version = state_version + 1 WHERE id = %s RETURNING state_version"
    return int(asked(statement, (room_id,))[0][0])
