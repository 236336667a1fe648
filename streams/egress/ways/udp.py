"""A UDP port on loopback that leads to one outside address: SRT. The first sender that is of our user is the child; nobody else is heard.

Bounds: what neither side takes at once is lost, as on any network; SRT asks for it again. State: two sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final

from streams.egress.dialling import Dialler, Unreachable
from streams.egress.rules import Address, AddressRefused
from streams.egress.ways.book import Book
from streams.egress.ways.peers import is_ours

log = logging.getLogger(__name__)

_LONGEST: Final = 2048
_AT_ONCE: Final = 64
_BUFFER_BYTES: Final = 2_000_000


class UdpWay:
    """Open until `close`."""

    def __init__(self, *, address: Address, dialler: Dialler, book: Book) -> None:
        self.address, self.book = address, book
        self._dialler = dialler
        self._here: socket.socket | None = None
        self._there: socket.socket | None = None
        self._child: tuple[str, int] | None = None
        self._joining: asyncio.Task[None] | None = None
        self.port = 0

    async def open(self) -> None:
        here = _socket(socket.AF_INET)
        here.bind(("127.0.0.1", 0))
        self._here, self.port = here, here.getsockname()[1]
        asyncio.get_running_loop().add_reader(here, self._from_child)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        if self._joining is not None:
            self._joining.cancel()
        for each in (self._here, self._there):
            if each is not None:
                loop.remove_reader(each)
                each.close()
        self._here = self._there = None

    def _from_child(self) -> None:
        here = self._here
        for _ in range(_AT_ONCE):
            if here is None:
                return
            try:
                data, sender = here.recvfrom(_LONGEST)
            except OSError:
                return
            if sender != self._child and not self._is_child(sender):
                continue
            there = self._there
            if there is None:
                if self._joining is None or self._joining.done():
                    self._joining = asyncio.create_task(self._join())
                continue
            try:
                there.send(data)
                self.book.bytes_out += len(data)
            except OSError:
                continue

    def _is_child(self, sender: tuple[str, int]) -> bool:
        """A child that was refused comes again from another port, as does one that reconnects."""
        if sender[0] != "127.0.0.1" or not is_ours(kind="udp", port=sender[1], to=self.port):
            return False
        if self._child is not None:
            # Another conversation: what is still under way for the first one must not reach the second.
            self._leave()
        self._child = sender
        return True

    def _leave(self) -> None:
        if self._there is not None:
            asyncio.get_running_loop().remove_reader(self._there)
            self._there.close()
            self._there = None

    async def _join(self) -> None:
        """Datagrams that come meanwhile are lost; SRT's handshake is repeated four times a second."""
        try:
            ip = (await self._dialler.addresses(host=self.address.host, port=self.address.port))[0]
        except (AddressRefused, Unreachable) as error:
            self.book.note(str(error))
            # A child asks again and again; the answer is looked up once a second at most.
            await asyncio.sleep(1.0)
            return
        there = _socket(socket.AF_INET6 if ip.version == 6 else socket.AF_INET)
        try:
            there.connect((str(ip), self.address.port))
        except OSError as error:
            there.close()
            self.book.note(f"{self.address.place} cannot be reached: {error.strerror}.")
            return
        self._there = there
        asyncio.get_running_loop().add_reader(there, self._from_outside)

    def _from_outside(self) -> None:
        there, here, child = self._there, self._here, self._child
        if there is None or here is None or child is None:
            return
        for _ in range(_AT_ONCE):
            try:
                data = there.recv(_LONGEST)
            except OSError:
                return
            self.book.bytes_in += len(data)
            try:
                here.sendto(data, child)
            except OSError:
                continue


def _socket(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    return made
