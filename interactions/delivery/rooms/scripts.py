"""The step of a room in Redis: what is new and what waits is judged, numbered, kept and published (Lua).

The rule of who is heard is `interactions/delivery/rooms/admission.py`, said again here. The keys: `script_parts.py`."""

from __future__ import annotations

from typing import Final

from interactions.delivery.rooms.script_parts import REBUILD, STATE, filled

# KEYS: state ticks history pending counts archive.
# ARGV: channel, room key, prefix of `same`, rate per second, tick ms, history count, history seconds, now ms ('' = the server's
# clock), seed of the lot, then per message a head and an event. A head is `<class> <flags> <id> <sender>`; class 0 to 3 is a
# priority, `s` a system event; flags: h into the history, p paid, b nobody says it again after a while, - none. Event: JSON with no seq.
# Answer: epoch, seq, ms until the next tick, how many wait, what became of each message (`D<seq>`, `W`, `S<reason>`).
# `{''}`: the room has no epoch; begin one first.
SUBMIT: Final = filled(
    """
local state_key, log_key, history_key = KEYS[1], KEYS[2], KEYS[3]
local pending_key, counts_key, archive_key = KEYS[4], KEYS[5], KEYS[6]
local channel, room_key, same_prefix = ARGV[1], ARGV[2], ARGV[3]
local rate, tick_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
local history_count, history_seconds = tonumber(ARGV[6]), ARGV[7]
local now, seed, first_message = tonumber(ARGV[8]), ARGV[9], 10
"""
    + STATE
    + REBUILD
    + """
local found = known()
if not found then return {''} end
local epoch, seq = found[1], tonumber(found[2])
local family = string.match(epoch, '^[^-]+')
local soonest = math.floor(tick_ms * 4 / 5)
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function same(item, outcome)
  local seconds = string.find(item.flags, 'b', 1, true) and @{brief} or @{same}
  redis.call('SET', same_prefix .. item.id, outcome .. ' ' .. family, 'EX', seconds)
end
local words = {['0'] = 'High', ['1'] = 'Normal', ['2'] = 'Low', ['3'] = 'Lowest', s = 'System'}
local counted = {}
local function count(what) counted[what] = (counted[what] or 0) + 1 end

-- the budget: last drained, thousandths, when the next tick may come, then pairs of (instant, delivered); a clock that was set back
-- begins it anew
local state = {}
for number in string.gmatch(found[3] or '', '%d+') do state[#state + 1] = tonumber(number) end
if state[1] and now < state[1] then state = {} end
local due = not state[1] or (now - state[1] >= soonest and now >= state[3])

local results, chosen, waiting = {}, {}, {}
local pending = redis.call('LLEN', pending_key)
local function parsed(raw)
  local class, flags, at, id, sender, event = string.match(raw, '^(%S+) (%S+) (%d+) (%S+) ([^\\n]*)\\n(.*)$')
  return {class = class, flags = flags, at = tonumber(at), id = id, sender = sender, event = event, raw = raw}
end
local queued
local function waits(id)
  if not queued then
    queued = {}
    for _, item in ipairs(chosen) do queued[item.id] = true end
    for _, item in ipairs(waiting) do queued[item.id] = true end
    if not due then
      for _, raw in ipairs(redis.call('LRANGE', pending_key, 0, -1)) do queued[parsed(raw).id] = true end
    end
  end
  return queued[id]
end
if due and pending > 0 then
  for _, raw in ipairs(redis.call('LRANGE', pending_key, 0, -1)) do waiting[#waiting + 1] = parsed(raw) end
  redis.call('DEL', pending_key)
end
local fresh = {}
for i = first_message, #ARGV, 2 do
  local class, flags, id, sender = string.match(ARGV[i], '^(%S+) (%S+) (%S+) (.*)$')
  local outcome, of = string.match(redis.call('GET', same_prefix .. id) or '', '^(%S+) (%S+)$')
  -- one that is said to wait and does not was lost with the list of those that wait
  if fresh[id] or (outcome and of == family and (outcome ~= 'W' or waits(id))) then
    results[#results + 1] = fresh[id] and 'W' or outcome
  else
    results[#results + 1] = 'W'
    local item = {class = class, flags = flags, at = now, id = id, sender = sender, event = ARGV[i + 1], fresh = #results}
    fresh[id] = true
    if class == 's' then
      chosen[#chosen + 1] = item
    elseif due then
      waiting[#waiting + 1] = item
    elseif pending >= @{per_room} * (4 - tonumber(class)) and not string.find(flags, 'p', 1, true) then
      -- what is higher finds room where what is lower has filled it
      results[#results] = 'Sfull'
      item.reason = 'full'
      waiting[#waiting + 1] = item
    else
      redis.call('RPUSH', pending_key, table.concat({class, flags, now, id, sender}, ' ') .. '\\n' .. item.event)
      pending = pending + 1
      same(item, 'W')
    end
  end
end

local sampled, left = {}, due and 0 or pending
local changed = {}
if due then
  local full, lately, sum = math.max(1, math.floor(rate / 5)) * 1000, {}, 0
  local thousandths = full
  if state[1] then
    thousandths = math.min(full, state[2] + (now - state[1]) * rate)
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
      lots[item.sender] = lots[item.sender] or redis.sha1hex(seed .. ':' .. item.sender)
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
        redis.call('RPUSH', pending_key, item.raw
          or table.concat({item.class, item.flags, item.at, item.id, item.sender}, ' ') .. '\\n' .. item.event)
        if item.fresh then same(item, 'W') end
      end
    end
  end
  if #heard > 0 then
    thousandths = thousandths - #heard * 1000
    lately[#lately + 1] = now
    lately[#lately + 1] = #heard
  end
  -- when the next tick may come: at a moment at which the room has room again, if something is left
  local next_ms, apart = 0, math.min(tick_ms, 1000)
  if left > 0 then
    local soonest = math.floor(apart * 4 / 5)
    local function room(wait)
      local sum = 0
      for i = 1, #lately, 2 do if lately[i] > now + wait - 1000 then sum = sum + lately[i + 1] end end
      return math.max(0, math.min(math.floor(math.min(full, thousandths + wait * rate) / 1000), rate - sum))
    end
    local first, all = nil, room(soonest) >= left and soonest or nil
    for i = 1, #lately, 2 do
      local wait = lately[i] + 1000 - now
      if wait > soonest and wait <= math.floor(apart * 7 / 5) then
        first = first or wait
        if not all and room(wait) >= left then all = wait end
      end
    end
    next_ms = all or first or (room(soonest) > 0 and soonest or apart)
  end
  state = {now, thousandths, now + next_ms}
  changed = {'tick', table.concat({now, thousandths, string.format('%d', now + next_ms)}, ' ') .. ' ' .. table.concat(lately, ' ')}
  local systems = chosen
  chosen = heard
  for _, item in ipairs(systems) do chosen[#chosen + 1] = item end
end

local first, lines, remembered, flags = seq + 1, {}, {}, {}
for _, item in ipairs(chosen) do
  seq = seq + 1
  item.seq = string.format('%d', seq)
  local line = '{"seq":' .. item.seq .. ',' .. string.sub(item.event, 2)
  lines[#lines + 1] = line
  local keeps = string.find(item.flags, 'h', 1, true)
  flags[#flags + 1] = keeps and '1' or '0'
  if keeps then remembered[#remembered + 1] = line end
end
local said = table.concat(lines, '\\n')
if #lines > 0 then
  local added = redis.pcall('XADD', log_key, string.format('%d', seq) .. '-0', 'at', now, 'n', #lines, 'e', said,
    'h', table.concat(flags), 'p', epoch)
  if type(added) == 'table' and added.err then
    -- the log is ahead of the state, numbers would come twice: the state is made again from the log
    redis.call('HDEL', state_key, 'epoch', 'seq')
    return {''}
  end
end
local carried = {}
for _, item in ipairs(waiting) do
  if item.reason then
    sampled[#sampled + 1] = item.reason .. ' ' .. item.event
    same(item, 'S' .. item.reason)
    count('sampled:' .. words[item.class] .. ':' .. item.reason)
    if item.fresh then results[item.fresh] = 'S' .. item.reason else carried[#carried + 1] = item.id .. '=S' .. item.reason end
  end
end
for _, item in ipairs(chosen) do
  local outcome = 'D' .. item.seq
  same(item, outcome)
  count('delivered:' .. words[item.class])
  if item.fresh then results[item.fresh] = outcome else carried[#carried + 1] = item.id .. '=' .. outcome end
end
if #lines > 0 then
  changed[#changed + 1] = 'seq'
  changed[#changed + 1] = string.format('%d', seq)
  changed[#changed + 1] = 'mark'
  changed[#changed + 1] = mark_of(lines[#lines])
  -- two minutes, and never fewer than so many events
  local old
  local entries = redis.call('XRANGE', log_key, '-', '+', 'COUNT', 20)
  for _, entry in ipairs(entries) do
    local last = tonumber(string.match(entry[1], '^(%d+)'))
    local over = tonumber(entry[2][2]) < now - @{log_ms} or entry[2][4] == '0'
    if over and seq - last >= @{log_events} then old = last else break end
  end
  local oldest = entries[1]
  if old then
    redis.call('XTRIM', log_key, 'MINID', string.format('%d', old + 1) .. '-0')
    oldest = redis.call('XRANGE', log_key, '-', '+', 'COUNT', 1)[1]
  end
  local long = seq - tonumber(string.match(oldest[1], '^(%d+)')) > @{log_events}
  redis.call('EXPIRE', log_key, long and @{long} or @{kept})
  if #remembered > 0 and history_count > 0 then
    local before, over = string.match(found[4] or '', '^(%d+) (%d+)$')
    before = before and tonumber(over) > now and tonumber(before) or 0
    local length = redis.call('RPUSH', history_key, unpack(remembered))
    if length < before + #remembered then
      length = rebuild(history_count, history_seconds)
    else
      redis.call('LTRIM', history_key, -history_count, -1)
      redis.call('EXPIRE', history_key, history_seconds)
    end
    changed[#changed + 1] = 'kept'
    changed[#changed + 1] = string.format('%d %d', math.min(length, history_count), now + history_seconds * 1000)
  end
end
changed[#changed + 1] = 'left'
changed[#changed + 1] = left
redis.call('HSET', state_key, unpack(changed))
redis.call('EXPIRE', state_key, @{kept})
if #lines > 0 or #sampled > 0 then
  local entry = {'room', room_key, 'epoch', epoch, 'at', now, 'events', said}
  if #sampled > 0 then
    entry[#entry + 1] = 'sampled'
    entry[#entry + 1] = table.concat(sampled, '\\n')
  end
  redis.call('XADD', archive_key, 'MAXLEN', '~', @{archive}, '*', unpack(entry))
  for what, number in pairs(counted) do redis.call('HINCRBY', counts_key, what, number) end
  redis.call('EXPIRE', counts_key, @{kept})
end
if #lines > 0 or #carried > 0 then
  redis.call('PUBLISH', channel, 'E' .. string.format('%d', first) .. ' ' .. epoch .. ' ' .. table.concat(carried, ',')
    .. (#lines > 0 and '\\n' .. said or ''))
end
local next_at = 0
-- with nothing left at the last one the next tick is a whole one later, and only may come sooner
if state[1] then next_at = state[3] > state[1] and state[3] or state[1] + tick_ms end
return {epoch, seq, math.max(0, next_at - now), left, unpack(results)}
"""
)
