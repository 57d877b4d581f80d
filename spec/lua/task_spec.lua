-- Client:SendAsync: sends that go on while the program does something else.

local lfs = require "lfs"
local netmail = require "netmail"
local testing = require "netmail.testing"
local servers = require "spec.support.servers"
local net = require "spec.support.net"
local process = require "spec.support.process"

--- A server that takes its time before each of its words.
local function slow(seconds, faults)
  local all = faults or {}
  for _, at in ipairs { "CONNECT", "EHLO", "MAIL", "DOT" } do all[#all + 1] = { At = at, Delay = seconds } end
  return testing.Server { Faults = all, Extensions = { "PIPELINING" } }
end

--- A server that never comes to answer: who waits for it waits until Timeout or Deadline.
local function hung(at)
  return testing.Server { Faults = { { At = at or "CONNECT", Delay = 3600 } }, Extensions = { "PIPELINING" } }
end

--- An attachment that has nothing until gate.is_open: it holds its line, by no clock.
local function gated(gate)
  local pieces = { "three\r\n" }
  return netmail.Attachment { Name = "x.txt", Content = function()
    gate.asked = (gate.asked or 0) + 1
    return not gate.is_open and "" or table.remove(pieces, 1)
  end }
end

--- How many this process has open.
local function descriptors()
  local n = 0
  for _ in lfs.dir("/proc/self/fd") do n = n + 1 end
  return n
end

--- Steps by a loop of the program's own: the longest step in seconds of the processor, and how many there were.
local function loop(task, budget)
  local longest, ticks = 0, 0
  while true do
    local begin = os.clock()
    local is_over = task:Step(budget)
    longest = math.max(longest, os.clock() - begin)
    if is_over then return longest, ticks end
    ticks = ticks + 1
    assert(ticks < 1e5)
    process.sleep(0.002)
  end
end

describe("a task", function()
  it("goes on by steps that do not wait for the server", function()
    local server = slow(0.15)
    local client = server:Client {}
    local task = client:SendAsync(net.message())
    local result, pending = task:Result()
    assert.is_nil(result)
    assert.equal("pending", pending)
    assert.is_truthy(tostring(task):find("on its way", 1, true))
    local _, ticks = loop(task, 5)
    assert.is_true(ticks > 4, ticks) -- one at least for each word of the server
    assert.equal("accepted", assert(task:Result()).Outcome)
    assert.is_true(task:Step())
    assert.is_false(task:dirty()) -- a loop has nothing more to do for it
    assert.is_nil(task:timeout())
    assert.is_nil(task:events())
    assert.is_false(task:Cancel())
    client:Close()
    server:Stop()
  end)

  it("comes back from a step though the server says nothing", function()
    for _, at in ipairs { "CONNECT", "EHLO", "MAIL", "DOT" } do
      local server = hung(at)
      local client = server:Client { Timeout = 60000 }
      local task = client:SendAsync(net.message())
      local begin = process.now()
      for _ = 1, 20 do
        assert.is_false(task:Step(5))
        process.sleep(0.002)
      end
      assert.is_true(process.now() - begin < 30) -- the first that waits takes longer
      client:Close()
      server:Stop()
    end
  end)

  it("has the results of Send: a warning, a failure with its detail", function()
    local server = testing.Server { Faults = { { At = "DOT", Reply = "554 5.6.0 no" } } }
    local client = server:Client {}
    local result, err, detail = client:SendAsync(net.message()):Wait()
    assert.is_nil(result)
    assert.is_truthy(err:find("554 5.6.0 no", 1, true))
    assert.equal("rejected", detail.Outcome)
    result, err, detail = client:SendAsync(netmail.MailMessage { From = "a@example.test" }):Wait()
    assert.is_nil(result)
    assert.is_truthy(err:find("no recipients", 1, true))
    assert.equal("message", detail.Kind)
    client:Close()
    server:Stop()
    result, err, detail = client:SendAsync(net.message()):Wait()
    assert.is_nil(result)
    assert.equal("connect", detail.Kind, err)
  end)

  it("raises for wrong types where it is called", function()
    local client = net.client(25)
    local good, err = pcall(client.SendAsync, client, "no message")
    assert.is_false(good)
    assert.is_truthy(err:find("bad argument #1 to 'SendAsync' (MailMessage expected, got string)", 1, true), err)
    good, err = pcall(client.SendAsync, client, net.message(), 5)
    assert.is_false(good)
    assert.is_truthy(err:find("bad argument #2 to 'SendAsync' (table of options expected, got number)", 1, true), err)
    good, err = pcall(client.SendAsync, net.message())
    assert.is_false(good)
    assert.is_truthy(err:find("SmtpClient.SendAsync was called with a dot", 1, true), err)
    good, err = pcall(client.Send, client, "no message")
    assert.is_false(good)
    assert.is_truthy(err:find("bad argument #1 to 'Send' (", 1, true), err)
    local server = slow(0)
    local task = server:Client {}:SendAsync(net.message())
    good, err = pcall(function() return task.Stpe end)
    assert.is_false(good)
    assert.is_truthy(err:find("Task has no member 'Stpe'", 1, true))
    task:Cancel()
    server:Stop()
  end)

  it("shows nothing of how it works, and takes no other properties", function()
    local server = slow(0)
    local client = server:Client {}
    local task = client:SendAsync(net.message())
    for _ = 1, 2 do
      for _, name in ipairs { "job", "queue", "client", "results", "due", "fd", "has_begun" } do assert.is_nil(task[name]) end
      assert.equal("netmail.Task", getmetatable(task))
      for name, words in pairs { Foo = "Task has no property 'Foo'", Step = "Task has no property 'Step'", job = "no property 'job'",
        [1] = "Task has no member with a number as its name" } do
        local good, err = pcall(function() task[name] = 1 end)
        assert.is_false(good)
        assert.is_truthy(err:find("task_spec.lua", 1, true) and err:find(words, 1, true), err)
      end
      assert(task:Wait(30))
    end
    for _, method in ipairs { "Step", "Result", "Wait", "Cancel", "pollfd", "events", "timeout" } do
      for _, self in ipairs { false, {}, client } do
        local good, err = pcall(function() task[method](self) end)
        assert.is_false(good)
        assert.is_truthy(err:find("task_spec.lua", 1, true) and err:find("task:" .. method, 1, true), err)
      end
    end
    client:Close()
    server:Stop()
  end)

  it("is a snapshot of the message", function()
    local server = slow(0)
    local client = server:Client {}
    local message = net.message { Subject = "before" }
    local task = client:SendAsync(message)
    message.Subject = "after"
    message.To = "other@example.test"
    assert(task:Wait(30))
    local got = server:Messages()[1]
    assert.is_truthy(got.Data:find("Subject: before", 1, true))
    assert.same({ "b@example.test" }, got.To)
    client:Close()
    server:Stop()
  end)

  it("goes after those before it, over one connection, in their order", function()
    local server = testing.Server {}
    local client = server:Client {}
    local tasks = {}
    for i = 1, 20 do tasks[i] = client:SendAsync(net.message { Subject = "number " .. i }) end
    for i = 1, 20 do assert.equal(tasks[1]:pollfd(), tasks[i]:getfd()) end
    assert(tasks[20]:Wait(60)) -- whichever is stepped, the client's work goes on
    for i = 1, 20 do assert.equal("accepted", assert(tasks[i]:Result()).Outcome) end
    local seen = {}
    for _, m in ipairs(server:Messages()) do seen[#seen + 1] = m.Data:match "Subject: number (%d+)" end
    for i = 1, 20 do assert.equal(tostring(i), seen[i]) end
    assert.equal(1, #server:Connections())
    client:Close()
    server:Stop()
  end)

  it("may be cancelled before, while and after it is sent", function()
    local server = slow(0.2)
    local client = server:Client {}
    local first = client:SendAsync(net.message { Subject = "first" })
    local second = client:SendAsync(net.message { Subject = "second" })
    local third = client:SendAsync(net.message { Subject = "third" })
    assert.is_true(second:Cancel())
    local result, err, detail = second:Result()
    assert.is_nil(result)
    assert.equal("cancelled", detail.Kind, err)
    assert.equal("not_sent", detail.Outcome)
    first:Step(0)
    assert.is_true(first:Cancel())
    assert.equal("cancelled", select(3, first:Result()).Kind)
    assert.is_nil(client.Capabilities)
    third:Cancel()
    local fourth = client:SendAsync(net.message { Subject = "fourth" })
    assert.equal("accepted", assert(fourth:Wait(30)).Outcome)
    assert.is_false(fourth:Cancel())
    local got = server:Messages()
    assert.equal(1, #got)
    assert.is_truthy(got[1].Data:find("Subject: fourth", 1, true))
    client:Close()
    server:Stop()
  end)

  it("may be cancelled by its own functions, and while one of them yields", function()
    local server = testing.Server { Users = { me = "secret" } }
    local task
    local function cancel()
      assert.is_true(task:Cancel())
      assert.is_false(task:Cancel())
      return "secret"
    end
    local ways = {
      function() return server:Client { UserName = "me", Password = cancel }, net.message() end,
      function() return server:Client { OnTrace = function() if not task:Step(0) then task:Cancel() end end }, net.message() end,
      function()
        return server:Client {}, net.message { Attachments = { netmail.Attachment { Name = "x", Content = cancel } } }
      end,
    }
    for i = 1, 3 do
      local client, message = ways[i]()
      task = client:SendAsync(message)
      local _, err, detail = task:Wait(30)
      assert.equal("cancelled", detail.Kind, err)
      client:Close()
    end
    local client = server:Client { UserName = "me", Password = function() return coroutine.yield() end }
    task = client:SendAsync(net.message())
    local thread = coroutine.create(function() return task:Wait(30) end)
    assert(coroutine.resume(thread))
    assert.is_true(task:Cancel())
    local _, _, _, detail = assert(coroutine.resume(thread, "secret"))
    assert.equal("cancelled", detail.Kind)
    assert.equal(0, #server:Messages())
    client:Close()
    server:Stop()
  end)

  it("does not hold its client up for ever in a coroutine that nobody resumes", function()
    local server = testing.Server { Users = { me = "secret" } }
    local function stuck(options)
      options.UserName, options.Password = "me", function() coroutine.yield() end
      local client = server:Client(options)
      local task = client:SendAsync(net.message())
      coroutine.wrap(function() return task:Wait() end)()
      return client, task
    end
    local client, task = stuck {}
    client:Close()
    assert.is_true(task:Step())
    assert.equal("cancelled", select(3, task:Result()).Kind)
    client, task = stuck { Deadline = 100 }
    local begin = process.now()
    local _, err = task:Wait(60)
    assert.is_true(process.now() - begin < 30)
    assert.is_truthy(err:find("Deadline of 100 ms", 1, true), err)
    client:Close()
    server:Stop()
  end)

  it("lets go of its client when it is over", function()
    local server = testing.Server {}
    local kept = {}
    for i = 1, 10 do
      local client = server:Client {}
      kept[i] = client:SendAsync(net.message())
      assert(kept[i]:Wait(30))
    end
    for _ = 1, 3 do collectgarbage() end
    assert.is_true(server:WaitIdle(30))
    server:Stop()
  end)

  it("wants numbers that are times", function()
    local server = testing.Server {}
    local task = server:Client {}:SendAsync(net.message())
    for _, bad in ipairs { -1, "x", 0 / 0, math.huge, {} } do
      assert.is_false((pcall(task.Step, task, bad)))
      assert.is_false((pcall(task.Wait, task, bad)))
    end
    local _, err = pcall(function() task.Step() end)
    assert.is_truthy(err:find("task_spec.lua", 1, true) and err:find("task:Step", 1, true), err)
    task:Cancel()
    server:Stop()
  end)

  it("ends when its client is closed", function()
    local server = slow(0.2)
    local client = server:Client {}
    local task = client:SendAsync(net.message())
    client:Close()
    assert.is_true(task:Step(0))
    assert.equal("cancelled", select(3, task:Result()).Kind)
    server:Stop()
  end)

  it("keeps Timeout and Deadline", function()
    local server = hung()
    local client = server:Client({ Timeout = 100 })
    local begin = process.now()
    local _, err, detail = client:SendAsync(net.message()):Wait()
    assert.equal("timeout", detail.Kind, err)
    assert.is_true(process.now() - begin < 30)
    client = server:Client({ Deadline = 150 })
    local first, second = client:SendAsync(net.message()), client:SendAsync(net.message())
    _, err = second:Wait()
    assert.is_truthy(err:find("Deadline of 150 ms", 1, true), err) -- of the call, not of its turn
    assert.equal("timeout", select(3, first:Result()).Kind)
    server:Stop()
  end)

  it("waits no longer than it is told", function()
    local server = hung()
    local client = server:Client { Timeout = 60000 }
    local task = client:SendAsync(net.message())
    local begin = process.now()
    local _, pending = task:Wait(0.05)
    assert.equal("pending", pending)
    assert.is_true(process.now() - begin < 30)
    client:Close()
    server:Stop()
  end)

  it("keeps its budget while a large content goes out", function()
    local server = servers.shared "sink"
    local client = net.client(server.port.plain, { Timeout = 20000 })
    local message = net.message { Attachments = { netmail.Attachment { Content = ("x"):rep(3e7), Name = "x.bin" } } }
    local task = client:SendAsync(message)
    local longest, ticks = loop(task, 2)
    assert(task:Result())
    assert.is_true(longest < 0.2, longest)
    assert.is_true(ticks > 3, ticks) -- without a budget it is one step
    client:Close()
  end)

  it("calls contents, passwords and the trace in its steps, where they may yield", function()
    local server = testing.Server { Tls = "implicit", Users = { me = "secret" } }
    local lines = 0
    local client = server:Client({ UserName = "me", Password = function()
      coroutine.yield "password"
      return "secret"
    end })
    client.OnTrace = function() lines = lines + 1 end
    local pieces = { "one\r\n", "two\r\n" }
    local attachment = netmail.Attachment { Name = "x.txt", Content = function()
      coroutine.yield "content"
      return table.remove(pieces, 1)
    end }
    local task = client:SendAsync(net.message { Attachments = { attachment } })
    local yielded = {}
    -- SendAsync has made a first step, outside of any coroutine: it is too early for a function to have been called.
    local thread = coroutine.create(function()
      while not task:Step(50) do coroutine.yield() end
      return "over"
    end)
    repeat
      local _, what = assert(coroutine.resume(thread))
      if what and what ~= "over" then
        yielded[#yielded + 1] = what
        assert.is_false(task:Step(0)) -- by somebody else, who does not get in between
      end
      process.sleep(0.001)
    until what == "over"
    assert.equal("accepted", assert(task:Result()).Outcome)
    assert.equal("password,content,content,content", table.concat(yielded, ","))
    assert.is_true(lines > 5)
    client:Close()
  end)

  describe("that nobody holds any more", function()
    --- So many, of which the caller sees nothing. Apart, so that no register of his has one.
    local function forget(client, n, make)
      for i = 1, n do client:SendAsync(make and make(i) or net.message { Subject = "number " .. i }) end
    end

    local function numbers(server)
      local all = {}
      for i, m in ipairs(server:Messages()) do all[i] = m.Data:match "Subject: number (%d+)" end
      return table.concat(all, " ")
    end

    it("is sent before the next Send of its client", function()
      local server = slow(0.02)
      local client = server:Client {}
      forget(client, 3)
      local result, err = client:Send(net.message { Subject = "number 4" })
      assert.equal("accepted", assert(result, err).Outcome)
      assert.equal("1 2 3 4", numbers(server))
      assert.equal(1, #server:Connections())
      client:Close()
      server:Stop()
    end)

    it("is sent before whatever else asks the server, and before SendMany", function()
      for _, ask in ipairs {
        function(client) return client:Check() end,
        function(client) return client:Verify "someone" end,
        function(client) return client:SendMany { net.message { Subject = "number 3" } } end,
      } do
        local server = testing.Server {}
        local client = server:Client {}
        forget(client, 2)
        assert(ask(client))
        assert.equal("1 2", (numbers(server):gsub(" 3$", "")))
        client:Close()
        server:Stop()
      end
    end)

    it("is sent before the next Send though it had not begun", function()
      local server = testing.Server {}
      local client = server:Client {}
      client:SendMany({ net.message { Subject = "number 1" } }, {
        OnResult = function() forget(client, 1, function() return net.message { Subject = "number 2" } end) end,
      })
      assert(client:Send(net.message { Subject = "number 3" }))
      client:SendManyAsync { net.message { Subject = "number 4" } }
      forget(client, 1, function() return net.message { Subject = "number 5" } end)
      assert(client:Check())
      assert(client:Send(net.message { Subject = "number 6" }))
      assert.equal("1 2 3 4 5 6", numbers(server))
      client:Close()
      server:Stop()
    end)

    it("is none as long as another of its client is held", function()
      local server = slow(0.02)
      local client = server:Client {}
      forget(client, 1)
      local task = client:SendAsync(net.message { Subject = "number 2" })
      local result, err = client:Send(net.message())
      assert.is_nil(result)
      assert.is_truthy(err:find("is sending another message", 1, true))
      assert(task:Wait(30))
      assert(client:Send(net.message { Subject = "number 3" }))
      assert.equal("1 2 3", numbers(server))
      client:Close()
      server:Stop()
    end)

    it("may have gone to another server, many at once", function()
      local servers_ = { testing.Server {}, testing.Server {} }
      local client = servers_[1]:Client { MaxConnections = 3 }
      forget(client, 20)
      client.Port = servers_[2].Port
      forget(client, 20)
      client:SendManyAsync { net.message { Subject = "number 21" } }
      local result, err = client:Send(net.message { Subject = "number 22" })
      assert.equal("accepted", assert(result, err).Outcome)
      assert.equal(20, #servers_[1]:Messages())
      assert.equal(22, #servers_[2]:Messages())
      client:Close()
      for i = 1, 2 do servers_[i]:Stop() end
    end)

    it("is looked for only where tasks are that are not over", function()
      local server = testing.Server {}
      local client, other = server:Client {}, server:Client {}
      local function calls(f)
        local n = 0
        debug.sethook(function()
          if debug.getinfo(2, "S").short_src:find "netmail.task%.lua$" then n = n + 1 end
        end, "c")
        local result, err = f()
        debug.sethook()
        return assert(result, err) and n
      end
      local function send(by) return function() return by:Send(net.message()) end end
      assert(client:SendAsync(net.message()):Wait(30))
      assert(client:SendManyAsync({ net.message() }):Wait(30))
      assert.is_true(client:SendManyAsync({ net.message() }):Cancel())
      assert.is_true(client:SendAsync(net.message()):Cancel())
      assert(client:SendMany { net.message() })
      assert.equal(0, calls(send(client)))
      client:SendAsync(net.message { Subject = "number 1" })
      assert.equal(0, calls(send(other)))
      assert.is_true(calls(send(client)) > 0)
      assert.equal(0, calls(send(client)))
      client:SendManyAsync { net.message { Subject = "number 2" } }
      assert.is_true(calls(send(client)) > 0)
      assert.equal(0, calls(send(client)))
      assert.equal(11, #server:Messages())
      client:Close()
      other:Close()
      server:Stop()
    end)

    it("takes no longer than the Deadline of who waits for it", function()
      local server = hung()
      local client = server:Client {}
      forget(client, 3)
      client.Deadline = 200
      local begin = process.now()
      local result, err, detail = client:Send(net.message())
      assert.is_true(process.now() - begin < 30)
      assert.is_nil(result)
      assert.equal("timeout", detail.Kind, err)
      assert.is_truthy(err:find("Deadline", 1, true), err)
      client:Close()
      server:Stop()
    end)

    it("has functions that may yield, and raise", function()
      local server = testing.Server {}
      local client = server:Client {}
      local yielded, raised = 0, 0
      local function content(i)
        if i == 2 then
          return function()
            raised = raised + 1
            error "no content"
          end
        end
        local n = 0
        return function()
          n = n + 1
          if n > 3 then return nil end
          yielded = yielded + 1
          coroutine.yield "content"
          return "piece " .. n
        end
      end
      forget(client, 3, function(i)
        return net.message { Subject = "number " .. i, Attachments = { netmail.Attachment { Name = "x", Content = content(i) } } }
      end)
      local thread = coroutine.create(function() return client:Send(net.message { Subject = "number 4" }) end)
      local good, what, err
      repeat good, what, err = coroutine.resume(thread) until coroutine.status(thread) == "dead" or not good
      assert(good, what)
      assert.equal("accepted", assert(what, err).Outcome)
      assert.equal("1 3 4", numbers(server))
      assert.equal(1, raised)
      client:Close()
      server:Stop()
    end)
  end)

  it("makes the other sends of its client wait: Send fails at once", function()
    local server = slow(0.1)
    local client = server:Client {}
    local task = client:SendAsync(net.message())
    local result, err = client:Send(net.message())
    assert.is_nil(result)
    assert.is_truthy(err:find("is sending another message", 1, true))
    assert(task:Wait(30))
    assert(client:Send(net.message()))
    client:Close()
    server:Stop()
  end)

  describe("begun while a Send of its client is at work", function()
    --- A Send whose content's function does something the first time it is called.
    local function during(client, act)
      local pieces = { "one\r\n", "two\r\n" }
      local attachment = netmail.Attachment { Name = "x.txt", Content = function()
        if act then act() end
        act = nil
        return table.remove(pieces, 1)
      end }
      return client:Send(net.message { Subject = "first", Attachments = { attachment } })
    end

    local function subjects(server)
      local all = {}
      for i, m in ipairs(server:Messages()) do all[i] = m.Data:match "Subject: (%w+)" end
      return table.concat(all, " ")
    end

    it("waits until the client is free", function()
      local server = testing.Server {}
      local client = server:Client {}
      local second, third
      assert(during(client, function()
        second, third = client:SendAsync(net.message { Subject = "second" }), client:SendAsync(net.message { Subject = "third" })
        assert.equal("Task (waiting)", tostring(second))
        assert.is_false(second:Step())
        assert.is_false(third:Step(50))
        assert.same({ nil, "pending" }, { second:Result() })
        assert.same({ nil, "pending" }, { second:Wait() }) -- would wait for this very function
        local begin = process.now()
        assert.same({ nil, "pending" }, { third:Wait(0.05) })
        assert.is_true(process.now() - begin >= 0.04)
        assert.is_true(second:timeout() <= 0.01)
        assert.is_number(second:pollfd())
      end))
      assert.equal("first", subjects(server))
      assert(third:Wait(30))
      assert(second:Result())
      assert.equal("first second third", subjects(server))
      assert.equal(1, #server:Connections())
      client:Close()
      server:Stop()
    end)

    it("in another coroutine, too", function()
      local server = testing.Server {}
      local client = server:Client {}
      local result
      local thread = coroutine.create(function() result = assert(during(client, coroutine.yield)) end)
      assert(coroutine.resume(thread))
      local task = client:SendAsync(net.message { Subject = "second" })
      for _ = 1, 3 do assert.is_false(task:Step(5)) end
      assert(coroutine.resume(thread))
      assert.equal("accepted", result.Outcome)
      assert(task:Wait(30))
      assert.equal("first second", subjects(server))
      client:Close()
      server:Stop()
    end)

    it("or while a tracer sees the last of it", function()
      local server = testing.Server {}
      local client = server:Client {}
      local tasks = {}
      client.OnTrace = function() if #tasks < 30 then tasks[#tasks + 1] = client:SendAsync(net.message()) end end
      assert(client:Check())
      assert(client:Send(net.message()))
      client.OnTrace = nil
      assert.is_true(#tasks > 5)
      for _, task in ipairs(tasks) do assert(task:Wait(30)) end
      client:Close()
      server:Stop()
    end)

    it("may be cancelled, and its Deadline counts", function()
      local server = testing.Server {}
      local client = server:Client {}
      local cancelled, late
      local result = assert(during(client, function()
        cancelled = client:SendAsync(net.message { Subject = "cancelled" })
        assert.is_true(cancelled:Cancel())
        client.Deadline = 50
        late = client:SendAsync(net.message { Subject = "late" })
        local _, err, detail = late:Wait()
        assert.is_truthy(err:find("Deadline of 50 ms", 1, true), err)
        assert.same({ "timeout", "not_sent" }, { detail.Kind, detail.Outcome })
      end))
      assert.equal("accepted", result.Outcome)
      assert.equal("cancelled", select(3, cancelled:Result()).Kind)
      assert.equal("first", subjects(server))
      client:Close()
      server:Stop()
    end)
  end)

  it("does not wait for ever for a function that goes on when the waiting is over", function()
    local server = testing.Server { Users = { me = "secret" } }
    local task
    local client = server:Client { UserName = "me", Password = function()
      assert.same({ nil, "pending" }, { task:Wait() })
      return coroutine.yield()
    end }
    task = client:SendAsync(net.message())
    local thread = coroutine.create(function() return task:Wait() end)
    assert(coroutine.resume(thread))
    assert.same({ nil, "pending" }, { task:Wait() })
    local _, result = assert(coroutine.resume(thread, "secret"))
    assert.equal("accepted", result.Outcome)
    client:Close()
    server:Stop()
  end)

  it("that nobody has any more, nor its client, is collected with its connection", function()
    local server = slow(0.3)
    local gone = setmetatable({}, { __mode = "v" })
    for i = 1, 5 do
      local client = server:Client {}
      gone[i], gone[-i] = client, client:SendAsync(net.message())
      client:SendAsync(net.message())
    end
    for _ = 1, 4 do collectgarbage() end
    for i = 1, 5 do assert.is_nil(gone[i] or gone[-i]) end
    assert.is_true(server:WaitIdle(30))
    server:Stop()
  end)

  describe("beside others of its client", function()
    --- gate: that the first of them wait for.
    local function several(client, n, gate, n_gated)
      local tasks = {}
      for i = 1, n do
        tasks[i] = client:SendAsync(net.message { Subject = "number " .. i, Attachments = gate and i <= n_gated and gated(gate) or nil })
      end
      return tasks
    end

    --- Steps until it has come about.
    local function step(task, condition)
      assert(process.wait(30, function()
        task:Step()
        return condition()
      end))
    end

    local function whole(server)
      local seen = {}
      for _, m in ipairs(server:Messages()) do
        assert.is_truthy(m.Data:find("one\r\n.\r\ntwo\r\n", 1, true) and (m.Data:find("two\r\n$") or m.Data:find("%-%-\r\n$")))
        seen[tonumber(m.Data:match "Subject: number (%d+)")] = true
      end
      return seen
    end

    it("goes over as many connections as the client may have", function()
      local server = slow(0.05)
      local client = server:Client { MaxConnections = 4 }
      local tasks = several(client, 20)
      for i = 1, 20 do assert.equal(tasks[1]:pollfd(), tasks[i]:getfd()) end
      for i = 1, 20 do assert.equal("accepted", assert(tasks[i]:Wait(60)).Outcome) end
      local open, most = 0, 0
      for _, line in ipairs(server:Commands()) do
        open = open + (line:find "^MAIL" and 1 or line == "." and -1 or 0)
        most = math.max(most, open)
      end
      assert.is_true(most > 1, most) -- not one after another
      assert.equal(4, #server:Connections())
      assert.equal(20, #whole(server))
      assert(client:Send(net.message())) -- which takes up one of them
      assert.equal(4, #server:Connections())
      client:Close()
      server:Stop()
    end)

    it("takes nobody with it when it is cancelled, wherever it is", function()
      local server = testing.Server { Extensions = { "PIPELINING" }, Faults = { { At = "DOT", Match = "number 1\r", Silent = true } } }
      local client = server:Client { MaxConnections = 2 }
      local gate = {}
      local tasks = { client:SendAsync(net.message { Subject = "number 1" }) }
      tasks[2] = client:SendAsync(net.message { Subject = "number 2", Attachments = gated(gate) })
      for i = 3, 6 do tasks[i] = client:SendAsync(net.message { Subject = "number " .. i }) end
      step(tasks[6], function() return gate.asked and #server:Messages() == 1 end)
      assert.is_truthy(tostring(tasks[1]):find("on its way", 1, true))
      assert.is_truthy(tostring(tasks[5]):find("waiting", 1, true))
      assert.is_true(tasks[1]:Cancel())
      assert.is_true(tasks[5]:Cancel())
      assert.is_false(tasks[5]:Cancel())
      assert.equal("cancelled", select(3, tasks[1]:Result()).Kind)
      assert.same({ "cancelled", "not_sent" }, { select(3, tasks[5]:Result()).Kind, select(3, tasks[5]:Result()).Outcome })
      gate.is_open = true
      for _, i in ipairs { 2, 3, 4, 6 } do assert.equal("accepted", assert(tasks[i]:Wait(30)).Outcome) end
      local seen = whole(server)
      assert.same({ true, true, true, true, nil }, { seen[2], seen[3], seen[4], seen[6], seen[5] })
      client:Close()
      server:Stop()
    end)

    it("is not sent when it was cancelled before the server had all of it", function()
      local server = testing.Server {}
      local client = server:Client {}
      local gate = {} -- which is never opened
      local first = client:SendAsync(net.message { Subject = "number 1", Attachments = gated(gate) })
      local second = client:SendAsync(net.message { Subject = "number 2" })
      step(second, function() return gate.asked and gate.asked > 3 end)
      assert.same({ nil, "pending" }, { second:Result() })
      assert.is_true(first:Cancel())
      local _, _, detail = first:Result()
      assert.same({ "cancelled", "not_sent" }, { detail.Kind, detail.Outcome })
      assert.equal("accepted", assert(second:Wait(30)).Outcome)
      assert.same({ nil, true }, whole(server))
      client:Close()
      server:Stop()
    end)

    it("goes to the server that was the client's when it was made", function()
      local a, b = slow(0.02), slow(0.02)
      local client = a:Client { MaxConnections = 2 }
      local ports = {}
      local tasks = {}
      for i = 1, 12 do
        local server = i % 4 < 2 and a or b
        client.Port = server.Port
        ports[i] = server.Port
        tasks[i] = client:SendAsync(net.message { Subject = "number " .. i })
      end
      client.Port = 1 -- nobody's, and no task's
      local last = client:SendAsync(net.message { Subject = "number 13" })
      for i = 1, 12 do assert.equal("accepted", assert(tasks[i]:Wait(30)).Outcome) end
      assert.equal(1, select(3, last:Wait(30)).Port)
      local of_a, of_b = whole(a), whole(b)
      for i = 1, 12 do assert.is_true((ports[i] == a.Port and of_a or of_b)[i]) end
      assert.equal(12, #a:Messages() + #b:Messages())
      client:Close()
      a:Stop()
      b:Stop()
    end)

    it("goes as who the client was when it was made, also over a line that has to be dialled anew", function()
      local server = testing.Server { Users = { me = "secret", you = "other" },
        Faults = { { At = "MAIL", Nth = 2, Reply = "421 4.3.2 enough" } } }
      local client = server:Client { UserName = "me", Password = "secret" }
      local mine = several(client, 3)
      client.ThisHostCredentials[""] = netmail.NetworkCredential.Create("you", "other")
      local yours = several(client, 2)
      for i = 1, 3 do assert(mine[i]:Wait(30)) end
      for i = 1, 2 do assert(yours[i]:Wait(30)) end
      local users = {}
      for i, m in ipairs(server:Messages()) do users[i] = m.User end
      assert.equal("me me me you you", table.concat(users, " "))
      client:Close()
      server:Stop()
    end)

    it("waits for its turn without that Timeout counts", function()
      net.at_some_pace(function(ms)
        local server = slow(0, { { At = "DOT", Delay = ms / 4000 } })
        local client = server:Client { Timeout = ms }
        local tasks, is_sent = several(client, 7), true
        for i = 1, 7 do
          local result, err, detail = tasks[i]:Wait(60)
          assert.is_true(result ~= nil or detail.Kind == "timeout", err)
          is_sent = is_sent and result ~= nil
        end
        client:Close()
        server:Stop()
        return is_sent
      end, { 400, 6000 })
    end)

    it("ends at its Deadline, behind tasks that have none", function()
      local server = testing.Server {}
      local client = server:Client {}
      local gate = {}
      local first = several(client, 2, gate, 1)
      client.Deadline = 100
      local late = several(client, 2)
      assert.is_true(late[1]:timeout() <= 0.1)
      local _, err, detail = late[1]:Wait()
      assert.is_truthy(err:find("Deadline of 100 ms", 1, true), err)
      assert.same({ "timeout", "not_sent" }, { detail.Kind, detail.Outcome })
      for i = 1, 2 do assert.same({ nil, "pending" }, { first[i]:Result() }) end
      gate.is_open = true
      for i = 1, 2 do assert(first[i]:Wait(30)) end
      assert.equal("timeout", select(3, late[2]:Wait(30)).Kind)
      assert.equal(2, #whole(server))
      client:Close()
      server:Stop()
    end)

    it("goes on over a new connection when Close has ended those on their way", function()
      local server = testing.Server { Extensions = { "PIPELINING" }, Faults = {
        { At = "DOT", Match = "number 1\r", Silent = true }, { At = "DOT", Match = "number 2\r", Silent = true } } }
      local client = server:Client { MaxConnections = 2 }
      local tasks = several(client, 6)
      step(tasks[6], function() return #server:Messages() == 2 end)
      client:Close()
      for i = 1, 2 do assert.equal("cancelled", select(3, tasks[i]:Wait(30)).Kind) end
      for i = 3, 6 do assert.equal("accepted", assert(tasks[i]:Wait(30)).Outcome) end
      client:Close()
      server:Stop()
    end)

    it("does not wait for a function of one that was cancelled", function()
      local server = testing.Server { Users = { me = "secret" } }
      local is_stuck = true
      local client = server:Client { UserName = "me", Password = function()
        if is_stuck then coroutine.yield() end
        return "secret"
      end }
      local tasks = several(client, 3)
      local thread = coroutine.create(function() return tasks[1]:Wait() end)
      assert(coroutine.resume(thread))
      assert.same({ nil, "pending" }, { tasks[2]:Wait() })
      is_stuck = false
      assert.is_true(tasks[1]:Cancel())
      for i = 2, 3 do assert.equal("accepted", assert(tasks[i]:Wait(30)).Outcome) end
      local _, _, _, detail = assert(coroutine.resume(thread)) -- its password is for nobody any more
      assert.equal("cancelled", detail.Kind)
      assert.equal(2, #server:Messages())
      client:Close()
      server:Stop()
    end)

    it("takes turns with many messages of the client", function()
      local server = testing.Server {}
      local client = server:Client {}
      local first = client:SendAsync(net.message { Subject = "number 1" })
      local many = client:SendManyAsync { net.message { Subject = "number 2" }, net.message { Subject = "number 3" } }
      local last = client:SendAsync(net.message { Subject = "number 4" })
      local result, err = client:SendMany { net.message() }
      assert.is_nil(result)
      assert.is_truthy(err:find("is sending another message", 1, true))
      assert(last:Wait(30))
      assert(first:Result())
      assert.equal(2, many:Result().Accepted)
      local numbers = {}
      for i, m in ipairs(server:Messages()) do numbers[i] = m.Data:match "Subject: number (%d+)" end
      assert.equal("1 2 3 4", table.concat(numbers, " "))
      client:Close()
      server:Stop()
    end)

    it("is watched by one descriptor alone, whatever the steps leave to do", function()
      local good, socket = pcall(require, "socket")
      if not good then return pending "socket is not there for this Lua" end
      local server = slow(0.01)
      local client = server:Client { MaxConnections = 3 }
      local tasks = several(client, 30)
      local watched = { getfd = function() return tasks[1]:getfd() end }
      local over = 0
      while over < 30 do
        assert(#socket.select({ watched }, nil, 30) == 1, "nothing wakes the loop")
        local i = 1
        while i <= #tasks and tasks[i]:Result() do i = i + 1 end
        tasks[i]:Step(0) -- one of them, and no further than it goes by itself
        over = 0
        for k = 1, 30 do over = over + (tasks[k]:Result() and 1 or 0) end
      end
      client:Close()
      server:Stop()
    end)
  end)

  it("may be forgotten, with its client, in the middle", function()
    local server = slow(0.3)
    do
      local client = server:Client {}
      client:SendAsync(net.message())
    end
    for _ = 1, 3 do collectgarbage() end
    server:Stop()
  end)

  it("that many of a client open keep their number of descriptors", function()
    local server = testing.Server {}
    local client = server:Client {}
    local before = descriptors()
    local tasks = {}
    for i = 1, 500 do tasks[i] = client:SendAsync(net.message()) end
    assert.is_true(descriptors() - before < 10)
    assert(tasks[500]:Wait(60))
    assert.equal(500, #server:Messages())
    client:Close()
    server:Stop()
  end)

  it("that many of a client open need no more memory than their messages", function()
    local text, status = process.lua [[
      local netmail, testing = require "netmail", require "netmail.testing"
      local function resident()
        for line in io.lines "/proc/self/status" do
          local kb = line:match "^VmRSS:%s*(%d+) kB"
          if kb then return tonumber(kb) end
        end
      end
      local server = testing.Server { MaxMessages = 10000 }
      local client = server:Client { MaxConnections = 10 }
      local message = netmail.MailMessage { From = "a@x.org", To = "b@x.org", Subject = "s", Text = "text" }
      assert(client:Send(message))
      collectgarbage() collectgarbage()
      local before = resident()
      local tasks, is_open = {}, false
      local function gated() -- holds its line
        return netmail.MailMessage { From = "a@x.org", To = "b@x.org", Attachments = { netmail.Attachment { Name = "x",
          Content = function() return not is_open and "" or nil end } } }
      end
      for i = 1, 4000 do tasks[i] = client:SendAsync(i <= 10 and gated() or message) end
      collectgarbage() collectgarbage()
      local each = (resident() - before) / #tasks
      if each > 10 then print(("%.1f kB each"):format(each)) end
      local cancelled, accepted, handed_over = 0, 0, 0
      for i = 7, #tasks, 7 do
        if tasks[i]:Cancel() then
          cancelled = cancelled + 1
          if select(3, tasks[i]:Result()).Outcome == "unknown" then handed_over = handed_over + 1 end
        end
      end
      assert(cancelled == 571 and handed_over <= 10)
      is_open = true
      for i = 1, #tasks do accepted = accepted + (tasks[i]:Wait(60) and 1 or 0) end
      assert(#server:Messages() - 1 - accepted <= handed_over)
      print(accepted + cancelled)
      client:Close()
      server:Stop()
    ]]
    assert.equal("4000\n", text)
    assert.equal(0, status)
  end)
end)

--- By a loop that watches the descriptor: how many other things happened meanwhile.
describe("an event loop", function()
  local function optional(name)
    local good, module = pcall(require, name)
    if good then return module end
    pending(name .. " is not there for this Lua")
  end

  it("of cqueues drives tasks", function()
    local cqueues = optional "cqueues"
    if not cqueues then return end
    local server = slow(0.1)
    local client = server:Client {}
    local ticks, polls, result = 0, 0, nil
    local loop_ = cqueues.new()
    loop_:wrap(function()
      local task = client:SendAsync(net.message())
      while not task:Step() do
        cqueues.poll(task)
        polls = polls + 1
      end
      result = assert(task:Result())
    end)
    loop_:wrap(function()
      while not result do
        cqueues.sleep(0.01)
        ticks = ticks + 1
      end
    end)
    assert(loop_:loop())
    assert.equal("accepted", result.Outcome)
    assert.is_true(ticks >= 3, ticks) -- the server speaks four times; a loop that is held up has one
    assert.is_true(polls < 200, polls)
    client:Close()
    server:Stop()
  end)

  it("of libuv drives tasks", function()
    local uv = optional "luv"
    if not uv then return end
    local server = slow(0.1)
    local client = server:Client {}
    local ticks, result = 0, nil
    local task = client:SendAsync(net.message())
    local poll, timer = uv.new_poll(task:getfd()), uv.new_timer()
    poll:start("r", function()
      if task:Step() then
        result = assert(task:Result())
        poll:stop()
        poll:close()
        timer:close()
      end
    end)
    timer:start(10, 10, function() ticks = ticks + 1 end)
    uv.run()
    assert.equal("accepted", result.Outcome)
    assert.is_true(ticks >= 3, ticks) -- the server speaks four times; a loop that is held up has one
    client:Close()
    server:Stop()
  end)

  it("of LuaSocket's select drives tasks", function()
    local socket = optional "socket"
    if not socket then return end
    local server = slow(0.1)
    local client = server:Client {}
    local task = client:SendAsync(net.message())
    local selects = 0
    while not task:Step() do
      socket.select({ task }, nil, task:timeout())
      selects = selects + 1
    end
    assert.equal("accepted", assert(task:Result()).Outcome)
    assert.is_true(selects < 200, selects)
    client:Close()
    server:Stop()
  end)

  it("that nobody holds, and whose function yielded in a coroutine that is gone, is ended by Close", function()
    local server = testing.Server {}
    for _, way in ipairs { "SendAsync", "SendManyAsync" } do
      local client = server:Client {}
      do
        local n = 0
        local slow_content = netmail.Attachment { Name = "x", Content = function()
          n = n + 1
          if n == 2 then coroutine.yield() end
          return n < 4 and "part" or nil
        end }
        local task
        if way == "SendAsync" then
          local message = net.message()
          message.Attachments:Add(slow_content)
          task = client:SendAsync(message)
        else
          task = client:SendManyAsync({ net.message(), net.message() }, { OnResult = function() coroutine.yield() end })
        end
        local co = coroutine.create(function() return task:Wait() end)
        assert(coroutine.resume(co))
        assert.equal("suspended", coroutine.status(co))
        local other = client:SendAsync(net.message())
        local cpu = os.clock()
        assert.same({ nil, "pending" }, { other:Wait(0.5) })
        assert.is_true(os.clock() - cpu < 0.25, "it waits at rest")
        other:Cancel()
      end
      collectgarbage()
      collectgarbage()
      client:Close()
      assert(client:Send(net.message()))
      client:Close()
    end
    server:Stop()
  end)
end)
