"""Who is in many rooms at one moment, for counting: a few pipelines, whatever the number of rooms and people.

Promise: each person once; what is slow is cut into portions, so that no room keeps Redis busy for longer than a few milliseconds.
State: Redis, as presence says it (`presence_scripts.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from interactions.delivery.presence import scripts
from liveroom.kernel.redis import key, redis_for

ROOMS_PER_PIPELINE: Final = 200
PEOPLE_PER_STEP: Final = 2_000


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
