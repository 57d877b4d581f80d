--- Many messages as the errand of a task (task.lua). Private; used by `SendManyAsync`.

local tally = require "netmail.tally"

local BUSY_MS = 10 -- after which it is looked again whether somebody else still has the client

return function(kit)
  local new_run = require "netmail.many_run"(kit)

  local Errand = {}
  Errand.__index = Errand

  local function finish(self, ...)
    self.results = { n = select("#", ...), ... }
    self.is_running = false
    return true
  end

  --- The flight is its client's from here on. Returns whether it is over by that. Behind kit.begin nothing may lack memory: nobody would
  -- go on with a flight that has no run.
  local function begin(self)
    local run = new_run(self.flight, self.source, self.plan)
    local good, text, detail = kit.begin(self.flight)
    if not good then
      kit.close(self.flight)
      return finish(self, nil, text, detail)
    end
    self.run = run
    self.has_begun, self.source, self.plan = true, nil, nil
    return false
  end

  local function take_results(self)
    local run = self.run
    self.raised = run.raised
    return finish(self, run.results[1], run.results[2], run.results[3])
  end

  function Errand:step(budget)
    if self:leave() then return true end
    if not self.has_begun then
      if kit.is_busy(self.flight) then
        self.due = kit.now() + BUSY_MS
        return false
      end
      if begin(self) then return true end
    end
    local run = self.run
    self.is_running = true
    run:advance(budget)
    if self.results then return true end -- it was cancelled meanwhile
    self.is_running, self.due = false, run.due
    return run.is_over and take_results(self)
  end

  function Errand:cancel(why)
    if self.run then
      self.run:cancel(why)
      return take_results(self)
    end
    kit.close(self.flight)
    return finish(self, nil, why, tally.cancelled(why, tally.new(0):summary(0, why)))
  end

  function Errand:leave()
    local why = kit.disowned(self.flight)
    if why then self:cancel(why) end
    return why ~= nil
  end

  function Errand:rescue()
    local _, why = kit.look(self.flight)
    if why then self:cancel(why) end
    return why ~= nil or self:leave()
  end

  function Errand:nudge()
    kit.nudge(self.flight, 0)
  end

  --- A Deadline is each message's.
  function Errand.is_late()
    return false
  end

  --- A Deadline is each message's.
  function Errand.left()
    return nil
  end

  function Errand:wait(ms)
    kit.wait(self.flight, ms, self.is_running)
  end

  function Errand:descriptor()
    return kit.descriptor(self.flight)
  end

  --- flight: one that has not begun.
  return function(flight, source, plan)
    return setmetatable({
      flight = flight, source = source, plan = plan, now = kit.now, has_begun = false, is_running = false,
      run = false, due = 0,
    }, Errand)
  end
end
