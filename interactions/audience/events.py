"""What viewers hear of who is here."""

from __future__ import annotations

from typing import ClassVar

from interactions.delivery.events import RoomEvent
from interactions.shown import ShownSpeaker


class Online(RoomEvent, frozen=True, kw_only=True, tag="online"):
    """How many are here: people (each once, however many windows it has open) and guests; and open sockets. The newest counts."""

    numbered: ClassVar[bool] = False
    newest_says_all: ClassVar[bool] = True

    online: int
    sockets: int


class Join(RoomEvent, frozen=True, kw_only=True, tag="join"):
    """So many people came in; the latest five of them."""

    numbered: ClassVar[bool] = False

    users: list[ShownSpeaker]
    count: int


class Leave(RoomEvent, frozen=True, kw_only=True, tag="leave"):
    """So many have been gone for five seconds."""

    numbered: ClassVar[bool] = False

    users: list[ShownSpeaker]
    count: int
