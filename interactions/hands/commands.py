"""`hand` at the socket."""

from __future__ import annotations

from interactions.commands import DATABASE, Answer, Entry, RoomCommand, Session, serves_in_room
from interactions.hands import services
from interactions.limits import MINUTE_MS, Limit
from liveroom.kernel import clock
from liveroom.rooms import selectors as rooms

HANDS = Limit("hand", 30, "hands a minute", per_ms=MINUTE_MS)


class MoveHand(RoomCommand, frozen=True, kw_only=True, tag="hand"):
    """`up`: raise it, or lower it."""

    up: bool


# Who may not speak may lower it; raising asks for more (services.py).
@serves_in_room(MoveHand, asks="hand.lower", limit=HANDS, threads=DATABASE)
def move_hand(session: Session, entry: Entry, command: MoveHand) -> Answer:
    move = services.raise_hand if command.up else services.lower_hand
    move(
        room=rooms.room(app_id=entry.room.app_id, group_id=entry.room.group_id), by=entry.speaker.actor,
        role=entry.speaker.role, standing=entry.standing, now=clock.now(),
    )  # fmt: skip
    return {"up": command.up}
