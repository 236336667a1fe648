"""What viewers hear of likes."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from interactions.delivery.events import RoomEvent


class Liker(msgspec.Struct, frozen=True, kw_only=True):
    """Who gave how many of a batch."""

    id: str
    nick: str
    count: int


class Likes(RoomEvent, frozen=True, kw_only=True, tag="likes"):
    """So many likes more: `total` of the room, `count` of this batch, and the five who gave most of it. The script in `scripts.py` writes
    it; a test holds the two together."""

    numbered: ClassVar[bool] = False

    total: int
    count: int
    users: list[Liker]
