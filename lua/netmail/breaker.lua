--- Whether there is any use in trying to connect. Private; used by `SendMany`.
--
-- When message after message fails for want of a connection, so will the rest, each after its Timeout. Then the breaker is open:
-- nothing is sent but, after a pause, one message as a probe. Once as many probes as a message has tries have failed, the server is given
-- up: what is left fails at once, with the same sentence. Anything that a server says of a message closes the breaker again.

local breaker = {}

-- That many times in a row there was no connection: a line that breaks now and then is no reason.
local ENOUGH = 3
-- Given up, it is tried again that often (ms): a program that never runs out of messages is not lost for ever.
local RARELY = 60000

local no_connection = { connect = true, timeout = true, tls = true, auth = true, protocol = true }

local Breaker = {}
Breaker.__index = Breaker

--- Whether a failure was the connection's, not the message's. Its Outcome is that of all tries: it may have been refused before.
function breaker.concerns(detail)
  return detail.Outcome ~= "unknown" and no_connection[detail.Kind] == true
end

-- A wrong password or certificate is wrong for every message, and servers count the attempts.
local function is_final(detail)
  return (detail.Kind == "tls" or detail.Kind == "auth") and not detail.Temporary
end

--- A message failed for want of a connection. All that waited for the same one fail together, and count once: those that were put while
-- `epoch` was what it is now.
-- @number now
-- @number epoch at which it was put
-- @tparam boolean is_probe whether it was the only one on its way
-- @tparam boolean has_others whether another connection is at work
-- @treturn boolean whether the breaker has opened by this
function Breaker:failed(now, epoch, is_probe, has_others, text, detail)
  if epoch < self.epoch then return false end
  self.epoch = self.epoch + 1
  self.n_failed = is_final(detail) and ENOUGH or self.n_failed + 1
  if has_others or self.n_failed < ENOUGH or self.is_open and not is_probe then return false end
  local opens = not self.is_open
  self.is_open, self.n_rounds = true, self.n_rounds + 1
  self.text, self.detail = text, detail
  self.is_given_up = self.n_rounds >= self.retry.tries or is_final(detail)
  self.till = now + (self.is_given_up and RARELY or self.retry:delay(self.n_rounds))
  return opens
end

--- A server had something to say of a message.
function Breaker:worked()
  self.n_failed, self.n_rounds, self.is_open, self.is_given_up = 0, 0, false, false
end

-- Of each message its own. The one that was tried may since have been given up, and say so.
local own_fields = { "Outcome", "Accepted", "Rejected", "Unknown", "NotSent", "MessageId", "Timings", "LeftOut", "Tries", "GivenUp" }

--- The failure of a message that was not tried, as that of the one that was; of the message itself is what its own detail says.
function Breaker:failure(own)
  local copy = {}
  for name, value in pairs(self.detail) do copy[name] = value end
  for _, name in ipairs(own_fields) do copy[name] = own[name] end
  copy.Message = self.text
  return self.text, setmetatable(copy, getmetatable(own))
end

--- retry: how often and when it is tried again.
function breaker.new(retry)
  return setmetatable({ retry = retry, epoch = 0, n_failed = 0, n_rounds = 0, is_open = false, is_given_up = false, till = 0 }, Breaker)
end

return breaker
