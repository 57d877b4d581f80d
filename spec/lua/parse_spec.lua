-- Messages that exist, read into the model. That what we wrote comes back with the same bytes is seen wherever a spec has a message
-- read by Python (spec/support/mail.lua).

local netmail = require "netmail"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local servers = require "spec.support.servers"

local MailMessage = netmail.MailMessage
local Parse, TryParse = MailMessage.Parse, MailMessage.TryParse

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

local head = lines("From: Ann <a@x.org>", "To: b@y.org", "Date: Sat, 21 Nov 2026 23:52:45 +0300", "Message-ID: <1@x.org>")

describe("a message that is parsed", function()
  it("has its fields as properties", function()
    local m = Parse(lines("From: =?koi8-r?B?6dfBzg==?= <a@x.org>", "Sender: s@x.org", "Reply-To: r@x.org, q@x.org",
      "To: \"Doe, J.\" <b@y.org>,", "\t=?utf-8?Q?=D0=9F=D1=91=D1=82=D1=80?= (home)", " <c@y.org>", "Cc: Friends: d@y.org, e@y.org;",
      "Bcc: f@y.org", "Subject: =?utf-8?B?0J/RgNC4?=", " =?utf-8?B?0LLQtdGC?= !", "Date: Sat, 21 Nov 26 23:52:45 +0300 (MSK)",
      "Message-ID: <1@x.org>", "In-Reply-To: <0@x.org>", "X-Priority: 1 (Highest)", "Keywords: one, \"two, three\"", "MIME-Version: 1.0",
      "Return-Path: <z@x.org>", "", "Hello"))
    assert.equal("Иван", m.From.DisplayName)
    assert.equal("s@x.org", m.Sender.Address)
    assert.equal(2, #m.ReplyToList)
    assert.equal("Doe, J.", m.To[1].DisplayName)
    assert.equal("Пётр", m.To[2].DisplayName)
    assert.equal("c@y.org", m.To[2].Address)
    assert.equal(2, #m.CC)
    assert.equal("f@y.org", m.Bcc[1].Address)
    assert.equal("Привет !", m.Subject)
    assert.equal("<1@x.org>", m.MessageId)
    assert.equal("<0@x.org>", m.InReplyTo)
    assert.equal(netmail.MailPriority.High, m.Priority)
    assert.same({ "one", "two, three" }, m.Keywords)
    assert.equal("Hello\r\n", m.Text)
    local text = m:ToString()
    assert.is_nil(text:find "f@y.org")
    assert.is_nil(text:find "Return%-Path")
    assert.is_truthy(text:find("Date: Sat, 21 Nov 2026 23:52:45 +0300\r\n", 1, true))
  end)

  it("keeps what it does not know with its bytes, until it is set", function()
    local kept = "X-Odd:  folded\r\n\there =?utf-8?q?and_=C3=A9ncoded?=\r\nReceived: from a by b;\r\n  1 Jan 2020 00:00:00 +0000\r\n"
    local m = Parse(head .. kept .. "\r\nx\r\n")
    assert.equal("folded\there and éncoded", m.Headers:Get "x-odd")
    assert.is_truthy(m:ToString():find(kept, 1, true))
    m.Headers:Set("X-Odd", "new")
    assert.is_truthy(m:ToString():find("X-Odd: new\r\nReceived: from a by b;\r\n  1 Jan", 1, true))
  end)

  it("keeps a field that cannot be its property, where the property says nothing", function()
    local m = Parse(lines("From: a@x.org, b@x.org", "Date: yesterday", "To: nobody at all", "Subject: one", "Subject: two", "", "x"))
    assert.is_nil(m.From)
    assert.equal("a@x.org, b@x.org", m.Headers:Get "From")
    assert.equal("yesterday", m.Headers:Get "Date")
    assert.equal("nobody at all", m.Headers:Get "To")
    assert.equal("one", m.Subject)
    assert.equal("two", m.Headers:Get "Subject")
    m.MessageId = "<1@x.org>"
    local text = m:ToString()
    assert.is_truthy(text:find("From: a@x.org, b@x.org\r\n", 1, true))
    assert.is_truthy(text:find("To: nobody at all\r\n", 1, true))
    assert.is_nil(text:find "yesterday")
    assert.is_nil(text:find "two")
    m.From = "c@x.org"
    text = m:ToString()
    assert.is_truthy(text:find("From: c@x.org\r\n", 1, true))
    assert.is_nil(text:find("b@x.org", 1, true))
  end)

  it("loses no line of its header, and makes no line of what is in one", function()
    local m = Parse("From: a@x.org\nno field\nX-A: b\rBcc: e@z.org\n\0X: y\nX-B: \255\nX-C: a\n \nTo: b@y.org\n\nx\n")
    local text = m:ToString()
    assert.is_truthy(text:find("X-Unparsed-Line: no field\r\n", 1, true))
    assert.is_nil(text:gsub("\r\n", ""):find "[\r\n%z]")
    assert.is_nil(text:find "\nBcc")
    assert.equal("b\239\191\189Bcc: e@z.org", m.Headers:Get "X-A")
    assert.equal("\239\191\189", m.Headers:Get "X-B")
    assert.equal("b@y.org", m.To[1].Address)
    mail.round_trip(text)
  end)

  it("has its texts in UTF-8, and writes them as they came", function()
    local text = head .. lines("MIME-Version: 1.0", "Content-Type: text/plain; charset=koi8-r", "Content-Transfer-Encoding: base64", "",
      "8NLJ18XUCg==")
    local m = Parse(text)
    assert.equal("Привет\n", m.Text)
    assert.equal("koi8-r", m.BodyEncoding)
    assert.is_truthy(m:ToString():find("charset=koi8-r\r\nContent-Transfer-Encoding: base64", 1, true))
  end)

  it("keeps what a text says of itself until it is set anew", function()
    local m = Parse(head .. lines("Content-Type: text/plain; charset=us-ascii; format=flowed", "Content-Language: en", "", "a ", "b"))
    assert.equal("a \r\nb\r\n", m.Text)
    local text = m:ToString()
    assert.is_truthy(text:find("Content-Type: text/plain; charset=us-ascii; format=flowed\r\n", 1, true))
    assert.is_truthy(text:find("Content-Language: en\r\n", 1, true))
    m.Text = "б"
    assert.is_truthy(m:ToString():find("Content-Type: text/plain; charset=utf-8\r\n", 1, true))
  end)

  it("stays octets where its text is none in its charset", function()
    local m = Parse(head .. lines("Content-Type: text/plain; charset=no-such", "Content-Transfer-Encoding: 8bit", "", "\240\210"))
    assert.is_nil(m.Text)
    assert.equal("\240\210\r\n", m.RootPart.Content)
    assert.equal("no-such", m.RootPart.Charset)
  end)

  it("has its attachments, and what html shows", function()
    local made = MailMessage { From = "a@x.org", To = "b@y.org", Subject = "Отчёт", Text = "t", Html = "<img src='cid:c'>",
      LinkedResources = { netmail.Attachment { Content = "png", Name = "c.png", ContentId = "c" } },
      Attachments = { netmail.Attachment { Content = "pdf", Name = "отчёт.pdf" } } }
    local m = mail.round_trip(made:ToString())
    assert.equal("t", m.Text)
    assert.equal("<img src='cid:c'>", m.Html)
    assert.equal("c", m.LinkedResources[1].ContentId)
    assert.equal("отчёт.pdf", m.Attachments[1].Name)
    assert.equal("pdf", m.Attachments[1].Content)
    assert.equal("application/pdf", m.Attachments[1].ContentType)
  end)

  it("keeps another tree as it is, with its attachments beside it", function()
    local m = Parse(head .. lines("Content-Type: multipart/mixed; boundary=a", "", "ignored", "--a",
      "Content-Type: multipart/parallel; boundary=b", "", "--b", "", "one", "--b", "Content-Type: image/png",
      "Content-Transfer-Encoding: base64", "", "cG5n", "--b--", "ignored", "--a", "Content-Type: application/pdf; name=x.pdf", "", "pdf",
      "--a--", "ignored"))
    assert.equal("multipart/parallel", m.RootPart.ContentType)
    assert.equal("one", m.RootPart.Parts[1].Text)
    assert.equal("png", m.RootPart.Parts[2].Content)
    assert.equal("x.pdf", m.Attachments[1].Name)
    local text = m:ToString()
    assert.is_nil(text:find("ignored", 1, true))
    assert.is_nil(text:find("Content-Disposition", 1, true)) -- there was none
    mail.round_trip(text)
  end)

  it("keeps what is signed octet by octet", function()
    local signed = lines("--s", "Content-Type: text/plain", "", "signed  ", "--s", "Content-Type: application/pgp-signature", "", "sig",
      "--s--")
    local m = Parse(head .. lines("Content-Type: multipart/signed; micalg=pgp-sha1; protocol=\"application/pgp-signature\"; boundary=s", "")
      .. signed)
    assert.equal(signed, m.RootPart.Content)
    local text = m:ToString()
    assert.equal(signed, text:sub(-#signed))
    assert.is_truthy(text:find("boundary=s", 1, true))
    mail.round_trip(text)
  end)

  it("has a message within as a message when that is the same, else as its octets", function()
    local inner = MailMessage { From = "i@x.org", To = "j@y.org", Date = "Sat, 21 Nov 2026 23:52:45 +0300", MessageId = "<2@x.org>",
      Subject = "inner", Text = "t", Html = "<p>h" }
    local outer = MailMessage { From = "a@x.org", To = "b@y.org", Text = "see", Attachments = { netmail.Part { Message = inner } } }
    local m = mail.round_trip(outer:ToString())
    assert.equal("inner", m.Attachments[1].Message.Subject)
    local foreign = lines("subject: odd", "from: i@x.org", "", "body")
    m = Parse(head .. lines("Content-Type: multipart/mixed; boundary=a", "", "--a", "", "see", "--a", "Content-Type: message/rfc822", "")
      .. foreign .. lines("", "--a--"))
    assert.equal(foreign, m.Attachments[1].Content)
    assert.equal("message/rfc822", m.Attachments[1].ContentType)
    assert.is_truthy(m:ToString():find(foreign, 1, true))
  end)

  it("has the blocks of who resent it, the newest on top", function()
    local made = MailMessage { From = "a@x.org", To = "b@y.org", Text = "t" }
    made:Resend { From = "c@x.org", To = "d@y.org" }
    made:Resend { From = "e@x.org", To = "f@y.org", CC = "g@y.org" }
    mail.round_trip(made:ToString())
    local m = Parse("Resent-From: c@x.org\r\nResent-To: d@y.org\r\n" .. head .. "\r\nx\r\n")
    assert.is_truthy(m:ToString():find("Resent-From: c@x.org\r\nResent-To: d@y.org\r\n", 1, true)) -- no date: no block, but kept
  end)

  it("comes from a file", function()
    local path = os.tmpname()
    local f = assert(io.open(path, "wb"))
    f:write("From x Sat Nov 21\n" .. head:gsub("\r", "") .. "\nHello\n")
    f:close()
    assert.equal("Hello\n", Parse { Path = path }.Text)
    os.remove(path)
    mail.raises("", function() Parse { Path = path } end)
    mail.fails("", TryParse { Path = path })
    mail.raises("Parse takes", function() Parse { Paht = path } end)
    mail.raises("string expected", function() Parse {} end)
    mail.raises("string expected", function() TryParse(1) end)
  end)

  it("is refused when it is none", function()
    for _, text in ipairs { "", "\r\n\r\n", "hello", "hello\r\nworld\r\n\r\nFrom: a@x.org\r\n", "\0\1\2", "From a@x.org\r\n" } do
      mail.raises("this is not a message", function() Parse(text) end)
      mail.fails("this is not a message", TryParse(text))
    end
  end)

  it("has the recipients that can be read, in order", function()
    for given, good in pairs { ["a@x, b@, c@x"] = "a@x c@x", ["a@x; c@x"] = "a@x c@x", ["a@x; G: b@x, c@x; d@x"] = "a@x b@x c@x d@x",
      ["\"a;b\" <a@x>; c@x;"] = "a@x c@x", ["G: b@x, c@; d@x"] = "d@x", ["a@x, <<b, c@x"] = "a@x", ["a@x, \"b, c@x"] = "a@x",
      ["a@x, b (c, d@x"] = "a@x", ["=?utf-8?q?b,c@x?= <b@>, a@x"] = "a@x", ["nobody, at all"] = "" } do
      local found = {}
      for i, a in Parse(lines("From: a@x.org", "To: " .. given, "", "x")).To:Iter() do found[i] = a.Address end
      assert.equal(good, table.concat(found, " "), given)
    end
  end)

  it("names itself only by what an answer may name", function()
    for given, id in pairs { ["<noat>"] = false, ["<a@b@c>"] = false, ["<a@b..c>"] = false, ["<a(b)@c>"] = false,
      ["<a@b>"] = "<a@b>", ["a@b"] = "<a@b>" } do
      local m = Parse(lines("From: a@x.org", "Message-ID: " .. given, "References: <a@b> <bad <c@d>", "", "x"))
      assert.equal(id or nil, m.MessageId)
      assert.same({ "<a@b>", "<c@d>" }, m.References)
      if not id then assert.equal(given, m.Headers:Get "Message-ID") end
      local answer = MailMessage { InReplyTo = m.MessageId }
      assert.equal(id or nil, answer.InReplyTo)
    end
  end)

  it("shows a Subject of octets that are no text", function()
    for _, subject in ipairs { "Gr\252n", "Gr=?utf-8?q?=FC?=n" } do
      local m = Parse(lines("From: a@x.org", "Subject: " .. subject, "", "x"))
      assert.equal("Gr\239\191\189n", m.Subject)
      assert.equal("Gr\239\191\189n", m.Headers:Get "Subject")
    end
  end)

  it("begins behind a byte order mark and empty lines", function()
    assert.equal("a@x.org", Parse("\239\187\191\r\n\nFrom: a@x.org\r\n\r\nhi").From.Address)
    mail.raises("Path =", function() Parse "template.eml" end)
  end)

  it("has large messages within two levels deep, and small ones at any depth", function()
    local own = lines("Date: Sat, 21 Nov 2026 23:52:45 +0300", "From: a@x.org", "To: b@y.org", "Message-ID: <1@x.org>",
      "MIME-Version: 1.0")
    local function nest(n, body)
      return (own .. lines("Content-Type: message/rfc822", "")):rep(n) .. own ..
        lines("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit", "") .. body
    end
    local function depth(m)
      local n = 0
      while m.RootPart and m.RootPart.Message do m, n = m.RootPart.Message, n + 1 end
      return n
    end
    assert.equal(40, depth(Parse(nest(40, "x\r\n"))))
    local body = (("x"):rep(70) .. "\r\n"):rep(30000)
    assert.equal(2, depth(Parse(nest(2, body))))
    local large = nest(40, body)
    assert.equal("message/rfc822", Parse(large).RootPart.ContentType)
    assert.equal(large:sub(#own + #lines("Content-Type: message/rfc822", "") + 1), Parse(large).RootPart.Content)
  end)

  it("stays octets where its text would be much more than it is", function()
    local octets = ("\135"):rep(1000000)
    local m = Parse(head .. "Content-Type: text/plain; charset=tscii\r\n\r\n" .. octets)
    if m.RootPart then
      assert.equal(octets, m.RootPart.Content)
    else
      assert.is_truthy(m.Text) -- an iconv without TSCII, or one that is terse
    end
  end)

  it("is read quickly or refused, whatever it is", function()
    local deep, wide, prefix = {}, {}, {}
    for i = 1, 100000 do
      deep[i] = ("Content-Type: multipart/mixed; boundary=%d\n\n--%d\n"):format(i, i)
      wide[i] = "--a\n\n"
      prefix[i] = "--" .. ("a"):rep(i % 60)
    end
    local rows = {
      { head .. table.concat(deep), "levels deep" },
      { head .. "Content-Type: multipart/mixed; boundary=a\n\n" .. table.concat(wide), "parts" },
      { head .. "Content-Type: multipart/mixed; boundary=" .. ("a"):rep(60) .. "\n\n" .. table.concat(prefix, "\n") },
      { head .. ("Content-Type: message/rfc822\n\nFrom: a@x.org\n"):rep(20000) },
      { head .. "To: " .. ("a"):rep(1000000) .. "\n\nx" },
      { head .. "X-Long: " .. ("a"):rep(1000000) .. "\n\nx", "too long" },
      { head .. "X-Long: " .. ("a "):rep(1000000) .. "\n\nx", "too long" },
      { head .. ("X: y\n"):rep(100000) .. "\nx", "more than" },
      { head .. "Subject: " .. ("=?utf-8?Q?"):rep(6000) .. "\n\nx" },
      { head .. "Cc: " .. ("=?x?Q?<"):rep(9000) .. "\n\nx" },
      { head .. "Cc: " .. ("\"("):rep(9000) .. "\n\nx" },
      { head .. "Content-Type: text/plain; " .. ("a=b; "):rep(10000) .. "\n\nx" },
      { head .. "Content-Type: multipart/mixed\n\n--\n----\nx" },
      { head .. "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\nx\n--a\n\ny" },
    }
    local types, russian = {}, ("\240\242\233 "):rep(16) .. "\n"
    for i = 1, 249 do types[i] = ";\n a" .. i .. "=b" end
    rows[#rows + 1] = { head .. "Content-Type: multipart/mixed; boundary=a\n\n" ..
      ("--a\nContent-Type: text/plain" .. table.concat(types) .. "\n\nx\n"):rep(2000) }
    rows[#rows + 1] = { head .. "Content-Type: text/plain; " .. ("(;"):rep(30000) .. "\n\nx" }
    rows[#rows + 1] = { head .. "Content-Type: text/plain; a=b" .. (" (c)"):rep(15000) .. " z\n\nx" }
    rows[#rows + 1] = { head .. "Keywords: " .. (("("):rep(900) .. "\n "):rep(4400) .. "x\n\nx" }
    rows[#rows + 1] = { head .. "Keywords: " .. ("(((((((((,"):rep(6000) .. "x\n\nx" }
    rows[#rows + 1] = { (head .. "Content-Type: message/rfc822\n\n"):rep(47) .. head ..
      "Content-Type: text/plain; charset=koi8-r\n\n" .. russian:rep(100000) }
    rows[#rows + 1] = { head .. "Content-Type: text/plain; charset=tscii\n\n" .. ("\135"):rep(5000000) }
    rows[#rows + 1] = { head .. "To: =?utf-8?q?a?= " .. ("=?a"):rep(20000) .. "\n\nx" }
    rows[#rows + 1] = { head .. "To: " .. ("(<a@b;"):rep(20000) .. "\n\nx" }
    rows[#rows + 1] = { head .. "To: " .. ("a@,"):rep(100000) .. "\n\nx" }
    for i, row in ipairs(rows) do
      collectgarbage()
      local begin = os.clock()
      local m, message = TryParse(row[1])
      assert.is_true(os.clock() - begin < math.max(1, #row[1] / 1e6), "row " .. i .. " took " .. os.clock() - begin)
      if row[2] then
        assert.is_nil(m, "row " .. i)
        assert.is_truthy(message:find(row[2], 1, true), message)
      else
        assert.is_truthy(m, "row " .. i .. ": " .. tostring(message))
        local text = m:ToString()
        if text then Parse(text) end
      end
    end
  end)
end)

describe("pictures within an alternative, where Thunderbird and Apple Mail put them", function()
  it("are linked resources, and the text beside them is html", function()
    local m = netmail.MailMessage.Parse(table.concat({ "From: a@b.c", "Content-Type: multipart/alternative; boundary=x", "",
      "--x", "Content-Type: text/plain", "", "t", "--x", "Content-Type: multipart/related; boundary=y", "",
      "--y", "Content-Type: text/html", "", "<img src=cid:a>", "--y", "Content-Type: image/png", "Content-ID: <a>", "", "PNG",
      "--y--", "--x--", "" }, "\r\n"))
    assert.equal("t", m.Text)
    assert.equal("<img src=cid:a>", m.Html)
    assert.equal("PNG", m.LinkedResources[1].Content)
    assert.equal(0, #m.AlternateViews)
    assert.is_nil(m.RootPart)
  end)
end)

describe("a message of a stranger", function()
  local top = "From: a@x.test\r\nTo: u@x.test\r\nMIME-Version: 1.0\r\n"

  it("has no header but its own: a part's fields stay out of it, whatever is taken away", function()
    local nested = netmail.MailMessage.Parse(top .. "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nBcc: b@evil.test\r\n" ..
      "To: e@evil.test\r\nSubject: spoofed\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nA\r\n--b--\r\n--a--\r\n")
    local first = netmail.MailMessage.Parse(top .. "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nBcc: b@evil.test\r\n" ..
      "X-Evil: 1\r\nSubject: spoofed\r\n\r\nA\r\n--a\r\nContent-Type: image/png\r\n\r\nx\r\n--a--\r\n")
    first.Attachments:Clear()
    for _, m in ipairs{ nested, first } do
      local text = m:ToString()
      assert.is_nil(text:find("evil", 1, true))
      assert.is_nil(text:find("spoofed", 1, true))
      assert.is_nil(text:find("X-Evil", 1, true))
    end
  end)

  it("was resent by others: that is in its header, and sends it nowhere", function()
    local aio = servers.shared "aio"
    local m = netmail.MailMessage.Parse(top .. "Resent-Date: Sun, 22 Nov 2026 10:00:00 +0300\r\nResent-From: r@evil.test\r\n" ..
      "Resent-To: evil@evil.test\r\n\r\nb")
    local client = net.client(aio.port.plain)
    assert(client:Send(m))
    local got = aio:take(1)[1]
    assert.same({ "u@x.test" }, got.to)
    assert.equal("a@x.test", got.from)
    assert.is_truthy(got.raw:find("Resent-To: evil@evil.test", 1, true))
    m:Resend{ From = "me@x.test", To = "boss@x.test" }
    assert(client:Send(m))
    client:Close()
    assert.same({ "boss@x.test" }, aio:take(1)[1].to)
  end)

  it("can be changed: its charset and encoding bind nobody", function()
    local m = netmail.MailMessage.Parse(top .. "Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\nFrom me\r\n")
    m.Text = "Привет"
    assert.equal("Привет", netmail.MailMessage.Parse(m:ToString()).Text)
    m = netmail.MailMessage.Parse(top .. "Content-Type: text/plain; charset=koi8-r\r\n\r\n\240\r\n")
    m.Text = "日本"
    mail.fails("utf-8 has them all", m:ToString())
    m.BodyEncoding = "utf-8"
    assert.equal("日本", netmail.MailMessage.Parse(m:ToString()).Text)
  end)

  it("may be signed and broken: then it is a text like any other", function()
    local m = netmail.MailMessage.Parse(top .. "Content-Type: multipart/signed; boundary=d\r\n\r\n--d\r\n\r\na\rb\r\n--d--\r\n")
    assert.equal("text/plain", m.RootPart.ContentType)
    assert.is_truthy(m.RootPart.Content:find("a\rb", 1, true))
    assert.is_truthy(m:ToString())
  end)

  it("of two authors goes out for the Sender", function()
    local aio = servers.shared "aio"
    local client = net.client(aio.port.plain)
    assert(client:Send(netmail.MailMessage.Parse("From: a@x.test, b@x.test\r\nSender: s@x.test\r\nTo: u@x.test\r\n\r\nx")))
    client:Close()
    local got = aio:take(1)[1]
    assert.equal("s@x.test", got.from)
    assert.is_truthy(got.raw:find("From: a@x.test, b@x.test\r\n", 1, true))
  end)
end)
