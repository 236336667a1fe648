"""Two events of a room that may be dropped, as one: for viewers who are sent fewer frames than there are events."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from interactions.delivery.events import RoomEvent, catalogue, encoded

# How every event begins (`events.encoded`; scripts that write one themselves begin it so, too).
HEAD: Final = b'{"type":"'


def merged(waiting: list[bytes], event: bytes) -> bytes:
    """`event` with what it is merged with, which is taken out of `waiting`: at most one that waits."""
    if not waiting:
        return event
    end = event.find(b'"', len(HEAD))
    merge = _merge_of(event[len(HEAD) : end]) if end > 0 else None
    if merge is None:
        return event
    same = event[: end + 1]
    for place, other in enumerate(waiting):
        if other.startswith(same):
            del waiting[place]
            return merge(other, event)
    return event


@lru_cache(maxsize=256)
def _merge_of(name: bytes) -> Callable[[bytes, bytes], bytes] | None:
    """How two events of this name become one. None: they do not, or this process knows no such event."""
    kind = catalogue(RoomEvent).get(name.decode(errors="replace"))
    if kind is None:
        return None
    if kind.newest_says_all:
        return lambda older, newer: newer
    if kind.merged_with is RoomEvent.merged_with:
        return None
    decode = msgspec.json.Decoder(kind).decode
    return lambda older, newer: encoded(decode(older).merged_with(decode(newer)))
