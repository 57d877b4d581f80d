-- Header fields beyond the usual ones: the collection, the properties that are fields, the Resent- block; what is built is
-- read back by Python's email package.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local servers = require "spec.support.servers"

local MailMessage = netmail.MailMessage
local message, raises, fails = built.message, mail.raises, mail.fails

local function listed(headers)
  local out = {}
  for name, value in headers:Iter() do out[#out + 1] = name .. "=" .. value end
  return table.concat(out, ";")
end

-- The whole header, unfolded, as lines.
local function header(m)
  local text = assert(m:ToString())
  built.check_wire(text)
  return (text:match "^(.-\r\n)\r\n":gsub("\r\n ", " "))
end

local function has_line(m, line)
  return ("\r\n" .. header(m)):find("\r\n" .. line .. "\r\n", 1, true) ~= nil
end

describe("Headers", function()
  local m, h

  before_each(function()
    m = MailMessage { From = "a@x.org", To = "b@y.org" }
    h = m.Headers
  end)

  it("keeps order and repetition, and compares names without case", function()
    assert.equal(0, h.Count)
    assert.equal(h, h:Add("X-A", "1"):Add("X-B", "2"):Add("x-a", "3"))
    assert.equal("X-A=1;X-B=2;x-a=3", listed(h))
    assert.equal(3, #h)
    assert.equal("1", h:Get "x-A")
    assert.same({ "1", "3" }, h:GetAll "X-A")
    assert.is_nil(h:Get "X-C")
    assert.same({}, h:GetAll "X-C")
    assert.is_true(h:Contains "x-b")
    assert.is_false(h:Contains "X-C")
    assert.equal(h, h:Set("X-a", "4"))
    assert.equal("X-a=4;X-B=2", listed(h))
    assert.is_true(h:Remove "x-A")
    assert.is_false(h:Remove "x-A")
    assert.equal("X-B: 2\n", tostring(h))
    h:Clear()
    assert.equal("", listed(h))
    assert.equal(m.Headers, h)
  end)

  it("is assigned as a whole, from names in the order of bytes, pairs or another collection", function()
    m.Headers = { ["X-B"] = "2", ["X-A"] = { "1", "3" }, ["X-C"] = "4" }
    assert.equal("X-A=1;X-A=3;X-B=2;X-C=4", listed(h))
    m.Headers = { { "X-B", "2" }, { "X-A", "1" }, { "X-B", "3" } }
    assert.equal("X-B=2;X-A=1;X-B=3", listed(h))
    local other = MailMessage { Headers = h }
    h:Add("X-C", "5")
    assert.equal("X-B=2;X-A=1;X-B=3", listed(other.Headers))
    m.Headers = other.Headers
    m.Headers = m.Headers
    assert.equal("X-B=2;X-A=1;X-B=3", listed(h))
    for _, bad in ipairs { { ["X-A"] = "1", ["X-B"] = "a\nb" }, { { "X-A", "1" }, { "X A", "1" } }, { ["X-A"] = { "1", "\0" } },
      { Subject = "x" }, { References = { "a@b", "c@d" } } } do
      assert.is_false((pcall(function() m.Headers = bad end)))
      fails("", MailMessage.TryNew { Headers = bad })
      assert.equal("X-B=2;X-A=1;X-B=3", listed(h))
    end
    for _, bad in ipairs { "x", 5, true, m, { "X-A", "1" }, { { "X-A" } }, { { "X-A", "1", "2" } }, { { 1, 2 } }, { ["X-A"] = 1 },
      { ["X-A"] = { 1 } }, { ["X-A"] = { a = "1" } }, { { "X-A", "1" }, x = 1 }, { [0.5] = "x" } } do
      assert.is_false((pcall(function() m.Headers = bad end)))
      assert.is_false((pcall(MailMessage.TryNew, { Headers = bad })))
    end
    m.Headers = nil
    assert.equal(0, #h)
  end)

  it("refuses what is no name or no line, and says where", function()
    for _, name in ipairs { "X-A: b\r\nBcc", "X A", "X:", "", "é", ("x"):rep(71), "X-A\0", "X-A\r\n" } do
      for _, method in ipairs { "Get", "GetAll", "Set", "Add", "Remove", "Contains" } do
        raises("name", function() h[method](h, name, "x") end)
      end
    end
    assert.is_truthy(h:Set(("x"):rep(70), "y"))
    h:Clear()
    for _, value in ipairs { "x\r\nBcc: evil@evil.test", "x\nBcc:", "x\rBcc:", "x\r\n\r\nbody", "x\r\n Bcc: y", "\n", "x\r\n" } do
      raises("X-A has a line break", function() h:Set("X-A", value) end)
      raises("X-A has a line break", function() h:Add("X-A", value) end)
    end
    raises("X-A has a NUL (\\0) at byte 2", function() h:Add("X-A", "a\0b") end)
    raises("X-A is not valid UTF-8 at byte 1", function() h:Add("X-A", "\255") end)
    raises("X-A is too long", function() h:Add("X-A", ("x"):rep(65537)) end)
    raises("bad value for 'value' (string expected, got number)", function() h:Set("X-A", 5) end)
    raises("bad value for 'value' (string expected, got nothing)", function() h:Set("X-A") end)
    raises("bad value for 'name' (string expected, got nothing)", function() h:Get() end)
    raises("HeaderCollection has no property 'Cuont'", function() local _ = h.Cuont end)
    raises("with a colon", function() h.Get("X-A") end)
    assert.equal(0, #h)
  end)

  it("names the property of a field that the message owns", function()
    local owned = { Subject = "Subject", from = "From", To = "To", CC = "CC", bcc = "Bcc", ["Reply-To"] = "ReplyTo", Date = "Date",
      ["Message-Id"] = "MessageId", Sender = "Sender", ["X-Priority"] = "Priority", Importance = "Priority", Priority = "Priority",
      ["Disposition-Notification-To"] = "DispositionNotificationTo" }
    for name, property in pairs(owned) do
      for _, method in ipairs { "Get", "GetAll", "Set", "Add", "Remove", "Contains" } do
        raises("use the property " .. property, function() h[method](h, name, "x") end)
      end
    end
    raises("made from Text, Html and Attachments", function() h:Set("Content-Type", "text/html") end)
    raises("always written", function() h:Set("MIME-Version", "1.0") end)
    raises("use the method Resend", function() h:Set("Resent-To", "x@y.org") end)
    raises("the last server writes it", function() h:Set("Return-Path", "x@y.org") end)
  end)

  it("refuses a second field where one may stand, and a value against its grammar", function()
    h:Set("References", "<a@b> c@d")
    assert.equal("<a@b> <c@d>", h:Get "references")
    raises("may stand only once", function() h:Add("References", "<e@f>") end)
    raises("is not a message id", function() h:Set("References", "a@b> <c@d") end)
    raises("no https:, http: or mailto: URL", function() h:Set("List-Help", "javascript:alert(1)") end)
    raises("is no list of URLs", function() h:Set("List-Help", "<http://x> (c) <http://evil>") end)
    raises("line break", function() h:Set("List-ID", "c) <http://evil>\r\nX: y") end)
    assert.equal("<a@b> <c@d>", h:Get "References")
  end)

  it("comes back to a reader as it was", function()
    local values = { "x", "", " edges ", "two  spaces", "tab\tи\tтаб", "Привет, мир! " .. ("Очень длинное значение "):rep(20), "\1\27\127",
      "=?utf-8?q?not_a_word?=", "a=?b?=", ("word "):rep(50) .. "end", ("😀"):rep(50),
      "\194\133next\226\128\168line", "100%", "a: b; c=\"d\"",
      "<a@b>", "Bcc: evil@evil.test" }
    local rows = {}
    for i, value in ipairs(values) do
      rows[i] = { message { Headers = { ["X-A"] = value, ["X-Last"] = "y" }, SubjectEncoding = i % 2 == 0 and "koi8-r" or nil },
        function(p, _, what)
          assert.equal(value, mail.field(p, "X-A"), what)
          assert.equal("y", mail.field(p, "X-Last"), what)
          assert.is_nil((mail.field(p, "Bcc")))
          built.check_words(p.text, what)
        end, what = "value " .. i }
    end
    built.each(rows)
  end)

  it("leaves a token for machines alone, whatever its length", function()
    local token = "https://x.org/" .. ("x"):rep(300)
    local text = assert(message({ Headers = { ["X-Token"] = "a " .. token .. " b" } }):ToString())
    assert.is_truthy(text:find("\r\nX-Token: a\r\n " .. token .. "\r\n b\r\n", 1, true))
    text = assert(message({ Headers = { ["X-Token"] = token } }):ToString())
    assert.is_truthy(text:find("\r\nX-Token: " .. token .. "\r\n", 1, true))
    local word = ("x"):rep(5000)
    local m2 = message { Headers = { ["X-Long"] = word } }
    built.each { { m2, function(p) assert.equal(word, mail.field(p, "X-Long")) end } }
  end)

  it("survives its message and a change while it is walked", function()
    local kept = MailMessage({ Headers = { ["X-A"] = "1" } }).Headers
    collectgarbage()
    collectgarbage()
    assert.equal("1", kept:Get "X-A")
    for i = 1, 5 do kept:Add("X-" .. i, "v") end
    local seen = 0
    for name in kept:Iter() do
      seen = seen + 1
      kept:Remove(name)
    end
    assert.equal(3, seen)
    assert.equal(3, #kept)
  end)
end)

describe("a message's own id and date", function()
  it("are kept by every rendering, and else made anew", function()
    local m = message { MessageId = "me.1@x.org", Date = "Sun, 22 Nov 2026 02:52:45 +0300" }
    assert.equal("<me.1@x.org>", m.MessageId)
    assert.equal(1795305165, m.Date)
    for _ = 1, 2 do
      assert.is_true(has_line(m, "Message-ID: <me.1@x.org>"))
      assert.is_true(has_line(m, "Date: Sun, 22 Nov 2026 02:52:45 +0300"))
    end
    m.MessageId, m.Date = nil, nil
    assert.is_nil(m.MessageId)
    assert.is_nil(m.Date)
    assert.are_not.equal(header(m):match "Message%-ID: [^\r]+", header(m):match "Message%-ID: [^\r]+")
    m.MessageId = "<a@[127.0.0.1]>"
    assert.equal("<a@[127.0.0.1]>", m.MessageId)
  end)

  it("take seconds, and the reader sees that moment", function()
    local rows = {}
    for _, t in ipairs { 0, 1, 951782400, 1795305165, 4107542400, -1 } do
      rows[#rows + 1] = { message { Date = t }, function(p)
        local _, date = mail.field(p, "Date")
        assert.equal(t, date.time)
      end }
    end
    built.each(rows)
  end)

  it("are refused when they are none", function()
    local m = message { MessageId = "a@b", Date = 5 }
    for _, bad in ipairs { "", "a", "a b", "<a>", "a@b c@d", "a@b> <c@d", "a>\r\nX: y", "<a@b>\r\n", "<a@b@c>", "a@", "@b", "<é@b>" } do
      raises("MessageId", function() m.MessageId = bad end)
    end
    for _, bad in ipairs { "", "x", "22 Nov 2026", "Mon, 22 Nov 2026 02:52:45 +0300", "30 Feb 2026 00:00:00 +0000",
      "22 Nov 2026 02:52:45 +0300\r\nBcc: x@y.org" } do
      raises("is no date", function() m.Date = bad end)
    end
    for _, bad in ipairs { 0 / 0, 1 / 0, -1 / 0, 1e300, 2 ^ 63, 1.5 } do
      raises("bad value for 'Date'", function() m.Date = bad end)
    end
    raises("number or string expected", function() m.Date = {} end)
    raises("string expected", function() m.MessageId = 5 end)
    assert.equal("<a@b>", m.MessageId)
    assert.equal(5, m.Date)
  end)
end)

describe("a property that is a field", function()
  it("is read, written, and taken away", function()
    local m = message {
      InReplyTo = "a@b", References = { "<a@b>", "c@d" }, Keywords = { "red", "green, blue", 'say "hi"', "зелёный" }, Comments = "ok да",
      AutoSubmitted = "auto-replied", ListUnsubscribe = { "https://x.org/?a=1,2", "mailto:u@x.org" }, ListUnsubscribeOneClick = true,
      DispositionNotificationTo = "Я <r@x.org>, s@x.org",
    }
    assert.equal("<a@b>", m.InReplyTo)
    assert.same({ "<a@b>", "<c@d>" }, m.References)
    assert.same({ "red", "green, blue", 'say "hi"', "зелёный" }, m.Keywords)
    assert.equal("ok да", m.Comments)
    assert.equal("auto-replied", m.AutoSubmitted)
    assert.same({ "https://x.org/?a=1,2", "mailto:u@x.org" }, m.ListUnsubscribe)
    assert.is_true(m.ListUnsubscribeOneClick)
    assert.equal(2, m.DispositionNotificationTo.Count)
    assert.equal("<a@b> <c@d>", m.Headers:Get "References")
    built.each { { m, function(p)
      assert.equal("<a@b>", mail.field(p, "In-Reply-To"))
      assert.equal("<a@b> <c@d>", mail.field(p, "References"))
      assert.equal('red, "green, blue", "say \\"hi\\"", зелёный', mail.field(p, "Keywords"))
      assert.equal("ok да", mail.field(p, "Comments"))
      assert.equal("auto-replied", mail.field(p, "Auto-Submitted"))
      assert.equal("<https://x.org/?a=1,2>, <mailto:u@x.org>", mail.field(p, "List-Unsubscribe"))
      assert.equal("List-Unsubscribe=One-Click", mail.field(p, "List-Unsubscribe-Post"))
      local raw = p.text:gsub("\r\n ", " ")
      assert.is_truthy(raw:find("\r\nDisposition-Notification-To: =?utf-8?B?0K8=?= <r@x.org>, s@x.org\r\n", 1, true))
    end } }
    for _, name in ipairs { "InReplyTo", "References", "Keywords", "Comments", "AutoSubmitted", "ListUnsubscribe",
      "DispositionNotificationTo" } do m[name] = nil end
    m.ListUnsubscribeOneClick = false
    assert.equal(0, #m.Headers)
    assert.is_nil(m.InReplyTo)
    assert.is_nil(m.Comments)
    assert.same({}, m.References)
    assert.same({}, m.Keywords)
    assert.same({}, m.ListUnsubscribe)
  end)

  it("takes a text for a list", function()
    local m = message { References = "a@b <c@d>", Keywords = 'one, "two, three"', ListUnsubscribe = "<https://x.org>, <mailto:a@b>" }
    assert.same({ "<a@b>", "<c@d>" }, m.References)
    assert.same({ "one", "two, three" }, m.Keywords)
    assert.same({ "https://x.org", "mailto:a@b" }, m.ListUnsubscribe)
    m.ListUnsubscribe = "https://x.org/?a,b"
    assert.same({ "https://x.org/?a,b" }, m.ListUnsubscribe)
    m.ListUnsubscribe = { "<https://x.org>" }
    assert.same({ "https://x.org" }, m.ListUnsubscribe)
    m.References, m.Keywords, m.ListUnsubscribe = {}, {}, {}
    assert.equal(0, #m.Headers)
    m.Headers = { Keywords = { "a, b", "c" } }
    assert.same({ "a", "b", "c" }, m.Keywords)
  end)

  it("folds a long list between its elements", function()
    local ids, words = {}, {}
    for i = 1, 200 do
      ids[i] = ("<%s.%d@mail.example.test>"):format(("x"):rep(i % 50), i):gsub("<%.", "<a.")
      words[i] = i % 3 == 0 and "слово " .. i or "word, " .. ("y"):rep(i % 50)
    end
    local m = message { References = ids, Keywords = words }
    assert.same(ids, m.References)
    assert.same(words, m.Keywords)
    built.each { { m, function(p)
      assert.equal(table.concat(ids, " "), mail.field(p, "References"))
      built.check_words(p.text, "keywords")
    end } }
  end)

  it("refuses what its grammar has not", function()
    local m = message {}
    for _, bad in ipairs { "a>\r\nX: y", "a b", "<a>", "a@b> <c@d", "noat", "", { "" }, { "a@b", "c" }, { "a@b>\r\n<c@d" } } do
      assert.is_false((pcall(function() m.References = bad end)))
      assert.is_false((pcall(function() m.InReplyTo = bad end)))
      fails("", MailMessage.TryNew { References = bad })
    end
    for _, bad in ipairs { "javascript:alert(1)", "ftp://x", "x", "", "https://", "mailto:", "https://x y",
      "https://x\r\nX: y", "https://é.org",
      "<https://x", { "https://x>, <javascript:x" }, { "" }, { "<>" }, { "data:x" } } do
      assert.is_false((pcall(function() m.ListUnsubscribe = bad end)))
      fails("", MailMessage.TryNew { ListUnsubscribe = bad })
    end
    for _, bad in ipairs { "", "a,,b", '"a', { "" }, { "a\nb" }, { "a\0" } } do
      assert.is_false((pcall(function() m.Keywords = bad end)))
    end
    raises("it is one of no, auto-generated", function() m.AutoSubmitted = "yes" end)
    raises("Comments has a line break", function() m.Comments = "a\nb" end)
    raises("refused", function() m.DispositionNotificationTo = "x@y.org\r\nBcc: z@z.org" end)
    for _, name in ipairs { "References", "InReplyTo", "Keywords", "ListUnsubscribe" } do
      for _, bad in ipairs { 5, true, { 5 }, { a = "x" }, { "a@b", [3] = "c@d" }, m } do
        assert.is_false((pcall(function() m[name] = bad end)))
        assert.is_false((pcall(MailMessage.TryNew, { [name] = bad })))
      end
    end
    raises("Keywords is too long", function() m.Keywords = { ("x"):rep(70000) } end)
    raises("boolean expected", function() m.ListUnsubscribeOneClick = 1 end)
    assert.equal(0, #m.Headers)
  end)

  it("gives one click only with an https URL", function()
    local m = message {}
    raises("needs an https URL", function() m.ListUnsubscribeOneClick = true end)
    m.ListUnsubscribe = { "http://x.org", "mailto:u@x.org" }
    raises("needs an https URL", function() m.ListUnsubscribeOneClick = true end)
    assert.is_false(m.ListUnsubscribeOneClick)
    m.ListUnsubscribe = "https://x.org"
    m.ListUnsubscribeOneClick = true
    assert.is_true(has_line(m, "List-Unsubscribe-Post: List-Unsubscribe=One-Click"))
    m.ListUnsubscribe = "mailto:u@x.org"
    fails("needs an https URL", m:ToString())
    m.ListUnsubscribeOneClick = false
    assert.is_nil(header(m):find "Unsubscribe%-Post")
    fails("needs an https URL", MailMessage.TryNew { ListUnsubscribeOneClick = true })
  end)

  it("keeps a text in UTF-8 that SubjectEncoding lacks", function()
    local m = message { SubjectEncoding = "koi8-r", Comments = "10 €", Keywords = { "тема", "€" }, Headers = { ["X-A"] = "тема" } }
    built.each { { m, function(p)
      assert.equal("10 €", mail.field(p, "Comments"))
      assert.equal("тема, €", (mail.field(p, "Keywords"):gsub(" ,", ",")))
      assert.is_truthy(p.text:find("X-A: =?koi8-r?", 1, true))
    end } }
  end)
end)

describe("Resend", function()
  it("puts a block on top of the message, the newest first, without Bcc", function()
    local m = message { MessageId = "old@x.org", Date = "22 Nov 2026 02:52:45 +0300", Subject = "S", Bcc = "hidden@secret.test" }
    local before = header(m)
    assert.equal(m, m:Resend { From = "R <r@x.org>", To = "t@x.org, u@x.org", Bcc = "b@secret.test" })
    m:Resend { From = "r2@x.org", Sender = "s2@x.org", CC = { "Я <c@x.org>" } }
    local after = header(m)
    assert.equal(before, after:sub(-#before))
    assert.is_nil(after:find("secret", 1, true))
    local names = {}
    for name, value in after:sub(1, -#before - 1):gmatch "([^\r:]+): ([^\r]+)\r\n" do names[#names + 1] = name .. "=" .. value end
    assert.equal(9, #names)
    for i, want in ipairs { "^Resent%-Date=", "^Resent%-From=r2@x.org$", "^Resent%-Sender=s2@x.org$",
      "^Resent%-Cc==%?utf%-8%?B%?0K8=%?= <c@x.org>$",
      "^Resent%-Message%-ID=<%x+@x.org>$", "^Resent%-Date=", "^Resent%-From=R <r@x.org>$", "^Resent%-To=t@x.org, u@x.org$",
      "^Resent%-Message%-ID=<%x+@x.org>$" } do
      assert.is_truthy(names[i]:find(want), i .. ": " .. names[i])
    end
  end)

  it("refuses what says not who, and to whom", function()
    local m = message {}
    raises("Resend needs From", function() m:Resend { To = "a@b.org" } end)
    raises("Resend needs recipients", function() m:Resend { From = "a@b.org" } end)
    raises("Resend needs recipients", function() m:Resend { From = "a@b.org", To = {} } end)
    raises("did you mean 'CC'", function() m:Resend { From = "a@b.org", Cc = "c@d.org" } end)
    raises("Resend has no property 'Subject'", function() m:Resend { From = "a@b.org", To = "c@d.org", Subject = "x" } end)
    raises("refused", function() m:Resend { From = "a@b.org\r\nBcc: x@y.org", To = "c@d.org" } end)
    raises("bad value for 'Resend' (table expected", function() m:Resend() end)
    raises("bad value for 'From'", function() m:Resend { From = 5, To = "c@d.org" } end)
    assert.is_nil(header(m):find("Resent", 1, true))
  end)
end)

describe("a send", function()
  local aio

  setup(function() aio = servers.shared "aio" end)

  local function arrives(m)
    local client = net.client(aio.port.plain)
    local result = assert(client:Send(m))
    client:Close()
    return aio:take(1)[1], result
  end

  it("keeps the id and date of the message", function()
    local m = net.message { MessageId = "mine@example.test", Date = "22 Nov 2026 02:52:45 +0300", Headers = { ["X-A"] = "я" } }
    for _ = 1, 2 do
      local got, result = arrives(m)
      assert.equal("<mine@example.test>", result.MessageId)
      assert.is_truthy(got.raw:find("\r\nMessage-ID: <mine@example.test>\r\n", 1, true))
      assert.is_truthy(("\r\n" .. got.raw):find("\r\nDate: Sun, 22 Nov 2026 02:52:45 +0300\r\n", 1, true))
      assert.is_truthy(got.raw:find("\r\nX-A: =?utf-8?B?0Y8=?=\r\n", 1, true))
    end
  end)

  it("follows the newest Resent- block", function()
    local m = net.message { Sender = "s@example.test", CC = "c@example.test", Bcc = "h@example.test" }
    m:Resend { From = "r@example.test", To = "t@example.test" }
    local got = arrives(m)
    assert.equal("r@example.test", got.from)
    assert.same({ "t@example.test" }, got.to)
    m:Resend { From = "r@example.test", Sender = "s2@example.test", To = "u@example.test", CC = "v@example.test", Bcc = "w@example.test" }
    got = arrives(m)
    assert.equal("s2@example.test", got.from)
    assert.same({ "u@example.test", "v@example.test", "w@example.test" }, got.to)
    assert.is_nil(got.raw:find("w@example.test", 1, true))
    assert.is_truthy(got.raw:find("\r\nTo: b@example.test\r\n", 1, true))
  end)
end)
