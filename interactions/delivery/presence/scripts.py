"""What Redis does for the presence of a room (Lua). A report that expires takes its process out, whoever finds it.

State per room, all with an expiry: `presence` (a hash, process -> "sockets guests expires_ms") · `presence:here:<process>` (a set: who
is there) · `presence:all` (the union of those sets) · `presence:came` (a sorted set: who came last, by ms) · `presence:gone` (who
left a moment ago, by ms) · `presence:told` ("online sockets at_ms"). The clock is the server's: hosts may disagree."""

from __future__ import annotations

from typing import Any, Final

from liveroom.kernel.data.redis import key
from liveroom.kernel.data.scripts import Script

# How many of who came last are kept, and how long somebody who left is remembered.
KEPT: Final = 1_000
GONE_MS: Final = 15_000

# For scripts that name `beats, all, came, here, own_process` at their head: `here` is the beginning of the names of the processes' sets
# (they are on the room's slot too), `own_process` one whose report does not count here. Purges the dead; makes the union anew if one
# died or the sizes cannot be right.
_LIVE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local sockets, guests, sets, others = 0, 0, {}, {}

local function unite()
  if #sets == 0 then
    redis.call('DEL', all, came)
    return
  end
  redis.call('SUNIONSTORE', all, unpack(sets))
  redis.call('PEXPIRE', all, 60000)
  for _, id in ipairs(redis.call('ZRANGE', came, 0, -1)) do
    if redis.call('SISMEMBER', all, id) == 0 then redis.call('ZREM', came, id) end
  end
end

local reports = redis.call('HGETALL', beats)
local known, fault, low, high = false, false, 0, 0
for i = 1, #reports, 2 do
  local set = here .. reports[i]
  local s, g, expires = string.match(reports[i + 1], '^(%d+) (%d+) (%d+)$')
  if expires and tonumber(expires) > now then  -- not of this form: an older process, which is gone
    local size = redis.call('SCARD', set)
    low, high = math.max(low, size), high + size
    sets[#sets + 1] = set
    if reports[i] == own_process then
      known = true
    else
      sockets, guests = sockets + s, guests + g
      others[#others + 1] = set
    end
  else
    redis.call('HDEL', beats, reports[i])
    redis.call('DEL', set)
    fault = true
  end
end
local size = redis.call('SCARD', all)
if fault or size < low or size > high then unite() end
"""

# KEYS: presence, all, came, here, gone, told. ARGV: process, expiry ms, sockets, guests, how many people it reports here after this, 1 if
# it reports them all anew and this is the beginning, 1 if this is the end of that, number of who came, number of who left; then
# (id, ms ago) of who came, ids of who left, and (id, ms) of those who may be announced to have left.
# Answer: 1, now, online, sockets, what was announced last, 1 if too few are on the list of who came last, {who is new in the room},
# {who has left it}. 0, {who is new}: Redis does not know what this process reported before.
BEAT: Final = Script(
    """
local beats, all, came, here, gone, announced = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local own_process, expiry, own_sockets, own_guests = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local expected, anew_begins, anew_ends = tonumber(ARGV[5]), ARGV[6] == '1', ARGV[7] == '1'
local came_count, left_count = ARGV[8], ARGV[9]
"""
    + _LIVE
    + """
local own, first, last = here .. own_process, 10, 10 + 2 * came_count
if anew_begins then redis.call('DEL', own) end
if own_sockets == '0' and expected == 0 then redis.call('HDEL', beats, own_process)
else redis.call('HSET', beats, own_process, own_sockets .. ' ' .. own_guests .. ' ' .. string.format('%.0f', now + expiry)) end

local new, ids, ages, gone_some = {}, {}, {}, redis.call('EXISTS', gone) == 1
for i = first, last - 1, 2 do
  local id = ARGV[i]
  if redis.call('SADD', all, id) == 1 and (not gone_some or redis.call('ZREM', gone, id) == 0) then new[#new + 1] = id end
  ids[#ids + 1] = id
  ages[#ages + 1] = now - ARGV[i + 1]
  ages[#ages + 1] = id
end
if #ids > 0 then
  redis.call('SADD', own, unpack(ids))
  redis.call('ZADD', came, 'NX', unpack(ages))
end
first, last = last, last + left_count
for i = first, last - 1 do
  local id = ARGV[i]
  if redis.call('SREM', own, id) == 1 then
    local elsewhere = false
    for _, set in ipairs(others) do
      if redis.call('SISMEMBER', set, id) == 1 then elsewhere = true break end
    end
    if not elsewhere then
      redis.call('SREM', all, id)
      redis.call('ZREM', came, id)
      redis.call('ZADD', gone, now, id)
    end
  end
end
local left = {}
for i = last, #ARGV, 2 do
  if redis.call('ZSCORE', gone, ARGV[i]) == ARGV[i + 1] then
    redis.call('ZREM', gone, ARGV[i])
    left[#left + 1] = ARGV[i]
  end
end
if anew_ends or not known then
  sets = others
  sets[#sets + 1] = own
  unite()
end
redis.call('ZREMRANGEBYRANK', came, 0, -%(beyond)d)
redis.call('ZREMRANGEBYSCORE', gone, '-inf', now - %(gone_ms)d)
redis.call('PEXPIRE', gone, %(gone_ms)d)
for _, name in ipairs({beats, all, came, own, announced}) do redis.call('PEXPIRE', name, 3 * expiry) end
if redis.call('SCARD', own) ~= expected then return {0, new} end

local people = redis.call('SCARD', all)
local few = redis.call('ZCARD', came) < math.min(people, %(kept)d / 2) and 1 or 0
return {1, now, people + guests + own_guests, sockets + own_sockets, redis.call('GET', announced) or '', few, new, left}
""".replace("%(beyond)d", str(KEPT + 1))
    .replace("%(gone_ms)d", str(GONE_MS))
    .replace("%(kept)d", str(KEPT))
)

# KEYS: told. ARGV: what had been announced when we decided, what is announced now, channel, message, expiry ms. Answer: 1, or 0 if another
# process was quicker: each number is announced once.
ANNOUNCE: Final = Script("""
local announced = KEYS[1]
local before, number, channel, message, expiry = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if (redis.call('GET', announced) or '') ~= before then return 0 end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('SET', announced, number .. ' ' .. now, 'PX', expiry)
redis.call('PUBLISH', channel, message)
return 1
""")

_READING: Final = "local beats, all, came, here, own_process = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]"

# KEYS: presence, all, came, here. ARGV: ''. Answer: online, sockets.
COUNT: Final = Script(_READING + _LIVE + "return {redis.call('SCARD', all) + guests, sockets}")

# KEYS: presence, all, came, here. ARGV: ''. Answer: people, guests.
GUESTS: Final = Script(_READING + _LIVE + "return {redis.call('SCARD', all), guests}")

# KEYS: presence, all, came, here. ARGV: ''. Answer: id, ms it came, of all who are still here, the latest first.
MEMBERS: Final = Script(
    _READING
    + _LIVE
    + """
local found, listed = {}, redis.call('ZREVRANGE', came, 0, -1, 'WITHSCORES')
for i = 1, #listed, 2 do
  if redis.call('SISMEMBER', all, listed[i]) == 1 then
    found[#found + 1] = listed[i]
    found[#found + 1] = listed[i + 1]
  end
end
return found
"""
)


def read_keys(room_key: str) -> list[str]:
    return [key(f"presence{part}", room_key) for part in ("", ":all", ":came", ":here:")]


def count_call(room_key: str) -> list[Any]:
    """For COUNT, alone or in a pipeline."""
    return COUNT.call(read_keys(room_key), [""])


def beat_keys(room_key: str) -> list[str]:
    return [*read_keys(room_key), key("presence:gone", room_key), announced_key(room_key)]


def announced_key(room_key: str) -> str:
    return key("presence:told", room_key)
