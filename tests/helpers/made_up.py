"""A feature that does not exist, for tests of delivery, which knows none."""

from __future__ import annotations

from interactions.delivery.events import RoomEvent, UserEvent, encoded


class Numbered(RoomEvent, frozen=True, kw_only=True, tag="made_up"):
    n: int


class ToOne(UserEvent, frozen=True, kw_only=True, tag="made_up"):
    n: int


def numbered(n: int, *, t: int = 1) -> bytes:
    return encoded(Numbered(t=t, n=n))
