"""HLS playlists whose addresses lead through the guard. Pure.

Promise: whatever a playlist holds, ffmpeg finds in the answer only addresses that `way` gave. This is not only comfort: ffmpeg opens the
playlists that a playlist names by any protocol it may use at all, and `tcp` is one of them, because HTTP stands on it. So what is read here
as a line or as an attribute has to be whatever ffmpeg reads as one (`ff_get_line`, `ff_parse_key_value`, `parse_playlist` of libavformat):

- lines end at \\n, \\r, \\r\\n and at a zero byte; a line that does not begin with # is an address;
- an attribute may follow a quotation mark or a blank without a comma, so every `URI=` is one, and no answer holds it in another place;
- a playlist begins with `#EXTM3U`, or ID3 tags stand before it; so those bytes must not come later in what is no playlist (`Watch`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urljoin

START: Final = b"#EXTM3U"
MOST_BYTES: Final = 2_000_000
_MOST_URIS = 20_000
_LINES = re.compile(r"\r\n|\n|\r|\x00")
_URI = re.compile(r'URI=(?:"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<bare>[^\s,"]*))')
_WRITTEN = "!$&'()*+,-./:;=?@_~%[]"


class BadPlaylist(ValueError):
    """Too long, too many addresses, or hidden in something else."""


def rewritten(body: bytes, *, base: str, way: Callable[[str], str]) -> bytes:
    """The playlist at the address `base`; `way` answers where a full address is reached instead, without quotation marks and blanks.
    BadPlaylist."""
    if len(body) > MOST_BYTES:
        raise BadPlaylist(f"The playlist has more than {MOST_BYTES} bytes.")
    count = 0

    def led(uri: str) -> str:
        nonlocal count
        count += 1
        if count > _MOST_URIS:
            raise BadPlaylist(f"The playlist names more than {_MOST_URIS} addresses.")
        return way(_full(uri, base)).replace("URI=", "%55RI=")

    def attribute(found: re.Match[str]) -> str:
        return f'URI="{led(found["quoted"] or found["bare"] or "")}"'

    lines = []
    for line in _LINES.split(body.decode("utf-8", "replace")):
        if line.startswith("#"):
            lines.append(_URI.sub(attribute, line))
        else:
            lines.append(led(line) if line.strip() else "")
    return "\n".join(lines).encode()


def _full(uri: str, base: str) -> str:
    """What a player would ask for, percent-encoded where people forget to. What cannot be joined stays as it is, to be refused."""
    uri = quote(uri.strip().partition("#")[0], safe=_WRITTEN)
    try:
        return urljoin(base, uri)
    except ValueError:
        return uri


class Watch:
    """Looks for a playlist behind the beginning of an answer that is none."""

    def __init__(self) -> None:
        self._end = b""

    def look(self, chunk: bytes) -> None:
        """Each part of the answer in order, before it goes on. BadPlaylist."""
        if START in chunk or START in self._end + chunk[: len(START)]:
            raise BadPlaylist("A playlist hides behind something else in the answer.")
        self._end = (self._end + chunk)[-len(START) + 1 :]
