"""How a host may be written: a name of letters, digits and hyphens, or an IP address in its one plain form."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from streams.egress.rules.refusing import AddressRefused

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# The URL standard: a host whose last label is a number is an IPv4 address, in whatever base, or nothing.
_NUMBER = re.compile(r"\d+|0[xX][0-9A-Fa-f]*")


def host(said: str) -> str:
    """The host of an address, lower case, an IPv6 address without its brackets. AddressRefused."""
    if said.startswith("["):
        return _bracketed(said)
    if not said.isascii():
        raise AddressRefused(
            "The host has letters outside of ASCII; write it as it goes over the wire (xn--…, what a browser's address bar copies)."
        )
    if _NUMBER.fullmatch(said.rstrip(".").rpartition(".")[2]):
        return _dotted(said)
    return host_name(said)


def host_name(said: str) -> str:
    """A name, lower case. AddressRefused."""
    name = said.lower()
    if not name:
        raise AddressRefused("The address names no host.")
    if name.endswith("."):
        raise AddressRefused(f"The host {_quoted(said)} ends in a dot; leave it out.")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise AddressRefused(
            f"{_quoted(said)} is no host name: letters, digits and hyphens between dots, 63 to a part, 253 at most."
        )
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        raise AddressRefused(f"{_quoted(said)} is no host name: it ends in a number.")
    return name


def _dotted(said: str) -> str:
    # Strict: four decimal numbers without leading zeros. What else C libraries take (0x7f.1, 017700000001, 127.1) is a trick here.
    try:
        return str(ip_address(said))
    except ValueError:
        raise AddressRefused(
            f"The host {_quoted(said)} is a number, but no IPv4 address as 192.0.2.1 is: four decimal numbers, no leading zeros."
        ) from None


def _bracketed(said: str) -> str:
    inside = said[1:-1]
    if not said.endswith("]") or "%" in inside:
        raise AddressRefused(f"{_quoted(said)} is no IPv6 address as [2001:db8::1] is; zones (%eth0) are not taken.")
    try:
        return str(IPv6Address(inside))
    except ValueError:
        raise AddressRefused(f"{_quoted(said)} is no IPv6 address as [2001:db8::1] is.") from None


def _quoted(said: str) -> str:
    return repr(said if len(said) <= 80 else said[:77] + "…")
