-- DESIGN 3.5, 3.10: what happens when states close, objects are collected and processes fork.

local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

-- Runs a program that gets the ports of aiosmtpd as its arguments.
local function run(source, command)
  local aio = servers.shared "aio"
  return process.apart(source, command or "", aio.port.plain, aio.port.tls, net.ca)
end

local send_one = [[
  local netmail = require "netmail"
  local plain, tls, ca = ...
  function send(port, options)
    options = options or {}
    options.Host, options.Port, options.CaFile = "localhost", tonumber(port), ca
    local client = netmail.SmtpClient(options)
    assert(client:Send(netmail.MailMessage{ From = "a@example.test", To = "b@example.test", Text = "x" }))
    return client
  end
]]
describe("a state that closes", function()
  it("may hold live clients, in any order of collection", function()
    local output, status = run(send_one .. [[
      a = send(plain)
      b = send(tls, { EnableSsl = true, ImplicitTls = true })
      c = { a = a, b = b, message = netmail.MailMessage{ To = "x@example.test" }, own = a.ThisHostCredentials }
      c.self = c
      co = coroutine.wrap(function() local d = send(plain); coroutine.yield(d) end)
      co()
      print "done"
    ]])
    assert.equal("done\n", output)
    assert.equal(0, status)
    servers.shared("aio"):take(3)
  end)

  it("may be closed by os.exit", function()
    local output, status = run(send_one .. [[
      a = send(tls, { EnableSsl = true, ImplicitTls = true })
      os.exit(0, true)
    ]])
    assert.equal("", output)
    assert.equal(0, status)
    servers.shared("aio"):take(1)
  end)
end)

describe("require", function()
  it("does not load libcurl; the first Send does", function()
    local output = run(send_one .. [[
      local function loaded()
        for line in io.lines "/proc/self/maps" do
          if line:find("libcurl", 1, true) then return true end
        end
        return false
      end
      local message = netmail.MailMessage{ From = "a@example.test", To = "b@example.test", Text = "x" }
      message:ToString()
      local client = netmail.SmtpClient.CreateWithHost "localhost"
      client.ThisHostCredentials[""] = netmail.NetworkCredential.Create("a", "b")
      print(loaded(), netmail.providers.gmail.Host)
      send(plain)
      print(loaded())
    ]])
    assert.equal("false\tsmtp.gmail.com\ntrue\n", output)
    servers.shared("aio"):take(1)
  end)

  it("sets no global", function()
    local output = run [[
      local before = {}
      for k in pairs(_G) do before[k] = true end
      local netmail = require "netmail"
      local _ = netmail.providers
      for k in pairs(_G) do if not before[k] then print(k) end end
    ]]
    assert.equal("", output)
  end)
end)

describe("what is dropped", function()
  it("is collected before it piles up, however little Lua sees of it", function()
    local output = run [[
      local netmail = require "netmail"
      local big = ("x"):rep(2^20)
      for i = 1, 1000 do
        local a = netmail.Attachment{ Content = big, Name = "a" }
        local m = netmail.MailMessage{ Text = big }
      end
      for line in io.lines "/proc/self/status" do
        local kb = line:match "^VmHWM:%s*(%d+)"
        if kb then print(tonumber(kb) < 200 * 1024 or kb) end
      end
    ]]
    assert.equal("true\n", output)
  end)

  it("is collected also when it was in use for a while before: Lua 5.4 takes that for old", function()
    local output = run [[
      local netmail = require "netmail"
      local big = ("x"):rep(2^20)
      local used = {}
      for i = 1, 400 do used[i % 16] = netmail.MailMessage{ Text = big } end
      for line in io.lines "/proc/self/status" do
        local kb = line:match "^VmHWM:%s*(%d+)"
        if kb then print(tonumber(kb) < 120 * 1024 or kb) end
      end
    ]]
    assert.equal("true\n", output)
  end)
end)

describe("a client that is collected", function()
  it("says nothing to its server", function()
    local server = servers.script(net.follow(net.greet "PIPELINING", { serve = true }))
    do
      local client = net.client(server.port.plain)
      assert(client:Send(net.message()))
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(server:received(1):find("QUIT", 1, true))
    server:stop()
  end)

  it("leaves neither a descriptor nor memory behind", function()
    local output, status = run(send_one .. [[
      local function fds()
        local f = io.popen("ls /proc/$PPID/fd | wc -l")
        local n = tonumber(f:read "*a")
        f:close()
        return n
      end
      local function rss()
        for line in io.lines "/proc/self/status" do
          local kb = line:match "^VmRSS:%s*(%d+)"
          if kb then return tonumber(kb) end
        end
      end
      local function round(n)
        for i = 1, n do
          local client = send(i % 2 == 0 and plain or tls, i % 2 == 1 and { EnableSsl = true, ImplicitTls = true } or nil)
          if i % 3 == 0 then client:Close() end
          client = nil
          if i % 10 == 0 then collectgarbage() end
        end
        collectgarbage()
        collectgarbage()
      end
      round(40)
      local before_fds, before_rss = fds(), rss()
      round(160)
      print(math.abs(fds() - before_fds) < 4, rss() - before_rss < 3000) -- the last one may still be on the stack
    ]])
    assert.equal("true\ttrue\n", output)
    assert.equal(0, status)
    servers.shared("aio"):take(200)
  end)
end)

-- f is called in a forked child, which the parent waits for.
local forking = [[
  local ffi = require "ffi"
  ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int); int usleep(unsigned);"
  local function child(f)
    local pid = ffi.C.fork()
    if pid == 0 then
      local ok, err = pcall(f)
      if not ok then print(err) end
      io.stdout:flush()
      ffi.C._exit(ok and 0 or 1)
    end
    local status = ffi.new "int[1]"
    ffi.C.waitpid(pid, status, 0)
    assert(status[0] == 0)
  end
]]

describe("a forked child", function()
  it("never speaks on its parent's connection, and has its own", function()
    if not jit then
      pending "fork is called through LuaJIT's ffi; the code under test is the same C"
      return
    end
    local output, status = run(send_one .. forking .. [[
      local message = netmail.MailMessage{ From = "a@example.test", To = "b@example.test", Text = "x" }
      for _, options in ipairs{ {}, { EnableSsl = true, ImplicitTls = true } } do
        local client = send(options.EnableSsl and tls or plain, options)
        child(function() assert(client:Send(message)) end)           -- a line of its own
        child(function() client:Close() end)                         -- no QUIT on the parent's
        child(function() client = nil collectgarbage() collectgarbage() end)
        child(function() end)
        for _ = 1, 3 do assert(client:Send(message)) end             -- the parent's still lives
        client:Close()
      end
      print "done"
    ]])
    assert.equal("done\n", output)
    assert.equal(0, status)
    servers.shared("aio"):take(10)
  end)
end)

describe("a forked child of a process with tasks", function()
  local six_sends = [[for i = 1, 6 do tasks[i] = client:SendAsync(message "parent's") end]]
  local one_of_many = [[
    local all = {}
    for i = 1, 6 do all[i] = message "parent's" end
    tasks[1] = client:SendManyAsync(all, { Window = 2 })
  ]]

  --- The parent makes tasks, and so many steps of 5 ms; then the child does what it is to do.
  local function fork_after(steps, make, child)
    return run(forking .. ([[
      local netmail, testing = require "netmail", require "netmail.testing"
      local faults = {}
      for _, at in ipairs { "CONNECT", "MAIL", "DOT" } do faults[#faults + 1] = { At = at, Delay = 0.01 } end
      local server = testing.Server { Faults = faults }
      local client = server:Client { MaxConnections = 2 }
      local function message(subject)
        return netmail.MailMessage { From = "a@x.org", To = "b@x.org", Subject = subject, Text = "text" }
      end
      local tasks = {}
      local function is_parents(task, err, detail)
        assert(detail.Kind == "cancelled", err)
        assert(err:find("the process was forked, and its parent goes on", 1, true), err)
        assert(tostring(detail) == err, tostring(detail))
      end
      %s
      local fd = tasks[#tasks]:pollfd()
      for _ = 1, %d do
        tasks[#tasks]:Step()
        ffi.C.usleep(5000)
      end
      child(function() %s end)
      if after then after() end
      for i = 1, #tasks do assert(tasks[i]:Wait(60)) end
      assert(tasks[#tasks]:pollfd() == nil or tasks[#tasks]:pollfd() == fd)
      assert(client:Send(message "parent's"))
      local n = {}
      for _, m in ipairs(server:Messages()) do
        local whose = m.Data:match "Subject: (%%w+)"
        n[whose] = (n[whose] or 0) + 1
      end
      print(n.parent, n.child or 0)
      client:Close()
      server:Stop()
    ]]):format(make, steps, child))
  end

  it("sends none of them, whatever it does, and has tasks and a descriptor of its own", function()
    if not jit then
      pending "fork is called through LuaJIT's ffi; the code under test is the same C and Lua"
      return
    end
    local ways = {
      { "", 0 },
      { "client = nil tasks = nil collectgarbage() collectgarbage()", 0 },
      { "client:Close()", 0 },
      { [[for i = 1, 6 do
            local over = tasks[i]:Result()
            local result, err, detail = tasks[i]:Wait(60)
            if not over then is_parents(tasks[i], err, detail) end
          end
          assert(client:Send(message "child's"))
          local task = client:SendAsync(message "child's")
          assert(task:pollfd() ~= fd)
          assert(task:Wait(60))
          client:Close()]], 2 },
    }
    for _, steps in ipairs { 0, 1, 2, 4, 7, 12 } do
      for i, way in ipairs(ways) do
        local output, status = fork_after(steps, six_sends, way[1])
        assert.equal(("7\t%d\n"):format(way[2]), output, ("%d steps, way %d"):format(steps, i))
        assert.equal(0, status)
      end
    end
  end)

  it("is kept from nothing by them: its own calls are its own, and the parent's say why they ended", function()
    if not jit then
      pending "fork is called through LuaJIT's ffi; the code under test is the same C and Lua"
      return
    end
    local all_are_parents = [[
      for i = 1, #tasks do
        local result, err, detail = tasks[i]:Result()
        assert(result or err ~= "pending")
        if not result then is_parents(tasks[i], err, detail) end
      end
    ]]
    local ways = {
      [[assert(client:Send(message "child's"))]],
      [[assert(client:SendMany({ message "child's" }).Accepted == 1)]],
      [[assert(client:SendAsync(message "child's"):Wait(60))]],
      [[assert(client:SendManyAsync({ message "child's" }):Wait(60).Accepted == 1)]],
    }
    for _, make in ipairs { six_sends, one_of_many } do
      for steps = 0, 9, 3 do
        for i, way in ipairs(ways) do
          local output, status = fork_after(steps, make, way .. all_are_parents)
          assert.equal("7\t1\n", output, ("%s, %d steps, way %d"):format(make, steps, i))
          assert.equal(0, status)
        end
      end
    end
  end)

  it("says so also of those for which a function was at work, and of each message", function()
    if not jit then
      pending "fork is called through LuaJIT's ffi; the code under test is the same C and Lua"
      return
    end
    local output, status = fork_after(0, [[
      server:SetFaults { { At = "MAIL", Nth = 2, Delay = 0.3 } }
      local all, told = {}, 0
      for i = 1, 6 do all[i] = message "parent's" end
      tasks[1] = client:SendManyAsync(all, { Window = 2, OnResult = function()
        told = told + 1
        if told == 1 then coroutine.yield() end
      end })
      local thread = coroutine.create(function() while not tasks[1]:Step() do ffi.C.usleep(1000) end end)
      assert(coroutine.resume(thread))
      assert(told == 1)
      after = function() assert(coroutine.resume(thread)) end
    ]], [[
      local _, err, detail = tasks[1]:Wait(60)
      is_parents(tasks[1], err, detail)
      local n = detail.Summary.Accepted -- more than one where many words of the server's were read at once
      assert(n >= 1 and n + #detail.Summary.Failures == detail.Summary.Total)
      assert(detail.Summary.Stopped == err)
      for _, failure in ipairs(detail.Summary.Failures) do is_parents(tasks[1], failure.Error, failure.Detail) end
      assert(client:Send(message "child's"))
    ]])
    assert.equal("7\t1\n", output)
    assert.equal(0, status)
  end)
end)

describe("Close", function()
  it("may be called twice, and the next Send dials again", function()
    local aio = servers.shared "aio"
    local client = net.client(aio.port.plain)
    client:Close()
    assert(client:Send(net.message()))
    client:Close()
    client:Close()
    assert(client:Send(net.message()))
    client:Close()
    aio:take(2)
  end)

  it("is called by <close> where Lua has it", function()
    if _VERSION ~= "Lua 5.4" then
      pending "to-be-closed variables are of Lua 5.4"
      return
    end
    local server = servers.script(net.follow(net.greet "PIPELINING", { serve = true }))
    local f = assert(load [[
      local net, port = ...
      local client <close> = net.client(port)
      assert(client:Send(net.message()))
    ]])
    f(net, server.port.plain)
    assert.is_truthy(server:received(1):find("QUIT\r\n$"))
    server:stop()
  end)
end)

describe("Send in a coroutine", function()
  it("works as outside", function()
    local aio = servers.shared "aio"
    local client = net.client(aio.port.plain)
    local co = coroutine.wrap(function()
      coroutine.yield(client:Send(net.message()).Outcome)
      coroutine.yield(client:Send(net.message()).Outcome)
    end)
    assert.equal("accepted", co())
    assert.equal("accepted", co())
    client:Close()
    aio:take(2)
  end)
end)
