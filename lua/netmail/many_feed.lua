--- Many messages on their way: which goes next, and when. Private; many_run.lua has the other half, and says what a kit is.

local next_of = require "netmail.many_source".next

-- Of what may be waited for at once, ms.
local LONGEST = 2147483647

return function(kit)
  local now, look, put, again = kit.now, kit.look, kit.put, kit.again

  local feed = {}

  --- Ends all that is in the flight, for want of a connection: nothing of it has begun.
  function feed.sweep(self)
    self.n_swept = self.in_flight
    if self.n_swept > 0 then kit.cancel(self.flight, self.breaker.text) end
  end

  --- false: it cannot go again, and ends with this turn.
  local function put_again(self, slot)
    local is_put
    is_put, self.is_full = again(self.flight, slot)
    if not is_put then
      self.spent = slot
      return false
    end
    if self.tries[slot] > 0 then self.tally.n_retries = self.tally.n_retries + 1 end
    self.tries[slot], self.epochs[slot] = self.tries[slot] + 1, self.breaker.epoch
    self.in_flight = self.in_flight + 1
    return true
  end

  --- The next of the source; nil: there is none, now or ever. A run that was stopped while the source yielded takes none.
  local function pull(self)
    self.calling = "source"
    local message, options = next_of(self.source, now)
    self.calling = false
    if self.stopped then return nil end
    return message, options
  end

  --- anyhow: also when the client was closed meanwhile; else false, and it is forgotten.
  local function put_new(self, message, options, anyhow)
    local slot, is_full = put(self.flight, message, options, anyhow)
    if not slot then return false end
    self.is_full = is_full
    self.messages[slot], self.indexes[slot], self.tries[slot] = message, self.source.index, 1
    self.epochs[slot] = self.breaker.epoch
    if self.before[slot] then self.before[slot], self.texts[slot] = nil, nil end -- another one's, that was accepted in the end
    self.in_flight = self.in_flight + 1
    return true
  end

  function feed.put_held(self, anyhow)
    local message, options = self.held, self.held_options
    self.held, self.held_options = false, nil
    return put_new(self, message, options, anyhow)
  end

  --- Puts one message into the flight; false: there is none for it now. anyhow: also one that waits and is not due.
  local function put_one(self, time, anyhow)
    local waiting, due = self.waiting, self.waiting:due()
    if due and (anyhow or due <= time) then
      return put_again(self, waiting:pop())
    end
    if waiting.n >= self.retry.waiting then return false end
    if self.held then return feed.put_held(self) end
    if not self.source:is_flowing(time) then return false end
    local message, options = pull(self)
    return message ~= nil and put_new(self, message, options)
  end

  --- Nothing may go yet, and nothing is on its way: whether there is anything to wait for at all, only the source knows.
  local function look_ahead(self, time)
    if self.in_flight == 0 and not self.held and self.waiting.n == 0 and self.source:is_flowing(time) then
      local message, options = pull(self)
      local _, has_ended = look(self.flight)
      if message and not has_ended then self.held, self.held_options = message, options end
    end
  end

  --- One message alone, when it is time to see whether the server is there again.
  local function probe(self, time)
    if not look(self.flight) then self.is_probing = put_one(self, time, true) end
  end

  --- Where nothing but the source says what goes next, and nobody has to look at the clock.
  local function fill_plainly(self)
    repeat
      local message, options = pull(self)
    until not message or not put_new(self, message, options) or self.is_full
  end

  --- As many as there is room for, which is there for one at least.
  function feed.fill(self)
    local rate, time = not self.breaker.is_open and self.rate, 0
    if not (rate or self.held or self.waiting.n > 0 or self.source.ask_at) then
      if not self.source.is_dry then fill_plainly(self) end
      return
    end
    repeat
      if rate or self.waiting.n > 0 or self.source.ask_at then time = now() end
      if rate and rate:wait(time) > 0 then return look_ahead(self, time) end
      if not put_one(self, time) then return end
      if rate then rate:take(time) end
    until self.is_full or self.stopped
  end

  --- When something may go, as far as it is the clock's to say.
  local function next_time(self, time)
    local b, at, rate = self.breaker, nil, self.rate
    local is_flowing = (self.held or not self.source.is_dry) and self.waiting.n < self.retry.waiting
    if b.is_given_up then return self.in_flight == 0 and is_flowing and self.source.ask_at or nil end
    if is_flowing then at = not self.held and self.source.ask_at or (rate or b.is_open) and time or nil end
    if self.waiting.n > 0 then at = math.min(at or math.huge, self.waiting:due()) end
    if not at then return nil end
    if b.is_open then return self.in_flight == 0 and math.max(b.till, self.waiting.n == 0 and at or 0) or nil end
    return rate and math.max(at, time + rate:wait(time)) or at
  end

  --- The ms after which something may go that may not go now, or has waited for too long; nil: nothing waits for the clock.
  function feed.wake(self)
    if self.stopped or not (self.rate or self.waiting.n > 0 or self.source.ask_at or self.breaker.is_open) then return nil end
    local time = now()
    local at, ends = next_time(self, time), self.waiting:end_of_first()
    -- What could go already waits for room, which comes with a result; or its time has come since it was looked at.
    if at and at <= time and look(self.flight) then at = nil end
    at = math.min(at or math.huge, ends or math.huge)
    return at < math.huge and math.ceil(math.min(math.max(0, at - time), LONGEST)) or nil
  end

  --- While the breaker is open. Once the server is given up, what goes in ends at once; so each message says whom it was for.
  function feed.fill_carefully(self)
    if self.in_flight > 0 then return end
    local time = now()
    if time >= self.breaker.till then
      probe(self, time)
    elseif self.breaker.is_given_up then
      feed.fill(self)
      feed.sweep(self)
    end
  end

  return feed
end
