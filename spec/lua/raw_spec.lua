-- Messages that are sent as they are, in pieces, and in 8bit.

local netmail = require "netmail"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local Part = netmail.Part
local eml = "Received: from x\r\nDKIM-Signature: v=1; d=x.test;\r\n\tb=AAA\r\nFrom: author@x.test\r\n" ..
  "To: someone@y.test\r\nMessage-ID: <orig@x.test>\r\nSubject: as it is\r\n\r\nFirst\r\n.\r\n..two\r\nlast"

local function lines_of(text)
  return (text:gsub("\r\n", "\n"))
end

describe("a message sent as it is", function()
  local aio

  setup(function() aio = servers.shared "aio" end)

  local function sent(message)
    local client = net.client(aio.port.plain)
    local result = assert(client:Send(message))
    client:Close()
    return aio:take(1)[1], result
  end

  it("arrives octet by octet, to whom the envelope says", function()
    local m = net.message{ To = "b@example.test", Bcc = "c@example.test" }
    assert.equal(m, m:Raw(eml))
    local got, result = sent(m)
    assert.equal(lines_of(eml .. "\n"), lines_of(got.raw))
    assert.same({ "b@example.test", "c@example.test" }, got.to)
    assert.equal("<orig@x.test>", result.MessageId)
  end)

  it("comes from a file too, as it is at the send, and a name in the place of bytes is no path", function()
    local folder, remove = mail.folder()
    local path = folder .. "/a.eml"
    process.write(path, "Subject: old\n\nx\n")
    local m = assert(net.message():Raw{ Path = path })
    process.write(path, "Subject: new\n\nx\n")
    assert.equal("Subject: new\r\n\r\nx\r\n", m:ToString())
    process.write(path, "Bcc: secret@x.test\n\nx\n")
    mail.fails("Bcc", m:ToString())
    mail.fails("no field", net.message():TryRaw(path))
    mail.raises("does not exist", function() net.message():Raw{ Path = path .. "x" } end)
    mail.raises("takes the bytes", function() net.message():Raw{ Path = path, Name = "x" } end)
    remove()
  end)

  it("has the Resent- block of Resend before it, and goes to those of the block alone", function()
    local m = assert(net.message():Raw(eml))
    m:Resend{ From = "again@example.test", To = "d@example.test" }
    local got = sent(m)
    assert.same({ "d@example.test" }, got.to)
    assert.equal("again@example.test", got.from)
    assert.is_truthy(got.raw:find("^Resent%-Date: .-Resent%-From: again@example.test.-\nReceived: from x"))
    assert.is_truthy(lines_of(got.raw):find(lines_of(eml), 1, true))
  end)

  it("refuses what cannot arrive as it is, and stays what it was", function()
    local m = net.message{ Subject = "mine" }
    for bytes, why in pairs{ [""] = "header", ["just text"] = "no field", ["A: b\r\nBcc: x@y.test\r\n\r\n"] = "Bcc",
      ["A: b\r\n\r\n\0"] = "NUL", ["A: b\r\n\r\n" .. ("x"):rep(999)] = "998",
      ["A: b\r\n\r\na\nb\r\n"] = "some in LF", ["A: b\r\n\r\na\rb\r\n"] = "bare CR", ["A: \195\169\r\n\r\n"] = "ASCII",
      ["A: b\rBcc: x@y.test\r\n\r\n"] = "bare CR", ["A: b\r\nResent-Bcc: x@y.test\r\n\r\n"] = "Bcc" } do
      mail.fails(why, m:TryRaw(bytes))
      mail.raises(why, function() m:Raw(bytes) end)
      assert.is_truthy(m:ToString():find("Subject: mine", 1, true))
    end
    mail.raises("Raw", function() m:Raw(5) end)
    mail.raises("Path", function() m:Raw{} end)
  end)

  it("has the id of the bytes and no other", function()
    local m = net.message{ MessageId = "<mine@x.test>" }
    m:Raw(eml)
    assert.equal("<orig@x.test>", m.MessageId)
    mail.raises("Raw", function() m.MessageId = "<other@x.test>" end)
    assert.is_nil(m:Raw("Subject: none\r\n\r\n").MessageId)
    assert.equal("<mine@x.test>", m:Raw(nil).MessageId)
    assert.is_truthy(tostring(m:Raw(eml)):find("as it is", 1, true))
  end)

  it("is made by netmail again after Raw(nil)", function()
    local m = net.message{ Subject = "mine" }
    m:Raw(eml):Raw(nil)
    assert.is_truthy(m:ToString():find("Subject: mine", 1, true))
    assert.is_nil(m.MessageId)
  end)

  it("is let go of with its bytes when nobody has it any more: the collector knows of them", function()
    local output = process.apart([[
      local netmail = require "netmail"
      local function rss()
        for line in io.lines "/proc/self/status" do
          local kb = line:match "^VmRSS:%s*(%d+)"
          if kb then return tonumber(kb) end
        end
      end
      local bytes = "Subject: x\r\n\r\n" .. ("a line of text\r\n"):rep(65536)
      local before = rss()
      for i = 1, 100 do netmail.MailMessage{ From = "a@x.test", To = "b@y.test" }:Raw(bytes) end
      print(rss() - before < 30000) -- of 100 MB
    ]], "")
    assert.equal("true\n", output)
  end)

  it("can be attached", function()
    local inner = assert(net.message():Raw(eml))
    local text = net.message{ Attachments = { Part{ Message = inner } } }:ToString()
    assert.is_truthy(text:find("Content-Type: message/rfc822\r\n", 1, true))
    assert.is_truthy(text:find("\r\n\r\n" .. eml, 1, true))
    inner:Resend{ From = "r@x.test", To = "s@x.test" }
    text = net.message{ Attachments = { Part{ Message = inner } } }:ToString()
    assert.is_truthy(text:find("\r\n\r\nResent%-Date: .-Resent%-To: s@x.test.-\r\nReceived: from x"))
    local odd = net.message{ Attachments = { Part{ Message = net.message():Raw("A: b\r\n\r\n\208\185") } } }
    assert.is_truthy(odd:ToString():find("Content-Transfer-Encoding: 8bit", 1, true))
  end)

  it("in 8bit is announced as such, and not sent to a server without 8BITMIME", function()
    local m = assert(net.message():Raw("Subject: x\r\n\r\n\208\185\r\n"))
    local got = sent(m)
    assert.equal("Subject: x\r\n\r\n\208\185\r\n", got.raw)
    assert.is_truthy(table.concat(got.from_options, " "):find("BODY=8BITMIME", 1, true))
    local server = servers.script{ net.greet "SIZE" }
    local client = net.client(server.port.plain)
    local result, message, detail = client:Send(m)
    client:Close()
    assert.is_nil(result)
    assert.is_truthy(message:find("8BITMIME", 1, true))
    assert.equal("not_sent", detail.Outcome)
    assert.equal("message", detail.Kind)
    assert.is_nil(server:received(1):find("MAIL", 1, true))
    server:stop()
  end)
end)

describe("8bit that the author wants", function()
  local message = net.message{ Subject = "8", Text = "\208\185\n", BodyTransferEncoding = "8bit",
    Attachments = { Part{ Text = "\208\185", TransferEncoding = "8bit" } } }

  it("goes to a server that offers 8BITMIME", function()
    local aio = servers.shared "aio"
    local client = net.client(aio.port.plain)
    assert(client:Send(message))
    client:Close()
    local got = aio:take(1)[1]
    local _, n = got.raw:gsub("Content%-Transfer%-Encoding: 8bit", "")
    assert.equal(3, n) -- the multipart and its two parts
    assert.is_truthy(table.concat(got.from_options, " "):find("BODY=8BITMIME", 1, true))
  end)

  it("is encoded for one that does not, over the same connection", function()
    local server = servers.script{ net.follow(net.greet "SIZE", { serve = "" }) }
    local client = net.client(server.port.plain)
    assert(client:Send(message))
    client:Close()
    local raw = server:received(1)
    assert.is_nil(raw:find("8bit", 1, true))
    assert.is_nil(raw:find("[\128-\255]"))
    assert.is_nil(raw:find("BODY=", 1, true))
    server:stop()
  end)
end)

describe("a message in pieces", function()
  it("is whole again when a reader joins them, and each is a message to send", function()
    local bytes = ("0123456789"):rep(3000)
    local m = net.message{ Subject = "Big", Attachments = { netmail.Attachment{ Content = bytes, Name = "a.bin" } } }
    local pieces = assert(m:Split(16384))
    local joined, ids = {}, {}
    for i, piece in ipairs(pieces) do
      local text = piece:ToString()
      assert.is_true(#text <= 16384)
      assert.equal(("Big (%d/%d)"):format(i, #pieces), piece.Subject)
      assert.equal(m.To[1].Address, piece.To[1].Address)
      local id, number, total = text:match 'message/partial;%s+id="([^"]+)";%s+number=(%d+); total=(%d+)'
      ids[id] = true
      assert.same({ i, #pieces }, { tonumber(number), tonumber(total) })
      joined[i] = text:match "\r\n\r\n(.*)$"
    end
    assert.is_true(#pieces > 2)
    assert.is_truthy(next(ids))
    assert.is_nil(next(ids, (next(ids))))
    local leaves = mail.leaves(mail.parse(table.concat(joined)).root)
    assert.equal(bytes, leaves[#leaves].content)
  end)

  it("goes to those of its newest Resent- block, as the whole would, and no piece is longer than asked for", function()
    local aio = servers.shared "aio"
    local m = net.message{ Text = ("\208\191\209\128\208\184 "):rep(3000), MessageId = "<i@x>" }
    m:Resend{ From = "again@a-rather-long-domain-of-who-resends.test", To = "d@example.test", Bcc = "e@example.test" }
    local client = net.client(aio.port.plain)
    local pieces = assert(m:Split(5000))
    for _, piece in ipairs(pieces) do
      assert.is_true(#piece:ToString() <= 5000)
      assert(client:Send(piece))
    end
    client:Close()
    for _, got in ipairs(aio:take(#pieces)) do assert.same({ "d@example.test", "e@example.test" }, got.to) end
  end)

  it("is the same message when it is short enough", function()
    local pieces = assert(net.message{ Subject = "small" }:Split(5000))
    assert.equal(1, #pieces)
    assert.equal("small", pieces[1].Subject)
  end)

  it("says what cannot be split", function()
    mail.raises("Bytes", function() net.message():Split(100) end)
    mail.raises("Bytes", function() net.message():Split("x") end)
    mail.fails("function", net.message{ Attachments = { Part{ Content = function() end } } }:Split(5000))
    mail.fails("as it is", net.message():Raw(eml):Split(5000))
  end)
end)
