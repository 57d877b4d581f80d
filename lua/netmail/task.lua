--- Sends that go on while the program does something else. `Client:SendAsync` makes them.
--
-- A task goes on whenever its `Step` is called, and at no other time: by the program's loop, by an event loop that watches the
-- descriptor, or by `Wait`. All tasks of a client have the same descriptor, which never changes; whichever of them is stepped, the
-- client's work goes on. Deadline counts from SendAsync, Timeout only while the message is on a connection, also while nobody steps.
-- Close ends the tasks that are on their way; those behind them then dial anew. While a blocking `Send` of the client is at work (its
-- functions may call SendAsync), tasks wait for its end. Functions that give contents, passwords or see the trace are called within
-- Step, and may yield.
--
-- A blocking `Send` of the client (and `SendMany`, `Check` and the like) fails at once while the program holds a task of it that is on
-- its way. Tasks that nobody holds any more are sent, too: by whatever steps another task of the client, else before the next blocking
-- call of the client, which waits for them. A program that ends, or lets go of the client, before that has not sent them.
-- @classmod Task

-- A client's errands have it one after another: many messages (many_errand.lua), or a batch of Sends (sends.lua). An errand has
-- `now()` in ms and the methods `step(budget)`, which says whether there may be more to do at once, `leave()` (in a forked child: ends what
-- is the parent's to go on with, and says whether it was that), `rescue()` (while a function of the program's is at work for it: ends
-- what must not wait for that, and says whether it may go on), `nudge()` (its descriptor is to become readable now), `left()` (the ms
-- until its Deadline, or nil), `wait(ms)` and `descriptor()`; and the fields `has_begun`, `is_running`, `due`, and `results` once it is
-- over. What a task has of its own, the errand itself or one Send, has `now()`, `left()`, `is_late()` (its Deadline is over, and nothing
-- else ends it), `cancel(why)`, and once it is over `results`, a table with n, or `raised`, a table with what is to be raised instead.

local queues = setmetatable({}, { __mode = "k" }) -- of each client: its unfinished errands, in order; they know of no client, nor of a task
local OWN = {} -- the key under which a task has what is its own: none of the program's business

local BUSY_MS = 10 -- after which it is looked again whether a function of the program's has returned

local Task = {}

local rawget = rawget
local unpack = rawget(table, "unpack") or rawget(_G, "unpack") -- 5.1 has it there

local function own_of(task, method)
  local own = type(task) == "table" and rawget(task, OWN)
  if not own then error(("call it as task:%s(…)"):format(method), 3) end
  return own
end

local function check_time(n, method)
  if n ~= nil and not (type(n) == "number" and n >= 0 and n <= 2147483) then
    error(("bad argument #1 to '%s' (number from 0 to 2147483 expected, got %s)"):format(method, tostring(n)), 3)
  end
end

local function queue_of(client)
  local queue = queues[client]
  if not queue then
    queue = { first = 1, last = 0, held = setmetatable({}, { __mode = "k" }) } -- held: the tasks that somebody holds
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

--- Goes on with what the task's client has to send.
-- @tparam[opt] number milliseconds budget after which it comes back, done or not (a TLS handshake is one piece); without, when
--   there is nothing to do but to wait
-- @treturn boolean whether this task is over
function Task:Step(milliseconds)
  local own = own_of(self, "Step")
  check_time(milliseconds, "Step")
  local now = own.now
  local till = milliseconds and now() + milliseconds
  local left = milliseconds and math.floor(milliseconds)
  while not own.results do
    local first = head(own.queue)
    -- A function of the user's, perhaps in a coroutine that nobody will resume: it goes on there, unless it is too late for that.
    local goes_on = first.is_running and first:rescue() or not first.is_running and first:step(left)
    if own:is_late() then own:cancel "the task was cancelled" end
    if not goes_on then break end
    left = till and math.max(0, math.floor(till - now()))
    if left == 0 then break end
  end
  local first = head(own.queue) -- lets go of what is over
  if first and not first.is_running and (first.due or 0) <= now() then first:nudge() end
  return own.results and true or false
end

--- What became of it.
-- @return as of `Send`, or `SendMany`; `nil, "pending"` while it is not over
function Task:Result()
  local own = own_of(self, "Result")
  if not own.results then return nil, "pending" end
  if own.raised then error(own.raised[1], 0) end
  return unpack(own.results, 1, own.results.n)
end

--- Steps and waits until it is over: for programs that have nothing else to do meanwhile. Nothing of Lua's runs while it waits. So it does
-- not wait for ever for a function of the program's own, which goes on only when Wait has returned.
-- @tparam[opt] number seconds at the most; default: as long as it takes
-- @return as of `Result`
function Task:Wait(seconds)
  local own = own_of(self, "Wait")
  check_time(seconds, "Wait")
  local now = own.now
  local till = seconds and now() + seconds * 1000
  while not self:Step() do
    local first = head(own.queue)
    local is_held = first.is_running or not first.has_begun
    local left = own:left()
    if is_held and not till and not left and not first:left() then break end
    local ms = first.is_running and BUSY_MS or (first.due or 0) - now()
    if left then ms = math.min(ms, left) end
    if till then ms = math.min(ms, till - now()) end
    if till and till <= now() then break end
    first:wait(math.max(0, math.ceil(ms)))
  end
  return self:Result()
end

--- Ends it: the line is dropped when the message is on its way, and nobody gets half of it. The result says `cancelled`.
-- @treturn boolean whether there was something to end
function Task:Cancel()
  local own = own_of(self, "Cancel")
  if own.results then return false end
  own:cancel "the task was cancelled"
  head(own.queue)
  return true
end

--- What event loops call: the descriptor that they watch for reading, the same for all tasks of a client.
-- @treturn ?int nil where the system has none: go by `timeout`
function Task:pollfd()
  local own = own_of(self, "pollfd")
  local first = head(own.queue)
  if first and not own.fd then own.fd = first:descriptor() end
  return own.fd
end

Task.getfd = Task.pollfd

--- What the descriptor is to be watched for.
function Task:events()
  return not own_of(self, "events").results and "r" or nil
end

--- Seconds after which a Step is due in any case.
-- @treturn ?number nil: the task is over
function Task:timeout()
  local own = own_of(self, "timeout")
  local first = not own.results and head(own.queue)
  if not first then return nil end
  local ms, left = (first.due or 0) - own.now(), own:left()
  return math.max(0, math.min(ms, left or ms) / 1000)
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
    local own = own_of(self, "tostring")
    return ("Task (%s)"):format(own.results and "over" or (own.slot or own.has_begun) and "on its way" or "waiting")
  end,
  __close = function(self) self:Cancel() end,
  __name = "Task",
  __metatable = "netmail.Task",
}

local tasks = {}

--- The client's errand whose turn it is; nil: all are over.
function tasks.first(client)
  return head(queue_of(client))
end

--- The one behind all others, over or not.
function tasks.last(client)
  local queue = queue_of(client)
  return queue[queue.last]
end

--- An errand of the client's: one that it has already, or behind those.
function tasks.enqueue(client, errand)
  local queue = queue_of(client)
  if errand == queue[queue.last] then return end
  queue[queue.last + 1] = errand -- first what there may be no memory for
  queue.last = queue.last + 1
end

--- A task of the client's, with what is its own; the errand that is to see to it is enqueued then, unless it is over.
function tasks.new(client, own)
  local queue = queue_of(client)
  own.queue = queue
  local task = setmetatable({ [OWN] = own }, meta)
  if not own.results then queue.held[task] = true end
  return task
end

--- Whether somebody may yet ask what became of a task.
local function is_held(queue)
  for task in pairs(queue.held) do
    if not rawget(task, OWN).results then return true end
  end
  return false
end

--- Its turn has come: where those before it have ended, or there are none.
local function begin(errand)
  if errand and not errand.has_begun and not errand.is_running then errand:step(0) end
end

--- Before a blocking call of the client: what is on its way and nobody waits for comes to its end, or as far as it does in so many ms. Not
-- when a task is held: then the call is a mistake, and is told so. The collector alone knows what is held. In a forked child those of the
-- parent stand in nobody's way, held or not.
function tasks.finish_forgotten(client, ms)
  local queue = queues[client]
  local first = queue and head(queue)
  while first and first:leave() do first = head(queue) end
  if not first then return end
  if is_held(queue) then
    collectgarbage()
    if is_held(queue) then return end
  end
  if first.is_running then -- its function will never return, it may be: what the client has closed meanwhile does not wait for that
    first:rescue()
    first = head(queue)
    if not first then return end
  end
  local till = first.now() + ms
  begin(first)
  while first and first.has_begun and not first.is_running do
    local goes_on = first:step()
    local now = first.now()
    if now >= till then return end
    local rest = math.ceil(math.min(first.due or 0, till) - now)
    if not goes_on and not first.results then first:wait(math.max(0, rest)) end
    first = head(queue)
    begin(first)
  end
end

return tasks
