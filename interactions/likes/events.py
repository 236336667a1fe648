"""What viewers hear of likes."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from interactions.delivery.events import RoomEvent
from interactions.likes.rules import shown, together


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

    def merged_with(self, newer: Self) -> Self:
        """The newer total, the counts together, the users of both."""
        people = {user.id: user for user in (*self.users, *newer.users)}
        users = together(*({user.id: user.count for user in said.users} for said in (self, newer)))
        return type(self)(
            t=newer.t, total=max(self.total, newer.total), count=self.count + newer.count,
            users=[Liker(id=name, nick=people[name].nick, count=users[name]) for name in shown(users)],
        )  # fmt: skip
