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

import { AGENT_STEPS } from "./redis_script_agents.ts";
import { EVENT_STEPS } from "./redis_script_events.ts";
import { MOVE_STEPS } from "./redis_script_moves.ts";

/** What all steps use. */
const COMMON = `
local call = redis.call
local OPEN = {created = true, queued = true, assigned = true, in_progress = true}
local RELEASED = {assigned = true, in_progress = true}
local META = 'tp:meta'
if (call('HGET', META, 'id') or '') ~= ARGV[1] then
  return redis.error_reply('OTHERSTORE what was kept here is gone, or is another store')
end
local CHANNEL = 'tp:commits:' .. ARGV[1]

local function key(kind, t, name)
  return 'tp:' .. kind .. ':' .. t .. ':' .. name
end

-- What a record is read from.
local function fields(t, id)
  return call('HMGET', key('event', t, id), 'h', 'n', 's', 'r', 'x', 'v')
end

local function say(note, change)
  if note ~= '' then redis.pcall('PUBLISH', CHANNEL, note .. ',"change":' .. change .. '}') end
end

-- What is known of an agent: its key if it is not forgotten, its generation also then, and more that is asked for.
local function agentOf(t, agent, ...)
  local k = key('agent', t, agent)
  local all = call('HMGET', k, 'gen', 'gone', ...)
  return all[1] and not all[2] and k or nil, all[1], all
end

local function isNewer(known, gen)
  return known and tonumber(known) > tonumber(gen)
end

local function noteSid(k, upto, sid)
  if k and sid ~= '' and tonumber(sid) > tonumber(upto) then call('HSET', k, 'upto', sid) end
end

local function count(t, field, by)
  local k = 'tp:count:' .. t
  if call('HINCRBY', k, field, by) == 0 then call('HDEL', k, field) end
end

-- The facts about an event that never change, and the state it is in.
local function facts(t, id)
  local v, st, a, m, k, b, n, d = unpack(
    call('HMGET', key('event', t, id), 'v', 'st', 'a', 'm', 'k', 'b', 'n', 'd'))
  if not v then return nil end
  return {id = id, v = v, st = st, a = a, m = m, k = k, b = b, n = n, d = d}
end

-- Moves an event from the state it is in (nil: it is new) to another one in all that lists it.
local function index(t, e, st, ready, due, finished, seq)
  local old = e.st
  local wasOpen, isOpen = old and OPEN[old], OPEN[st]
  if old ~= st then
    if old then call('ZREM', key('state', t, old), e.id) end
    call('ZADD', key('state', t, st), e.n, e.id)
    if wasOpen then count(t, old .. ':' .. e.a, -1) end
    if isOpen then count(t, st .. ':' .. e.a, 1) end
    if isOpen and not wasOpen then
      count(t, 'bytes:' .. e.a, e.b)
      call('ZADD', key('open', t, e.a), e.n, e.id)
      if old then call('ZREM', 'tp:ended', e.m) end
    elseif wasOpen and not isOpen then
      count(t, 'bytes:' .. e.a, '-' .. e.b)
      call('ZREM', key('open', t, e.a), e.id)
      call('ZREM', 'tp:due', e.m)
    end
    if old == 'queued' then
      if call('ZREM', key('queue', t, e.a), e.m) == 0 then
        call('ZREM', key('wait', t, e.a), e.m)
      end
    end
    if old and RELEASED[old] and not RELEASED[st] then
      call('ZREM', key('sent', t, e.a), e.m)
    end
  elseif st == 'queued' then
    call('ZREM', key('queue', t, e.a), e.m)
    call('ZREM', key('wait', t, e.a), e.m)
  end
  if not isOpen then call('ZADD', 'tp:ended', finished, e.m)
  elseif not wasOpen or due ~= e.d then call('ZADD', 'tp:due', due, e.m) end
  if st == 'queued' then
    if ready == '' then call('ZADD', key('queue', t, e.a), e.k, e.m)
    else call('ZADD', key('wait', t, e.a), ready, e.m) end
  elseif RELEASED[st] and (seq ~= '' or not (old and RELEASED[old])) then
    local score = seq
    if seq == '' then score = call('HGET', key('event', t, e.id), 'x') end
    if seq == '-' or not score then score = '+inf' end
    call('ZADD', key('sent', t, e.a), score, e.m)
  end
end

-- Adds an entry to the history, in the place of the one with the revision "drop" if that is not ''.
local function enter(t, id, revision, entry, drop, note)
  local change = call('HINCRBY', META, 'change', 1)
  local h = key('history', t, id)
  if drop ~= '' then
    local old = call('HGET', h, drop)
    if old then
      call('XDEL', 'tp:changes:' .. t, string.match(old, '^%d+') .. '-0')
      call('HDEL', h, drop)
    end
  end
  change = string.format('%.0f', change)
  call('HSET', h, revision, change .. ' ' .. entry)
  call('XADD', 'tp:changes:' .. t, change .. '-0', 'e', id, 'r', revision)
  say(note, change)
  return change
end

-- Writes a record: words[i] and on are its state, what changes of it, what it led to, its number, and its times.
-- '' leaves a result or a number as it is, '-' removes it.
local function write(t, e, words, i)
  local st, s, r, seq = words[i], words[i + 1], words[i + 2], words[i + 3]
  local k = key('event', t, e.id)
  e.v = e.v + 1
  call('HSET', k, 's', s, 'st', st, 'v', e.v, 'd', words[i + 5])
  if r == '-' then call('HDEL', k, 'r') elseif r ~= '' then call('HSET', k, 'r', r) end
  if seq == '-' then call('HDEL', k, 'x') elseif seq ~= '' then call('HSET', k, 'x', seq) end
  index(t, e, st, words[i + 4], words[i + 5], words[i + 6], seq)
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
return done
`;

/** The script, as it may run while there is memory. */
export const STRICT_SCRIPT =
  `#!lua\n${COMMON}${EVENT_STEPS}${AGENT_STEPS}${MOVE_STEPS}${MAIN}`;

/** The script, as it may also run when the memory that Redis may take is used up: what was accepted has to end. */
export const LENIENT_SCRIPT =
  `#!lua flags=allow-oom\n${COMMON}${EVENT_STEPS}${AGENT_STEPS}${MOVE_STEPS}${MAIN}`;
