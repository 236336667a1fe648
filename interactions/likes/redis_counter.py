"""The room's count in Redis: what one call adds to it, whether the room takes likes at all, and what is forgotten with the room.

Promise: what was answered is counted, once. A call whose answer was lost is made again under its own id. State: Redis (`scripts.py` lists
the keys). Functions that end in `_now` are for threads; sockets go through `process_counter.LikeCounter`, which sums first."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interactions.likes.scripts import ADD, CHANGED, KEPT_SECONDS, MARK, Asked, answer_of, call, is_over, shown_as
from interactions.likes.totals import ENDED, saved_totals
from interactions.room_refs import KnownRoom
from liveroom.kernel.data.redis import aredis_for, key, redis_for, shared
from liveroom.kernel.web.throttle import TooOften
from liveroom.rooms.selectors import RoomEnded, RoomUnknown


@dataclass(frozen=True, slots=True)
class Added:
    """`total`: the room's likes with these; `counted`: how many of them counted."""

    total: int
    counted: int


async def add_all(calls: Sequence[list[Any]]) -> list[Any]:
    """Many calls (`scripts.call`) in one round trip; the answer per call, or its error. RedisError: nobody knows what was done."""
    return await ADD.ask_all(aredis_for(""), calls, raise_on_error=False)


def add_now(*, room: KnownRoom, person: str, nick: str, count: int) -> Added:
    """The likes of one person. What makes no full batch is published by the job "likes" within two seconds. TooOften (60018) if none of
    them counts; RoomEnded, RoomUnknown, RedisError."""
    asked = Asked(user=person, count=count, shown=shown_as(id=person, nick=nick))
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


def too_often(room: KnownRoom, wait_ms: int) -> TooOften:
    limit = room.likes_per_second
    return TooOften(
        f"At most {limit} likes of one user count in a second.", limit=limit, retry_after_ms=max(1, wait_ms)
    )


def mark_over_now(*, room_key: str, over: bool, version: int) -> None:
    """Whether the show has ended, as of that version of the room's state: from here on likes are refused, or count again. RedisError."""
    call = MARK.call((key("likes:over", room_key),), (int(over), version, KEPT_SECONDS))
    MARK.ask_now(redis_for(room_key), call)


def forget_now(*, room_key: str) -> None:
    """The room is gone for good: whoever gets its id next is liked by nobody. RedisError."""
    redis_for(room_key).delete(*(key(kind, room_key) for kind in ("likes", "likes:batch", "likes:over")))
    shared().hdel(CHANGED, room_key)
