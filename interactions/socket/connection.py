"""A viewer's socket as the hub needs it: a bounded queue of whole frames, and a way to say goodbye."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from interactions.delivery import frames as envelope
from interactions.delivery.events import Control
from interactions.delivery.fanout import Codec, SendQueue

TOO_SLOW = 4009


class Socket:
    """One connection. `transport` is Twisted's, put into the scope by `liveroom.sockets.server.SocketServer`.

    `codec`: how the room's events are written to it. `owner`: its consumer, which hears the hub's words about the room.
    `under_way`: commands that were begun and are not answered yet; `served`: frames that were dealt with.
    `rest(ms)`: no command is read for so long."""

    __slots__ = ("__weakref__", "_close", "codec", "dismissed", "owner", "queue", "rest", "served", "under_way")

    def __init__(
        self,
        *,
        transport: Any,
        codec: Codec,
        close: Callable[[int], Coroutine[Any, Any, None]],
        owner: Any,
        rest: Callable[[int], None],
    ) -> None:
        self.rest = rest
        self.under_way = self.served = 0
        self.queue = SendQueue(transport=transport, overflow=self._too_slow)
        self.codec = codec
        self.dismissed = False
        self._close = close
        self.owner = owner

    def refuses(self, payload: bytes) -> bool:
        return bool(self.owner.refuses(payload))

    def say(self, payload: bytes) -> None:
        self.queue.write(envelope.text_frame(payload))

    def hear_control(self, control: Control) -> None:
        self.owner.hear_control(control)

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = 1000) -> None:
        """`bye`, then the close frame. 4000-4099 tell the client to come back (surface.md)."""
        if self.dismissed:
            return
        after_ms = after_ms if code < 4100 else 0
        self.say(envelope.bye(reason=reason, reconnect=code < 4100, after_ms=after_ms, message=message))
        self.queue.release()
        self._finish(code)

    def silence(self) -> None:
        """Nothing more is said: the connection is failing, and a close frame is its last word."""
        self.dismissed = True
        self.queue.end()

    def lost(self) -> None:
        """The connection is gone; what it asked before is still done."""
        self.queue.end()

    def _too_slow(self) -> None:
        """Without `bye`, which would only wait with the rest."""
        if not self.dismissed:
            self._finish(TOO_SLOW)

    def _finish(self, code: int) -> None:
        self.dismissed = True
        self.queue.end()
        asyncio.ensure_future(self._close(code))  # noqa: RUF006 - ends with the socket
