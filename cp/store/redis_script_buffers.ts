/**
 * What the steps of one run gather in Lua, to be written once at its end: a
 * command for each thing of each step is most of what an event costs Redis.
 * Nobody sees anything in between, as a run is one step for everybody else.
 */
export const BUFFERS: string = `
-- The table that another one has under a name: made when it is not there.
local function within(tables, name)
  local found = tables[name]
  if not found then
    found = {}
    tables[name] = found
  end
  return found
end

-- Of sorted sets: the score of each member, or false for one that goes.
local placed = {}
local function place(k, member, score)
  within(placed, k)[member] = score
end

-- Members in one command at most: a function of Lua takes some thousand arguments.
local MEMBERS_MAX = 1000

-- Runs a command with so many of the words at a time.
local function inParts(command, k, words, atATime)
  for i = 1, #words, atATime do
    call(command, k, unpack(words, i, math.min(i + atATime - 1, #words)))
  end
end

-- Writes what is gathered of a sorted set: before it is read.
local function settle(k)
  local adds, removals = {}, {}
  for member, score in pairs(placed[k] or {}) do
    if score then
      adds[#adds + 1] = score
      adds[#adds + 1] = member
    else
      removals[#removals + 1] = member
    end
  end
  placed[k] = nil
  inParts('ZADD', k, adds, 2 * MEMBERS_MAX)
  inParts('ZREM', k, removals, MEMBERS_MAX)
end

-- Of tp:count: how much is added to each field, by tenant.
local counted = {}
local function count(t, field, by)
  local fields = within(counted, t)
  fields[field] = (fields[field] or 0) + by
end

-- Writes what is gathered of a tenant's counts: a command for each number costs more than one that reads all of them.
local function addUp(k, added)
  local fields, set, gone = {}, {}, {}
  for field, by in pairs(added) do
    if by ~= 0 then fields[#fields + 1] = field end
  end
  for i = 1, #fields, MEMBERS_MAX do
    local last = math.min(i + MEMBERS_MAX - 1, #fields)
    for j, before in ipairs(call('HMGET', k, unpack(fields, i, last))) do
      local field = fields[i + j - 1]
      local sum = tonumber(before or 0) + added[field]
      if sum == 0 then gone[#gone + 1] = field
      else
        set[#set + 1] = field
        set[#set + 1] = string.format('%.0f', sum)
      end
    end
  end
  inParts('HSET', k, set, 2 * MEMBERS_MAX)
  inParts('HDEL', k, gone, MEMBERS_MAX)
end

-- What is known of agents, by key: k is the key; known, whether it is there and not forgotten; and some of its fields.
local agents = {}
local function agentOf(t, agent)
  local k = key('agent', t, agent)
  local a = agents[k]
  if not a then
    local gen, gone, sid, paused, seq = unpack(call('HMGET', k, 'gen', 'gone', 'upto', 'paused', 'seq'))
    a = {k = k, known = gen and not gone, gen = gen, sid = tonumber(sid or 0), paused = paused, seq = seq}
    agents[k] = a
  end
  return a
end

-- Writes what is gathered of an agent, and forgets it: before its key is read or written.
local function settleAgent(a)
  if a.noted then call('HSET', a.k, 'upto', a.noted) end
  agents[a.k] = nil
end

local function isNewer(a, gen)
  return a.gen and tonumber(a.gen) > tonumber(gen)
end

local function noteSid(a, sid)
  if not a.known or sid == '' or tonumber(sid) <= a.sid then return end
  a.sid, a.noted = tonumber(sid), sid
end

-- What others are told, if anybody listens, five values for each note: tenant, agent, event ('' when it is about the agent), and
-- the first and the last of the changes that it is about.
local notes = {}
local function say(t, agent, id, first, last)
  local n = #notes
  notes[n + 1], notes[n + 2], notes[n + 3], notes[n + 4], notes[n + 5] = t, agent, id, first, last
end

local function tell()
  if #notes == 0 then return end
  local channel = 'tp:notes:' .. ARGV[1]
  local listeners = redis.pcall('PUBSUB', 'NUMSUB', channel)
  if not listeners.err and listeners[2] == 0 then return end
  redis.pcall('PUBLISH', channel, cjson.encode({from = ARGV[5], notes = notes}))
end

-- The tenants that something was written of.
local tenants = {}
local function noteTenant(t)
  if not tenants[t] then call('SADD', 'tp:tenants', t) end
  tenants[t] = true
end

-- Writes all that is gathered, and tells of it.
local function finish()
  for k in pairs(placed) do settle(k) end
  for t, added in pairs(counted) do addUp('tp:count:' .. t, added) end
  for _, a in pairs(agents) do settleAgent(a) end
  local numbers = {}
  local function keep(name, value, before)
    if value == before then return end
    numbers[#numbers + 1] = name
    numbers[#numbers + 1] = string.format('%.17g', value)
  end
  keep('enq', enq, enqBefore)
  keep('change', change, changeBefore)
  keep('upto', upto, uptoBefore)
  keep('entries', entries, entriesBefore)
  keep('acts', acts, actsBefore)
  if #numbers > 0 then call('HSET', META, unpack(numbers)) end
  tell()
end
`;
