"""Where a room's fast state lives: one Redis for the whole deployment (decisions/), names made in one place.

Truth that Redis holds is what can be counted again; losing it loses no money, no ban and no status."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

PREFIX = "liveroom"
_TIMEOUT_SECONDS = 5.0

_per_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


@lru_cache(maxsize=1)
def shared() -> redis.Redis:
    """What belongs to no room: leases' hints, process states, the relay's wake-up."""
    return redis.Redis.from_url(
        settings.LIVEROOM.redis_url,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=2,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
        retry_on_error=[redis.ConnectionError],
    )


def redis_for(room_key: str) -> redis.Redis:
    """The Redis that holds everything of this room: the same for all. The argument says which keys a call is about."""
    return shared()


def aredis_for(room_key: str) -> redis.asyncio.Redis:
    """The same for a running event loop. A client belongs to the loop that made it."""
    loop = asyncio.get_running_loop()
    client = _per_loop.get(loop)
    if client is None:
        client = _per_loop[loop] = redis.asyncio.Redis.from_url(
            settings.LIVEROOM.redis_url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=2,
            health_check_interval=15,
        )
    return client


def room_key(*, sdkappid: int, group_id: str) -> str:
    """How a room is called below the database. `{}` keeps a room's keys on one slot of a cluster."""
    return f"{sdkappid}:{group_id}"


def key(kind: str, room: str) -> str:
    return f"{PREFIX}:{{{room}}}:{kind}"


@lru_cache(maxsize=1)
def _scope() -> str:
    """Databases of one server share their channels: two copies must not hear each other."""
    return f"{PREFIX}@{urlsplit(settings.LIVEROOM.redis_url).path.strip('/') or '0'}"


def channel(room: str) -> str:
    return f"{_scope()}:room:{room}"


def common_key(name: str) -> str:
    """A key that belongs to no room."""
    return f"{PREFIX}:{name}"


def common_channel(name: str) -> str:
    """A channel that belongs to no room: `people`, `relay`."""
    return f"{_scope()}:{name}"
