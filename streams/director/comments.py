"""What was said in a room, for a desk that shows one comment: asked of the floor above, which knows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from liveroom.rooms.models import Room


class Find(Protocol):
    def __call__(self, *, room: Room, seq: int, now: datetime) -> dict[str, Any]:
        """The event of the comment with that seq. Raises NotFound or BadParameter, in words."""


def _nobody_knows(*, room: Room, seq: int, now: datetime) -> dict[str, Any]:
    raise LookupError("wiring.py has not installed who knows comments")


_find: Find = _nobody_knows


def install(find: Find) -> None:
    """By wiring.py."""
    global _find
    _find = find


def said(*, room: Room, seq: int, now: datetime) -> tuple[str, str]:
    """Its text and the nick of who said it."""
    event = _find(room=room, seq=seq, now=now)
    sender = event.get("from") or {}
    return str(event.get("text", "")), str(sender.get("nick") or sender.get("id") or "")
