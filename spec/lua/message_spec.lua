local netmail = require "netmail"
local mail = require "spec.support.mail"

local MailMessage = netmail.MailMessage
local raises, fails = mail.raises, mail.fails

describe("a MailMessage", function()
  local m

  before_each(function() m = MailMessage {} end)

  it("has Fore's defaults", function()
    for _, name in ipairs { "From", "From_", "Sender", "ReplyTo" } do assert.is_nil(m[name]) end
    for _, name in ipairs { "To", "To_", "CC", "Bcc", "ReplyToList", "Attachments" } do assert.equal(0, m[name].Count) end
    assert.equal("", m.Subject)
    assert.equal("", m.Body)
    assert.is_nil(m.Text)
    assert.is_nil(m.Html)
    assert.is_false(m.IsBodyHtml)
    assert.equal("utf-8", m.SubjectEncoding)
    assert.equal("utf-8", m.BodyEncoding)
    assert.equal(netmail.MailPriority.Normal, m.Priority)
    assert.equal('MailMessage ("", 0 recipients, 0 attachments)', tostring(m))
  end)

  it("is made from one address to one address", function()
    local from, to = netmail.MailAddress.CreateWithName("i@server.ru", "Иван"), netmail.MailAddress.Create("p@server.ru")
    m = MailMessage.CreateWithFromAndTo(from, to)
    assert.is_true(rawequal(from, m.From_))
    assert.is_true(rawequal(from, m.From))
    assert.equal(1, m.To_.Count)
    assert.is_true(rawequal(to, m.To_:Item(0)))
    m = MailMessage.CreateWithFromAndTo("Иван <i@server.ru>", "p@server.ru")
    assert.equal("Иван", m.From.DisplayName)
    assert.equal("p@server.ru", m.To[1].Address)
    raises("bad value for 'From_' (MailAddress or string expected, got nothing)",
      function() local _ = MailMessage.CreateWithFromAndTo() end)
    raises("bad value for 'To_' (MailAddress or string expected, got nothing)",
      function() local _ = MailMessage.CreateWithFromAndTo(from) end)
    raises("bad value for 'To_' (MailAddress or string expected, got table)",
      function() local _ = MailMessage.CreateWithFromAndTo(from, { to }) end)
    raises('no "@"', function() local _ = MailMessage.CreateWithFromAndTo("x", to) end)
    raises("comma", function() local _ = MailMessage.CreateWithFromAndTo(from, "a@x.org, b@x.org") end)
  end)

  it("is made from a table", function()
    local a = netmail.Attachment { Content = "x" }
    m = MailMessage { From = "Me <me@x.org>", To = { "a@x.org", "B <b@y.org>" }, CC = "c@x.org", Bcc = "d@x.org, e@x.org",
      Sender = "s@x.org", ReplyTo = "r@x.org", Subject = "Report", Text = "text", Html = "<p>", Attachments = { a },
      Priority = netmail.MailPriority.High, SubjectEncoding = "koi8-r", BodyEncoding = "windows-1251" }
    assert.equal("me@x.org", m.From.Address)
    assert.equal("a@x.org,\"B\" <b@y.org>", m.To:ToString())
    assert.equal("c@x.org", m.CC:ToString())
    assert.equal("d@x.org,e@x.org", m.Bcc:ToString())
    assert.equal("s@x.org", m.Sender.Address)
    assert.equal("r@x.org", m.ReplyTo.Address)
    assert.equal("Report", m.Subject)
    assert.equal("text", m.Text)
    assert.equal("<p>", m.Html)
    assert.equal("text", m.Body)
    assert.is_true(rawequal(a, m.Attachments[1]))
    assert.equal(1, m.Priority)
    assert.equal("koi8-r", m.SubjectEncoding)
    assert.equal("windows-1251", m.BodyEncoding)
    assert.equal('MailMessage ("Report", 5 recipients, 1 attachments)', tostring(m))
    assert.equal("me@x.org", MailMessage { From_ = "me@x.org" }.From.Address)
    assert.equal("me@x.org", MailMessage { To_ = "me@x.org" }.To[1].Address)
    assert.equal(0, #MailMessage().To)
    assert.equal(0, #MailMessage(nil).To)
  end)

  it("does not ask the table's metatable", function()
    local sly = setmetatable({ Subject = "x" }, { __index = function(_, k) error("asked for " .. tostring(k)) end,
      __pairs = function() error "asked for pairs" end, __len = function() error "asked for length" end })
    assert.equal("x", MailMessage(sly).Subject)
    local list = setmetatable({ "a@x.org" }, getmetatable(sly))
    m.To = list
    assert.equal("a@x.org", m.To:ToString())
  end)

  it("refuses what is no table, and unknown, unnamed and hidden keys", function()
    for _, bad in ipairs { "x", 5, true, m, print } do
      raises("bad value for 'MailMessage' (table expected", function() local _ = MailMessage(bad) end)
      raises("bad value for 'MailMessage' (table expected", function() local _ = MailMessage.TryNew(bad) end)
    end
    for _, make in ipairs { MailMessage, MailMessage.TryNew } do
      raises("MailMessage has no property 'Subjekt'", function() local _ = make { Subjekt = "x" } end)
      raises("did you mean 'CC'", function() local _ = make { Cc = "x@y.org" } end)
      raises("did you mean 'Bcc'", function() local _ = make { BCC = "x@y.org" } end)
      raises("found a number as a key", function() local _ = make { "x" } end)
      raises("found a table as a key", function() local _ = make { [{}] = 1 } end)
      for _, name in ipairs { "__index", "__gc", "ToString", "WriteTo", "Header", "Subject\0", "", "raw" } do
        raises("MailMessage has no property '", function() local _ = make { [name] = "x" } end)
      end
    end
  end)

  it("raises for content where it is assigned, and TryNew gives nil, text and detail instead", function()
    for name, bad in pairs { From = "x", Sender = "a@b@c", ReplyTo = "a b@c", To = { "a@x.org", "" }, CC = "a\r\nb@c.d", Bcc = "\0",
      Subject = "a\r\nBcc: e@z.org", Text = "\0", Html = "\255", Body = "\237\160\128", SubjectEncoding = "klingon-8",
      BodyEncoding = "utf-16" } do
      raises("", function() local _ = MailMessage { [name] = bad } end)
      raises("", function() m[name] = bad end)
      fails("", MailMessage.TryNew { [name] = bad })
    end
    assert.equal("Hi", MailMessage.TryNew({ Subject = "Hi" }).Subject)
    raises("(string expected, got number)", function() local _ = MailMessage.TryNew { Subject = 5 } end)
    raises("MailAddress or string", function() local _ = MailMessage.TryNew { To = { 5 } } end)
    raises("(boolean expected", function() local _ = MailMessage.TryNew { IsBodyHtml = "yes" } end)
    raises("Attachment.Create(path)", function() local _ = MailMessage.TryNew { Attachments = { "/etc/passwd" } } end)
  end)

  it("keeps its addresses themselves, and nil takes them away", function()
    local a = netmail.MailAddress.Create("A <a@x.org>")
    for _, name in ipairs { "From", "From_", "Sender" } do
      m[name] = a
      assert.is_true(rawequal(a, m[name]))
      m[name] = "B <b@x.org>"
      assert.equal("B", m[name].DisplayName)
      assert.is_true(rawequal(m[name], m[name]))
      for _, bad in ipairs { 5, true, {}, m, m.To } do
        raises("(MailAddress or string expected", function() m[name] = bad end)
      end
      raises("comma", function() m[name] = "a@x.org, b@x.org" end)
      raises("is empty", function() m[name] = "" end)
      assert.equal("B", m[name].DisplayName)
      m[name] = nil
      assert.is_nil(m[name])
    end
    m.From_ = a
    assert.is_true(rawequal(a, m.From))
  end)

  it("has one ReplyTo as in Fore, and a list of them", function()
    local a = netmail.MailAddress.Create("a@x.org")
    m.ReplyTo = a
    assert.is_true(rawequal(a, m.ReplyTo))
    assert.equal("a@x.org", m.ReplyToList:ToString())
    m.ReplyToList:Add("b@x.org")
    assert.is_true(rawequal(a, m.ReplyTo))
    m.ReplyTo = "c@x.org, d@x.org"
    assert.equal("c@x.org", m.ReplyTo.Address)
    assert.equal(2, m.ReplyToList.Count)
    m.ReplyTo = nil
    assert.is_nil(m.ReplyTo)
    assert.equal(0, m.ReplyToList.Count)
  end)

  it("takes a subject of one line in UTF-8", function()
    for _, good in ipairs { "", "x", "Тестовое письмо", " leading and trailing ", "tab\there", "😀", ("x"):rep(65536), "\1\27\127" } do
      m.Subject = good
      assert.equal(good, m.Subject)
    end
    m.Subject = "kept"
    raises("line break", function() m.Subject = "a\rb" end)
    raises("line break", function() m.Subject = "a\n" end)
    raises("NUL", function() m.Subject = "a\0b" end)
    raises("UTF-8", function() m.Subject = "a\128" end)
    raises("too long", function() m.Subject = ("x"):rep(65537) end)
    raises("bad value for 'Subject' (string expected, got number)", function() m.Subject = 5 end)
    raises("bad value for 'Subject' (string expected, got table)", function() m.Subject = {} end)
    assert.equal("kept", m.Subject)
    m.Subject = nil
    assert.equal("", m.Subject)
  end)

  it("takes charsets that iconv has and mail can carry", function()
    for _, name in ipairs { "SubjectEncoding", "BodyEncoding" } do
      for _, good in ipairs { "KOI8-U", "koi8-r", "windows-1251", "UTF-8", "iso-8859-15", "ISO-2022-JP", "Shift_JIS", "gb18030",
        "us-ascii" } do
        m[name] = good
        assert.equal(good, m[name])
      end
      for _, bad in ipairs { "klingon", "utf-16", "utf-32", "utf-7", "utf-8\r\nX: y", "utf-8\0", "utf-8; x=y", "a b", '"utf-8"',
        "utf-8//TRANSLIT", "utf-8//IGNORE", "é", ("x"):rep(100), "../../etc/passwd" } do
        raises(name, function() m[name] = bad end)
      end
      raises("bad value for '" .. name .. "' (string expected, got number)", function() m[name] = 1251 end)
      assert.equal("us-ascii", m[name])
      m[name] = nil
      assert.equal("utf-8", m[name])
      m[name] = "koi8-r"
      m[name] = ""
      assert.equal("utf-8", m[name])
    end
  end)

  it("moves the body between Text and Html with IsBodyHtml", function()
    m.Body = "one"
    assert.equal("one", m.Text)
    assert.is_nil(m.Html)
    m.IsBodyHtml = true
    assert.equal("one", m.Html)
    assert.is_nil(m.Text)
    assert.equal("one", m.Body)
    m.IsBodyHtml = true
    assert.equal("one", m.Html)
    m.Body = "<p>"
    assert.equal("<p>", m.Html)
    assert.is_nil(m.Text)
    m.IsBodyHtml = false
    assert.equal("<p>", m.Text)
    assert.is_nil(m.Html)
  end)

  it("keeps both bodies where both were given", function()
    m.Text, m.Html = "text", "<p>"
    assert.equal("text", m.Body)
    m.IsBodyHtml = true
    assert.equal("<p>", m.Body)
    assert.equal("text", m.Text)
    m.IsBodyHtml = false
    assert.equal("text", m.Body)
    assert.equal("<p>", m.Html)
    m.Body = nil
    assert.equal("", m.Body)
    assert.is_nil(m.Text)
    assert.equal("<p>", m.Html)
  end)

  it("does not depend on the order of a table's keys", function()
    for _ = 1, 20 do -- pairs goes differently from state to state, not from table to table: the rule is the order of the class
      assert.equal("<p>", MailMessage { Body = "<p>", IsBodyHtml = true }.Html)
      assert.equal("<p>", MailMessage { IsBodyHtml = true, Body = "<p>" }.Html)
      local both = MailMessage { Body = "<p>", IsBodyHtml = true, Text = "t" }
      assert.equal("<p>", both.Html)
      assert.equal("t", both.Text)
    end
  end)

  it("loses no text that is given twice", function()
    raises("Body and Html are the same text", function()
      local _ = MailMessage { Html = "<p>", IsBodyHtml = true, Body = "b" }
    end)
    raises("Body and Text are the same text", function() local _ = MailMessage { Text = "t", Body = "b" } end)
    raises("To and To_ are the same", function() local _ = MailMessage { To = "a@x.org", To_ = "b@x.org" } end)
  end)

  it("takes any text for a body but NUL and what is no UTF-8", function()
    for _, name in ipairs { "Text", "Html", "Body" } do
      for _, good in ipairs { "", "\r\n.\r\n", "a\nb\rc", "\1\2\3", "\239\187\191x", ("x"):rep(100000), "Текст 😀" } do
        m[name] = good
        assert.equal(good, m[name])
      end
      raises("NUL", function() m[name] = "\0" end)
      raises("UTF-8", function() m[name] = "\255" end)
      raises("UTF-8", function() m[name] = "x\226\130" end)
      raises("bad value for '" .. name .. "' (string expected, got number)", function() m[name] = 5 end)
      raises("bad value for '" .. name .. "' (string expected, got function)", function() m[name] = print end)
      assert.equal("Текст 😀", m[name])
      m[name] = nil
    end
    assert.is_nil(m.Text)
    assert.is_nil(m.Html)
  end)

  it("has Fore's priorities", function()
    assert.equal(1, netmail.MailPriority.High)
    assert.equal(2, netmail.MailPriority.Low)
    assert.equal(3, netmail.MailPriority.Normal)
    raises("netmail.MailPriority has no member 'Urgent'", function() local _ = netmail.MailPriority.Urgent end)
    raises("netmail.MailPriority has High, Low and Normal", function() netmail.MailPriority.Urgent = 4 end)
    local names = {}
    for name in pairs(netmail.MailPriority) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "High", "Low", "Normal" }, names)
    for _, p in pairs { 1, 2, 3 } do
      m.Priority = p
      assert.equal(p, m.Priority)
    end
    for _, bad in ipairs { 0, 4, -1, 1.5, 0 / 0, 1e300 } do raises("Priority", function() m.Priority = bad end) end
    raises("(number expected, got string)", function() m.Priority = "High" end)
    raises("(number expected, got nothing)", function() m.Priority = nil end)
    assert.equal(3, m.Priority)
  end)

  it("names wrong members and the missing colon", function()
    raises("MailMessage has no property 'Foo'", function() local _ = m.Foo end)
    raises("MailMessage has no property 'Foo'", function() m.Foo = 1 end)
    raises("did you mean 'Subject'", function() m.subject = "x" end)
    raises("did you mean 'CC'", function() m.Cc = "x" end)
    raises("did you mean 'From'", function() local _ = m.from end)
    raises("MailMessage has no property 'ToString'", function() m.ToString = print end)
    raises("MailMessage has no member with a number as its name", function() local _ = m[1] end)
    raises("MailMessage.ToString was called with a dot", function() m.ToString() end)
    raises("MailMessage.WriteTo was called with a dot", function() m.WriteTo("x") end)
    raises("with a colon", function() m.ToString(netmail.MailAddress.Create("a@b.c")) end)
    raises("netmail.MailMessage has no member 'Create'", function() local _ = MailMessage.Create end)
  end)

  it("says what is missing when it is rendered, and what a charset lacks", function()
    fails("no From", m:ToString())
    fails("no From", m:WriteTo(function() error "called" end))
    m.From = "a@x.org"
    assert.is_string(m:ToString())
    m.Subject, m.SubjectEncoding = "日本", "koi8-r"
    fails("U+65E5", m:ToString())
    fails("Subject", m:ToString())
    m.SubjectEncoding = nil
    m.Text, m.BodyEncoding = "naïve", "windows-1251"
    fails("U+00EF", m:ToString())
    fails("windows-1251", m:ToString())
    m.BodyEncoding = "iso-8859-1"
    assert.is_string(m:ToString())
  end)

  it("checks what WriteTo writes to", function()
    m.From = "a@x.org"
    for _, bad in ipairs { 5, true, {}, m } do
      raises("bad value for 'target' (path or function expected", function() m:WriteTo(bad) end)
    end
    raises("got nothing", function() m:WriteTo() end)
    raises("NUL", function() m:WriteTo("/tmp/a\0b") end)
    fails("/nonexistent/x", m:WriteTo("/nonexistent/x"))
    fails("/tmp", m:WriteTo("/tmp"))
  end)
end)
