#!lua
-- Gives a lease back if it is the caller's; answers 1, or 0 when it is not.
-- KEYS  1 lease
-- ARGV  1 owner's token
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
