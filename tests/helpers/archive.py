"""Entries of the archive's stream, as the room's script writes them."""

from __future__ import annotations

from typing import Any

import orjson
import redis

from interactions.delivery.rooms.archive_stream import ARCHIVE
from liveroom.kernel import clock

ROOM = "1400000000:r1"


def said(seq: int | None, text: str = "", *, by: str = "mia", **more: Any) -> bytes:
    """One event, a comment unless told otherwise; without `seq` it was sampled."""
    number = {} if seq is None else {"seq": seq}
    event = {
        **number,
        "type": "comment",
        "t": clock.now_ms(),
        "id": f"e{seq}",
        "text": text or f"words {seq}",
        "from": {"id": by, "nick": by.title(), "avatar": "", "level": 0, "role": "member"},
        "priority": "Normal",
        **more,
    }
    return orjson.dumps(event)


def tick(
    client: redis.Redis,
    *events: bytes,
    sampled: tuple[bytes, ...] = (),
    room: str = ROOM,
    epoch: str = "aaaa",
    at: int | None = None,
    id: str = "*",
) -> Any:
    """What one tick of a room leaves behind; `sampled` are `<reason> <event>`. Returns the entry's id (a pipeline: itself)."""
    fields: dict[str, Any] = {
        "room": room,
        "epoch": epoch,
        "at": clock.now_ms() if at is None else at,
        "events": b"\n".join(events),
    }
    if sampled:
        fields["sampled"] = b"\n".join(sampled)
    return client.xadd(ARCHIVE, fields, id=id)
