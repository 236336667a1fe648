"""What Redis does for a room in one step (Lua). The rule of who is heard is `interactions/rules/admission.py`, said again here.

State per room: `epoch` (changes when memory was lost) · `seq` · `ticks` (the log: a stream, an entry per tick, its id is its last seq)
· `history` (a list) · `pending` (a list of what waits) · `tick` (when it was last drained, and the budget) · `counts` (a hash for
the console) · `same:<id>` (what became of a message, for ten minutes; with the epoch's family)."""

from __future__ import annotations

from string import Template
from typing import Final

from interactions.live.archive import STREAM_ENTRIES
from interactions.rules.admission import COMPETES_MS, WAITING_PER_ROOM, WAITING_PER_SENDER
from liveroom.kernel.scripts import Script

LOG_SECONDS: Final = 120
LOG_EVENTS: Final = 500
LOG_LONG_SECONDS: Final = 600
KEPT_SECONDS: Final = 8 * 86400
SAME_SECONDS: Final = 600
REPLAY_BYTES: Final = 1_500_000


class _Numbers(Template):
    """Lua has its own use for % and $."""

    delimiter = "@"


def _filled(script: str) -> Script:
    text = _Numbers(script).substitute(
        same=SAME_SECONDS,
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


# KEYS: epoch seq ticks history pending tick counts archive.
# ARGV: channel, room key, prefix of `same`, rate per second, tick ms, history count, history seconds, now ms ('' = the server's
# clock), seed of the lot, then per message a head and an event. A head is `<class> <flags> <id> <sender>`; class 0 to 3 is a
# priority, `s` a system event; flags: h into the history, p paid, - none. Event: JSON with no seq.
# Answer: epoch, seq, ms until the next tick, how many wait, what became of each message (`D<seq>`, `W`, `S<reason>`).
# `{''}`: the room has no epoch; begin one first.
SUBMIT: Final = _filled("""
local epoch = redis.call('GET', KEYS[1])
if not epoch then return {''} end
local family = string.match(epoch, '^[^-]+')
local rate, tick_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
local now = tonumber(ARGV[8])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function same(id, outcome) redis.call('SET', ARGV[3] .. id, outcome .. ' ' .. family, 'EX', @{same}) end
local words = {['0'] = 'High', ['1'] = 'Normal', ['2'] = 'Low', ['3'] = 'Lowest', s = 'System'}
local counted = {}
local function count(what) counted[what] = (counted[what] or 0) + 1 end

-- the budget: last drained, thousandths, as of, then pairs of (instant, delivered)
local state = {}
for number in string.gmatch(redis.call('GET', KEYS[6]) or '', '%d+') do state[#state + 1] = tonumber(number) end
local due = not state[1] or now - state[1] >= tick_ms or now < state[1]

local results, chosen, waiting = {}, {}, {}
local pending = redis.call('LLEN', KEYS[5])
if due and pending > 0 then
  for _, raw in ipairs(redis.call('LRANGE', KEYS[5], 0, -1)) do
    local class, flags, at, id, sender, event = string.match(raw, '^(%S+) (%S+) (%d+) (%S+) ([^\\n]*)\\n(.*)$')
    waiting[#waiting + 1] = {class = class, flags = flags, at = tonumber(at), id = id, sender = sender, event = event, raw = raw}
  end
  redis.call('DEL', KEYS[5])
end
for i = 10, #ARGV, 2 do
  local class, flags, id, sender = string.match(ARGV[i], '^(%S+) (%S+) (%S+) (.*)$')
  local outcome, of = string.match(redis.call('GET', ARGV[3] .. id) or '', '^(%S+) (%S+)$')
  if outcome and of == family then
    results[#results + 1] = outcome
  else
    results[#results + 1] = 'W'
    local item = {class = class, flags = flags, at = now, id = id, sender = sender, event = ARGV[i + 1], fresh = #results}
    if class == 's' then
      chosen[#chosen + 1] = item
      same(id, 'W')
    elseif not due and pending >= @{per_room} * (4 - tonumber(class)) and not string.find(flags, 'p', 1, true) then
      -- what is higher finds room where what is lower has filled it
      results[#results] = 'Sfull'
      item.reason = 'full'
      waiting[#waiting + 1] = item
      same(id, 'W')
    else
      if not due then
        redis.call('RPUSH', KEYS[5], table.concat({class, flags, now, id, sender}, ' ') .. '\\n' .. item.event)
        pending = pending + 1
      else
        waiting[#waiting + 1] = item
      end
      same(id, 'W')
    end
  end
end

local sampled, left = {}, due and 0 or pending
if due then
  local full, lately, sum = math.max(1, math.floor(rate / 5)) * 1000, {}, 0
  local thousandths = full
  if state[1] then
    thousandths = math.min(full, state[2] + math.max(0, now - state[3]) * rate)
    for i = 4, #state, 2 do
      if state[i] > now - 1000 then
        lately[#lately + 1] = state[i]
        lately[#lately + 1] = state[i + 1]
        sum = sum + state[i + 1]
      end
    end
  end
  local allowed = math.max(0, math.min(math.floor(thousandths / 1000), rate - sum))
  local heard = {}
  if #waiting <= allowed then
    heard = waiting
  else
    local turns, ranked, lots, kept_of = {}, {}, {}, {}
    for place, item in ipairs(waiting) do
      local key = item.class .. item.sender
      turns[key] = (turns[key] or 0) + 1
      lots[item.sender] = lots[item.sender] or redis.sha1hex(ARGV[9] .. ':' .. item.sender)
      item.turn, item.lot, item.place = turns[key], lots[item.sender], place
      ranked[place] = item
    end
    table.sort(ranked, function(a, b)
      if a.class ~= b.class then return a.class < b.class end
      if a.turn ~= b.turn then return a.turn < b.turn end
      if a.lot ~= b.lot then return a.lot < b.lot end
      return a.place < b.place
    end)
    local kept = 0
    for rank, item in ipairs(ranked) do
      if rank <= allowed then item.heard = true
      elseif string.find(item.flags, 'p', 1, true) then kept = kept + 1
      elseif now - item.at >= @{competes} then item.reason = 'rate'
      elseif (kept_of[item.sender] or 0) >= @{per_sender} then item.reason = 'flood'
      elseif kept >= @{per_room} then item.reason = 'full'
      else
        kept = kept + 1
        kept_of[item.sender] = (kept_of[item.sender] or 0) + 1
      end
    end
    for _, item in ipairs(waiting) do
      if item.heard then heard[#heard + 1] = item
      elseif not item.reason then
        left = left + 1
        redis.call('RPUSH', KEYS[5], item.raw
          or table.concat({item.class, item.flags, item.at, item.id, item.sender}, ' ') .. '\\n' .. item.event)
      end
    end
  end
  if #heard > 0 then
    thousandths = thousandths - #heard * 1000
    lately[#lately + 1] = now
    lately[#lately + 1] = #heard
  end
  redis.call('SET', KEYS[6], table.concat({now, thousandths, now}, ' ') .. ' ' .. table.concat(lately, ' '), 'EX', 60)
  state[1] = now
  local systems = chosen
  chosen = heard
  for _, item in ipairs(systems) do chosen[#chosen + 1] = item end
end

local carried = {}
for _, item in ipairs(waiting) do
  if item.reason then
    sampled[#sampled + 1] = item.reason .. ' ' .. item.event
    same(item.id, 'S' .. item.reason)
    count('sampled:' .. words[item.class] .. ':' .. item.reason)
    if item.fresh then results[item.fresh] = 'S' .. item.reason else carried[#carried + 1] = item.id .. '=S' .. item.reason end
  end
end
local seq = tonumber(redis.call('GET', KEYS[2]) or '0')
local first, lines, remembered = seq + 1, {}, {}
for _, item in ipairs(chosen) do
  seq = seq + 1
  local line = '{"seq":' .. string.format('%d', seq) .. ',' .. string.sub(item.event, 2)
  lines[#lines + 1] = line
  local outcome = 'D' .. string.format('%d', seq)
  same(item.id, outcome)
  count('delivered:' .. words[item.class])
  if item.fresh then results[item.fresh] = outcome else carried[#carried + 1] = item.id .. '=' .. outcome end
  if string.find(item.flags, 'h', 1, true) then remembered[#remembered + 1] = line end
end
local said = table.concat(lines, '\\n')
if #lines > 0 then
  redis.call('SET', KEYS[2], string.format('%d', seq), 'EX', @{kept})
  redis.call('EXPIRE', KEYS[1], @{kept})
  redis.call('XADD', KEYS[3], string.format('%d', seq) .. '-0', 'at', now, 'n', #lines, 'e', said)
  -- two minutes, and never fewer than so many events
  local old
  for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 20)) do
    local last = tonumber(string.match(entry[1], '^(%d+)'))
    if tonumber(entry[2][2]) < now - @{log_ms} and seq - last >= @{log_events} then old = last else break end
  end
  if old then redis.call('XTRIM', KEYS[3], 'MINID', string.format('%d', old + 1) .. '-0') end
  local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)[1]
  local long = seq - tonumber(string.match(oldest[1], '^(%d+)')) > @{log_events}
  redis.call('EXPIRE', KEYS[3], long and @{long} or @{kept})
  if #remembered > 0 and tonumber(ARGV[6]) > 0 then
    redis.call('RPUSH', KEYS[4], unpack(remembered))
    redis.call('LTRIM', KEYS[4], -tonumber(ARGV[6]), -1)
    redis.call('EXPIRE', KEYS[4], ARGV[7])
  end
end
if #lines > 0 or #sampled > 0 then
  local entry = {'room', ARGV[2], 'epoch', epoch, 'at', now, 'events', said}
  if #sampled > 0 then
    entry[#entry + 1] = 'sampled'
    entry[#entry + 1] = table.concat(sampled, '\\n')
  end
  redis.call('XADD', KEYS[8], 'MAXLEN', '~', @{archive}, '*', unpack(entry))
  for what, number in pairs(counted) do redis.call('HINCRBY', KEYS[7], what, number) end
  redis.call('EXPIRE', KEYS[7], @{kept})
end
if #lines > 0 or #carried > 0 then
  redis.call('PUBLISH', ARGV[1], 'E' .. string.format('%d', first) .. ' ' .. epoch .. ' ' .. table.concat(carried, ',')
    .. (#lines > 0 and '\\n' .. said or ''))
end
return {epoch, seq, math.max(0, (state[1] or 0) + tick_ms - now), left, unpack(results)}
""")

# KEYS: epoch seq ticks pending. ARGV: the last seq seen, '' if nothing is asked for. Answer: epoch ('' if there is none), seq, how many
# wait, then the
# log's entries that hold later ones, if the log reaches back so far and they are not too much to send again.
READ: Final = _filled("""
local epoch, seq = redis.call('GET', KEYS[1]) or '', tonumber(redis.call('GET', KEYS[2]) or '0')
local since, pending = tonumber(ARGV[1]), redis.call('LLEN', KEYS[4])
if not since or since >= seq then return {epoch, seq, pending} end
local found = {epoch, seq, pending}
local next, size = since + 1, 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], string.format('%d', since + 1), '+')) do
  local last, lines = tonumber(string.match(entry[1], '^(%d+)')), tonumber(entry[2][4])
  size = size + #entry[2][6]
  if last - lines + 1 > next or size > @{replay} then return {epoch, seq, pending} end
  next = last + 1
  found[#found + 1] = string.format('%d', last - lines + 1) .. '\\n' .. entry[2][6]
end
if next ~= seq + 1 then return {epoch, seq, pending} end
return found
""")

# KEYS: epoch seq ticks. ARGV: new epoch, where it begins, the highest seq that anybody saw, an epoch that cannot go on ('' for none).
# Answer: epoch, seq. A room that has another epoch, and stands above what was seen, keeps it: whoever comes second changes nothing.
# `<family>-<epoch>` follows an epoch that Redis still knew: what was said in that family is not said again.
BEGIN: Final = _filled("""
local epoch, seq = redis.call('GET', KEYS[1]), tonumber(redis.call('GET', KEYS[2]) or '0')
if epoch and epoch ~= ARGV[4] and seq >= tonumber(ARGV[3]) then return {epoch, seq} end
seq = math.max(seq, tonumber(ARGV[2]))
local fresh = epoch and string.match(epoch, '^[^-]+') .. '-' .. ARGV[1] or ARGV[1]
redis.call('SET', KEYS[1], fresh, 'EX', @{kept})
redis.call('SET', KEYS[2], string.format('%d', seq), 'EX', @{kept})
redis.call('DEL', KEYS[3])
return {fresh, seq}
""")
