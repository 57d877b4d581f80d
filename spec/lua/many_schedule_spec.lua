-- SendMany: which message goes when, and what the program is told; with a clock and a server that are played.

local flight = require "spec.support.flight"

local function api(options)
  local kit, log = flight.kit(options or {})
  return require "netmail.many"(kit), log, kit
end

local function number(message) return tonumber(message.Subject) end

--- A function that gives the messages one after another, and counts.
local function giver(messages)
  local i = 0
  return function()
    i = i + 1
    return messages[i]
  end, function() return i end
end

local function fates(code) return { ["b@example.test"] = code } end

describe("many messages", function()
  it("all have their outcome, from an array or a function", function()
    local all = flight.messages(100)
    for _, source in ipairs { all, (giver(all)) } do
      local many, log = api()
      local summary, warning = many.SendMany("client", source)
      assert.is_nil(warning)
      assert.equal(100, summary.Total)
      assert.equal(100, summary.Accepted)
      assert.equal(0, summary.NotSent + summary.Partial + summary.Rejected + summary.Unknown + summary.Retries)
      assert.same({}, summary.Failures)
      assert.equal(1, log.closed)
      assert.is_nil(log.left)
    end
  end)

  it("may be none", function()
    local many, log = api()
    local summary, warning = many.SendMany("client", {})
    assert.equal(0, summary.Total)
    assert.is_nil(warning)
    assert.equal(1, log.closed)
  end)

  it("come with options of their own", function()
    local seen = {}
    local function serve(message, _, _, options) seen[number(message)] = options and options.From or "-" end
    local all = flight.messages(3)
    local many = api { Serve = serve }
    many.SendMany("client", { all[1], { Message = all[2], Options = { From = "x" } }, { Message = all[3] } })
    assert.same({ "-", "x", "-" }, seen)
    local i = 0
    many.SendMany("client", function()
      i = i + 1
      return all[i], { From = "f" .. i }
    end)
    assert.same({ "f1", "f2", "f3" }, seen)
  end)

  it("are on their way as many at once as the window and the connections allow, and no more are taken from the source", function()
    local source, taken = giver(flight.messages(200))
    local many, log = api()
    local most = 0
    many.SendMany("client", source, { Window = 5, Connections = 2, OnResult = function(_, _, _, _, index)
      most = math.max(most, taken() - index + 1)
    end })
    assert.equal(10, log.peak)
    assert.equal(10, log.slots)
    assert.is_true(most <= 10, most)
    assert.same({ connections = 2, window = 5, is_plain = false }, log.opened[1])
  end)

  it("are given back in the order in which they are over", function()
    local many = api { Serve = function(message) return nil, nil, 100 - 10 * number(message) end }
    local all, order = flight.messages(5), {}
    local unset = {}
    many.SendMany("client", all, { OnResult = function(message, result, err, detail, index)
      assert.equal(all[index], message)
      assert.equal("accepted", result.Outcome)
      unset[#unset + 1] = err or detail
      order[#order + 1] = index
    end })
    assert.same({ 5, 4, 3, 2, 1 }, order)
    assert.same({}, unset)
  end)

  it("that fail are counted, told of, and end nothing", function()
    local answers = { 250, 550, "NotSent", "Unknown", 250 }
    local kinds = { nil, nil, "message", nil, nil }
    local options = { Serve = function(m) return fates(answers[number(m)]), kinds[number(m)] end }
    local summary, warning = api(options).SendMany("client", flight.messages(5))
    assert.equal(2, summary.Accepted)
    assert.equal(1, summary.Rejected)
    assert.equal(1, summary.NotSent)
    assert.equal(1, summary.Unknown)
    assert.equal("of 5 messages 1 rejected, 1 not sent, 1 of unknown outcome; first: rejected by recipient", warning)
    assert.equal(3, #summary.Failures)
    assert.equal(2, summary.Failures[1].Index)
    assert.equal("2", summary.Failures[1].Message.Subject)
    assert.equal("rejected", summary.Failures[1].Detail.Outcome)
    assert.equal("rejected by recipient", summary.Failures[1].Error)
  end)

  it("keep only so many failures in memory", function()
    local summary = api { Serve = function() return fates(550) end }.SendMany("client", flight.messages(150))
    assert.equal(150, summary.Rejected)
    assert.equal(100, #summary.Failures)
  end)

  it("are not begun when the client is busy", function()
    local summary, err, detail = api().SendMany("busy", flight.messages(1))
    assert.is_nil(summary)
    assert.equal("the client is busy", err)
    assert.equal("message", detail.Kind)
  end)

  it("stop after the first that nobody got, if so wished", function()
    local told = 0
    local many, log = api { Serve = function(m) return fates(number(m) == 7 and 550 or 250) end }
    local summary, warning = many.SendMany("client", flight.messages(100), {
      Window = 4, StopOnError = true, OnResult = function() told = told + 1 end,
    })
    assert.equal("rejected by recipient", summary.Stopped)
    assert.is_truthy(warning:find("^stopped: rejected by recipient"))
    assert.is_true(summary.Total < 12, summary.Total)
    assert.equal(told, summary.Total)
    assert.equal(log.puts, summary.Total)
  end)

  it("hand on what the core wants to have called", function()
    local many, log = api { Called = function(x) return "answer to " .. x end }
    many.SendMany("client", flight.messages(1))
    assert.same({ true, "answer to x" }, log.stepped)
  end)
end)

describe("options of SendMany", function()
  it("raise when they are wrong, with their name", function()
    local many = api()
    local wrong = {
      { { Windw = 5 }, "SendMany has no option 'Windw'" },
      { { Window = 0 }, "'Window' (whole number from 1 to 1024 expected, got 0)" },
      { { Window = 1.5 }, "got 1.5" },
      { { Connections = "2" }, "'Connections'" },
      { { RatePerSecond = 0 }, "'RatePerSecond'" },
      { { RatePerMinute = 0 / 0 }, "'RatePerMinute'" },
      { { Retry = { Trys = 3 } }, "Retry has no option 'Trys'" },
      { { Retry = "3" }, "number of tries or table expected, got string" },
      { { Retry = 0 }, "'Retry' (whole number from 1 to 100" },
      { { Retry = { Jitter = 2 } }, "'Jitter'" },
      { { OnResult = 5 }, "'OnResult' (function expected, got number)" },
      { { StopOnError = 1 }, "'StopOnError' (boolean expected, got number)" },
      { "x", "bad argument #2 to 'SendMany' (table of options expected, got string)" },
    }
    for _, w in ipairs(wrong) do
      local good, err = pcall(function() many.SendMany("client", {}, w[1]) end)
      assert.is_false(good)
      assert.is_truthy(err:find(w[2], 1, true), err)
      assert.is_truthy(err:find("many_schedule_spec.lua", 1, true), err)
    end
    local good, err = pcall(function() many.SendMany("client", flight.messages(1)[1]) end)
    assert.is_false(good)
    assert.is_truthy(err:find("array of messages or function expected, got userdata", 1, true), err)
  end)

  it("may be functions in tables' clothes", function()
    local many = api()
    local all, told = giver(flight.messages(3)), 0
    local summary = many.SendMany("client", setmetatable({}, { __call = function() return all() end }), {
      OnResult = setmetatable({}, { __call = function() told = told + 1 end }),
    })
    assert.equal(3, summary.Accepted)
    assert.equal(3, told)
  end)
end)

describe("a source", function()
  it("that is wrong raises, and what is on its way comes to its end", function()
    local m = flight.messages(3)
    local sources = {
      { { m[1], m[2], "x" }, "message 3 of the source is a string" },
      { { m[1], m[2], {} }, "message 3 of the source is a table" },
      { { m[1], m[2], false, m[3] }, "message 3 of the source is a boolean" },
      { { m[1], m[2], { Message = m[3], Options = 5 } }, "bad options" },
      { { m[1], { Message = 7 } }, "message 2 of the source is a number" },
    }
    for _, s in ipairs(sources) do
      local many, log = api()
      local told = 0
      local good, err = pcall(many.SendMany, "client", s[1], { OnResult = function() told = told + 1 end })
      assert.is_false(good)
      assert.is_truthy(err:find(s[2], 1, true), err)
      assert.equal(log.puts, told)
      assert.is_true(told >= 1)
      assert.equal(1, log.closed)
      assert.is_nil(log.cancelled)
    end
  end)

  it("that raises a value raises that value", function()
    local many, log = api()
    local all, value, told = giver(flight.messages(5)), {}, 0
    local good, err = pcall(many.SendMany, "client", function() return all() or error(value) end, {
      OnResult = function() told = told + 1 end,
    })
    assert.is_false(good)
    assert.equal(value, err)
    assert.equal(5, told)
    assert.equal(1, log.closed)
  end)

  it("that has nothing now is asked again, and holds nothing up", function()
    local many, log, kit = api()
    local all, asked = flight.messages(4), {}
    local i = 0
    local summary = many.SendMany("client", function()
      asked[#asked + 1] = kit.now()
      if i == 2 and kit.now() < 120 then return false end
      if i == 3 and kit.now() < 3000 then return false, 1 end
      i = i + 1
      return all[i]
    end)
    assert.equal(4, summary.Accepted)
    assert.is_true(#asked < 25, #asked)
    assert.is_true(log.put_at[3] >= 120 and log.put_at[3] <= 170, log.put_at[3])
    assert.is_true(log.put_at[4] >= 3000 and log.put_at[4] <= 4100, log.put_at[4])
  end)

  it("may grow while it is sent", function()
    local many = api()
    local all, more = flight.messages(2), flight.messages(5)
    local summary = many.SendMany("client", all, { Window = 1, OnResult = function(_, _, _, _, i) all[i + 2] = more[i] end })
    assert.equal(7, summary.Accepted)
  end)

  it("and callbacks may yield", function()
    local many, log = api()
    local all = giver(flight.messages(3))
    local thread = coroutine.wrap(function()
      local summary = many.SendMany("client", function() return coroutine.yield "source" or all() end, {
        OnResult = function() coroutine.yield "result" end,
        OnProgress = function() coroutine.yield "progress" end,
      })
      return summary.Accepted
    end)
    local seen = {}
    repeat
      seen[#seen + 1] = thread()
    until type(seen[#seen]) == "number"
    assert.equal("source,source,source,source,result,result,result,progress,3", table.concat(seen, ","))
    assert.equal(1, log.closed)
  end)
end)

describe("a callback that raises", function()
  it("ends it when what is on its way is over, and is not called again", function()
    for _, which in ipairs { "OnResult", "OnProgress" } do
      local many, log = api { Latency = 400 }
      local value, calls = {}, 0
      local source, taken = giver(flight.messages(100))
      local good, err = pcall(many.SendMany, "client", source, { Window = 8, [which] = function()
        calls = calls + 1
        error(value)
      end })
      assert.is_false(good)
      assert.equal(value, err)
      assert.equal(1, calls)
      assert.equal(log.puts, taken())
      assert.is_true(taken() <= 9, taken())
      assert.equal(1, log.closed)
      assert.is_nil(log.left)
      assert.is_nil(log.cancelled)
    end
  end)
end)

describe("progress", function()
  it("is shown some times a second, and at the end", function()
    local seen = {}
    local many = api { Serve = function(m) return fates(number(m) % 10 == 0 and 550 or 250) end }
    many.SendMany("client", flight.messages(300), { Window = 1, OnProgress = function(p) seen[#seen + 1] = p end })
    assert.is_true(#seen >= 11 and #seen <= 13, #seen) -- three seconds
    local last = seen[#seen]
    assert.equal(300, last.Done)
    assert.equal(300, last.Total)
    assert.equal(30, last.Rejected)
    assert.equal(270, last.Accepted)
    assert.equal(0, last.InFlight + last.Waiting)
    assert.equal(3, last.Seconds)
    assert.equal(100, last.PerSecond)
    for i = 2, #seen do assert.is_true(seen[i].Done >= seen[i - 1].Done) end
  end)
end)

describe("a rate", function()
  local function gaps(options, n)
    local many, log = api { Latency = 1 }
    many.SendMany("client", flight.messages(n), options)
    return log.put_at
  end

  it("is kept evenly", function()
    local at = gaps({ RatePerSecond = 4 }, 9)
    for i = 2, 9 do assert.equal(250, at[i] - at[i - 1]) end
    at = gaps({ RatePerMinute = 30 }, 4)
    for i = 2, 4 do assert.equal(2000, at[i] - at[i - 1]) end
    at = gaps({ RatePerSecond = 0.5 }, 3)
    assert.equal(4000, at[3])
    at = gaps({ RatePerSecond = 10, RatePerMinute = 60 }, 4)
    assert.equal(3000, at[4])
  end)

  it("lets through no more in a second than its number and a tenth, and in all what it says", function()
    local at = gaps({ RatePerSecond = 100, Window = 1000 }, 1000)
    local first = 1
    for i = 1, #at do
      while at[i] - at[first] >= 1000 do first = first + 1 end
      assert.is_true(i - first + 1 <= 110, i - first + 1)
    end
    assert.is_true(at[1000] > 9800 and at[1000] <= 10000, at[1000])
  end)

  it("lets who came late catch up a tenth of a second", function()
    local limit = require "netmail.rate".new(100)
    local time, sent = 0, 0
    for _ = 1, 100 do
      while limit:wait(time) <= 0 do
        limit:take(time)
        sent = sent + 1
      end
      time = time + 100 -- ten steps a second
    end
    assert.is_true(sent >= 990 and sent <= 1010, sent)
    time, sent = time + 1e6, 0
    while limit:wait(time) <= 0 do
      limit:take(time)
      sent = sent + 1
    end
    assert.equal(10, sent)
  end)

  it("counts tries", function()
    local many, log = api { Latency = 1, Serve = function(_, try) return fates(try == 1 and 450 or 250) end }
    local summary = many.SendMany("client", flight.messages(3), { RatePerSecond = 1, Retry = { Tries = 2, Delay = 0 } })
    assert.equal(3, summary.Accepted)
    assert.equal(6, #log.put_at)
    for i = 2, 6 do assert.is_true(log.put_at[i] - log.put_at[i - 1] >= 1000) end
  end)
end)

describe("retry", function()
  it("is for what was refused for now, or could not be sent, and for nothing else", function()
    local cases = {
      { 450, nil, 3 }, { 550, nil, 1 }, { "Unknown", nil, 1 }, { "NotSent", "message", 1 }, { "NotSent", "timeout", 3 },
      { "NotSent", "tls", 1 },
    }
    for _, c in ipairs(cases) do
      local many, log = api { Serve = function() return fates(c[1]), c[2] end }
      local all, told = flight.messages(1), 0
      local summary = many.SendMany("client", all, { Retry = 3, OnResult = function() told = told + 1 end })
      assert.equal(c[3], log.tries[all[1]], c[1])
      assert.equal(c[3] - 1, summary.Retries)
      assert.equal(1, told)
      assert.equal(0, summary.Accepted)
    end
  end)

  it("leaves a message alone that somebody may have, whatever was said of others", function()
    local many, log = api { Serve = function() return { a = "Unknown", b = 450, c = "NotSent" } end }
    local all = flight.messages(1)
    assert.equal(1, many.SendMany("client", all, { Retry = 3 }).Unknown)
    assert.equal(1, log.tries[all[1]])
  end)

  it("says how many tries there were", function()
    local many = api { Serve = function(_, try) return fates(try < 3 and 450 or 250) end }
    local tries
    local summary = many.SendMany("client", flight.messages(1), { Retry = 5, OnResult = function(_, r) tries = r.Tries end })
    assert.equal(3, tries)
    assert.equal(1, summary.Accepted)
    assert.equal(2, summary.Retries)
  end)

  it("comes later each time, up to a bound", function()
    local many, log = api { Latency = 0, Serve = function() return fates(450) end }
    many.SendMany("client", flight.messages(1), { Retry = { Tries = 7, Delay = 1, Factor = 3, MaxDelay = 20, Jitter = 0 } })
    assert.same({ 0, 1000, 4000, 13000, 33000, 53000, 73000 }, log.put_at)
  end)

  it("comes at random within the jitter", function()
    local retry = require "netmail.retry"
    local policy = retry.new(5, 10, 2, 1000, 0.5, 10)
    local least, most, sum = math.huge, 0, 0
    for _ = 1, 2000 do
      local d = policy:delay(2)
      least, most, sum = math.min(least, d), math.max(most, d), sum + d
    end
    assert.is_true(least >= 10000 and least < 10500, least)
    assert.is_true(most <= 20000 and most > 19500, most)
    assert.is_true(math.abs(sum / 2000 - 15000) < 500, sum / 2000)
    assert.equal(1000000, retry.new(5, 10, 100, 1000, 0, 10):delay(1000))
  end)

  it("is for those recipients alone who have not got it, and the result is of all tries", function()
    local rounds = {
      { a = 250, b = 450, c = 550, d = "NotSent" },
      { b = 451, d = 250 },
      { b = 250 },
    }
    local many = api { Serve = function(_, try) return rounds[try] end }
    local got, warning
    many.SendMany("client", flight.messages(1), { Retry = 5, OnResult = function(_, r, w) got, warning = r, w end })
    assert.equal("partial", got.Outcome)
    assert.equal(3, #got.Accepted)
    assert.equal(1, #got.Rejected)
    assert.equal("c", got.Rejected[1].Address)
    assert.same({}, got.NotSent)
    assert.same({}, got.Unknown)
    assert.equal(3, got.Tries)
    assert.equal("1 missed", warning)
  end)

  it("of a message that cannot go again ends with what there is", function()
    local many, log = api { Once = true, Serve = function() return fates(450) end }
    local summary = many.SendMany("client", flight.messages(20), { Retry = 5, Window = 4 })
    assert.equal(20, summary.Rejected)
    assert.equal(0, summary.Retries)
    assert.equal(20, log.puts)
    assert.is_nil(log.left)
  end)

  it("lets no more wait than it is told, and does not ask the source meanwhile", function()
    local source, taken = giver(flight.messages(100))
    local most = 0
    local many = api { Serve = function(_, try) return fates(try == 1 and 450 or 250) end }
    local summary = many.SendMany("client", source, {
      Window = 4, Retry = { Tries = 2, Delay = 60, Waiting = 10 }, OnProgress = function(p) most = math.max(most, p.Waiting) end,
      OnResult = function(_, _, _, _, i) assert.is_true(taken() - i < 40) end,
    })
    assert.equal(100, summary.Accepted)
    assert.is_true(most <= 14, most)
  end)

  it("is left when it stops", function()
    local many, log = api { Serve = function(m) return fates(number(m) == 3 and 550 or 450) end }
    local summary = many.SendMany("client", flight.messages(5), { StopOnError = true, Retry = { Tries = 9, Delay = 3600 } })
    assert.equal(5, summary.Total)
    assert.equal(5, summary.Rejected)
    assert.equal(5, log.puts)
    assert.is_true(summary.Seconds < 1)
    local n = 0
    for _, failure in ipairs(summary.Failures) do
      n = n + (failure.Detail.GivenUp == "StopOnError has ended the sending" and 1 or 0)
    end
    assert.equal(4, n)
  end)

  it("counts no try that did not come about for want of a connection", function()
    local many, log = api { Serve = function(message, try, time)
      local is_away = try > 1 and time < 10000
      return fates(try == 1 and 450 or is_away and "NotSent" or 250), is_away and "connect" or nil, 10 * number(message)
    end }
    local tries = 0
    local summary = many.SendMany("client", flight.messages(40), {
      Retry = { Tries = 20, Delay = 1, Factor = 1, Jitter = 0 }, Window = 4,
      OnResult = function(_, result) tries = tries + (result.Tries or 1) end,
    })
    assert.equal(40, summary.Accepted)
    assert.is_true(log.cancelled > 0)
    assert.equal(tries - 40, summary.Retries)
    assert.is_true(summary.Retries < log.puts - 40, summary.Retries)
  end)
end)

describe("a message that waits for its next try", function()
  local NO_TIME = "its Deadline leaves no time for that"
  local TEXT = "rejected by recipient; it was not tried again: "

  --- What is told of the messages, each with `At`, in ms.
  local function told(options, messages, given)
    local many, _, kit = api(options)
    local all = {}
    given.OnResult = function(_, result, err, detail, index)
      all[index] = { At = kit.now(), Error = err, Detail = detail, Result = result, Tries = (result or detail).Tries }
    end
    return all, many.SendMany("client", messages, given)
  end

  local function later() return fates(450) end

  it("is over as soon as its Deadline leaves no time for it, and says what it was refused for", function()
    local all, summary = told({ Deadline = 10000, Serve = later }, flight.messages(1), { Retry = { Tries = 9, Delay = 4, Jitter = 0 } })
    assert.equal(4020, all[1].At) -- the third would come after 12 seconds
    assert.equal(TEXT .. NO_TIME, all[1].Error)
    assert.equal(all[1].Error, all[1].Detail.Message)
    assert.equal(NO_TIME, all[1].Detail.GivenUp)
    assert.equal("rejected", all[1].Detail.Outcome)
    assert.equal("recipient", all[1].Detail.Kind)
    assert.equal(450, all[1].Detail.Rejected[1].Code)
    assert.equal(2, all[1].Tries)
    assert.equal(1, summary.Retries)
  end)

  it("is not_sent when that is proven", function()
    local all, summary = told({ Deadline = 10000, Serve = function() return fates "NotSent" end }, flight.messages(1), {
      Retry = { Tries = 9, Delay = 20 },
    })
    assert.equal(10, all[1].At)
    assert.equal("not_sent", all[1].Detail.Outcome)
    assert.equal("connect", all[1].Detail.Kind)
    assert.equal(NO_TIME, all[1].Detail.GivenUp)
    assert.equal(0, summary.Retries)
  end)

  it("is a result with a warning when some have got it", function()
    local all = told({ Deadline = 10000, Serve = function() return { a = 250, b = 450 } end }, flight.messages(1), {
      Retry = { Tries = 2, Delay = 20 },
    })
    assert.equal("partial", all[1].Result.Outcome)
    assert.equal("1 missed; it was not tried again: " .. NO_TIME, all[1].Error)
    assert.equal(NO_TIME, all[1].Result.GivenUp)
    assert.is_nil(all[1].Result.Message)
  end)

  it("says nothing of that when its Deadline or its last try ended", function()
    local all, summary = told({ Deadline = 5, Serve = later }, flight.messages(1), { Retry = { Tries = 2, Delay = 0 } })
    assert.equal(5, all[1].At)
    assert.equal("not_sent by timeout", all[1].Error)
    assert.is_nil(all[1].Detail.GivenUp)
    assert.equal(0, summary.Retries)
    all, summary = told({ Deadline = 10000, Serve = later }, flight.messages(1), { Retry = { Tries = 2, Delay = 0 } })
    assert.equal("rejected by recipient", all[1].Error)
    assert.is_nil(all[1].Detail.GivenUp)
    assert.equal(1, summary.Retries)
  end)

  it("is over at its Deadline though it is due: for its rate", function()
    local all, summary = told({ Deadline = 3000, Serve = later }, flight.messages(1), {
      RatePerSecond = 0.1, Retry = { Tries = 9, Delay = 1, Jitter = 0 },
    })
    assert.equal(3000, all[1].At)
    assert.equal(TEXT .. NO_TIME, all[1].Error)
    assert.equal(0, summary.Retries)
  end)

  it("… for want of room", function()
    local all, summary = told({ Deadline = 3000, Serve = function(message)
      if number(message) == 1 then return fates(450) end
      return nil, nil, 2900
    end }, flight.messages(2), { Window = 1, Retry = { Tries = 9, Delay = 1, Jitter = 0 } })
    assert.equal(2910, all[2].At)
    assert.equal("accepted", all[2].Result.Outcome)
    assert.equal(1, summary.Retries) -- at 2.91 s
    all, summary = told({ Deadline = 3000, Serve = function(message)
      if number(message) == 1 then return fates(450) end
      return nil, nil, 2999
    end }, flight.messages(2), { Window = 1, Retry = { Tries = 9, Delay = 1, Jitter = 0 } })
    assert.equal(3000, all[1].At)
    assert.equal(TEXT .. NO_TIME, all[1].Error)
    assert.equal(3009, all[2].At)
    assert.equal(0, summary.Retries)
  end)

  it("… while the server is away", function()
    local all, summary = told({ Deadline = 5000, Serve = function() return fates "NotSent" end }, flight.messages(3), {
      Window = 1, Retry = { Tries = 9, Delay = 4, Factor = 1, Jitter = 0 },
    })
    assert.equal(4040, all[1].At) -- the probe
    assert.equal(2, all[1].Tries)
    assert.equal(5010, all[2].At)
    assert.equal(5020, all[3].At)
    for i = 1, 3 do
      assert.equal("not_sent", all[i].Detail.Outcome)
      assert.equal(NO_TIME, all[i].Detail.GivenUp)
    end
    assert.equal(1, summary.Retries)
  end)

  it("and then for a connection, until its Deadline, was not tried again", function()
    local all, summary = told({ Deadline = 3000, Serve = later, Queued = function(_, try) return try == 2 end }, flight.messages(1), {
      Retry = { Tries = 9, Delay = 1, Jitter = 0 },
    })
    assert.equal(3000, all[1].At)
    assert.equal(TEXT .. "rejected by timeout", all[1].Error) -- the core's sentence about the Deadline
    assert.is_nil(all[1].Tries)
    assert.equal(0, summary.Retries)
  end)

  --- Ended in the middle, when all wait: `Failures` of it.
  local function interrupted(options, interrupt)
    local source = require "netmail.many_source".new(flight.messages(3))
    local kit, log = flight.kit(options)
    local plan = require "netmail.many_options".read({ Retry = { Tries = 2, Delay = 1, Jitter = 0 } }, "SendMany")
    local run = require "netmail.many_run"(kit)(kit.open("client", plan.limits), source, plan)
    while kit.now() < 1500 do
      run:advance()
      log.pass(10)
    end
    interrupt(run, log.flight, kit)
    local _, err, detail = run:result()
    assert.equal("cancelled", detail.Kind)
    assert.equal(3, #detail.Summary.Failures)
    assert.equal(0, detail.Summary.Retries)
    assert.equal(3, detail.Summary.Rejected)
    return err, detail.Summary.Failures
  end

  it("says so when it is cancelled, or its client is closed", function()
    local ways = {
      function(run) run:cancel "the task was cancelled" end,
      function(run, f, kit)
        f.ended = "the client was closed"
        kit.cancel(f, f.ended)
        run:advance()
      end,
    }
    local waits = {
      { Serve = later, Latency = 1000 }, -- for its time
      { Serve = later, Queued = function(_, try) return try == 2 end }, -- and for a connection
    }
    for i, way in ipairs(ways) do
      for k, wait in ipairs(waits) do
        local err, failures = interrupted(wait, way)
        for _, failure in ipairs(failures) do
          assert.equal(TEXT .. (k == 1 and err or "rejected by cancelled"), failure.Error, i)
          assert.equal("rejected", failure.Detail.Outcome)
          assert.equal(450, failure.Detail.Rejected[1].Code)
          assert.is_nil(failure.Detail.Tries)
        end
      end
    end
  end)
end)

describe("a server that is not there", function()
  it("is not asked for each message: the rest fails at once, with the same sentence", function()
    local many, log = api { Serve = function() return fates "NotSent", "timeout", 100000 end }
    local told, sentences = 0, {}
    local summary, warning = many.SendMany("client", flight.messages(1000), { Window = 1, OnResult = function(_, _, err, detail)
      told = told + 1
      sentences[err] = true
      assert.equal("not_sent", detail.Outcome)
      assert.equal("timeout", detail.Kind)
      assert.equal("b@example.test", detail.NotSent[1].Address)
    end })
    assert.equal(1000, summary.NotSent)
    assert.equal(1000, told)
    assert.same({ ["not_sent by timeout"] = true }, sentences)
    assert.is_true(summary.Seconds <= 301, summary.Seconds) -- three Timeouts
    assert.is_truthy(warning:find("of 1000 messages 1000 not sent", 1, true))
    assert.equal(1, log.closed)
  end)

  it("ends those that wait for a connection too", function()
    local many, log = api { Serve = function(_, _, time)
      return fates "NotSent", "timeout", 10000 - time % 10000 -- all of a dial fail with it
    end }
    local summary = many.SendMany("client", flight.messages(1000), { Window = 16 })
    assert.equal(1000, summary.NotSent)
    assert.equal(30, summary.Seconds) -- three dials
    assert.is_true(log.cancelled > 1)
  end)

  it("for a moment costs those messages alone that waited for it", function()
    local many, log = api { Serve = function(_, _, time) return fates(time >= 1000 and time < 1005 and "NotSent" or 250), nil, 5 end }
    local summary = many.SendMany("client", flight.messages(5000), { Window = 16 })
    assert.equal(16, summary.NotSent)
    assert.equal(4984, summary.Accepted)
    assert.is_nil(log.cancelled)
  end)

  it("does not keep those from being sent that another connection takes", function()
    local many, log = api { Up = function() return 1 end, Serve = function(m) return fates(number(m) % 5 == 0 and 250 or "NotSent") end }
    local summary = many.SendMany("client", flight.messages(100), { Window = 2 })
    assert.equal(20, summary.Accepted)
    assert.equal(100, log.puts)
    assert.is_nil(log.cancelled)
  end)

  it("refuses a password once", function()
    local many, log = api { Serve = function() return fates "NotSent", "auth" end }
    local summary = many.SendMany("client", flight.messages(50), { Window = 1, Retry = 5 })
    assert.equal(50, summary.NotSent)
    assert.equal(0, summary.Retries)
    assert.is_true(summary.Seconds < 1)
    assert.is_true(log.cancelled >= 49)
  end)

  it("and comes back is used again, by all that may be tried again", function()
    local many = api { Serve = function(_, _, time) return fates(time < 60000 and "NotSent" or 250) end }
    local summary, warning = many.SendMany("client", flight.messages(500), { Retry = { Tries = 6, Delay = 5, Jitter = 0 } })
    assert.is_nil(warning)
    assert.equal(500, summary.Accepted)
    assert.is_true(summary.Seconds >= 60 and summary.Seconds < 200, summary.Seconds)
  end)

  it("is given up when no try is left, and with it all that waits", function()
    local source, taken = giver(flight.messages(300))
    local many, log = api { Serve = function() return fates "NotSent" end }
    local summary = many.SendMany("client", source, { Retry = { Tries = 3, Delay = 10, Factor = 2, Jitter = 0 }, Window = 10 })
    assert.equal(300, summary.NotSent)
    assert.equal(301, taken())
    assert.is_true(summary.Seconds >= 30 and summary.Seconds <= 32, summary.Seconds)
    assert.is_true(log.cancelled > 1)
  end)

  it("is tried again by who never runs out of messages", function()
    local served, i = 0, 0
    local all = flight.messages(1)
    local many, _, kit = api { Serve = function(_, _, time) return fates(time < 100000 and "NotSent" or 250) end }
    local summary = many.SendMany("client", function()
      i = i + 1
      if kit.now() > 200000 then return nil end
      if i % 2 == 0 then return false, 5 end
      return all[1]
    end, { OnResult = function(_, result) served = served + (result and 1 or 0) end })
    assert.is_true(served > 5, served)
    assert.equal(served, summary.Accepted)
    assert.is_true(summary.NotSent > 10)
  end)
end)

describe("SendEach", function()
  it("is a loop over messages and what became of them", function()
    local all, n = flight.messages(30), 0
    local many, log = api { Serve = function(m) return fates(number(m) % 3 == 0 and 550 or 250) end }
    local each = many.SendEach("client", all, { Window = 4 })
    for message, result, err, detail, index in each do
      n = n + 1
      assert.equal(all[index], message)
      if index % 3 == 0 then
        assert.is_nil(result)
        assert.equal("rejected", detail.Outcome)
        assert.equal("string", type(err))
      else
        assert.equal("accepted", result.Outcome)
        assert.is_nil(err)
      end
    end
    assert.equal(30, n)
    local summary, warning = each:Summary()
    assert.equal(20, summary.Accepted)
    assert.is_truthy(warning:find("10 rejected", 1, true))
    assert.equal(1, log.closed)
    assert.equal(4, log.peak)
  end)

  it("left early takes nothing more and waits for what is on its way", function()
    local many, log = api()
    local source, taken = giver(flight.messages(100))
    local each = many.SendEach("client", source, { Window = 8 })
    for _, result in each do
      if result then break end
    end
    each:Close()
    each:Close()
    assert.is_true(taken() <= 9, taken())
    assert.equal(log.puts, each:Summary().Total)
    assert.equal(1, log.closed)
    assert.is_nil(log.cancelled)
  end)

  it("closes itself where Lua can", function()
    if _VERSION ~= "Lua 5.4" then return pending "no closing values" end
    local many, log = api()
    for _, result in many.SendEach("client", flight.messages(100)) do
      if result then break end
    end
    assert.equal(1, log.closed)
    assert.is_false((pcall(function()
      for _, result in many.SendEach("client", flight.messages(100)) do error(result.Outcome) end
    end)))
    assert.equal(2, log.closed)
  end)

  it("raises what its source raises, and that the client is busy", function()
    local many, log = api()
    local all, n = giver(flight.messages(3)), 0
    local good, err = pcall(function()
      for _ in many.SendEach("client", function() return all() or error("oh", 0) end) do n = n + 1 end
    end)
    assert.is_false(good)
    assert.equal("oh", err)
    assert.equal(3, n)
    assert.equal(1, log.closed)
    good, err = pcall(function() local _ = many.SendEach("busy", {}) end)
    assert.is_false(good)
    assert.is_truthy(err:find("many_schedule_spec.lua.*the client is busy"), err)
    good, err = pcall(function() return many.SendEach("client", {}, { OnResult = print }) end)
    assert.is_false(good)
    assert.is_truthy(err:find("OnResult", 1, true), err)
  end)
end)

describe("a run", function()
  local function begin(options, source, given)
    local kit, log = flight.kit(options)
    local plan = require "netmail.many_options".read(given, "SendMany")
    local f = kit.open("client", plan.limits)
    return require "netmail.many_run"(kit)(f, require "netmail.many_source".new(source), plan), log, kit
  end

  it("cancelled says so, and counts what was over and what was not", function()
    local run, log = begin({ Begun = function(m) return number(m) == 5 end }, flight.messages(100), { Window = 4 })
    assert.is_false(run:advance())
    log.pass(10)
    for _ = 1, 4 do run:advance(0) end
    assert.is_true(run:cancel "the task was cancelled")
    assert.is_false(run:cancel "again")
    local summary, err, detail = run:result()
    assert.is_nil(summary)
    assert.equal("the task was cancelled", err)
    assert.equal("the task was cancelled", tostring(detail))
    assert.equal("cancelled", detail.Kind)
    assert.equal(4, detail.Summary.Accepted)
    assert.equal(1, detail.Summary.Unknown)
    assert.equal(log.puts, detail.Summary.Total)
    assert.equal(detail.Summary.Total - 4, #detail.Summary.Failures)
    assert.equal(1, log.closed)
    assert.is_nil(log.left)
  end)

  it("may be cancelled by its own callbacks", function()
    for _, which in ipairs { "OnResult", "OnProgress", "source" } do
      local run, log
      local all, calls = giver(flight.messages(50)), 0
      local function cancel()
        calls = calls + 1
        assert.is_true(run:cancel "enough")
      end
      local given = { Window = 3 }
      if which ~= "source" then given[which] = cancel end
      run, log = begin({ Latency = 300 }, function()
        local message = all()
        if which == "source" and number(message) == 3 then cancel() end
        return message
      end, given)
      while not run:advance() do log.pass(100) end
      assert.equal("enough", select(2, run:result()))
      assert.equal(1, calls)
      assert.equal(1, log.closed)
    end
  end)

  it("may be cancelled while a callback yields", function()
    local run, log = begin({ Latency = 0 }, flight.messages(5), { OnResult = function() coroutine.yield() end })
    local thread = coroutine.create(function() return run:advance() end)
    assert(coroutine.resume(thread))
    assert.is_false(run:advance()) -- nobody gets in between
    assert.is_true(run:cancel "enough")
    assert.is_true(select(2, coroutine.resume(thread)))
    assert.equal("enough", select(2, run:result()))
    assert.equal(1, log.closed)
  end)

  it("ends when its client is closed", function()
    local run, log, kit = begin({}, flight.messages(50), { Window = 2, RatePerSecond = 1 })
    run:advance()
    log.flight.ended = "the client was closed"
    kit.cancel(log.flight, log.flight.ended)
    assert.is_true(run:advance())
    local _, err, detail = run:result()
    assert.equal("the client was closed", err)
    assert.equal("cancelled", detail.Kind)
    assert.equal(1, log.puts)
  end)

  it("keeps its budget", function()
    local run, log, kit = begin({ Latency = 0, Called = nil }, flight.messages(100), {
      Window = 1, OnResult = function() end,
    })
    local steps = 0
    local serve = kit.run
    local taken = 0
    run.on_result = function()
      log.pass(1)
      taken = taken + 1
    end
    while not run:advance(5) do
      steps = steps + 1
      assert.is_true(taken <= 6)
      taken = 0
    end
    assert.is_true(steps >= 16, steps)
    assert.equal(serve, kit.run)
  end)

  it("says when it is to come again, so that nobody has to watch the clock", function()
    local run, log, kit = begin({}, flight.messages(2), { RatePerSecond = 0.1 })
    run:advance()
    log.pass(10)
    run:advance()
    assert.equal(10000, run.due)
    assert.equal(9990, log.flight.wakes_in)
    log.pass(9990)
    run:advance()
    assert.equal(2, log.puts)
    log.pass(10)
    assert.is_true(run:advance())
    assert.equal(10010, kit.now())
  end)
end)

-- Whatever servers, sources and callbacks do: each message that was taken is told of once, goes again only when it may, and nothing is
-- left.
describe("many runs at random", function()
  local seed = 20261122
  local function random(n)
    seed = seed * 48271 % 2147483647
    return seed % n + 1
  end
  local function chance(percent) return random(100) <= percent end

  local function serve_badly(gone, put_at)
    local final = {}
    return function(message, _, time)
      put_at[message] = put_at[message] or time
      assert.is_nil(final[message], "it was over, and goes again")
      if time >= gone.from and time < gone.till then return fates "NotSent", gone.kind, random(50) end
      local code = ({ 250, 250, 250, 450, 450, 550, "Unknown", "NotSent" })[random(8)]
      if code ~= 450 and code ~= "NotSent" then final[message] = true end
      return fates(code), code == "NotSent" and ({ "message", "timeout" })[random(2)] or nil, random(80)
    end, function(message) -- it is cancelled before its answer came
      if final[message] and chance(50) then return true end
      final[message] = nil
      return false
    end
  end

  local function round(number_of)
    local all = flight.messages(random(60))
    local from = random(600)
    local gone = { from = from, till = from + random(4000), kind = ({ "connect", "timeout", "auth" })[random(3)] }
    local put_at = {}
    local serve, has_begun = serve_badly(gone, put_at)
    local deadline = chance(50) and random(3000) or nil
    local tick = chance(30) and function() return random(100) / 10 end or nil
    local many, log, kit = api { Serve = serve, Begun = has_begun, Tick = tick, Deadline = deadline, Queued = deadline and function()
      return chance(5)
    end }
    local told, raised, raises = {}, {}, chance(10) and random(40)
    local i, calls, tries = 0, 0, 0
    local given = {
      Window = random(5), Connections = random(3), StopOnError = chance(10),
      RatePerSecond = chance(30) and random(200) or nil,
      Retry = chance(70) and { Tries = random(5), Delay = random(100) / 100, Waiting = random(10) } or nil,
      OnResult = function(message, result, err, detail, index)
        assert.is_nil(told[index], number_of)
        assert.equal(all[index], message)
        assert.equal(result == nil, detail ~= nil)
        assert.is_true(result == nil or result.Outcome ~= "accepted" or err == nil)
        told[index] = (result or detail).Outcome
        assert.is_true(not deadline or tick ~= nil or kit.now() <= put_at[message] + deadline, number_of)
        calls, tries = calls + 1, tries + ((result or detail).Tries or 1)
        if calls == raises then error(raised) end
      end,
    }
    local good, summary = pcall(many.SendMany, "client", function()
      if chance(15) then return false, random(10) / 100 end
      i = i + 1
      return all[i]
    end, given)
    assert.equal(1, log.closed, number_of)
    assert.is_nil(log.left, number_of)
    if not good then
      assert.equal(raised, summary, number_of)
      return 1
    end
    local n = 0
    for _ in pairs(told) do n = n + 1 end
    assert.equal(summary.Total, n, number_of)
    assert.equal(tries - n, summary.Retries, number_of)
    assert.is_true(summary.Stopped ~= nil or n == #all, number_of)
    assert.equal(n, summary.Accepted + summary.Partial + summary.Rejected + summary.NotSent + summary.Unknown)
    assert.is_true(kit.now() < 1e7, number_of)
    return 0
  end

  it("leave nothing out and nothing over", function()
    local n_raised = 0
    for number_of = 1, 400 do n_raised = n_raised + round(number_of) end
    assert.is_true(n_raised > 5)
  end)
end)

describe("a queue by time", function()
  it("gives the earliest first", function()
    local queue = require "netmail.retry".queue()
    local seed, n = 7, 0
    for round = 1, 2000 do
      seed = seed * 48271 % 2147483647
      if seed % 3 > 0 then
        queue:push(round, seed % 1000)
        n = n + 1
      else
        local due = queue:due()
        local what = queue:pop()
        assert.equal(due ~= nil, what ~= nil)
        n = n - (what and 1 or 0)
        assert.is_true(not due or not queue:due() or queue:due() >= due)
      end
      assert.equal(n, queue.n)
    end
    local last = 0
    while queue:due() do
      assert.is_true(queue:due() >= last)
      last = queue:due()
      queue:pop()
    end
    assert.is_nil(queue:pop())
  end)
end)
