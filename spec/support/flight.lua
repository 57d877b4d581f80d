-- What many.lua gets from the C core, played: a clock that goes on when somebody waits, and a server that says what the spec wants.

local netmail = require "netmail"

local flight = {}

flight.message = netmail.MailMessage

local function recipient(address, code)
  return { Address = address, Code = code, Reply = code and tostring(code) .. " said", Temporary = code and code < 500 or nil }
end

local function lists(fates)
  local t = { Accepted = {}, Rejected = {}, Unknown = {}, NotSent = {} }
  for address, code in pairs(fates) do
    local list = type(code) == "number" and (code < 400 and t.Accepted or t.Rejected) or t[code]
    list[#list + 1] = recipient(address, type(code) == "number" and code or nil)
  end
  return t
end

--- What Send would return for these fates: of each address a code, "Unknown" or "NotSent".
function flight.answer(fates, kind)
  local t = lists(fates)
  local n_bad = #t.Rejected + #t.NotSent
  if #t.Unknown > 0 then
    t.Outcome, t.Kind = "unknown", kind or "connect"
  elseif #t.Accepted > 0 then
    t.Outcome = n_bad > 0 and "partial" or "accepted"
    return t, n_bad > 0 and n_bad .. " missed" or nil
  elseif #t.Rejected > 0 then
    t.Outcome, t.Kind, t.Temporary = "rejected", kind or "recipient", t.Rejected[1].Temporary
  else
    t.Outcome, t.Kind, t.Temporary = "not_sent", kind or "connect", kind == nil or kind == "connect" or kind == "timeout"
  end
  t.Message = t.Outcome .. " by " .. t.Kind
  return nil, t.Message, t
end

--- As the core's: pcall of Lua 5.1 cannot be yielded across.
local function protect(f, ...)
  if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") or not coroutine.running() then return pcall(f, ...) end
  local thread = coroutine.create(f)
  local function pass(good, ...)
    if coroutine.status(thread) == "suspended" then return pass(coroutine.resume(thread, coroutine.yield(...))) end
    return good, ...
  end
  return pass(coroutine.resume(thread, ...))
end

--- What is known after another try: those who got it have it, and who did not answer keeps the answer that he gave.
local function merge(before, later)
  local all = {}
  for address, code in pairs(before or {}) do all[address] = code end
  for address, code in pairs(later) do
    if code ~= "NotSent" or not all[address] then all[address] = code end
  end
  return all
end

--- options: `Latency` (ms), `Serve(message, try, time)` gives fates and kind (default: accepted), and as a third value another latency;
-- `Up`: how many connections are up; `Tick()`: ms that pass with each look at the clock; `Deadline` (ms); `Queued(message, try)`:
-- whether no connection ever takes it. Everything is counted in the table that comes back second.
function flight.kit(options)
  local clock, log = 0, { puts = 0, peak = 0, waits = 0, closed = 0, opened = {}, put_at = {}, tries = {} }
  local kit = { called = {}, done = {}, accepted = {}, waits = {} }
  local latency = options.Latency or 10

  local function serve(f, slot, extra)
    local s = f.slots[slot]
    s.try = s.try + 1
    local fates, kind, own
    if options.Serve then fates, kind, own = options.Serve(s.message, s.try, clock, s.options) end
    s.known = s.fates
    s.fates, s.kind, s.is_flying = merge(s.fates, fates or { ["b@example.test"] = 250 }), kind, true
    s.at = clock + (own or latency) + (extra or 0)
    s.is_begun = not (options.Queued and options.Queued(s.message, s.try))
    if not s.is_begun or s.till and s.at > s.till then
      s.fates, s.kind, s.at = merge(s.known, { ["b@example.test"] = "NotSent" }), "timeout", math.max(clock, s.till or math.huge)
    end
    f.n = f.n + 1
    log.puts, log.peak = log.puts + 1, math.max(log.peak, f.n)
    log.put_at[#log.put_at + 1] = clock
    log.tries[s.message] = s.try
  end

  local function next_done(f)
    local first
    for slot, s in pairs(f.slots) do
      if s.is_flying and (not first or s.at < f.slots[first].at or s.at == f.slots[first].at and slot < first) then first = slot end
    end
    return first
  end

  function kit.now()
    if options.Tick then clock = clock + options.Tick() end
    return clock
  end
  kit.protect = protect
  kit.tasks = { finish_forgotten = function() end } -- there are none
  function kit.descriptor() return nil end
  function kit.disowned() return nil end
  function kit.room(f) return f.limits.window * (f.limits.connections or 1) - f.n, options.Up and options.Up(clock) or 0 end
  function kit.look(f)
    local slot = next_done(f)
    return kit.room(f) == 0 or slot and f.slots[slot].at <= clock, f.ended
  end

  function kit.open(client, limits)
    if client == "busy" then return nil, "the client is busy", { Kind = "message" } end
    log.opened[#log.opened + 1] = limits
    log.flight = { limits = limits, slots = {}, n = 0 }
    return log.flight
  end

  function kit.put(f, message, send_options, anyhow)
    if f.ended and not anyhow then return nil end
    if send_options ~= nil and type(send_options) ~= "table" then error("bad options", 0) end
    local slot = 1
    while f.slots[slot] do slot = slot + 1 end
    f.slots[slot] = { message = message, try = 0, options = send_options, till = options.Deadline and clock + options.Deadline }
    log.slots = math.max(log.slots or 0, slot)
    serve(f, slot)
    return slot, (kit.look(f))
  end

  function kit.again(f, slot)
    assert(f.slots[slot] and not f.slots[slot].is_flying, "again of a slot that is not done")
    if options.Once then return false end
    serve(f, slot)
    return true, (kit.look(f))
  end

  function kit.last_try(f, slot)
    local s = f.slots[slot]
    assert(s and not s.is_flying, "last_try of a slot that is not done")
    return s.is_begun, s.till
  end

  function kit.release(f, slot)
    assert(f.slots[slot] and not f.slots[slot].is_flying, "release of a slot that is not done")
    f.slots[slot] = nil
  end

  --- The next that is over by now; nil: there is none.
  local function next_over(f)
    local slot = next_done(f)
    if slot and f.slots[slot].at <= clock then return slot, flight.answer(f.slots[slot].fates, f.slots[slot].kind) end
  end

  local function land(f, slot, is_released)
    f.slots[slot].is_flying, f.n = false, f.n - 1
    if is_released then f.slots[slot] = nil end
  end

  local function count_accepted(f, messages)
    local n = 0
    local slot, result, text = next_over(f)
    while f.limits.is_plain and result and not text do
      assert(messages[slot] == f.slots[slot].message, "the messages are not those of the flight")
      messages[slot] = nil
      land(f, slot, true)
      n = n + 1
      slot, result, text = next_over(f)
    end
    return n
  end

  function kit.run(f, messages, budget, wakes_in)
    assert(not f.is_closed, "run of a closed flight")
    if options.Called and not f.has_called then
      f.has_called = true
      return kit.called, f, options.Called, "x", nil
    end
    local n = count_accepted(f, messages)
    if n > 0 then return kit.accepted, n end
    local slot, result, text, detail = next_over(f)
    if slot then
      land(f, slot, not text)
      return kit.done, slot, result, text, detail
    end
    log.waits = log.waits + 1
    f.wakes_in = wakes_in
    slot = next_done(f)
    return kit.waits, budget == 0 and 0 or slot and f.slots[slot].at - clock or 1e6
  end

  function kit.another(f)
    assert(not f.is_closed, "another of a closed flight")
    local slot, result, text = next_over(f)
    if not result or text or f.ended then return nil end
    land(f, slot, true)
    return slot, result
  end

  function kit.step(f, messages, ...)
    log.stepped = { ... }
    return kit.run(f, messages)
  end

  function kit.wait(f, ms)
    local slot = next_done(f)
    assert(slot or ms < 1e6, "waits for nothing")
    clock = math.min(clock + ms, slot and f.slots[slot].at or math.huge)
  end

  function kit.cancel(f, why)
    assert(type(why) == "string")
    for _, s in pairs(f.slots) do
      if s.is_flying then
        local begun = options.Begun and options.Begun(s.message)
        s.fates, s.kind, s.at = merge(s.known, { ["b@example.test"] = begun and "Unknown" or "NotSent" }), "cancelled", clock
        s.is_begun = begun == true
      end
    end
    log.cancelled = (log.cancelled or 0) + 1
  end

  function kit.close(f)
    assert(not f.is_closed)
    f.is_closed = true
    log.closed = log.closed + 1
    log.left = next(f.slots)
  end

  function log.pass(ms) clock = clock + ms end

  return kit, log
end

--- So many messages, each of which has its number as its subject.
function flight.messages(n)
  local all = {}
  for i = 1, n do all[i] = netmail.MailMessage { From = "a@example.test", To = "b@example.test", Subject = tostring(i), Text = "x" } end
  return all
end

return flight
