"""Likes of the sockets of one process: summed for a tenth of a second, and then counted in Redis, all rooms in one round trip.

Promise: none is lost and none counts twice, whoever dies (L1): who adds is answered once Redis has counted, and a call that got no answer
is made again under its own id. State: memory, only what is not answered yet; what is counted is in Redis (`redis_counter.py`)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import redis
from channels.db import database_sync_to_async
from django.db import DatabaseError

from interactions.likes.redis_counter import Added, add_all, too_often
from interactions.likes.scripts import Answer, Asked, answer_of, call, is_over, shown_as
from interactions.likes.totals import ENDED, saved_totals
from interactions.room_refs import KnownRoom
from liveroom.kernel.errors import LiveRoomError, TryLater
from liveroom.kernel.web.throttle import TooOften
from liveroom.rooms.selectors import RoomEnded, RoomUnknown

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
RETRY_SECONDS = 0.25
PATIENCE_SECONDS = 3.0
# Of one room: users in a call, and users who may wait for the next ones.
USERS_PER_CALL = 500
WAITING_USERS = 20_000


@dataclass(slots=True, eq=False)
class _Request:
    """One `add` that waits for its answer; after `deadline` it waits no more."""

    count: int
    answer: asyncio.Future[Added]
    deadline: float


@dataclass(slots=True, eq=False)
class _User:
    """The requests of one user. `shown`: how the newest of them shows it."""

    shown: bytes
    requests: list[_Request] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Call:
    """A call that is under way: the same until it is answered, so that making it again counts nothing twice."""

    id: str
    users: dict[str, _User]
    asked: tuple[Asked, ...]

    def requests(self) -> Iterable[_Request]:
        return (request for user in self.users.values() for request in user.requests)


@dataclass(slots=True, eq=False)
class _Queue:
    """One room that is liked here: who waits for the next call, and the call that is under way.

    `publish_at`: when the room's batch is due. `base`: the room's total as the database has it, where Redis asked for that; `reading`:
    it is being read."""

    room: KnownRoom
    users: dict[str, _User] = field(default_factory=dict)
    call: _Call | None = None
    publish_at: float | None = None
    base: int | None = None
    reading: bool = False


class LikeCounter:
    """All rooms of this process. One per event loop; `run` makes the calls."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self._wake = asyncio.Event()
        self._reading: set[asyncio.Task[None]] = set()

    async def add(self, *, room: KnownRoom, person: str, nick: str, count: int) -> Added:
        """Count so many likes of that person. TooOften (60018) if none of them counts, because this person has added as many as the app
        allows in a second; RoomEnded, TryLater, RoomUnknown."""
        queue = self._queues.get(room.key)
        if queue is None:
            queue = self._queues[room.key] = _Queue(room=room)
        queue.room = room
        user = queue.users.get(person)
        if user is None:
            if len(queue.users) >= WAITING_USERS:
                raise TooOften("Too many like this room at once; try again in a second.", retry_after_ms=1000)
            user = queue.users[person] = _User(shown=b"")
        user.shown = shown_as(id=person, nick=nick)
        loop = asyncio.get_running_loop()
        request = _Request(count=count, answer=loop.create_future(), deadline=loop.time() + PATIENCE_SECONDS)
        user.requests.append(request)
        self._wake.set()
        return await request.answer

    async def run(self) -> None:
        """Until cancelled. The first like of a quiet moment goes at once; what comes while it is under way goes together."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            due = [queue for queue in self._queues.values() if self._is_due(queue, began)]
            if due:
                ok = await self._round(due)
                await asyncio.sleep(max(0.0, began + (TICK_SECONDS if ok else RETRY_SECONDS) - loop.time()))
                continue
            self._wake.clear()
            nearest = min(
                (queue.publish_at for queue in self._queues.values() if queue.publish_at is not None), default=None
            )
            try:
                await asyncio.wait_for(self._wake.wait(), None if nearest is None else max(0.001, nearest - began))
            except TimeoutError:
                pass

    @staticmethod
    def _is_due(queue: _Queue, now: float) -> bool:
        if queue.reading:
            return False
        return bool(queue.call or queue.users) or (queue.publish_at is not None and queue.publish_at <= now)

    async def _round(self, queues: Sequence[_Queue]) -> bool:
        """One round trip for all of them. False: Redis is away; the same calls are made again until those who wait lose patience."""
        calls = []
        for queue in queues:
            if queue.call is None:
                queue.call = self._next_call(queue)
            calls.append(call(queue.room, queue.call.asked, call_id=queue.call.id, base=queue.base))
        try:
            answers = await add_all(calls)
        except (redis.RedisError, OSError) as error:
            log.warning("Redis is away (%s); likes are kept and tried again.", type(error).__name__)
            answers = [error] * len(queues)
        baseless, failed = [], False
        for queue, raw in zip(queues, answers, strict=True):
            if isinstance(raw, Exception):
                failed = True
                self._lose_patience(queue)
                continue
            if is_over(raw):
                self._refuse_call(queue, RoomEnded("likes"))
                continue
            found = answer_of(raw)
            if found is None:
                baseless.append(queue)
            else:
                self._answer(queue, found)
        if baseless:
            for queue in baseless:
                queue.reading = True
            task = asyncio.ensure_future(self._read_totals(baseless))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
        return not failed

    @staticmethod
    def _next_call(queue: _Queue) -> _Call:
        """Of those who wait, as many as one call takes."""
        users = dict(list(queue.users.items())[:USERS_PER_CALL])
        for person in users:
            del queue.users[person]
        asked = tuple(
            Asked(user=person, count=sum(request.count for request in user.requests), shown=user.shown)
            for person, user in users.items()
        )
        return _Call(id=secrets.token_hex(8), users=users, asked=asked)

    def _answer(self, queue: _Queue, found: Answer) -> None:
        """Everybody in the call hears how many counted: of one user's requests, the earlier ones first."""
        done, queue.call, queue.base = queue.call, None, None
        if done is not None:
            for user, (count, wait_ms) in zip(done.users.values(), found.counted, strict=True):
                for request in user.requests:
                    mine = min(request.count, count)
                    count -= mine
                    if not request.answer.done():
                        if mine:
                            request.answer.set_result(Added(total=found.total, counted=mine))
                        else:
                            request.answer.set_exception(too_often(queue.room, wait_ms))
        queue.publish_at = None
        if found.publish_in_ms is not None:
            queue.publish_at = asyncio.get_running_loop().time() + found.publish_in_ms / 1000
        elif not queue.users:
            self._queues.pop(queue.room.key, None)

    def _refuse_call(self, queue: _Queue, error: LiveRoomError) -> None:
        """None of what is under way counts."""
        done, queue.call, queue.base = queue.call, None, None
        if done is not None:
            _refuse(done.requests(), error)
        if not queue.users and queue.publish_at is None:
            self._queues.pop(queue.room.key, None)

    def _lose_patience(self, queue: _Queue) -> None:
        """Give a call up once nobody waits for it any more; whether it was counted is not known."""
        now = asyncio.get_running_loop().time()
        late = queue.call
        if late is not None and all(request.deadline <= now for request in late.requests()):
            queue.call = None
            _refuse(late.requests(), _away())
        if queue.call is None and not queue.users:
            self._queues.pop(queue.room.key, None)

    async def _read_totals(self, queues: Sequence[_Queue]) -> None:
        """Redis does not know these totals: as they were last saved. Other rooms do not wait for that."""
        try:
            bases = await database_sync_to_async(saved_totals)([queue.room for queue in queues])
        except (DatabaseError, OSError) as error:
            log.warning("The database is away (%s); likes wait for their totals.", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            for queue in queues:
                self._lose_patience(queue)
        else:
            for queue in queues:
                queue.base = bases.get(queue.room.key)
                if queue.base is None:
                    self._refuse_call(queue, RoomUnknown("There is no such room."))
                elif queue.base == ENDED:
                    self._refuse_call(queue, RoomEnded("likes"))
        finally:
            for queue in queues:
                queue.reading = False
            self._wake.set()


def _refuse(requests: Iterable[_Request], error: LiveRoomError) -> None:
    for request in requests:
        if not request.answer.done():
            request.answer.set_exception(error)


def _away() -> TryLater:
    return TryLater("Likes could not be counted in time; try again.", retry_after_ms=1000)
