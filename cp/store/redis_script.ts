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
local storeId, enq, change, upto = unpack(call('HMGET', META, 'id', 'enq', 'change', 'upto'))
if (storeId or '') ~= ARGV[1] then
  return redis.error_reply('OTHERSTORE what was kept here is gone, or is another store')
end
local CHANNEL = 'tp:commits:' .. ARGV[1]
enq, change, upto = tonumber(enq or 0), tonumber(change or 0), tonumber(upto or '-inf')
local enqBefore, changeBefore, uptoBefore = enq, change, upto

local function key(kind, t, name)
  return 'tp:' .. kind .. ':' .. t .. ':' .. name
end

-- What a record is read from.
local function fields(t, id)
  return call('HMGET', key('event', t, id), 'h', 'n', 's', 'r', 'x', 'v')
end

-- Whether anybody listens, once that was asked.
local heard
local function say(note, number)
  if note == '' then return end
  if heard == nil then
    local answer = redis.pcall('PUBSUB', 'NUMSUB', CHANNEL)
    heard = answer.err ~= nil or answer[2] > 0
  end
  if heard then redis.pcall('PUBLISH', CHANNEL, note .. ',"change":' .. number .. '}') end
end
${BUFFERS}
-- The facts about an event that never change, and the state it is in.
local function facts(t, id)
  local v, st, a, m, k, b, n, d = unpack(
    call('HMGET', key('event', t, id), 'v', 'st', 'a', 'm', 'k', 'b', 'n', 'd'))
  if not v then return nil end
  return {id = id, v = v, st = st, a = a, m = m, k = k, b = b, n = n, d = d}
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

-- Adds entries to the history: w[i] and on are (revision, entry, the revision of the one whose place it takes or '') of each.
local function enter(t, id, note, w, i)
  local h, changes = key('history', t, id), 'tp:changes:' .. t
  local added = {}
  for j = i, #w, 3 do
    local drop = w[j + 2]
    local old = drop ~= '' and call('HGET', h, drop)
    if old then
      call('XDEL', changes, string.match(old, '^%d+') .. '-0')
      call('HDEL', h, drop)
    end
    change = change + 1
    added[#added + 1] = w[j]
    added[#added + 1] = string.format('%.0f', change) .. ' ' .. w[j + 1]
  end
  call('HSET', h, unpack(added))
  for j = 1, #added, 2 do
    local number = string.match(added[j + 1], '^%d+')
    call('XADD', changes, number .. '-0', 'e', id, 'r', added[j])
    say(note, number)
  end
end

-- Writes a record: words[i] and on are its state, what changes of it, what it led to, its number, its times, and
-- when it was ready. '' leaves a result or a number as it is, '-' removes it.
local function write(t, e, words, i)
  local st, s, r, seq = words[i], words[i + 1], words[i + 2], words[i + 3]
  local k = key('event', t, e.id)
  e.v = e.v + 1
  local set = {'s', s, 'st', st, 'v', e.v, 'd', words[i + 5]}
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
  index(t, e, st, words[i + 4], words[i + 5], words[i + 6], seq, words[i + 7])
end

local steps = {}
`;

const MAIN = `
local done = {}
local i = 2
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
return done
`;

/** The script, as it may run while there is memory. */
export const STRICT_SCRIPT =
  `#!lua\n${COMMON}${EVENT_STEPS}${AGENT_STEPS}${MOVE_STEPS}${MAIN}`;

/** The script, as it may also run when the memory that Redis may take is used up: what was accepted has to end. */
export const LENIENT_SCRIPT =
  `#!lua flags=allow-oom\n${COMMON}${EVENT_STEPS}${AGENT_STEPS}${MOVE_STEPS}${MAIN}`;
