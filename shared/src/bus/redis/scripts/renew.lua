#!lua
-- Renews a lease that is the caller's; answers 1, or 0 when it is not.
-- KEYS  1 lease
-- ARGV  1 owner's token   2 time to live in ms
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
