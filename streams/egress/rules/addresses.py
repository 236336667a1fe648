"""How an address may be written that media is pulled from or pushed to. What its host leads to is judged at each connection (`networks`).

Promise: what comes out is made anew from parts that were read here, so that no later reader (ffmpeg, an HTTP library) can find another
host, port, login or option in it than this one did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, quote

from streams.egress.rules import hosts
from streams.egress.rules.networks import Allowed
from streams.egress.rules.refusing import AddressRefused

__all__ = ["Address", "AddressRefused", "Use", "address"]


class Use(StrEnum):
    PULL = "pull"
    PUSH = "push"


SCHEMES: Final[Mapping[Use, tuple[str, ...]]] = MappingProxyType(
    {Use.PULL: ("rtmp", "rtmps", "http", "https", "srt", "rtsp"), Use.PUSH: ("rtmp", "rtmps", "srt")}
)
_PORTS: Final[Mapping[str, int | None]] = MappingProxyType(
    {"rtmp": 1935, "rtmps": 443, "http": 80, "https": 443, "rtsp": 554, "srt": None}
)
_LOGINS: Final = ("rtsp", "http", "https")
LONGEST: Final = 2000
# Below 1024 and what else other kinds of servers listen at: a stranger's address must not make us knock there.
_LOW_PORTS: Final = (80, 443, 554)
_OTHERS_PORTS: Final = frozenset(
    {1433, 1521, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 5060, 5061, 5432, 5672, 5900, 5985, 5986, 6000, 6379, 6443, 6566, 6665, 6666,
     6667, 6668, 6669, 6697, 9042, 9092, 9200, 9300, 10250, 10255, 11211, 15672, 26379, 27017, 27018, 50070}
)  # fmt: skip
# What an SRT address may ask for; `mode`, addresses of our own and file names stay ours.
SRT_OPTIONS: Final = ("streamid", "passphrase", "pbkeylen", "latency", "rcvlatency", "peerlatency")
_NUMBERS: Final = ("pbkeylen", "latency", "rcvlatency", "peerlatency")

_SPLIT = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?", re.ASCII
)
_UNWRITTEN = re.compile(r"[^!-~]|[\\\"<>^`{|}#]")
_LOGIN = re.compile(
    r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+(?::(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address whose writing is fine. `host`: without brackets; `path` begins with "/" or is ""; `query` without its "?"; `login`:
    `user` or `user:password`, percent-encoded."""

    scheme: str
    host: str
    port: int
    path: str = ""
    query: str = ""
    login: str = ""

    @property
    def is_secure(self) -> bool:
        return self.scheme in ("https", "rtmps")

    @property
    def origin(self) -> str:
        """Scheme, host and port, always with the port."""
        return f"{self.scheme}://{self.place}"

    @property
    def place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def target(self) -> str:
        """Path and query, as a request line has them."""
        return (self.path or "/") + (f"?{self.query}" if self.query else "")

    @property
    def url(self) -> str:
        """In full; with its secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        login = f"{self.login}@" if self.login else ""
        return f"{self.scheme}://{login}{host}{port}{self.path}" + (f"?{self.query}" if self.query else "")


def address(given: str, *, use: Use, allow: Allowed | None = None) -> Address:
    """`given`, read. AddressRefused. `allow`: what an operator let in; where a port is named there, it may be any."""
    schemes = SCHEMES[use]
    if len(given) > LONGEST:
        raise AddressRefused(f"The address has {len(given)} characters; {LONGEST} at most.")
    odd = _UNWRITTEN.search(given)
    if odd:
        raise AddressRefused(_odd_letter(odd[0]))
    found = _SPLIT.fullmatch(given)
    if found is None:
        raise AddressRefused(f"That is no address such as {schemes[0]}://live.example.com/app/key.")
    scheme = found["scheme"].lower()
    if scheme not in schemes:
        raise AddressRefused(f"To {use} takes {', '.join(schemes)}; not {scheme[:20]}.")
    login, at, place = found["authority"].rpartition("@")
    if at:
        _refuse_login(login, scheme)
    host, port = _host_and_port(place, scheme)
    if allow is None or not allow.names_port(host=host, port=port):
        _refuse_port(port)
    path, query = found["path"] or "", (found["query"] or "")[1:]
    if scheme == "srt":
        path, query = _srt(path, query)
    elif scheme in ("rtmp", "rtmps") and not path.strip("/"):
        raise AddressRefused(f"The address names no application: {scheme}://live.example.com/app/key.")
    elif use is Use.PUSH and "/" not in path.strip("/"):
        raise AddressRefused(
            f"The address has no stream key behind its application: {scheme}://live.example.com/app/key."
        )
    return Address(scheme=scheme, host=host, port=port, path=path, query=query, login=login)


def _host_and_port(place: str, scheme: str) -> tuple[str, int]:
    written, behind = place, ""
    if place.startswith("["):
        inside, bracket, behind = place.partition("]")
        written = inside + bracket
        if behind and not behind.startswith(":"):
            raise AddressRefused("Behind the ] of an IPv6 address comes a port, as in [2001:db8::1]:1935, or the path.")
    elif ":" in place:
        written, _, behind = place.partition(":")
        behind = f":{behind}"
    host = hosts.host(written)
    if not behind:
        usual = _PORTS[scheme]
        if usual is None:
            raise AddressRefused(f"An address of {scheme} names its port: {scheme}://live.example.com:9000?streamid=….")
        return host, usual
    said = behind[1:]
    if not re.fullmatch(r"[1-9][0-9]{0,4}", said, re.ASCII) or int(said) > 65535:
        raise AddressRefused(f"The port is a number from 1 to 65535, not {said[:20]!r}.")
    return host, int(said)


def _refuse_port(port: int) -> None:
    if (port < 1024 and port not in _LOW_PORTS) or port in _OTHERS_PORTS:
        raise AddressRefused(
            f"Port {port} is not one that media servers listen at: {', '.join(map(str, _LOW_PORTS))}, or from 1024 on without those of "
            "databases, mail and the like. An operator lets it in by naming host and port in LIVEROOM_MEDIA_ALLOW."
        )


def _refuse_login(login: str, scheme: str) -> None:
    if scheme not in _LOGINS:
        raise AddressRefused(
            f"An address of {scheme} takes no login before its host; the key stands behind the application."
        )
    if not _LOGIN.fullmatch(login):
        raise AddressRefused("The login before the @ is user:password, other characters percent-encoded.")


def _srt(path: str, query: str) -> tuple[str, str]:
    if path.strip("/"):
        raise AddressRefused(
            "An address of srt has no path; what it asks for stands in streamid: srt://live.example.com:9000?streamid=…."
        )
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=20, errors="strict")
    except ValueError:
        raise AddressRefused("Behind the ? of an SRT address come options such as streamid=…&passphrase=….") from None
    options: dict[str, str] = {}
    for name, value in pairs:
        if name == "mode" and value == "caller":
            continue
        if name not in SRT_OPTIONS:
            raise AddressRefused(f"An SRT address takes {', '.join(SRT_OPTIONS)}; not {name[:20]!r}.")
        if name in options:
            raise AddressRefused(f"The option {name} is given twice.")
        _refuse_option(name, value)
        options[name] = value
    return "", "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())


def _refuse_option(name: str, value: str) -> None:
    if name in _NUMBERS and not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        raise AddressRefused(f"{name} is a whole number.")
    if name == "passphrase" and not 10 <= len(value) <= 79:
        raise AddressRefused(f"passphrase has 10 to 79 characters, not {len(value)}.")
    if len(value) > 512 or not value.isprintable():
        raise AddressRefused(f"{name} has at most 512 characters, all of them visible.")


def _odd_letter(letter: str) -> str:
    if not letter.isascii():
        return (
            "The address has letters outside of ASCII; write a host as it goes over the wire (xn--…, what a browser's address bar copies), "
            "and the rest percent-encoded."
        )
    what = "blank" if letter == " " else repr(letter)
    return f"The address has a {what} in it; write it percent-encoded (%{ord(letter):02X}), or leave it out."
