--- Many messages on their way: what to do with what became of each, and when to go on. Private; many.lua makes runs of it, and
-- many_feed.lua says which message goes next.
--
-- A run goes on by turns, of which each takes one step: a message is over, a function of the program's is called, or there is nothing to
-- do until `due`. Functions of the program's are called from turns and from nowhere else; they may yield, and raise. What is known of a
-- message between put and release lies in arrays by its slot, so that a message costs no table but its result; and where nobody is told of
-- results, those that all have accepted are no more than a number here.

local breaker = require "netmail.breaker"
local retry = require "netmail.retry"
local tally = require "netmail.tally"

-- OnProgress is called at most so often.
local PROGRESS = 250

--- kit: the core's part. A flight is what one run has on its way.
--
-- * `look(flight)`: whether nothing more is to be put now, for want of room, or because messages are over that wait to be given back;
--   why all of it has ended for good, or nil: its client was closed, say. `room(flight)`: how many more there is room for; how many
--   connections are up (a message that is on its way is never ended for a dial that failed)
-- * `put(flight, message, options, anyhow)`: takes the message as it is now; returns its slot; nil when all has ended, but for
--   anyhow. `again(flight, slot)`: once more, to those recipients who have proven not to have it and did not refuse it for good; false:
--   nobody is left. What comes back is of all its tries. Both say as a second value what `look` would say then. `release(flight, slot)`:
--   it is over, and the slot free
-- * `run(flight, messages, budget, wakes_in)`, and `step(flight, messages, …)` with what protect returned: the next event. `done`, slot and
--   what Send would have returned; without a text all have accepted it, and it is released. `accepted`, n, of a plain flight in its place:
--   so many are released, and taken out of the table messages, where they stand by their slots. `called`, flight, function, x, y: to be
--   called. `waits`, ms: nothing before that, or before the descriptor becomes readable, which it does after wakes_in ms in any case
-- * `another(flight)`: slot and result of a further message, where that is what run would give next, and all have accepted it; it is
--   released. nil otherwise
-- * `cancel(flight, why)`: what is in it is done, as `cancelled`; also while a function is called, whose step is then not wanted any more.
--   More may be put after it. `close(flight)`: no more of it
-- * `now()`: ms; `protect`: pcall that can be yielded across
return function(kit)
  local feed = require "netmail.many_feed"(kit)
  local now, look, release = kit.now, kit.look, kit.release
  local run, step, another, protect = kit.run, kit.step, kit.another, kit.protect
  local done, accepted, called = kit.done, kit.accepted, kit.called

  -- ---- what the program is told

  -- Which function of the program's is called is remembered, for the case that it raises.

  local function call_progress(self, f, time)
    local progress = self.tally:progress(time, self.source:length(), self.waiting.n, self.in_flight)
    self.calling = "OnProgress"
    f(progress)
    self.calling = false
  end

  local function show_progress(self)
    local time = now()
    if time < self.progress_at then return end
    self.progress_at = time + PROGRESS
    call_progress(self, self.on_progress, time)
  end

  --- The message is over, and counted: nothing of it is in the flight any more.
  local function tell(self, message, index, result, text, detail)
    if self.is_each then
      self.has_out, self.out_message, self.out_index = true, message, index
      self.out_result, self.out_text, self.out_detail = result, text, detail
    elseif self.on_result then
      self.calling = "OnResult"
      self.on_result(message, result, text, detail, index)
      self.calling = false
    elseif text then
      self.tally:keep(index, message, result, text, detail)
    end
    if self.on_progress then show_progress(self) end
  end

  -- ---- one message

  --- Not all have accepted it.
  local function conclude(self, slot, result, text, detail)
    local message, index, n = self.messages[slot], self.indexes[slot], self.tries[slot]
    self.messages[slot] = nil
    release(self.flight, slot)
    if n > 1 then (result or detail).Tries = n end
    self.tally:count(result, text, detail)
    if not result and self.stops_on_error then self.stopped = self.stopped or text end
    return tell(self, message, index, result, text, detail)
  end

  --- With what its last try has left of it.
  local function give_up(self, slot)
    local before, text = self.before[slot], self.texts[slot]
    self.before[slot], self.texts[slot] = nil, nil
    if before.Outcome == "partial" then return conclude(self, slot, before, text) end
    return conclude(self, slot, nil, text, before)
  end

  --- What a failure says of the connection. Returns it, in other words where it was we who ended it, and whether the message was tried at
  -- all.
  local function judge(self, slot, text, detail, is_probe, is_swept)
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
    elseif detail.Kind ~= "message" then
      b:worked()
    end
    return text, detail, true
  end

  local function waits_for_retry(self, slot, was_tried, result, text, detail)
    if not text or self.stopped then return false end
    if not was_tried then return not self.breaker.is_given_up end
    return self.tries[slot] < self.retry.tries and retry.is_worth(result, detail)
  end

  --- So many messages have come back, and some have got them.
  local function have_worked(self, n)
    self.in_flight, self.is_probing = self.in_flight - n, false
    if self.n_swept > 0 then self.n_swept = math.max(0, self.n_swept - n) end
    if self.breaker.n_failed > 0 then self.breaker:worked() end
  end

  --- A message that all have accepted, and after it those that are over as well, for as long as a turn would find nothing else to do.
  local function accept(self, slot, result)
    local messages, indexes, tries = self.messages, self.indexes, self.tries
    local flight, counts, till = self.flight, self.tally.counts, self.till
    repeat
      local message, n = messages[slot], tries[slot]
      messages[slot] = nil
      if n > 1 then result.Tries = n end
      have_worked(self, 1)
      counts.accepted = counts.accepted + 1
      tell(self, message, indexes[slot], result)
      if self.is_over or self.stopped or self.has_out or till and now() >= till then return end
      slot, result = another(flight)
    until not slot
  end

  --- A message has come back that not all have accepted.
  local function settle(self, slot, result, text, detail)
    local was_tried = true
    if result then
      have_worked(self, 1)
    else
      local is_swept, is_probe = self.n_swept > 0, self.is_probing
      self.in_flight, self.is_probing = self.in_flight - 1, false
      if is_swept then self.n_swept = self.n_swept - 1 end
      text, detail, was_tried = judge(self, slot, text, detail, is_probe, is_swept)
    end
    if not was_tried then self.tries[slot] = self.tries[slot] - 1 end
    if waits_for_retry(self, slot, was_tried, result, text, detail) then
      self.before[slot], self.texts[slot] = result or detail, text
      self.waiting:push(slot, now() + self.retry:delay(math.max(1, self.tries[slot])))
    else
      conclude(self, slot, result, text, detail)
    end
  end

  -- ---- turns

  local function finish(self)
    if self.on_progress then
      local f = self.on_progress
      self.on_progress = false
      call_progress(self, f, now())
      if self.is_over then return end
    end
    self:close()
  end

  local take

  --- A function of the program's that the core wanted to have called has returned; the run may have ended meanwhile.
  local function resume(self, ...)
    if self.is_over then return true end
    return take(self, step(self.flight, self.messages, ...))
  end

  function take(self, what, a, b, c, d)
    if what == accepted then
      have_worked(self, a)
      local counts = self.tally.counts
      counts.accepted = counts.accepted + a
      if self.on_progress then show_progress(self) end
      return true
    end
    if what == done then
      if c then settle(self, a, b, c, d) else accept(self, a, b) end
      return true
    end
    if what == called then
      if d == nil then return resume(self, protect(b, c)) end
      return resume(self, protect(b, c, d))
    end
    self.due = now() + math.min(a, self.wakes_in or a)
    return false
  end

  --- What waits for its next try ends with what the last one has left of it, one in a turn. false: there is none.
  local function give_up_one(self)
    local slot = self.waiting:pop()
    if slot then give_up(self, slot) end
    return slot ~= nil
  end

  --- One step; false: there is no other before due.
  local function turn(self, left)
    local is_full, why = look(self.flight)
    if why and not self.stopped then self.stopped, self.is_cancelled = why, true end
    if self.stopped then
      self.source.is_dry, self.held = true, false
      if give_up_one(self) then return true end
    elseif self.breaker.is_given_up and give_up_one(self) then
      return true
    elseif self.breaker.is_open then
      feed.fill_carefully(self)
    elseif not is_full then
      feed.fill(self)
    end
    if self.is_over then return true end
    if self.source.is_dry and self.in_flight == 0 and self.waiting.n == 0 and not (self.held or self.spent) then
      finish(self)
      return true
    end
    if self.spent then
      local slot = self.spent
      self.spent = false
      give_up(self, slot)
      return true
    end
    local wakes_in = feed.wake(self)
    self.wakes_in = wakes_in or false
    return take(self, run(self.flight, self.messages, left, wakes_in))
  end

  local function turns(self, till)
    self.till = till or false
    repeat
      if not turn(self, till and math.max(0, math.floor(till - now()))) then return end
    until self.is_over or self.has_out or till and now() >= till
    if not self.is_over then self.due = now() end
  end

  --- Something raised: nothing new goes, and what is on its way comes to its end before it is raised again. Who raised is not called again.
  local function stop_for(self, value)
    local which = self.calling
    self.calling, self.due = false, now()
    self.raised = self.raised or { value }
    self.stopped = self.stopped or "a function of the program's failed"
    if which == "OnResult" then
      self.on_result = false
    elseif which == "OnProgress" then
      self.on_progress = false
    elseif not which and self.has_stumbled then
      self:close() -- it was not the program's functions, and not once: there is no way to go on
    else
      self.has_stumbled = not which
    end
  end

  local Run = {}
  Run.__index = Run

  --- Goes on until there is nothing to do but to wait, or for so many ms. Whether it is over; else it is to come again at `due`.
  function Run:advance(budget)
    if self.is_running or self.is_over then return self.is_over end -- a function of the program's yields, somewhere else
    self.is_running, self.source.ask_at = true, false -- somebody steps: perhaps because there is something now
    local good, value = protect(turns, self, budget and now() + budget)
    self.is_running = false
    if not good then
      if self.is_over then error(value, 0) end -- it was cancelled while that function was at work
      stop_for(self, value)
    end
    return self.is_over
  end

  --- Ends it; what was not over says so. Calls no function of the program's but the trace.
  function Run:cancel(why)
    if self.is_over then return false end
    self.stopped, self.is_cancelled, self.is_each = why, true, false
    self.on_result, self.on_progress = false, false
    if self.held then feed.put_held(self, true) end -- so that there is a result of it
    kit.cancel(self.flight, why)
    while not self.is_over and turn(self) do end -- luacheck: ignore 542
    if not self.is_over then self:close() end
    return true
  end

  --- Takes nothing more from the source, and tells nobody of those on their way.
  function Run:stop(why)
    self.stopped, self.is_each, self.has_out = self.stopped or why, false, false
  end

  --- Lets go of the flight. There are results from here on.
  function Run:close()
    local summary, text = self.tally:summary(now(), self.stopped or nil)
    self.results = { summary, text }
    if self.is_cancelled then self.results = { nil, self.stopped, tally.cancelled(self.stopped, summary) } end
    self.is_over, self.is_running = true, false
    kit.close(self.flight)
    self.flight, self.on_result, self.on_progress = nil, nil, nil
  end

  --- As SendMany returns it, or raises it.
  function Run:result()
    if self.raised then error(self.raised[1], 0) end
    return self.results[1], self.results[2], self.results[3]
  end

  --- A run over an open flight.
  -- @param flight
  -- @param source of many_source
  -- @tparam table plan of many_options
  -- @tparam boolean is_each stops behind each message that is over
  return function(flight, source, plan, is_each)
    -- What may be unset is false: nil would be looked for in Run, too, with each message.
    return setmetatable({
      flight = flight, source = source, rate = plan.rate or false, retry = plan.retry, is_each = is_each or false,
      on_result = plan.on_result or false, on_progress = plan.on_progress or false, stops_on_error = plan.stops_on_error,
      stopped = false, held = false, held_options = nil, spent = false, calling = false, raised = false, wakes_in = false, till = false,
      breaker = breaker.new(plan.retry), tally = tally.new(now()), waiting = retry.queue(),
      messages = {}, indexes = {}, tries = {}, epochs = {}, before = {}, texts = {},
      in_flight = 0, n_swept = 0, due = 0, progress_at = now() + PROGRESS,
      is_over = false, is_running = false, is_probing = false, has_out = false,
    }, Run)
  end
end
