"""Connections to outside addresses: the name is looked up, every address it leads to is judged, and one of exactly those is called.

Nothing is kept between two connections: a name that leads elsewhere a second later is judged by where it leads then."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from streams.egress.rules import Address, AddressRefused, Allowed, Own, judged, shown
from streams.egress.rules.networks import IP, literal, what_it_is

log = logging.getLogger(__name__)

LOOK_UP_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 8.0
# A name may have more; these are tried.
_MOST_TRIED = 3

LookUp = Callable[[str, int], Awaitable[Sequence[str]]]
P = TypeVar("P", bound=asyncio.BaseProtocol)


class Unreachable(OSError):
    """Nobody answers at any of the addresses, or the name has none. The text is for people, without secrets."""


async def system_look_up(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


class Dialler:
    """`look_up`: names to addresses; a test has its own. `tls`: what secure connections are made with."""

    def __init__(
        self, *, allow: Allowed, own: Own, look_up: LookUp = system_look_up, tls: ssl.SSLContext | None = None
    ) -> None:
        self.allow, self.own = allow, own
        self._look_up = look_up
        self.tls = tls or ssl.create_default_context()

    async def addresses(self, *, host: str, port: int) -> list[IP]:
        """Where a host leads to, all of it judged. AddressRefused, Unreachable."""
        known = literal(host)
        if known is not None:
            found: Sequence[str] = [str(known)]
        else:
            try:
                found = await asyncio.wait_for(self._look_up(host, port), LOOK_UP_SECONDS)
            except (OSError, UnicodeError) as error:
                raise Unreachable(f"The name {host} cannot be looked up: {error}.") from None
            except TimeoutError:
                raise Unreachable(f"The name {host} could not be looked up in {LOOK_UP_SECONDS:g} s.") from None
        answer = [
            judged(said, host=host, port=port, allow=self.allow, own=self.own, is_here=is_here(said))
            for said in dict.fromkeys(found)
        ]
        if not answer:
            raise Unreachable(f"The name {host} has no address.")
        return answer

    async def connect(self, address: Address, make: Callable[[], P]) -> P:
        """A TCP connection, with TLS where the scheme says so. AddressRefused, Unreachable."""
        loop = asyncio.get_running_loop()
        why = "nobody answers"
        for ip in (await self.addresses(host=address.host, port=address.port))[:_MOST_TRIED]:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    if address.is_secure:
                        _, made = await loop.create_connection(
                            make, str(ip), address.port, ssl=self.tls, server_hostname=address.host
                        )
                    else:
                        _, made = await loop.create_connection(make, str(ip), address.port)
                    return made
            except TimeoutError:
                why = f"no answer in {CONNECT_SECONDS:g} s"
            except ssl.SSLCertVerificationError as error:
                why = f"its certificate is not good ({error.verify_message})"
            except OSError as error:
                # asyncio says it in words of its own ("Connect call failed …").
                why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise Unreachable(f"{shown(address.url)} cannot be reached: {why}.")


def is_here(said: str) -> bool:
    """Whether a public address is this machine's own. Asks the kernel's routes; no packet is sent."""
    ip = literal(said)
    if ip is None or what_it_is(ip):
        return False
    with socket.socket(socket.AF_INET6 if ip.version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.connect((str(ip), 9))
            return str(trial.getsockname()[0]) == str(ip)
        except OSError:
            return False


__all__ = ["AddressRefused", "Dialler", "LookUp", "Unreachable", "is_here", "system_look_up"]
