"""Likes: summed here for a tenth of a second, counted in Redis by one script, told to the room in batches.

Promise: what was answered is counted, once, whoever dies (L1): Redis keeps it, `services/counting.save_likes` writes it down every
second, and a call that heard no answer is said again under its own id. State: memory, only what is not answered yet; the rest is in
Redis (`like_scripts.py` lists the keys). Threads use the functions that end in `_now`; sockets go through `LikeCounter`."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import redis
from channels.db import database_sync_to_async
from django.db import DatabaseError

from interactions.delivery.events import encoded
from interactions.delivery.room_ref import RoomRef
from interactions.likes import rules as batching
from interactions.likes.events import Liker, Likes
from interactions.likes.scripts import (
    ADD,
    CHANGED,
    KEPT_SECONDS,
    MARK,
    Answer,
    Asked,
    answer_of,
    call,
    is_over,
    shown_as,
)
from liveroom.kernel.errors import BadParameter, LiveRoomError, TryLater
from liveroom.kernel.redis import aredis_for, key, redis_for, shared
from liveroom.kernel.throttle import TooOften
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import OVER
from liveroom.rooms.selectors import RoomEnded, RoomUnknown

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
RETRY_SECONDS = 0.25
PATIENCE_SECONDS = 3.0
# Of one room: users in a call, and users who may wait for the next ones.
PER_CALL = 500
WAITING_USERS = 20_000


@dataclass(frozen=True, slots=True)
class Added:
    """`total`: the room's likes with these; `counted`: how many of them counted."""

    total: int
    counted: int


def checked_count(value: Any) -> int:
    """A client's sum of taps, or BadParameter."""
    if type(value) is not int or not 1 <= value <= batching.AT_MOST:
        given = {"given": value} if type(value) is int and abs(value) < 2**53 else {}
        raise BadParameter(
            f"count is a whole number from 1 to {batching.AT_MOST}.", field="count", limit=batching.AT_MOST, **given
        )
    return value


@dataclass(slots=True, eq=False)
class _Wish:
    """One `add` that waits for its answer."""

    count: int
    answer: asyncio.Future[Added]
    until: float


@dataclass(slots=True, eq=False)
class _User:
    shown: bytes
    wishes: list[_Wish] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Flight:
    """A call that is under way: the same until it is answered, so that saying it again counts nothing twice."""

    id: str
    users: dict[str, _User]
    asked: tuple[Asked, ...]

    def wishes(self) -> Iterable[_Wish]:
        return (wish for user in self.users.values() for wish in user.wishes)


@dataclass(slots=True, eq=False)
class _Line:
    """One room that is liked here. `base`: its total as the database has it, where Redis asked for that."""

    room: RoomRef
    users: dict[str, _User] = field(default_factory=dict)
    flight: _Flight | None = None
    tell_at: float | None = None
    base: int | None = None
    asking: bool = False


class LikeCounter:
    """All rooms of this process. One per event loop; `run` is its heart."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._wake = asyncio.Event()
        self._asking: set[asyncio.Task[None]] = set()

    async def add(self, *, room: RoomRef, person: str, shown: Mapping[str, Any], count: Any) -> Added:
        """Count so many likes of that person (`shown`: its id and nick). BadParameter; TooOften (60018) if none of them counts,
        because this person has added RoomRef.likes_per_second already; RoomEnded, TryLater, RoomUnknown."""
        count = checked_count(count)
        line = self._lines.get(room.key)
        if line is None:
            line = self._lines[room.key] = _Line(room=room)
        line.room = room
        user = line.users.get(person)
        if user is None:
            if len(line.users) >= WAITING_USERS:
                raise TooOften("Too many like this room at once; try again in a second.", retry_after_ms=1000)
            user = line.users[person] = _User(shown=b"")
        user.shown = shown_as(id=str(shown["id"]), nick=str(shown["nick"]))
        loop = asyncio.get_running_loop()
        wish = _Wish(count=count, answer=loop.create_future(), until=loop.time() + PATIENCE_SECONDS)
        user.wishes.append(wish)
        self._wake.set()
        return await wish.answer

    async def run(self) -> None:
        """Until cancelled. The first like of a quiet moment goes at once; what comes while it is under way goes together."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            due = [line for line in self._lines.values() if self._is_due(line, began)]
            if due:
                ok = await self._round(due)
                await asyncio.sleep(max(0.0, began + (TICK_SECONDS if ok else RETRY_SECONDS) - loop.time()))
                continue
            self._wake.clear()
            nearest = min((line.tell_at for line in self._lines.values() if line.tell_at is not None), default=None)
            try:
                await asyncio.wait_for(self._wake.wait(), None if nearest is None else max(0.001, nearest - began))
            except TimeoutError:
                pass

    @staticmethod
    def _is_due(line: _Line, now: float) -> bool:
        if line.asking:
            return False
        return bool(line.flight or line.users) or (line.tell_at is not None and line.tell_at <= now)

    async def _round(self, lines: Sequence[_Line]) -> bool:
        """One question for all of them. False: Redis is away; the same is said again until those who wait lose patience."""
        calls = []
        for line in lines:
            if line.flight is None:
                users = dict(list(line.users.items())[:PER_CALL])
                for person in users:
                    del line.users[person]
                asked = tuple(
                    Asked(user=person, count=sum(wish.count for wish in user.wishes), shown=user.shown)
                    for person, user in users.items()
                )
                line.flight = _Flight(id=secrets.token_hex(8), users=users, asked=asked)
            calls.append(call(line.room, line.flight.asked, call_id=line.flight.id, base=line.base))
        try:
            answers = await _ask(calls)
        except (redis.RedisError, OSError) as error:
            log.warning("Redis is away (%s); likes are kept and tried again.", type(error).__name__)
            answers = [error] * len(lines)
        baseless, refused = [], False
        for line, raw in zip(lines, answers, strict=True):
            if isinstance(raw, Exception):
                refused = True
                self._lose_patience(line)
                continue
            if is_over(raw):
                self._turn_away(line, RoomEnded("likes"))
                continue
            found = answer_of(raw)
            if found is None:
                baseless.append(line)
            else:
                self._heard(line, found)
        if baseless:
            for line in baseless:
                line.asking = True
            task = asyncio.ensure_future(self._ask_database(baseless))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return not refused

    def _heard(self, line: _Line, found: Answer) -> None:
        flight, line.flight, line.base = line.flight, None, None
        if flight is not None:
            for user, (count, wait_ms) in zip(flight.users.values(), found.counted, strict=True):
                for wish in user.wishes:
                    mine = min(wish.count, count)
                    count -= mine
                    if not wish.answer.done():
                        if mine:
                            wish.answer.set_result(Added(total=found.total, counted=mine))
                        else:
                            wish.answer.set_exception(too_often(line.room, wait_ms))
        line.tell_at = None
        if found.tell_in_ms is not None:
            line.tell_at = asyncio.get_running_loop().time() + found.tell_in_ms / 1000
        elif not line.users:
            self._lines.pop(line.room.key, None)

    def _turn_away(self, line: _Line, error: LiveRoomError) -> None:
        """None of what is under way counts."""
        flight, line.flight, line.base = line.flight, None, None
        if flight is not None:
            _refuse(flight.wishes(), error)
        if not line.users and line.tell_at is None:
            self._lines.pop(line.room.key, None)

    def _lose_patience(self, line: _Line) -> None:
        now = asyncio.get_running_loop().time()
        flight = line.flight
        if flight is not None and all(wish.until <= now for wish in flight.wishes()):
            # Nobody waits for it any more; whether it was counted is not known.
            line.flight = None
            _refuse(flight.wishes(), _away())
        if line.flight is None and not line.users:
            self._lines.pop(line.room.key, None)

    async def _ask_database(self, lines: Sequence[_Line]) -> None:
        """Redis does not know these totals: as they were last saved. Other rooms do not wait for that."""
        try:
            bases = await database_sync_to_async(saved_totals)([line.room for line in lines])
        except (DatabaseError, OSError) as error:
            log.warning("The database is away (%s); likes wait for their totals.", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            for line in lines:
                self._lose_patience(line)
        else:
            for line in lines:
                line.base = bases.get(line.room.key)
                if line.base is None:
                    self._turn_away(line, RoomUnknown("There is no such room."))
                elif line.base == ENDED:
                    self._turn_away(line, RoomEnded("likes"))
        finally:
            for line in lines:
                line.asking = False
            self._wake.set()


def merged(older: bytes, newer: bytes) -> bytes:
    """Two `likes` events as one, for who sends fewer frames: the newer total, the counts together, the users of both."""
    first, second = _DECODER.decode(older), _DECODER.decode(newer)
    people = {user.id: user for user in (*first.users, *second.users)}
    users = batching.together(*({user.id: user.count for user in said.users} for said in (first, second)))
    event = Likes(
        t=second.t, total=max(first.total, second.total), count=first.count + second.count,
        users=[Liker(id=name, nick=people[name].nick, count=users[name]) for name in batching.shown(users)],
    )  # fmt: skip
    return encoded(event)


_DECODER = msgspec.json.Decoder(Likes)


def _refuse(wishes: Iterable[_Wish], error: LiveRoomError) -> None:
    for wish in wishes:
        if not wish.answer.done():
            wish.answer.set_exception(error)


def _away() -> TryLater:
    return TryLater("Likes could not be counted in time; try again.", retry_after_ms=1000)


def too_often(room: RoomRef, wait_ms: int) -> TooOften:
    limit = room.likes_per_second
    return TooOften(
        f"At most {limit} likes of one user count in a second.", limit=limit, retry_after_ms=max(1, wait_ms)
    )


async def _ask(calls: Sequence[list[Any]]) -> list[Any]:
    """One round; the answer per call, or its error. RedisError: nobody knows what was done."""
    return await ADD.ask_all(aredis_for(""), calls, raise_on_error=False)


# In place of a total: the show has ended.
ENDED = -1


def saved_totals(rooms: Collection[RoomRef]) -> dict[str, int]:
    """By room key, as the database has them; ENDED where there is nothing to add to. Rooms that are gone are missing."""
    open_rooms = Room.objects.filter(disbanded_at__isnull=True)
    asked = {room.room_id: room.key for room in rooms if room.room_id}
    rows = open_rooms.filter(pk__in=asked).values_list("pk", "likes", "status")
    found = {asked[pk]: ENDED if status in OVER else likes for pk, likes, status in rows}
    for room in rooms:
        if not room.room_id:
            row = _of_key(room.key).values_list("likes", "status").first()
            if row is not None:
                found[room.key] = ENDED if row[1] in OVER else row[0]
    return found


def mark_over_now(*, room_key: str, over: bool, version: int) -> None:
    """Whether the show has ended, as of that version of the room's state: from here on likes are refused, or count again. RedisError."""
    call = MARK.call((key("likes:over", room_key),), (int(over), version, KEPT_SECONDS))
    MARK.ask_now(redis_for(room_key), call)


def _of_key(key_of_room: str) -> Any:
    sdkappid, _, group_id = key_of_room.partition(":")
    return Room.objects.filter(app__sdkappid=int(sdkappid), group_id=group_id, disbanded_at__isnull=True)


def add_now(*, room: RoomRef, person: str, shown: Mapping[str, Any], count: Any) -> Added:
    """`LikeCounter.add` from a thread. What makes no full batch is told by `run_relay` within two seconds. RedisError."""
    asked = Asked(user=person, count=checked_count(count), shown=shown_as(id=str(shown["id"]), nick=str(shown["nick"])))
    client, call_id = redis_for(room.key), secrets.token_hex(8)
    base = None
    while True:
        raw = ADD.ask_now(client, call(room, (asked,), call_id=call_id, base=base))
        if is_over(raw):
            raise RoomEnded("likes")
        found = answer_of(raw)
        if found is not None:
            [(counted, wait_ms)] = found.counted
            if not counted:
                raise too_often(room, wait_ms)
            return Added(total=found.total, counted=counted)
        base = saved_totals([room]).get(room.key)
        if base is None:
            raise RoomUnknown("There is no such room.")
        if base == ENDED:
            raise RoomEnded("likes")


def forget_now(*, room_key: str) -> None:
    """The room is gone for good: whoever gets its id next is liked by nobody."""
    redis_for(room_key).delete(*(key(kind, room_key) for kind in ("likes", "likes:batch", "likes:over")))
    shared().hdel(CHANGED, room_key)
