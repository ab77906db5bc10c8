#!lua
-- Takes a group's lease if it is free or already the caller's, and steps the epoch.
-- KEYS  1 lease   2 epoch counter
-- ARGV  1 owner's token   2 floor of the epoch   3 time to live in ms
-- Answers {1, epoch as text} or {0, ms left on the other owner's lease}.
--
-- Epochs are milliseconds since 1970, about 1.8e12: far below 2^53, up to which Lua's doubles count
-- exactly. They still travel as text, because Redis would cut a returned double to an integer.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return {0, redis.call('PTTL', KEYS[1])}
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = tonumber(redis.call('GET', KEYS[2]) or '0') or 0
local epoch = string.format('%.0f', math.max(stored, tonumber(ARGV[2]), now_ms) + 1)
redis.call('SET', KEYS[2], epoch)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return {1, epoch}
