"""How often somebody may do something: a counter per window in Redis, the same for every process."""

from __future__ import annotations

from typing import Any

import redis

from liveroom.kernel import clock
from liveroom.kernel.data.redis import PREFIX, shared
from liveroom.kernel.errors import LiveRoomError


class TooOften(LiveRoomError):
    """60018: wait `retry_after_ms` and try again."""

    code, name, status = 60018, "too_often", 429


def allow(*, what: str, who: str, limit: int, per_seconds: int) -> None:
    """Count one and return, or TooOften. Redis away: allowed, because a throttle must not become an outage."""
    key = counter(what=what, who=who, per_seconds=per_seconds)
    try:
        pipe = shared().pipeline(transaction=False)
        pipe.incr(key)
        pipe.expire(key, per_seconds + 1)
        count = int(pipe.execute()[0])
    except redis.RedisError:
        return
    refuse_over(count, limit=limit, per_seconds=per_seconds)


def counter(*, what: str, who: str, per_seconds: int) -> str:
    """The key that counts in the window of now."""
    return f"{PREFIX}:throttle:{what}:{who}:{clock.now_ms() // (per_seconds * 1000)}"


def count_of(*, what: str, who: str, per_seconds: int) -> int:
    """How many were counted in the window of now, without counting one. Redis away: none."""
    try:
        found: Any = shared().get(counter(what=what, who=who, per_seconds=per_seconds))
    except redis.RedisError:
        return 0
    return int(found or 0)


def refuse_over(count: int, *, limit: int, per_seconds: int) -> None:
    """TooOften, with the wait until the window ends."""
    now_ms = clock.now_ms()
    if count > limit:
        window = now_ms // (per_seconds * 1000)
        wait = (window + 1) * per_seconds * 1000 - now_ms
        raise TooOften(
            f"At most {'once' if limit == 1 else f'{limit} times'} in {per_seconds} s; try again in {-(-wait // 1000)} s.",
            limit=limit,
            retry_after_ms=wait,
        )
