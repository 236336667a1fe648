"""One connection as its commands see it: who opened it, in which room it is, and what it may still ask.

State: memory, as long as the socket lives; what it knows of mutes, bans and roles is kept up to date by `control_messages.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interactions.commands import NotInRoom
from interactions.delivery.fanout import Hub, Seat
from interactions.delivery.people.user_events import Subscription
from interactions.delivery.targets import Person
from interactions.limits import Allowance, Limits
from interactions.socket.connection import Socket
from interactions.socket.handshake import Asked
from interactions.socket.joining import joining
from interactions.socket.joining.join_cache import JoinCache
from liveroom.kernel import clock, permission


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sockets of a process share."""

    hub: Hub
    limits: Limits
    join_cache: JoinCache


class Session:
    """`entry` and `seat` are None outside of any room. `source`: who is counted for this connection (`limits.py`); `address`: the
    viewer's. `profile_row`: of the last message about the person's profile. `while_entering`: None, or the control messages that were
    heard while it comes into a room. `opening`: the `seq` up to which the seat was told everything, and what was missed."""

    __slots__ = (
        "address", "allowance", "asked", "entry", "hub", "is_guest", "join_cache", "limits", "opening", "profile_row", "seat", "socket",
        "source", "subscription", "traces", "visitor", "while_entering",
    )  # fmt: skip

    def __init__(
        self, *, shared: Shared, socket: Socket, source: str, address: str, asked: Asked, traces: frozenset[str]
    ) -> None:
        self.hub, self.limits, self.join_cache = shared.hub, shared.limits, shared.join_cache
        self.socket, self.source, self.address = socket, source, address
        self.asked, self.traces = asked, traces
        self.visitor = joining.guest(traces)
        self.allowance = Allowance()
        # Known to be one; not while somebody logs in.
        self.is_guest = False
        self.entry: joining.Entry | None = None
        self.seat: Seat | None = None
        self.subscription: Subscription | None = None
        self.profile_row = 0
        self.while_entering: list[Callable[[], None]] | None = None
        self.opening: tuple[int, tuple[bytes, ...]] = (0, ())

    def person(self) -> str:
        """The key of who opened it."""
        actor = self.visitor.actor
        return Person(sdkappid=actor.sdkappid, identifier=actor.identifier).key

    def limited(self) -> str:
        """Whose limits count beside the address's: guests have none of their own."""
        return self.person() if self.visitor.actor.is_authenticated else ""

    def in_room(self, room: Any) -> joining.Entry:
        """The room that it is in, if it is the one that is meant (None: whichever). NotInRoom."""
        if self.entry is None or (room is not None and room != self.entry.room.group_id):
            raise NotInRoom("You are not in that room; join it first.")
        return self.entry

    def ask(self, action: str, entry: joining.Entry | None) -> None:
        """Before anything that costs (a query, a thread, a place in a limit), of what this socket knows: a guest is refused by that."""
        permission.ask(
            action,
            actor=self.visitor.actor,
            room=None if entry is None else entry.room,
            role=permission.GUEST if entry is None else entry.speaker.role,
            standing=None if entry is None else entry.standing,
            now_ms=clock.now_ms(),
        )

    def leave(self) -> None:
        """Out of the room, if it is in one."""
        entry, seat, self.entry, self.seat = self.entry, self.seat, None, None
        if entry is not None and seat is not None:
            self.hub.leave(room_key=entry.room.key, seat=seat)

    def open_seat(self) -> None:
        """After the answer to a join: what was missed, then what comes."""
        if self.seat is not None and self.seat.held is not None and self.entry is not None:
            after_seq, missed = self.opening
            self.opening = (0, ())
            self.hub.open(room_key=self.entry.room.key, seat=self.seat, after_seq=after_seq, missed=missed)
