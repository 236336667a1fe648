"""Two events of a room that may be dropped, as one: for viewers who are sent fewer frames than there are events."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from interactions.delivery.events import RoomEvent, catalogue, encoded

# How every event begins (`events.encoded`; scripts that write one themselves begin it so, too).
HEAD: Final = b'{"type":"'


def merged(waiting: list[bytes], event: bytes) -> bytes:
    """`event` with what it is merged with, which is taken out of `waiting`: at most one that waits."""
    end = event.find(b'"', len(HEAD))
    decoder = _decoder_of(event[len(HEAD) : end]) if end > 0 else None
    if decoder is None:
        return event
    same = event[: end + 1]
    for place, other in enumerate(waiting):
        if other.startswith(same):
            newer = decoder.decode(event)
            both = decoder.decode(other).merged_with(newer)
            if both is not None:
                del waiting[place]
                return event if both is newer else encoded(both)
    return event


@lru_cache(maxsize=256)
def _decoder_of(name: bytes) -> msgspec.json.Decoder[Any] | None:
    """None: this process knows no such event, or it is never merged."""
    kind = catalogue(RoomEvent).get(name.decode(errors="replace"))
    if kind is None or kind.merged_with is RoomEvent.merged_with:
        return None
    return msgspec.json.Decoder(kind)
