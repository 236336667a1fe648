"""What Redis does for likes in one step (Lua). The rule of batches and bounds is `interactions/likes/rules.py`, written here once more.

State per room: `likes` (the total) · `likes:batch` (a hash of what is not published yet: `count`, `began`, `size`, `apart` and u<user> ->
"sum shown") · `likes:by:<user>` (when its bucket is full again, in µs) · `likes:call:<id>` (an answer, for whoever did not get it) ·
`likes:over` (a hash: `over`, 1: the show has ended, no likes, as of `version` of the room's state). For all rooms of the server, until the
database has them: `likes:changed` (a hash: room key -> total), `likes:people` (a hash: <sdkappid>:<user> -> what it gave),
`likes:people:taken` (the same, while it is counted; the field `` says when it was taken, in ms)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from interactions.likes.rules import SHOWN_USERS
from interactions.room_refs import KnownRoom
from liveroom.kernel.data.redis import PREFIX, channel, key
from liveroom.kernel.data.scripts import Script

CHANGED: Final = f"{PREFIX}:likes:changed"
PEOPLE: Final = f"{PREFIX}:likes:people"
TAKEN: Final = f"{PREFIX}:likes:people:taken"
KEPT_SECONDS: Final = 8 * 86400
# Longer than the patience of whoever makes a call again.
CALL_SECONDS: Final = 15

# Counts the likes of some users in a room, and publishes the room's batch if that is due. Without users it only does the latter.
# `total`: where Redis knows none ('' if it has to be asked for). `per_second`: likes of a user that count in a second. `bucket`: how the
# names of `likes:by` begin. `shown_most`: how many users a batch names. `given_now_us`: '' = the server's clock. From the twelfth on, per
# user: its id, how many it adds, and how it is shown (JSON).
# Answer: total, ms until the batch is due (-1: nothing waits), then per user how many counted and the ms until one more counts.
# `{-1}`: the total has to be given. `{-2}`: the show has ended.
ADD: Final = Script("""
local total_key, batch, call, changed, people, over = unpack(KEYS)
local given_total, per_second, room, channel, bucket = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local batch_size, apart_ms, shown_most = ARGV[6], ARGV[7], ARGV[8]
local kept_seconds, call_seconds, given_now_us = ARGV[9], ARGV[10], ARGV[11]
local first_user = 12
local users = (#ARGV - first_user + 1) / 3

if users > 0 then
  local before = redis.call('GET', call)
  if before then
    local answer = {}
    for number in string.gmatch(before, '%S+') do answer[#answer + 1] = tonumber(number) end
    return answer
  end
  if redis.call('HGET', over, 'over') == '1' then return {-2} end
end

local now_us = tonumber(given_now_us)
if not now_us then
  local time = redis.call('TIME')
  now_us = time[1] * 1000000 + time[2]
end
local now = math.floor(now_us / 1000)

local total = redis.call('GET', total_key)
if not total then
  -- what was counted and is not in the database yet is known apart from the room
  local unsaved = redis.call('HGET', changed, room)
  if not unsaved and users == 0 then return {0, -1} end
  if not unsaved and given_total == '' then return {-1} end
  total = string.format('%d', math.max(tonumber(unsaved) or 0, tonumber(given_total) or 0))
  redis.call('SET', total_key, total, 'EX', kept_seconds)
end
total = tonumber(total)

local answer, added, limit = {0, -1}, 0, tonumber(per_second)
local app = string.match(room, '^[^:]*:')
local each = math.floor(1000000 / limit)
for i = first_user, #ARGV, 3 do
  local user, asked, shown = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local used = math.max(0, tonumber(redis.call('GET', bucket .. user) or '0') - now_us)
  local count = math.max(0, math.min(tonumber(asked), math.floor((each * limit - used) / each)))
  used = used + count * each
  if count > 0 then
    redis.call('SET', bucket .. user, string.format('%d', now_us + used), 'PX', 1000 + math.ceil(used / 1000))
    local sum = tonumber(string.match(redis.call('HGET', batch, 'u' .. user) or '0', '^(%d+)')) + count
    redis.call('HSET', batch, 'u' .. user, string.format('%d', sum) .. ' ' .. shown)
    redis.call('HINCRBY', people, app .. user, count)
    added = added + count
  end
  answer[#answer + 1] = count
  answer[#answer + 1] = math.max(0, math.ceil((used + each - each * limit) / 1000))
end

local waiting, began = unpack(redis.call('HMGET', batch, 'count', 'began'))
waiting, began = tonumber(waiting or '0') + added, tonumber(began or now)
if added > 0 then
  total = total + added
  redis.call('SET', total_key, string.format('%d', total), 'EX', kept_seconds)
  redis.call('HSET', batch, 'count', waiting, 'began', string.format('%d', began), 'size', batch_size, 'apart', apart_ms)
  redis.call('EXPIRE', batch, kept_seconds)
  redis.call('HSET', changed, room, string.format('%d', total))
end
answer[1] = total

if waiting > 0 then
  local size, apart = tonumber(batch_size), tonumber(apart_ms)
  -- Whoever only publishes what is due does not know the app's sizes: those of the last like count.
  if users == 0 then
    local kept = redis.call('HMGET', batch, 'size', 'apart')
    size, apart = tonumber(kept[1]) or size, tonumber(kept[2]) or apart
  end
  answer[2] = waiting >= size and 0 or math.min(apart, math.max(0, began + apart - now))
end

-- The event `likes`, as the class Likes in events.py has it.
if answer[2] == 0 then
  local sums, shown, ids, named = {}, {}, {}, {}
  local fields = redis.call('HGETALL', batch)
  for i = 1, #fields, 2 do
    local user = string.match(fields[i], '^u(.*)$')
    if user then
      local sum, how = string.match(fields[i + 1], '^(%d+) (.*)$')
      sums[user], shown[user], ids[#ids + 1] = tonumber(sum), how, user
    end
  end
  table.sort(ids, function(a, b) if sums[a] ~= sums[b] then return sums[a] > sums[b] end return a < b end)
  for rank = 1, math.min(tonumber(shown_most), #ids) do
    local user = ids[rank]
    named[rank] = string.sub(shown[user], 1, -2) .. ',"count":' .. string.format('%d', sums[user]) .. '}'
  end
  redis.call('PUBLISH', channel, 'M{"type":"likes","t":' .. string.format('%d', now) .. ',"total":' .. string.format('%d', total)
    .. ',"count":' .. string.format('%d', waiting) .. ',"users":[' .. table.concat(named, ',') .. ']}')
  redis.call('DEL', batch)
  answer[2] = -1
end

if users > 0 then
  local words = {}
  for i, number in ipairs(answer) do words[i] = string.format('%d', number) end
  redis.call('SET', call, table.concat(words, ' '), 'EX', call_seconds)
end
return answer
""")

# `is_over`: 1 or 0, in that version of the room's state. What is older changes nothing.
MARK: Final = Script("""
local over = KEYS[1]
local is_over, version, kept_seconds = ARGV[1], ARGV[2], ARGV[3]
if tonumber(redis.call('HGET', over, 'version') or '-1') > tonumber(version) then return 0 end
redis.call('HSET', over, 'over', is_over, 'version', version)
redis.call('EXPIRE', over, kept_seconds)
return 1
""")

# ARGV: room key and total in turns. Forgets those that did not change again.
SAVED: Final = Script("""
local changed = KEYS[1]
for i = 1, #ARGV, 2 do
  local room, total = ARGV[i], ARGV[i + 1]
  if redis.call('HGET', changed, room) == total then redis.call('HDEL', changed, room) end
end
return 1
""")

# Answer: what was taken, field and number in turns; what was taken before and not let go comes again.
TAKE: Final = Script("""
local people, taken = KEYS[1], KEYS[2]
if redis.call('EXISTS', taken) == 0 then
  if redis.call('EXISTS', people) == 0 then return {} end
  redis.call('RENAME', people, taken)
  local time = redis.call('TIME')
  redis.call('HSET', taken, '', string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)))
end
return redis.call('HGETALL', taken)
""")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one user adds in one call. `shown`: JSON of who it is."""

    user: str
    count: int
    shown: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """`publish_in_ms`: when the room's batch is due; None: nothing waits. `counted`: per user how many, and the ms until one more."""

    total: int
    publish_in_ms: int | None
    counted: tuple[tuple[int, int], ...]


def shown_as(*, id: str, nick: str) -> bytes:
    return orjson.dumps({"id": id, "nick": nick})


def call(
    room: KnownRoom, asked: Sequence[Asked], *, call_id: str, base: int | None, now_us: int | None = None
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
        publish_in_ms=None if numbers[1] < 0 else numbers[1],
        counted=tuple(zip(numbers[2::2], numbers[3::2], strict=True)),
    )
