#!lua
-- Raises one shard's fence for a group to an epoch, with batch number 0.
-- KEYS  1 fence
-- ARGV  1 group   2 epoch   3 time to live in ms
--
-- A fence is the text "epoch expires_at_us batch". For the epoch that it holds already the batch
-- number stays, so that a raise that timed out and runs late opens no way for late batches.
local fence = redis.call('HGET', KEYS[1], ARGV[1]) or '0 0 0'
local epoch, _, batch = string.match(fence, '^(%d+) (%d+) (%d+)$')
local stored, mine = tonumber(epoch) or 0, tonumber(ARGV[2])
if stored > mine then
  return redis.error_reply('FENCED a newer epoch holds this group')
end
if stored < mine then
  batch = '0'
end
local time = redis.call('TIME')
local expires = time[1] * 1000000 + time[2] + ARGV[3] * 1000
redis.call('HSET', KEYS[1], ARGV[1], string.format('%s %.0f %s', ARGV[2], expires, batch))
return 1
