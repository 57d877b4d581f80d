--- What SendMany is asked for, checked. Private.

local rate = require "netmail.rate"
local retry = require "netmail.retry"
local source = require "netmail.many_source"

local options = {}

local function fail(...)
  error(string.format(...), 0)
end

local function integer(from, to)
  return function(value, name)
    if not (type(value) == "number" and value >= from and value <= to and value % 1 == 0) then
      fail("bad option '%s' (whole number from %d to %d expected, got %s)", name, from, to, tostring(value))
    end
  end
end

local function number(from, to)
  return function(value, name)
    if not (type(value) == "number" and value >= from and value <= to) then
      fail("bad option '%s' (number from %g to %g expected, got %s)", name, from, to, tostring(value))
    end
  end
end

local function callable(value, name)
  if not source.is_callable(value) then fail("bad option '%s' (function expected, got %s)", name, type(value)) end
end

local function boolean(value, name)
  if type(value) ~= "boolean" then fail("bad option '%s' (boolean expected, got %s)", name, type(value)) end
end

local function check(given, checks, of)
  for name, value in pairs(given) do
    local right = checks[name]
    if not right then fail("%s has no option '%s'", of, tostring(name)) end
    right(value, name)
  end
end

-- A message a day at the least.
local per_second, per_minute = number(1 / 86400, 1e6), number(1 / 1440, 6e7)
local seconds = number(0, 86400)

local retry_checks = {
  Tries = integer(1, 100),
  Delay = seconds,
  Factor = number(1, 100),
  MaxDelay = seconds,
  Jitter = number(0, 1),
  Waiting = integer(1, 1000000),
}

local function check_retry(value)
  if type(value) == "table" then return check(value, retry_checks, "Retry") end
  if type(value) ~= "number" then fail("bad option 'Retry' (number of tries or table expected, got %s)", type(value)) end
  retry_checks.Tries(value, "Retry")
end

local checks = {
  Connections = integer(1, 100),
  Window = integer(1, 1024),
  MaxMessagesPerConnection = integer(1, 2147483647),
  RatePerSecond = per_second,
  RatePerMinute = per_minute,
  Retry = check_retry,
  OnResult = callable,
  OnProgress = callable,
  StopOnError = boolean,
}

local function policy(given)
  local r = type(given) == "table" and given or { Tries = given or 1 }
  return retry.new(r.Tries or 3, r.Delay or 5, r.Factor or 2, r.MaxDelay or 300, r.Jitter or 0.5, r.Waiting or 1000)
end

--- Raises what is wrong, without a position.
-- @tparam ?table given
-- @string method whose options they are
-- @treturn table
function options.read(given, method)
  if given ~= nil and type(given) ~= "table" then
    fail("bad argument #2 to '%s' (table of options expected, got %s)", method, type(given))
  end
  given = given or {}
  check(given, checks, method)
  return {
    limits = {
      connections = given.Connections, window = given.Window or 16, per_connection = given.MaxMessagesPerConnection,
      is_plain = given.OnResult == nil,
    },
    rate = rate.new(given.RatePerSecond, given.RatePerMinute),
    retry = policy(given.Retry),
    on_result = given.OnResult,
    on_progress = given.OnProgress,
    stops_on_error = given.StopOnError == true,
  }
end

return options
