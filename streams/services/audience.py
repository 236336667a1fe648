"""How many watch the picture of a room, summed over the gateways that said so in the last seconds."""

from __future__ import annotations

import redis

from liveroom.kernel import clock
from liveroom.kernel.redis import PREFIX, redis_for


def viewers(*, room_key: str) -> int:
    """Viewers over HTTP-FLV, WebSocket-FLV and HLS. 0 while Redis is away: a limit must not become an outage.

    Each gateway process writes `count expiry-in-ms` into its field of the room's hash."""
    try:
        words = redis_for(room_key).hgetall(f"{PREFIX}:viewers:{room_key}")
    except redis.RedisError:
        return 0
    now_ms = clock.now_ms()
    total = 0
    for word in words.values():
        count, _, expires = word.partition(b" ")
        if int(expires or b"0") > now_ms:
            total += int(count)
    return total
