"""For features that still build what they publish from plain values; it goes as they publish their events themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from interactions.delivery import Person, Room, ms, publish_durably
from interactions.delivery.events import RoomEvent, UserEvent, from_row

# Topics of the outbox: a gift that was paid, and what a room is told of one or many of them.
GIFT, ROOM_GIFT = "gift", "room.gift"


def tell(room_key: str, at: datetime, type: str, **body: Any) -> None:
    publish_durably(from_row({"type": type, "t": ms(at), **body}, RoomEvent), to=Room(room_key), at=at)


def tell_you(room_key: str, identifier: str, at: datetime, type: str, **body: Any) -> None:
    """To the person itself, on all its sockets. `room_key`: any room of its app."""
    person = Person(sdkappid=int(room_key.partition(":")[0]), identifier=identifier)
    publish_durably(from_row({"type": type, "t": ms(at), **body}, UserEvent), to=person, at=at)
