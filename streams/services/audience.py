"""How many watch the picture of a room, summed over the gateways that said so in the last seconds."""

from __future__ import annotations

import redis

from liveroom.kernel.redis import redis_for
from streams.gateway.counts import viewers_key, viewers_of


def viewers(*, room_key: str) -> int:
    """Viewers over HTTP-FLV, WebSocket-FLV and HLS. 0 while Redis is away: a limit must not become an outage."""
    try:
        return viewers_of(redis_for(room_key).hgetall(viewers_key(room_key)))
    except redis.RedisError:
        return 0
