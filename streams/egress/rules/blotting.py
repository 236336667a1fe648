"""What children say, without the secrets of the addresses that they were given."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, urlsplit

from streams.egress.rules.showing import HIDDEN


def secrets_in(text: str) -> tuple[str, ...]:
    """The parts of an address that must not appear in a log, as they stand in it."""
    try:
        parts = urlsplit(text)
        login = parts.netloc.rpartition("@")[0]
    except ValueError:
        return (text,)
    rest = parts.path.lstrip("/").partition("/")[2]
    named = [value for _, value in parse_qsl(parts.query)]
    found = [login, parts.query, *named]
    if parts.scheme not in ("http", "https", "rtsp"):
        found += [rest, *rest.split("/")]
    # Short ones would blot out half of every line.
    return tuple(sorted({one for one in found if len(one) >= 6}, key=len, reverse=True))


def blotted(line: str, secrets: Collection[str]) -> str:
    """A line for people, without the secrets."""
    for secret in secrets:
        line = line.replace(secret, HIDDEN)
    return line
