--- How fast messages may go: a token bucket for each limit. Private; made by `SendMany`.
--
-- A bucket is one number, the time at which it would be full again (GCRA): each message moves it on by the interval between two messages,
-- and the next may go as soon as that time is not further ahead than the bucket is deep. So nothing has to be refilled.

local rate = {}

-- What may go at once, as the time in which it would have gone evenly. It is what a loop that comes late can catch up, and by so much
-- more than its number a limit lets through in one second or minute, once. Never less than one message.
local SECOND_BURST, MINUTE_BURST = 100, 1000

local function limit(per_period, period, burst)
  local interval = period / per_period
  return { interval = interval, depth = math.max(0, burst - interval), full_at = nil }
end

local Rate = {}
Rate.__index = Rate

--- The ms until a message may go: 0, it may go now.
function Rate:wait(now)
  local longest = 0
  for i = 1, #self do
    local l = self[i]
    if l.full_at then longest = math.max(longest, l.full_at - l.depth - now) end
  end
  return longest
end

--- A message goes.
function Rate:take(now)
  for i = 1, #self do
    local l = self[i]
    l.full_at = math.max(l.full_at or now, now) + l.interval
  end
end

--- One for both limits, in messages; fractions are fine.
-- @tparam[opt] number per_second
-- @tparam[opt] number per_minute
-- @return nil when there is no limit
function rate.new(per_second, per_minute)
  if not (per_second or per_minute) then return nil end
  local self = setmetatable({}, Rate)
  if per_second then self[#self + 1] = limit(per_second, 1000, SECOND_BURST) end
  if per_minute then self[#self + 1] = limit(per_minute, 60000, MINUTE_BURST) end
  return self
end

return rate
