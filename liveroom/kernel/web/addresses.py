"""Addresses of peers and clients, however proxies spell them: read in one place, for the web, the socket and the pictures.

Promise: nothing here raises, whatever a header holds; what cannot be read is None, and a caller of which a proxy said nothing that can be
read is not `named`: whoever counts by address counts it under the proxy, and never lets it go uncounted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

IP = IPv4Address | IPv6Address

# An IPv6 address in full, with a zone and a port; what is longer is none.
LONGEST: Final = 100
# Proxies in a row that are believed; a chain is walked from our end.
MOST_HOPS: Final = 20

# RFC 7239 section 6: a port may be hidden behind a word.
_PORT = r"(?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?"
_V4 = re.compile(rf"(\d{{1,3}}(?:\.\d{{1,3}}){{3}}){_PORT}\Z")
_V6 = re.compile(rf"\[([0-9A-Fa-f:.]+(?:%[^\]]*)?)\]{_PORT}\Z")
_QUOTED = r'"(?:\\.|[^"\\])*"'
_ELEMENT = re.compile(rf"(?:[^,\"]|{_QUOTED})+")
_FOR = re.compile(rf"(?:^|;)\s*for\s*=\s*({_QUOTED}|[^;,\s\"]*)", re.IGNORECASE)


def parsed(said: str) -> IP | None:
    """`1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`, with or without a zone. An IPv4 address that is
    written as an IPv6 one is the IPv4 one. None for everything else: `unknown`, hidden names, host names, nonsense."""
    said = said.strip()
    if len(said) > LONGEST:
        return None
    found = _V4.match(said) or _V6.match(said)
    bare = (found[1] if found else said).partition("%")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


@lru_cache(maxsize=4096)
def is_among(address: str, networks: tuple[str, ...]) -> bool:
    """Whether the address is one of these, or in one of these networks."""
    found = parsed(address)
    return found is not None and any(found in ip_network(network, strict=False) for network in networks)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is. `named`: False if a proxy spoke for somebody and did not say for whom in words that can be read; the address
    is then the nearest one that is known."""

    address: str
    named: bool = True


def _hops(forwarded: str, standard: str) -> list[str]:
    """What proxies wrote, the farthest first. X-Forwarded-For counts where it is there: our own nginx writes it and passes on the other."""
    if forwarded:
        return [hop for hop in forwarded.split(",") if hop.strip()]
    hops = []
    for element in _ELEMENT.findall(standard):
        said = _FOR.search(element)
        hops.append(re.sub(r"\\(.)", r"\1", said[1].strip('"')) if said else "")
    return hops


def caller(*, peer: str, forwarded: str = "", standard: str = "", is_trusted: Callable[[str], bool]) -> Caller:
    """The first address, seen from us, that is no proxy of ours. `forwarded`: X-Forwarded-For; `standard`: Forwarded (RFC 7239).

    Behind a peer that is no proxy of ours, headers are only claims."""
    here = _written(peer)
    if not is_trusted(here):
        return Caller(here)
    for hop in _nearest_first(_hops(forwarded, standard)):
        found = parsed(hop)
        if found is None:
            return Caller(here, named=False)
        here = str(found)
        if not is_trusted(here):
            break
    return Caller(here)


def _nearest_first(hops: list[str]) -> Iterable[str]:
    return hops[: -MOST_HOPS - 1 : -1]


def _written(peer: str) -> str:
    """As it is compared and kept. A peer without an address (a Unix socket) stays what it is."""
    found = parsed(peer)
    return peer[:LONGEST] if found is None else str(found)


def household(address: str) -> str:
    """What is counted for an address: itself, or the /64 network of an IPv6 one (a household has at least that)."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Address(int(found) >> 64 << 64)) + "/64"
    return address if found is None else str(found)
