/** The steps of the script that fill a store from another one, in Lua; see `redis_script.ts`. Each does nothing when it was done. */
export const MOVE_STEPS: string = `
-- Words: tenant, id, whether it was forgotten, its fields by name.
function steps.putagent(w)
  local k = key('agent', w[1], w[2])
  call('HSET', k, unpack(w, 4))
  if w[3] == '1' then call('HSET', k, 'gone', 1)
  else call('SADD', 'tp:agents:' .. w[1], w[2]) end
  noteTenant(w[1])
  return {'ok'}
end

-- Words: tenant, name, value.
function steps.putmark(w)
  call('HSET', 'tp:marks:' .. w[1], w[2], w[3])
  return {'ok'}
end

-- Words: tenant, id, what stays, its own key, until when.
function steps.putdead(w)
  local t, id = w[1], w[2]
  if w[4] ~= '' then call('HSET', 'tp:deadkeys:' .. t, w[4], id) end
  call('HSET', 'tp:dead:' .. t, id, (w[4] ~= '' and '1' or '0') .. w[3])
  call('ZADD', 'tp:until', w[5], t .. ':' .. id)
  return {'ok'}
end

-- Words: tenant, id, enq, own key, agent, priority, bytes, h, p, accepted upto, version, the first seven words of "write",
-- the number of traits, the traits, the pieces of output.
function steps.putevent(w)
  local t, id = w[1], w[2]
  local k = key('event', t, id)
  if call('EXISTS', k) == 1 then return {'ok'} end
  local rank = string.format('%.17g', tonumber(w[10]) - tonumber(w[6]) * 60000)
  local e = {id = id, n = w[3], a = w[5], b = w[7], m = member(t, id, w[3]), k = rank}
  call('HSET', k, 'f', fixed(e.n, rank, tonumber(w[10]), e.b, e.a), 'h', w[8], 'p', w[9],
    'v', w[11], 'st', w[12], 's', w[13], 'd', w[17], 'c', '')
  if w[14] ~= '' then call('HSET', k, 'r', w[14]) end
  if w[15] ~= '' then call('HSET', k, 'x', w[15]) end
  if w[4] ~= '' then
    call('HSET', k, 'i', w[4])
    call('HSET', 'tp:keys:' .. t, w[4], id)
  end
  noteTenant(t)
  place('tp:all:' .. t, id, e.n)
  place(key('for', t, e.a), id, e.n)
  local last = 19 + tonumber(w[19])
  for i = 20, last do place(key('trait', t, w[i]), id, e.n) end
  for i = last + 1, #w do call('RPUSH', key('log', t, id), w[i]) end
  index(t, e, w[12], w[16], w[17], w[18], w[15], '')
  return {'ok'}
end

-- Words: tenant, id, change, line.
function steps.putentry(w)
  local k = key('event', w[1], w[2])
  local c = call('HGET', k, 'c')
  if not c or string.find(' ' .. c, ' ' .. w[3] .. ':', 1, true) then return {'ok'} end
  call('XADD', 'tp:changes:' .. w[1], w[3] .. '-0', 'e', w[2], 'b', w[4])
  call('HSET', k, 'c', c .. (c == '' and '' or ' ') .. w[3] .. ':1')
  entries = entries + 1
  return {'ok'}
end

-- Words: "source" or "target", the mark; then fields of the meta key to set. A source has no id any more: nobody can write.
function steps.markmove(w)
  call('HSET', META, w[1], w[2], unpack(w, 3))
  if w[1] == 'source' then call('HDEL', META, 'id') end
  return {'ok'}
end
`;
