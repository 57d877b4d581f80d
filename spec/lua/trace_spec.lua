-- OnTrace: what is said, in order, and no secret.

local mime = require "mime"
local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local testing = require "netmail.testing"

local running = {}

local function serve(options)
  local server = testing.Server(options)
  running[#running + 1] = server
  return server
end

-- A tracer and the lines it saw, "C: …", "S: …", "-: …".
local function recorder()
  local letters = { client = "C", server = "S", event = "-" }
  local lines = {}
  return function(direction, line) lines[#lines + 1] = letters[direction] .. ": " .. line end, lines
end

local PLAIN = { Extensions = { "8BITMIME" } }

describe("OnTrace", function()
  after_each(function()
    for _, server in ipairs(running) do server:Stop() end
    running = {}
  end)

  -- One message and QUIT, as it is seen at a level.
  local function seen(level)
    local tracer, lines = recorder()
    local client = serve(PLAIN):Client{ OnTrace = tracer, TraceLevel = level, LocalName = "client.example.test" }
    assert(client:Send(net.message{ Text = "hidden" }))
    client:Close()
    return lines, client
  end

  local CLIENT = { "C: EHLO client.example.test", "C: MAIL FROM:<a@example.test>", "C: RCPT TO:<b@example.test>", "C: DATA" }

  it("shows at level 3 all that is said and what happens to the connection", function()
    local lines = seen(3)
    assert.same({
      "-: connecting to 127.0.0.1", "-: connected",
      "S: 220 mail.example.test ESMTP netmail test server",
      CLIENT[1], "S: 250-mail.example.test", "S: 250 8BITMIME",
    }, { process.unpack(lines, 1, 6) })
    local text = table.concat(lines, "\n")
    assert.is_truthy(text:find("C: DATA\nS: 354[^\n]*\nC: %[%d+ bytes of content%]\nS: 250 [^\n]*\nC: QUIT$"), text)
    assert.is_nil(text:find("hidden", 1, true))
  end)

  it("shows at level 2 both sides, at level 1 ours alone", function()
    for _, line in ipairs(seen(2)) do assert.is_truthy(line:find "^[CS]: ", line) end
    local lines = seen(1)
    assert.same(CLIENT, { process.unpack(lines, 1, 4) })
    for _, line in ipairs(lines) do assert.is_truthy(line:find "^C: ", line) end
    assert.equal("C: QUIT", lines[#lines])
  end)

  it("counts content: of DATA, BDAT and in several chunks", function()
    local tracer, lines = recorder()
    local client = serve():Client{ OnTrace = tracer }
    local message = net.message{ Text = ("secret text\r\n"):rep(100000) }
    assert(client:Send(message))
    local total = 0
    for _, line in ipairs(lines) do
      total = total + (tonumber(line:match "^C: %[(%d+) bytes of content%]$") or 0)
      assert.is_nil(line:find("secret text", 1, true))
    end
    assert.is_true(total > 1300000)
    assert.is_true(#lines < 200)
  end)

  it("shows TLS when it is there, and what was said before it", function()
    local tracer, lines = recorder()
    assert(serve{ Tls = "starttls" }:Client{ OnTrace = tracer }:Check())
    local text = table.concat(lines, "\n")
    assert.is_truthy(text:find("C: STARTTLS\nS: 220 [^\n]*\n%-: the line is encrypted[^\n]*\nC: EHLO"), text)
    assert.is_truthy(text:find("C: NOOP\nS: 250 [^\n]*$"), text)
  end)

  it("goes on over a kept line, and begins when it is set", function()
    local client = serve():Client()
    assert(client:Check())
    local tracer, lines = recorder()
    client.OnTrace = tracer
    assert(client:Check())
    assert.same({ "C: NOOP", "S: 250 2.0.0 ok" }, lines)
    client.OnTrace = nil
    assert.is_nil(client.OnTrace)
    assert(client:Check())
    assert.equal(2, #lines)
    client.OnTrace = tracer
    assert.equal(tracer, client.OnTrace)
    assert(client:Check())
    assert.equal(4, #lines)
  end)

  it("shows why it could not connect", function()
    local tracer, lines = recorder()
    netmail.SmtpClient{ Host = "127.0.0.1", Port = 1, OnTrace = tracer }:Check()
    assert.same({ "-: connecting to 127.0.0.1" }, lines)
  end)

  describe("shows no secret", function()
    local function check(lines, secrets)
      local text = table.concat(lines, "\n")
      for _, secret in ipairs(secrets) do
        for _, form in ipairs{ secret, (mime.b64(secret)), (mime.b64("\0ivanov\0" .. secret)) } do
          assert.is_nil(text:find(form:gsub("=+$", ""), 1, true), text)
        end
      end
      for _, line in ipairs(lines) do
        local command, shown = line:match "^C: (AUTH %S+)(.*)$"
        if command then assert.is_truthy(shown == "" or shown == " ***", line) end
        assert.is_truthy(not line:find "^S: 334" or line == "S: 334 ***", line)
      end
      return text
    end

    for _, name in ipairs{ "SCRAM-SHA-512-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "PLAIN", "LOGIN" } do
      it("of " .. name .. ", right or wrong, also when the server repeats it", function()
        for _, password in ipairs{ "S3cretWord", "Wr0ngWord" } do
          local server = serve{ Tls = "starttls", Users = { ivanov = "S3cretWord" }, Mechanisms = { name } }
          local tracer, lines = recorder()
          server:Client{ UserName = "ivanov", Password = password, OnTrace = tracer }:Check()
          local text = check(lines, { password })
          assert.is_truthy(text:find("C: AUTH " .. name, 1, true))
          -- Whatever was said in answer to a challenge is as secret.
          local in_auth
          for i, line in ipairs(lines) do
            if line:find "^C: AUTH" then in_auth = true elseif line:find "^S: [25]" then in_auth = false
            elseif in_auth and line:find "^C" then assert.is_truthy(line == "C: ***" or line == "C: ", lines[i]) end
          end
        end
        local quoting = serve{ Tls = "starttls", Users = { ivanov = "S3cretWord" }, Mechanisms = { name }, Faults = {
          { At = "RESPONSE", Reply = "501 5.5.2 what is S3cretWord" },
          { At = "AUTH", Reply = "501 5.5.2 AUTH " .. name .. " " .. mime.b64 "\0ivanov\0S3cretWord" } } }
        local tracer, lines = recorder()
        quoting:Client{ UserName = "ivanov", Password = "S3cretWord", OnTrace = tracer }:Check()
        check(lines, { "S3cretWord" })
      end)
    end

    -- All that was returned, whatever it is made of.
    local function collect(lines, ...)
      for i = 1, select("#", ...) do
        local value = select(i, ...)
        if type(value) == "table" then
          for _, part in pairs(value) do collect(lines, part) end
        else
          lines[#lines + 1] = tostring(value)
        end
      end
    end

    -- The login is long over, and the password forgotten where a function gave it.
    for kind, password in pairs{ ["a string"] = "S3cretWord", ["a function"] = function() return "S3cretWord" end } do
      it("that is " .. kind .. ", when the server repeats it in any later reply", function()
        for _, form in ipairs{ "S3cretWord", mime.b64 "S3cretWord", mime.b64 "\0ivanov\0S3cretWord" } do
          for _, at in ipairs{ "MAIL", "RCPT", "DATA", "DOT", "NOOP", "RSET", "VRFY", "QUIT" } do
            local good = at == "QUIT" and "221" or "250"
            for _, code in ipairs{ "550 5.7.1", "550-5.7.1 no\n550 5.7.1", "421 4.3.2", at ~= "DATA" and good .. " 2.0.0" or nil } do
              local server = serve{ Users = { ivanov = "S3cretWord" }, Mechanisms = { "PLAIN" }, Extensions = {},
                Faults = { { At = at, Reply = code .. " of '" .. form .. "'" } } }
              local tracer, lines = recorder()
              local client = server:Client{ UserName = "ivanov", Password = password, OnTrace = tracer }
              collect(lines, client:Send(net.message()))
              collect(lines, client:Check())
              collect(lines, client:Reset())
              collect(lines, client:Verify "b@x.org")
              client:Close()
              local text = check(lines, { "S3cretWord" })
              assert.is_truthy(at == "QUIT" or text:find("the server repeated the password", 1, true), text)
            end
          end
        end
      end)
    end

    it("of a token, given as it is or by a function", function()
      for _, name in ipairs{ "XOAUTH2", "OAUTHBEARER" } do
        for _, token in ipairs{ "ya29.T0ken-T0ken", function() return "ya29.T0ken-T0ken" end } do
          local server = serve{ Tls = "starttls", Tokens = { ["me@x.test"] = "another" }, Mechanisms = { name } }
          local tracer, lines = recorder()
          server:Client{ UserName = "me@x.test", Token = token, OnTrace = tracer }:Check()
          check(lines, { "ya29.T0ken-T0ken" })
        end
      end
    end)

    it("of a proxy", function()
      local server = servers.script{ { expect = "CONNECT" }, { expect = "Host" }, { expect = "Proxy-Authorization" }, { expect = "" },
        { expect = "" }, { send = "HTTP/1.1 200 go\r\n\r\n220 x\r\n" }, { serve = true } }
      local tracer, lines = recorder()
      local client = net.client(25, { Proxy = "http://ivanov:S3cretWord@127.0.0.1:" .. server.port.plain, OnTrace = tracer })
      local result, err = client:Check()
      client:Close()
      server:stop()
      assert.is_truthy(result, err)
      local text = check(lines, { "S3cretWord", "ivanov:S3cretWord" })
      assert.is_truthy(text:find("the proxy says: HTTP/1.1 200 go", 1, true), text)
      assert.is_nil(text:find("Authorization", 1, true))
    end)
  end)

  it("shows nothing that is not printable", function()
    local tracer, lines = recorder()
    serve{ Faults = { { At = "NOOP", Raw = "250 \27[31mred\7 \1\r\n" } } }:Client{ OnTrace = tracer }:Check()
    assert.equal("S: 250 \\x1B[31mred\\x07 \\x01", lines[#lines])
  end)

  describe("a tracer", function()
    it("may raise: it is taken away, and the mail goes all the same", function()
      local calls = 0
      local client = serve():Client{ OnTrace = function() calls = calls + 1 error "no disk" end }
      assert.equal("accepted", assert(client:Send(net.message())).Outcome)
      assert.equal(1, calls)
      assert.is_nil(client.OnTrace)
    end)

    it("may yield, on any interpreter", function()
      local client = serve():Client{ OnTrace = function(direction, line) coroutine.yield(direction, line) end }
      local thread = coroutine.wrap(function()
        local result = assert(client:Send(net.message()))
        client:Close()
        return "done", result.Outcome
      end)
      local last, lines, a, b = nil, 0, thread()
      while a ~= "done" do
        lines, last = lines + 1, b
        a, b = thread()
      end
      assert.equal("accepted", b)
      assert.equal("QUIT", last)
      assert.is_true(lines > 10)
    end)

    it("may close the client: the send ends", function()
      local client, stop
      client = serve(PLAIN):Client{ OnTrace = function(_, line) if line:find(stop, 1, true) then client:Close() end end }
      for _, at in ipairs{ "connecting to", "connected", "220 mail", "EHLO", "MAIL FROM", "RCPT TO" } do
        stop = at
        local result, err, detail = client:Send(net.message())
        assert.is_nil(result, at)
        assert.same({ "cancelled", "not_sent" }, { detail.Kind, detail.Outcome }, err)
      end
      stop = "QUIT"
      assert(client:Send(net.message()))
      client:Close()
    end)

    it("may take itself away, or put another in its place", function()
      local count, client = 0, nil -- luacheck: ignore
      local tracer, lines = recorder()
      client = serve():Client{ OnTrace = function() count = count + 1 client.OnTrace = tracer collectgarbage() end }
      assert(client:Send(net.message()))
      assert.equal(1, count)
      assert.is_true(#lines > 10)
      client.OnTrace = function() count = count + 1 client.OnTrace = nil end
      assert(client:Send(net.message()))
      assert.equal(2, count)
    end)

    it("may send through another client, whose lines are its own", function()
      local tracer, lines = recorder()
      local other = serve():Client{ OnTrace = tracer }
      local client = serve():Client{ OnTrace = function(_, line) if line == "NOOP" then assert(other:Send(net.message())) end end }
      assert(client:Check())
      assert.is_true(#lines > 10)
    end)

    it("may not use its own client, and is not called within itself", function()
      local client, depth, deepest, answers = nil, 0, 0, {}
      client = serve():Client{ OnTrace = function()
        depth = depth + 1
        deepest = math.max(deepest, depth)
        answers[#answers + 1] = { client:Check() }
        depth = depth - 1
      end }
      assert(client:Send(net.message()))
      assert.equal(1, deepest)
      for _, answer in ipairs(answers) do
        assert.is_nil(answer[1])
        assert.is_truthy(answer[2]:find("is sending another message", 1, true))
      end
    end)

    it("may change the client: the send goes nowhere else", function()
      local count, client = 0, nil -- luacheck: ignore
      local elsewhere = serve()
      client = serve():Client{ OnTrace = function(_, line)
        if line == "connected" then
          count = count + 1
          client.Port = elsewhere.Port
        end
      end }
      local result, err, detail = client:Send(net.message())
      assert.is_nil(result)
      assert.equal("cancelled", detail.Kind, err)
      assert.equal(0, #elsewhere:Connections())
      assert(client:Send(net.message()))
      assert.equal(1, #elsewhere:Messages())
      assert.equal(2, count)
    end)

    it("is a function or nil", function()
      local client = netmail.SmtpClient.CreateWithHost "h.example"
      for _, bad in ipairs{ 1, "x", true, {} } do
        assert.has_error(function() client.OnTrace = bad end)
      end
      for _, bad in ipairs{ 0, 4, 1.5, "2" } do
        assert.has_error(function() client.TraceLevel = bad end)
      end
      assert.equal(3, client.TraceLevel)
    end)

    it("does not run out the Timeout", function()
      net.at_some_pace(function(ms)
        local client = serve():Client{ Timeout = ms, OnTrace = function(_, line) if line == "NOOP" then process.sleep(ms / 500) end end }
        local code, err, detail = client:Check()
        assert.is_true(code ~= nil or detail.Kind == "timeout", err)
        return code ~= nil
      end, { 150, 1000, 6000 })
    end)
  end)

  it("is bounded: what comes too thick is counted", function()
    local text = {}
    for i = 1, 2000 do text[i] = ("250-%d %s"):format(i, ("x"):rep(400)) end
    text[#text + 1] = "250 end"
    local count, note, bytes = 0, nil, 0
    local client = serve{ Faults = { { At = "HELP", Reply = table.concat(text, "\n") } } }:Client{ OnTrace = function(direction, line)
      count, bytes = count + 1, bytes + #line
      if direction == "event" and line:find "not shown" then note = line end
    end }
    local result, err = client:Help()
    if result then
      assert.is_true(bytes < 300 * 1024)
      assert.is_truthy(note)
      assert.is_true(tonumber(note:match "^%d+") + count > 2001)
    else
      assert.is_truthy(err:find("longer", 1, true) or err:find("more", 1, true), err)
    end
  end)

  it("keeps up with very many lines", function()
    local count = 0
    local client = serve{ MaxMessages = 100000 }:Client{ OnTrace = function() count = count + 1 end }
    local to = {}
    for i = 1, 900 do to[i] = ("user%d@example.test"):format(i) end
    for _ = 1, 20 do assert(client:Send(net.message{ To = to })) end
    assert.is_true(count >= 2 * 900 * 20, count)
    collectgarbage()
    local before = collectgarbage "count"
    for _ = 1, 20 do assert(client:Send(net.message{ To = to })) end
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 500)
    assert.is_true(count >= 2 * 900 * 40, count)
  end)
end)
