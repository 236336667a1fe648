"""Viewers per room, each gateway's own count beside the others' in one Redis hash.

Never `+1/-1`: a gateway writes what it counts now, with the time; a count that was not renewed for ten seconds is nobody's.
Losing Redis loses nothing that is not written again a second later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liveroom.kernel.data.redis import aredis_for, key, redis_for

KIND = "viewers"
BELIEVED_MS = 10_000
KEPT_SECONDS = 60


def entry(*, count: int, now_ms: int) -> str:
    return f"{count}:{now_ms}"


def counted(entries: Mapping[bytes, bytes], *, now_ms: int, without: str = "") -> int:
    """The sum of what is fresh, leaving out one gateway's own entry. What cannot be read counts as nothing."""
    total = 0
    for process, value in entries.items():
        count, _, at = value.partition(b":")
        if process.decode("utf-8", "replace") == without or not (count.isdigit() and at.isdigit()):
            continue
        if int(at) > now_ms - BELIEVED_MS:
            total += int(count)
    return total


def viewers(*, room_key: str, now_ms: int) -> int:
    """Everybody who watches the room through a gateway. Raises what the Redis client raises."""
    found: Any = redis_for(room_key).hgetall(key(KIND, room_key))
    return counted(found, now_ms=now_ms)


async def publish(*, process: str, room_key: str, count: int, now_ms: int) -> int:
    """Write one gateway's count of a room and learn the others' sum. Raises what the Redis client raises."""
    name = key(KIND, room_key)
    async with aredis_for(room_key).pipeline(transaction=False) as pipe:
        if count:
            pipe.hset(name, process, entry(count=count, now_ms=now_ms))
            pipe.expire(name, KEPT_SECONDS)
        else:
            pipe.hdel(name, process)
        pipe.hgetall(name)
        answers = await pipe.execute()
    return counted(answers[-1], now_ms=now_ms, without=process)
