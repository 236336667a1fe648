"""What the scripts of a room have in common: its keys, its numbers, and how a lost key is made again (Lua).

Keys of a room: `state` (a hash, below) · `ticks` (the log: a stream, an entry per tick, its id is its last seq) · `history` (a list) ·
`pending` (a list of what waits) · `counts` (a hash for the console) · `same:<id>` (what became of a message; with the epoch's family).
`state`: `epoch` (changes when memory was lost) · `seq` · `tick` (when it was last drained, the budget, when the next may come) ·
`mark` (of the last event) · `left` (how many wait) · `kept` (how long the history is, until when).

Any one of these keys may be evicted or deleted: the state is made again from the log and the history from the log, what waited is
submitted again by who waits for it, and a log that is gone is a gap that is noticed. Without state and log the room begins anew."""

from __future__ import annotations

from string import Template
from typing import Final

from interactions.delivery.rooms.admission import COMPETES_MS, WAITING_PER_ROOM, WAITING_PER_SENDER
from interactions.delivery.rooms.archive_stream import STREAM_ENTRIES
from liveroom.kernel.data.scripts import Script

LOG_SECONDS: Final = 120
LOG_EVENTS: Final = 500
LOG_LONG_SECONDS: Final = 600
KEPT_SECONDS: Final = 8 * 86400
# What became of a message is remembered for as long as somebody may submit it again: the relay after minutes, a client with a `cid` when
# it comes back; without one only this process asks again, within its patience.
SAME_SECONDS: Final = 600
SAME_BRIEF_SECONDS: Final = 30
# What the archive may not have read yet when Redis lost its memory: the new numbers begin above it.
EPOCH_GAP: Final = 1_000
REPLAY_BYTES: Final = 1_500_000


class _Numbers(Template):
    """Lua has its own use for % and $."""

    delimiter = "@"


def filled(script: str) -> Script:
    """`script` with the numbers below put in for `@{name}`."""
    text = _Numbers(script).substitute(
        same=SAME_SECONDS,
        brief=SAME_BRIEF_SECONDS,
        gap=EPOCH_GAP,
        kept=KEPT_SECONDS,
        competes=COMPETES_MS,
        per_room=WAITING_PER_ROOM,
        per_sender=WAITING_PER_SENDER,
        log_ms=LOG_SECONDS * 1000,
        log_events=LOG_EVENTS,
        long=LOG_LONG_SECONDS,
        archive=STREAM_ENTRIES,
        replay=REPLAY_BYTES,
    )
    return Script(text)


# For scripts that name `state_key` and `log_key` at their head. The state, made again from the log where it was lost: each tick writes
# both.
STATE: Final = """
local function mark_of(said) return string.sub(redis.sha1hex(string.match(said, '[^\\n]*$')), 1, 8) end
local function known()
  local found = redis.call('HMGET', state_key, 'epoch', 'seq', 'tick', 'kept')
  if found[1] and found[2] then return found end
  local last = redis.call('XREVRANGE', log_key, '+', '-', 'COUNT', 1)[1]
  if not last or not last[2][10] then return nil end
  local epoch, seq = last[2][10], string.match(last[1], '^(%d+)')
  redis.call('HSET', state_key, 'epoch', epoch, 'seq', seq, 'mark', last[2][6] ~= '' and mark_of(last[2][6]) or '')
  redis.call('EXPIRE', state_key, @{kept})
  return {epoch, seq, false, false}
end
"""

# For scripts that name `log_key` and `history_key` at their head. The newest `count` of the history as the log has them: how many that
# are.
REBUILD: Final = """
local function rebuild(count, seconds)
  local found, from = {}, '+'
  while #found < count do
    local entries = redis.call('XREVRANGE', log_key, from, '-', 'COUNT', 50)
    for _, entry in ipairs(entries) do
      local lines, place = {}, 0
      for line in string.gmatch(entry[2][6], '[^\\n]+') do
        place = place + 1
        if string.sub(entry[2][8] or '', place, place) == '1' then lines[#lines + 1] = line end
      end
      for i = #lines, 1, -1 do if #found < count then found[#found + 1] = lines[i] end end
    end
    if #entries < 50 then break end
    from = '(' .. entries[50][1]
  end
  redis.call('DEL', history_key)
  if #found > 0 then
    redis.call('LPUSH', history_key, unpack(found))
    redis.call('EXPIRE', history_key, seconds)
  end
  return #found
end
"""
