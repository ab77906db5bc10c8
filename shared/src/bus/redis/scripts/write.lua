#!lua
-- One step of a shard, for batches and heartbeats: check the fence, write the last values, count,
-- publish; all or nothing.
-- KEYS  1 fence   2 message counter   3 last values   4.. a list of bars for each bar
-- ARGV  1 PUBLISH or SPUBLISH   2 channel   3 group   4 epoch   5 batch number
--       6 ms by which to renew the fence, 0 for not at all   7 packed heartbeat or ''
--       8 how many bars   then three for each: its opening in 16 digits, the list's entry, which
--       begins with them too, and the opening from which on bars are kept
--       then how many arguments are values: topic, value, topic, value ...   these, then removals
--
-- The first line has no flags on purpose: Redis then refuses the whole script before its first
-- step when it is out of memory, read-only, short of replicas or cannot save, so that nothing is
-- published that is not in the cache.
--
-- The batch number stops a write that timed out at the publisher and runs late: the publisher has
-- rewritten its topics since, under larger numbers, and the late one must not put the cache back.
--
-- Times (us since 1970, 1.8e15), epochs and counters stay below 2^53, where doubles are exact.
local fence = redis.call('HGET', KEYS[1], ARGV[3])
if not fence then
  return redis.error_reply('FENCED no fence for this group')
end
local epoch, expires, last = string.match(fence, '^(%d+) (%d+) (%d+)$')
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if epoch ~= ARGV[4] then
  return redis.error_reply('FENCED another epoch holds this group')
end
if now > tonumber(expires) then
  return redis.error_reply('FENCED the fence has expired')
end
if tonumber(ARGV[5]) <= tonumber(last) then
  return redis.error_reply('FENCED late batch')
end
local ttl = tonumber(ARGV[6])
if ttl > 0 then
  expires = string.format('%.0f', now + ttl * 1000)
end
redis.call('HSET', KEYS[1], ARGV[3], string.format('%s %s %s', epoch, expires, ARGV[5]))

-- Bars stand in the order of their openings, so almost every one belongs at the end.
local bars = tonumber(ARGV[8])
for bar = 1, bars do
  local key, at = KEYS[3 + bar], 3 * bar + 6
  local open, entry, kept_from = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local place = -1
  local held = redis.call('LINDEX', key, place)
  while held and string.sub(held, 1, 16) > open do
    place = place - 1
    held = redis.call('LINDEX', key, place)
  end
  if not held then
    redis.call('LPUSH', key, entry)
  elseif string.sub(held, 1, 16) == open then
    redis.call('LSET', key, place, entry)
  elseif place == -1 then
    redis.call('RPUSH', key, entry)
  else
    redis.call('LINSERT', key, 'AFTER', held, entry)
  end
  local oldest = redis.call('LINDEX', key, 0)
  while oldest and string.sub(oldest, 1, 16) < kept_from do
    redis.call('LPOP', key)
    oldest = redis.call('LINDEX', key, 0)
  end
end

local first = 10 + 3 * bars
local values = tonumber(ARGV[first - 1])
local puts, removes = {}, {}
if values > 0 then
  puts = {unpack(ARGV, first, first + values - 1)}
  redis.call('HSET', KEYS[3], unpack(puts))
end
if #ARGV >= first + values then
  removes = {unpack(ARGV, first + values, #ARGV)}
  redis.call('HDEL', KEYS[3], unpack(removes))
end
local n = redis.call('INCR', KEYS[2])
local kind = ARGV[7] == '' and 'batch' or 'heartbeat'
local message = cmsgpack.pack({n, ARGV[3], tonumber(epoch), now, kind, puts, removes, ARGV[7]})
redis.call(ARGV[1], ARGV[2], '\1' .. message)
return n
