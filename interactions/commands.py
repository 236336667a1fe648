"""What a client may send: the base of every command, who serves which, and how a frame becomes one.

A command is a frozen, typed class in its feature's `commands.py`, beside the function that serves it; the class is its name on the wire
(`tag`), its fields and their types. `interactions/catalogue.py` imports every feature's commands, so the table below is complete when
Django is ready; `interactions/socket/frames.py` makes a frame into one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeVar

import msgspec

from interactions.limits import Limit
from interactions.room_refs import KnownRoom
from interactions.speaker import Speaker
from liveroom.accounts.selectors import Profile
from liveroom.kernel.errors import NotFound
from liveroom.kernel.permission import Actor
from liveroom.kernel.work.pools import Pool
from moderation.rules.verdict import Standing

if TYPE_CHECKING:
    from interactions.delivery.fanout import Hub

ID_CHARACTERS: Final = 256
Id = int | Annotated[str, msgspec.Meta(max_length=ID_CHARACTERS)] | bool | None


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """`id`: the client's own, which the answer carries. A field that is null is as good as left out, where it has a default."""

    id: Id = None


class RoomCommand(Command, frozen=True, kw_only=True, tag_field="type"):
    """Said in the room that the socket is in. `room`: which one the client means; NotInRoom if it is another one."""

    room: str | None = None


class NotInRoom(NotFound):
    """10010: join first."""

    name = "not_in_room"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Beside the type of a field: what says in the feature's own words that a value is not of that type. It is called with the value
    (None: it was left out) and raises."""

    by: Callable[[Any], object]


# -- what serves a command

Answer = dict[str, Any]
Kind = TypeVar("Kind", bound=Command)
RoomKind = TypeVar("RoomKind", bound=RoomCommand)


class Visitor(Protocol):
    """Who opened the socket. A guest's profile has no id."""

    @property
    def actor(self) -> Actor: ...

    @property
    def profile(self) -> Profile: ...


class Entry(Protocol):
    """The room that a socket is in, as whom, and what it remembers of mutes and bans."""

    @property
    def room(self) -> KnownRoom: ...

    @property
    def speaker(self) -> Speaker: ...

    @property
    def standing(self) -> Standing: ...


class Session(Protocol):
    """What a handler may use of the connection that a command came on. `hub`: the rooms of this process."""

    @property
    def visitor(self) -> Visitor: ...

    @property
    def hub(self) -> Hub: ...

    def leave(self) -> None:
        """Out of the room, if it is in one."""


# A dictionary answers at once. A future or a coroutine answers when it is done; until then other commands of the socket are served.
Served = Answer | asyncio.Future[Answer] | Coroutine[Any, Any, Answer]


@dataclass(frozen=True, slots=True)
class Handler:
    """How commands of one class are served. Asked in this order: the room, the right, a place in the queue, the limit; then `serve`.

    `asks`: the action of `permission.ask`, before anything that costs; outside of rooms it is asked for guests alone, and the service asks
    for users. `threads`: `serve` waits for the database there. `in_turn`: no other command of the socket is served meanwhile."""

    kind: type[Command]
    serve: Callable[..., Any]
    in_room: bool
    asks: str = ""
    limit: Limit | None = None
    threads: Pool | None = None
    in_turn: bool = False


HANDLERS: Final[dict[type[Command], Handler]] = {}


def serves(
    kind: type[Kind], *, asks: str = "", limit: Limit | None = None, in_turn: bool = False
) -> Callable[[Callable[[Any, Kind], Served]], Callable[[Any, Kind], Served]]:
    """Declares the function that serves a command which needs no room: `(session, command)`."""

    def declare(serve: Callable[[Any, Kind], Served]) -> Callable[[Any, Kind], Served]:
        HANDLERS[kind] = Handler(kind=kind, serve=serve, in_room=False, asks=asks, limit=limit, in_turn=in_turn)
        return serve

    return declare


def serves_in_room(
    kind: type[RoomKind], *, asks: str = "", limit: Limit | None = None, threads: Pool | None = None
) -> Callable[[Callable[[Any, Entry, RoomKind], Served]], Callable[[Any, Entry, RoomKind], Served]]:
    """The same for a command that is said in a room: `(session, entry, command)`."""

    def declare(serve: Callable[[Any, Entry, RoomKind], Served]) -> Callable[[Any, Entry, RoomKind], Served]:
        HANDLERS[kind] = Handler(kind=kind, serve=serve, in_room=True, asks=asks, limit=limit, threads=threads)
        return serve

    return declare


# Commands that the database answers wait in threads of their own, so that joins do not wait for them. One writer at a time is all that
# SQLite has, and PostgreSQL's pool is small. The queue is some seconds of purchases.
DATABASE: Final = Pool(name="engaging", threads=4, waiting=1_000)


def handlers() -> dict[str, Handler]:
    """THE table of commands, by their names on the wire."""
    return {str(kind.__struct_config__.tag): handler for kind, handler in HANDLERS.items()}
