"""The room's one order: every event gets its `seq` here, enters the log and goes out as bytes that are final.

One atomic script in Redis. An event with the same id gets the same seq and is not told twice, so whoever is not sure may
submit again. State: Redis, per room: `epoch` (changes when Redis lost its memory), `seq`, `log` (resume), `history`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import orjson
from redis.commands.core import AsyncScript, Script

from interactions.live.envelope import text_frame
from interactions.live.room_ref import RoomRef
from liveroom.kernel.redis import aredis_for, channel, key, redis_for

LOG_LENGTH = 500
KEPT_SECONDS = 8 * 86400
SAME_SECONDS = 600

# KEYS: epoch seq log history same. ARGV: event, channel, room (JSON), new epoch, log length, history count, history seconds,
# seconds that an id is remembered, seconds that a silent room is kept. Answer: seq, epoch, 1 if it was told now.
_APPEND = """
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SET', KEYS[1], ARGV[4]) end
local epoch = redis.call('GET', KEYS[1])
local before, was = string.match(redis.call('GET', KEYS[5]) or '', '^(%d+) (.*)$')
if before and was == epoch then return {tonumber(before), epoch, 0} end
local seq = redis.call('INCR', KEYS[2])
local event = '{"seq":' .. seq .. ',' .. string.sub(ARGV[1], 2)
redis.call('RPUSH', KEYS[3], event)
redis.call('LTRIM', KEYS[3], -tonumber(ARGV[5]), -1)
if tonumber(ARGV[6]) > 0 then
  redis.call('RPUSH', KEYS[4], event)
  redis.call('LTRIM', KEYS[4], -tonumber(ARGV[6]), -1)
  redis.call('EXPIRE', KEYS[4], ARGV[7])
end
redis.call('SET', KEYS[5], seq .. ' ' .. epoch, 'EX', ARGV[8])
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[9]) end
local head = 'E' .. seq .. ' {"type":"batch","room":' .. ARGV[3] .. ',"epoch":"' .. epoch .. '","events":['
redis.call('PUBLISH', ARGV[2], head .. event .. ']}')
return {seq, epoch, 1}
"""

# KEYS: epoch seq log. ARGV: first seq wanted, new epoch. Answer: epoch, seq, events from there on (none if they are gone).
_READ = """
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SET', KEYS[1], ARGV[2]) end
local epoch = redis.call('GET', KEYS[1])
local seq = tonumber(redis.call('GET', KEYS[2]) or '0')
local missing = seq - tonumber(ARGV[1]) + 1
if missing <= 0 or missing > redis.call('LLEN', KEYS[3]) then return {epoch, seq, {}} end
return {epoch, seq, redis.call('LRANGE', KEYS[3], -missing, -1)}
"""


@dataclass(frozen=True, slots=True)
class Appended:
    """`told` False: this id was there before, with this seq."""

    seq: int
    epoch: str
    told: bool


@dataclass(frozen=True, slots=True)
class Position:
    """Where a room stands. `events` are those asked for, or none if the log does not reach back so far."""

    epoch: str
    seq: int
    events: tuple[bytes, ...] = ()


def _append_call(room: RoomRef, event: bytes, event_id: str, in_history: bool) -> tuple[list[str], list[Any]]:
    keys = [key(kind, room.key) for kind in ("epoch", "seq", "log", "history")]
    keys.append(key(f"same:{event_id}", room.key))
    args = [
        event,
        channel(room.key),
        orjson.dumps(room.group_id),
        secrets.token_hex(6),
        LOG_LENGTH,
        room.history_count if in_history else 0,
        room.history_hours * 3600,
        SAME_SECONDS,
        KEPT_SECONDS,
    ]
    return keys, args


def _appended(answer: list[Any]) -> Appended:
    return Appended(seq=int(answer[0]), epoch=bytes(answer[1]).decode(), told=bool(answer[2]))


async def append(*, room: RoomRef, event: bytes, event_id: str, in_history: bool = False) -> Appended:
    """Number, log and tell one event. `event_id` is the caller's: the same id is told once."""
    client = aredis_for(room.key)
    keys, args = _append_call(room, event, event_id, in_history)
    return _appended(await AsyncScript(client, _APPEND)(keys=keys, args=args))


def append_now(*, room: RoomRef, event: bytes, event_id: str, in_history: bool = False) -> Appended:
    """The same from a thread: for the relay and for REST."""
    keys, args = _append_call(room, event, event_id, in_history)
    return _appended(Script(redis_for(room.key), _APPEND)(keys=keys, args=args))


async def position(*, room_key: str, since: int | None = None) -> Position:
    """Where the room stands, with what came after `since` as far as the log reaches."""
    client = aredis_for(room_key)
    first = 2**53 if since is None else since + 1
    keys = [key(kind, room_key) for kind in ("epoch", "seq", "log")]
    epoch, seq, events = await AsyncScript(client, _READ)(keys=keys, args=[first, secrets.token_hex(6)])
    return Position(epoch=bytes(epoch).decode(), seq=int(seq), events=tuple(map(bytes, events)))


def _young(raw: list[bytes], room: RoomRef, now_ms: int) -> list[dict[str, Any]]:
    oldest = now_ms - room.history_hours * 3_600_000
    return [event for event in map(orjson.loads, raw) if event["t"] >= oldest]


async def history(*, room: RoomRef, now_ms: int) -> list[dict[str, Any]]:
    """The last messages of the last hours, oldest first (C6)."""
    raw: Any = aredis_for(room.key).lrange(key("history", room.key), -room.history_count, -1)
    return _young(await raw, room, now_ms)


def history_now(*, room: RoomRef, now_ms: int) -> list[dict[str, Any]]:
    """The same from a thread."""
    raw: Any = redis_for(room.key).lrange(key("history", room.key), -room.history_count, -1)
    return _young(raw, room, now_ms)


def whisper_now(*, room_key: str, control: dict[str, Any]) -> None:
    """A word to the processes that hold sockets of the room, not to viewers: `{"close": code, …}`."""
    redis_for(room_key).publish(channel(room_key), b"C" + orjson.dumps(control))


def forget_now(*, room_key: str) -> None:
    """The room is gone for good: whoever gets its id next begins with nothing."""
    redis_for(room_key).delete(
        *(key(kind, room_key) for kind in ("epoch", "seq", "log", "history", "presence", "told:online"))
    )


def frame_of(message: bytes) -> tuple[int, bytes]:
    """A published event message taken apart: its seq (0: none) and the WebSocket frame that every viewer gets."""
    head, _, payload = message.partition(b" ")
    return int(head[1:] or b"0"), text_frame(payload)
