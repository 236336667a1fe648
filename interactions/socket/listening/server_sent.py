"""A room's events as server-sent events: a second dialect of the same classes, for programs that only listen.

Promise: as at the socket, each numbered event once and in order. `id` is `<epoch>.<seq>`; who comes back with it as `Last-Event-ID` gets
exactly the rest, or hears `reset`: what it knows of the room may lack something. A client that is too slow is cut, and comes back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import orjson

from interactions.delivery.control import CloseSockets, Heard
from interactions.delivery.events import Control, RoomEvent, decoded, encoded
from interactions.delivery.fanout import Codec, SendQueue
from interactions.room.events import StandingInRoom, TracesBarred

CONTENT_TYPE: Final = "text/event-stream; charset=utf-8"
# Proxies and phones forget a connection on which nothing comes.
COMMENT_SECONDS: Final = 15.0
# Clients come back by themselves after so long, unless they are told another time.
RETRY_MS: Final = 1_000
RESTART: Final = 4000
_PLACE = re.compile(r"([A-Za-z0-9-]{1,64})\.([0-9]{1,15})\Z")


# -- the dialect


def rendered(event: RoomEvent, *, epoch: str) -> bytes:
    """One event of a room. Its name is the one on every other wire, and so is its JSON."""
    name = str(event.__struct_config__.tag).encode()
    place = b"" if event.seq is msgspec.UNSET else f"id: {epoch}.{event.seq}\n".encode()
    return place + b"event: " + name + b"\ndata: " + encoded(event) + b"\n\n"


def _rendered_json(raw: bytes, epoch: str) -> bytes:
    try:
        return rendered(decoded(raw, RoomEvent), epoch=epoch)
    except msgspec.ValidationError:  # of a newer process, while an older one still serves
        said = orjson.loads(raw)
        place = f"id: {epoch}.{said['seq']}\n".encode() if "seq" in said else b""
        return place + b"data: " + raw + b"\n\n"


class ServerSentEvents:
    """The codec (`fanout.Codec`): a batch is its events one after the other."""

    @property
    def alone(self) -> Codec:
        return self

    def frame(self, *, room: str, epoch: str, events: Sequence[bytes]) -> bytes:
        return b"".join(_rendered_json(raw, epoch) for raw in events)


CODEC: Final = ServerSentEvents()


def place_in(last_event_id: str) -> tuple[str, int] | None:
    """Epoch and seq of the last event that a client has; None for nothing or nonsense: it begins anew."""
    found = _PLACE.match(last_event_id)
    return (found[1], int(found[2])) if found else None


def standing_at(*, epoch: str, seq: int) -> bytes:
    """Where the room stands. It is no event; it is what a client says when it comes back."""
    return f"id: {epoch}.{seq}\nretry: {RETRY_MS}\n\n".encode()


def reset(*, epoch: str, seq: int) -> bytes:
    """What came since the client's own place is not there any more: ask for the room anew."""
    return f"id: {epoch}.{seq}\nretry: {RETRY_MS}\nevent: reset\ndata: ".encode() + orjson.dumps(
        {"type": "reset", "epoch": epoch, "seq": seq}
    ) + b"\n\n"  # fmt: skip


# -- one client


class Listener:
    """A connection as the hub needs it (`fanout.Viewer`): it is written to, hears what concerns it, and is let go.

    `room` (a key) and `traces`: what a ban names. `close` ends the connection."""

    codec: Codec = CODEC

    def __init__(self, *, transport: Any, room: str, traces: frozenset[str], close: Callable[[], None]) -> None:
        self.queue = SendQueue(transport=transport, overflow=self._cut)
        self.dismissed = False
        self._room, self._traces, self._close = room, traces, close
        self._timer = asyncio.get_running_loop().call_later(COMMENT_SECONDS, self._comment)

    def _comment(self) -> None:
        self.queue.write(b":\n\n", must=False)
        self._timer = asyncio.get_running_loop().call_later(COMMENT_SECONDS, self._comment)

    def hear(self, message: Heard) -> None:
        """What concerns the person who listens."""
        control = message.control
        if isinstance(control, CloseSockets):
            self.dismiss(code=control.code, reason=control.reason, message=control.message)
        elif isinstance(control, StandingInRoom) and control.room == self._room and control.closing is not None:
            closing = control.closing
            self.dismiss(code=closing.code, reason=closing.reason, message=closing.message)

    def hear_control(self, control: Control) -> None:
        """What concerns the room."""
        if isinstance(control, TracesBarred) and self._traces & set(control.traces):
            closing = control.closing
            self.dismiss(code=closing.code, reason=closing.reason, message=closing.message)

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = RETRY_MS) -> None:
        """`bye`, as at the socket, and the end. Whoever may not come back is refused when it tries, and a browser stops then."""
        if not self.dismissed:
            said = {"type": "bye", "code": code, "reason": reason, "reconnect": code < 4100, "message": message}
            self.queue.write(f"retry: {max(after_ms, 100)}\nevent: bye\ndata: ".encode() + orjson.dumps(said) + b"\n\n")
            self.queue.release()
            self._cut()

    def _cut(self) -> None:
        if not self.dismissed:
            self.dismissed = True
            self.end()
            self._close()

    def end(self) -> None:
        self._timer.cancel()
        self.queue.end()
