--- Many messages on their way: when to go on, and what the program is told. Private; many.lua makes runs of it, many_feed.lua says which
-- message goes next, and many_fate.lua what becomes of each.
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
--   nobody is left. What comes back is of all its tries. Both say as a second value what `look` would say then. Of one that has come back
--   not accepted by all, `last_try(flight, slot)`: whether that try came to a connection, and the moment of its Deadline or nil;
--   `release(flight, slot)`: it is over, and the slot free
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
  local now, look = kit.now, kit.look
  local run, step, protect = kit.run, kit.step, kit.protect
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

  local fate = require "netmail.many_fate"(kit, feed, tell)
  local accept, settle, give_up, count_back = fate.accept, fate.settle, fate.give_up, fate.count_back

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
      count_back(self, a, true)
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
  local function give_up_one(self, why)
    local slot = self.waiting:pop()
    if slot then give_up(self, slot, why) end
    return slot ~= nil
  end

  --- As give_up_one, of those that have waited until their Deadline.
  local function end_late(self)
    local slot = self.waiting:end_of_first() and self.waiting:pop_late(now())
    if slot then give_up(self, slot, fate.NO_TIME) end
    return slot
  end

  --- One step; false: there is no other before due.
  local function turn(self, left)
    local is_full, why = look(self.flight)
    if why and not self.stopped then self.stopped, self.is_cancelled = why, true end
    if self.stopped then
      self.source.is_dry, self.held = true, false
      if give_up_one(self, fate.why_over(self)) then return true end
    elseif self.breaker.is_given_up and give_up_one(self, self.breaker.text) or end_late(self) then
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
      stopped = false, why_stopped = false, held = false, held_options = nil, spent = false, calling = false, raised = false,
      wakes_in = false, till = false,
      breaker = breaker.new(plan.retry), tally = tally.new(now()), waiting = retry.rest(),
      messages = {}, indexes = {}, tries = {}, epochs = {}, before = {}, texts = {},
      in_flight = 0, n_swept = 0, due = 0, progress_at = now() + PROGRESS,
      is_over = false, is_running = false, is_probing = false, has_out = false,
    }, Run)
  end
end
