"""What the scripts publish of a room's numbered events, taken apart."""

from __future__ import annotations

from dataclasses import dataclass

from interactions.delivery.rooms.messages import Outcome, outcome_of


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
