-- LMTP (RFC 2033) at Dovecot, Postfix's smtp-sink and the recorder: one final reply for each recipient.

local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

describe("LMTP", function()
  local dovecot, client

  setup(function() dovecot = servers.shared "dovecot" end)

  before_each(function()
    dovecot:news()
    client = net.client(dovecot.port.lmtp, { Protocol = "lmtp" })
  end)

  after_each(function()
    client:Close()
    dovecot:take(0, 0, "lmtp")
  end)

  local function rejected(list)
    local fates = {}
    for i, r in ipairs(list) do fates[i] = ("%s %d %s %s"):format(r.Address, r.Code, r.EnhancedCode, tostring(r.Temporary)) end
    return fates
  end

  it("delivers to each mailbox, by BDAT and by DATA", function()
    local message = net.message{ To = "b@example.test, c@example.test" }
    for _, options in ipairs{ { Chunking = "offered" }, { Chunking = "off" } } do
      local result = assert(client:Send(message, options))
      assert.equal("accepted", result.Outcome)
      assert.equal(2, #result.Accepted)
      for i, name in ipairs{ "b", "c" } do
        local r = result.Accepted[i]
        assert.same({ name .. "@example.test", 250, "2.0.0" }, { r.Address, r.Code, r.EnhancedCode })
        assert.truthy(r.Reply:find("<" .. name .. "@example.test> ", 1, true))
        assert.truthy(dovecot:logged("lmtp%(" .. name .. "@example.test%)[^\n]*: saved mail to INBOX"))
      end
      for _, mail in ipairs(dovecot:take(2, 60, "lmtp")) do
        assert.truthy(mail.raw:find("^Return%-Path: <a@example.test>\r?\n"))
        assert.truthy(mail.raw:find("with LMTP\r?\n"))
        assert.truthy(mail.raw:find("one\r?\n%.\r?\ntwo"))
      end
    end
  end)

  it("keeps the connection, also after refusals", function()
    for _ = 1, 3 do
      assert(client:Send(net.message()))
      assert.is_nil((client:Send(net.message{ To = "unknown@example.test" })))
    end
    dovecot:take(3, 60, "lmtp")
    local log = ""
    assert.is_true(process.wait(30, function()
      log = log .. dovecot:news()
      return select(2, log:gsub("saved mail to INBOX", "")) >= 3
    end), log)
    assert.equal(1, (select(2, log:gsub("Connect from", ""))), log)
  end)

  it("tells who is unknown, and whose mailbox is full when the message is there", function()
    local result, warning = client:Send(net.message{
      To = "b@example.test, unknown@example.test, full@example.test, c@example.test", Text = ("a line\r\n"):rep(500) })
    assert.equal("partial", result.Outcome)
    assert.truthy(warning:find("2 of 4 recipients refused", 1, true), warning)
    assert.same({ "unknown@example.test 550 5.1.1 false", "full@example.test 552 5.2.2 false" }, rejected(result.Rejected))
    assert.same({ "b@example.test", "c@example.test" }, { result.Accepted[1].Address, result.Accepted[2].Address })
    dovecot:take(2, 60, "lmtp")
    assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    dovecot:take(1, 60, "lmtp")
  end)

  it("fails when nobody's mailbox takes it", function()
    for _, to in ipairs{ "full@example.test", "unknown@example.test", "full@example.test, unknown@example.test" } do
      local result, err, detail = client:Send(net.message{ To = to, Text = ("a line\r\n"):rep(500) })
      assert.is_nil(result)
      assert.same({ "recipient", "rejected" }, { detail.Kind, detail.Outcome }, err)
    end
  end)

  it("says nothing of a password where none is asked for", function()
    client.ThisHostCredentials[""] = netmail.NetworkCredential.Create("user@example.test", "secret")
    local result, _, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.same({ "auth", "not_sent" }, { detail.Kind, detail.Outcome })
  end)

  it("is not what an SMTP server speaks, nor SMTP what this one does", function()
    local wrong = net.client(dovecot.port.lmtp)
    local result, _, detail = wrong:Send(net.message())
    assert.is_nil(result)
    assert.equal("not_sent", detail.Outcome)
    wrong:Close()
    local postfix = servers.shared "postfix"
    wrong = net.client(postfix.port.plain, { Protocol = "lmtp" })
    result, _, detail = wrong:Send(net.message())
    assert.is_nil(result)
    assert.equal("not_sent", detail.Outcome)
    wrong:Close()
    postfix:take(0, 0)
  end)

  it("sends nothing where STARTTLS is asked for, which it cannot do", function()
    local c = net.secure(dovecot.port.lmtp, "starttls", { Protocol = "lmtp" })
    local result, err, detail = c:Send(net.message())
    assert.is_nil(result)
    assert.same({ "tls", "not_sent" }, { detail.Kind, detail.Outcome })
    assert.truthy(err:find("STARTTLS cannot be had over LMTP", 1, true), err)
  end)

  it("goes to smtp-sink as well, which offers little", function()
    local sink = servers.start("sink", { flags = "-L" })
    local c = net.client(sink.port.plain, { Protocol = "lmtp" })
    for _ = 1, 2 do
      local result = assert(c:Send(net.message{ To = "b@example.test, c@example.test" }))
      assert.same({ "accepted", 2 }, { result.Outcome, #result.Accepted })
    end
    c:Close()
    sink:stop()
  end)

  it("carries DSN and SMTPUTF8 where they are offered", function()
    local recorder = servers.start "recorder"
    local c = net.client(recorder.port.lmtp, { Protocol = "lmtp" })
    local result = c:Send(net.message{ To = "получатель@example.test, c@full.test, d@refused.test" }, { Notify = "never" })
    assert.equal("partial", result.Outcome)
    assert.same({ "c@full.test 552 5.2.2 false", "d@refused.test 550 5.1.1 false" }, rejected(result.Rejected))
    local mail = recorder:take(1)[1]
    assert.same({ "получатель@example.test", "c@full.test" }, mail.to)
    assert.same({ { "NOTIFY=NEVER" }, { "NOTIFY=NEVER" } }, mail.to_options)
    assert.truthy(table.concat(mail.from_options, " "):find("SMTPUTF8", 1, true))
    c:Close()
    recorder:stop()
  end)
end)
