"""The ways out for media children: each is made for one child, leads to the addresses it was made for, and ends with it.

    arguments, environment = await guard.open(launch, owner=owner)    # AddressNotAllowed
    …
    words = await guard.close(owner=owner)                            # why something was refused, for people

Promise: a child is told loopback addresses only, and options that keep it from opening others; names are looked up and every address is
judged here, at each connection. Lives in the event loop of `run_media`. State: the open ways."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from liveroom.kernel.errors import LiveRoomError
from streams.egress import arguments, rules
from streams.egress.dialling import Dialler, LookUp, system_look_up
from streams.egress.rules import Address, AddressRefused, Allowed, Own
from streams.egress.ways.book import Book
from streams.egress.ways.http import SCHEMES, HttpWay, HttpWays
from streams.egress.ways.tcp import TcpWay
from streams.egress.ways.udp import UdpWay
from streams.jobs.kinds import Launch


class AddressNotAllowed(LiveRoomError):
    """A child would go where it may not. The text names the address without its secrets, and why."""

    code, name, status = 10004, "address_not_allowed", 400


@dataclass(frozen=True, slots=True)
class Carried:
    """Bytes of one child so far."""

    bytes_in: int
    bytes_out: int


@dataclass(slots=True)
class _Open:
    """The ways of one child."""

    book: Book = field(default_factory=Book)
    ports: list[TcpWay | UdpWay] = field(default_factory=list)
    http: HttpWay | None = None


class Guard:
    def __init__(
        self, *, allow: Allowed, own: Own, look_up: LookUp = system_look_up, tls: ssl.SSLContext | None = None
    ) -> None:
        self._dialler = Dialler(allow=allow, own=own, look_up=look_up, tls=tls)
        self._http = HttpWays(dialler=self._dialler)
        self._open: dict[str, _Open] = {}

    async def open(self, launch: Launch, *, owner: str) -> tuple[Sequence[str], dict[str, str]]:
        """Arguments and environment for the child of `launch`. AddressNotAllowed; OSError: no port is free."""
        await self.close(owner=owner)
        mine = self._open[owner] = _Open()
        try:
            ways = {}
            # Always there, so that whatever a child asks for by HTTP has somewhere to be refused.
            mine.http = await self._http.open(book=mine.book)
            for reach in launch.reach:
                address = self._read(reach.url, use=arguments.use_of(reach.placeholder, launch.arguments))
                ways[reach.placeholder] = arguments.Way(address=address, url=await self._way(address, mine, mine.http))
            more = arguments.environment(proxy_port=self._http.port, nobody=secrets.token_hex(16))
            return arguments.replaced(launch.arguments, ways), more
        except BaseException:
            await self.close(owner=owner)
            raise

    def _read(self, url: str, *, use: rules.Use) -> Address:
        try:
            return rules.address(url, use=use, allow=self._dialler.allow)
        except AddressRefused as error:
            raise AddressNotAllowed(f"{rules.shown(url)}: {error}") from None

    async def _way(self, address: Address, mine: _Open, http: HttpWay) -> str:
        if address.scheme in SCHEMES:
            return http.url(address)
        make = UdpWay if address.scheme == "srt" else TcpWay
        way = make(address=address, dialler=self._dialler, book=mine.book)
        mine.ports.append(way)
        await way.open()
        if address.scheme == "srt":
            return f"srt://127.0.0.1:{way.port}?mode=caller" + (f"&{address.query}" if address.query else "")
        if address.scheme == "rtsp":
            login = f"{address.login}@" if address.login else ""
            return f"rtsp://{login}127.0.0.1:{way.port}{address.target}"
        return f"rtmp://127.0.0.1:{way.port}/"

    async def close(self, *, owner: str) -> Sequence[str]:
        """The child is gone. Why something was refused or could not be reached while it ran."""
        mine = self._open.pop(owner, None)
        if mine is None:
            return ()
        for way in mine.ports:
            await way.close()
        if mine.http is not None:
            await self._http.leave(mine.http)
        return mine.book.words()

    def words(self, *, owner: str) -> Sequence[str]:
        """The same while it runs."""
        mine = self._open.get(owner)
        return () if mine is None else mine.book.words()

    def carried(self, *, owner: str) -> Carried:
        """What went over its ways so far; zeros for a child that has none."""
        mine = self._open.get(owner)
        return Carried(0, 0) if mine is None else Carried(mine.book.bytes_in, mine.book.bytes_out)

    async def shut(self) -> None:
        """All of it, at the end of the process."""
        for owner in list(self._open):
            await self.close(owner=owner)
        await self._http.close()


def from_settings() -> Guard:
    from streams.egress.checks import let_in, own_ports

    return Guard(allow=let_in(), own=own_ports())
