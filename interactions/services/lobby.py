"""Where those wait who come into a room: what they must know is read once for all who come at the same time.

Promise: a snapshot lacks nothing that happened up to its `seq`. State: memory, for a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async

from interactions.live import pipeline, presence
from interactions.live.pipeline import Position
from interactions.live.whispers import EVERY_ROOM
from interactions.services import joining
from interactions.services.joining import RoomView, Visitor
from interactions.services.passwords import PasswordChecks
from liveroom.kernel import clock
from liveroom.kernel.rounds import Rounds

# Longer than this nobody is shown an old title, role or list of the banned (R1: a second).
FRESH_SECONDS = 0.8
ROOMS = 1_000
TRIES = 5
# Of these a newcomer is told by the history; every other event changes what it is shown.
_SAID = (b'"type":"comment"', b'"type":"custom"', b'"type":"broadcast"')


@dataclass(frozen=True, slots=True)
class _Seen:
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


class Door:
    """One room that people are coming into."""

    def __init__(self, *, app_id: int, group_id: str) -> None:
        self._app_id, self._group_id = app_id, group_id
        self._seen: _Seen | None = None
        self._doubted_at = 0.0
        self._views: Rounds[None, _Seen] = Rounds(self._look)
        self._moments: Rounds[None, Moment] = Rounds(self._read)

    @property
    def room_key(self) -> str:
        return EVERY_ROOM if self._seen is None else self._seen.view.ref.key

    async def view(self) -> _Seen:
        seen = self._seen
        now = asyncio.get_running_loop().time()
        if seen is not None and seen.read_at >= self._doubted_at and now - seen.read_at < FRESH_SECONDS:
            return seen
        return await self._views.ask(None)

    def doubt(self) -> None:
        """What was read until now is shown to nobody who comes from here on."""
        self._doubted_at = asyncio.get_running_loop().time()

    async def moment(self) -> Moment:
        """As of now or later: ask after the seat was taken, and nothing falls between the two."""
        return await self._moments.ask(None)

    async def _look(self, asked: Sequence[None]) -> Sequence[_Seen]:
        read_at = asyncio.get_running_loop().time()
        known = self._seen.view if self._seen is not None else await self._view()
        # First where the room stands: what changes while the view is read is then noticed by `_read`.
        position = await pipeline.position(room_key=known.ref.key)
        self._seen = _Seen(view=await self._view(), position=position, read_at=read_at)
        return [self._seen] * len(asked)

    async def _view(self) -> RoomView:
        look = database_sync_to_async(joining.view_of)
        return await look(app_id=self._app_id, group_id=self._group_id, now=clock.now())

    async def _read(self, asked: Sequence[None]) -> Sequence[Moment]:
        seen = await self.view()
        for _ in range(TRIES):
            key = seen.view.ref.key
            here, history, likes = await pipeline.moment(
                room=seen.view.ref, since=seen.position.seq, now_ms=clock.now_ms()
            )
            if not _changed(seen.position, here):
                break
            seen = await self._views.ask(None)
        online = await presence.online(room_key=key)
        total = seen.view.room.likes if likes is None else likes
        moment = Moment(view=seen.view, position=here, history=history, online=online, likes=total)
        return [moment] * len(asked)


def _changed(before: Position, now: Position) -> bool:
    """Whether something happened that the view of `before` does not show. A flood of changes is given up on after some tries:
    the events that follow say the same again."""
    return (
        before.epoch != now.epoch
        or len(now.events) != now.seq - before.seq
        or not all(any(kind in event[:60] for kind in _SAID) for event in now.events)
    )


class Lobby:
    """One per process."""

    def __init__(self) -> None:
        self._doors: dict[tuple[int, str], Door] = {}
        self.passwords = PasswordChecks()
        self._log_ins: Rounds[str, Visitor] = Rounds(_visitors)
        self._apps: Rounds[int | None, int] = Rounds(_app_ids)
        self._follows: Rounds[tuple[int, int], bool] = Rounds(_are_following)

    async def app_id(self, sdkappid: int | None) -> int:
        """The app that a guest means. AppUnknown."""
        return await self._apps.ask(sdkappid)

    async def visitor(self, usersig: str) -> Visitor:
        """TokenRefused if the token is not good."""
        return await self._log_ins.ask(usersig)

    async def is_following(self, *, view: RoomView, visitor: Visitor) -> bool:
        """Whether the visitor follows the room's owner."""
        known = joining.is_following(view, visitor)
        if known is not None:
            return known
        return await self._follows.ask((int(visitor.actor.person_id or 0), int(view.room.owner_id)))

    def doubt(self, room_key: str) -> None:
        """Somebody was banned from this room (EVERY_ROOM: from an app), or may come in again: what was read of it may be older."""
        for door in self._doors.values():
            if room_key in (EVERY_ROOM, door.room_key):
                door.doubt()

    def door(self, *, app_id: int, group_id: str) -> Door:
        door = self._doors.get((app_id, group_id))
        if door is None:
            if len(self._doors) >= ROOMS:
                self._doors.pop(next(iter(self._doors)))
            door = self._doors[app_id, group_id] = Door(app_id=app_id, group_id=group_id)
        return door


async def _visitors(usersigs: Sequence[str]) -> Sequence[Visitor | BaseException]:
    return await database_sync_to_async(joining.visitors_of)(usersigs=usersigs, now=clock.now())


async def _app_ids(sdkappids: Sequence[int | None]) -> Sequence[int | BaseException]:
    found = await database_sync_to_async(joining.app_ids_of)(set(sdkappids))
    return [found[sdkappid] for sdkappid in sdkappids]


async def _are_following(pairs: Sequence[tuple[int, int]]) -> Sequence[bool]:
    return await database_sync_to_async(joining.are_following)(pairs)
