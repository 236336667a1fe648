"""What is published on a room's channel: events with numbers, taken apart; the first byte says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from interactions.delivery.rooms.messages import Outcome, outcome_of

# The first byte of a message of numbered events, and of one of events that may be dropped (a line each). Control messages:
# `control.ROOM_CONTROL`.
NUMBERED: Final = b"E"
DROPPABLE: Final = b"M"


@dataclass(frozen=True, slots=True)
class PublishedEvents:
    """A published message of numbered events. `events` are JSON and bear their seq, from `first` on; `carried`: what became
    of messages that waited, by id."""

    first: int
    epoch: str
    carried: tuple[tuple[str, Outcome], ...]
    events: tuple[bytes, ...]


def published_events(message: bytes) -> PublishedEvents:
    """`E<first> <epoch> <id>=<outcome>,…` and a line per event."""
    head, *events = message.split(b"\n")
    first, epoch, carried = head[1:].decode().split(" ")
    pairs = [word.partition("=") for word in carried.split(",") if word]
    return PublishedEvents(
        first=int(first),
        epoch=epoch,
        carried=tuple((name, outcome_of(word)) for name, _, word in pairs),
        events=tuple(events),
    )
