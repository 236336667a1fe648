"""An HLS playlist as a viewer gets it: the last few segments of the engine's list, each address signed for nginx.

Pure. The engine keeps a longer list than players want, so that the segments they ask for late are still there; what it kept
from an earlier publisher is left out."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime

# Players begin three segments from the end; below this many seconds some of them stall.
SHOWN_SECONDS = 8.0
SHOWN_SEGMENTS = 4
SIGNED_SECONDS = 300

# hls_fragment_naming system: the name is when it began, in milliseconds.
_LAST_MS = 253_402_300_000_000
_SEGMENT = re.compile(r"(?:[A-Za-z0-9_-]*-)?(\d{10,16})\.ts\Z")


def signature(*, uri: str, expires: int, secret: str) -> str:
    """nginx's secure_link_md5 "$secure_link_expires$uri secret"."""
    digest = hashlib.md5(f"{expires}{uri} {secret}".encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def signed_address(*, stream: str, segment: str, secret: str, now_seconds: float) -> str:
    """Good for five to ten minutes. Expiry is rounded, so that a segment's address stays the same while it is listed."""
    expires = (int(now_seconds) // SIGNED_SECONDS + 2) * SIGNED_SECONDS
    uri = f"/hls/{stream}/{segment}"
    return f"{uri}?md5={signature(uri=uri, expires=expires, secret=secret)}&expires={expires}"


def viewers_playlist(text: str, *, stream: str, secret: str, now_seconds: float, began_ms: int) -> str | None:
    """The engine's playlist rewritten, or None while it lists nothing of this publisher (who began at `began_ms`, Unix time)."""
    first = 0
    segments: list[tuple[list[str], float, str]] = []
    tags: list[str] = []
    seconds = 0.0
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
            first = int(line.partition(":")[2])
        elif line.startswith("#EXTINF:"):
            tags.append(line)
            seconds = float(line.partition(":")[2].rstrip(",").split(",")[0])
        elif line == "#EXT-X-DISCONTINUITY":
            tags.append(line)
        elif line and not line.startswith("#"):
            segments.append((tags, seconds, line.rpartition("/")[2]))
            tags, seconds = [], 0.0
    shown = _tail(segments, began_ms=began_ms)
    if not shown:
        return None
    first += len(segments) - len(shown)
    longest = max(seconds for _, seconds, _ in shown)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        f"#EXT-X-TARGETDURATION:{max(1, int(longest + 0.5))}",
    ]
    for tags, _, segment in shown:
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{_began(segment)}", *tags]
        lines.append(signed_address(stream=stream, segment=segment, secret=secret, now_seconds=now_seconds))
    return "\n".join(lines) + "\n"


def _began(segment: str) -> str:
    """A player learns from it how far it is behind."""
    named = _SEGMENT.match(segment)
    at = datetime.fromtimestamp(min(int(named[1]), _LAST_MS) / 1000 if named else 0, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tail(segments: list[tuple[list[str], float, str]], *, began_ms: int) -> list[tuple[list[str], float, str]]:
    shown: list[tuple[list[str], float, str]] = []
    total = 0.0
    for segment in reversed(segments):
        named = _SEGMENT.match(segment[2])
        if named is None or int(named[1]) < began_ms:
            break
        if len(shown) >= SHOWN_SEGMENTS and total >= SHOWN_SECONDS:
            break
        shown.append(segment)
        total += segment[1]
    return shown[::-1]
