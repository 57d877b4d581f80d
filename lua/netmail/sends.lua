--- `Client:SendAsync`: all unfinished Sends of a client that go to the same server are messages of one flight, over up to `MaxConnections`
-- connections, one message at a time on each, so that one that is cancelled takes nobody with it. Private, but for the method.

local BUSY_MS = 10 -- after which it is looked again whether somebody else still has the client

local function pack(...)
  return { n = select("#", ...), ... }
end

return function(kit)
  local now, tasks = kit.now, kit.tasks

  -- What one task has: its Send. It waits in its batch with its `message`, or has the number `slot` in the flight, or is over.
  local Send = { now = now }
  Send.__index = Send

  -- Sends that share a flight: an errand in the queue of their client (task.lua). It is over when all of them are.
  local Batch = { now = now }
  Batch.__index = Batch

  --- What Send would have returned has its place already: that it is over must not fail for want of memory.
  local function finish(self, ...)
    local batch, room = self.batch, self.room
    room[1], room[2], room[3] = ...
    room.n, self.results = select("#", ...), room
    self.message, self.slot = nil, false
    batch.n_open = batch.n_open - 1
    if batch.n_open == 0 then
      kit.close(batch.flight)
      batch.results, batch.is_running, batch.call = true, false, nil
    end
  end

  -- ---- one of them

  function Send:left()
    return self.till and self.till - now()
  end

  --- Its Deadline is over, and the core does not see to that.
  function Send:is_late()
    return self.till and not self.results and (self.message or self.batch.is_running) and self.till <= now()
  end

  --- Nobody waits for the function that is at work: another one may be called, and this one's results are nobody's.
  local function free(batch)
    batch.is_running, batch.call = false, nil
  end

  --- It has come back. Where all have accepted it (there is no text) its slot is free already.
  local function settle(self, slot, result, text, ...)
    local batch = self.batch
    if text then kit.release(batch.flight, slot) end
    batch.by_slot[slot] = nil
    batch.due = now()
    finish(self, result, text, ...)
  end

  local function take_end(self, is_freed, _, slot, ...)
    if is_freed then free(self.batch) end
    settle(self, slot, ...)
  end

  --- The flight has taken a Send; where there was no memory to note it down, that is made up for.
  local function note(batch)
    local send, slot = batch.taken, batch.taken_slot
    batch.by_slot[slot] = send
    send.slot, send.message = slot, nil
    batch.taken = false
  end

  function Send:cancel(why)
    local batch = self.batch
    if batch.taken == self then note(batch) end
    if self.slot then return take_end(self, kit.cancel_one(batch.flight, self.slot, why)) end
    batch.waiting[self.place] = false
    finish(self, kit.drop(batch.flight, self.message, why))
  end

  -- ---- all of them

  --- The oldest that waits; nil: none.
  local function first_waiting(self)
    local waiting = self.waiting
    while self.first <= self.last do
      local send = waiting[self.first]
      if send then return send end
      waiting[self.first] = nil
      self.first = self.first + 1
    end
  end

  --- A batch has one Deadline, so those that came first are late first.
  local function end_late(self)
    local send = first_waiting(self)
    while send and send:is_late() do
      send:cancel "the task was cancelled"
      send = first_waiting(self)
    end
    return send
  end

  local function fill(self)
    local send = end_late(self)
    while send and kit.room(self.flight) > 0 do
      self.taken_slot = kit.put_waiting(self.flight, send.message)
      self.taken, self.waiting[self.first] = send, false
      note(self)
      send = first_waiting(self)
    end
    return send
  end

  local take

  --- A function of the program's has returned. Its task may have been cancelled meanwhile, or the client closed: then nobody waits for it.
  local function resume(self, call, ...)
    if self.call ~= call then return true end
    free(self)
    return take(self, kit.step(self.flight, nil, ...))
  end

  --- An event of the kit's. Returns whether there may be more to do at once.
  function take(self, what, a, b, c, ...)
    if what == kit.done then
      settle(self.by_slot[a], a, b, c, ...)
      return true
    end
    if what == kit.called then
      local call, y = {}, ...
      self.is_running, self.call = true, call
      if y == nil then return resume(self, call, kit.protect(b, c)) end
      return resume(self, call, kit.protect(b, c, y))
    end
    self.due = now() + a
    return false
  end

  --- The flight cannot be, or goes on elsewhere: so with all of it, and all that waits for it.
  local function give_up(self, text)
    for _, send in pairs(self.by_slot) do send:cancel(text) end
    local send = first_waiting(self)
    while send do
      send:cancel(text)
      send = first_waiting(self)
    end
  end

  local function begin(self)
    local good, text = kit.begin(self.flight)
    self.has_begun = true
    if not good then give_up(self, text) end
  end

  --- Another errand of the client's has it: a Send, say, whose function has called us, or has yielded.
  local function stand_back(self)
    end_late(self)
    self.due = now() + BUSY_MS
    if not self.results then kit.nudge(self.flight, BUSY_MS) end
    return false
  end

  function Batch:leave()
    local why = kit.disowned(self.flight)
    if why then give_up(self, why) end
    return why ~= nil
  end

  local function has_ended(self)
    local _, why = kit.look(self.flight)
    return why ~= nil
  end

  --- Close has ended those that were on their way; the others go on in a flight that begins anew.
  local function is_swept(self)
    if not has_ended(self) or next(self.by_slot) then return false end
    kit.stop(self.flight)
    self.has_begun = false
    return true
  end

  function Batch:step(budget)
    if self.taken then note(self) end
    if self:leave() then return true end
    if self.has_begun and is_swept(self) then self.due = now() end
    if not self.has_begun then
      if kit.is_busy(self.flight) then return stand_back(self) end
      begin(self)
      if self.results then return true end
    end
    local send = not has_ended(self) and fill(self)
    if self.results then return true end
    local left = send and send:left() or nil
    return take(self, kit.run(self.flight, nil, budget, left and math.max(0, math.ceil(left))))
  end

  function Batch:rescue()
    if self:leave() then return true end
    if has_ended(self) then
      kit.forget_call(self.flight)
      free(self)
      return true
    end
    for _, send in pairs(self.by_slot) do
      if send:is_late() then
        send:cancel "the task was cancelled"
        break
      end
    end
    return not self.is_running
  end

  --- Until the first of those on their way is late; nil: never.
  function Batch:left()
    local least
    for _, send in pairs(self.by_slot) do
      local left = send:left()
      if left and left < (least or math.huge) then least = left end
    end
    return least
  end

  function Batch:nudge()
    kit.nudge(self.flight, 0)
  end

  function Batch:wait(ms)
    kit.wait(self.flight, ms, self.is_running)
  end

  function Batch:descriptor()
    return kit.descriptor(self.flight)
  end

  local function new_batch(flight)
    return setmetatable({
      flight = flight, waiting = {}, first = 1, last = 0, by_slot = {}, taken = false, taken_slot = false, n_open = 0,
      due = 0, has_begun = false, is_running = false, call = nil, results = false,
    }, Batch)
  end

  --- The one that the next Send of the client belongs to: never one that goes to another server, or as somebody else.
  local function batch_of(client)
    local batch = tasks.last(client)
    if batch and getmetatable(batch) == Batch and not batch.results and kit.fits(batch.flight, client) then return batch end
    local flight, text, detail = kit.open(client, { window = 1, is_watched = true })
    if not flight then return nil, text, detail end
    return new_batch(flight)
  end

  --- What there may be no memory for comes first: a batch never waits for one that is not in it.
  local function add(batch, send)
    local place = batch.last + 1
    send.batch, send.place = batch, place
    batch.waiting[place] = send
    batch.n_open, batch.last = batch.n_open + 1, place
  end

  local function new_task(client, message, text, detail)
    if not message then return tasks.new(client, setmetatable({ results = pack(nil, text, detail) }, Send)) end
    local batch
    local send = setmetatable({
      message = message, till = text, slot = false, results = false, room = { false, false, false, n = 0 },
    }, Send)
    batch, text, detail = batch_of(client)
    if not batch then return new_task(client, nil, text, detail) end
    local task = tasks.new(client, send)
    add(batch, send)
    tasks.enqueue(client, batch)
    if tasks.first(client) == batch and (not batch.has_begun or kit.room(batch.flight) > 0) then task:Step(0) end
    return task
  end

  local methods = {}

  --- Begins a Send that goes on while the program does something else. What the message, its options and the client's properties are is
  -- taken now. Wrong types raise as in Send; all else is the task's result. A client's tasks go over up to `MaxConnections`
  -- connections at once, in the order of the calls. One that is for another server, or another login, than those before it waits for
  -- their end.
  -- @function SmtpClient:SendAsync
  -- @tparam MailMessage Message
  -- @tparam[opt] table options as of Send
  -- @treturn Task
  function methods.SendAsync(client, message, options)
    local good, waiting, text, detail = pcall(kit.take, client, message, options)
    if not good then error(waiting, 2) end
    return new_task(client, waiting, text, detail)
  end

  return methods
end
