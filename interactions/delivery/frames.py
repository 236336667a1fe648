"""How events and frames look on the wire (surface.md, "Socket"); bytes are built once and shared by every viewer.

Events have `type` and `t` (unix ms); those that nobody may miss also have `seq`, which the room's script in Redis gives."""

from __future__ import annotations

from collections.abc import Iterable

import orjson


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
