--- Sends that go on while the program does something else. `Client:SendAsync` makes them.
--
-- A task goes on whenever its `Step` is called, and at no other time: by the program's loop, by an event loop that watches the
-- descriptor, or by `Wait`. All tasks of a client have the same descriptor, which never changes; whichever of them is stepped, the
-- client's work goes on. Deadline counts from SendAsync, Timeout also while nobody steps. Close ends the task that is on its way;
-- those behind it then dial anew. While a blocking `Send` of the client is at work (its functions may call SendAsync), tasks wait for its
-- end. Functions that give contents, passwords or see the trace are called within Step, and may yield.
-- @classmod Task

local kit -- what the C core hands over
local queues = setmetatable({}, { __mode = "k" }) -- of each client: its unfinished errands, in order; they know of no client, nor of a task
local ERRAND = {} -- the key under which a task has its errand: what is none of the program's business

local BUSY_MS = 10 -- after which it is looked again whether somebody else still has the client

local Task = {}

local function pack(...)
  return { n = select("#", ...), ... }
end

local rawget = rawget
local unpack = rawget(table, "unpack") or rawget(_G, "unpack") -- 5.1 has it there

local function errand_of(task, method)
  local errand = type(task) == "table" and rawget(task, ERRAND)
  if not errand then error(("call it as task:%s(…)"):format(method), 3) end
  return errand
end

local function check_time(n, method)
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
    local errand = queue[queue.first]
    if errand and not errand.results then return errand end
    queue[queue.first] = nil
    queue.first = queue.first + 1
  end
end

local settle

--- A function of the user's has returned. It may have cancelled the task, or somebody else while it yielded: then nobody waits for it.
local function resume(errand, ...)
  if errand.results then return true end
  errand.is_running = false
  return settle(errand, kit.step(errand.job, nil, ...))
end

--- What a function of the kit returned: calls what is to be called, until the errand waits or is over.
function settle(errand, what, ...)
  if what == kit.called then
    local _, f, x, y = ...
    errand.is_running = true
    if y == nil then return resume(errand, kit.protect(f, x)) end
    return resume(errand, kit.protect(f, x, y))
  end
  if what == kit.done then
    errand.results = pack(...)
    errand.job, errand.is_running = nil, false
    head(errand.queue) -- lets go of it
    return true
  end
  errand.due = kit.now() + (...)
  return false
end

--- A Send or a question that is no task's has the client: this is one of its functions, or one of them has yielded.
local function stand_back(errand)
  local left = kit.left(errand.job)
  if left and left <= 0 then return settle(errand, kit.cancel(errand.job)) end
  errand.due = kit.now() + BUSY_MS
  return false
end

--- One step of an errand that is its client's first. Whether it is over.
local function step(errand, budget)
  if errand.has_begun then return settle(errand, kit.go_on(errand.job, budget)) end
  if kit.is_busy(errand.job) then return stand_back(errand) end
  errand.has_begun = true
  return settle(errand, kit.start(errand.job, budget))
end

--- Goes on with what the task's client has to send.
-- @tparam[opt] number milliseconds budget after which it comes back, done or not (a TLS handshake is one piece); without, when
--   there is nothing to do but to wait
-- @treturn boolean whether this task is over
function Task:Step(milliseconds)
  local own = errand_of(self, "Step")
  check_time(milliseconds, "Step")
  local till = milliseconds and kit.now() + milliseconds
  local left = milliseconds and math.floor(milliseconds)
  while not own.results do
    local first = head(own.queue)
    if first.is_running then
      -- A function of the user's, perhaps in a coroutine that nobody will resume: it goes on there, unless it is too late for that.
      if not kit.is_lost(first.job) then break end
      settle(first, kit.cancel(first.job))
    elseif not step(first, left) then
      break
    end
    left = till and math.max(0, math.floor(till - kit.now()))
    if left == 0 then break end
  end
  return own.results ~= nil
end

--- What became of it.
-- @return as of `Send`; `nil, "pending"` while it is not over
function Task:Result()
  local own = errand_of(self, "Result")
  if not own.results then return nil, "pending" end
  return unpack(own.results, 1, own.results.n)
end

--- Steps and waits until it is over: for programs that have nothing else to do meanwhile. Nothing of Lua's runs while it waits. So it does
-- not wait for ever for a function of the program's own, which goes on only when Wait has returned.
-- @tparam[opt] number seconds at the most; default: as long as it takes
-- @return as of `Result`
function Task:Wait(seconds)
  local own = errand_of(self, "Wait")
  check_time(seconds, "Wait")
  local till = seconds and kit.now() + seconds * 1000
  while not self:Step() do
    local first = head(own.queue)
    local is_held = first.is_running or not first.has_begun
    if is_held and not till and not kit.left(first.job) then break end
    local ms = first.is_running and BUSY_MS or (first.due or 0) - kit.now()
    if till then ms = math.min(ms, till - kit.now()) end
    if till and till <= kit.now() then break end
    kit.wait(first.job, math.max(0, math.ceil(ms)))
  end
  return self:Result()
end

--- Ends it: the line is dropped when the message is on its way, and nobody gets half of it. The result says `cancelled`.
-- @treturn boolean whether there was something to end
function Task:Cancel()
  local own = errand_of(self, "Cancel")
  if own.results then return false end
  settle(own, kit.cancel(own.job))
  return true
end

--- What event loops call: the descriptor that they watch for reading, the same for all tasks of a client.
-- @treturn ?int nil where the system has none: go by `timeout`
function Task:pollfd()
  local own = errand_of(self, "pollfd")
  local first = head(own.queue)
  if first and not own.fd then own.fd = kit.descriptor(first.job) end
  return own.fd
end

Task.getfd = Task.pollfd

--- What the descriptor is to be watched for.
function Task:events()
  return not errand_of(self, "events").results and "r" or nil
end

--- Seconds after which a Step is due in any case.
-- @treturn ?number nil: the task is over
function Task:timeout()
  local own = errand_of(self, "timeout")
  local first = not own.results and head(own.queue)
  if not first then return nil end
  return math.max(0, ((first.due or 0) - kit.now()) / 1000)
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
  __newindex = function(_, name)
    if type(name) ~= "string" then error(("Task has no member with a %s as its name"):format(type(name)), 2) end
    error(("Task has no property '%s'"):format(name), 2)
  end,
  __tostring = function(self)
    local own = errand_of(self, "tostring")
    return ("Task (%s)"):format(own.results and "over" or own.has_begun and "on its way" or "waiting")
  end,
  __close = function(self) self:Cancel() end,
  __name = "Task",
  __metatable = "netmail.Task",
}

--- For the C core.
return function(client, job, from_core)
  kit = from_core
  local queue = queue_of(client)
  local errand = { job = job, queue = queue, has_begun = false, is_running = false }
  local task = setmetatable({ [ERRAND] = errand }, meta)
  queue.last = queue.last + 1
  queue[queue.last] = errand
  task:Step(0)
  return task
end
