"""Where many rooms stand, and no more: what the hub compares with what it has heard. State: Redis only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from liveroom.kernel.redis import aredis_for, key


@dataclass(frozen=True, slots=True)
class Glance:
    """Where a room stands, and no more: `mark` of its last event (b"": it never had one), `left`: how many wait for a tick."""

    epoch: str
    seq: int
    mark: bytes
    left: int


def mark_of(event: bytes) -> bytes:
    """By which an event is told from another one with the same number, as the script says it."""
    return hashlib.sha1(event, usedforsecurity=False).hexdigest()[:8].encode()


async def glances(*, room_keys: Sequence[str]) -> list[Glance]:
    """In one round. A room that Redis does not know has no epoch."""
    if not room_keys:
        return []
    pipe: Any = aredis_for(room_keys[0]).pipeline(transaction=False)
    for name in room_keys:
        pipe.execute_command("HMGET", key("state", name), "epoch", "seq", "mark", "left")
    return [
        Glance(epoch=(epoch or b"").decode(), seq=int(seq or 0), mark=mark or b"", left=int(left or 0))
        for epoch, seq, mark, left in await pipe.execute()
    ]
