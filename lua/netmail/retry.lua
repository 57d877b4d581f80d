--- Which messages are worth another try, and when. Private; used by `SendMany`.

local retry = {}

-- ---- when

local Policy = {}
Policy.__index = Policy

--- The ms to wait after so many tries have failed: longer each time, and at random, lest all come back at once.
function Policy:delay(failed)
  local full = math.min(self.delay_ms * self.factor ^ (failed - 1), self.max_ms) -- inf is fine
  return full * (1 - self.jitter * self.random())
end

--- Numbers from 0 to 1 of our own (Lehmer's generator): math.random is the program's, and the same in each process that did not seed it.
local function generator()
  local at = tostring({}):match "0x(%x+)" or "0"
  local seed = (os.time() + math.floor(os.clock() * 1e6) + tonumber(at:sub(-7), 16)) % 2147483646 + 1
  return function()
    seed = seed * 48271 % 2147483647
    return seed / 2147483647
  end
end

--- tries: of one message, the first included; delay, max_delay: seconds; jitter: which share of a delay is random; waiting: how many
-- messages may wait for their next try.
function retry.new(tries, delay, factor, max_delay, jitter, waiting, random)
  return setmetatable({
    tries = tries, delay_ms = delay * 1000, factor = factor, max_ms = max_delay * 1000, jitter = jitter, waiting = waiting,
    random = random or generator(),
  }, Policy)
end

-- ---- which

local function has_temporary(recipients)
  for _, r in ipairs(recipients) do
    if r.Temporary then return true end
  end
  return false
end

--- Whether what Send returned may become better without anybody getting the message twice.
function retry.is_worth(result, detail)
  if result then
    return result.Outcome == "partial" and (#result.NotSent > 0 or has_temporary(result.Rejected))
  end
  if detail.Outcome == "unknown" or detail.Kind == "message" or detail.Kind == "cancelled" then return false end
  return detail.Temporary == true or has_temporary(detail.Rejected)
end

-- ---- those that wait

local Queue = {}
Queue.__index = Queue

--- A queue of small integers, each in it once, by time: a heap in arrays, so that none costs a table.
function retry.queue()
  return setmetatable({ n = 0, at = {}, what = {}, place = {} }, Queue) -- place: of each its index in the other two
end

local function set(self, i, what, at)
  self.what[i], self.at[i], self.place[what] = what, at, i
end

local function swap(self, i, k)
  local what, at = self.what[i], self.at[i]
  set(self, i, self.what[k], self.at[k])
  set(self, k, what, at)
end

local function rise(self, i)
  while i > 1 do
    local parent = math.floor(i / 2)
    if self.at[parent] <= self.at[i] then break end
    swap(self, i, parent)
    i = parent
  end
end

function Queue:push(what, at)
  self.n = self.n + 1
  set(self, self.n, what, at)
  rise(self, self.n)
end

--- When the first is due; nil: there is none.
function Queue:due()
  return self.at[1]
end

local function smaller_child(self, i)
  local left, right = 2 * i, 2 * i + 1
  return right <= self.n and self.at[right] < self.at[left] and right or left
end

local function sink(self, i)
  while 2 * i <= self.n do
    local child = smaller_child(self, i)
    if self.at[i] <= self.at[child] then break end
    swap(self, i, child)
    i = child
  end
end

--- Takes it out, if it is in it.
function Queue:remove(what)
  local i = self.place[what]
  if not i then return end
  swap(self, i, self.n)
  self.at[self.n], self.what[self.n], self.place[what] = nil, nil, nil
  self.n = self.n - 1
  if i <= self.n then
    rise(self, i)
    sink(self, i)
  end
end

--- Takes the first.
function Queue:pop()
  local what = self.what[1]
  if what then self:remove(what) end
  return what
end

local Rest = {}
Rest.__index = Rest

--- Small integers that wait until they are due, but no longer than a time of their own, if they have one.
function retry.rest()
  return setmetatable({ n = 0, begins = retry.queue(), ends = retry.queue() }, Rest)
end

--- ends: nil: it may wait for ever.
function Rest:push(what, due, ends)
  self.n = self.n + 1
  self.begins:push(what, due)
  if ends then self.ends:push(what, ends) end
end

local function take(self, what)
  if not what then return nil end
  self.n = self.n - 1
  self.begins:remove(what)
  self.ends:remove(what)
  return what
end

--- When the first is due; nil: there is none.
function Rest:due()
  return self.begins:due()
end

--- When the first has waited for too long; nil: none ever has.
function Rest:end_of_first()
  return self.ends:due()
end

--- Takes the one that is due first, due or not.
function Rest:pop()
  return take(self, self.begins.what[1])
end

--- Takes the one that has waited for too long first; nil: none has.
function Rest:pop_late(now)
  local at = self.ends:due()
  return at and at <= now and take(self, self.ends.what[1]) or nil
end

return retry
