"""A viewer's socket as the hub needs it: whole frames straight to the transport, bounded, never waiting."""

from __future__ import annotations

import asyncio
from typing import Any

from interactions.live import envelope

MAX_QUEUED_BYTES = 1024 * 1024
TOO_SLOW = 4009


class Socket:
    """One connection. `transport` is Twisted's, put into the scope by `liveroom.serving.SocketServer`.

    Daphne has no back pressure: without the bound, stalled viewers would grow memory without end (design.md, known traps)."""

    __slots__ = ("_close", "_closing", "_transport", "dismissed")

    def __init__(self, *, transport: Any, close: Any) -> None:
        self._transport = transport
        self._close = close
        self._closing = False
        self.dismissed = asyncio.Event()

    def _queued(self) -> int:
        transport = self._transport
        return len(transport.dataBuffer) + sum(map(len, transport._tempDataBuffer))

    def write(self, frame: bytes) -> None:
        if self._closing:
            return
        if self._queued() > MAX_QUEUED_BYTES:
            self._closing = True
            self._finish(TOO_SLOW)
            return
        self._transport.write(frame)

    def say(self, payload: bytes) -> None:
        self.write(envelope.text_frame(payload))

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = 1000) -> None:
        """`bye`, then the close frame. 4000-4099 tell the client to come back (surface.md)."""
        if self._closing:
            return
        self.say(
            envelope.bye(reason=reason, reconnect=code < 4100, after_ms=after_ms if code < 4100 else 0, message=message)
        )
        self._closing = True
        self._finish(code)

    def _finish(self, code: int) -> None:
        self.dismissed.set()
        asyncio.ensure_future(self._close(code))  # noqa: RUF006 - ends with the socket
