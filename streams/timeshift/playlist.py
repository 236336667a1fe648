"""The window as players get it: a live HLS playlist, its files under one signature per stream. Plain Python.

A signature opens a stream's folder for some minutes; a file's name has a part that only the playlist tells. So somebody who was banned,
or who is kept behind, cannot find the next one, and a long list is small once it is compressed (most of a line is the line before)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from streams.timeshift.rules import Item

SIGNED_SECONDS = 300
# A moment is told anew where the items' lengths would be wrong by more.
_DRIFT_MS = 200
_AT_THE_END_MS = 500


def signature(*, stream: str, expires: int, secret: str) -> str:
    """nginx's secure_link_md5 "$secure_link_expires/timeshift/$stream secret"."""
    digest = hashlib.md5(f"{expires}/timeshift/{stream} {secret}".encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def folder_address(*, stream: str, secret: str, now_seconds: float) -> str:
    """Good for five to ten minutes; rounded, so that a file's address stays the same while it is listed."""
    expires = (int(now_seconds) // SIGNED_SECONDS + 2) * SIGNED_SECONDS
    return f"/timeshift/{signature(stream=stream, expires=expires, secret=secret)}/{expires}/{stream}"


def playlist(items: Sequence[Item], *, folder: str, target_seconds: int, from_ms: int | None = None) -> str:
    """`items` in their order, at least one; `folder` as `folder_address` gives it; `from_ms`: where a player is to begin."""
    first = items[0]
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target_seconds}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.number}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.stretch}",
    ]
    if from_ms is not None:
        lines.append(f"#EXT-X-START:TIME-OFFSET={_place(items, from_ms):.3f},PRECISE=YES")
    before: Item | None = None
    clock_ms = 0
    for item in items:
        new_stretch = before is not None and item.stretch != before.stretch
        if new_stretch:
            lines.append("#EXT-X-DISCONTINUITY")
        if before is None or (item.run, item.head) != (before.run, before.head):
            lines.append(f'#EXT-X-MAP:URI="{folder}/{item.run}/{item.head_name}"')
        if before is None or new_stretch or abs(item.start_ms - clock_ms) > _DRIFT_MS:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{instant(item.start_ms)}")
            clock_ms = item.start_ms
        lines.append(f"#EXTINF:{item.duration_ms / 1000:.3f},")
        lines.append(f"{folder}/{item.run}/{item.name}")
        clock_ms += item.duration_ms
        before = item
    return "\n".join(lines) + "\n"


def _place(items: Sequence[Item], ms: int) -> float:
    """In the list's own time, which has no breaks. Of what is younger than all of it: shortly before its end."""
    passed = 0
    for item in items:
        if ms < item.end_ms:
            return (passed + max(0, ms - item.start_ms)) / 1000
        passed += item.duration_ms
    return max(0, passed - _AT_THE_END_MS) / 1000


def target_seconds(items: Sequence[Item], *, item_seconds: int) -> int:
    """The longest, rounded; of the whole window, so that it seldom changes."""
    return max(item_seconds, *(int(item.duration_ms / 1000 + 0.5) for item in items)) if items else item_seconds


def instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
