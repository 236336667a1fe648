"""Who is in one room now, by the word of all socket processes. For threads. State: Redis (`scripts.py`)."""

from __future__ import annotations

from interactions.delivery.presence import scripts
from interactions.delivery.presence.crowd import Came, Crowd
from liveroom.kernel.data.redis import redis_for


def crowd_now(*, room_key: str) -> Crowd:
    """How many are in the room now, by the word of all processes. From a thread. RedisError."""
    call = scripts.count_call(room_key)
    online, sockets = scripts.COUNT.ask_now(redis_for(room_key), call)
    return Crowd(online=int(online), sockets=int(sockets))


def members_now(*, room_key: str) -> list[Came]:
    """People who are in the room now, the latest first; of more than a thousand, the latest. From a thread."""
    call = scripts.MEMBERS.call(scripts.read_keys(room_key), [""])
    raw = scripts.MEMBERS.ask_now(redis_for(room_key), call)
    return [
        Came(id=identifier.decode(), at_ms=int(float(at))) for identifier, at in zip(raw[::2], raw[1::2], strict=True)
    ]
