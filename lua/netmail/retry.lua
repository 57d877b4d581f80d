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

--- A queue of small integers by the time they are due: a heap in two arrays, so that none costs a table.
function retry.queue()
  return setmetatable({ n = 0, at = {}, what = {} }, Queue)
end

local function swap(self, i, k)
  local at, what = self.at, self.what
  at[i], at[k], what[i], what[k] = at[k], at[i], what[k], what[i]
end

function Queue:push(what, at)
  local i = self.n + 1
  self.n, self.at[i], self.what[i] = i, at, what
  while i > 1 do
    local parent = math.floor(i / 2)
    if self.at[parent] <= self.at[i] then break end
    swap(self, i, parent)
    i = parent
  end
end

--- When the first is due; nil: there is none.
function Queue:due()
  return self.at[1]
end

local function smaller_child(self, i)
  local left, right = 2 * i, 2 * i + 1
  return right <= self.n and self.at[right] < self.at[left] and right or left
end

--- Takes the first.
function Queue:pop()
  local what = self.what[1]
  if not what then return nil end
  swap(self, 1, self.n)
  self.at[self.n], self.what[self.n] = nil, nil
  self.n = self.n - 1
  local i = 1
  while 2 * i <= self.n do
    local child = smaller_child(self, i)
    if self.at[i] <= self.at[child] then break end
    swap(self, i, child)
    i = child
  end
  return what
end

return retry
