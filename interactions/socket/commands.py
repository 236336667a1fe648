"""The commands of the connection itself: `join` (served by `joining/entering.py`), `leave`, `ping`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from interactions.commands import Answer, Command, Entry, Refusal, RoomCommand, Session, serves, serves_in_room
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter


def _refuse_room(value: Any) -> None:
    raise BadParameter("room is the id of a room.", field="room")


def _refuse_since(value: Any) -> None:
    raise BadParameter('since is {"epoch": text, "seq": whole number from 0}.', field="since")


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """The last event that the client saw."""

    epoch: str
    seq: Annotated[int, msgspec.Meta(ge=0)]


class Join(Command, frozen=True, kw_only=True, tag="join"):
    """Into a room, and out of the one before. `overlay`: nobody's audience, not counted."""

    room: Annotated[str, Refusal(_refuse_room)]
    password: str | None = None
    since: Annotated[Since | None, Refusal(_refuse_since)] = None
    overlay: bool = False


class Leave(RoomCommand, frozen=True, kw_only=True, tag="leave"):
    """Out of the room; the socket stays."""


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Whether the server answers, and its clock."""


@serves_in_room(Leave)
def leave(session: Session, entry: Entry, command: Leave) -> Answer:
    session.leave()
    return {}


@serves(Ping)
def ping(session: Session, command: Ping) -> Answer:
    return {"server_time": clock.now_ms()}
