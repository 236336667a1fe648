"""The join cache: what those who come into rooms must know is read once for all who come at the same time, into whatever rooms.

Promise: a snapshot lacks nothing that happened up to its `seq`. State: memory, for a second."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from channels.db import database_sync_to_async

from interactions.delivery.events import EVERY_ROOM, RoomEvent, catalogue
from interactions.delivery.rooms import Position, RoomRead, positions_since, read_rooms
from interactions.delivery.rooms import positions as positions_of
from interactions.likes import services as likes
from interactions.socket.joining import joining
from interactions.socket.joining.joining import RoomView, Visitor
from interactions.socket.joining.passwords import PasswordChecks
from liveroom.kernel import clock
from liveroom.kernel.work.pools import Pool
from liveroom.kernel.work.rounds import Rounds

# Longer than this nobody is shown an old title, role or list of the banned (R1: a second).
FRESH_SECONDS = 0.8
# … but what a room tells its viewers is noticed at once: what nothing was told about may be a little older.
KEPT_SECONDS = 3.0
ROOMS = 5_000
# For rooms with more banned than a process remembers.
_LOOKS: Final = Pool(name="entering", threads=2, waiting=500)
# Once more if something happened meanwhile; then the newer view is shown with the older place, which is right, too.
TRIES = 2


@dataclass(frozen=True, slots=True)
class _ReadView:
    """A view, and where the room stood before it was read."""

    view: RoomView
    position: Position
    read_at: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A room at one `seq`: the view holds every change up to it, `history` every message. `online` and `likes`: as counted now."""

    view: RoomView
    position: Position
    history: list[dict[str, Any]]
    online: int
    likes: int
    fresh: bool = True
    """Whether also that was read just now of which the room tells nothing: who follows its owner."""


class CachedRoom:
    """One room that people are coming into. `views` and `moments`: what is asked together with other rooms, and once for all who come
    into the same one."""

    def __init__(
        self,
        *,
        app_id: int,
        group_id: str,
        views: Rounds[CachedRoom, _ReadView] | None = None,
        moments: Rounds[CachedRoom, Moment] | None = None,
    ) -> None:
        self.app_id, self.group_id = app_id, group_id
        self.seen: _ReadView | None = None
        self._doubted_at = 0.0
        # Who comes while it is read waits for the next reading.
        self._views: Rounds[CachedRoom, _ReadView] = Rounds(_read_views, once=True) if views is None else views
        self._moments: Rounds[CachedRoom, Moment] = Rounds(_read_moments, once=True) if moments is None else moments

    @property
    def room_key(self) -> str:
        return EVERY_ROOM if self.seen is None else self.seen.view.ref.key

    def known(self, seconds: float) -> _ReadView | None:
        """What was read at most so long ago, unless it is in doubt."""
        seen = self.seen
        now = asyncio.get_running_loop().time()
        young = seen is not None and seen.read_at >= self._doubted_at and now - seen.read_at < seconds
        return seen if young else None

    async def view(self) -> _ReadView:
        """To be compared with what happened since by `moment`."""
        return self.known(KEPT_SECONDS) or await self._views.ask(self)

    async def look_again(self) -> _ReadView:
        return await self._views.ask(self)

    def doubt(self) -> None:
        """What was read until now is shown to nobody who comes from here on."""
        self._doubted_at = asyncio.get_running_loop().time()

    async def moment(self) -> Moment:
        """As of now or later: ask after the seat was taken, and nothing falls between the two."""
        return await self._moments.ask(self)


async def _read_views(rooms: Sequence[CachedRoom]) -> Sequence[_ReadView | BaseException]:
    """First where the rooms stand: what changes while the views are read is then noticed by `_read_moments`. And first of all whether there
    are such rooms: no place in Redis is made for an id that somebody has made up."""
    read_at = asyncio.get_running_loop().time()
    found: dict[CachedRoom, str | BaseException] = {
        room: room.seen.view.ref.key for room in rooms if room.seen is not None
    }
    if new := [room for room in rooms if room not in found]:
        names = await database_sync_to_async(joining.keys_of)([(room.app_id, room.group_id) for room in new])
        found.update(zip(new, names, strict=True))
    keys = {room: key for room, key in found.items() if isinstance(key, str)}
    positions = dict(zip(keys, await positions_of(room_keys=list(keys.values())), strict=True))
    there = [(room.app_id, room.group_id) for room in keys]
    views = dict(zip(keys, await database_sync_to_async(joining.views_of)(there, now=clock.now()), strict=True))
    answers: list[_ReadView | BaseException] = []
    for room in rooms:
        view = views.get(room, found[room])
        if isinstance(view, RoomView):
            room.seen = _ReadView(view=view, position=positions[room], read_at=read_at)
            answers.append(room.seen)
        elif isinstance(view, BaseException):
            room.seen = None
            answers.append(view)
    return answers


async def _read_moments(rooms: Sequence[CachedRoom]) -> Sequence[Moment | BaseException]:
    """Rooms in which something happened since their view was read are read anew, until nothing did. A flood of changes is given up on
    after some tries: with the last view, which is newer than the place it is shown with, so that the events that follow say the same
    again."""
    answers: dict[CachedRoom, Moment | BaseException] = {}
    read: dict[CachedRoom, RoomRead | BaseException] = {}
    seen: dict[CachedRoom, _ReadView | BaseException] = {
        room: known for room in rooms if (known := room.known(KEPT_SECONDS)) is not None
    }
    unknown = [room for room in rooms if room not in seen]
    seen.update(zip(unknown, await _gathered(room.view() for room in unknown), strict=True))
    for _ in range(TRIES):
        answers |= {room: found for room, found in seen.items() if isinstance(found, BaseException)}
        asked = [(room, found) for room, found in seen.items() if isinstance(found, _ReadView)]
        places = [(found.view.ref, found.position.seq) for _, found in asked]
        moments = await read_rooms(asked=places, now_ms=clock.now_ms(), extras=(likes.total_read,))
        stale = []
        read = {room: moment for (room, _), moment in zip(asked, moments, strict=True)}
        for room, found in asked:
            moment = read[room]
            if isinstance(moment, BaseException):
                answers[room] = moment
            elif _changed(found.position, moment.position):
                stale.append(room)
            else:
                answers[room] = _moment(found, moment)
        if not stale:
            return [answers[room] for room in rooms]
        seen = dict(zip(stale, await _gathered(room.look_again() for room in stale), strict=True))
    for room, last in seen.items():
        read_last = read[room]
        if isinstance(read_last, BaseException):
            answers[room] = read_last
        else:
            answers[room] = last if isinstance(last, BaseException) else _moment(last, read_last)
    return [answers[room] for room in rooms]


def _moment(seen: _ReadView, found: RoomRead) -> Moment:
    counted = likes.total_of(found.extras[0])
    total = seen.view.room.likes if counted is None else counted
    fresh = asyncio.get_running_loop().time() - seen.read_at < FRESH_SECONDS
    return Moment(
        view=seen.view, position=found.position, history=found.history, online=found.online, likes=total, fresh=fresh
    )


async def _gathered(asking: Iterable[Coroutine[Any, Any, _ReadView]]) -> list[_ReadView | BaseException]:
    return await asyncio.gather(*asking, return_exceptions=True)


@cache
def _told_by_history() -> tuple[bytes, ...]:
    """How events begin that a newcomer is told by the history; every other event changes what it is shown."""
    return tuple(f'"type":"{name}"'.encode() for name, kind in catalogue(RoomEvent).items() if kind.in_history)


def _changed(before: Position, now: Position) -> bool:
    """Whether something happened that the view of `before` does not show."""
    said = _told_by_history()
    return (
        before.epoch != now.epoch
        or len(now.events) != now.seq - before.seq
        or not all(any(kind in event[:60] for kind in said) for event in now.events)
    )


class JoinCache:
    """One per process."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[int, str], CachedRoom] = {}
        self.passwords = PasswordChecks()
        self._log_ins: Rounds[str, Visitor] = Rounds(_visitors)
        self._apps: Rounds[int | None, int] = Rounds(_app_ids)
        self._follows: Rounds[tuple[int, int], bool] = Rounds(_are_following)
        self._views: Rounds[CachedRoom, _ReadView] = Rounds(_read_views, under_way=2, once=True)
        self._moments: Rounds[CachedRoom, Moment] = Rounds(_read_moments, under_way=2, once=True)
        self._missed: Rounds[tuple[str, int], Position] = Rounds(_missed_by_all, under_way=2, once=True)

    async def app_id(self, sdkappid: int | None) -> int:
        """The app that a guest means. AppUnknown."""
        return await self._apps.ask(sdkappid)

    async def visitor(self, usersig: str) -> Visitor:
        """TokenRefused if the token is not good."""
        return await self._log_ins.ask(usersig)

    async def is_following(self, *, moment: Moment, visitor: Visitor) -> bool:
        """Whether the visitor follows the room's owner."""
        person_id = visitor.actor.person_id
        known = joining.is_following(moment.view, visitor)
        if person_id is None or (known is not None and moment.fresh):
            return bool(known)
        return await self._follows.ask((int(person_id), int(moment.view.room.owner_id)))

    async def let_in(
        self,
        *,
        view: RoomView,
        visitor: Visitor,
        password: str | None,
        address: str,
        rounds: Rounds[tuple[Any, ...], Any],
    ) -> joining.Entry:
        """What `joining.enter_room` and the room's password refuse. `address`: guesses of a password are counted by it."""
        if joining.needs_look(view, visitor):
            entry = await _LOOKS.run(joining.enter_room, view=view, visitor=visitor, now=clock.now())
        else:
            entry = joining.enter_room(view=view, visitor=visitor, now=clock.now())
        if joining.asks_password(view, entry):
            await self.passwords.check(
                room_id=view.room.pk, stored=view.room.password, given=password, address=address, actor=visitor.actor,
                rounds=rounds,
            )  # fmt: skip
        return entry

    async def missed(self, *, room_key: str, since: int) -> Position:
        """Where the room stands with what came after `since`: all who come back from the same place are told by one look."""
        return await self._missed.ask((room_key, since))

    def doubt(self, room_key: str) -> None:
        """Somebody was banned from this room (EVERY_ROOM: from an app), or may come in again: what was read of it may be older."""
        for room in self._rooms.values():
            if room_key in (EVERY_ROOM, room.room_key):
                room.doubt()

    def room(self, *, app_id: int, group_id: str) -> CachedRoom:
        room = self._rooms.get((app_id, group_id))
        if room is None:
            if len(self._rooms) >= ROOMS:
                self._rooms.pop(next(iter(self._rooms)))
            room = self._rooms[app_id, group_id] = CachedRoom(
                app_id=app_id, group_id=group_id, views=self._views, moments=self._moments
            )
        return room


async def _visitors(usersigs: Sequence[str]) -> Sequence[Visitor | BaseException]:
    return await database_sync_to_async(joining.visitors_of)(usersigs=usersigs, now=clock.now())


async def _missed_by_all(asked: Sequence[tuple[str, int]]) -> Sequence[Position]:
    return await positions_since(asked=asked)


async def _app_ids(sdkappids: Sequence[int | None]) -> Sequence[int | BaseException]:
    found = await database_sync_to_async(joining.app_ids_of)(set(sdkappids))
    return [found[sdkappid] for sdkappid in sdkappids]


async def _are_following(pairs: Sequence[tuple[int, int]]) -> Sequence[bool]:
    return await database_sync_to_async(joining.are_following)(pairs)
