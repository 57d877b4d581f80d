-- The extensions of ESMTP: what is asked for arrives as the RFC writes it, is refused where the server has not got it, and is
-- left out where the caller says so.

local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local mail = require "spec.support.mail"

local ok = "250 2.0.0 ok\r\n"

-- Sends to an ordinary server that offers these, over TLS where it says so; the commands it got, and what Send gave.
local function send(offers, message, options, tls)
  local server = servers.script(net.follow(net.greet(process.unpack(offers)), { serve = true }), tls and { tls = "implicit" })
  local client = tls and net.secure(server.port.tls, "tls") or net.client(server.port.plain)
  local result, err, detail = client:Send(message, options)
  client:Close()
  local commands = net.commands(server:received(1))
  server:stop()
  return commands, result, err, detail
end

local from, rcpt = "MAIL FROM:<a@example.test>", "RCPT TO:<b@example.test>"
local utc = 4002393600 -- 2096-10-30T00:00:00Z

-- option, value, extension, MAIL and RCPT as they are to be
local rows = {
  { "Ret", "full", "DSN", from .. " RET=FULL", rcpt },
  { "Ret", "Headers", "DSN", from .. " RET=HDRS", rcpt },
  { "EnvelopeId", "QQ314159", "DSN", from .. " ENVID=QQ314159", rcpt }, -- RFC 3461 10
  { "EnvelopeId", "a b+c=d", "DSN", from .. " ENVID=a+20b+2Bc+3Dd", rcpt },
  { "Notify", "never", "DSN", from, rcpt .. " NOTIFY=NEVER" },
  { "Notify", "Failure", "DSN", from, rcpt .. " NOTIFY=FAILURE" },
  { "Notify", { "delay", "success", "failure" }, "DSN", from, rcpt .. " NOTIFY=SUCCESS,FAILURE,DELAY" },
  { "OriginalRecipient", "b+x@old.test", "DSN", from, rcpt .. " ORCPT=rfc822;b+2Bx@old.test" },
  { "OriginalRecipient", netmail.MailAddress.Create "B <b@пример.рф>", "DSN", from,
    rcpt .. " ORCPT=rfc822;b@xn--e1afmkfd.xn--p1ai" },
  { "To", { { Address = "b@example.test", Notify = "success", OriginalRecipient = "c@x" } }, "DSN", from,
    rcpt .. " NOTIFY=SUCCESS ORCPT=rfc822;c@x" },
  { "RequireTls", true, "REQUIRETLS", from .. " REQUIRETLS", rcpt, tls = true },
  { "DeliverBy", { Seconds = 120, Mode = "return" }, "DELIVERBY", from .. " BY=120;R", rcpt },
  { "DeliverBy", { Seconds = -5, Mode = "notify", Trace = true }, "DELIVERBY", from .. " BY=-5;NT", rcpt },
  { "HoldFor", 86400, "FUTURERELEASE", from .. " HOLDFOR=86400", rcpt },
  { "HoldUntil", utc, "FUTURERELEASE", from .. " HOLDUNTIL=2096-10-30T00:00:00Z", rcpt },
  { "HoldUntil", "2096-10-30T03:00:00.5+03:00", "FUTURERELEASE", from .. " HOLDUNTIL=2096-10-30T00:00:00Z", rcpt },
  { "TransferPriority", -9, "MT-PRIORITY", from .. " MT-PRIORITY=-9", rcpt },
  { "TransferPriority", 0, "MT-PRIORITY", from .. " MT-PRIORITY=0", rcpt },
  { "TransferPriority", 9, "MT-PRIORITY", from .. " MT-PRIORITY=9", rcpt },
}

local function label(row)
  return type(row[2]) == "table" and row[1] or row[1] .. " " .. tostring(row[2])
end

describe("an extension", function()
  for i, row in ipairs(rows) do
    local name, value, extension = row[1], row[2], row[3]

    it("is asked for: " .. i .. " " .. label(row), function()
      local commands, result, err = send({ extension }, net.message(), { [name] = value }, row.tls)
      assert.is_nil(err)
      assert.equal("accepted", result.Outcome)
      assert.same({ row[4], row[5] }, { commands[2], commands[3] })
    end)
  end

  it("that the server has not got is an error, and nothing is sent", function()
    for _, row in ipairs(rows) do
      local commands, result, err, detail = send({ "PIPELINING", "SIZE" }, net.message(), { [row[1]] = row[2] }, row.tls)
      assert.is_nil(result)
      assert.is_truthy(err:find("needs the extension " .. row[3] .. ", which the server does not offer", 1, true), err)
      assert.same({ "message", "not_sent" }, { detail.Kind, detail.Outcome })
      assert.same({ "QUIT" }, { process.unpack(commands, 2) })
    end
  end)

  it("that the server has not got is left out where IfOffered says so, and is asked for where it has", function()
    for _, row in ipairs(rows) do
      for _, if_offered in ipairs{ true, { row[3] }, row[3]:lower() } do
        local commands, result, err = send({ "PIPELINING" }, net.message(), { [row[1]] = row[2], IfOffered = if_offered }, row.tls)
        assert.is_nil(err)
        assert.equal("accepted", result.Outcome)
        assert.same({ from, rcpt }, { commands[2], commands[3] })
        assert.same({ row[3] }, result.LeftOut)
      end
      local commands, result = send({ row[3] }, net.message(), { [row[1]] = row[2], IfOffered = true }, row.tls)
      assert.same({ row[4], row[5] }, { commands[2], commands[3] })
      assert.same({}, result.LeftOut)
    end
    assert.same({}, select(2, send({}, net.message(), { IfOffered = true })).LeftOut) -- nothing was asked for
    assert.same({ "DSN", "MT-PRIORITY" }, select(2, send({ "DELIVERBY" }, net.message(), { IfOffered = true, EnvelopeId = "x",
      Notify = "never", DeliverBy = { Seconds = 9, Mode = "notify" }, TransferPriority = 1 })).LeftOut)
    local _, result = send({}, net.message(), { Ret = "full", IfOffered = { "DELIVERBY", "REQUIRETLS" } })
    assert.is_nil(result) -- others are not meant
  end)

  it("can be a client's default, which Send's word goes before and false takes back", function()
    for _, row in ipairs(rows) do
      if row[3] ~= "REQUIRETLS" and row[1] ~= "EnvelopeId" and row[1] ~= "OriginalRecipient" and row[1] ~= "HoldUntil" then
        local server = servers.script(net.follow(net.greet(row[3]), { serve = true }))
        local client = net.client(server.port.plain, { SendOptions = { [row[1]] = row[2] } })
        assert(client:Send(net.message()))
        assert(client:Send(net.message(), { [row[1]] = false }))
        client:Close()
        local commands = net.commands(server:received(1))
        assert.same({ row[4], row[5], "DATA", from, rcpt, "DATA" }, { process.unpack(commands, 2, 7) })
        server:stop()
      end
    end
  end)

  it("is all there at once", function()
    local commands = send({ "DSN", "DELIVERBY", "FUTURERELEASE", "MT-PRIORITY", "SIZE" }, net.message(), {
      Ret = "headers", EnvelopeId = "x", Notify = { "failure", "delay" }, DeliverBy = { Seconds = 1, Mode = "notify" }, HoldFor = 1,
      TransferPriority = 3, To = { "b@example.test", { Address = "c@example.test", OriginalRecipient = "d@x" } },
    })
    local expected = "^MAIL FROM:<a@example%.test> SIZE=%d+ RET=HDRS ENVID=x BY=1;N HOLDFOR=1 MT%-PRIORITY=3$"
    assert.is_truthy(commands[2]:find(expected), commands[2])
    assert.equal(rcpt .. " NOTIFY=FAILURE,DELAY", commands[3])
    assert.equal("RCPT TO:<c@example.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;d@x", commands[4])
  end)
end)

describe("a value that is wrong", function()
  local client = net.client(1)
  local message = net.message()

  it("in type or as a word raises, with the option named", function()
    for text, options in pairs{
      ["'Ret' (\"full\" or \"headers\" expected, got \"all\")"] = { Ret = "all" },
      ["'Ret' (\"full\" or \"headers\" expected, got number)"] = { Ret = 1 },
      ["'EnvelopeId'"] = { EnvelopeId = 1 },
      ["'Notify' (\"never\", or any of"] = { Notify = "sometimes" },
      ["'Notify'"] = { Notify = { "never", "delay" } },
      ["'Notify' ("] = { Notify = {} },
      ["Notify takes an array"] = { Notify = { delay = true } },
      ["'OriginalRecipient'"] = { OriginalRecipient = 1 },
      ["'RequireTls'"] = { RequireTls = "yes" },
      ["'DeliverBy' (table with Seconds, Mode and Trace expected"] = { DeliverBy = 5 },
      ["DeliverBy has no field 'By'"] = { DeliverBy = { By = 1 } },
      ["'DeliverBy.Seconds'"] = { DeliverBy = { Mode = "return" } },
      ["'DeliverBy.Seconds' (a whole number from -999999999 to 999999999"] = { DeliverBy = { Seconds = 1e9, Mode = "return" } },
      ["'DeliverBy.Mode'"] = { DeliverBy = { Seconds = 1 } },
      ["'DeliverBy.Mode' ("] = { DeliverBy = { Seconds = 1, Mode = "R" } },
      ["'DeliverBy.Trace'"] = { DeliverBy = { Seconds = 1, Mode = "return", Trace = 1 } },
      ["'HoldFor' (a whole number from 1 to 999999999"] = { HoldFor = 0 },
      ["'HoldFor'"] = { HoldFor = "1" },
      ["'HoldUntil' (a whole number of seconds"] = { HoldUntil = 0.5 },
      ["'HoldUntil' (a whole number"] = { HoldUntil = 253402300800 },
      ["'HoldUntil' (number of seconds since 1970, or string"] = { HoldUntil = {} },
      ["HoldFor and HoldUntil"] = { HoldFor = 1, HoldUntil = 1 },
      ["'TransferPriority' (a whole number from -9 to 9"] = { TransferPriority = 10 },
      ["'TransferPriority'"] = { TransferPriority = "high" },
      ["'IfOffered'"] = { IfOffered = { "PIPELINING" } },
      ["'IfOffered' (true, or any of \"DSN\""] = { IfOffered = 1 },
      ["'Chunking' (\"offered\", \"after_rcpt\" or \"off\" expected"] = { Chunking = "always" },
    } do
      mail.raises(text, function() client:Send(message, options) end)
    end
  end)

  it("as content is returned, with the option named, before anything is dialled", function()
    for text, options in pairs{
      ["EnvelopeId: ENVID has a character"] = { EnvelopeId = "a\tb" },
      ["EnvelopeId: ENVID has a char"] = { EnvelopeId = "é" },
      ["EnvelopeId: ENVID has more than 100"] = { EnvelopeId = ("x"):rep(101) },
      ["EnvelopeId: ENVID has more than"] = { EnvelopeId = ("+"):rep(34) },
      ["OriginalRecipient: ORCPT has a control"] = { OriginalRecipient = "a\r\nb" },
      ["OriginalRecipient: ORCPT is not valid UTF-8"] = { OriginalRecipient = "\255" },
      ["OriginalRecipient: ORCPT has more than 500"] = { OriginalRecipient = ("x"):rep(501) },
      ["OriginalRecipient: ORCPT has no xtext behind its type \"rfc822\" (RFC 3461 4); give the address alone"] =
        { OriginalRecipient = "rfc822;a b@x.org" },
      ["To: ORCPT has a control"] = { To = { { Address = "b@x.org", OriginalRecipient = "\n" } } },
      ["DeliverBy: DELIVERBY with the mode to return"] = { DeliverBy = { Seconds = 0, Mode = "return" } },
      ["HoldUntil: \"tomorrow\" is no moment"] = { HoldUntil = "tomorrow" },
      ["HoldUntil: \"2096-02-30T"] = { HoldUntil = "2096-02-30T00:00:00Z" },
      ["HoldUntil: 1970-01-01T00:00:05Z is past; give a moment to come, or a number of seconds from now as HoldFor"] = { HoldUntil = 5 },
      ["HoldUntil: 2020-02-29T21:00:00Z is past"] = { HoldUntil = "2020-03-01T00:00:00+03:00" },
      ["is past; give a moment"] = { HoldUntil = os.time() },
    } do
      mail.fails(text, client:Send(message, options))
      local ok_, err = pcall(function() client.SendOptions = options end)
      assert.is_false(ok_)
      assert.is_string(err)
    end
  end)

  it("beyond what the server takes is returned before MAIL", function()
    for _, row in ipairs{
      { "DELIVERBY 100", { DeliverBy = { Seconds = 99, Mode = "return" } }, "needs at least 100" },
      { "FUTURERELEASE 600 2096-10-30T00:00:00Z", { HoldFor = 601 }, "for at most 600" },
      { "FUTURERELEASE 600 2096-10-30T00:00:00Z", { HoldUntil = utc + 1 }, "later than the last moment" },
    } do
      local commands, result, err, detail = send({ row[1] }, message, row[2])
      assert.is_nil(result)
      assert.is_truthy(err:find(row[3], 1, true), err)
      assert.equal("not_sent", detail.Outcome)
      assert.equal("QUIT", commands[2])
    end
  end)
end)

describe("REQUIRETLS", function()
  it("is for TLS connections", function()
    for _, if_offered in ipairs{ false, true } do
      local commands, result, err = send({ "REQUIRETLS" }, net.message(), { RequireTls = true, IfOffered = if_offered })
      if if_offered then
        assert.same({ "accepted", { "REQUIRETLS" } }, { result.Outcome, result.LeftOut })
        assert.equal(from, commands[2])
      else
        assert.is_nil(result)
        assert.is_truthy(err:find("set EnableSsl", 1, true), err)
        assert.equal("QUIT", commands[2])
      end
    end
  end)

  it("goes before the message's TLS-Required: No, which stays in its header (RFC 8689 4.1)", function()
    local server = servers.script(net.follow(net.greet "REQUIRETLS", { serve = true }), { tls = "implicit" })
    local client = net.secure(server.port.tls, "tls")
    local message = net.message{ TlsRequired = false }
    assert(client:Send(message, { RequireTls = true }))
    assert(client:Send(message))
    client:Close()
    local raw = server:received(1)
    local _, required = raw:gsub("REQUIRETLS", "")
    local _, no = raw:gsub("\r\nTLS%-Required: No\r\n", "")
    assert.same({ 1, 2 }, { required, no })
    server:stop()
  end)

  it("has TlsRequired as its opposite, false or nothing", function()
    local m = net.message()
    assert.is_nil(m.TlsRequired)
    m.TlsRequired = false
    assert.is_false(m.TlsRequired)
    assert.equal("No", m.Headers:Get "TLS-Required")
    assert.is_truthy(m:ToString():find("\r\nTLS-Required: No\r\n", 1, true))
    assert.is_false(netmail.MailMessage.Parse(m:ToString()).TlsRequired)
    m.TlsRequired = nil
    assert.is_nil(m:ToString():find("TLS-Required", 1, true))
    mail.raises("RequireTls of Send", function() m.TlsRequired = true end)
    mail.raises("'TlsRequired'", function() m.TlsRequired = "No" end)
    m.Headers:Set("TLS-Required", "no")
    assert.is_false(m.TlsRequired)
    mail.raises("TLS-Required", function() m.Headers:Add("TLS-Required", "No") end)
    mail.raises("it is No and nothing else", function() m.Headers:Set("TLS-Required", "Yes") end)
  end)
end)

describe("SMTPUTF8", function()
  local function said(offers, message, options)
    local commands, result, err = send(offers, message, options)
    return commands[2], result, err
  end

  it("is asked for when an address has no form in ASCII, in the envelope or in the header", function()
    for _, row in ipairs{
      { { From = "иван@example.test" }, nil, "MAIL FROM:<иван@example.test> SMTPUTF8" },
      { { To = "иван@example.test" }, nil, from .. " SMTPUTF8" },
      { { Bcc = "иван@example.test" }, nil, from .. " SMTPUTF8" },
      { { ReplyTo = "иван@example.test" }, nil, from .. " SMTPUTF8" },
      { { CC = "иван@example.test" }, { To = "b@example.test" }, from .. " SMTPUTF8" }, -- in its header alone
      { {}, { To = "иван@example.test" }, from .. " SMTPUTF8" },
      { {}, { From = "иван@пример.рф" }, "MAIL FROM:<иван@пример.рф> SMTPUTF8" },
    } do
      local line, result, err = said({ "8BITMIME", "SMTPUTF8" }, net.message(row[1]), row[2])
      assert.is_nil(err)
      assert.equal("accepted", result.Outcome)
      assert.equal(row[3], line)
    end
  end)

  it("is not asked for when nothing needs it", function()
    for _, fields in ipairs{
      {},
      { From = "Иван <a@пример.рф>", To = "Пётр <b@пример.рф>", Subject = "Тема", Text = "Текст" },
      { Attachments = { netmail.Attachment{ Content = "x", Name = "файл.txt" } } },
      { Headers = { Comments = "Текст" } },
    } do
      local line, result = said({ "8BITMIME", "SMTPUTF8" }, net.message(fields))
      assert.equal("accepted", result.Outcome)
      assert.is_nil(line:find("SMTPUTF8", 1, true))
      assert.equal("accepted", select(2, said({}, net.message(fields))).Outcome) -- and need not be there
    end
  end)

  it("that the server has not got is an error that says where, and what to do", function()
    for text, row in pairs{
      ["<иван@example.test> in CC is not ASCII before its \"@\""] = { { CC = "иван@example.test" } },
      ["does not offer SMTPUTF8)"] = { { CC = "иван@example.test" }, { To = "c@example.test" } },
      ["use an ASCII address of that mailbox"] = { { Bcc = "иван@example.test" } },
      ["the address <иван@example.test> is not ASCII"] = { {}, { To = "иван@example.test" } },
    } do
      local server = servers.script(net.follow(net.greet "8BITMIME", { serve = true }))
      local client = net.client(server.port.plain)
      mail.fails(text, client:Send(net.message(row[1]), row[2]))
      assert(client:Send(net.message())) -- nothing is lost
      client:Close()
      server:stop()
    end
  end)

  it("carries a header in UTF-8, and what the client asks of the recipient (RFC 6533)", function()
    local server = servers.script(net.follow(net.greet("8BITMIME", "SMTPUTF8", "DSN"), { serve = true }))
    local client = net.client(server.port.plain)
    assert(client:Send(net.message{ To = "Имя <иван@example.test>" }, { OriginalRecipient = "пётр@x" }))
    client:Close()
    local raw = server:received(1)
    assert.is_truthy(raw:find("RCPT TO:<иван@example.test> ORCPT=utf-8;", 1, true), raw)
    assert.is_truthy(raw:find("<иван@example.test>\r\n", 1, true))
    server:stop()
  end)

  it("arrives at Postfix", function()
    local postfix = servers.shared "postfix"
    local client = net.client(postfix.port.plain)
    local result, err = client:Send(net.message{ To = "иван@example.test", Text = "Текст", BodyTransferEncoding = "8bit" })
    assert.is_nil(err)
    assert.equal("accepted", result.Outcome)
    client:Close()
    assert.is_truthy(postfix:take(1)[1].raw:find("иван@example.test", 1, true))
  end)
end)

describe("BINARYMIME", function()
  local noise = "\0\r\n.\n\r\255" .. mail.noise(3000)

  local function message()
    return net.message{ Text = "x", Attachments = { netmail.Attachment{ Content = noise, Name = "noise", TransferEncoding = "binary" } } }
  end

  local function reads(offers, replies, options)
    local greet = net.greet(process.unpack(offers))
    local server = servers.script(net.follow(greet, { expect = "MAIL" }, { expect = "RCPT" }, { expect = "BDAT" }, { send = replies }))
    local client = net.client(server.port.plain)
    local result, err = client:Send(message(), options)
    client:Close()
    local raw = server:received(1)
    server:stop()
    assert.is_nil(err)
    assert.equal("accepted", result.Outcome)
    return raw
  end

  it("is asked for where it is offered, and the octets go as they are", function()
    local raw = reads({ "PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME", "SIZE" }, ok .. ok .. ok)
    local size = tonumber(raw:match "MAIL FROM:<a@example%.test> SIZE=(%d+) BODY=BINARYMIME\r\n")
    local declared, content = raw:match "BDAT (%d+) LAST\r\n(.*)QUIT\r\n$"
    assert.same({ size, size }, { tonumber(declared), #content })
    assert.is_truthy(content:find("\r\nContent-Transfer-Encoding: binary\r\n", 1, true))
    assert.is_truthy(content:find("\r\n\r\n" .. noise .. "\r\n--", 1, true))
  end)

  it("has base64 in its place where it is not offered, over the same connection", function()
    for _, offers in ipairs{ {}, { "8BITMIME" }, { "BINARYMIME", "8BITMIME" } } do
      local server = servers.script(net.follow(net.greet(process.unpack(offers)), { serve = true }))
      local client = net.client(server.port.plain)
      local result, err = client:Send(message())
      assert.is_nil(err)
      assert.equal("accepted", result.Outcome)
      client:Close()
      local raw = server:received(1)
      assert.equal(from, net.commands(raw)[2])
      local leaves = mail.leaves(mail.parse(raw:match "\r\nDATA\r\n(.*\r\n)%.\r\nQUIT").root)
      assert.is_true(leaves[#leaves].content == noise)
      assert.is_truthy(raw:find("\r\nContent-Transfer-Encoding: base64\r\n", 1, true))
      server:stop()
    end
  end)

  it("has 8bit in its place for a text where that is offered", function()
    local server = servers.script(net.follow(net.greet "8BITMIME", { serve = true }))
    local client = net.client(server.port.plain)
    assert(client:Send(net.message{ Text = "Текст", BodyTransferEncoding = "8bit",
      Attachments = { netmail.Attachment{ Content = noise, TransferEncoding = "binary", Name = "n" } } }))
    client:Close()
    local raw = server:received(1)
    assert.equal(from .. " BODY=8BITMIME", net.commands(raw)[2])
    assert.is_truthy(raw:find("\r\nContent-Transfer-Encoding: 8bit\r\n", 1, true))
    assert.is_nil(raw:find("binary", 1, true))
    server:stop()
  end)

  it("is not asked for with Chunking off", function()
    local server = servers.script(net.follow(net.greet("CHUNKING", "BINARYMIME"), { serve = true }))
    local client = net.client(server.port.plain)
    assert(client:Send(message(), { Chunking = "off" }))
    client:Close()
    assert.equal(from, net.commands(server:received(1))[2])
    server:stop()
  end)
end)

describe("Chunking", function()
  it("waits for the recipients' replies, or is not used, as it is told", function()
    local server = servers.script(net.follow(net.greet("PIPELINING", "CHUNKING"), { expect = "MAIL" }, { expect = "RCPT" },
      { quiet = 0.2 }, { send = ok .. ok }, { expect = "BDAT" }, { send = ok }))
    local client = net.client(server.port.plain, { SendOptions = { Chunking = "after_rcpt" } })
    assert.equal("after_rcpt", client.SendOptions.Chunking)
    assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    client:Close()
    assert.truthy(server:received(1))
    assert.is_nil(server:events(1):find("early", 1, true))
    server:stop()
    local commands = send({ "PIPELINING", "CHUNKING" }, net.message(), { Chunking = "off" })
    assert.equal("DATA", commands[4])
  end)
end)

describe("Client.Capabilities", function()
  local lines = { "SIZE 35882577", "8bitmime", "AUTH PLAIN LOGIN x-own", "AUTH=PLAIN", "PIPELINING",
    "LIMITS RCPTMAX=7 MAILMAX=9 RCPTDOMAINMAX=2", "DELIVERBY 100", "FUTURERELEASE 600 2096-10-30T00:00:00Z", "X-OWN  a  b ", "x-own c" }

  it("is what the connected server offers, and nil without a connection", function()
    local server = servers.script(net.follow(net.greet(process.unpack(lines)), { serve = true }))
    local client = net.client(server.port.plain)
    assert.is_nil(client.Capabilities)
    assert(client:Send(net.message()))
    local offered = client.Capabilities
    assert.same({
      SIZE = "35882577", ["8BITMIME"] = "", AUTH = "PLAIN LOGIN x-own", PIPELINING = "",
      LIMITS = "RCPTMAX=7 MAILMAX=9 RCPTDOMAINMAX=2", DELIVERBY = "100", FUTURERELEASE = "600 2096-10-30T00:00:00Z", ["X-OWN"] = "a  b",
    }, offered.Extensions)
    assert.same({ "PLAIN", "LOGIN", "X-OWN" }, offered.Auth)
    assert.same(lines, offered.Lines)
    assert.same({ 35882577, 7, 9, 2, 100, 600, utc }, { offered.Size, offered.MaxRecipients, offered.MaxTransactions, offered.MaxDomains,
      offered.MinDeliverBy, offered.MaxHoldFor, offered.MaxHoldUntil })
    offered.Size = 1 -- is a copy
    assert.equal(35882577, client.Capabilities.Size)
    mail.raises("read only", function() client.Capabilities = {} end)
    client:Close()
    assert.is_nil(client.Capabilities)
    assert.equal("35882577", offered.Extensions.SIZE) -- and stays what it was
    server:stop()
  end)

  it("is empty where the server says nothing, and nil after an error that ended the connection", function()
    local server = servers.script(net.follow({ { send = "220 x\r\n" }, { expect = "EHLO" }, { send = "250 x\r\n" } }, { serve = "DATA" },
      { send = "421 4.3.2 bye\r\n" }, { drop = true }))
    local client = net.client(server.port.plain)
    client.AllOrNothing = true
    local _, _, detail = client:Send(net.message(), { Ret = "full" })
    assert.equal("not_sent", detail.Outcome)
    assert.same({ Extensions = {}, Auth = {}, Lines = {} }, client.Capabilities)
    assert.is_nil((client:Send(net.message())))
    assert.is_nil(client.Capabilities)
    server:stop()
  end)
end)
