"""A TCP port on loopback that leads to one outside address: RTMP, RTMP over TLS (which ends here) and RTSP.

Bounds: four connections at once, each with half a megabyte waiting per direction; a reader that is slow slows the other end. The name is
looked up and judged for each connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol, cast

from streams.egress.dialling import Dialler, Unreachable
from streams.egress.rules import Address, AddressRefused
from streams.egress.rules.rtsp import Answers, Requests
from streams.egress.ways.book import Book
from streams.egress.ways.peers import is_ours

log = logging.getLogger(__name__)

_MOST_AT_ONCE: Final = 4
_WAITING_BYTES: Final = 512 * 1024


class _Filter(Protocol):
    def feed(self, data: bytes) -> bytes: ...


class _End(asyncio.Protocol):
    """One end of a relay; `other` is the one it writes to."""

    def __init__(self, *, count: Callable[[int], None], book: Book) -> None:
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None
        self.filter: _Filter | None = None
        self._early = bytearray()
        self._count, self._book = count, book

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=_WAITING_BYTES)

    def join(self, other: _End) -> None:
        """From now on what is read here is written there, what was read already first."""
        self.other = other
        early, self._early = bytes(self._early), bytearray()
        if early:
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            # Python 3.11 begins to read although `connection_made` paused it.
            self._early += data
            if len(self._early) > _WAITING_BYTES:
                self.close()
            return
        self._count(len(data))
        if self.filter is not None:
            try:
                data = self.filter.feed(data)
            except AddressRefused as error:
                self._book.note(str(error))
                self.close()
                return
        if data and self.other.transport is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def close(self) -> None:
        for end in (self, self.other):
            if end is not None and end.transport is not None:
                end.transport.abort()


class _FromChild(_End):
    """The child's end; reads nothing until the other is there."""

    def __init__(self, way: TcpWay) -> None:
        super().__init__(count=way.count_out, book=way.book)
        self._way = way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None  # noqa: S101 - set above
        # Not at once: before Python 3.11.4 asyncio begins to read after this call, whatever was said here, and the first bytes were lost.
        asyncio.get_running_loop().call_soon(self.transport.pause_reading)
        self._way.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._way.left(self)


class TcpWay:
    """Open until `close`."""

    def __init__(self, *, address: Address, dialler: Dialler, book: Book) -> None:
        self.address, self.book = address, book
        self._dialler = dialler
        self._server: asyncio.Server | None = None
        self._ends: dict[_FromChild, asyncio.Task[None]] = {}
        self.port = 0

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _FromChild(self), "127.0.0.1", 0, backlog=8)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for end, task in list(self._ends.items()):
            task.cancel()
            end.close()

    def count_in(self, size: int) -> None:
        self.book.bytes_in += size

    def count_out(self, size: int) -> None:
        self.book.bytes_out += size

    def came(self, end: _FromChild) -> None:
        assert end.transport is not None  # noqa: S101 - just connected
        peer = end.transport.get_extra_info("peername")
        if len(self._ends) >= _MOST_AT_ONCE or not is_ours(kind="tcp", port=peer[1], to=self.port):
            log.warning("A connection to a way out that is not of our children, or one too many, is refused.")
            end.transport.abort()
            return
        self._ends[end] = asyncio.create_task(self._join(end))

    def left(self, end: _FromChild) -> None:
        task = self._ends.pop(end, None)
        if task is not None:
            task.cancel()

    async def _join(self, end: _FromChild) -> None:
        def outside() -> _End:
            made = _End(count=self.count_in, book=self.book)
            # Before its first byte: some servers speak first.
            made.other = end
            if self.address.scheme == "rtsp":
                made.filter = Answers()
            return made

        try:
            other = await self._dialler.connect(self.address, outside)
        except (AddressRefused, Unreachable) as error:
            self.book.note(str(error))
            end.close()
            return
        if end.transport is None or end.transport.is_closing():
            other.close()
            return
        if self.address.scheme == "rtsp":
            host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
            there = f"rtsp://{host}" if self.address.port == 554 else self.address.origin
            end.filter = Requests(here=f"rtsp://127.0.0.1:{self.port}", there=there)
        end.join(other)
        end.transport.resume_reading()
