"""How often somebody may do something: a counter per window in Redis, the same for every process."""

from __future__ import annotations

import redis

from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.redis import PREFIX, shared


class TooOften(LiveRoomError):
    """60018: wait `retry_after_ms` and try again."""

    code, name, status = 60018, "too_often", 429


def allow(*, what: str, who: str, limit: int, per_seconds: int) -> None:
    """Count one and return, or TooOften. Redis away: allowed, because a throttle must not become an outage."""
    now_ms = clock.now_ms()
    window = now_ms // (per_seconds * 1000)
    key = f"{PREFIX}:throttle:{what}:{who}:{window}"
    try:
        pipe = shared().pipeline(transaction=False)
        pipe.incr(key)
        pipe.expire(key, per_seconds + 1)
        count = int(pipe.execute()[0])
    except redis.RedisError:
        return
    if count > limit:
        wait = (window + 1) * per_seconds * 1000 - now_ms
        raise TooOften(
            f"At most {limit} times in {per_seconds} s; try again in {-(-wait // 1000)} s.",
            limit=limit,
            retry_after_ms=wait,
        )
