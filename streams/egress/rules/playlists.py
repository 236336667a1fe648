"""HLS playlists whose addresses lead through the guard. Pure.

Nothing that a playlist names is opened because of what it says: a child that follows an address which was not rewritten reaches a guard
that refuses it. Rewriting is what makes the *good* addresses work, those over TLS among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urljoin

# What ffmpeg asks of the first line: no blank and no byte order mark before it.
START: Final = b"#EXTM3U"
MOST_BYTES: Final = 2_000_000
_MOST_URIS = 20_000
_URI = re.compile(r'(?P<before>[:,]\s*URI=)(?:"(?P<quoted>[^"]*)"|(?P<bare>[^",]*))')
_WRITTEN = "!$&'()*+,-./:;=?@_~%[]"


class BadPlaylist(ValueError):
    """Too long, or too many addresses."""


def rewritten(body: bytes, *, base: str, way: Callable[[str], str]) -> bytes:
    """The playlist at the address `base`; `way` answers where a full address is reached instead. BadPlaylist."""
    if len(body) > MOST_BYTES:
        raise BadPlaylist(f"The playlist has more than {MOST_BYTES} bytes.")
    count = 0

    def led(uri: str) -> str:
        nonlocal count
        count += 1
        if count > _MOST_URIS:
            raise BadPlaylist(f"The playlist names more than {_MOST_URIS} addresses.")
        return way(_full(uri, base))

    def attribute(found: re.Match[str]) -> str:
        said = found["quoted"] if found["quoted"] is not None else found["bare"]
        return f'{found["before"]}"{led(said)}"'

    lines = []
    for line in body.decode("utf-8", "replace").split("\n"):
        line = line.strip("\r\x00")
        if line.startswith("#"):
            lines.append(_URI.sub(attribute, line) if line.startswith("#EXT") else line)
        else:
            lines.append(led(line) if line.strip() else line)
    return "\n".join(lines).encode()


def _full(uri: str, base: str) -> str:
    """What a player would ask for, percent-encoded where people forget to. What cannot be joined stays as it is, to be refused."""
    uri = quote(uri.strip().partition("#")[0], safe=_WRITTEN)
    try:
        return urljoin(base, uri)
    except ValueError:
        return uri
