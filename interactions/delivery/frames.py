"""How events and frames look on the wire (surface.md, "Socket"); bytes are built once and shared by every viewer.

Events have `type` and `t` (unix ms); those that nobody may miss also have `seq`, which the room's script in Redis gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

EVENT_TYPES: Final = frozenset(
    {
        "comment",
        "custom",
        "gift",
        "status",
        "notice",
        "room",
        "attributes",
        "role",
        "stream",
        "online",
        "likes",
        "join",
        "leave",
        "system",
        "broadcast",
        "mute",
        "unmute",
        "mute_all",
        "ban",
        "draw_open",
        "draw_result",
        "poll",
        "pin",
    }
)
# Newest value wins, or nobody misses it: these carry no seq.
WITHOUT_SEQ: Final = frozenset({"online", "likes", "join", "leave"})


def event(*, type: str, t: int, **body: Any) -> bytes:
    """One event as JSON. An unknown type is a programming error: PROTOCOL.md must name it first."""
    if type not in EVENT_TYPES:
        raise ValueError(f"{type!r} is no event of the protocol")
    return orjson.dumps({"type": type, "t": t, **body})


def batch(*, room: str, epoch: str, events: Iterable[bytes]) -> bytes:
    """A frame with events that are JSON already."""
    head = b'{"type":"batch","room":' + orjson.dumps(room) + b',"epoch":' + orjson.dumps(epoch) + b',"events":['
    return head + b",".join(events) + b"]}"


def bye(*, reason: str, reconnect: bool, after_ms: int = 0, message: str = "") -> bytes:
    """The last words before every close that is ours."""
    return orjson.dumps(
        {"type": "bye", "reason": reason, "reconnect": reconnect, "after_ms": after_ms, "message": message}
    )


def text_frame(payload: bytes) -> bytes:
    """A server-to-client WebSocket text frame (RFC 6455 section 5.2): final, not masked."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return bytes((0x81, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x81, 127)) + size.to_bytes(8, "big") + payload
