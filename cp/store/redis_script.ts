/**
 * What the Redis store does in Redis: one Lua script, which is handed the steps
 * of one turn. Each step reads, compares and writes as one; all keys begin with
 * `tp:`, and all of them are needed by nearly every step, as the number of the
 * newest change is one for all. cp/README.md lists them.
 *
 * A step is its name, the number of its words, and its words. It returns words
 * of its own, the first of which says what became of it: `ok`, `none` (nothing
 * there), `stale` (somebody was faster), `superseded`, or `fail`.
 *
 * @module
 */

import { BUFFERS } from "./redis_script_buffers.ts";
import { AGENT_STEPS } from "./redis_script_agents.ts";
import { EVENT_STEPS } from "./redis_script_events.ts";
import { MOVE_STEPS } from "./redis_script_moves.ts";

/** What all steps use. */
const COMMON = `
local call = redis.call
local OPEN = {created = true, queued = true, assigned = true, in_progress = true}
local RELEASED = {assigned = true, in_progress = true}
local META = 'tp:meta'
local storeId, enq, change, upto, entries, acts, era, gap =
  unpack(call('HMGET', META, 'id', 'enq', 'change', 'upto', 'entries', 'acts', 'era', 'gap'))
if (storeId or '') ~= ARGV[1] then
  return redis.error_reply('OTHERSTORE what was kept here is gone, or is another store')
end
enq, change, upto, entries = tonumber(enq or 0), tonumber(change or 0), tonumber(upto or '-inf'), tonumber(entries or 0)
acts, era = tonumber(acts or 0), era or '0'
local enqBefore, changeBefore, uptoBefore, entriesBefore, actsBefore = enq, change, upto, entries, acts

-- What the process has seen of it: its era, its newest change, what was done to agents. Less than that is an older copy.
-- Then what it is called (ARGV[5]), and the steps.
local isBehind = change < tonumber(ARGV[3]) or acts < tonumber(ARGV[4])
if isBehind or ARGV[2] ~= '' and era ~= ARGV[2] then
  local found = ARGV[3] .. ' ' .. string.format('%.0f', change)
  return redis.error_reply('OLDERSTORE ' .. (not isBehind and gap or found))
end

local function key(kind, t, name)
  return 'tp:' .. kind .. ':' .. t .. ':' .. name
end

-- What a record is read from.
local function fields(t, id)
  return call('HMGET', key('event', t, id), 'h', 'f', 's', 'r', 'x', 'v')
end

${BUFFERS}
-- An event among those of all tenants, in the order of acceptance.
local function member(t, id, n)
  return string.sub('0000000000000000', #n + 1) .. n .. ':' .. t .. ':' .. id
end

-- What never changes of an event and is needed here: enq, rank, accepted upto, bytes, agent.
local function fixed(n, k, u, b, a)
  return n .. ' ' .. k .. ' ' .. string.format('%.17g', u) .. ' ' .. b .. ' ' .. a
end

local function rankOf(f)
  return string.match(f, '^%S+ (%S+)')
end

-- The facts about an event: those that never change, the state it is in, when it is due, and where its history is.
local function facts(t, id)
  local v, st, d, c, f = unpack(call('HMGET', key('event', t, id), 'v', 'st', 'd', 'c', 'f'))
  if not v then return nil end
  local n, k, b, a = string.match(f, '^(%S+) (%S+) %S+ (%S+) (.*)$')
  return {id = id, v = v, st = st, d = d, c = c or '', n = n, k = k, b = b, a = a, m = member(t, id, n)}
end

-- Moves an event from the state it is in (nil: it is new) to another one in all that lists it.
local function index(t, e, st, ready, due, finished, seq, wasReady)
  local old = e.st
  local wasOpen, isOpen = old and OPEN[old], OPEN[st]
  if old == 'queued' then
    place(key('queue', t, e.a), e.m, false)
    if wasReady ~= '' then place(key('wait', t, e.a), e.m, false) end
  end
  if old ~= st then
    if old then place(key('state', t, old), e.id, false) end
    place(key('state', t, st), e.id, e.n)
    if wasOpen then count(t, old .. ':' .. e.a, -1) end
    if isOpen then count(t, st .. ':' .. e.a, 1) end
    if isOpen and not wasOpen then
      count(t, 'bytes:' .. e.a, tonumber(e.b))
      place(key('open', t, e.a), e.id, e.n)
      if old then place('tp:ended', e.m, false) end
    elseif wasOpen and not isOpen then
      count(t, 'bytes:' .. e.a, -tonumber(e.b))
      place(key('open', t, e.a), e.id, false)
      place('tp:due', e.m, false)
    end
    if old and RELEASED[old] and not RELEASED[st] then
      place(key('sent', t, e.a), e.m, false)
    end
  end
  if not isOpen then place('tp:ended', e.m, finished)
  elseif not wasOpen or due ~= e.d then place('tp:due', e.m, due) end
  if st == 'queued' then
    if ready == '' then place(key('queue', t, e.a), e.m, e.k)
    else place(key('wait', t, e.a), e.m, ready) end
  elseif RELEASED[st] and (seq ~= '' or not (old and RELEASED[old])) then
    local score = seq
    if seq == '' then score = call('HGET', key('event', t, e.id), 'x') end
    if seq == '-' or not score then score = '+inf' end
    place(key('sent', t, e.a), e.m, score)
  end
end

-- Takes the newest entry out of a history: one with others in its piece only out of the count, as a piece stays as it is.
local function dropNewest(t, c)
  local rest, number, count = string.match(c, '^(.-) ?(%d+):(%d+)$')
  if not rest then return c end
  entries = entries - 1
  if count == '1' then call('XDEL', 'tp:changes:' .. t, number .. '-0')
  else rest = rest .. (rest == '' and '' or ' ') .. number .. ':' .. (count - 1) end
  return rest
end

-- Adds a piece to the history of an event: w[i] and on are whether the newest entry goes before that ('1'), the number of its
-- entries, and the entries, a line each: its revision, a space, and what it says. c says where the history is: for each piece the number of
-- its newest change, and how many of its entries count. Returns it as it is then.
local function enter(t, e, c, w, i)
  if w[i] == '1' then c = dropNewest(t, c) end
  local count = tonumber(w[i + 1])
  say(t, e.a, e.id, change + 1, change + count)
  change, entries = change + count, entries + count
  local number = string.format('%.0f', change)
  call('XADD', 'tp:changes:' .. t, number .. '-0', 'e', e.id, 'b', w[i + 2])
  return c .. (c == '' and '' or ' ') .. number .. ':' .. w[i + 1]
end

-- Writes a record, and adds to its history: w[i] and on are its state, what changes of it, what it led to, its number, its
-- times, when it was ready, and a piece as "enter" has it. '' leaves a result or a number as it is, '-' removes it.
local function write(t, e, w, i)
  local st, s, r, seq = w[i], w[i + 1], w[i + 2], w[i + 3]
  local k = key('event', t, e.id)
  e.v = e.v + 1
  local c = enter(t, e, e.c, w, i + 8)
  local set = {'s', s, 'st', st, 'v', e.v, 'd', w[i + 5], 'c', c}
  local function put(name, value)
    if value == '-' then call('HDEL', k, name)
    elseif value ~= '' then
      set[#set + 1] = name
      set[#set + 1] = value
    end
  end
  put('r', r)
  put('x', seq)
  call('HSET', k, unpack(set))
  index(t, e, st, w[i + 4], w[i + 5], w[i + 6], seq, w[i + 7])
end

local steps = {}

-- Words: the era, the newest change and the number of acts that were seen, now. Goes on with what is there; no number is
-- given twice. Whoever comes later finds another era.
function steps.older(w)
  local seen = tonumber(w[2])
  local since = tonumber(call('HGET', META, 'since') or 0)
  if tonumber(era) <= tonumber(w[1]) then
    gap = w[2] .. ' ' .. string.format('%.0f', change) .. ' ' .. w[4]
    era = string.format('%.0f', tonumber(w[1]) + 1)
    call('HSET', META, 'era', era, 'gap', gap)
    since = 0
  end
  if seen >= since then
    change = math.max(change, seen) + 1
    call('HSET', META, 'since', string.format('%.0f', change))
  end
  acts = math.max(acts, tonumber(w[3]))
  return {'ok', gap}
end
`;

const MAIN = `
local done = {}
local i = 6
while i <= #ARGV do
  local words = {}
  local last = i + 1 + tonumber(ARGV[i + 1])
  for j = i + 2, last do words[#words + 1] = ARGV[j] end
  local ok, result = pcall(steps[ARGV[i]], words)
  if not ok then
    result = {'fail', type(result) == 'table' and result.err or tostring(result)}
  end
  done[#done + 1] = result
  i = last + 1
end
finish()
done[#done + 1] = {string.format('%.0f', change), string.format('%.0f', acts), era}
return done
`;

/** The script, as it may run while there is memory. */
export const STRICT_SCRIPT =
  `#!lua\n${COMMON}${EVENT_STEPS}${AGENT_STEPS}${MOVE_STEPS}${MAIN}`;

/** The script, as it may also run when the memory that Redis may take is used up: what was accepted has to end. */
export const LENIENT_SCRIPT =
  `#!lua flags=allow-oom\n${COMMON}${EVENT_STEPS}${AGENT_STEPS}${MOVE_STEPS}${MAIN}`;
