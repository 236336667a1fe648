"""How many are in a room: each socket process says its own number with an expiry, never +1 and -1.

A process that dies stops being counted when its word runs out; a total is told when it changed, at most once a second."""

from __future__ import annotations

from typing import Any

import redis

from interactions.live import envelope
from liveroom.kernel import clock
from liveroom.kernel.redis import PREFIX, aredis_for, channel, key, redis_for, shared

EXPIRES_SECONDS = 30
BEAT_SECONDS = 10
CHANGED_ROOMS = f"{PREFIX}:online:changed"

# KEYS: presence, told. ARGV: process, count, now ms, expiry ms, seconds to keep. Answer: total, 1 if it is news.
_BEAT = """
if ARGV[2] == '0' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[4]) end
redis.call('EXPIRE', KEYS[1], ARGV[5])
local total, now, all = 0, tonumber(ARGV[3]), redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local count, expires = string.match(all[i + 1], '(%d+) (%d+)')
  if tonumber(expires) > now then total = total + tonumber(count) else redis.call('HDEL', KEYS[1], all[i]) end
end
if redis.call('GET', KEYS[2]) == tostring(total) then return {total, 0} end
redis.call('SET', KEYS[2], total, 'EX', ARGV[5])
return {total, 1}
"""


async def beat(*, room_key: str, group_id: str, process: str, count: int) -> int:
    """Say how many sockets this process has in the room; returns the room's total and tells the room if that is news."""
    client: Any = aredis_for(room_key)
    now_ms = clock.now_ms()
    total, news = await client.eval(
        _BEAT,
        2,
        key("presence", room_key),
        key("told:online", room_key),
        process,
        str(count),
        str(now_ms),
        str(now_ms + EXPIRES_SECONDS * 1000),
        str(EXPIRES_SECONDS * 4),
    )
    if news:
        epoch = (await client.get(key("epoch", room_key)) or b"").decode()
        said = envelope.event(type="online", t=now_ms, online=int(total))
        await client.publish(channel(room_key), b"E " + envelope.batch(room=group_id, epoch=epoch, events=[said]))
        await client.sadd(CHANGED_ROOMS, room_key)
    return int(total)


def _total(words: dict[bytes, bytes], now_ms: int) -> int:
    total = 0
    for word in words.values():
        count, _, expires = word.partition(b" ")
        if int(expires) > now_ms:
            total += int(count)
    return total


async def online(*, room_key: str) -> int:
    words: Any = aredis_for(room_key).hgetall(key("presence", room_key))
    return _total(await words, clock.now_ms())


def online_now(*, room_key: str) -> int:
    """The same from a thread."""
    words: Any = redis_for(room_key).hgetall(key("presence", room_key))
    return _total(words, clock.now_ms())


def take_changed_rooms(*, at_most: int = 500) -> list[str]:
    """Rooms whose number is news since the last call, for who keeps the rooms list sortable."""
    try:
        names: Any = shared().spop(CHANGED_ROOMS, at_most)
    except redis.RedisError:
        return []
    return [name.decode() for name in names or []]
