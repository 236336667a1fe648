"""Reading a room's log in Redis, and making it anew after a loss (Lua). The keys: `script_parts.py`."""

from __future__ import annotations

from typing import Final

from interactions.delivery.rooms.script_parts import REBUILD, STATE, filled

# KEYS: state ticks pending. ARGV: the last seq seen, '' if nothing is asked for. Answer: epoch ('' if there is none), seq, how many
# wait, how long the history is and until when, then the log's entries that hold later ones, if the log reaches back so far and they
# are not too much to send again.
READ: Final = filled(
    """
local state_key, log_key, pending_key = KEYS[1], KEYS[2], KEYS[3]
local since = tonumber(ARGV[1])
"""
    + STATE
    + """
local found = known()
if not found then return {'', 0, 0, ''} end
local epoch, seq = found[1], tonumber(found[2])
local nothing = {epoch, seq, redis.call('LLEN', pending_key), found[4] or ''}
if not since or since >= seq then return nothing end
local answer = {unpack(nothing)}
local next, size = since + 1, 0
for _, entry in ipairs(redis.call('XRANGE', log_key, string.format('%d', since + 1), '+')) do
  local last, lines = tonumber(string.match(entry[1], '^(%d+)')), tonumber(entry[2][4])
  size = size + #entry[2][6]
  if last - lines + 1 > next or size > @{replay} then return nothing end
  next = last + 1
  answer[#answer + 1] = string.format('%d', last - lines + 1) .. '\\n' .. entry[2][6]
end
if next ~= seq + 1 then return nothing end
return answer
"""
)

# KEYS: state ticks history. ARGV: history count, history seconds, now ms. The history was lost: answer it as the log has it.
REPAIR: Final = filled(
    """
local state_key, log_key, history_key = KEYS[1], KEYS[2], KEYS[3]
local history_count, history_seconds, now = tonumber(ARGV[1]), ARGV[2], ARGV[3]
"""
    + REBUILD
    + """
local length = rebuild(history_count, history_seconds)
if redis.call('HEXISTS', state_key, 'epoch') == 1 then
  redis.call('HSET', state_key, 'kept', string.format('%d %d', length, now + history_seconds * 1000))
end
return redis.call('LRANGE', history_key, 0, -1)
"""
)

# KEYS: state ticks pending. ARGV: new epoch, the highest seq that anybody saw, an epoch that cannot go on ('' for none), now ms.
# Answer: epoch, seq. A room that has another epoch, and stands above what was seen, keeps it: whoever comes second changes nothing.
# `<family>-<epoch>` follows an epoch that Redis still knew: what was said in that family is not said again. What waited may have been said
# in the time that was forgotten: it is let go, and whoever still waits for an answer says it again.
BEGIN: Final = filled(
    """
local state_key, log_key, pending_key = KEYS[1], KEYS[2], KEYS[3]
local fresh_epoch, seen, broken, now = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
"""
    + STATE
    + """
local found = known() or {false, '0'}
local epoch, seq = found[1], tonumber(found[2])
if epoch and epoch ~= broken and seq >= seen then return {epoch, seq} end
local highest, last = math.max(seq, seen), redis.call('XREVRANGE', log_key, '+', '-', 'COUNT', 1)[1]
if last then
  highest = math.max(highest, tonumber(string.match(last[1], '^(%d+)')))
  epoch = epoch or last[2][10]
end
seq = string.format('%d', highest > 0 and highest + @{gap} or 0)
local fresh = epoch and string.match(epoch, '^[^-]+') .. '-' .. fresh_epoch or fresh_epoch
redis.call('DEL', log_key, pending_key)
redis.call('XADD', log_key, seq .. (seq == '0' and '-1' or '-0'), 'at', now, 'n', 0, 'e', '', 'h', '', 'p', fresh)
redis.call('EXPIRE', log_key, @{kept})
redis.call('HSET', state_key, 'epoch', fresh, 'seq', seq, 'mark', '', 'left', 0)
redis.call('EXPIRE', state_key, @{kept})
return {fresh, tonumber(seq)}
"""
)
