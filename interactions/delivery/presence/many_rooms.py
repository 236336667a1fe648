"""Who is in many rooms at one moment: a few pipelines, whatever the number of rooms and people. For threads.

Promise: each person once; what is slow is cut into portions, so that no room keeps Redis busy for longer than a few milliseconds.
State: Redis, as presence says it (`scripts.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from interactions.delivery.presence import scripts
from interactions.delivery.presence.crowd import Crowd
from liveroom.kernel.data.redis import PREFIX, key, redis_for, shared

ROOMS_PER_PIPELINE: Final = 200
CROWDS_PER_PIPELINE: Final = 100
PEOPLE_PER_STEP: Final = 2_000
# Rooms whose number is news, of all processes.
CHANGED_ROOMS: Final = f"{PREFIX}:online:changed"


def crowds_now(*, room_keys: Sequence[str]) -> dict[str, Crowd]:
    """Of many rooms, a pipeline for a hundred. From a thread. RedisError."""
    found: dict[str, Crowd] = {}
    for client, keys in _by_redis(room_keys).items():
        for first in range(0, len(keys), CROWDS_PER_PIPELINE):
            part = keys[first : first + CROWDS_PER_PIPELINE]
            calls = [scripts.count_call(room_key) for room_key in part]
            for room_key, (online, sockets) in zip(part, scripts.COUNT.ask_all_now(client, calls), strict=True):
                found[room_key] = Crowd(online=int(online), sockets=int(sockets))
    return found


@dataclass(slots=True)
class Attendance:
    """`people`: user ids. `guests`: how many sockets of nobody."""

    guests: int = 0
    people: set[str] = field(default_factory=set)

    @property
    def online(self) -> int:
        return len(self.people) + self.guests


def attendance(*, room_keys: Sequence[str]) -> list[Attendance]:
    """In the order of the rooms. From a thread. redis.RedisError if one of their servers is away."""
    found: dict[str, Attendance] = {}
    for client, keys in _by_redis(room_keys).items():
        for first in range(0, len(keys), ROOMS_PER_PIPELINE):
            found |= _ask(client, keys[first : first + ROOMS_PER_PIPELINE])
    return [found[room_key] for room_key in room_keys]


def _by_redis(room_keys: Sequence[str]) -> dict[redis.Redis, list[str]]:
    places: dict[redis.Redis, list[str]] = {}
    for room_key in dict.fromkeys(room_keys):
        places.setdefault(redis_for(room_key), []).append(room_key)
    return places


def _ask(client: redis.Redis, room_keys: Sequence[str]) -> dict[str, Attendance]:
    counts = scripts.GUESTS.ask_all_now(
        client, [scripts.GUESTS.call(scripts.read_keys(room_key), [""]) for room_key in room_keys]
    )
    found, cursors = {}, {}
    for room_key, (people, guests) in zip(room_keys, counts, strict=True):
        found[room_key] = Attendance(guests=int(guests))
        if people:
            cursors[room_key] = 0
    while cursors:
        pipe: Any = client.pipeline(transaction=False)
        for room_key, cursor in cursors.items():
            pipe.sscan(key("presence:all", room_key), cursor, count=PEOPLE_PER_STEP)
        # Who comes or goes meanwhile is or is not among them; who stays is.
        for room_key, (cursor, ids) in zip(list(cursors), pipe.execute(), strict=True):
            found[room_key].people.update(one.decode() for one in ids)
            cursors[room_key] = int(cursor)
            if not cursors[room_key]:
                del cursors[room_key]
    return found


def note_changed_rooms(room_keys: Sequence[str]) -> None:
    """Those that were taken, and could not be looked at. RedisError."""
    if room_keys:
        shared().sadd(CHANGED_ROOMS, *room_keys)


def rooms_changed_now() -> bool:
    """Whether there is anything to take. RedisError."""
    found: Any = shared().exists(CHANGED_ROOMS)
    return bool(found)


def take_changed_rooms(*, at_most: int = 5_000) -> list[str]:
    """Rooms whose number is news since the last call, for who keeps the rooms list sortable."""
    try:
        names: Any = shared().spop(CHANGED_ROOMS, at_most)
    except redis.RedisError:
        return []
    return [name.decode() for name in names or []]
