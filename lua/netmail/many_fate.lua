--- What becomes of a message of many that has come back: it is over, or waits for another try. Private; part of many_run.lua, which says
-- what a kit is.

local breaker = require "netmail.breaker"
local retry = require "netmail.retry"

-- Why there is no other try.
local NO_TIME, STOPPED = "its Deadline leaves no time for that", "StopOnError has ended the sending"

--- tell: tells the program of a message that is over, and counted.
return function(kit, feed, tell)
  local now, release, another = kit.now, kit.release, kit.another

  local fate = { NO_TIME = NO_TIME }

  --- Not all have accepted it, and it is over.
  local function conclude(self, slot, result, text, detail)
    local message, index, n = self.messages[slot], self.indexes[slot], self.tries[slot]
    self.messages[slot], self.before[slot], self.texts[slot] = nil, nil, nil
    release(self.flight, slot)
    if n > 1 then (result or detail).Tries = n end
    self.tally:count(result, text, detail)
    if not result and self.stops_on_error and not self.stopped then self.stopped, self.why_stopped = text, STOPPED end
    return tell(self, message, index, result, text, detail)
  end

  --- With what its last try has left of it, and why there is no other.
  function fate.give_up(self, slot, why)
    local before, text = self.before[slot], self.texts[slot]
    if why and why ~= text then
      text = text .. "; it was not tried again: " .. why
      before.GivenUp = why
      if before.Message then before.Message = text end
    end
    if before.Outcome == "partial" then return conclude(self, slot, before, text) end
    return conclude(self, slot, nil, text, before)
  end

  --- What a failure says of the connection. Returns it, in other words where it was we who ended it, and whether the message was tried at
  -- all.
  local function judge(self, slot, text, detail, is_begun, is_probe, is_swept)
    local b = self.breaker
    if detail.Kind == "cancelled" then
      if is_swept and detail.Outcome ~= "unknown" then
        text, detail = b:failure(detail)
        return text, detail, false
      end
    elseif breaker.concerns(detail) then
      local _, n_up = kit.room(self.flight)
      -- They wait for the same connection, and none is there: they would all wait as long as this one did.
      if b:failed(now(), self.epochs[slot], is_probe, (n_up or 0) > 0, text, detail) then feed.sweep(self) end
    elseif is_begun and detail.Kind ~= "message" then
      b:worked()
    end
    return text, detail, true
  end

  --- The Deadline itself has ended it.
  local function is_late(detail, time, till)
    return detail and detail.Kind == "timeout" and till and time >= till
  end

  --- The try that was counted when it was put did not come about.
  local function untry(self, slot)
    local n = self.tries[slot] - 1
    self.tries[slot] = n
    if n > 0 then self.tally.n_retries = self.tally.n_retries - 1 end
  end

  local function is_worth_another(self, slot, was_tried, result, detail)
    if not was_tried then return not self.breaker.is_given_up end
    return self.tries[slot] < self.retry.tries and retry.is_worth(result, detail)
  end

  --- Why there is no other try, whatever the last has brought; nil: there may be one.
  function fate.why_over(self, due, till)
    return self.stopped and (self.why_stopped or self.stopped) or till and due >= till and NO_TIME or nil
  end

  --- It waits for another try, unless there will be none.
  local function rest(self, slot, till)
    local due = now() + self.retry:delay(math.max(1, self.tries[slot]))
    local why = fate.why_over(self, due, till)
    if why then return fate.give_up(self, slot, why) end
    self.waiting:push(slot, due, till)
  end

  --- So many messages have come back; has_worked: from a server that had something to say of them.
  local function count_back(self, n, has_worked)
    self.in_flight, self.is_probing = self.in_flight - n, false
    if self.n_swept > 0 then self.n_swept = math.max(0, self.n_swept - n) end
    if has_worked and self.breaker.n_failed > 0 then self.breaker:worked() end
  end

  fate.count_back = count_back

  --- A message that all have accepted, and after it those that are over as well, for as long as a turn would find nothing else to do.
  function fate.accept(self, slot, result)
    local messages, indexes, tries = self.messages, self.indexes, self.tries
    local flight, counts, till = self.flight, self.tally.counts, self.till
    repeat
      local message, n = messages[slot], tries[slot]
      messages[slot] = nil
      if n > 1 then result.Tries = n end
      count_back(self, 1, true)
      counts.accepted = counts.accepted + 1
      tell(self, message, indexes[slot], result)
      if self.is_over or self.stopped or self.has_out or till and now() >= till then return end
      slot, result = another(flight)
    until not slot
  end

  --- A message has come back that not all have accepted. As judge.
  local function weigh(self, slot, result, text, detail, is_begun)
    local is_swept, is_probe = self.n_swept > 0, self.is_probing
    count_back(self, 1, result and is_begun)
    if result then return text, nil, true end
    return judge(self, slot, text, detail, is_begun, is_probe, is_swept)
  end

  --- The same, and what is to become of it.
  function fate.settle(self, slot, result, text, detail)
    local is_begun, till = kit.last_try(self.flight, slot)
    local time = now()
    local was_tried
    text, detail, was_tried = weigh(self, slot, result, text, detail, is_begun)
    local is_cancelled = detail and detail.Kind == "cancelled"
    local why = fate.why_over(self, time, till)
    local has_waited = not is_begun and (why or is_cancelled) -- for a connection, to its end
    if has_waited or not was_tried then untry(self, slot) end
    if has_waited and self.before[slot] then
      fate.give_up(self, slot, detail and text or why)
    elseif has_waited or is_late(detail, time, till) or not is_worth_another(self, slot, was_tried, result, detail) then
      conclude(self, slot, result, text, detail)
    else
      self.before[slot], self.texts[slot] = result or detail, text
      rest(self, slot, till)
    end
  end

  return fate
end
