-- LMTP (RFC 2033): a last reply for each recipient; and sockets of this machine.

local netmail = require "netmail"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local testing = require "netmail.testing"

local running = {}

local function serve(options)
  local all = { Lmtp = true }
  for k, v in pairs(options or {}) do all[k] = v end
  local server = testing.Server(all)
  running[#running + 1] = server
  return server
end

local TO = { "b@example.test", "c@example.test", "d@example.test" }

local function send(server, options, to)
  local client = server:Client(options)
  client.Protocol = "lmtp"
  local result, warning, detail = client:Send(net.message{ To = to or TO })
  client:Close()
  return result, warning, detail
end

local function addresses(list)
  local names = {}
  for i, r in ipairs(list) do names[i] = r.Address .. " " .. tostring(r.Code) end
  return table.concat(names, ", ")
end

describe("LMTP", function()
  after_each(function()
    for _, server in ipairs(running) do server:Stop() end
    running = {}
  end)

  for _, extensions in ipairs{ { "PIPELINING", "CHUNKING" }, { "PIPELINING" }, {} } do
    describe("with " .. (#extensions == 0 and "nothing" or table.concat(extensions, " and ")), function()
      -- What becomes of three recipients when the last reply for one of them is another one.
      local function last_replies(...)
        local faults = {}
        for i, reply in ipairs{ ... } do
          if reply ~= "" then faults[#faults + 1] = { At = "DOT", Match = TO[i], Reply = reply } end
        end
        return serve{ Extensions = extensions, Faults = faults }
      end

      it("says LHLO and is told for each recipient", function()
        local server = last_replies()
        local result, warning = send(server)
        assert.is_truthy(result, warning)
        assert.is_nil(warning)
        assert.equal("accepted", result.Outcome)
        assert.equal("b@example.test 250, c@example.test 250, d@example.test 250", addresses(result.Accepted))
        assert.is_truthy(server:Commands()[1]:find "^LHLO ")
        assert.equal("LMTP", server:Messages()[1].Protocol)
        assert.is_truthy(server:Messages()[1].Data:find("\r\n\r\none\r\n.\r\ntwo", 1, true))
        assert.is_true(server:WaitIdle(60))
        assert.equal("QUIT", server:Commands()[#server:Commands()])
      end)

      it("partial: some mailboxes have it", function()
        local result, warning = send(last_replies("", "452 4.2.2 mailbox full", "550 5.2.1 mailbox closed"))
        assert.equal("partial", result.Outcome, warning)
        assert.equal("b@example.test 250", addresses(result.Accepted))
        assert.equal("c@example.test 452, d@example.test 550", addresses(result.Rejected))
        assert.is_true(result.Rejected[1].Temporary)
        assert.is_false(result.Rejected[2].Temporary)
        assert.equal("4.2.2", result.Rejected[1].EnhancedCode)
        assert.is_truthy(warning:find("2 of 3 recipients refused, first <c@example.test>: 452", 1, true), warning)
      end)

      it("rejected: none has", function()
        local result, err, detail = send(last_replies("550 5.2.1 a", "550 5.2.1 b", "550 5.2.1 c"))
        assert.is_nil(result)
        assert.equal("rejected", detail.Outcome, err)
        assert.equal("b@example.test 550, c@example.test 550, d@example.test 550", addresses(detail.Rejected))
      end)

      it("refuses at RCPT, and waits for the replies of the others alone", function()
        local server = serve{ Extensions = extensions, Faults = { { At = "RCPT", Match = "c@", Reply = "550 5.1.1 unknown" },
          { At = "DOT", Match = "d@", Reply = "451 4.3.0 later" } } }
        local result, warning = send(server)
        assert.equal("partial", result.Outcome, warning)
        assert.equal("b@example.test 250", addresses(result.Accepted))
        assert.equal("c@example.test 550, d@example.test 451", addresses(result.Rejected))
        local client = server:Client()
        client.Protocol = "lmtp"
        for _ = 1, 3 do assert(client:Send(net.message{ To = TO })) end -- in step
        assert.equal(2, #server:Connections())
      end)
    end)
  end

  it("lost in the middle of the last replies: unknown for the rest", function()
    local server = servers.script{ { send = "220 x LMTP\r\n" }, { expect = "LHLO" }, { send = "250-x\r\n250 PIPELINING\r\n" },
      { expect = "MAIL" }, { send = "250 ok\r\n" }, { expect = "RCPT" }, { expect = "RCPT" }, { expect = "RCPT" },
      { send = "250 ok\r\n250 ok\r\n250 ok\r\n" }, { expect = "DATA" }, { send = "354 go\r\n" }, { data = true },
      { send = "250 2.1.5 b has it\r\n550 5.2.1 c has not\r\n" }, { drop = true } }
    local result, err, detail = net.client(server.port.plain, { Protocol = "lmtp" }):Send(net.message{ To = TO })
    server:stop()
    assert.is_nil(result)
    assert.equal("unknown", detail.Outcome, err)
    assert.equal("b@example.test 250", addresses(detail.Accepted))
    assert.equal("c@example.test 550", addresses(detail.Rejected))
    assert.is_truthy(err:find("twice", 1, true), err)
  end)

  it("is lost before the dot: nobody has it", function()
    local _, _, detail = send(serve{ Extensions = {}, Faults = { { At = "DATA", Drop = true } } })
    assert.equal("not_sent", detail.Outcome)
  end)

  it("does not fall back to HELO, and notices a server of SMTP", function()
    local server = serve{ Faults = { { At = "LHLO", Reply = "500 5.5.1 what?" } } }
    local _, err, detail = send(server)
    assert.same({ "connect", "LHLO" }, { detail.Kind, detail.Command }, err)
    for _, line in ipairs(server:Commands()) do assert.is_nil(line:find "^[EH][EH]?LO") end
    server = serve{ Lmtp = false }
    _, err, detail = send(server)
    assert.equal("not_sent", detail.Outcome, err)
    assert.is_truthy(err:find("LHLO", 1, true), err)
  end)

  it("answers questions, logs in, and shows what is said", function()
    local server = serve{ Users = { ivanov = "secret" } }
    local lines = {}
    local client = server:Client{ UserName = "ivanov", Password = "secret", Protocol = "lmtp",
      OnTrace = function(from, line) lines[#lines + 1] = from .. " " .. line end }
    local result = assert(client:Check())
    assert.equal("SCRAM-SHA-512", result.Mechanism)
    assert.is_truthy(table.concat(lines, "\n"):find("event connected\nserver 220 [^\n]*\nclient LHLO"))
    assert.is_truthy(client.Capabilities)
  end)

  it("is greeted as it should be", function()
    for greeting, kind in pairs{ ["554 5.3.2 no"] = "connect", ["421 4.3.2 busy"] = "connect" } do
      local _, err, detail = send(serve{ Faults = { { At = "CONNECT", Reply = greeting } } })
      assert.equal(kind, detail.Kind, err)
      assert.equal(tonumber(greeting:sub(1, 3)), detail.Code)
    end
    local _, _, detail = send(serve{ Faults = { { At = "CONNECT", Delay = 60 } } }, { Timeout = 200 })
    assert.equal("timeout", detail.Kind)
    _, _, detail = send(serve{ Faults = { { At = "CONNECT", Raw = "HTTP/1.1 400 Bad Request\r\n" } } })
    assert.equal("protocol", detail.Kind)
  end)

  it("has TLS from the first byte, or a password stays home", function()
    local server = serve{ Tls = "implicit", Users = { ivanov = "secret" } }
    local result, err = send(server, { ImplicitTls = true, UserName = "ivanov", Password = "secret" })
    assert.is_truthy(result, err)
    assert.equal("LMTPSA", server:Messages()[1].Protocol)
    local client = netmail.SmtpClient{ Host = "localhost", Port = server.Port, Protocol = "lmtp", EnableSsl = true }
    local _, why, detail = client:Check()
    assert.equal("tls", detail.Kind)
    assert.is_truthy(why:find("ImplicitTls", 1, true), why)
  end)

  it("is a protocol by its name", function()
    local client = netmail.SmtpClient.CreateWithHost "h.example"
    assert.equal("smtp", client.Protocol)
    client.Protocol = "LMTP"
    assert.equal("lmtp", client.Protocol)
    for _, bad in ipairs{ "esmtp", "", 1, false } do
      assert.has_error(function() client.Protocol = bad end)
    end
    assert.equal("lmtp", client.Protocol)
  end)

  it("is another connection than SMTP's", function()
    local server = serve()
    local client = server:Client()
    client.Protocol = "lmtp"
    assert(client:Check())
    client.Protocol = "smtp"
    assert.is_nil((client:Check()))
    assert.equal(2, #server:Connections())
  end)

  it("goes to smtp-sink", function()
    local sink = servers.start("sink", { flags = "-L" })
    local client = net.client(sink.port.plain, { Protocol = "lmtp" })
    local result, err = client:Send(net.message{ To = TO })
    client:Close()
    sink:stop()
    assert.is_truthy(result, err)
    assert.equal("b@example.test 250, c@example.test 250, d@example.test 250", addresses(result.Accepted))
  end)

  it("goes to Dovecot, mailbox by mailbox", function()
    local dovecot = servers.shared "dovecot"
    local client = net.client(dovecot.port.lmtp, { Protocol = "lmtp" })
    local result, warning = client:Send(net.message{ To = { "b@example.test", "nobody@example.test", "c@example.test" } })
    assert.is_truthy(result, warning)
    assert.equal("partial", result.Outcome)
    assert.equal("b@example.test 250, c@example.test 250", addresses(result.Accepted))
    assert.equal("nobody@example.test", result.Rejected[1].Address)
    client:Close()
    dovecot:take(2, 60, "lmtp")
  end)
end)

describe("a socket of this machine", function()
  local folder, remove, pids
  before_each(function()
    folder, remove = mail.folder()
    pids = {}
  end)
  after_each(function()
    for _, pid in ipairs(pids) do os.execute("kill " .. pid) end
    remove()
  end)

  -- scripted_server.py at that path, a connection for each of the dialogues' turns.
  local function listen(path, connections, ...)
    local words = {}
    for i, step in ipairs{ ... } do words[i] = process.quote(step) end
    local command = "/usr/bin/python3 -B spec/support/scripted_server.py --connections %d --unix %s -- %s > %s.log 2>&1 & echo $!"
    local text = process.run(command:format(connections, process.quote(path), table.concat(words, " "),
      process.quote(path)))
    pids[#pids + 1] = text:match "%d+"
    local function log() return process.read(path .. ".log") end
    assert(process.wait(60, function() return process.exists(path .. ".log") and log():find "^port" end)) -- it listens
    return log
  end

  local SMTP = { "send:220 x\\r\\n", "expect:EHLO", "send:250-x\\r\\n250 AUTH PLAIN\\r\\n" }
  local LOGIN = { SMTP[1], SMTP[2], SMTP[3], "expect:AUTH PLAIN AGl2YW5vdgBzZWNyZXQ=", "send:235 ok\\r\\n", "echo" }

  it("is a Host", function()
    local path = folder .. "/smtp"
    local log = listen(path, 2, SMTP[1], SMTP[2], "send:250 x\\r\\n", "echo")
    local client = netmail.SmtpClient{ Host = "unix:" .. path, LocalName = "client.example.test", IpVersion = 4 }
    assert.equal("unix:" .. path, client.Host)
    assert.equal("SmtpClient (unix:" .. path .. ")", tostring(client))
    local result, err = client:Check()
    assert.is_truthy(result, err)
    assert.is_false(result.Secure)
    assert(client:Check())
    client:Close()
    assert(process.wait(30, function() return log():find "end" end))
    assert.is_truthy(log():find("^port 0\nline EHLO client.example.test\nline NOOP\nline NOOP\nline QUIT\nend "), log())
  end)

  it("speaks LMTP, where mail stores have it", function()
    local path = folder .. "/lmtp"
    listen(path, 1, "send:220 x\\r\\n", "expect:LHLO", "send:250 x\\r\\n", "expect:MAIL", "send:250 ok\\r\\n", "expect:RCPT",
      "send:250 ok\\r\\n", "expect:DATA", "send:354 go\\r\\n", "sleep:0.1", "send:250 2.1.5 delivered\\r\\n", "end")
    local client = netmail.SmtpClient{ Host = "unix:" .. path, Protocol = "lmtp" }
    local result, err = client:Send(net.message())
    assert.is_truthy(result, err)
    assert.equal("b@example.test 250", addresses(result.Accepted))
  end)

  it("is this machine: a password may go there, and belongs to that path alone", function()
    local path = folder .. "/login"
    local log = listen(path, 2, process.unpack(LOGIN))
    local client = netmail.SmtpClient{ Host = "unix:" .. path, UserName = "ivanov", Password = "secret" }
    local result, err = client:Check()
    assert.is_truthy(result, err)
    assert.equal("PLAIN", result.Mechanism)
    client.Host = "unix:" .. folder .. "/LOGIN"
    assert.is_nil(client.ThisHostCredentials[""])
    local _, why, detail = client:Check()
    assert.equal("auth", detail.Kind)
    assert.is_truthy(why:find("none of them is for unix:" .. folder .. "/LOGIN;", 1, true), why)
    local cache = netmail.CredentialCache()
    cache:Add("unix:" .. path, 0, "", netmail.NetworkCredential.Create("ivanov", "secret"))
    assert.is_nil(cache:GetCredential("unix:" .. folder .. "/LOGIN", 25, ""))
    client = netmail.SmtpClient{ Host = "unix:" .. path, Credentials = cache }
    assert.equal("PLAIN", assert(client:Check()).Mechanism)
    client:Close()
    assert.is_truthy(log():find("line AUTH", 1, true))
  end)

  it("says why it does not answer, without a port", function()
    local client = netmail.SmtpClient.CreateWithHost("unix:" .. folder .. "/none")
    local result, err, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.equal("cannot connect to unix:" .. folder .. "/none: there is no such socket (Couldn't connect to server); check Host", err)
    assert.same({ "connect", "unix:" .. folder .. "/none", nil, true }, { detail.Kind, detail.Host, detail.Port, detail.Temporary })
  end)

  it("is no place for TLS or a proxy", function()
    for option, value in pairs{ EnableSsl = true, ImplicitTls = true, Proxy = "socks5h://127.0.0.1:1080" } do
      local client = netmail.SmtpClient{ Host = "unix:" .. folder .. "/s", [option] = value }
      local result, err = client:Check()
      assert.is_nil(result)
      assert.is_truthy(err:find(option, 1, true) and err:find("is a socket of this machine", 1, true), err)
    end
  end)

  it("has an absolute path that fits", function()
    local client = netmail.SmtpClient.CreateWithHost("unix:/" .. ("a"):rep(106))
    for _, bad in ipairs{ "unix:", "unix:a", "unix:./a", "unix:/" .. ("a"):rep(107), "unix:/a\0b", "unix:/a\nb", "unix:@a" } do
      mail.raises("Host", function() client.Host = bad end)
    end
    assert.equal(112, #client.Host)
  end)
end)
