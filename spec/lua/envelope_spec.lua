-- Who sends to whom, as Send is told and as the server hears it; and what comes back about it.

local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local mail = require "spec.support.mail"

local ok = "250 2.0.0 ok\r\n"

-- Sends to an ordinary server that offers these; the MAIL and RCPT lines it got, and what Send gave.
local function send(offers, message, options, properties)
  local server = servers.script(net.follow(net.greet(process.unpack(offers)), { serve = true }))
  local client = net.client(server.port.plain, properties)
  local result, err, detail = client:Send(net.message(message), options)
  client:Close()
  local raw = server:received(1)
  server:stop()
  local envelope = {}
  for _, line in ipairs(net.commands(raw)) do
    if line:find "^MAIL" or line:find "^RCPT" then envelope[#envelope + 1] = line end
  end
  return envelope, result, err, detail, raw
end

local function hears(expected, ...)
  local envelope, result, err, detail, raw = send({ "PIPELINING" }, ...)
  assert.is_nil(err)
  assert.same(expected, envelope)
  return result, raw, detail
end

describe("the envelope's sender", function()
  it("is Sender, else From, and what Send is told instead", function()
    local rcpt = "RCPT TO:<b@example.test>"
    hears({ "MAIL FROM:<a@example.test>", rcpt })
    hears({ "MAIL FROM:<s@example.test>", rcpt }, { Sender = "s@example.test" })
    for _, from in ipairs{ "bounces@example.test", "Name <bounces@example.test>", netmail.MailAddress.Create "bounces@example.test" } do
      local _, raw = hears({ "MAIL FROM:<bounces@example.test>", rcpt }, { Sender = "s@example.test" }, { From = from })
      assert.is_truthy(raw:find("\r\nFrom: a@example.test\r\nSender: s@example.test\r\n", 1, true))
      assert.is_nil(raw:find("Name", 1, true))
    end
    hears({ "MAIL FROM:<x@xn--e1afmkfd.xn--p1ai>", rcpt }, {}, { From = "x@пример.рф" })
  end)

  it("can be nobody (RFC 5321 4.5.5)", function()
    for _, from in ipairs{ "", "<>", false } do
      local _, raw = hears({ "MAIL FROM:<>", "RCPT TO:<b@example.test>" }, {}, { From = from })
      assert.is_truthy(raw:find("\r\nFrom: a@example.test\r\n", 1, true))
    end
  end)

  it("can be a client's default, which Send's word goes before", function()
    local defaults = { SendOptions = { From = "bounces@example.test" } }
    hears({ "MAIL FROM:<bounces@example.test>", "RCPT TO:<b@example.test>" }, {}, nil, defaults)
    hears({ "MAIL FROM:<bounces@example.test>", "RCPT TO:<c@example.test>" }, {}, { To = "c@example.test" }, defaults)
    hears({ "MAIL FROM:<other@example.test>", "RCPT TO:<b@example.test>" }, {}, { From = "other@example.test" }, defaults)
    hears({ "MAIL FROM:<>", "RCPT TO:<b@example.test>" }, {}, { From = "" }, defaults)
    hears({ "MAIL FROM:<>", "RCPT TO:<b@example.test>" }, {}, nil, { SendOptions = { From = false } })
  end)
end)

describe("the envelope's recipients", function()
  local from = "MAIL FROM:<a@example.test>"

  it("are those of the message, or those that Send is told; the header stays", function()
    hears({ from, "RCPT TO:<b@example.test>", "RCPT TO:<c@example.test>", "RCPT TO:<d@example.test>" },
      { CC = "c@example.test", Bcc = "d@example.test" })
    local list = netmail.MailMessage{ To = "x@example.test, y@example.test" }.To
    for _, to in ipairs{
      "x@example.test, Y <y@example.test>",
      { "x@example.test", "y@example.test" },
      { "x@example.test, y@example.test" },
      { netmail.MailAddress.Create "x@example.test", { Address = "y@example.test" } },
      { { Address = netmail.MailAddress.Create "x@example.test" }, "y@example.test" },
      list,
      { list },
    } do
      local result, raw = hears({ from, "RCPT TO:<x@example.test>", "RCPT TO:<y@example.test>" }, { CC = "c@example.test" }, { To = to })
      assert.equal(2, #result.Accepted)
      assert.is_truthy(raw:find("\r\nTo: b@example.test\r\nCc: c@example.test\r\n", 1, true))
    end
    hears({ from, "RCPT TO:<x@example.test>" }, {}, { To = { Address = "x@example.test" } })
    hears({ from, "RCPT TO:<x@example.test>" }, {}, { To = netmail.MailAddress.Create "x@example.test" })
  end)

  it("need no To in the message when Send is told them", function()
    hears({ from, "RCPT TO:<x@example.test>" }, { To = {} }, { To = "x@example.test" })
  end)

  it("of all messages can be redirected by a client's default", function()
    local defaults = { SendOptions = { To = "catch-all@example.test" } }
    hears({ from, "RCPT TO:<catch-all@example.test>" }, { CC = "c@example.test" }, nil, defaults)
    hears({ from, "RCPT TO:<b@example.test>" }, {}, { To = false }, defaults)
  end)

  it("are each named once, in order, and stand once in the results", function()
    local result = hears(
      { from, "RCPT TO:<b@example.test>", "RCPT TO:<B@example.test>", "RCPT TO:<c@xn--e1afmkfd.xn--p1ai>" },
      { To = "b@example.test, B@example.test, b@EXAMPLE.test", CC = "c@пример.рф, Name <b@example.test>",
        Bcc = "c@xn--e1afmkfd.xn--p1ai, c@XN--E1AFMKFD.xn--p1ai, \"b\"@example.test" })
    local addresses = {}
    for i, r in ipairs(result.Accepted) do addresses[i] = r.Address end
    assert.same({ "b@example.test", "B@example.test", "c@пример.рф" }, addresses)
    hears({ from, "RCPT TO:<x@example.test>" }, {}, { To = { "x@example.test", { Address = "x@EXAMPLE.TEST" } } })
  end)

  it("that are named again are asked for what all namings say, and not sent to where that cannot be (RFC 3461 4.1)", function()
    local function twice(first, second)
      first.Address, second.Address = "x@example.test", "x@EXAMPLE.test"
      return { Notify = "delay", To = { first, second, "y@example.test" } }
    end
    for expected, options in pairs{
      ["NOTIFY=SUCCESS,FAILURE"] = twice({ Notify = "success" }, { Notify = "failure" }),
      ["NOTIFY=NEVER"] = twice({}, { Notify = "never" }),
      ["NOTIFY=SUCCESS ORCPT=rfc822;o@x"] = twice({ Notify = "success" }, { OriginalRecipient = "o@x" }),
      ["NOTIFY=DELAY ORCPT=rfc822;o@x"] = twice({ OriginalRecipient = "o@x" }, { OriginalRecipient = "o@x" }),
    } do
      local envelope = send({ "DSN" }, {}, options)
      assert.same({ "RCPT TO:<x@example.test> " .. expected, "RCPT TO:<y@example.test> NOTIFY=DELAY" }, { envelope[2], envelope[3] })
    end
    local client = net.client(1)
    for words, options in pairs{
      ["To names <x@EXAMPLE.test> more than once, with Notify \"never\" and with another one; take one of them out"] =
        twice({ Notify = "never" }, { Notify = "success" }),
      ["To names <x@EXAMPLE.test> more than once, with two OriginalRecipients; take one of them out"] =
        twice({ OriginalRecipient = "o@x" }, { OriginalRecipient = "p@x" }),
    } do
      mail.fails(words, client:Send(net.message(), options))
    end
  end)

  it("of a message that was resent are those of the newest block, unless Send is told others", function()
    local server = servers.script(net.follow(net.greet(), { serve = true }))
    local client = net.client(server.port.plain)
    local message = net.message():Resend{ From = "r@example.test", To = "n@example.test, n@example.test" }
    assert(client:Send(message))
    assert(client:Send(message, { From = "q@example.test", To = "o@example.test" }))
    client:Close()
    local raw = server:received(1)
    assert.is_truthy(raw:find("MAIL FROM:<r@example.test>\r\nRCPT TO:<n@example.test>\r\nDATA", 1, true))
    assert.is_truthy(raw:find("MAIL FROM:<q@example.test>\r\nRCPT TO:<o@example.test>\r\nDATA", 1, true))
    server:stop()
  end)

  it("beyond MaxRecipients go in further transactions of the same message", function()
    local function part(...)
      return { { expect = "MAIL" }, ... }
    end
    local greet = net.greet "PIPELINING"
    for _, steps in ipairs{
      part({ expect = "RCPT TO:<u1@" }, { expect = "RCPT TO:<u2@" }, { expect = "DATA" },
        { send = ok .. ok .. ok .. "354 go\r\n" }, { data = true }, { send = "250 2.0.0 queued as A\r\n" }),
      part({ expect = "RCPT TO:<u3@" }, { expect = "DATA" }, { send = ok .. ok .. "354 go\r\n" }, { data = true },
        { send = "250 2.0.0 queued as B\r\n" }),
    } do
      net.follow(greet, process.unpack(steps))
    end
    local server = servers.script(greet)
    local client = net.client(server.port.plain, { MaxRecipients = 2 })
    assert.equal(2, client.MaxRecipients)
    local result, err = client:Send(net.message{ To = "u1@example.test, u2@example.test, u3@example.test" })
    assert.is_nil(err)
    assert.same({ "accepted", 3 }, { result.Outcome, #result.Accepted })
    client:Close()
    local ids = {}
    for id in server:received(1):gmatch "\r\nMessage%-ID: (%S+)" do ids[#ids + 1] = id end
    assert.same({ result.MessageId, result.MessageId }, ids)
    server:stop()
    client.MaxRecipients = nil
    assert.is_nil(client.MaxRecipients)
    for _, wrong in ipairs{ 0, -1, 1.5, 100001, "2" } do
      mail.raises("MaxRecipients", function() client.MaxRecipients = wrong end)
    end
  end)

  it("are as many as the provider takes where a preset says so", function()
    assert.equal(100, netmail.providers.gmail{ UserName = "u", Password = "p" }.MaxRecipients)
    assert.equal(30, netmail.providers.mailru{ UserName = "u", Password = "p" }.MaxRecipients)
    assert.equal(7, netmail.providers.mailru{ UserName = "u", Password = "p", MaxRecipients = 7 }.MaxRecipients)
    assert.is_nil(netmail.providers.yandex{ UserName = "u", Password = "p" }.MaxRecipients)
  end)
end)

describe("options of Send", function()
  local client = net.client(1) -- nobody listens: what gets there is no error of an option
  local message = net.message()

  it("that are unknown, or of a wrong type, raise where Send is called", function()
    for text, options in pairs{
      ["'Frm'"] = { Frm = "a@x.org" },
      ["did you mean 'From'"] = { from = "a@x.org" },
      ["'From'"] = { From = 1 },
      ["'From' (MailAddress, string or false expected, got boolean)"] = { From = true },
      ["'To'"] = { To = 1 },
      ["To takes an array"] = { To = { x = 1 } },
      ["has no field 'Adress'"] = { To = { { Adress = "a@x.org" } } },
      ["'To' (MailAddress or string expected, got nothing)"] = { To = { {} } },
      ["'AllOrNothing'"] = { AllOrNothing = 1 },
      ["'MaxRecipients'"] = { MaxRecipients = 2 },
      ["found a number as a key"] = { "a@x.org" },
    } do
      mail.raises(text, function() client:Send(message, options) end)
    end
    for _, wrong in ipairs{ "text", 1, true, false } do
      mail.raises("bad argument #2 to 'Send' (table of options expected", function() client:Send(message, wrong) end)
    end
    mail.raises("bad argument #1 to 'Send'", function() client:Send({}, {}) end)
  end)

  it("with an address that is none are returned, with the option named, and nothing is dialled", function()
    for text, options in pairs{
      ["From: the address \"x\""] = { From = "x" },
      ["From: "] = { From = "a@x.org, b@x.org" },
      ["To: address 2 of the list"] = { To = "a@x.org, b" },
      ["To: "] = { To = { "a@x.org", "b\r\nRCPT TO:<c@x.org>" } },
      ["To: the address \"z\""] = { To = { { Address = "z" } } },
      ["the option To names no recipient"] = { To = {} },
    } do
      mail.fails(text, client:Send(message, options))
    end
    for _, to in ipairs{ "", " ", "Group:;" } do
      local result, _, detail = client:Send(message, { To = to })
      assert.is_nil(result)
      assert.same({ "message", "not_sent" }, { detail.Kind, detail.Outcome })
    end
    local _, _, detail = client:Send(message, { From = "b@x.org", To = "c@x.org" })
    assert.equal("connect", detail.Kind)
  end)

  it("are a snapshot: what becomes of the table later does not matter, and Send writes nothing to it", function()
    local to = { "x@example.test" }
    local options = { To = to }
    hears({ "MAIL FROM:<a@example.test>", "RCPT TO:<x@example.test>" }, {}, options)
    assert.same({ To = { "x@example.test" } }, options)
    local defaults = client.SendOptions
    defaults.To = to
    to[1] = "y@example.test"
    assert.equal("x@example.test", defaults.To[1].Address.Address)
    client.SendOptions = nil
    assert.is_nil(client.SendOptions.To)
    assert.equal(defaults, client.SendOptions)
    client.SendOptions = { Ret = "full" }
    assert.equal("full", defaults.Ret)
    client.SendOptions = nil
  end)

  it("as a client's defaults can be read and changed, and what is wrong changes nothing", function()
    local to = { "c@x.org", { Address = "d@x.org", Notify = { "delay", "success" } } }
    client.SendOptions = { From = "b@x.org", To = to, Notify = "never" }
    local defaults = client.SendOptions
    assert.equal("b@x.org", defaults.From.Address)
    assert.equal("d@x.org", defaults.To[2].Address.Address)
    assert.same({ "success", "delay" }, defaults.To[2].Notify)
    assert.same({ "never" }, defaults.Notify)
    assert.equal("SendOptions", tostring(defaults))
    mail.raises("From: ", function() client.SendOptions = { To = "e@x.org", From = "f" } end)
    mail.raises("From: ", function() defaults.From = "f" end)
    mail.raises("'Frm'", function() return defaults.Frm end)
    assert.equal("b@x.org", client.SendOptions.From.Address)
    assert.equal(2, #client.SendOptions.To)
    defaults.From, defaults.To = nil, nil
    assert.is_nil(defaults.From)
    assert.is_nil(defaults.To)
    defaults.From = ""
    assert.is_false(client.SendOptions.From)
    for _, name in ipairs{ "EnvelopeId", "OriginalRecipient", "HoldUntil", "AllOrNothing" } do
      mail.raises(name .. " cannot be a client's default", function() client.SendOptions = { [name] = true } end)
    end
    client.SendOptions = nil
  end)

  it("say AllOrNothing for one send", function()
    local steps = function()
      return net.follow(net.greet "PIPELINING", { expect = "MAIL" }, { expect = "RCPT" }, { expect = "RCPT" },
        { send = ok .. ok .. "550 5.1.1 no\r\n" }, { expect = "RSET" }, { send = ok }, { serve = true })
    end
    local to = "b@example.test, c@example.test"
    local server = servers.script(steps())
    local one = net.client(server.port.plain)
    local result, _, detail = one:Send(net.message{ To = to }, { AllOrNothing = true })
    assert.is_nil(result)
    assert.equal("rejected", detail.Outcome)
    one:Close()
    server:stop()
    -- and take the client's back
    server = servers.script(net.follow(net.greet "PIPELINING", { expect = "MAIL" }, { expect = "RCPT" }, { expect = "RCPT" },
      { expect = "DATA" }, { send = ok .. ok .. "550 5.1.1 no\r\n354 go\r\n" }, { data = true }, { send = ok }))
    one = net.client(server.port.plain, { AllOrNothing = true })
    result = one:Send(net.message{ To = to }, { AllOrNothing = false })
    assert.equal("partial", result.Outcome)
    one:Close()
    server:stop()
  end)
end)

describe("over LMTP", function()
  local hello = { { send = "220 mail.example.test LMTP\r\n" }, { expect = "LHLO" },
    { send = "250-mail.example.test\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n" } }

  -- Three recipients, whose replies to RCPT and after the content are these; what Send gave.
  local function deliver(to_rcpt, after, options)
    local steps = {}
    for i, step in ipairs(hello) do steps[i] = step end
    net.follow(steps, { expect = "MAIL" }, { expect = "RCPT" }, { expect = "RCPT" }, { expect = "RCPT" }, { send = ok .. to_rcpt },
      { expect = "DATA" }, { send = "354 go\r\n" }, { data = true }, { send = after }, { serve = true })
    local server = servers.script(steps)
    local client = net.client(server.port.plain, { Protocol = "lmtp" })
    local result, err, detail = client:Send(net.message{ To = "b@x.test, c@x.test, d@x.test" }, options)
    client:Close()
    server:stop()
    return result, err, detail
  end

  local function codes(list)
    local out = {}
    for i, r in ipairs(list) do out[i] = ("%s %d %s"):format(r.Address, r.Code, r.EnhancedCode or "-") end
    return out
  end

  it("each recipient has its own last word", function()
    local result, warning = deliver(ok .. ok .. "550 5.1.1 no d\r\n",
      "250 2.0.0 <b@x.test> hTq1 Saved\r\n452 4.2.2 <c@x.test> quota\r\n")
    assert.equal("partial", result.Outcome)
    assert.same({ "b@x.test 250 2.0.0" }, codes(result.Accepted))
    assert.same({ "c@x.test 452 4.2.2", "d@x.test 550 5.1.1" }, codes(result.Rejected))
    assert.same({ true, false }, { result.Rejected[1].Temporary, result.Rejected[2].Temporary })
    assert.is_truthy(warning:find("2 of 3 recipients refused, first <c@x.test>: 452", 1, true), warning)
    assert.equal("hTq1", result.QueueId)
  end)

  it("all are accepted, or none", function()
    local result, warning = deliver(ok .. ok .. ok, ok .. ok .. ok)
    assert.same({ "accepted", 3, 0 }, { result.Outcome, #result.Accepted, #result.Rejected })
    assert.is_nil(warning)
    local none, _, detail = deliver(ok .. ok .. ok, ("452 4.2.2 quota\r\n"):rep(3))
    assert.is_nil(none)
    assert.same({ "rejected", true, 3 }, { detail.Outcome, detail.Temporary, #detail.Rejected })
  end)

  it("a recipient that is named again has one word", function()
    local result = deliver(ok .. ok .. ok, ok .. ok .. ok, { To = "b@x.test, c@x.test, B@x.test, c@X.TEST" })
    assert.same({ "accepted", 3 }, { result.Outcome, #result.Accepted })
  end)
end)

describe("timings", function()
  local function total(t)
    return t.Connect + t.Envelope + t.Content + t.Reply
  end

  it("say how long each phase took, in milliseconds", function()
    -- A busy machine may add to any of them, or find out late that something is over, at the cost of the next.
    net.at_some_pace(function(ms)
      local unit = ms / 1000
      local server = servers.script(net.follow({ { sleep = 0.6 * unit } }, { send = "220 x\r\n" }, { expect = "EHLO" }, { send = ok },
        { expect = "MAIL" }, { sleep = 0.8 * unit }, { send = ok }, { expect = "RCPT" }, { send = ok }, { expect = "DATA" },
        { send = "354 go\r\n" }, { data = true }, { sleep = 1.2 * unit }, { send = ok }, { serve = true }))
      local client = net.client(server.port.plain, { Timeout = 100000 })
      local t = assert(client:Send(net.message())).Timings
      local kept = assert(client:Send(net.message())).Timings
      client:Close()
      server:stop()
      assert.is_true(total(t) <= t.Total and t.Connect + t.Envelope + t.Content + t.Reply >= 2.5 * ms)
      assert.is_true(t.Resolve + t.Tcp + t.Tls + t.Hello <= t.Connect + 1, t.Hello .. " of " .. t.Connect)
      assert.is_nil(kept.Hello)
      return t.Connect >= 0.56 * ms and t.Hello >= 0.56 * ms and t.Envelope >= 0.76 * ms and t.Content < 0.4 * ms and
        t.Reply >= 1.16 * ms and t.Total < 12 * ms and kept.Connect < 0.2 * ms and kept.Total < 0.8 * ms
    end)
  end)

  it("are in the detail of a failure, too", function()
    local server = servers.script(net.follow(net.greet(), { expect = "MAIL" }, { sleep = 0.2 }, { send = "550 no\r\n" }, { serve = true }))
    local client = net.client(server.port.plain)
    local _, _, detail = client:Send(net.message())
    assert.is_true(detail.Timings.Envelope >= 190 and detail.Timings.Content == 0 and detail.Timings.Reply == 0)
    client:Close()
    server:stop()
    _, _, detail = net.client(server.port.plain):Send(net.message())
    assert.is_true(detail.Timings.Total >= total(detail.Timings))
  end)
end)
