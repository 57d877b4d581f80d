-- Client:SendMany, SendEach and SendManyAsync, with servers.

local netmail = require "netmail"
local testing = require "netmail.testing"
local net = require "spec.support.net"
local process = require "spec.support.process"

local function messages(n, fields)
  local all = {}
  for i = 1, n do
    local of = { To = ("u%d@example.test"):format(i), Subject = "number " .. i }
    for k, v in pairs(fields or {}) do of[k] = v end
    all[i] = net.message(of)
  end
  return all
end

local function numbers(server)
  local seen, n = {}, 0
  for _, got in ipairs(server:Messages()) do
    local i = tonumber(got.Data:match "Subject: number (%d+)")
    seen[i] = (seen[i] or 0) + 1
    n = n + 1
  end
  return seen, n
end

local function each_once(server, n)
  local seen, all = numbers(server)
  assert.equal(n, all)
  for i = 1, n do assert.equal(1, seen[i]) end
end

describe("SendMany", function()
  it("sends all, over one connection if that is enough", function()
    local server = testing.Server {}
    local client = server:Client {}
    local summary, warning = client:SendMany(messages(200))
    assert.is_nil(warning)
    assert.equal(200, summary.Accepted)
    each_once(server, 200)
    assert.equal(1, #server:Connections())
    assert(client:Send(net.message())) -- over the same
    assert.equal(1, #server:Connections())
    client:Close()
    server:Stop()
  end)

  it("tells of each in tables that are nobody else's", function()
    local server = testing.Server {}
    local client = server:Client {}
    local whose, n = {}, 0
    local function own(t, index)
      assert.is_nil(whose[t])
      whose[t] = index
      for _, value in pairs(t) do
        if type(value) == "table" then own(value, index) end
      end
    end
    client:SendMany(messages(20), { OnResult = function(_, result, _, _, index)
      own(result, index)
      n = n + 1
    end })
    assert.equal(20, n)
    n = 0
    for _ in pairs(whose) do n = n + 1 end
    assert.equal(20 * 8, n) -- the result, its recipient, Timings, LeftOut, and four lists
    client:Close()
    server:Stop()
  end)

  it("takes several connections, and new ones after so many messages", function()
    local server = testing.Server { Faults = { { At = "MAIL", Delay = 0.02 } } }
    local client = server:Client {}
    assert.equal(60, client:SendMany(messages(60), { Connections = 3, Window = 4 }).Accepted)
    assert.equal(3, #server:Connections())
    each_once(server, 60)
    server:Reset()
    server:SetFaults {}
    assert.equal(60, client:SendMany(messages(60), { MaxMessagesPerConnection = 20 }).Accepted)
    each_once(server, 60)
    for _, got in ipairs(server:Messages()) do assert.is_true(got.Connection <= 6) end
    client:Close()
    server:Stop()
  end)

  it("gives each message back with its result", function()
    local server = testing.Server { Faults = {
      { At = "RCPT", Match = "<u3@", Reply = "550 5.1.1 nobody" },
      { At = "RCPT", Match = "<u4@", Reply = "450 4.2.0 later" },
    } }
    local client = server:Client {}
    local all, outcomes = messages(6), {}
    all[5] = net.message { To = {} }
    local summary, warning = client:SendMany(all, { OnResult = function(message, result, err, detail, index)
      assert.equal(all[index], message)
      outcomes[index] = (result or detail).Outcome
      assert.equal(result == nil, err ~= nil)
    end })
    assert.same({ "accepted", "accepted", "rejected", "rejected", "not_sent", "accepted" }, outcomes)
    assert.equal(3, summary.Accepted)
    assert.equal(2, summary.Rejected)
    assert.equal(1, summary.NotSent)
    assert.is_truthy(warning:find("of 6 messages 2 rejected, 1 not sent; first: ", 1, true), warning)
    client:Close()
    server:Stop()
  end)

  it("takes each message as it is in its turn, with options of its own", function()
    local server = testing.Server {}
    local client = server:Client {}
    local message, i = net.message(), 0
    local summary = client:SendMany(function()
      i = i + 1
      if i > 50 then return nil end
      message.Subject = "number " .. i
      message.To = ("u%d@example.test"):format(i)
      return message, { From = ("bounce+%d@example.test"):format(i) }
    end, { Window = 8 })
    assert.equal(50, summary.Accepted)
    each_once(server, 50)
    for _, got in ipairs(server:Messages()) do
      local n = got.Data:match "Subject: number (%d+)"
      assert.same({ ("u%s@example.test"):format(n) }, got.To)
      assert.equal(("bounce+%s@example.test"):format(n), got.From)
    end
    client:Close()
    server:Stop()
  end)

  for _, at in ipairs { "MAIL", "DATA", "DOT" } do
    it("tries a message again that was refused for now with all of its recipients: " .. at, function()
      local server = testing.Server { Extensions = { "PIPELINING", "SIZE" }, Faults = {
        { At = "RCPT", Match = "<c@", Reply = "550 5.1.1 nobody" },
        { At = at, Times = 2, Reply = "451 4.3.0 later" },
      } }
      local client = server:Client {}
      local summary = client:SendMany({ net.message { To = { "a@example.test", "b@example.test" } }, net.message { To = "b@example.test" },
        net.message { To = { "a@example.test", "c@example.test" } } }, { Window = 1, Retry = { Tries = 4, Delay = 0.02 } })
      assert.equal(2, summary.Accepted)
      assert.equal(1, summary.Partial)
      assert.equal(2, summary.Retries)
      assert.equal(3, #server:Messages())
      client:Close()
      server:Stop()
    end)
  end

  it("does not try again what was refused for good with all of its recipients", function()
    local server = testing.Server { Faults = {
      { At = "DOT", Nth = 1, Reply = "451 4.3.0 later" }, { At = "DOT", Nth = 2, Reply = "554 5.7.1 spam" },
    } }
    local client = server:Client {}
    local summary = client:SendMany({ net.message {} }, { Retry = { Tries = 4, Delay = 0.02 } })
    assert.equal(1, summary.Rejected)
    assert.equal(1, summary.Retries)
    assert.is_truthy(summary.Failures[1].Error:find("554 5.7.1 spam", 1, true), summary.Failures[1].Error)
    client:Close()
    server:Stop()
  end)

  it("tries those recipients again who were refused for now, with the same Message-ID, and has one result for all", function()
    local server = testing.Server { Faults = {
      { At = "RCPT", Match = "<b@", Times = 2, Reply = "450 4.2.0 greylisted" },
      { At = "RCPT", Match = "<c@", Reply = "550 5.1.1 nobody" },
    } }
    local client = server:Client {}
    local message = net.message { To = { "a@example.test", "b@example.test", "c@example.test" } }
    local result, warning
    local summary = client:SendMany({ message }, {
      Retry = { Tries = 4, Delay = 0.02 }, OnResult = function(_, r, w) result, warning = r, w end,
    })
    assert.equal(1, summary.Partial)
    assert.equal(2, summary.Retries)
    assert.equal("partial", result.Outcome)
    assert.equal(3, result.Tries)
    assert.equal(2, #result.Accepted)
    assert.equal("c@example.test", result.Rejected[1].Address)
    assert.is_truthy(warning:find("1 of 3 recipients refused", 1, true), warning)
    local got = server:Messages()
    assert.equal(2, #got)
    assert.same({ "a@example.test" }, got[1].To)
    assert.same({ "b@example.test" }, got[2].To)
    assert.equal(got[1].Data:match "Message%-ID: (%S+)", got[2].Data:match "Message%-ID: (%S+)")
    local asked = 0
    for _, line in ipairs(server:Commands()) do asked = asked + (line:find "^RCPT TO:<c@" and 1 or 0) end
    assert.equal(1, asked)
    client:Close()
    server:Stop()
  end)

  it("keeps what earlier tries have reached when the server is gone", function()
    local server = testing.Server { Faults = { { At = "RCPT", Match = "<b@", Reply = "450 4.2.0 greylisted" } } }
    local client = server:Client {}
    local result
    client:SendMany({ net.message { To = { "a@example.test", "b@example.test" } } }, {
      Retry = { Tries = 3, Delay = 0.3, Jitter = 0 },
      OnProgress = function() end,
      OnResult = function(_, r) result = r end,
    })
    assert.equal("partial", result.Outcome)
    assert.equal("a@example.test", result.Accepted[1].Address)
    assert.equal("b@example.test", result.Rejected[1].Address)
    assert.equal(3, result.Tries)
    client:Close()
    server:Stop()
  end)

  local AGAIN = "; it was not tried again: "

  it("ends what has no time left for another try, with what was said of it", function()
    local server = testing.Server { Faults = { { At = "RCPT", Reply = "450 4.2.0 greylisted" } } }
    local client = server:Client { Deadline = 50000 }
    local summary, warning = client:SendMany(messages(3), { Retry = { Tries = 5, Delay = 3600 } })
    assert.equal(3, summary.Rejected)
    assert.equal(0, summary.Retries)
    assert.is_truthy(warning:find("greylisted", 1, true), warning)
    for _, failure in ipairs(summary.Failures) do
      local detail = failure.Detail
      assert.is_truthy(failure.Error:find(AGAIN .. "its Deadline leaves no time for that", 1, true), failure.Error)
      assert.equal(failure.Error, tostring(detail))
      assert.equal("its Deadline leaves no time for that", detail.GivenUp)
      assert.equal(450, detail.Code)
      assert.equal("recipient", detail.Kind)
      assert.equal(450, detail.Rejected[1].Code)
      assert.is_nil(detail.Tries)
    end
    client:Close()
    server:Stop()
  end)

  it("counts no try for which no connection came in time", function()
    local server = testing.Server { Faults = {
      { At = "RCPT", Reply = "450 4.2.0 greylisted" }, { At = "CONNECT", Nth = 2, Delay = 60 },
    } }
    local client = server:Client { Deadline = 3000, Timeout = 60000 }
    local summary = client:SendMany(messages(1), { Retry = { Tries = 5, Delay = 0.01 }, MaxMessagesPerConnection = 1 })
    local failure = summary.Failures[1]
    assert.equal("rejected", failure.Detail.Outcome)
    assert.equal(450, failure.Detail.Code)
    assert.is_truthy(failure.Error:find("greylisted.*" .. AGAIN .. "the Deadline of 3000 ms for the whole send is over"), failure.Error)
    assert.is_nil(failure.Detail.Tries)
    assert.equal(0, summary.Retries)
    client:Close()
    server:Stop()
  end)

  it("never tries again what may have arrived", function()
    local server = testing.Server { Extensions = {}, Faults = { { At = "DOT", Nth = 3, Drop = "reset" } } }
    local client = server:Client {}
    local summary = client:SendMany(messages(10), { Retry = { Tries = 5, Delay = 0 }, Window = 1 })
    assert.equal(9, summary.Accepted)
    assert.equal(1, summary.Unknown)
    each_once(server, 10)
    assert.equal(3, summary.Failures[1].Index)
    client:Close()
    server:Stop()
  end)

  it("comes back to a server that was away", function()
    local server = testing.Server { Faults = { { At = "CONNECT", Times = 4, Reply = "421 4.3.2 not now" } } }
    local client = server:Client {}
    local summary, warning = client:SendMany(messages(50), { Retry = { Tries = 6, Delay = 0.05 } })
    assert.is_nil(warning)
    assert.equal(50, summary.Accepted)
    each_once(server, 50)
    client:Close()
    server:Stop()
  end)

  it("fails at once and all alike when there is no server", function()
    local server = testing.Server {}
    local client = server:Client {}
    server:Stop()
    local begin, sentences, n = process.now(), {}, 0
    local summary = client:SendMany(messages(500), { OnResult = function(_, _, err, detail)
      sentences[err:gsub(" after %d+ ms", "")] = true -- libcurl says how long each try took
      n = n + 1
      assert.equal("not_sent", detail.Outcome)
      assert.equal("connect", detail.Kind)
      assert.equal(1, #detail.NotSent)
    end })
    assert.equal(500, n)
    assert.equal(500, summary.NotSent)
    assert.is_true(process.now() - begin < 30)
    assert.is_truthy(next(sentences))
    assert.is_nil(next(sentences, (next(sentences))))
  end)

  it("does not wait for Timeout once for each message of a server that hangs", function()
    local server = testing.Server { Faults = { { At = "CONNECT", Delay = 3600 } } }
    local client = server:Client { Timeout = 200 }
    local summary, warning = client:SendMany(messages(100), { Window = 4 })
    assert.equal(100, summary.NotSent)
    assert.is_truthy(warning:find("100 not sent", 1, true))
    assert.is_true(#server:Connections() < 10, #server:Connections()) -- for all of them
    client:Close()
    server:Stop()
  end)

  it("asks for a password that is wrong once", function()
    local server = testing.Server { Users = { me = "right" } }
    local client = server:Client { UserName = "me", Password = "wrong" }
    local summary = client:SendMany(messages(30), { Retry = 5 })
    assert.equal(30, summary.NotSent)
    assert.equal("auth", summary.Failures[30].Detail.Kind)
    local logins = 0
    for _, line in ipairs(server:Commands()) do logins = logins + (line:find "^AUTH" and 1 or 0) end
    assert.is_true(logins <= 2, logins)
    client:Close()
    server:Stop()
  end)

  it("keeps its rate", function()
    local server = testing.Server {}
    local client = server:Client {}
    local begin = process.now()
    assert.equal(10, client:SendMany(messages(10), { RatePerSecond = 20 }).Accepted)
    local took = process.now() - begin
    assert.is_true(took >= 0.35 and took < 30, took)
    client:Close()
    server:Stop()
  end)

  it("does not turn in circles while it waits, over several connections too", function()
    local server = testing.Server { Faults = { { At = "MAIL", Delay = 0.5 } } }
    local client = server:Client {}
    local begin = os.clock()
    client:SendMany(messages(6), { Connections = 3, Window = 1 })
    assert.is_true(os.clock() - begin < 0.3, os.clock() - begin)
    client:Close()
    server:Stop()
  end)

  it("calls passwords, contents and the trace, which may yield, as its callbacks and its source", function()
    local server = testing.Server { Users = { me = "secret" } }
    local lines, yields = 0, {}
    local client = server:Client { UserName = "me", Password = function()
      coroutine.yield "password"
      return "secret"
    end }
    client.OnTrace = function() lines = lines + 1 end
    local i = 0
    local thread = coroutine.wrap(function()
      return client:SendMany(function()
        coroutine.yield "source"
        i = i + 1
        if i > 3 then return nil end
        local pieces = { "one", "two" }
        return net.message { Attachments = { netmail.Attachment { Name = "x", Content = function()
          coroutine.yield "content"
          return table.remove(pieces, 1)
        end } } }
      end, { OnResult = function() coroutine.yield "result" end })
    end)
    local summary
    repeat
      local what = thread()
      if type(what) == "string" then yields[what] = (yields[what] or 0) + 1 else summary = what end
    until summary
    assert.equal(3, summary.Accepted)
    assert.same({ password = 1, source = 4, content = 9, result = 3 }, yields)
    assert.is_true(lines > 10)
    client:Close()
    server:Stop()
  end)

  it("raises what a callback raises, when what is on its way is over, and its client can be used", function()
    local server = testing.Server {}
    local client = server:Client {}
    local value = {}
    local good, err = pcall(client.SendMany, client, messages(100), { Window = 8, OnResult = function() error(value) end })
    assert.is_false(good)
    assert.equal(value, err)
    local _, n = numbers(server)
    assert.is_true(n <= 9, n)
    good, err = pcall(client.SendMany, client, { net.message(), "x" })
    assert.is_false(good)
    assert.is_truthy(err:find("message 2 of the source is a string", 1, true), err)
    good, err = pcall(client.SendMany, client, { net.message(), client })
    assert.is_false(good)
    assert.is_truthy(err:find("MailMessage expected", 1, true), err)
    assert.equal(n + 2, #server:Messages())
    assert(client:Send(net.message()))
    client:Close()
    server:Stop()
  end)

  it("is alone with its client: others are told, and so is who calls it from its own callback", function()
    local server = testing.Server {}
    local client = server:Client {}
    local all, errs = messages(3), {}
    assert.equal(3, client:SendMany(all, { OnResult = function()
      errs[#errs + 1] = select(2, client:Send(all[1]))
      errs[#errs + 1] = select(2, client:SendMany(all))
    end }).Accepted)
    assert.equal(6, #errs)
    for _, err in ipairs(errs) do assert.is_truthy(err:find("is sending another message", 1, true), err) end
    client:Close()
    server:Stop()
  end)

  it("ends when its client is closed", function()
    local server = testing.Server {}
    local client = server:Client {}
    local n = 0
    local summary, err, detail = client:SendMany(messages(100), { Window = 4, OnResult = function()
      n = n + 1
      if n == 10 then client:Close() end
    end })
    assert.is_nil(summary)
    assert.equal("cancelled", detail.Kind, err)
    assert.is_true(detail.Summary.Accepted >= 10)
    assert.is_true(detail.Summary.Total < 20)
    assert(client:Send(net.message()))
    client:Close()
    server:Stop()
  end)

  it("speaks LMTP", function()
    local server = testing.Server { Lmtp = true, Faults = { { At = "RCPT", Match = "<u2@", Reply = "550 5.1.1 no mailbox" } } }
    local client = server:Client {}
    local summary = client:SendMany(messages(5))
    assert.equal(4, summary.Accepted)
    assert.equal(1, summary.Rejected)
    client:Close()
    server:Stop()
  end)

  it("lets go of what is over, though its source has nothing more for a while", function()
    local server = testing.Server { Faults = { { At = "RCPT", Match = "<u2@", Reply = "450 4.2.0 later", Times = 1 } } }
    local client = server:Client {}
    for _, on_result in ipairs { false, function() end } do
      local held, n, till = setmetatable({}, { __mode = "v" }), 0, nil
      local summary = client:SendMany(function()
        if n == 8 then
          till = till or process.now() + 30
          for _ = 1, 2 do collectgarbage() end
          if next(held) and process.now() < till then return false, 0.01 end
          assert.is_nil(next(held))
          return nil
        end
        n = n + 1
        local message = messages(n)[n]
        held[n] = message
        return message
      end, { Retry = { Tries = 2, Delay = 0.01 }, OnResult = on_result or nil })
      assert.equal(8, summary.Accepted)
      assert.equal(on_result and 0 or 1, summary.Retries)
    end
    client:Close()
    server:Stop()
  end)

  it("tries again in time though its source takes longer than that to say that it has nothing", function()
    for delay = 0.005, 0.05, 0.005 do
      local server = testing.Server { Faults = { { At = "RCPT", Match = "<u2@", Reply = "450 4.2.0 later", Times = 1 } } }
      local client = server:Client {}
      local list, n = messages(2), 0
      local summary = client:SendMany(function()
        n = n + 1
        if n <= 2 or n == 6 then return list[n] end
        process.sleep(0.03)
        return false, 0.001
      end, { Retry = { Tries = 2, Delay = delay } })
      assert.equal(2, summary.Accepted)
      assert.equal(1, summary.Retries)
      client:Close()
      server:Stop()
    end
  end)

  it("counts what is accepted in its turn: a failure among them has its message, and those behind it are sent", function()
    local faults = {}
    for _, i in ipairs { 1, 5, 6, 20, 39, 40 } do
      faults[#faults + 1] = { At = "RCPT", Match = ("<u%d@"):format(i), Reply = "550 5.1.1 nobody" }
    end
    local server = testing.Server { Faults = faults }
    local client = server:Client {}
    local all, seen = messages(40), 0
    local summary = client:SendMany(all, { OnProgress = function(p)
      assert.is_true(p.Done >= seen)
      seen = p.Done
    end })
    assert.equal(34, summary.Accepted)
    assert.equal(40, seen)
    local failed = {}
    for i, f in ipairs(summary.Failures) do
      assert.equal(all[f.Index], f.Message)
      failed[i] = f.Index
    end
    table.sort(failed)
    assert.same({ 1, 5, 6, 20, 39, 40 }, failed)
    client:Close()
    server:Stop()
  end)

  it("keeps no more in memory than is on its way", function()
    local server = testing.Server { MaxMessages = 1 }
    local client = server:Client {}
    local i, peak = 0, 0
    collectgarbage()
    local before = collectgarbage "count"
    local function source()
      i = i + 1
      if i % 500 == 0 then
        collectgarbage()
        peak = math.max(peak, collectgarbage "count" - before)
      end
      return i <= 5000 and net.message { Text = ("x"):rep(2000) } or nil
    end
    local summary = client:SendMany(source)
    assert.equal(5000, summary.Total)
    assert.is_true(peak < 2000, peak)
    client:Close()
    server:Stop()
  end)
end)

describe("SendMany with large messages", function()
  it("takes no more of them than make 2 MB for a connection, and one at least", function()
    for _, row in ipairs { { size = 600000, connections = 1, most = 4 }, { size = 600000, connections = 3, most = 11 },
      { size = 3000000, connections = 1, most = 1 } } do
      local server = testing.Server {}
      local client = server:Client {}
      local text, taken, over, most = (("x"):rep(70) .. "\n"):rep(math.floor(row.size / 71)), 0, 0, 0
      local summary = client:SendMany(function()
        taken = taken + 1
        most = math.max(most, math.min(taken, 20) - over)
        return taken <= 20 and net.message { Text = text } or nil
      end, { Connections = row.connections, OnResult = function() over = over + 1 end })
      assert.equal(20, summary.Accepted)
      assert.is_true(most >= row.most - 1 and most <= row.most + 1, most) -- one may be between flight and callback
      client:Close()
      server:Stop()
    end
  end)
end)

describe("SendEach", function()
  it("is a loop over what became of the messages", function()
    local server = testing.Server { Faults = { { At = "RCPT", Match = "<u3@", Reply = "550 5.1.1 nobody" } } }
    local client = server:Client {}
    local all, n = messages(10), 0
    for message, result, err, detail, index in client:SendEach(all) do
      n = n + 1
      assert.equal(all[index], message)
      assert.equal(index == 3 and "rejected" or "accepted", (result or detail).Outcome, err)
    end
    assert.equal(10, n)
    client:Close()
    server:Stop()
  end)

  it("may be left, and leaves its client free", function()
    local server = testing.Server {}
    local client = server:Client {}
    local each = client:SendEach(messages(100), { Window = 4 })
    for _, result in each do
      if result then break end
    end
    each:Close()
    assert.equal(#server:Messages(), each:Summary().Accepted)
    assert.is_true(#server:Messages() < 10)
    assert(client:Send(net.message()))
    client:Close()
    server:Stop()
  end)

  it("left and forgotten goes with the collector, and its client is free then", function()
    local server = testing.Server {}
    local client = server:Client {}
    do
      local each = client:SendEach(messages(100), { Window = 4 })
      each()
      each = nil -- luacheck: ignore 311
    end
    for _ = 1, 3 do collectgarbage() end
    assert(client:Send(net.message()))
    client:Close()
    server:Stop()
  end)
end)

describe("SendManyAsync", function()
  it("goes on by steps that do not wait for the server", function()
    local server = testing.Server { Faults = { { At = "MAIL", Delay = 0.02 } } }
    local client = server:Client {}
    local told = 0
    local task = client:SendManyAsync(messages(30), { Window = 4, OnResult = function() told = told + 1 end })
    assert.equal("Task (waiting)", tostring(task))
    assert.same({ nil, "pending" }, { task:Result() })
    local steps = 0
    repeat
      local is_over = task:Step(5)
      steps = steps + 1
      process.sleep(0.001)
    until is_over
    assert.equal(30, task:Result().Accepted)
    assert.equal(30, told)
    assert.is_true(steps > 5, steps) -- a window of them at a time
    assert.is_nil(task:timeout())
    each_once(server, 30)
    client:Close()
    server:Stop()
  end)

  it("comes back from a step though the server says nothing", function()
    local server = testing.Server { Faults = { { At = "MAIL", Nth = 3, Delay = 3600 } } }
    local client = server:Client { Timeout = 60000 }
    local told = 0
    local task = client:SendManyAsync(messages(30), { Window = 4, OnResult = function() told = told + 1 end })
    local begin = process.now()
    assert(process.wait(20, function()
      assert.is_false(task:Step(5))
      return told == 2
    end))
    for _ = 1, 20 do assert.is_false(task:Step(5)) end
    assert.is_true(process.now() - begin < 30) -- the first that waits takes longer
    assert.is_true(task:Cancel())
    client:Close()
    server:Stop()
  end)

  it("stands in one row with the other tasks of its client, and has their descriptor", function()
    local server = testing.Server {}
    local client = server:Client {}
    local first = client:SendAsync(net.message { Subject = "number 1" })
    local all = messages(4)
    local second = client:SendManyAsync({ all[2], all[3] })
    local third = client:SendAsync(net.message { Subject = "number 4" })
    assert.equal(first:pollfd(), second:pollfd())
    assert.equal(third:getfd(), second:getfd())
    assert(third:Wait(30))
    assert.equal(2, assert(second:Result()).Accepted)
    assert(first:Result())
    local order = {}
    for i, got in ipairs(server:Messages()) do order[i] = got.Data:match "Subject: number (%d+)" end
    assert.equal("1,2,3,4", table.concat(order, ","))
    assert.equal(1, #server:Connections())
    client:Close()
    server:Stop()
  end)

  it("waits while a SendMany of its client is at work, and a SendAsync does", function()
    local server = testing.Server {}
    local client = server:Client {}
    local tasks = {}
    client:SendMany(messages(2), { OnResult = function(message)
      tasks[#tasks + 1] = client:SendManyAsync { message }
      tasks[#tasks + 1] = client:SendAsync(message)
      assert.is_false(tasks[1]:Step(0))
    end })
    assert.equal(4, #tasks)
    assert(tasks[4]:Wait(30))
    for i = 1, 4 do assert(tasks[i]:Result()) end
    assert.equal(6, #server:Messages())
    client:Close()
    server:Stop()
  end)

  it("is watched by event loops, which its rate and its retries wake", function()
    local good, cqueues = pcall(require, "cqueues")
    if not good then return pending "cqueues is not there for this Lua" end
    local server = testing.Server { Faults = { { At = "RCPT", Times = 2, Reply = "450 4.2.0 later" } } }
    local client = server:Client {}
    local loop, summary, polls, ticks = cqueues.new(), nil, 0, 0
    loop:wrap(function()
      local task = client:SendManyAsync(messages(5), { RatePerSecond = 20, Retry = { Tries = 3, Delay = 0.1 }, Connections = 2 })
      local watched = { pollfd = task:pollfd(), events = "r" } -- the descriptor alone
      while not task:Step() do
        cqueues.poll(watched)
        polls = polls + 1
      end
      summary = assert(task:Result())
    end)
    loop:wrap(function()
      while not summary do
        cqueues.sleep(0.01)
        ticks = ticks + 1
      end
    end)
    assert(loop:loop(60))
    assert.equal(5, summary.Accepted)
    assert.equal(2, summary.Retries)
    assert.is_true(ticks >= 3, ticks)
    assert.is_true(polls < 300, polls)
    client:Close()
    server:Stop()
  end)

  it("may be cancelled at any time, and says how far it came", function()
    local server = testing.Server { Faults = { { At = "DOT", Nth = 5, Delay = 3600 }, { At = "BDAT", Nth = 5, Delay = 3600 } } }
    local client = server:Client {}
    local early = client:SendManyAsync(messages(10))
    assert.is_true(early:Cancel())
    local _, err, detail = early:Result()
    assert.equal("the task was cancelled", err)
    assert.equal(0, detail.Summary.Total)
    local n = 0
    local task = client:SendManyAsync(messages(10), { Window = 2, OnResult = function() n = n + 1 end })
    while n < 4 do task:Wait(0.01) end
    assert.is_true(task:Cancel())
    assert.is_false(task:Cancel())
    _, err, detail = task:Result()
    assert.equal("cancelled", detail.Kind, err)
    assert.equal(4, detail.Summary.Accepted)
    assert.is_true(detail.Summary.Total >= 5 and detail.Summary.Total <= 6, detail.Summary.Total)
    assert.equal(detail.Summary.Total - 4, #detail.Summary.Failures)
    server:SetFaults {}
    assert(client:Send(net.message()))
    client:Close()
    server:Stop()
  end)

  it("says of what waits for its next try why it was refused, and why there is none", function()
    local ways = {
      { function(task) assert.is_true(task:Cancel()) end, "the task was cancelled" },
      { function(_, client) client:Close() end, "the client was closed" },
    }
    for _, way in ipairs(ways) do
      local server = testing.Server { Faults = { { At = "RCPT", Reply = "450 4.2.0 greylisted" } } }
      local client = server:Client { Timeout = 60000 }
      local task = client:SendManyAsync(messages(1), { Retry = { Tries = 2, Delay = 7200 } })
      assert(process.wait(30, function() return task:Step() or task:timeout() > 100 end)) -- longer than for any word of the server's
      way[1](task, client)
      local _, err, detail = task:Wait(30)
      assert.equal(way[2], err)
      local failure = detail.Summary.Failures[1]
      assert.is_truthy(failure.Error:find("greylisted.*; it was not tried again: " .. way[2]), failure.Error)
      assert.equal(way[2], failure.Detail.GivenUp)
      assert.equal("rejected", failure.Detail.Outcome)
      assert.equal(0, detail.Summary.Retries)
      client:Close()
      server:Stop()
    end
  end)

  it("raises by Result what a callback raised", function()
    local server = testing.Server {}
    local client = server:Client {}
    local value = {}
    local task = client:SendManyAsync(messages(20), { OnResult = function() error(value) end })
    while not task:Step() do process.sleep(0.001) end
    for _ = 1, 2 do
      local good, err = pcall(task.Result, task)
      assert.is_false(good)
      assert.equal(value, err)
    end
    assert(client:Send(net.message()))
    client:Close()
    server:Stop()
  end)

  it("may be forgotten in the middle, with its client and without", function()
    local server = testing.Server { Faults = { { At = "MAIL", Delay = 0.3 } } }
    local kept = server:Client {}
    do
      local client = server:Client {}
      client:SendManyAsync(messages(5)):Step(20)
    end
    kept:SendManyAsync(messages(5))
    for _ = 1, 3 do collectgarbage() end
    kept:Close()
    server:Stop()
  end)
end)
