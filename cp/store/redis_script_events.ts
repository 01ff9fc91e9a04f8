/** The steps of the script that are about events, in Lua; see `redis_script.ts`. */
export const EVENT_STEPS: string = `
-- Words: tenant, id, key that is looked for, its own key, agent, when accepted, priority, bytes, what never
-- changes, body, state, what changes, when ready, when due, entry, then the traits: its type and its labels.
function steps.create(w)
  local t, id, wanted, own, agent = w[1], w[2], w[3], w[4], w[5]
  local k = key('event', t, id)
  local taken
  if call('EXISTS', k) == 1 then taken = id end
  taken = taken or call('HGET', 'tp:keys:' .. t, wanted)
  if not taken and wanted ~= id then
    local named = key('event', t, wanted)
    if call('EXISTS', named) == 1 and not call('HGET', named, 'i') then taken = wanted end
  end
  if taken then return {'taken', fields(t, taken)} end
  local dead = call('HGET', 'tp:dead:' .. t, id)
  if not dead then
    local owner = call('HGET', 'tp:deadkeys:' .. t, wanted)
    dead = owner and call('HGET', 'tp:dead:' .. t, owner)
  end
  if not dead and wanted ~= id then
    dead = call('HGET', 'tp:dead:' .. t, wanted)
    -- One with a key of its own is not known by its id as a key.
    if dead and string.sub(dead, 1, 1) == '1' then dead = false end
  end
  if dead then return {'dead', string.sub(dead, 2)} end

  enq, upto = enq + 1, math.max(upto, tonumber(w[6]))
  local n = string.format('%.0f', enq)
  local rank = string.format('%.17g', upto - tonumber(w[7]) * 60000)
  local e = {id = id, n = n, a = agent, b = w[8], m = member(t, id, n), k = rank}
  local c = enter(t, e, '', {'', '1', w[15]}, 1)
  call('HSET', k, 'f', fixed(n, rank, upto, e.b, agent), 'h', w[9], 'p', w[10],
    's', w[12], 'st', w[11], 'v', 1, 'd', w[14], 'c', c)
  if own ~= '' then
    call('HSET', k, 'i', own)
    call('HSET', 'tp:keys:' .. t, own, id)
  end
  noteTenant(t)
  place('tp:all:' .. t, id, n)
  place(key('for', t, agent), id, n)
  for i = 16, #w do place(key('trait', t, w[i]), id, n) end
  index(t, e, w[11], w[13], w[14], 0, '', '')
  return {'ok', n}
end

-- Words: tenant, id, agent ('' without a fence), gen, sid, version that is expected, then the
-- record as "write" has it if it changes.
function steps.change(w)
  local t, id, agent = w[1], w[2], w[3]
  local a = agent ~= '' and agentOf(t, agent)
  if a and isNewer(a, w[4]) then return {'superseded', a.gen} end
  local e = facts(t, id)
  if e and e.v ~= w[6] then return {'stale', fields(t, id)} end
  if a then noteSid(a, w[5]) end
  if not e then return {'none'} end
  if #w < 7 then return {'ok', e.v} end
  write(t, e, w, 7)
  return {'ok', e.v}
end

-- Words: tenant, agent, gen, now, from, to, whether records are asked for ('1'). Returns the next number, and what is next in
-- turn: for each its member of the queue, and its record or its version.
function steps.next(w)
  local t, agent = w[1], w[2]
  local a = agentOf(t, agent)
  if isNewer(a, w[3]) then return {'superseded', a.gen} end
  if not a.known or a.paused then return {'none'} end
  local queue, wait = key('queue', t, agent), key('wait', t, agent)
  settle(queue)
  settle(wait)
  for _, m in ipairs(call('ZRANGEBYSCORE', wait, '-inf', w[4], 'LIMIT', 0, 1000)) do
    local id = string.match(m, '^%d+:[^:]*:(.*)$')
    local f = call('HGET', key('event', t, id), 'f')
    if f then call('ZADD', queue, rankOf(f), m) end
    call('ZREM', wait, m)
  end
  local found = {'ok', a.seq}
  for _, m in ipairs(call('ZRANGE', queue, w[5], w[6])) do
    local id = string.match(m, '^%d+:[^:]*:(.*)$')
    found[#found + 1] = m
    found[#found + 1] = w[7] == '1' and fields(t, id) or call('HGET', key('event', t, id), 'v')
  end
  return found
end

-- Words: tenant, agent, gen, number that is expected to be the next one, then for each event:
-- id, version, whether its body is asked for ('1'), and 11 words as "write" has them. Returns the bodies.
function steps.release(w)
  local t, agent = w[1], w[2]
  local a = agentOf(t, agent)
  if isNewer(a, w[3]) then return {'superseded', a.gen} end
  if not a.known or a.paused or a.seq ~= w[4] then return {'stale'} end
  local events = {}
  for i = 5, #w, 14 do
    local e = facts(t, w[i])
    if not e or e.v ~= w[i + 1] or e.st ~= 'queued' or e.a ~= agent then return {'stale'} end
    events[#events + 1] = e
  end
  local done = {'ok'}
  for j, e in ipairs(events) do
    local i = 5 + (j - 1) * 14
    write(t, e, w, i + 3)
    done[#done + 1] = w[i + 2] == '1' and call('HGET', key('event', t, e.id), 'p') or ''
  end
  settleAgent(a)
  call('HINCRBY', a.k, 'seq', #events)
  return done
end

-- Words: tenant, id, agent ('' without a fence), gen, then the pieces.
function steps.log(w)
  local a = w[3] ~= '' and agentOf(w[1], w[3])
  if a and isNewer(a, w[4]) then return {'superseded', a.gen} end
  if call('EXISTS', key('event', w[1], w[2])) == 0 then return {'none'} end
  for i = 5, #w do call('RPUSH', key('log', w[1], w[2]), w[i]) end
  return {'ok'}
end

-- Words: tenant, id, version, what stays, its own key, until when, then the traits.
function steps.bury(w)
  local t, id = w[1], w[2]
  local e = facts(t, id)
  if not e or e.v ~= w[3] or OPEN[e.st] then return {'stale'} end
  local pieces = {}
  for number, count in string.gmatch(e.c, '(%d+):(%d+)') do
    pieces[#pieces + 1] = number .. '-0'
    entries = entries - count
  end
  inParts('XDEL', 'tp:changes:' .. t, pieces, MEMBERS_MAX)
  call('UNLINK', key('event', t, id), key('log', t, id))
  place('tp:all:' .. t, id, false)
  place(key('for', t, e.a), id, false)
  place(key('state', t, e.st), id, false)
  place('tp:ended', e.m, false)
  for i = 7, #w do place(key('trait', t, w[i]), id, false) end
  local own = w[5] ~= '' and '1' or '0'
  if w[5] ~= '' then
    call('HDEL', 'tp:keys:' .. t, w[5])
    call('HSET', 'tp:deadkeys:' .. t, w[5], id)
  end
  call('HSET', 'tp:dead:' .. t, id, own .. w[4])
  call('ZADD', 'tp:until', w[6], t .. ':' .. id)
  return {'ok'}
end

-- Words: now, how many at most. Forgets what stayed of events whose time is over.
function steps.forget(w)
  for _, m in ipairs(call('ZRANGEBYSCORE', 'tp:until', '-inf', w[1], 'LIMIT', 0, w[2])) do
    local t, id = string.match(m, '^([^:]*):(.*)$')
    local dead = call('HGET', 'tp:dead:' .. t, id)
    if dead and string.sub(dead, 1, 1) == '1' then
      local own = cjson.decode(string.sub(dead, 2)).key
      if call('HGET', 'tp:deadkeys:' .. t, own) == id then
        call('HDEL', 'tp:deadkeys:' .. t, own)
      end
    end
    call('HDEL', 'tp:dead:' .. t, id)
    call('ZREM', 'tp:until', m)
  end
  return {'ok'}
end
`;
