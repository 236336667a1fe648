"""What Redis does for likes in one step (Lua). The rule of batches and bounds is `interactions/likes/rules.py`, said again here.

State per room: `likes` (the total) · `likes:batch` (a hash of what is not told yet: `count`, `began`, `size`, `apart` and u<user> -> "sum
shown") · `likes:by:<user>` (when its bucket is full again, in µs) · `likes:call:<id>` (an answer, for whoever did not hear it) ·
`likes:over` (a hash: `over`, 1: the show has ended, no likes, as of `version` of the room's state). For all rooms of the server, until the
database has them: `likes:changed` (a hash: room key -> total), `likes:people` (a hash: <sdkappid>:<user> -> what it gave),
`likes:people:taken` (the same, while it is counted; the field `` says when it was taken, in ms)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from interactions.delivery.room_ref import RoomRef
from interactions.likes.rules import SHOWN_USERS
from liveroom.kernel.redis import PREFIX, channel, key
from liveroom.kernel.scripts import Script

CHANGED: Final = f"{PREFIX}:likes:changed"
PEOPLE: Final = f"{PREFIX}:likes:people"
TAKEN: Final = f"{PREFIX}:likes:people:taken"
KEPT_SECONDS: Final = 8 * 86400
# Longer than the patience of whoever says a call again.
CALL_SECONDS: Final = 15

# KEYS: likes, batch, call, changed, people, over. ARGV: the total where Redis knows none ('' if it has to be asked for), likes of a
# user in a second, room key, channel, prefix of `by`, batch size, ms apart, users shown, seconds that the total and an answer are kept,
# now in µs ('' = the server's clock); then per user its id, how many it adds, and how it is shown (JSON). Without users: only tells what
# is due. Answer: total, ms until the batch is due (-1: nothing waits), then per user how many counted and the ms until one more counts.
# `{-1}`: the total has to be given. `{-2}`: the show has ended.
ADD: Final = Script("""
local users = (#ARGV - 11) / 3
if users > 0 then
  local before = redis.call('GET', KEYS[3])
  if before then
    local answer = {}
    for number in string.gmatch(before, '%S+') do answer[#answer + 1] = tonumber(number) end
    return answer
  end
  if redis.call('HGET', KEYS[6], 'over') == '1' then return {-2} end
end
local now_us = tonumber(ARGV[11])
if not now_us then
  local time = redis.call('TIME')
  now_us = time[1] * 1000000 + time[2]
end
local now = math.floor(now_us / 1000)
local total = redis.call('GET', KEYS[1])
if not total then
  -- what was counted and is not in the database yet is known apart from the room
  local unsaved = redis.call('HGET', KEYS[4], ARGV[3])
  if not unsaved and users == 0 then return {0, -1} end
  if not unsaved and ARGV[1] == '' then return {-1} end
  total = string.format('%d', math.max(tonumber(unsaved) or 0, tonumber(ARGV[1]) or 0))
  redis.call('SET', KEYS[1], total, 'EX', ARGV[9])
end
total = tonumber(total)
local answer, added, limit = {0, -1}, 0, tonumber(ARGV[2])
local app = string.match(ARGV[3], '^[^:]*:')
local each = math.floor(1000000 / limit)
for i = 12, #ARGV, 3 do
  local user, shown = ARGV[i], ARGV[i + 2]
  local used = math.max(0, tonumber(redis.call('GET', ARGV[5] .. user) or '0') - now_us)
  local count = math.max(0, math.min(tonumber(ARGV[i + 1]), math.floor((each * limit - used) / each)))
  used = used + count * each
  if count > 0 then
    redis.call('SET', ARGV[5] .. user, string.format('%d', now_us + used), 'PX', 1000 + math.ceil(used / 1000))
    local sum = tonumber(string.match(redis.call('HGET', KEYS[2], 'u' .. user) or '0', '^(%d+)')) + count
    redis.call('HSET', KEYS[2], 'u' .. user, string.format('%d', sum) .. ' ' .. shown)
    redis.call('HINCRBY', KEYS[5], app .. user, count)
    added = added + count
  end
  answer[#answer + 1] = count
  answer[#answer + 1] = math.max(0, math.ceil((used + each - each * limit) / 1000))
end
local waiting, began = unpack(redis.call('HMGET', KEYS[2], 'count', 'began'))
waiting, began = tonumber(waiting or '0') + added, tonumber(began or now)
if added > 0 then
  total = total + added
  redis.call('SET', KEYS[1], string.format('%d', total), 'EX', ARGV[9])
  redis.call('HSET', KEYS[2], 'count', waiting, 'began', string.format('%d', began), 'size', ARGV[6], 'apart', ARGV[7])
  redis.call('EXPIRE', KEYS[2], ARGV[9])
  redis.call('HSET', KEYS[4], ARGV[3], string.format('%d', total))
end
answer[1] = total
if waiting > 0 then
  local size, apart = tonumber(ARGV[6]), tonumber(ARGV[7])
  -- Whoever only tells what is due does not know the app's sizes: those of the last like count.
  if users == 0 then
    local kept = redis.call('HMGET', KEYS[2], 'size', 'apart')
    size, apart = tonumber(kept[1]) or size, tonumber(kept[2]) or apart
  end
  answer[2] = waiting >= size and 0 or math.min(apart, math.max(0, began + apart - now))
end
if answer[2] == 0 then
  local sums, shown, named, said = {}, {}, {}, {}
  local fields = redis.call('HGETALL', KEYS[2])
  for i = 1, #fields, 2 do
    local user = string.match(fields[i], '^u(.*)$')
    if user then
      local sum, how = string.match(fields[i + 1], '^(%d+) (.*)$')
      sums[user], shown[user], named[#named + 1] = tonumber(sum), how, user
    end
  end
  table.sort(named, function(a, b) if sums[a] ~= sums[b] then return sums[a] > sums[b] end return a < b end)
  for rank = 1, math.min(tonumber(ARGV[8]), #named) do
    local user = named[rank]
    said[rank] = string.sub(shown[user], 1, -2) .. ',"count":' .. string.format('%d', sums[user]) .. '}'
  end
  redis.call('PUBLISH', ARGV[4], 'M{"type":"likes","t":' .. string.format('%d', now) .. ',"total":' .. string.format('%d', total)
    .. ',"count":' .. string.format('%d', waiting) .. ',"users":[' .. table.concat(said, ',') .. ']}')
  redis.call('DEL', KEYS[2])
  answer[2] = -1
end
if users > 0 then
  local words = {}
  for i, number in ipairs(answer) do words[i] = string.format('%d', number) end
  redis.call('SET', KEYS[3], table.concat(words, ' '), 'EX', ARGV[10])
end
return answer
""")

# KEYS: over. ARGV: 1 or 0, the version of the room's state in which it is so, seconds that it is kept. What is older changes nothing.
MARK: Final = Script("""
if tonumber(redis.call('HGET', KEYS[1], 'version') or '-1') > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'over', ARGV[1], 'version', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
""")

# KEYS: changed. ARGV: room key and total in turns. Forgets those that did not change again.
SAVED: Final = Script("""
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return 1
""")

# KEYS: people, taken. Answer: what was taken, field and number in turns; what was taken before and not let go comes again.
TAKE: Final = Script("""
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
  redis.call('RENAME', KEYS[1], KEYS[2])
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[2], '', string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)))
end
return redis.call('HGETALL', KEYS[2])
""")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one user adds in one call. `shown`: JSON of who it is."""

    user: str
    count: int
    shown: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """`tell_in_ms`: when the room's batch is due; None: nothing waits. `counted`: per user how many, and the ms until one more."""

    total: int
    tell_in_ms: int | None
    counted: tuple[tuple[int, int], ...]


def shown_as(*, id: str, nick: str) -> bytes:
    return orjson.dumps({"id": id, "nick": nick})


def call(
    room: RoomRef, asked: Sequence[Asked], *, call_id: str, base: int | None, now_us: int | None = None
) -> list[Any]:
    """For ADD, alone or in a pipeline. The same `call_id` counts once."""
    keys = [*(key(kind, room.key) for kind in ("likes", "likes:batch", f"likes:call:{call_id}")), CHANGED, PEOPLE]
    keys.append(key("likes:over", room.key))
    args: list[Any] = [
        "" if base is None else base,
        room.likes_per_second,
        room.key,
        channel(room.key),
        key("likes:by:", room.key),
        room.like_batch,
        room.like_batch_ms,
        SHOWN_USERS,
        KEPT_SECONDS,
        CALL_SECONDS,
        "" if now_us is None else now_us,
    ]
    for one in asked:
        args += (one.user, one.count, one.shown)
    return ADD.call(keys, args)


def is_over(raw: Sequence[Any]) -> bool:
    """Whether the answer is that the show has ended."""
    return int(raw[0]) == -2


def answer_of(raw: Sequence[Any]) -> Answer | None:
    """The answer, which is not `is_over`, taken apart; None: the total has to be given."""
    numbers = [int(number) for number in raw]
    if numbers[0] < 0:
        return None
    return Answer(
        total=numbers[0],
        tell_in_ms=None if numbers[1] < 0 else numbers[1],
        counted=tuple(zip(numbers[2::2], numbers[3::2], strict=True)),
    )
