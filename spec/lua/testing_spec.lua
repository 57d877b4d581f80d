-- netmail.testing: the server for people's own specs, seen by netmail's client and by a bare socket.

local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local raw = require "spec.support.raw"
local testing = require "netmail.testing"

local running = {}

-- A server that ends with the test.
local function serve(options)
  local server = testing.Server(options)
  running[#running + 1] = server
  return server
end

local function send(client, fields)
  local result, err, detail = client:Send(net.message(fields))
  client:Close()
  return result, err, detail
end

local LOGIN = { UserName = "ivanov", Password = "secret" }
local function with(...)
  local all = {}
  for _, t in ipairs{ ... } do
    for k, v in pairs(t) do all[k] = v end
  end
  return all
end

describe("testing.Server", function()
  after_each(function()
    for _, server in ipairs(running) do server:Stop() end
    running = {}
  end)

  describe("life", function()
    it("needs no options, and takes any number of servers at once", function()
      local a, b = serve(), serve{}
      assert.equal("127.0.0.1", a.Host)
      assert.is_true(a.Port > 0 and a.Port ~= b.Port)
      assert.equal("none", a.Tls)
      assert.is_nil(a.CaPem)
      assert.is_nil(a.CaFile)
      assert.is_truthy(tostring(a):find("^testing%.Server %(127%.0%.0%.1:%d+%)$"))
      assert.equal("accepted", send(a:Client()).Outcome)
      assert.equal("accepted", send(b:Client()).Outcome)
      assert.equal(1, #a:Messages())
      assert.equal(1, #b:Messages())
    end)

    it("stops at once, twice, with a client still connected, and answers afterwards", function()
      local server = serve()
      local c = raw.greet(server)
      local before = process.now()
      server:Stop()
      server:Stop()
      assert.is_true(process.now() - before < 20) -- and not when the client goes, which it does not
      assert.equal("", (c:rest()))
      assert.equal(1, #server:Commands())
      assert.is_truthy(tostring(server):find "stopped")
      assert.is_nil(require "socket".connect(server.Host, server.Port))
    end)

    it("is stopped by the collector and by <close>", function()
      local server = testing.Server()
      local host, port = server.Host, server.Port
      server = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.is_nil(require "socket".connect(host, port))
      local chunk = rawget(_G, "_VERSION") == "Lua 5.4" and "local t = ... local s <close> = t.Server() return s.Host, s.Port"
      if chunk then
        host, port = assert(load(chunk))(testing)
        assert.is_nil(require "socket".connect(host, port))
      end
    end)

    it("ends with the Lua state, and takes its files with it", function()
      local text, status = process.lua([[
        local testing = require "netmail.testing"
        server = testing.Server{ Tls = "starttls", Mechanisms = { "EXTERNAL" } }
        print(server.CaFile)
        print(server.ClientCertificate)
      ]])
      assert.equal(0, status, text)
      local ca, client = text:match "^(%S+)\n(%S+)\n$"
      assert.is_false(process.exists(ca))
      assert.is_false(process.exists(client))
    end)

    it("says what its options should be", function()
      for wrong, why in pairs{
        ["{ Users = 1 }"] = "'Users'", ["{ Users = { 'a' } }"] = "'Users'", ["{ Tls = 'yes' }"] = "'Tls'",
        ["{ tls = 'none' }"] = "did you mean 'Tls'", ["{ Host = '0.0.0.0' }"] = "loopback", ["{ Host = 'x' }"] = "loopback",
        ["{ Hostname = 'a b' }"] = "'Hostname'", ["{ Mechanisms = { 'GSSAPI' } }"] = "does not speak GSSAPI",
        ["{ Extensions = { 'A\\nB' } }"] = "'Extensions'", ["{ RequireAuth = true }"] = "RequireAuth needs",
        ["{ RequireTls = true }"] = "RequireTls needs", ["{ MaxBytes = 1 }"] = "'MaxBytes'", ["{ TlsVersion = '1.1' }"] = "'TlsVersion'",
        ["{ Certificate = 'bad' }"] = "'Certificate'", ["{ Port = 70000 }"] = "'Port'", ["{ Faults = { At = 'MAIL' } }"] = "list of faults",
        ["{ Faults = { {} } }"] = "At", ["{ Faults = { { At = 'MAIL', Reply = '250 x', Raw = 'y' } } }"] = "either Reply or Raw",
        ["{ Faults = { { At = 'MAILS' } } }"] = "'At'", ["{ Faults = { { At = 'MAIL', After = 1 } } }"] = "CONTENT",
        ["{ Faults = { { At = 'MAIL', Delay = -1 } } }"] = "'Delay'", ["{ Faults = { { At = 'MAIL', Nth = 0 } } }"] = "'Nth'",
        ["{ Faults = { { At = 'MAIL', Certificate = 'expired' } } }"] = "TLS", ["{ Faults = { { At = 'MAIL', Drop = 'x' } } }"] = "'Drop'",
        ["{ Faults = { { At = 'MAIL', Reply = '25 x' } } }"] = "'Reply' (\"25 x\" is no reply: each line has the same three digits",
        ["{ Faults = { { At = 'MAIL', Reply = 'a\\0b' } } }"] = "Reply has a NUL (\\0) at byte 2; remove it",
        ["{ Faults = { { At = 'MA\\0IL' } } }"] = "At has a NUL", ["{ Hostname = 'a\\0b' }"] = "NUL",
        ["{ Faults = { { At = 'MAIL', Endles = true } } }"] = "Endles", ["{ Faults = { 1 } }"] = "'Faults'",
      } do
        local options = assert((rawget(_G, "loadstring") or load)("return " .. wrong))()
        local ok, err = pcall(testing.Server, options)
        assert.is_false(ok, wrong)
        assert.is_truthy(err:find(why, 1, true), wrong .. ": " .. err)
      end
      assert.has_error(function() return testing.server end, "netmail.testing has no member 'server'")
      local server = serve()
      assert.has_error(function() server.Port = 1 end)
      assert.has_error(function() server.Messages() end)
      assert.has_error(function() server:WaitMessages(-1) end)
      local taken, err = pcall(testing.Server, { Port = server.Port })
      assert.is_false(taken)
      assert.is_truthy(err:find("cannot listen there", 1, true))
    end)

    it("listens on IPv6 where there is one", function()
      local ok, server = pcall(serve, { Host = "::1" })
      if not ok then pending "no IPv6 here" return end
      assert.equal("accepted", send(server:Client()).Outcome)
    end)
  end)

  describe("messages", function()
    it("records envelope, content and circumstances", function()
      local server = serve{ Tls = "starttls", Users = { ivanov = "secret" } }
      local client = server:Client(with(LOGIN, { LocalName = "client.example.test" }))
      local result = assert(client:Send(net.message{ To = { "b@example.test", "c@example.test" }, Text = "one\r\n.\r\n..two" }))
      local messages = server:Messages()
      assert.equal(1, #messages)
      local m = messages[1]
      assert.equal("a@example.test", m.From)
      assert.same({ "b@example.test", "c@example.test" }, m.To)
      assert.same({ {}, {} }, m.RcptParameters)
      assert.equal(tostring(#m.Data), m.MailParameters.SIZE)
      assert.is_truthy(m.Data:find("\r\n\r\none\r\n.\r\n..two", 1, true))
      assert.equal("client.example.test", m.Helo)
      assert.equal("ESMTPSA", m.Protocol)
      assert.equal("TLSv1.3", m.Tls)
      assert.equal("ivanov", m.User)
      assert.is_string(m.Mechanism)
      assert.equal(1, m.Connection)
      assert.equal(result.QueueId, m.QueueId)
      assert.equal("spec", netmail.MailMessage.Parse(m.Data).Subject)
      client:Close()
      assert.is_true(server:WaitIdle())
      local connections = server:Connections()
      assert.equal(1, #connections)
      assert.same({ Open = false, Tls = "TLSv1.3", User = "ivanov", End = "quit" }, connections[1])
      assert.equal("QUIT", server:Commands()[#server:Commands()])
    end)

    it("waits for them, and says what is missing", function()
      local server = serve()
      local messages, err = server:WaitMessages(1, 0)
      assert.is_nil(messages)
      assert.is_truthy(err:find("0 of 1 messages", 1, true))
      local client = server:Client()
      for _ = 1, 3 do assert(client:Send(net.message())) end
      assert.equal(3, #server:WaitMessages(3))
      local idle, why = server:WaitIdle(0.05)
      assert.is_nil(idle)
      assert.is_truthy(why:find("still connected", 1, true))
      client:Close()
      assert.is_true(server:WaitIdle())
    end)

    it("waits for another process", function()
      local server = serve()
      os.execute(("sleep 0.1 && python3 -c 'import smtplib; " ..
        "smtplib.SMTP(\"%s\", %d).sendmail(\"a@x\", [\"b@y\"], \"S: t\\n\\n.x\")' &"):format(server.Host, server.Port))
      local messages = assert(server:WaitMessages(1, 60))
      assert.equal("S: t\r\n\r\n.x\r\n", messages[1].Data)
      assert.equal("ESMTP", messages[1].Protocol)
    end)

    it("takes content by DATA too, and shows dots as they were", function()
      local server = serve{ Extensions = {} }
      local result = assert(send(server:Client(), { Text = ".\r\n..\r\nx" }))
      assert.equal("accepted", result.Outcome)
      local m = server:Messages()[1]
      assert.is_false(m.Chunked)
      assert.is_truthy(m.Data:find("\r\n\r\n.\r\n..\r\nx\r\n$"))
      assert.same({}, m.MailParameters)
      local c = raw.greet(server)
      c:codes("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA")
      c:send "..a\r\n.b\r\n.\rc\r\n\r.\n\r\n.\r\r\n.\r\n"
      assert.is_truthy(c:reply():find "^250")
      assert.equal(".a\r\nb\r\n\rc\r\n\r.\n\r\n\r\r\n", server:Messages()[2].Data)
    end)

    it("speaks LMTP, with a reply for each recipient", function()
      local server = serve{ Lmtp = true, Faults = { { At = "DOT", Match = "full@", Reply = "452 4.2.2 mailbox full" } } }
      local c, hello, greeting = raw.greet(server, "LHLO")
      assert.is_truthy(greeting:find "LMTP")
      assert.is_truthy(hello:find "PIPELINING")
      assert.equal("250 250 250 553", c:codes("MAIL FROM:<>", "RCPT TO:<full@x>", "RCPT TO:<b@x>", "RCPT TO:<no mailbox>"))
      c:say "DATA"
      c:send "x\r\n.\r\n"
      assert.equal("452 4.2.2 mailbox full", c:reply())
      assert.is_truthy(c:reply():find "^250 2%.1%.5 b@x queued as")
      assert.same({ "b@x" }, server:Messages()[1].To)
      assert.equal("LMTP", server:Messages()[1].Protocol)
      assert.is_truthy(c:say("EHLO a"):find "^500")
      assert.is_truthy(c:say("HELO a"):find "^500")
      local result = send(server:Client(), { To = { "full@example.test", "b@example.test" } })
      assert.equal("partial", result.Outcome)
      assert.same({ "b@example.test" }, server:Messages()[2].To)
    end)

    it("keeps within MaxMessages and MaxBytes", function()
      local server = serve{ MaxMessages = 1, Extensions = {} }
      assert.equal("accepted", send(server:Client()).Outcome)
      local result, err = send(server:Client())
      assert.is_nil(result)
      assert.is_truthy(err:find("MaxMessages", 1, true), err)
      server = serve{ MaxBytes = 4096, Extensions = {} }
      result, err = send(server:Client(), { Text = ("x\r\n"):rep(3000) })
      assert.is_nil(result)
      assert.is_truthy(err:find("452", 1, true), err)
      assert.equal(0, #server:Messages())
      assert.equal("accepted", send(server:Client()).Outcome)
    end)

    it("forgets when it is told to", function()
      local server = serve{ Faults = { { At = "MAIL", Nth = 1, Reply = "450 4.2.0 later" } } }
      local c = raw.greet(server)
      assert.equal("450 250 250", c:codes("MAIL FROM:<a@x>", "MAIL FROM:<a@x>", "RCPT TO:<b@y>"))
      server:Reset()
      assert.same({}, server:Commands())
      assert.equal(1, #server:Connections())
      assert.equal("250 450", c:codes("RSET", "MAIL FROM:<a@x>"))
      assert.same({ "RSET", "MAIL FROM:<a@x>" }, server:Commands(1))
      assert.same({}, server:Messages())
    end)
  end)

  describe("protocol", function()
    it("offers what it is told to", function()
      local _, hello = raw.greet(serve{ Hostname = "mx.example.org", Extensions = { "SIZE 1000", "X-OWN a b" } })
      assert.equal("250-mx.example.org\n250-SIZE 1000\n250 X-OWN a b", hello)
      _, hello = raw.greet(serve{ Extensions = {} })
      assert.equal("250 mail.example.test", hello)
      _, hello = raw.greet(serve{ Tls = "starttls", Users = LOGIN })
      assert.is_truthy(hello:find "STARTTLS" and not hello:find "AUTH")
      _, hello = raw.greet(serve{ Users = LOGIN, Tokens = LOGIN })
      assert.is_truthy(hello:find("AUTH SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 CRAM-MD5 PLAIN LOGIN OAUTHBEARER XOAUTH2",
        1, true))
    end)

    it("is strict about order, names and parameters", function()
      local server = serve{ Extensions = { "SIZE 1000", "DSN", "8BITMIME", "CHUNKING", "SMTPUTF8", "LIMITS RCPTMAX=2 MAILMAX=1",
        "XOWN" } }
      local c = raw.connect(server)
      assert.is_truthy(c:reply():find "^220 mail%.example%.test ESMTP")
      assert.equal("503 501 501 250 503 503 503", c:codes("MAIL FROM:<a@x>", "EHLO", "EHLO a b", "HELO a", "RCPT TO:<b@y>", "DATA",
        "BDAT 0 LAST"))
      assert.equal("555 250 250 501 501 501 555", c:codes("MAIL FROM:<a@x> SIZE=1", "RSET", "EHLO [127.0.0.1]", "MAIL FROM: <a@x>",
        "MAIL FROM:a@x", "MAIL FROM:<a@x", "MAIL FROM:<a@x> FOO=1"))
      assert.equal("552 501 501 501 555 501 501", c:codes("MAIL FROM:<a@x> SIZE=1001", "MAIL FROM:<a@x> SIZE=x",
        "MAIL FROM:<a@x> SIZE=1 SIZE=1",
        "MAIL FROM:<a@x> BODY=9BIT", "MAIL FROM:<a@x> BODY=BINARYMIME",
        "MAIL FROM:<a@x> RET=ALL", "MAIL FROM:<a@x> ENVID=a+b"))
      assert.equal("553 553 250 503 501 501 553 553", c:codes("MAIL FROM:<я@x>", "MAIL FROM:<a>",
        "MAIL FROM:<\"a>b\"@x> ENVID=a+2B RET=HDRS XOWN",
        "MAIL FROM:<a@x>", "RCPT TO:<b@y> NOTIFY=NEVER,DELAY", "RCPT TO:<b@y> ORCPT=b@y", "RCPT TO:<>", "RCPT TO:<я@y>"))
      assert.equal("554 250 250 452 501", c:codes("DATA", "RCPT TO:<b@y> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@y",
        "RCPT TO:<postmaster>", "RCPT TO:<d@y>", "DATA x"))
      assert.equal("354", c:codes "DATA")
      c:send "x\r\n.\r\n"
      assert.is_truthy(c:reply():find "^250 queued as T1")
      assert.equal("452 250 250", c:codes("MAIL FROM:<a@x>", "EHLO a", "MAIL FROM:<я@x> SMTPUTF8"))
      assert.equal("252 502 214 502 500 500 250 221", c:codes("VRFY b", "EXPN b", "HELP", "ETRN x", "FOO", "LHLO a", "NOOP x", "QUIT"))
      assert.same({ SIZE = nil, ENVID = "a+2B", RET = "HDRS", XOWN = true }, server:Messages()[1].MailParameters)
      assert.same({ { NOTIFY = "SUCCESS,DELAY", ORCPT = "rfc822;b@y" }, {} }, server:Messages()[1].RcptParameters)
      assert.equal("\"a>b\"@x", server:Messages()[1].From)
    end)

    it("is strict about lines", function()
      local c = raw.greet(serve())
      c:send "NOOP\nNOOP\r\n"
      assert.is_truthy(c:reply():find "^500 5%.5%.2 the line ends with LF alone")
      assert.is_truthy(c:reply():find "^250")
      c:send "NO\0OP\r\nNO\rOP\r\n"
      assert.is_truthy(c:reply():find "^500")
      assert.is_truthy(c:reply():find "^500")
      c:send(("x"):rep(100000) .. "\r\nNOOP\r\n")
      assert.is_truthy(c:reply():find "^500 5%.5%.2 line too long")
      assert.is_truthy(c:reply():find "^250")
    end)

    it("counts chunks, and reads those it does not want", function()
      local server = serve()
      local c = raw.greet(server)
      c:send "BDAT 6\r\nNOOP\r\n"
      assert.is_truthy(c:reply():find "^503")
      assert.equal("501 250 250 250", c:codes("BDAT x", "RSET", "MAIL FROM:<a@x> BODY=BINARYMIME", "RCPT TO:<b@y>"))
      c:send "BDAT 3\r\na\nbBDAT 0\r\nBDAT 2 LAST\r\n.\r"
      assert.is_truthy(c:reply():find "^250 2%.0%.0 3 octets")
      assert.is_truthy(c:reply():find "^250")
      assert.is_truthy(c:reply():find "^250 2%.0%.0 queued")
      assert.equal("a\nb.\r", server:Messages()[1].Data)
      assert.is_true(server:Messages()[1].Chunked)
      assert.equal("250 250 503", c:codes("MAIL FROM:<a@x> BODY=BINARYMIME", "RCPT TO:<b@y>", "DATA"))
    end)
  end)

  describe("TLS", function()
    for _, version in ipairs{ "1.2", "1.3" } do
      for _, tls in ipairs{ "starttls", "implicit" } do
        it(version .. ", " .. tls .. ", with a certificate that verifies", function()
          local server = serve{ Tls = tls, TlsVersion = version }
          assert.is_truthy(server.CaPem:find "BEGIN CERTIFICATE")
          assert.equal(server.CaPem, process.read(server.CaFile))
          for _, host in ipairs{ "127.0.0.1", "localhost" } do
            assert.equal("accepted", send(server:Client{ Host = host }).Outcome)
          end
          assert.equal("TLSv" .. version, server:Messages()[2].Tls)
        end)

        it(version .. ", " .. tls .. ", whose files go when it stops", function()
          local server = serve{ Tls = tls, TlsVersion = version }
          local files = { server.CaFile, server.ClientCertificate }
          assert.equal(2, #files)
          server:Stop()
          for _, path in ipairs(files) do assert.is_nil((io.open(path))) end
          assert.is_nil(server.CaFile)
          assert.is_nil(server.ClientCertificate)
          assert.is_truthy(server.CaPem:find "BEGIN CERTIFICATE")
          server:Stop()
        end)

        it(version .. ", " .. tls .. ", with certificates that do not", function()
          for _, certificate in ipairs{ "expired", "wrong-name", "self-signed" } do
            for _, server in ipairs{
              serve{ Tls = tls, TlsVersion = version, Certificate = certificate },
              serve{ Tls = tls, TlsVersion = version, Faults = { { At = "TLS", Certificate = certificate } } },
            } do
              local result, _, detail = send(server:Client())
              assert.is_nil(result, certificate)
              assert.equal("tls", detail.Kind)
              assert.is_true(server:WaitIdle())
              -- libcurl looks at the name when the handshake is over.
              local connection = server:Connections()[1]
              assert.equal(certificate == "wrong-name" and "closed" or "no tls", connection.End)
              assert.is_truthy(connection.Tls:find(certificate == "wrong-name" and "TLSv" or "alert"), connection.Tls)
            end
          end
        end)
      end
    end

    it("makes other keys for each server", function()
      local a, b = serve{ Tls = "implicit" }, serve{ Tls = "implicit" }
      assert.is_nil((send(a:Client{ CaFile = b.CaFile })))
    end)

    it("requires TLS, and login, where it is told to", function()
      local server = serve{ Tls = "starttls", RequireTls = true, RequireAuth = true, Users = { ivanov = "secret" } }
      local c = raw.greet(server)
      assert.equal("530 530 503", c:codes("MAIL FROM:<a@x>", "AUTH PLAIN", "RCPT TO:<b@y>"))
      local result, _, detail = send(server:Client())
      assert.is_nil(result)
      assert.equal(530, detail.Code)
      assert.equal("accepted", send(server:Client(LOGIN)).Outcome)
    end)

    it("takes nothing that came in clear behind STARTTLS for a command", function()
      local server = serve{ Tls = "starttls" }
      local c = raw.greet(server)
      c:send "STARTTLS\r\nMAIL FROM:<a@x>\r\n"
      assert.is_truthy(c:reply():find "^220")
      c:rest()
      assert.is_true(server:WaitIdle())
      assert.same({ "EHLO client.example.test", "STARTTLS" }, server:Commands())
      assert.equal("no tls", server:Connections()[1].End)
    end)
  end)

  describe("AUTH", function()
    local function login(mechanism, options, credential)
      local server = serve(with({ Tls = "starttls", Mechanisms = { mechanism }, Users = { ivanov = "secret" } }, options or {}))
      local client = server:Client()
      client.ThisHostCredentials[mechanism] = netmail.NetworkCredential.Create(process.unpack(credential or { "ivanov", "secret" }))
      local result, err, detail = send(client)
      return server, result, err, detail
    end

    -- What a line is bound to is asked of libcurl's OpenSSL.
    local may_bind = require "netmail.net".LibraryVersion:find "OpenSSL/[3-9]"

    for _, mechanism in ipairs{ "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
      "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS" } do
      it(mechanism .. ": takes the right password, refuses others", function()
        if mechanism:find "PLUS" and not may_bind then pending "libcurl has another TLS" return end
        local server, result, err = login(mechanism)
        assert.is_truthy(result, err)
        assert.equal(mechanism, server:Messages()[1].Mechanism)
        assert.equal("ivanov", server:Messages()[1].User)
        for _, wrong in ipairs{ { "ivanov", "wrong" }, { "petrov", "secret" } } do
          local other, nothing, _, detail = login(mechanism, {}, wrong)
          assert.is_nil(nothing)
          assert.equal("auth", detail.Kind)
          assert.equal(0, #other:Messages())
        end
      end)
    end

    it("SCRAM-…-PLUS binds to TLS 1.2 too", function()
      if not may_bind then pending "libcurl has another TLS" return end
      local server, result, err = login("SCRAM-SHA-256-PLUS", { TlsVersion = "1.2" })
      assert.is_truthy(result, err)
      assert.equal("TLSv1.2", server:Messages()[1].Tls)
    end)

    for _, mechanism in ipairs{ "XOAUTH2", "OAUTHBEARER" } do
      it(mechanism .. ": takes the right token, refuses others", function()
        local options = { Tokens = { ["me@example.test"] = "tok" } }
        local server, result, err = login(mechanism, options, { "me@example.test", "tok" })
        assert.is_truthy(result, err)
        assert.equal("me@example.test", server:Messages()[1].User)
        local _, nothing, _, detail = login(mechanism, options, { "me@example.test", "old" })
        assert.is_nil(nothing)
        assert.equal("auth", detail.Kind)
      end)
    end

    it("EXTERNAL: takes the certificate it made for the client, and no other", function()
      local server = serve{ Tls = "implicit", Mechanisms = { "EXTERNAL" }, RequireAuth = true }
      for certificate, right in pairs{ [server.ClientCertificate] = true, [""] = false } do
        local client = server:Client{ ClientCertificate = certificate ~= "" and certificate or nil }
        client.ThisHostCredentials.EXTERNAL = netmail.NetworkCredential.Create("client@example.test", "")
        local result, err = send(client)
        assert.equal(right, result ~= nil, err)
      end
      assert.equal("client@example.test", server:Messages()[1].User)
    end)

    it("follows the exchange: initial responses, cancelling, bad base64, repetition", function()
      local server = serve{ Users = { u = "p" }, Mechanisms = { "PLAIN", "LOGIN", "CRAM-MD5" } }
      local c = raw.greet(server)
      assert.equal("504 504 334 501 334 501 535", c:codes("AUTH SCRAM-SHA-1", "AUTH X", "AUTH PLAIN", "*", "AUTH PLAIN", "!!!!",
        "AUTH PLAIN AHUAeA=="))
      assert.equal("501 501 334 334 535", c:codes("AUTH PLAIN =", "AUTH CRAM-MD5 dQ==", "AUTH LOGIN", "dQ==", "eA=="))
      assert.equal("334 235 503 250 503", c:codes("AUTH LOGIN dQ==", "cA==", "AUTH LOGIN", "MAIL FROM:<a@x>", "AUTH PLAIN AHUAcA=="))
      assert.equal("250 503", c:codes("RSET", "AUTH PLAIN AHUAcA=="))
      assert.is_truthy(table.concat(server:Commands(), "\n"):find("AUTH PLAIN AHUAeA==", 1, true))
    end)

    it("XOAUTH2 and OAUTHBEARER: take the right token, explain a wrong one", function()
      local server = serve{ Tokens = { ["me@x"] = "tok" } }
      -- user=me@x^Aauth=Bearer tok^A^A; n,a=me@x,^Aauth=Bearer tok^A^A
      local c = raw.greet(server)
      assert.equal("235", c:codes "AUTH XOAUTH2 dXNlcj1tZUB4AWF1dGg9QmVhcmVyIHRvawEB")
      c = raw.greet(server)
      assert.equal("235", c:codes "AUTH OAUTHBEARER bixhPW1lQHgsAWF1dGg9QmVhcmVyIHRvawEB")
      c = raw.greet(server)
      assert.equal("334 535 334 535 501", c:codes("AUTH XOAUTH2 dXNlcj1tZUB4AWF1dGg9QmVhcmVyIHR1YwEB", "",
        "AUTH OAUTHBEARER bixhPW1lQHgsAWF1dGg9QmVhcmVyIHR1YwEB", "AQ==", "AUTH XOAUTH2 AAAA"))
    end)
  end)

  describe("faults", function()
    -- For what ends by Timeout alone.
    local SOON = { Timeout = 300 }

    local function outcome(fault, options, fields, client_options)
      local server = serve(with({ Faults = { fault } }, options or {}))
      local result, err, detail = send(server:Client(client_options), fields)
      return server, result, err, detail
    end

    it("answer otherwise, in one line or several", function()
      local _, result, _, detail = outcome{ At = "MAIL", Reply = "450 4.2.0 later" }
      assert.is_nil(result)
      assert.equal(450, detail.Code)
      assert.is_true(detail.Temporary)
      local _, _, err = outcome{ At = "rcpt", Reply = "550-5.1.1 no\n550 5.1.1 such user" }
      assert.is_truthy(err:find "550 5.1.1")
      _, result = outcome({ At = "RCPT", Match = "<b@", Reply = "550 5.1.1 no such user" }, {},
        { To = { "b@example.test", "c@example.test" } })
      assert.equal("partial", result.Outcome)
      _, _, _, detail = outcome{ At = "MAIL", Raw = "nonsense\r\n" }
      assert.equal("protocol", detail.Kind)
    end)

    it("keep an effect where the answer is of the same sort, and where there is none", function()
      local server, result = outcome{ At = "DOT", Reply = "250 2.0.0 Ok: queued as ABC123" }
      assert.equal("ABC123", result.QueueId)
      assert.equal(1, #server:Messages())
      server = outcome{ At = "DOT", Reply = "554 5.7.1 spam" }
      assert.equal(0, #server:Messages())
      local _, detail
      server, _, _, detail = outcome{ At = "DOT", Drop = true }
      assert.equal("unknown", detail.Outcome)
      assert.equal(1, #server:Messages())
      local c = raw.greet(serve{ Faults = { { At = "MAIL", Reply = false }, { At = "RCPT", Reply = "551 5.1.6 moved" } } })
      c:send "MAIL FROM:<a@x>\r\n"
      assert.equal("551 554", c:codes("RCPT TO:<b@y>", "DATA"))
    end)

    it("look into the argument, or the content", function()
      local server = serve{ Faults = { { At = "DOT", Match = "viagra", Reply = "554 5.7.1 spam" } } }
      assert.is_truthy((send(server:Client(), { Text = "hello" })))
      assert.is_nil((send(server:Client(), { Text = "buy viagra" })))
    end)

    it("choose their time", function()
      local c = raw.greet(serve{ Faults = {
        { At = "NOOP", Nth = 2, Reply = "450 second" }, { At = "NOOP", Every = 4, Reply = "451 fourth" },
        { At = "VRFY", Times = 2, Reply = "450 twice" }, { At = "EXPN", Match = "x", Nth = 2, Reply = "450 second x" },
        { At = "XFOO", Reply = "250 foo" }, { At = "*", Match = "nothing", Reply = "599 any" },
      } })
      assert.equal("250 450 250 451 250 250 250 451", c:codes("NOOP", "NOOP", "NOOP", "NOOP", "NOOP", "NOOP", "NOOP", "NOOP"))
      assert.equal("450 450 252", c:codes("VRFY a", "VRFY a", "VRFY a"))
      assert.equal("502 502 502 450", c:codes("EXPN a", "EXPN x", "EXPN a", "EXPN x"))
      assert.equal("250 599 599", c:codes("XFOO", "NOOP nothing", "RSET nothing"))
      local server = serve{ Faults = { { At = "EHLO", Connection = 2, Reply = "550 no" } } }
      local codes = {}
      for i = 1, 3 do
        local _, hello = raw.greet(server)
        codes[i] = hello:match "%d+"
      end
      assert.same({ "250", "550", "250" }, codes)
    end)

    it("are replaced while the server runs", function()
      local server = serve{ Faults = { { At = "MAIL", Reply = "450 4.2.0 later" } } }
      local client = server:Client()
      assert.is_nil((client:Send(net.message())))
      server:SetFaults()
      assert.is_truthy((client:Send(net.message())))
      server:SetFaults{ { At = "RCPT", Reply = "550 5.1.1 no" } }
      assert.is_nil((client:Send(net.message())))
      assert.has_error(function() server:SetFaults{ { At = "?" } } end)
      assert.is_nil((client:Send(net.message())))
    end)

    it("refuse at the door", function()
      local server, _, err, detail = outcome{ At = "CONNECT", Reply = "554 5.3.2 no service" }
      assert.is_truthy(err:find "554", err)
      assert.equal("not_sent", detail.Outcome)
      local c = raw.connect(server)
      assert.equal("554 5.3.2 no service", c:reply())
      assert.equal("503 503 221", c:codes("EHLO a", "MAIL FROM:<a@x>", "QUIT"))
      c = raw.connect(serve{ Faults = { { At = "CONNECT", Reply = "421 4.3.2 busy" } } })
      assert.same({ "421 4.3.2 busy\r\n", "closed" }, { c:rest() })
      c = raw.greet(serve{ Faults = { { At = "EHLO", Reply = "502 5.5.1 what?" } } })
      assert.equal("250", c:codes "HELO a")
    end)

    it("wait, and drip", function()
      local server = serve{ Faults = { { At = "NOOP", Delay = 0.2 }, { At = "VRFY", Drip = 0.01, Reply = "252 drops" },
        { At = "HELP", Delay = 3600 } } }
      local c = raw.greet(server)
      local before = process.now()
      c:send "RSET\r\nNOOP\r\nRSET\r\n"
      for _ = 1, 2 do assert.is_truthy(c:reply():find "^250") end
      assert.is_true(process.now() - before >= 0.19)
      assert.is_truthy(c:reply():find "^250")
      before = process.now()
      c:send "VRFY x\r\n"
      assert.equal("252 drops\r\n", c:octets(11))
      assert.is_true(process.now() - before >= 0.08) -- ten rests of 10 ms, by a clock that counts whole ones
      c:send "RSET\r\nHELP\r\n"
      assert.is_truthy(c:reply():find "^250") -- what was said before does not wait
      local _, _, _, detail = outcome({ At = "MAIL", Delay = 3600 }, {}, {}, SOON)
      assert.equal("timeout", detail.Kind)
    end)

    it("drop the line at each stage, with and without a word", function()
      for _, at in ipairs{ "CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT", "DOT" } do
        for _, how in ipairs{ "close", "cut", "reset" } do
          -- Long enough for its end not to be on the line when the beginning is read.
          local text = at == "CONTENT" and ("x\r\n"):rep(2000000) or "short"
          local server, result, _, detail = outcome({ At = at, Drop = how }, { Extensions = {} }, { Text = text })
          assert.is_nil(result, at)
          assert.equal(at == "DOT" and "unknown" or "not_sent", detail.Outcome, at .. " " .. how)
          assert.not_equal("timeout", detail.Kind)
          assert.is_true(server:WaitIdle())
          assert.equal("dropped", server:Connections()[1].End)
        end
      end
      local c = raw.greet(serve{ Faults = { { At = "NOOP", Reply = true, Drop = true } } })
      c:send "NOOP\r\nNOOP\r\n"
      assert.same({ "250 2.0.0 ok\r\n", "closed" }, { c:rest() })
      -- LuaSocket calls both "closed".
      for how, what in pairs{ cut = "eof", reset = "reset" } do
        local server = serve{ Faults = { { At = "VRFY", Drop = how } } }
        assert.equal(what, process.run(([[/usr/bin/python3 -c '
import socket
s = socket.create_connection(("127.0.0.1", %d))
s.recv(999); s.sendall(b"VRFY x\r\n")
try: print("eof" if s.recv(999) == b"" else "?", end="")
except ConnectionResetError: print("reset", end="")
']]):format(server.Port)))
      end
    end)

    it("end TLS with close_notify or without", function()
      for how, flag in pairs{ close = "", cut = "cut" } do
        local server = serve{ Tls = "implicit", Faults = { { At = "NOOP", Reply = true, Drop = how } } }
        local text = process.run(([[/usr/bin/python3 -c '
import socket, ssl
c = ssl.create_default_context(cafile="%s")
c.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0x80)
s = c.wrap_socket(socket.create_connection(("127.0.0.1", %d)), server_hostname="localhost", suppress_ragged_eofs=False)
s.recv(999); s.sendall(b"NOOP\r\n"); print(s.recv(999)[:3].decode(), end=" ")
try: print(len(s.recv(999)), end="")
except ssl.SSLError: print("cut", end="")
']]):format(server.CaFile, server.Port))
        assert.equal("250 " .. (flag == "" and "0" or "cut"), text)
      end
    end)

    it("put octets behind a reply, in clear behind that of STARTTLS too", function()
      local server, result, _, detail = outcome({ At = "STARTTLS", Inject = "250 injected\r\n" }, { Tls = "starttls" })
      assert.is_nil(result)
      assert.is_truthy(detail.Kind == "tls" or detail.Kind == "protocol", detail.Kind)
      assert.same({}, server:Messages())
      local c = raw.greet(serve{ Faults = { { At = "NOOP", Inject = "250 more\r\n" } } })
      assert.is_truthy(c:say("NOOP"):find "^250 2%.0%.0")
      assert.equal("250 more", c:reply())
    end)

    it("never end a line, or a reply", function()
      for _, endless in ipairs{ "line", "lines" } do
        for _, at in ipairs{ "MAIL", "EHLO", "CONNECT" } do
          local server, result, _, detail = outcome{ At = at, Endless = endless }
          assert.is_nil(result)
          assert.is_truthy(detail.Kind ~= "timeout", at)
          assert.is_true(server:WaitIdle())
        end
      end
      local c = raw.greet(serve{ Faults = { { At = "NOOP", Endless = true } } })
      c:send "NOOP\r\n"
      assert.equal("250 " .. ("x"):rep(300000), c:octets(300004))
      c:close()
    end)

    it("never answer", function()
      local server, _, _, detail = outcome({ At = "RCPT", Silent = true }, {}, {}, SOON)
      assert.equal("timeout", detail.Kind)
      assert.is_true(server:WaitIdle())
      _, _, _, detail = outcome({ At = "CONNECT", Silent = true }, {}, {}, SOON)
      assert.equal("timeout", detail.Kind)
      _, _, _, detail = outcome({ At = "TLS", Silent = true }, { Tls = "implicit" }, {}, SOON)
      assert.equal("timeout", detail.Kind)
    end)

    it("stop reading", function()
      local server, _, _, detail = outcome({ At = "CONTENT", After = 1000, Stall = true }, {}, { Text = ("x\r\n"):rep(5000000) }, SOON)
      assert.equal("timeout", detail.Kind)
      assert.equal("not_sent", detail.Outcome)
      server:Stop()
    end)

    it("happen within the content", function()
      local server = serve{ Faults = { { At = "CONTENT", After = 5, Reply = "552 5.3.4 stop", Drop = true } } }
      local c = raw.greet(server)
      c:codes("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA")
      c:send "1234"
      assert.same({ nil, "timeout" }, { (function() c.socket:settimeout(0.1) return c:reply() end)() })
      c:send "5"
      assert.same({ "552 5.3.4 stop\r\n", "closed" }, { c:rest(30) })
      server:SetFaults{ { At = "CONTENT", After = 3, Delay = 0.2 } }
      local before = process.now()
      assert.equal("accepted", send(server:Client()).Outcome)
      assert.is_true(process.now() - before >= 0.19)
    end)

    it("spoil the handshake", function()
      for _, tls in ipairs{ "starttls", "implicit" } do
        for _, fault in ipairs{ { Raw = "this is no TLS\r\n" }, { Drop = true }, { Drop = "reset" }, { Raw = "x", Drop = "cut" } } do
          local server, result, _, detail = outcome(with(fault, { At = "TLS" }), { Tls = tls })
          assert.is_nil(result)
          assert.is_truthy(detail.Kind == "tls" or detail.Kind == "connect", detail.Kind)
          assert.equal("not_sent", detail.Outcome)
          server:Stop()
        end
        local before = process.now()
        local server, result = outcome({ At = "TLS", Delay = 0.2 }, { Tls = tls })
        assert.equal("accepted", result.Outcome)
        assert.is_true(process.now() - before >= 0.19)
        server:Stop()
      end
      local server = serve{ Tls = "starttls", Faults = { { At = "STARTTLS", Reply = "454 4.7.0 not now" } } }
      assert.is_nil((send(server:Client())))
    end)

    it("break AUTH", function()
      local server = serve{ Users = { ivanov = "secret" }, Mechanisms = { "LOGIN" }, Faults = {
        { At = "AUTH", Nth = 1, Reply = "454 4.7.0 later" }, { At = "RESPONSE", Nth = 2, Reply = "235 2.7.0 anybody" },
        { At = "RESPONSE", Nth = 3, Raw = "334 !!!\r\n" } } }
      local c = raw.greet(server)
      assert.equal("454 334 334 235", c:codes("AUTH LOGIN", "AUTH LOGIN", "aXZhbm92", "d3Jvbmc="))
      assert.equal("334 334", c:codes("AUTH LOGIN", "aXZhbm92"))
    end)
  end)

  it("serves many clients at once", function()
    local server = serve()
    local clients = {}
    for i = 1, 80 do
      clients[i] = raw.connect(server)
      clients[i]:send "EHLO a\r\n"
    end
    for i = 1, 60 do
      assert.is_truthy(clients[i]:reply():find "^220")
      clients[i]:reply()
      clients[i]:say "QUIT"
    end
    for i = 61, 80 do assert.is_truthy(clients[i]:reply():find "^220") end
    assert.equal(80, #server:Connections())
  end)
end)
