"""One open connection that watches: what it still gets, and when it gets less.

Everything is written straight to its transport, the same bytes object for all. State: the transport's own queue, which is
bounded: above the bound a viewer hears nothing until a keyframe finds its queue drained."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass

GATHER_SECONDS = 0.040
PICTURE_SECONDS = 0.030
# What became of a batch that was offered to a viewer.
WRITTEN, LEFT_OUT, SKIPPED = 0, 1, 2


class Wire(enum.Enum):
    """How bytes are wrapped on the way."""

    RAW = "raw"
    CHUNKED = "chunked"
    WEBSOCKET = "websocket"


class Batch:
    """Some tags as they go out: joined once, wrapped once per kind of wire."""

    __slots__ = ("_chunk", "_frame", "from_key", "raw")

    def __init__(self, raw: bytes, *, from_key: bool) -> None:
        self.raw = raw
        self.from_key = from_key
        self._chunk: bytes | None = None
        self._frame: bytes | None = None

    def on(self, wire: Wire) -> bytes:
        if wire is Wire.CHUNKED:
            if self._chunk is None:
                self._chunk = wrapped(self.raw, wire)
            return self._chunk
        if wire is Wire.WEBSOCKET:
            if self._frame is None:
                self._frame = wrapped(self.raw, wire)
            return self._frame
        return self.raw


def wrapped(raw: bytes, wire: Wire) -> bytes:
    """An HTTP chunk, or one binary WebSocket frame (from a server: unmasked)."""
    if wire is Wire.RAW or not raw:
        return raw
    size = len(raw)
    if wire is Wire.CHUNKED:
        return b"%x\r\n%b\r\n" % (size, raw)
    if size < 126:
        head = bytes((0x82, size))
    elif size < 65536:
        head = b"\x82\x7e" + size.to_bytes(2, "big")
    else:
        head = b"\x82\x7f" + size.to_bytes(8, "big")
    return head + raw


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the viewer came with; looked at again while it watches."""

    stream: str
    vid: str | None = None
    vsig: str | None = None
    tx_time: str | None = None
    tx_secret: str | None = None


class Viewer:
    """`ended` is set with a word when the picture is over for this viewer, whoever decided it."""

    __slots__ = ("_transport", "bound_bytes", "ended", "heard_config", "silent_since", "skipping", "ticket", "wire")

    def __init__(self, *, transport: asyncio.Transport, wire: Wire, ticket: Ticket, bound_bytes: int) -> None:
        self._transport = transport
        self.wire = wire
        self.ticket = ticket
        self.bound_bytes = bound_bytes
        self.skipping = False
        # Loop time since when its queue is over the bound.
        self.silent_since: float | None = None
        # Which codec configuration of the stream it was told; a rejoin tells it a newer one.
        self.heard_config = 0
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def end(self, word: str) -> None:
        if not self.ended.done():
            self.ended.set_result(word)

    def abort(self) -> None:
        """Do not wait for what it has not read."""
        self._transport.abort()

    def send(self, raw: bytes) -> None:
        """Something for this viewer alone."""
        if not self._transport.is_closing():
            self._transport.write(wrapped(raw, self.wire))

    def offer(self, batch: Batch, *, config: bytes, config_version: int, now: float) -> int:
        """The next batch of its stream: WRITTEN, or LEFT_OUT, or SKIPPED where it is behind since just now."""
        transport = self._transport
        if self.skipping:
            if not batch.from_key or transport.get_write_buffer_size() > self.bound_bytes // 4:
                return LEFT_OUT
            self.skipping = False
            self.silent_since = None
            if self.heard_config != config_version:
                self.heard_config = config_version
                self.send(config)
        elif transport.get_write_buffer_size() > self.bound_bytes:
            self.skipping = True
            self.silent_since = now
            return SKIPPED
        if transport.is_closing():
            self.end("gone")
            return LEFT_OUT
        transport.write(batch.on(self.wire))
        return WRITTEN


def offer_to_all(
    viewers: Collection[Viewer], batch: Batch, *, config: tuple[bytes, int], now: float
) -> tuple[int, int]:
    """The next batch of their stream: how many bytes were written, how many viewers were skipped just now. `config`: the codecs'
    configuration and its version."""
    without = skipped = 0
    for viewer in viewers:
        # Nearly all of them are written to: nothing is counted for those.
        if outcome := viewer.offer(batch, config=config[0], config_version=config[1], now=now):
            without += 1
            skipped += outcome == SKIPPED
    return len(batch.raw) * (len(viewers) - without), skipped


def end_silent(viewers: Collection[Viewer], *, since: float) -> int:
    """Let go of those who have read nothing since then (loop time). How many."""
    silent = [one for one in viewers if one.silent_since is not None and one.silent_since < since]
    for viewer in silent:
        viewer.abort()
        viewer.end("stalled")
    return len(silent)


class Gathered:
    """Tags that are sent together: what costs is a write per viewer. A picture goes at once unless one went just before."""

    def __init__(self, *, send: Callable[[Batch], None]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._tags: list[bytes] = []
        self._from_key = False
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, tag: bytes, *, is_key: bool) -> None:
        """`is_key`: a player may begin with it."""
        if not self._tags:
            self._from_key = is_key
        self._tags.append(tag)

    def send_soon(self, *, now: float, picture: bool) -> None:
        if not self._tags:
            return
        since = now - self._sent_at
        if since >= GATHER_SECONDS or (picture and since >= PICTURE_SECONDS):
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_at(self._sent_at + GATHER_SECONDS, self.flush)

    def flush(self) -> None:
        self.stop()
        if self._tags:
            batch = Batch(b"".join(self._tags), from_key=self._from_key)
            self._tags.clear()
            self._sent_at = self._loop.time()
            self._send(batch)

    def clear(self) -> None:
        self._tags.clear()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
