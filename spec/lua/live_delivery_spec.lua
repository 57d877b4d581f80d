-- What Postfix and Exim make of the extensions: what they relay is kept with its whole envelope by a recorder, and what they report
-- comes back as mail.

local netmail = require "netmail"
local net = require "spec.support.net"
local servers = require "spec.support.servers"

local function has(list, word)
  for _, w in ipairs(list) do
    if w == word then return true end
  end
  return false
end

-- What a relay said in MAIL, without SIZE, in one order.
local function options_of(list)
  local kept = {}
  for _, option in ipairs(list) do
    if not option:find "^SIZE=" then kept[#kept + 1] = option end
  end
  table.sort(kept)
  return kept
end

-- What Postfix says at the end of the session that took this message: how many of each command, "ehlo=1 mail=2 rcpt=1/2 …".
local function session_of(postfix, result)
  local pid = postfix:logged("smtpd%[(%d+)%]: " .. result.QueueId .. ": client=")
  return (postfix:logged("smtpd%[" .. pid .. "%]: disconnect from %S+( [^\n]*)\n")) .. " "
end

for _, kind in ipairs{ "postfix", "exim" } do
  describe("at " .. kind, function()
    local server, client

    setup(function() server = servers.shared(kind) end)

    before_each(function()
      server:news()
      client = net.client(server.port.plain)
    end)

    after_each(function()
      client:Close()
      -- Nothing but what a spec has asked for.
      server:take(0, 0)
      server:take(0, 0, "recorded")
    end)

    local function send(fields, options)
      local result, err = client:Send(net.message(fields), options)
      assert.is_nil(err)
      assert.equal("accepted", result.Outcome)
      return result
    end

    -- A report (RFC 3464): the fields of its second part, and all of it.
    local function report()
      local raw = server:take(1)[1].raw
      assert.equal("delivery-status", raw:match "report%-type=([%w%-]+)")
      local fields = {}
      for name, value in raw:match("message/delivery%-status\n.-\n\n(.-)\n%-%-"):gmatch "([%w%-]+): *([^\n]*)" do
        fields[name:lower()] = value
      end
      return fields, raw
    end

    it("DSN: what is asked for goes on to the next server", function()
      send({ To = "b@record.test, c@record.test" }, {
        Ret = "headers", EnvelopeId = "QQ 314+x=y",
        To = {
          { Address = "b@record.test", Notify = { "success", "delay" }, OriginalRecipient = "al ias+1@example.test" },
          { Address = "c@record.test", Notify = "never" },
        },
      })
      local mail = server:take(1, 60, "recorded")[1]
      assert.same({ "ENVID=QQ+20314+2Bx+3Dy", "RET=HDRS" }, options_of(mail.from_options))
      assert.same({ "b@record.test", "c@record.test" }, mail.to)
      assert.same({ "NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;al+20ias+2B1@example.test" }, options_of(mail.to_options[1]))
      assert.is_true(has(mail.to_options[2], "NOTIFY=NEVER"))
    end)

    it("DSN: nothing is asked for unasked", function()
      send{ To = "b@record.test" }
      local mail = server:take(1, 60, "recorded")[1]
      assert.same({}, options_of(mail.from_options))
      assert.is_nil(table.concat(mail.to_options[1]):find "NOTIFY")
    end)

    it("DSN: the report of success comes back, with the envelope's id", function()
      send(nil, { Notify = "success", EnvelopeId = "id-77", Ret = "headers", OriginalRecipient = "friend@example.test" })
      local mails = server:take(2)
      -- The report and the message itself, in either order.
      if mails[1].raw:find("delivery-status", 1, true) then mails[1], mails[2] = mails[2], mails[1] end
      assert.truthy(mails[1].raw:find("\n\none\n.\ntwo", 1, true))
      local raw = mails[2].raw
      assert.truthy(raw:find "\nOriginal%-Envelope%-I[Dd]: id%-77\n")
      assert.truthy(raw:find "\nOriginal%-Recipient: rfc822; *friend@example.test\n")
      assert.truthy(raw:find("\nAction: delivered\n", 1, true))
      assert.truthy(raw:find "\nFinal%-Recipient: rfc822; *b@example.test\n")
      assert.truthy(raw:find "\nStatus: 2%.%d%.%d\n")
      assert.truthy(raw:find("Subject: spec", 1, true))
      assert.is_nil(raw:find("\none\n.\ntwo", 1, true))
    end)

    it("DSN: the report of failure has all of the message, or its header", function()
      for ret, has_text in pairs{ full = true, headers = false } do
        send({ To = "x@refused.test" }, { Ret = ret, Notify = "failure" })
        local fields, raw = report()
        assert.equal("failed", fields.action)
        assert.truthy(fields["diagnostic-code"]:find("550 5.1.1 no such user", 1, true))
        assert.truthy(raw:find("Subject: spec", 1, true))
        assert.equal(has_text, raw:find("\none\n.\ntwo", 1, true) ~= nil)
      end
    end)

    it("DSN: nobody hears of what was not to be reported, nor the null sender", function()
      send({ To = "x@refused.test" }, { Notify = "never" })
      assert.truthy(server:logged(kind == "exim" and "%*%* x@refused.test" or "status=bounced"))
      send({ To = "b@record.test" }, { From = "" })
      local mail = server:take(1, 60, "recorded")[1]
      assert.equal("", mail.from)
      assert.is_nil(mail.raw:find("From: <>", 1, true))
      send({ To = "x@refused.test" }, { From = "" })
      assert.truthy(server:logged(kind == "exim" and "%*%* x@refused.test" or "status=bounced"))
    end)

    it("SMTPUTF8: mailboxes in any language, and only where there is one", function()
      send{ To = "b@record.test", Subject = "привет" }
      assert.same({}, options_of(server:take(1, 60, "recorded")[1].from_options))
      send{ From = "отправитель@example.test", To = "получатель@record.test" }
      local mail = server:take(1, 60, "recorded")[1]
      assert.is_true(has(mail.from_options, "SMTPUTF8"))
      assert.equal("отправитель@example.test", mail.from)
      assert.same({ "получатель@record.test" }, mail.to)
      assert.truthy(mail.raw:find("\r\nTo: получатель@record.test\r\n", 1, true))
      send{ To = "получатель@example.test" }
      local field = kind == "exim" and "Envelope%-to" or "Delivered%-To"
      assert.equal("получатель@example.test", server:take(1)[1].raw:match(field .. ": ([^\n]*)\n"))
    end)

    it("SMTPUTF8: an international domain alone does without", function()
      local result = send({ To = "b@record.test" }, { From = "a@почта.example" })
      assert.equal("b@record.test", result.Accepted[1].Address)
      local mail = server:take(1, 60, "recorded")[1]
      assert.equal("a@xn--80a1acny.example", mail.from)
      assert.is_false(has(mail.from_options, "SMTPUTF8"))
    end)

    -- Octets that DATA must stuff, and BDAT must not touch.
    local odd = ".\r\n..\r\n.x\r\n" .. ("0123456789abcdef. \r\n.\r\n"):rep(8000) .. "."

    for chunking, verb in pairs{ offered = "bdat", after_rcpt = "bdat", off = "data" } do
      it("CHUNKING " .. chunking .. ": the content arrives octet for octet", function()
        local message = net.message{ To = "b@record.test", Text = odd, Date = 0, MessageId = "<1@example.test>" }
        local rendered = message:ToString()
        local result = assert(client:Send(message, { Chunking = chunking }))
        assert.equal("accepted", result.Outcome)
        local raw = server:take(1, 60, "recorded")[1].raw
        -- Behind what the server put before it.
        local at = assert(raw:find("Date: Thu, 01 Jan 1970", 1, true))
        assert.is_true(raw:sub(at) == rendered, "the content has changed")
        client:Close()
        if kind == "postfix" then
          local line = session_of(server, result)
          assert.truthy(line:find(" " .. verb .. "=", 1, true), line)
          assert.equal(verb == "bdat", not line:find(" data=", 1, true))
        else
          local line = server:logged "<= a@example.test [^\n]*"
          assert.equal(verb == "bdat", line:find(" K ", 1, true) ~= nil)
        end
      end)
    end

    it("8BITMIME: octets over 127 are declared, and come as they are", function()
      send{ To = "b@record.test", Text = "привет\r\n", BodyTransferEncoding = "8bit" }
      local mail = server:take(1, 60, "recorded")[1]
      assert.truthy(mail.raw:find("\r\n\r\nпривет", 1, true))
      assert.truthy(mail.raw:find("Content-Transfer-Encoding: 8bit", 1, true))
      if kind == "postfix" then
        assert.is_true(has(mail.from_options, "BODY=8BITMIME"))
      else
        assert.truthy(server:logged "<= a@example.test [^\n]* M8S=8 ")
      end
    end)

    it("recipients are accepted and refused one by one", function()
      local result, warning = client:Send(net.message{
        To = "unknown@example.test, b@record.test, tempfail@example.test, c@record.test, full@example.test" })
      assert.equal("partial", result.Outcome)
      assert.truthy(warning:find("3 of 5 recipients refused", 1, true))
      local fates = {}
      for _, r in ipairs(result.Rejected) do
        fates[#fates + 1] = ("%s %d %s %s"):format(r.Address, r.Code, r.EnhancedCode, tostring(r.Temporary))
      end
      assert.same({ "unknown@example.test 550 5.1.1 false", "tempfail@example.test 450 4.2.0 true",
        "full@example.test 552 5.2.2 false" }, fates)
      assert.same({ "b@record.test", "c@record.test" }, server:take(1, 60, "recorded")[1].to)
    end)

    it("a refused sender is told, and the connection stays good", function()
      local _, err, detail = client:Send(net.message{ From = "badsender@example.test" })
      assert.truthy(err:find("5.7.1", 1, true))
      assert.same({ "rejected", "5.7.1" }, { detail.Outcome, detail.EnhancedCode })
      assert.truthy(detail.Kind == "sender" or kind == "postfix" and detail.Kind == "recipient", detail.Kind)
      local result = send()
      server:take(1)
      client:Close()
      if kind == "postfix" then
        assert.truthy(session_of(server, result):find(" ehlo=1 ", 1, true))
      end
    end)

    it("what the server does not offer is an error before MAIL, or is left out if offered", function()
      client = net.secure(server.port.plain, "starttls")
      for name, value in pairs{ RequireTls = true, HoldFor = 60, TransferPriority = 3, DeliverBy = { Seconds = 60, Mode = "notify" } } do
        local result, err, detail = client:Send(net.message(), { [name] = value })
        assert.is_nil(result)
        assert.truthy(err:find("does not offer", 1, true), err)
        assert.equal("not_sent", detail.Outcome)
        send({ To = "b@record.test" }, { [name] = value, IfOffered = true })
        assert.same({}, options_of(server:take(1, 60, "recorded")[1].from_options))
      end
    end)

    it("Capabilities are what the server says", function()
      send{ To = "b@record.test" }
      server:take(1, 60, "recorded")
      local c = client.Capabilities
      assert.equal(kind == "exim" and 10485760 or 52428800, c.Size)
      for _, keyword in ipairs{ "PIPELINING", "DSN", "SMTPUTF8", "8BITMIME", "CHUNKING", "STARTTLS" } do
        assert.equal("", c.Extensions[keyword])
      end
      assert.is_nil(c.Extensions.REQUIRETLS)
      assert.equal(kind == "exim", has(c.Auth, "SCRAM-SHA-256"))
    end)
  end)
end

describe("limits", function()
  local postfix, exim

  setup(function()
    postfix, exim = servers.shared "postfix", servers.shared "exim"
  end)

  before_each(function()
    postfix:news()
    exim:news()
  end)

  it("SIZE: what is too large is refused before MAIL", function()
    local client = net.client(postfix.port.small)
    local result, err, detail = client:Send(net.message{ Text = ("x"):rep(70):gsub("$", "\r\n"):rep(200) })
    assert.is_nil(result)
    assert.truthy(err:find("10000", 1, true), err)
    assert.equal("not_sent", detail.Outcome)
    result = assert(client:Send(net.message()))
    client:Close()
    assert.truthy(session_of(postfix, result):find(" mail=1 ", 1, true))
    postfix:take(1)
  end)

  it("SIZE: what turns out too large while it is sent is refused by the server", function()
    for _, chunking in ipairs{ "offered", "off" } do
      local left = 300
      local part = netmail.Attachment{ Name = "x.bin", Content = function()
        left = left - 1
        return left > 0 and ("x"):rep(100) or nil
      end }
      local client = net.client(postfix.port.small)
      local result, _, detail = client:Send(net.message{ Attachments = part }, { Chunking = chunking })
      assert.is_nil(result)
      assert.same({ "rejected", 552, "5.3.4" }, { detail.Outcome, detail.Code, detail.EnhancedCode })
      assert.equal("accepted", assert(client:Send(net.message())).Outcome)
      client:Close()
      postfix:take(1)
    end
  end)

  local function addresses(n, domain)
    local all = {}
    for i = 1, n do all[i] = ("r%03d@%s"):format(i, domain) end
    return all
  end

  for kind, most in pairs{ postfix = 5, exim = 20 } do
    it("more recipients than " .. kind .. " takes in one transaction come in several", function()
      local server = servers.shared(kind)
      local client = net.client(server.port.small or server.port.plain)
      local all = addresses(most * 2 + 3, "record.test")
      local result = assert(client:Send(net.message{ To = all }))
      assert.equal("accepted", result.Outcome)
      assert.equal(#all, #result.Accepted)
      client:Close()
      local got, largest = {}, 0
      for _, mail in ipairs(server:take(3, 60, "recorded")) do
        largest = math.max(largest, #mail.to)
        for _, address in ipairs(mail.to) do got[#got + 1] = address end
      end
      table.sort(got)
      assert.same(all, got)
      assert.equal(most, largest)
    end)
  end

  it("hundreds of recipients, some refused, come in one transaction where that is allowed", function()
    local client = net.client(postfix.port.plain)
    local all = addresses(400, "discard.test")
    all[200] = "unknown@example.test"
    local result = client:Send(net.message{ To = all })
    client:Close()
    assert.equal("partial", result.Outcome)
    assert.same({ 399, 1 }, { #result.Accepted, #result.Rejected })
    local line = session_of(postfix, result)
    assert.truthy(line:find(" mail=1 rcpt=399/400 ", 1, true), line)
  end)
end)
