--- A Send as the errand of a task (task.lua). Private; the C core makes them.

local new_task = require "netmail.task"

local BUSY_MS = 10 -- after which it is looked again whether somebody else still has the client

local function pack(...)
  return { n = select("#", ...), ... }
end

local Errand = {}
Errand.__index = Errand

local settle

--- A function of the user's has returned. It may have cancelled the task, or somebody else while it yielded: then nobody waits for it.
local function resume(self, ...)
  if self.results then return true end
  self.is_running = false
  return settle(self, self.kit.step(self.job, nil, ...))
end

--- What a function of the kit returned: calls what is to be called, until the errand waits or is over.
function settle(self, what, ...)
  local kit = self.kit
  if what == kit.called then
    local _, f, x, y = ...
    self.is_running = true
    if y == nil then return resume(self, kit.protect(f, x)) end
    return resume(self, kit.protect(f, x, y))
  end
  if what == kit.done then
    self.results = pack(...)
    self.job, self.is_running = nil, false
    return true
  end
  self.due = kit.now() + (...)
  return false
end

--- A Send or a question that is no task's has the client: this is one of its functions, or one of them has yielded.
local function stand_back(self)
  local left = self:left()
  if left and left <= 0 then return self:cancel() end
  self.due = self.kit.now() + BUSY_MS
  return false
end

function Errand:step(budget)
  local kit = self.kit
  if self.has_begun then return settle(self, kit.go_on(self.job, budget)) end
  if kit.is_busy(self.job) then return stand_back(self) end
  self.has_begun = true
  return settle(self, kit.start(self.job, budget))
end

--- The core knows why: the Deadline, or that it was cancelled.
function Errand:cancel()
  return settle(self, self.kit.cancel(self.job))
end

function Errand:is_lost()
  return self.kit.is_lost(self.job)
end

function Errand:left()
  return self.kit.left(self.job)
end

function Errand:wait(ms)
  self.kit.wait(self.job, ms)
end

function Errand:descriptor()
  return self.kit.descriptor(self.job)
end

--- For the C core: the task of a job that has not begun.
return function(client, job, kit)
  local task = new_task(client, setmetatable({ job = job, kit = kit, now = kit.now }, Errand))
  task:Step(0)
  return task
end
