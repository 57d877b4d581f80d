--- Sends that go on while the program does something else. `Client:SendAsync` makes them.
--
-- A task goes on whenever its `Step` is called, and at no other time: by the program's loop, by an event loop that watches the
-- descriptor, or by `Wait`. All tasks of a client have the same descriptor, which never changes; whichever of them is stepped, the
-- client's work goes on. Deadline counts from SendAsync, Timeout also while nobody steps. Close ends the task that is on its way;
-- those behind it then dial anew. Functions that give contents, passwords or see the trace are called within Step, and may yield.
-- @classmod Task

local kit -- what the C core hands over
local queues = setmetatable({}, { __mode = "k" }) -- of each client: its unfinished tasks, in order

local Task = {}

local function pack(...)
  return { n = select("#", ...), ... }
end

local unpack = rawget(table, "unpack") or rawget(_G, "unpack") -- 5.1 has it there

local function check(self, n, method)
  if type(self) ~= "table" or self.queue == nil then error(("call it as task:%s(…)"):format(method), 3) end
  if n ~= nil and not (type(n) == "number" and n >= 0 and n <= 2147483) then
    error(("bad argument #1 to '%s' (number from 0 to 2147483 expected, got %s)"):format(method, tostring(n)), 3)
  end
end

local function queue_of(client)
  local queue = queues[client]
  if not queue then
    queue = { first = 1, last = 0 }
    queues[client] = queue
  end
  return queue
end

--- The oldest unfinished one; those that were cancelled are passed over.
local function head(queue)
  while queue.first <= queue.last do
    local task = queue[queue.first]
    if task and not task.results then return task end
    queue[queue.first] = nil
    queue.first = queue.first + 1
  end
end

local settle

--- A function of the user's has returned. It may have cancelled the task, or somebody else while it yielded: then nobody waits for it.
local function resume(task, ...)
  if task.results then return true end
  task.is_running = false
  return settle(task, kit.step(task.job, nil, ...))
end

--- What a function of the kit returned: calls what is to be called, until the task waits or is over.
function settle(task, what, ...)
  if what == kit.called then
    local _, f, x, y = ...
    task.is_running = true
    if y == nil then return resume(task, kit.protect(f, x)) end
    return resume(task, kit.protect(f, x, y))
  end
  if what == kit.done then
    task.results = pack(...)
    task.job, task.client, task.is_running = nil, nil, false
    head(task.queue) -- lets go of it
    return true
  end
  task.due = kit.now() + (...)
  return false
end

--- One step of a task that is its client's first. Whether it is over.
local function step(task, budget)
  local what = task.has_begun and kit.go_on or kit.start
  task.has_begun = true
  return settle(task, what(task.job, budget))
end

--- Goes on with what the task's client has to send.
-- @tparam[opt] number milliseconds budget after which it comes back, done or not (a TLS handshake is one piece); without, when
--   there is nothing to do but to wait
-- @treturn boolean whether this task is over
function Task:Step(milliseconds)
  check(self, milliseconds, "Step")
  local till = milliseconds and kit.now() + milliseconds
  local left = milliseconds and math.floor(milliseconds)
  while not self.results do
    local task = head(self.queue)
    if task.is_running then
      -- A function of the user's, perhaps in a coroutine that nobody will resume: it goes on there, unless it is too late for that.
      if not kit.is_lost(task.job) then break end
      settle(task, kit.cancel(task.job))
    elseif not step(task, left) then
      break
    end
    left = till and math.max(0, math.floor(till - kit.now()))
    if left == 0 then break end
  end
  return self.results ~= nil
end

--- What became of it.
-- @return as of `Send`; `nil, "pending"` while it is not over
function Task:Result()
  if not self.results then return nil, "pending" end
  return unpack(self.results, 1, self.results.n)
end

--- Steps and waits until it is over: for programs that have nothing else to do meanwhile. Nothing of Lua's runs while it waits.
-- @tparam[opt] number seconds at the most; default: as long as it takes
-- @return as of `Result`
function Task:Wait(seconds)
  check(self, seconds, "Wait")
  local till = seconds and kit.now() + seconds * 1000
  while not self:Step() do
    local task = head(self.queue)
    local ms = task.is_running and 10 or (task.due or 0) - kit.now() -- who yields may be resumed by nobody but us
    if till then ms = math.min(ms, till - kit.now()) end
    if till and till <= kit.now() then break end
    kit.wait(task.job, math.max(0, math.ceil(ms)))
  end
  return self:Result()
end

--- Ends it: the line is dropped when the message is on its way, and nobody gets half of it. The result says `cancelled`.
-- @treturn boolean whether there was something to end
function Task:Cancel()
  if self.results then return false end
  settle(self, kit.cancel(self.job))
  return true
end

--- What event loops call: the descriptor that they watch for reading, the same for all tasks of a client.
-- @treturn ?int nil where the system has none: go by `timeout`
function Task:pollfd()
  local task = head(self.queue)
  if task and not self.fd then self.fd = kit.descriptor(task.job) end
  return self.fd
end

Task.getfd = Task.pollfd

--- What the descriptor is to be watched for.
function Task:events()
  return not self.results and "r" or nil
end

--- Seconds after which a Step is due in any case.
-- @treturn ?number nil: the task is over
function Task:timeout()
  local task = not self.results and head(self.queue)
  if not task then return nil end
  return math.max(0, ((task.due or 0) - kit.now()) / 1000)
end

--- Whether a Step is due now, whatever the descriptor says.
function Task:dirty()
  return self:timeout() == 0
end

local meta = {
  __index = function(_, name)
    local member = Task[name]
    if member == nil and type(name) == "string" and name:find "^%u" then
      error(("Task has no member '%s'"):format(name), 2)
    end
    return member
  end,
  __tostring = function(self)
    return ("Task (%s)"):format(self.results and "over" or self.has_begun and "on its way" or "waiting")
  end,
  __close = function(self) self:Cancel() end,
  __name = "Task",
}

--- For the C core.
return function(client, job, from_core)
  kit = from_core
  local queue = queue_of(client)
  local task = setmetatable({ job = job, queue = queue, client = client, has_begun = false, is_running = false }, meta)
  queue.last = queue.last + 1
  queue[queue.last] = task
  task:Step(0)
  return task
end
