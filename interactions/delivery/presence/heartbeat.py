"""Who is in a room, by the word of every socket process: heartbeats with expiry, never +1 and -1.

Promise: the number is right within 10 s of a clean end of a process and 35 s of its death; it is announced when it changed by enough,
at most once a second; so are tips of who came and left. State: memory says who is here (`room_here.py`), Redis what all processes
reported (`scripts.py`); what Redis lost is reported again with the next beat."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis

from interactions.delivery.presence import announcements, scripts
from interactions.delivery.presence.crowd import Crowd
from interactions.delivery.presence.many_rooms import CHANGED_ROOMS
from interactions.delivery.presence.room_here import NEVER, Answer, RoomHere
from interactions.delivery.room_ref import RoomRef
from liveroom.kernel.data.redis import aredis_for, channel
from liveroom.kernel.data.scripts import Script

log = logging.getLogger(__name__)

EXPIRY_SECONDS = 20.0
BEAT_SECONDS = 8.0
GRACE_SECONDS = 5.0
APART_SECONDS = 1.0
SOON_SECONDS = 0.05
RETRY_SECONDS = 0.5
STOP_SECONDS = 5.0
ROOMS_PER_PIPELINE = 100


class Presence:
    """All rooms of this process. One per event loop; `run` is its heart, `stop` its clean end.

    `process` is a name for people: each life of a process counts for itself, so that an old one which still drains does no harm."""

    def __init__(
        self,
        process: str,
        *,
        expiry_seconds: float = EXPIRY_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
        apart_seconds: float = APART_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.process = f"{process}.{secrets.token_hex(4)}"
        self.expiry_ms = int(expiry_seconds * 1000)
        self.beat_seconds = beat_seconds
        self.grace_seconds = grace_seconds
        self.apart_seconds = apart_seconds
        self.clock = clock
        self.rooms: dict[str, RoomHere] = {}
        self._wake = asyncio.Event()
        self._sleeps_until = -NEVER
        self._beating = asyncio.Lock()
        self._stopped = False

    def entered(self, *, room: RoomRef, person: str | None, shown: Any, counted: bool) -> None:
        """A socket came in. `person` None: a guest. `shown`: what tips show of a person. Not `counted`: nobody came."""
        if not counted or self._stopped:
            return
        found = self.rooms.get(room.key)
        if found is None:
            found = self.rooms[room.key] = RoomHere(key=room.key)
        found.enter(person=person, shown=shown, now=self.clock())
        self._note(found)

    def left(self, *, room_key: str, person: str | None, counted: bool) -> None:
        """A socket that had entered has left."""
        found = self.rooms.get(room_key)
        if counted and not self._stopped and found is not None and found.leave(person=person):
            self._note(found)

    def _note(self, room: RoomHere) -> None:
        """Soon, but not sooner than a second after the last beat."""
        room.beat_at = min(room.beat_at, max(self.clock() + SOON_SECONDS, room.beaten_at + self.apart_seconds))
        if room.beat_at < self._sleeps_until:
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Redis may be away: what it missed is reported when it is back."""
        while True:
            try:
                now = self.clock()
                due = [room for room in self.rooms.values() if room.beat_at <= now]
                if due:
                    await self._beat(due)
                else:
                    await self._sleep(now)
            except (redis.RedisError, OSError) as error:
                log.warning("Redis is away (%s); who is here is reported again when it is back.", type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("Presence met something unexpected and goes on.")
                await asyncio.sleep(RETRY_SECONDS)

    async def _sleep(self, now: float) -> None:
        self._wake.clear()
        self._sleeps_until = min((room.beat_at for room in self.rooms.values()), default=NEVER)
        wait = None if self._sleeps_until == NEVER else self._sleeps_until - now
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            pass
        finally:
            self._sleeps_until = -NEVER

    async def stop(self) -> None:
        """A clean end: this process is out of all rooms at once, and those who stay hear of it. Never raises."""
        if self._stopped:
            return
        self._stopped = True
        rooms, self.rooms = list(self.rooms.values()), {}
        for room in rooms:
            room.empty()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._beat(rooms)
        except (redis.RedisError, OSError) as error:
            log.warning("Redis is away (%s); this process is counted until its report expires.", type(error).__name__)

    async def _beat(self, rooms: Sequence[RoomHere]) -> None:
        async with self._beating:
            for first in range(0, len(rooms), ROOMS_PER_PIPELINE):
                await self._round(rooms[first : first + ROOMS_PER_PIPELINE])

    async def _round(self, rooms: Sequence[RoomHere]) -> None:
        """Report what changed, in as many portions as it takes, then announce what is news."""
        now = self.clock()
        known: dict[str, Answer] = {}
        forgotten: set[str] = set()
        waiting = list(rooms)
        while waiting:
            calls = [room.call(now) for room in waiting]
            asked = [
                (room.key, scripts.BEAT.call(scripts.beat_keys(room.key), [self.process, self.expiry_ms, *call.args]))
                for room, call in zip(waiting, calls, strict=True)
            ]
            answers, again = await _run(scripts.BEAT, asked), []
            for room, call, raw in zip(waiting, calls, answers, strict=True):
                if not isinstance(raw, Exception) and raw[0]:
                    answer = known[room.key] = _answer(raw)
                    room.settle(call, answer, now=now, grace_seconds=self.grace_seconds)
                    if call.more:
                        again.append(room)
                elif isinstance(raw, Exception) or room.key in forgotten:
                    log.warning("The room %s did not take who is in it: %s", room.key, raw)
                    room.beat_at = now + self.apart_seconds
                else:
                    forgotten.add(room.key)
                    room.forget([one.decode() for one in raw[1]])
                    again.append(room)
            waiting = again
        await self._announce([(room, known[room.key]) for room in rooms if room.key in known], now)

    async def _announce(self, rooms: Sequence[tuple[RoomHere, Answer]], now: float) -> None:
        """Numbers that are news, and tips; each room learns when it is its turn again."""
        numbers, tips = [], []
        for room, answer in rooms:
            crowd = Crowd(online=answer.online, sockets=answer.sockets)
            wait_ms = announcements.wait_ms(answer, crowd)
            if wait_ms == 0 or (self._stopped and wait_ms is not None):
                call = announcements.online_call(room.key, answer, crowd, expiry_ms=self.expiry_ms)
                numbers.append((room.key, call))
            message = announcements.tips(*room.take_tips(), now_ms=answer.now_ms)
            if message:
                tips.append((room.key, message))
            if wait_ms is None and room.idle:
                self.rooms.pop(room.key, None)
            else:
                room.next_beat(
                    now=now,
                    beat_seconds=self.beat_seconds,
                    apart_seconds=self.apart_seconds,
                    news_in=None if wait_ms is None else wait_ms / 1000,
                )
        if tips:
            await _publish(tips)
        if numbers:
            await _run(scripts.ANNOUNCE, numbers)
            client: Any = aredis_for("")
            await client.sadd(CHANGED_ROOMS, *(room_key for room_key, _ in numbers))


def _answer(raw: Sequence[Any]) -> Answer:
    _, now_ms, online, sockets, announced, few, new, gone = raw
    return Answer(
        now_ms=int(now_ms),
        online=int(online),
        sockets=int(sockets),
        announced=bytes(announced),
        few=bool(few),
        new=[one.decode() for one in new],
        gone=frozenset(one.decode() for one in gone),
    )


def _by_redis(room_keys: Sequence[str]) -> dict[redis.asyncio.Redis, list[int]]:
    """Which of the rooms live where."""
    places: dict[redis.asyncio.Redis, list[int]] = {}
    for place, room_key in enumerate(room_keys):
        places.setdefault(aredis_for(room_key), []).append(place)
    return places


async def _publish(messages: Sequence[tuple[str, bytes]]) -> None:
    """Each to its room."""
    for client, places in _by_redis([room_key for room_key, _ in messages]).items():
        pipe: Any = client.pipeline(transaction=False)
        for room_key, message in map(messages.__getitem__, places):
            pipe.publish(channel(room_key), message)
        await pipe.execute(raise_on_error=False)


async def _run(script: Script, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
    """One call per room (room key, call), one pipeline per Redis. An answer may be the exception of that room alone."""
    answers: list[Any] = [None] * len(calls)
    for client, places in _by_redis([room_key for room_key, _ in calls]).items():
        found = await script.ask_all(client, [calls[place][1] for place in places], raise_on_error=False)
        for place, answer in zip(places, found, strict=True):
            answers[place] = answer
    return answers
