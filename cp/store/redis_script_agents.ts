/** The steps of the script that are about agents, in Lua; see `redis_script.ts`. */
export const AGENT_STEPS: string = `
-- Words: tenant, id, now, name of the stream if it has none yet, then what it says of itself, by name.
function steps.session(w)
  local t, id = w[1], w[2]
  local a = agentOf(t, id)
  local k = a.k
  settleAgent(a)
  call('HINCRBY', k, 'gen', 1)
  acts = acts + 1
  if not a.known then
    call('HDEL', k, 'gone', 'paused', 'told')
    call('HSET', k, 'epoch', w[4], 'seq', 1, 'upto', 0, 'created', w[3])
    call('SADD', 'tp:agents:' .. t, id)
    noteTenant(t)
  end
  call('HSET', k, 'seen', w[3])
  for i = 5, #w, 2 do call('HSET', k, w[i], w[i + 1]) end
  say(t, id, '', 0, 0)
  return {'ok', call('HGETALL', k)}
end

-- Words: tenant, name, value, what was seen ('' for nothing).
function steps.mark(w)
  local k = 'tp:marks:' .. w[1]
  if (call('HGET', k, w[2]) or '') ~= w[4] then return {'stale'} end
  call('HSET', k, w[2], w[3])
  acts = acts + 1
  return {'ok'}
end

-- Words: tenant, id, gen, sid, now, whether all is told ('' for no).
function steps.touch(w)
  local a = agentOf(w[1], w[2])
  if not a.known or isNewer(a, w[3]) then return {'none'} end
  call('HSET', a.k, 'seen', w[5])
  if w[6] ~= '' then call('HSET', a.k, 'told', w[5]) end
  noteSid(a, w[4])
  return {'ok'}
end

-- Words: tenant, id, since when ('' lets it go on).
function steps.pause(w)
  local a = agentOf(w[1], w[2])
  if not a.known then return {'none'} end
  local k = a.k
  settleAgent(a)
  acts = acts + 1
  if w[3] == '' then call('HDEL', k, 'paused') else call('HSET', k, 'paused', w[3]) end
  say(w[1], w[2], '', 0, 0)
  return {'ok', call('HGETALL', k)}
end

-- Words: tenant, id. Its generation stays, so that an old session stays old.
function steps.delete(w)
  local a = agentOf(w[1], w[2])
  if not a.known then return {'none'} end
  settleAgent(a)
  acts = acts + 1
  call('HSET', a.k, 'gone', 1)
  call('SREM', 'tp:agents:' .. w[1], w[2])
  call('HDEL', 'tp:seats:' .. w[1], w[2])
  say(w[1], w[2], '', 0, 0)
  return {'ok'}
end

-- Words: name of the process, what it says of itself, for how long that counts. Returns what the clock here says, in
-- milliseconds, or nothing where a user may not ask.
function steps.alive(w)
  call('SADD', 'tp:replicas', w[1])
  call('SET', 'tp:replica:' .. w[1], w[2], 'PX', w[3])
  for _, id in ipairs(call('SRANDMEMBER', 'tp:replicas', 2)) do
    if call('EXISTS', 'tp:replica:' .. id) == 0 then call('SREM', 'tp:replicas', id) end
  end
  local time = redis.pcall('TIME')
  if time.err then return {'ok'} end
  return {'ok', string.format('%.0f', time[1] * 1000 + time[2] / 1000)}
end

-- Words: tenant, agent, gen, name of the process, what the agent says of itself.
function steps.seat(w)
  local seats = 'tp:seats:' .. w[1]
  local gen = string.match(call('HGET', seats, w[2]) or '', '^%d+')
  if gen and tonumber(gen) > tonumber(w[3]) then return {'superseded', gen} end
  call('HSET', seats, w[2], w[3] .. ' ' .. w[4] .. ' ' .. w[5])
  return {'ok'}
end

-- Words: tenant, agent, gen.
function steps.unseat(w)
  local seats = 'tp:seats:' .. w[1]
  local gen = string.match(call('HGET', seats, w[2]) or '', '^%d+')
  if gen == w[3] then call('HDEL', seats, w[2]) end
  return {'ok'}
end

-- Words: tenant, id, gen, name of the stream.
function steps.restart(w)
  local t = w[1]
  local a = agentOf(t, w[2])
  if isNewer(a, w[3]) then return {'superseded', a.gen} end
  if not a.known then return {'none'} end
  local k, sent = a.k, key('sent', t, w[2])
  settleAgent(a)
  settle(sent)
  local numbered, others = {}, {}
  local all = call('ZRANGE', sent, 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local m = all[i]
    local e = key('event', t, string.match(m, '^%d+:[^:]*:(.*)$'))
    if call('HEXISTS', e, 'x') == 1 then numbered[#numbered + 1] = {m, e}
    else others[#others + 1] = {m, e, tonumber(rankOf(call('HGET', e, 'f')))} end
  end
  table.sort(others, function(a, b)
    if a[3] ~= b[3] then return a[3] < b[3] end
    return a[1] < b[1]
  end)
  for _, one in ipairs(others) do numbered[#numbered + 1] = one end
  for seq, one in ipairs(numbered) do
    call('HSET', one[2], 'x', seq)
    call('HINCRBY', one[2], 'v', 1)
    call('ZADD', sent, seq, one[1])
  end
  acts = acts + 1
  call('HSET', k, 'epoch', w[4], 'seq', #numbered + 1, 'told', call('HGET', k, 'seen'))
  say(t, w[2], '', 0, 0)
  return {'ok', call('HGETALL', k)}
end

function steps.probe()
  call('HINCRBY', META, 'probes', 1)
  return {'ok'}
end
`;
