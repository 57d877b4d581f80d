-- The header of a built message, read back by Python's email package and compared field by field.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"
local process = require "spec.support.process"

local MailMessage = netmail.MailMessage
local Attachment = netmail.Attachment
local message, check_words, each, masked, lines = built.message, built.check_words, built.each, built.masked, built.lines

describe("a rendered message", function()
  it("is short where nothing more is needed", function()
    local m = message { Subject = "Hi", Text = "Hello.\n" }
    assert.equal(lines("Date: D", "From: a@x.org", "To: b@y.org", "Subject: Hi", "Message-ID: <ID@x.org>", "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit", "", "Hello."), masked(m:ToString()))
    assert.equal(lines("Date: D", "From: a@x.org", "To: undisclosed-recipients:;", "Message-ID: <ID@x.org>", "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit", ""),
      masked(MailMessage({ From = "a@x.org" }):ToString()))
  end)

  it("has its fields in one fixed order, each once, and none for Bcc", function()
    local m = message { From = "F <f@x.org>", Sender = "s@x.org", ReplyTo = "r1@x.org, R <r2@x.org>", To = "t1@x.org, t2@x.org",
      CC = "C <c@x.org>", Bcc = "Hidden <secret@z.org>, secret2@z.org", Subject = "S", Priority = 1, Html = "<p>" }
    each { { m, function(p, text)
      local names = {}
      for i, h in ipairs(p.headers) do names[i] = h.name end
      assert.same({ "Date", "From", "Sender", "Reply-To", "To", "Cc", "Subject", "Message-ID", "X-Priority", "Importance",
        "Priority", "MIME-Version", "Content-Type", "Content-Transfer-Encoding" }, names)
      assert.equal("F <f@x.org>", mail.field(p, "From"))
      assert.equal("s@x.org", mail.field(p, "Sender"))
      assert.equal("r1@x.org, R <r2@x.org>", mail.field(p, "Reply-To"))
      assert.equal("t1@x.org, t2@x.org", mail.field(p, "To"))
      assert.equal("C <c@x.org>", mail.field(p, "Cc"))
      assert.is_nil(text:lower():find("bcc:", 1, true))
      assert.is_nil(text:lower():find("secret", 1, true))
      assert.is_nil(text:lower():find("hidden", 1, true))
    end } }
  end)

  it("has a date of now and an id of its own at each rendering", function()
    local m = message { From = "a@Some.Host.org" }
    local rows, ids = {}, {}
    for i = 1, 20 do
      rows[i] = { m, function(p)
        local _, date = mail.field(p, "Date")
        assert.is_true(math.abs(date.time - os.time()) < 120)
        local id = mail.field(p, "Message-ID")
        assert.is_truthy(id:match "^<%x+@Some%.Host%.org>$", id)
        assert.is_true(#id > 30)
        assert.is_nil(ids[id])
        ids[id] = true
      end }
    end
    each(rows)
    each { { message { From = "a@[127.0.0.1]" }, function(p)
      assert.is_truthy(mail.field(p, "Message-ID"):find "@%[127%.0%.0%.1%]>$")
    end } }
  end)

  it("has its id in the sender's domain and no name of this host", function()
    local name = process.run("hostname"):gsub("%s+$", "")
    local text = message({ From = "a@x.org" }):ToString()
    if #name > 3 then assert.is_nil(text:find(name, 1, true)) end
  end)

  it("says its priority unless it is normal", function()
    local rows = {}
    for value, row in pairs { [1] = { "1 (Highest)", "high", "urgent" }, [2] = { "5 (Lowest)", "low", "non-urgent" }, [3] = {} } do
      rows[#rows + 1] = { message { Priority = value }, function(p)
        assert.equal(row[1], mail.field(p, "X-Priority"))
        assert.equal(row[2], mail.field(p, "Importance"))
        assert.equal(row[3], mail.field(p, "Priority"))
      end }
    end
    each(rows)
  end)

  it("leaves a Sender out that is the author", function()
    each {
      { message { From = "Me <a@x.org>", Sender = "a@X.org" }, function(p) assert.is_nil((mail.field(p, "Sender"))) end },
      { message { From = "a@x.org", Sender = "b@x.org" }, function(p) assert.equal("b@x.org", mail.field(p, "Sender")) end },
    }
  end)

  it("has a subject that comes back as it was", function()
    local subjects = {
      "x", "Report", "Тестовое письмо", "Привет, мир! Это длинная тема письма, которая не помещается в одну строку заголовка " ..
      "и должна быть разбита на несколько закодированных слов", "中文主题", ("中文"):rep(60), "😀", ("😀"):rep(80), "a 😀 b", "naïve café",
      "Re: [list] Отчёт за 2026 год (final) v2.0", "=?utf-8?Q?not_a_word?=", "=?x?y?z?=", "a=?b", "?=", "_", "a_b=c?d",
      "two  spaces", "three   spaces here", " leading", "trailing ", " both ", "   ", "a\tb", "tab\tи\tтаб", "é", "e\204\129",
      ("word "):rep(50) .. "end", ("long"):rep(60), ("x"):rep(998), ("y"):rep(2000), ("Ж"):rep(500),
      ("a "):rep(40) .. ("ж "):rep(40) .. "z",
      "mixed ascii и кириллица and again ascii", "\226\128\174reversed", "\1\27[31m\127", "\194\133next line", "\226\128\168line separator",
      "Subject: x", "Bcc: e@z.org", "a:b;c,d<e>f@g\"h\"(i)\\j", "100%", "",
    }
    local rows = {}
    for i, subject in ipairs(subjects) do
      rows[i] = { message { Subject = subject, Text = "x" }, function(p, _, what)
        assert.equal(subject, (mail.field(p, "Subject")) or "", what)
        check_words(p.text, what)
      end, what = "subject " .. i }
    end
    each(rows)
  end)

  it("writes a subject in the charset it is told to", function()
    local rows = {}
    for _, row in ipairs {
      { "KOI8-R", "Тестовое письмо" }, { "koi8-u", "Привіт, світе" }, { "windows-1251", "Ёлка № 5 — «да»" }, { "iso-8859-1", "naïve" },
      { "ISO-2022-JP", "こんにちは世界、これは長い件名です。とても長いので折り返さなければなりません" }, { "Shift_JIS", "日本語" }, { "EUC-JP", "日本語" },
      { "gb18030", "中文主题 😀" }, { "Big5", "中文主題" }, { "euc-kr", "한국어" }, { "iso-8859-15", "10 €" }, { "koi8-r", "plain ascii" },
      { "koi8-r", ("Очень длинная тема "):rep(12) .. "!" }, { "us-ascii", "plain" },
    } do
      rows[#rows + 1] = { message { Subject = row[2], SubjectEncoding = row[1], Text = "x" }, function(p, _, what)
        assert.equal(row[2], mail.field(p, "Subject"), what)
        check_words(p.text, what)
        if row[2]:find "[\128-\255]" then
          assert.is_truthy(p.text:lower():find("=?" .. row[1]:lower() .. "?", 1, true), what)
          assert.is_nil(p.text:lower():find("=?utf-8?", 1, true), what)
        end
      end, what = row[1] }
    end
    each(rows)
  end)

  it("has names that come back as they were, in every field", function()
    local names = {
      "Ivanov", "Ivan Ivanov", "Иван Иванов", "Ivanov, Ivan", 'He said "hi"', "back\\slash", "中文", "😀 emoji", "a;b:c<d>e@f",
      "(comment)", "=?utf-8?Q?x?=", "John Q. Public", ("Очень длинное имя "):rep(8) .. "конец", ("long name "):rep(20) .. "end",
      ("x"):rep(300), "x@y.z", "Bcc: e@z.org", "=?", "a_b", "O'Neil", "e\204\129", "\226\128\174rtl", "undisclosed-recipients:;",
    }
    local rows = {}
    for i, name in ipairs(names) do
      local a = netmail.MailAddress.CreateWithName("a@x.org", name)
      local fields = { From = a, Sender = netmail.MailAddress.CreateWithName("s@x.org", name), ReplyTo = a, To = { "x@x.org", a },
        CC = { a, a, "y@x.org" } }
      rows[i] = { MailMessage(fields), function(p, _, what)
        local counts = { From = 1, Sender = 1, ["Reply-To"] = 1, To = 2, Cc = 3 }
        local at = { From = 1, Sender = 1, ["Reply-To"] = 1, To = 2, Cc = 2 }
        for field, n in pairs(counts) do
          local _, h = mail.field(p, field)
          assert.equal(n, #h.addresses, what .. field)
          assert.equal(name, h.addresses[at[field]].name, what .. field)
          assert.equal(field == "Sender" and "s@x.org" or "a@x.org", h.addresses[at[field]].spec, what .. field)
        end
        check_words(p.text, what)
      end, what = "name " .. i }
    end
    each(rows)
  end)

  it("writes names in the subject's charset where it has their letters, else in UTF-8", function()
    each { { message { SubjectEncoding = "koi8-r", To = { "Иван <i@x.org>" }, CC = { "日本 <j@x.org>" } }, function(p)
      assert.is_truthy(p.text:find("\nTo: =%?koi8%-r%?"))
      assert.is_truthy(p.text:find("\nCc: =%?utf%-8%?"))
      local _, to = mail.field(p, "To")
      assert.equal("Иван", to.addresses[1].name)
      local _, cc = mail.field(p, "Cc")
      assert.equal("日本", cc.addresses[1].name)
    end } }
  end)

  it("folds long lists of recipients between them", function()
    local m = message { To = {}, CC = {} }
    for i = 1, 300 do
      m.To:Add(("user%d@example.org"):format(i))
      m.CC:Add(netmail.MailAddress.CreateWithName(("user%d@example.org"):format(i), i % 2 == 0 and "Имя " .. i or "Name, " .. i))
    end
    m.To:Add('"a b"@x.org, "a\\"b"@x.org, a@[IPv6:::1], ' .. ("l"):rep(64) .. "@" .. ("d"):rep(63) .. "." .. ("d"):rep(63) .. ".org")
    local text = assert(m:ToString())
    local parsed = mail.parse(text)
    local _, to = mail.field(parsed, "To")
    assert.equal(304, #to.addresses)
    for i = 1, 304 do assert.equal(m.To[i].Address, to.addresses[i].spec) end
    local _, cc = mail.field(parsed, "Cc")
    assert.equal(300, #cc.addresses)
    for i = 1, 300 do
      assert.equal(m.CC[i].Address, cc.addresses[i].spec)
      assert.equal(m.CC[i].DisplayName, cc.addresses[i].name)
    end
    assert.same({}, parsed.defects)
  end)

  it("never changes by being rendered", function()
    local m = message { Subject = "x", Text = "y", Attachments = Attachment { Content = "z" } }
    local before = tostring(m)
    local first, second = m:ToString(), m:ToString()
    assert.equal(masked(first), masked(second))
    assert.not_equal(first, second)
    assert.equal(before, tostring(m))
  end)
end)
