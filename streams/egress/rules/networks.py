"""Whether an IP address may be reached, and what an operator let in beside the world.

Promise: an address outside of `2000::/3` and of the IPv4 internet is refused with the name of what it is, and so is everything that hides
an IPv4 address in an IPv6 one. The table is our own: `ipaddress.is_global` of Python 3.11 says yes to multicast, NAT64 and 192.0.0.192.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from streams.egress.rules.hosts import host_name
from streams.egress.rules.refusing import AddressRefused

IP = IPv4Address | IPv6Address
SETTING: Final = "LIVEROOM_MEDIA_ALLOW"

# What stands first is said first. IANA's special-purpose registries, and what clouds put at addresses that look like others.
_KINDS: Final = tuple(
    (what, tuple(ip_network(network) for network in networks))
    for what, networks in (
        ("the metadata service of a cloud", ["169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200",
                                             "192.0.0.192", "fd00:ec2::254"]),
        ("this machine itself (loopback)", ["127.0.0.0/8", "::1"]),
        ("no address of anybody (unspecified)", ["0.0.0.0/8", "::"]),
        ("a private network", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"]),
        ("a network of one cable (link-local)", ["169.254.0.0/16", "fe80::/10"]),
        ("a provider's inner network (100.64.0.0/10)", ["100.64.0.0/10"]),
        ("multicast or broadcast", ["224.0.0.0/4", "255.255.255.255", "ff00::/8"]),
        ("an IPv4 address inside an IPv6 one", ["::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96",
                                                "64:ff9b:1::/48", "2002::/16", "2001::/32"]),
        ("reserved for documentation", ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"]),
        ("reserved for benchmarks", ["198.18.0.0/15", "2001:2::/48"]),
        ("reserved", ["192.0.0.0/24", "192.88.99.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24",
                      "240.0.0.0/4", "2001::/23", "3ffe::/16"]),
    )
)  # fmt: skip
_WORLD: Final = ip_network("2000::/3")
# No entry of the operator reaches these: nobody listens there, or many do.
_NEVER: Final = ("no address of anybody (unspecified)", "multicast or broadcast")


def what_it_is(ip: IP) -> str:
    """Why an address is not of the public internet, as "a private network"; "" for one that is."""
    for what, networks in _KINDS:
        if any(ip in network for network in networks):
            return what
    if ip.version == 6 and ip not in _WORLD:
        return "reserved"
    return "" if ip.is_global and not ip.is_multicast else "reserved"


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of LIVEROOM_MEDIA_ALLOW: a network or a host name, at one port or at all."""

    network: IPv4Network | IPv6Network | None
    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator let in."""

    entries: tuple[Entry, ...] = ()

    def lets(self, *, host: str, ip: IP, port: int) -> bool:
        return any(
            (entry.port is None or entry.port == port)
            and (entry.host == host if entry.network is None else ip in entry.network)
            for entry in self.entries
        )

    def names_port(self, *, host: str, port: int) -> bool:
        """Whether a port that media does not use was named for that host."""
        ip = literal(host)
        return any(
            entry.port == port
            and (entry.host == host if entry.network is None else ip is not None and ip in entry.network)
            for entry in self.entries
        )


@dataclass(frozen=True, slots=True)
class Own:
    """The deployment itself. `inner`: ports of servers that only we may speak to (Redis, web, gateway, the engine's pages, PostgreSQL);
    `public`: those that anybody may."""

    inner: Collection[int] = field(default=())
    public: Collection[int] = field(default=())


def allowed(entries: Iterable[str]) -> Allowed:
    """The setting, item by item: `10.0.0.5`, `10.0.0.0/8:1935`, `encoder.lan`, `encoder.lan:1935`, `fd00::/8`, `[fd00::1]:1935`.

    ValueError names the item and what one looks like."""
    return Allowed(tuple(_entry(said.strip()) for said in entries if said.strip()))


_PORT_BEHIND = re.compile(r"(?P<what>\[[^\]]+\]|[^:\[\]]+):(?P<port>\d{1,5})")


def _entry(said: str) -> Entry:
    found = _PORT_BEHIND.fullmatch(said)
    bare, port = (found["what"], int(found["port"])) if found else (said, None)
    if port is not None and not 1 <= port <= 65535:
        raise _no_entry(said)
    bare = bare[1:-1] if bare.startswith("[") and bare.endswith("]") else bare
    if "%" in bare:
        raise _no_entry(said)
    try:
        network = ip_network(bare, strict=False)
    except ValueError:
        if re.fullmatch(r"[0-9.:/]*", bare):
            raise _no_entry(said) from None
        try:
            return Entry(network=None, host=host_name(bare), port=port)
        except AddressRefused:
            raise _no_entry(said) from None
    return Entry(network=network, host="", port=port)


def _no_entry(said: str) -> ValueError:
    return ValueError(
        f"{SETTING} takes addresses, networks and host names, each perhaps with a port, such as 10.0.0.5, 10.0.0.0/8:1935, "
        f"[fd00::1]:1935 or encoder.lan:1935, comma separated; not {said!r}."
    )


def literal(host: str) -> IP | None:
    """A host that is an IP address already; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def judged(said: str, *, host: str, port: int, allow: Allowed, own: Own, is_here: bool = False) -> IP:
    """The address that a host stands for, if it may be reached at that port. AddressRefused.

    `is_here`: it is an address of this machine, where a firewall in front of it does not count."""
    try:
        ip = ip_address(said)
    except ValueError:
        raise AddressRefused(f"{host} leads to {said[:60]!r}, which is no IP address.") from None
    if ip.version == 6 and ip.scope_id is not None:
        raise AddressRefused(
            f"{host} leads to {said[:60]}, an address with a zone; those lead to this machine's cables."
        )
    what = what_it_is(ip)
    where = f"{host} is {what}" if literal(host) is not None else f"{host} leads to {ip}, {what}"
    if what in _NEVER:
        raise AddressRefused(f"{where}; nothing can be pulled from or pushed to it.")
    inner = port in own.inner
    if inner and (what or is_here):
        raise AddressRefused(f"Port {port} of {host} is an inner port of this server; no setting opens it.")
    if allow.lets(host=host, ip=ip, port=port):
        return ip
    if what:
        raise AddressRefused(
            f"{where}. Only public addresses are pulled from and pushed to; an operator lets others in with {SETTING}={_item(host, port)}."
        )
    if is_here and port not in own.public:
        raise AddressRefused(
            f"{host} is this machine, where port {port} is none of the ports for media; an operator lets it in with "
            f"{SETTING}={_item(host, port)}."
        )
    return ip


def judged_all(found: Iterable[str], *, host: str, port: int, allow: Allowed, own: Own) -> list[IP]:
    """All addresses of a name: one that is refused refuses the name, because who answers so is no friend. AddressRefused."""
    answer = [judged(said, host=host, port=port, allow=allow, own=own) for said in dict.fromkeys(found)]
    if not answer:
        raise AddressRefused(f"{host} has no address.")
    return answer


def _item(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
