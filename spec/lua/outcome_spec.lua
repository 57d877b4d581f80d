-- DESIGN 3.3, 3.4, 3.6: what became of a message when the line or the server fails, and how long that may take.

local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local ok = "250 2.0.0 ok\r\n"

-- Steps behind the greeting, for a server with PIPELINING, up to the reply to DATA.
local function transaction(...)
  return net.follow(net.greet("PIPELINING", "SIZE 0", "ENHANCEDSTATUSCODES"), { expect = "MAIL" }, { expect = "RCPT" },
    { expect = "DATA" }, { send = ok .. ok .. "354 go\r\n" }, ...)
end

local function run(steps, options, message)
  local server = servers.script(steps)
  local client = net.client(server.port.plain, options)
  local result, err, detail = client:Send(message or net.message())
  return result, err, detail, server, client
end

describe("the outcome is", function()
  local function is(outcome, kind, steps, options, message)
    local result, err, detail, server, client = run(steps, options, message)
    client:Close()
    assert.is_nil(result)
    assert.same({ outcome, kind }, { detail.Outcome, detail.Kind }, err)
    local said = server:received(1)
    server:stop()
    return err, detail, said
  end

  it("not_sent when nobody listens", function()
    local server = servers.script{ { drop = true } }
    local port = server.port.plain
    server:stop()
    local result, err, detail = net.client(port):Send(net.message())
    assert.is_nil(result)
    assert.same({ "not_sent", "connect", true }, { detail.Outcome, detail.Kind, detail.Temporary })
    assert.is_truthy(err:find("cannot connect to localhost:" .. port, 1, true))
  end)

  it("not_sent when the server refuses the connection", function()
    local err, detail = is("not_sent", "connect", { { send = "554 5.7.1 go away\r\n" } })
    assert.same({ 554, "5.7.1", "CONNECT", false }, { detail.Code, detail.EnhancedCode, detail.Command, detail.Temporary })
    assert.is_truthy(err:find("^554 5%.7%.1 go away: "), err)
  end)

  it("not_sent at once when the port is that of another protocol", function()
    for _, line in ipairs{ "* OK IMAP4rev1 ready", "+OK POP3 ready", "SSH-2.0-OpenSSH_9.2", "HTTP/1.1 400 Bad Request" } do
      local begin = process.now()
      local err = is("not_sent", "protocol", { { send = line .. "\r\n" } }, { Timeout = 20000 })
      assert.is_true(process.now() - begin < 5)
      assert.is_truthy(err:find('"' .. line .. '" is no reply of an SMTP server; check Port', 1, true), err)
    end
    is("not_sent", "protocol", { { send = "220 x\r\n" }, { expect = "EHLO" }, { send = "250-x\r\n550 y\r\n" } })
  end)

  it("not_sent with the command that was waiting when the line breaks while dialling", function()
    local err, detail = is("not_sent", "connect", net.follow(net.greet("AUTH PLAIN"), { expect = "AUTH" }, { drop = true }),
      { UserName = "u", Password = "secret" })
    assert.equal("AUTH", detail.Command, err)
    assert.is_truthy(err:find("broke at AUTH", 1, true), err)
    local _, waiting = is("not_sent", "timeout", net.follow(net.greet("AUTH PLAIN"), { expect = "AUTH" }, { sleep = 5 }),
      { UserName = "u", Password = "secret", Timeout = 300 })
    assert.equal("AUTH", waiting.Command)
  end)

  it("not_sent when the line breaks before the content", function()
    is("not_sent", "connect", { { drop = true } })
    is("not_sent", "connect", { { send = "220 x\r\n" }, { expect = "EHLO" }, { drop = true } })
    is("not_sent", "connect", net.follow(net.greet("PIPELINING"), { drop = true }))
    is("not_sent", "connect", net.follow(net.greet("PIPELINING"), { expect = "MAIL" }, { reset = true }))
    is("not_sent", "connect", net.follow(net.greet("PIPELINING"), { expect = "MAIL" }, { send = ok }, { drop = true }))
  end)

  it("not_sent when the line breaks in the middle of the content", function()
    local big = net.message{ Text = ("0123456789abcdef"):rep(4, "\r\n"):rep(300000) }
    is("not_sent", "connect", transaction({ read = 100000 }, { reset = true }), nil, big)
  end)

  it("unknown when the line breaks after the last byte", function()
    local err, detail = is("unknown", "connect", transaction({ data = true }, { drop = true }))
    assert.is_truthy(err:find("may deliver it twice", 1, true))
    assert.equal(".", detail.Command)
    is("unknown", "connect", transaction({ data = true }, { reset = true }))
    is("unknown", "connect", transaction({ data = true }, { send = "250 2.0.0 o" }, { drop = true }))
    is("unknown", "protocol", transaction({ data = true }, { send = "250-ok\r\n550 no\r\n" }))
    is("unknown", "timeout", transaction({ data = true }, { sleep = 3 }), { Timeout = 300 })
  end)

  it("rejected when the server says no to all", function()
    local _, detail = is("rejected", "sender", net.follow(net.greet(), { expect = "MAIL" }, { send = "550 5.7.1 not you\r\n" },
      { serve = true }))
    assert.same({ 550, "5.7.1", "MAIL", false }, { detail.Code, detail.EnhancedCode, detail.Command, detail.Temporary })
    _, detail = is("rejected", "data", transaction({ data = true }, { send = "552 5.3.4 too big\r\n" }, { serve = true }))
    assert.same({ 552, ".", false }, { detail.Code, detail.Command, detail.Temporary })
    _, detail = is("rejected", "data", transaction({ data = true }, { send = "451 4.3.0 later\r\n" }, { serve = true }))
    assert.is_true(detail.Temporary)
  end)

  it("temporary and the line is dropped after 421", function()
    for _, row in ipairs{
      { "not_sent", { { send = "421 4.3.2 busy\r\n" } } },
      { "not_sent", net.follow(net.greet("PIPELINING"), { expect = "MAIL" }, { send = "421 4.3.2 busy\r\n" }) },
      { "rejected", transaction({ data = true }, { send = "421 4.3.2 busy\r\n" }) },
    } do
      local result, err, detail, server = run{ row[2], net.follow(net.greet(), { serve = true }) }
      assert.is_nil(result)
      assert.same({ row[1], 421, true }, { detail.Outcome, detail.Code, detail.Temporary }, err)
      server:stop()
    end
  end)

  it("rejected when the server refuses in the middle of the content and hangs up", function()
    local big = net.message{ Text = ("0123456789abcdef"):rep(4, "\r\n"):rep(300000) }
    local _, detail = is("rejected", "data",
      transaction({ read = 1000 }, { sleep = 0.3 }, { send = "552 5.3.4 too big\r\n" }, { drop = true }), nil, big)
    assert.same({ 552, "5.3.4", false }, { detail.Code, detail.EnhancedCode, detail.Temporary })
  end)

  it("a protocol error when the server answers what was not asked", function()
    local steps = transaction()
    steps[#steps] = { send = ok .. ok .. "354 go\r\n" .. ok }
    is("not_sent", "protocol", steps)
    is("not_sent", "protocol", net.follow(net.greet("PIPELINING"), { expect = "MAIL" }, { send = "25 x\r\n" }))
    is("not_sent", "protocol", net.follow(net.greet("PIPELINING"), { expect = "MAIL" }, { send = "354 x\r\n" }))
  end)

  it("accepted only by the reply to the last dot", function()
    local result = run(transaction({ data = true }, { send = "250 2.0.0 queued as 4F2\r\n" }, { serve = true }))
    assert.same({ "accepted", 250, "2.0.0", "4F2" },
      { result.Outcome, result.Code, result.EnhancedCode, result.QueueId })
  end)
end)

describe("replies of a hostile server", function()
  it("are bounded while dialling", function()
    local endless = { { send = "220 x\r\n" }, { expect = "EHLO" } }
    for _ = 1, 3000 do endless[#endless + 1] = { send = "250-" .. ("x"):rep(60) .. "\r\n" } end
    local result, err, detail, server = run(endless)
    assert.is_nil(result)
    assert.same({ "not_sent", "protocol" }, { detail.Outcome, detail.Kind }, err)
    server:stop()
  end)

  it("do not hide the server's name and what to do", function()
    local lines = {}
    for i = 1, 7 do lines[i] = "451" .. (i < 7 and "-" or " ") .. ("w"):rep(450) .. "\r\n" end
    local result, err, _, server = run(transaction({ data = true }, { send = table.concat(lines) }, { serve = true }))
    assert.is_nil(result)
    assert.is_truthy(err:find("(server localhost:" .. server.port.plain .. "); try again later", 1, true), err)
    server:stop()
  end)

  it("show no control characters in the error", function()
    local result, err, _, server = run{ { send = "554 \27[31mred\0\8\r\n" } }
    assert.is_nil(result)
    assert.is_nil(err:find("[%z\1-\31\127]"))
    assert.is_truthy(err:find("\\x1B", 1, true))
    server:stop()
  end)
end)

describe("time", function()
  local function takes(low, high, f)
    local begin = process.now()
    f()
    local took = process.now() - begin
    assert.is_true(took >= low and took < high, "took " .. took .. " s")
  end

  it("Timeout is the longest wait without progress, in each phase", function()
    for _, steps in ipairs{
      { { sleep = 10 } },
      { { send = "220 x\r\n" }, { sleep = 10 } },
      net.follow(net.greet(), { sleep = 10 }),
      transaction({ sleep = 10 }),
    } do
      takes(0.3, 3, function()
        local result, err, detail, server = run(steps, { Timeout = 400 })
        assert.is_nil(result)
        assert.equal("timeout", detail.Kind, err)
        assert.is_truthy(err:find("waited 400 ms (Timeout) for the server's ", 1, true), err)
        server:stop()
      end)
    end
  end)

  it("Timeout does not end a slow server that goes on", function()
    local slow = { { sleep = 0.3 }, { send = "220 x\r\n" }, { expect = "EHLO" }, { sleep = 0.3 }, { send = "250 x\r\n" },
      { expect = "MAIL" }, { sleep = 0.3 }, { send = ok }, { expect = "RCPT" }, { sleep = 0.3 }, { send = ok },
      { expect = "DATA" }, { sleep = 0.3 }, { send = "354 go\r\n" }, { data = true }, { sleep = 0.3 }, { send = ok },
      { serve = true } }
    takes(1.7, 5, function()
      local result, err, _, server = run(slow, { Timeout = 900 })
      assert.equal("accepted", assert(result, err).Outcome)
      server:stop()
    end)
  end)

  it("Timeout does end a server that drips its reply", function()
    takes(0.3, 3, function()
      local result, _, detail, server = run(
        net.follow(net.greet(), { expect = "MAIL" }, { drip = "250-" .. ("x"):rep(2000) }), { Timeout = 500 })
      assert.is_nil(result)
      assert.equal("timeout", detail.Kind)
      server:stop()
    end)
  end)

  it("Deadline bounds the whole send", function()
    local slow = { { sleep = 0.3 }, { send = "220 x\r\n" }, { expect = "EHLO" }, { sleep = 0.3 }, { send = "250 x\r\n" },
      { expect = "MAIL" }, { sleep = 5 } }
    takes(0.7, 3, function()
      local result, err, detail, server = run(slow, { Timeout = 5000, Deadline = 800 })
      assert.is_nil(result)
      assert.same({ "timeout", "not_sent" }, { detail.Kind, detail.Outcome })
      assert.is_truthy(err:find("Deadline of 800 ms", 1, true))
      server:stop()
    end)
  end)

  it("Deadline counts the reading of files and a server that is quick", function()
    local path = os.tmpname()
    process.run("truncate -s 2G " .. process.quote(path))
    local message = net.message{ Attachments = require "netmail".Attachment.Create(path) }
    takes(0.2, 2, function()
      local result, err, detail, server = run(transaction({ data = true }, { send = ok }), { Deadline = 300 }, message)
      assert.is_nil(result)
      assert.same({ "timeout", "not_sent" }, { detail.Kind, detail.Outcome }, err)
      server:stop()
    end)
    os.remove(path)
  end)

  it("is not lost by __gc and Close with a silent server", function()
    takes(0, 2, function()
      local result, _, _, server, client = run(transaction({ data = true }, { send = ok }, { sleep = 30 }))
      assert.equal("accepted", result.Outcome)
      client:Close()
      client = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      server:stop()
    end)
  end)
end)

describe("a kept connection that is dead", function()
  it("is found out before it is used, and dialled anew without a word", function()
    local result, _, _, server, client = run{
      transaction({ data = true }, { send = ok }, { drop = true }),
      transaction({ data = true }, { send = ok }, { serve = true }),
    }
    assert.equal("accepted", result.Outcome)
    server:received(1)
    assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    client:Close()
    assert.same({ "MAIL", "RCPT", "DATA", "QUIT" }, (function()
      local verbs = {}
      for _, line in ipairs(net.commands(server:received(2))) do verbs[#verbs + 1] = line:match "^%u+" end
      table.remove(verbs, 1) -- EHLO
      return verbs
    end)())
    server:stop()
  end)

  it("is dialled anew when it dies on the first command, or answers 421 to it", function()
    for _, last in ipairs{ { drop = true }, { send = "421 4.4.2 timeout\r\n" } } do
      local result, _, _, server, client = run{
        transaction({ data = true }, { send = ok }, { expect = "MAIL" }, last, { drop = true }),
        transaction({ data = true }, { send = ok }, { serve = true }),
      }
      assert.equal("accepted", result.Outcome)
      local again, err = client:Send(net.message())
      assert.equal("accepted", assert(again, err).Outcome)
      client:Close()
      server:stop()
    end
  end)

  it("is never repeated after the last byte of the content", function()
    local result, _, _, server, client = run{
      transaction({ data = true }, { send = ok }, { expect = "MAIL" }, { expect = "RCPT" }, { expect = "DATA" },
        { send = ok .. ok .. "354 go\r\n" }, { data = true }, { drop = true }),
      transaction({ data = true }, { send = ok }, { serve = true }),
    }
    assert.equal("accepted", result.Outcome)
    local again, _, detail = client:Send(net.message())
    assert.is_nil(again)
    assert.equal("unknown", detail.Outcome)
    assert.equal("accepted", assert(client:Send(net.message())).Outcome) -- the caller's own decision
    client:Close()
    server:stop()
  end)
end)
