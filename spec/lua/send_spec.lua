-- Send against real servers: what arrives, and what the caller learns.

local netmail = require "netmail"
local net = require "spec.support.net"
local servers = require "spec.support.servers"

describe("Send", function()
  local aio, postfix

  setup(function()
    aio = servers.shared "aio"
    postfix = servers.shared "postfix"
  end)

  local function arrives(server, client, fields)
    local result, err = client:Send(net.message(fields))
    assert.is_nil(err)
    assert.equal("accepted", result.Outcome)
    local mail = server:take(1)[1]
    client:Close()
    return mail, result
  end

  for _, line in ipairs{ "plain", "starttls", "tls" } do
    it("delivers through aiosmtpd, " .. line, function()
      local client = line == "plain" and net.client(aio.port.plain) or net.secure(aio.port[line], line)
      local mail, result = arrives(aio, client, { CC = "c@example.test", Bcc = "hidden@example.test" })
      assert.equal("a@example.test", mail.from)
      assert.same({ "b@example.test", "c@example.test", "hidden@example.test" }, mail.to)
      assert.equal(line ~= "plain", mail.tls and true or false)
      assert.is_nil(mail.raw:find("hidden", 1, true))
      assert.is_truthy(mail.raw:find("\r\n\r\none\r\n.\r\ntwo", 1, true))
      assert.equal(250, result.Code)
      assert.equal("2.0.0", result.EnhancedCode)
      assert.is_truthy(mail.raw:find("Message-ID: " .. result.MessageId, 1, true))
      assert.equal(3, #result.Accepted)
      assert.same({}, result.Rejected)
      assert.equal("b@example.test", result.Accepted[1].Address)
    end)
  end

  it("delivers through Postfix: plain, STARTTLS with a password, implicit TLS", function()
    local login = { UserName = "user@example.test", Password = "secret" }
    for _, client in ipairs{
      net.client(postfix.port.plain),
      net.secure(postfix.port.plain, "starttls"),
      net.secure(postfix.port.submission, "starttls", login),
      net.secure(postfix.port.tls, "tls", login),
    } do
      local mail, result = arrives(postfix, client)
      assert.is_truthy(mail.raw:find("Subject: spec", 1, true))
      assert.is_truthy(result.QueueId and result.Reply:find(result.QueueId, 1, true))
    end
  end)

  it("uses each mechanism that is named, and whichever the server offers for the empty name", function()
    for _, protocol in ipairs{ "", "PLAIN", "LOGIN", "CRAM-MD5", "plain" } do
      local client = net.secure(postfix.port.submission, "starttls")
      client.ThisHostCredentials[protocol] = netmail.NetworkCredential.Create("user@example.test", "secret")
      arrives(postfix, client)
    end
  end)

  it("delivers to smtp-sink, which offers PIPELINING and no SIZE", function()
    local sink = servers.start "sink"
    local client = net.client(sink.port.plain)
    for _ = 1, 3 do
      assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    end
    client:Close()
    sink:stop()
  end)

  it("sends Sender as the envelope's sender, From without it", function()
    local mail = arrives(aio, net.client(aio.port.plain), { Sender = "s@example.test" })
    assert.equal("s@example.test", mail.from)
  end)

  it("declares the size that arrives", function()
    local mail = arrives(aio, net.client(aio.port.plain), { Text = ("x"):rep(70) .. "\r\n.dot\r\n" })
    local declared
    for _, option in ipairs(mail.from_options) do
      declared = declared or tonumber(option:match "^SIZE=(%d+)$")
    end
    assert.equal(#mail.raw, declared)
  end)

  it("says LocalName in EHLO", function()
    local mail = arrives(aio, net.client(aio.port.plain, { LocalName = "client.example.test" }))
    assert.equal("client.example.test", mail.helo)
    mail = arrives(aio, net.client(aio.port.plain, { LocalName = "[192.0.2.1]" }))
    assert.equal("[192.0.2.1]", mail.helo)
    assert.has_error(function() net.client(1, { LocalName = "x\r\nMAIL FROM:<e@v.il>" }) end)
  end)

  it("sends the same message many times over one connection, and each with a Message-ID of its own", function()
    local client = net.client(aio.port.plain)
    local message, ids = net.message(), {}
    for _ = 1, 5 do
      ids[assert(client:Send(message)).MessageId] = true
    end
    client:Close()
    aio:take(5)
    local n = 0
    for _ in pairs(ids) do n = n + 1 end
    assert.equal(5, n)
  end)

  it("reports each refused recipient and delivers to the others", function()
    local client = net.client(aio.port.plain)
    local result, warning = client:Send(net.message{
      To = { "unknown@example.test", "b@example.test", "tempfail@example.test" },
    })
    assert.equal("partial", result.Outcome)
    assert.is_truthy(warning:find("2 of 3 recipients refused, first <unknown@example.test>: 550 5.1.1", 1, true))
    assert.equal("b@example.test", result.Accepted[1].Address)
    assert.equal(1, #result.Accepted)
    local first, second = result.Rejected[1], result.Rejected[2]
    assert.same({ "unknown@example.test", 550, "5.1.1", false }, { first.Address, first.Code, first.EnhancedCode, first.Temporary })
    assert.same({ "tempfail@example.test", 450, "4.2.0", true }, { second.Address, second.Code, second.EnhancedCode, second.Temporary })
    assert.same({ "b@example.test" }, aio:take(1)[1].to)
    client:Close()
  end)

  it("fails when all are refused, and the connection is still good for the next message", function()
    local client = net.client(aio.port.plain)
    local result, err, detail = client:Send(net.message{ To = "unknown@example.test" })
    assert.is_nil(result)
    assert.is_truthy(err:find("550 5.1.1 no such user", 1, true))
    assert.same({ "recipient", "rejected", 550, "5.1.1", "RCPT", false, 1, 0, "localhost", aio.port.plain }, {
      detail.Kind, detail.Outcome, detail.Code, detail.EnhancedCode, detail.Command, detail.Temporary,
      #detail.Rejected, #detail.Accepted, detail.Host, detail.Port,
    })
    assert.equal(err, tostring(detail))
    arrives(aio, client)
  end)

  it("sends nothing with AllOrNothing when one is refused", function()
    local client = net.client(aio.port.plain, { AllOrNothing = true })
    local result, _, detail = client:Send(net.message{ To = { "b@example.test", "unknown@example.test" } })
    assert.is_nil(result)
    assert.same({ "recipient", "rejected" }, { detail.Kind, detail.Outcome })
    arrives(aio, client) -- and only this one comes
  end)

  it("returns what is missing in a message, and never raises for it", function()
    local client = net.client(aio.port.plain)
    for text, message in pairs{
      ["no From"] = netmail.MailMessage{ To = "b@example.test", Text = "x" },
      ["no recipients"] = netmail.MailMessage{ From = "a@example.test", Text = "x" },
      ["U+20AC"] = net.message{ BodyEncoding = "koi8-r", Text = "€" },
    } do
      local result, err, detail = client:Send(message)
      assert.is_nil(result)
      assert.is_truthy(err:find(text, 1, true), err)
      assert.same({ "message", "not_sent" }, { detail.Kind, detail.Outcome })
    end
  end)

  it("sends nothing when an attached file has become shorter, and says so", function()
    local path = os.tmpname()
    local f = assert(io.open(path, "wb"))
    f:write(("x"):rep(1000))
    f:close()
    local message = net.message{ Attachments = netmail.Attachment.Create(path) }
    os.remove(path)
    local client = net.client(aio.port.plain)
    local result, err, detail = client:Send(message)
    assert.is_nil(result)
    assert.is_truthy(err:find(path, 1, true), err)
    assert.same({ "message", "not_sent" }, { detail.Kind, detail.Outcome })
    arrives(aio, client)
  end)

  it("tells a program's mistakes by an error", function()
    local client = net.client(1)
    for _, wrong in ipairs{ "text", 1, {}, false } do
      assert.has_error(function() client:Send(wrong) end)
    end
    local ok, err = pcall(client.Send, net.message())
    assert.is_false(ok)
    assert.is_truthy(err:find("with a colon", 1, true))
    for _, key in ipairs{ "Timeout", "Deadline", "Port" } do
      for _, value in ipairs{ 0, -1, 1.5, "1", 0 / 0, math.huge } do
        assert.has_error(function() client[key] = value end)
      end
    end
  end)
end)
