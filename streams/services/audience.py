"""How many watch the picture of a room, as its limit counts them."""

from __future__ import annotations

from datetime import datetime

import redis

from streams.live import viewer_counts


def viewers(*, room_key: str, now: datetime) -> int:
    """Viewers over HTTP-FLV, WebSocket-FLV and HLS. 0 while Redis is away: a limit must not become an outage."""
    try:
        return viewer_counts.viewers(room_key=room_key, now_ms=int(now.timestamp() * 1000))
    except redis.RedisError:
        return 0
