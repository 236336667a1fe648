"""Origins of web pages and of apps in a web view: how they are written, and which may call us. One rule for the socket, REST and pictures.

Plain Python: the settings read it before Django is there."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

# What browsers say for pages without an origin of their own: sandboxed frames, `data:` addresses and, in some, local files.
OPAQUE: Final = "null"
FILES: Final = "file://"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
# These are no places: whoever can write a link has such an "origin".
_NO_PLACES: Final = frozenset({"javascript", "data", "blob", "about", "view-source"})
_WRITTEN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?\Z")


def normal(said: str) -> str | None:
    """An origin as it is compared: small letters, no default port. None for what is none (a path, no host, a wildcard, a user)."""
    said = said.strip().lower()
    if said == OPAQUE:
        return OPAQUE
    if said in (FILES, FILES + "/"):
        return FILES
    found = _WRITTEN.match(said)
    if found is None or found[1] in _NO_PLACES:
        return None
    scheme, host, port = found.groups()
    if port is None:
        return f"{scheme}://{host}"
    number = int(port)
    if not 1 <= number <= 65535:
        return None
    return f"{scheme}://{host}" if _DEFAULT_PORTS.get(scheme) == number else f"{scheme}://{host}:{number}"


def is_framing(origin: str) -> bool:
    """Whether a Content-Security-Policy can name it: what has a host."""
    return origin not in (OPAQUE, FILES)


def host_name(said: str) -> str:
    """The name in a Host header or an authority: without port, brackets and final dot, in small letters. "" for what is none."""
    try:
        return (urlsplit(f"//{said.strip()}").hostname or "").rstrip(".").lower()
    except ValueError:  # an unclosed [
        return ""


def in_address(name: str) -> str:
    """A host name as it stands in an address: an IPv6 one in brackets."""
    return f"[{name}]" if ":" in name else name


def may_call(
    *, origin: str | None, host: str, ours: Collection[str], any_origin: bool, same_port: bool = False
) -> bool:
    """Whether a page of `origin` may talk to us under the Host header `host`. Programs send no origin.

    `ours`: what was configured, in `normal` spelling. `any_origin`: every page may (development without LIVEROOM_ORIGINS).
    `same_port`: what is asked for stands at the port of our pages; the socket does not."""
    if not origin or any_origin:
        return True
    found = normal(origin)
    if found is None:
        return False
    if found in ours:
        return True
    # Our own pages, under whatever name they were asked for. An app's scheme is not ours because its host is `localhost`.
    scheme, _, place = found.partition("://")
    if scheme not in ("http", "https") or not host_name(host):
        return False
    return normal(f"{scheme}://{host}") == found if same_port else host_name(place) == host_name(host)
