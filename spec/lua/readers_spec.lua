-- A broad matrix of messages, for other people's eyes: each is read back by Python's email package here, and with all other
-- messages of the specs by mailparser and GMime afterwards (spec/support/py/readers.py), which compares what each reader says
-- with what stands here. So these tests build, and see that Python finds what was put in.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"

local MailAddress, Attachment = netmail.MailAddress, netmail.Attachment
local message, each = built.message, built.each

local languages = {
  russian = "Съешь же ещё этих мягких французских булок",
    ukrainian = "Щастям б'єш жук їх глицю в фон й ґедзь пріч",
  greek = "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία", chinese = "我能吞下玻璃而不傷身體",
    japanese = "いろはにほへと ちりぬるを カタカナ 漢字",
  korean = "키스의 고유조건은 입술끼리 만나야 하고", arabic = "صِف خَلقَ خَودِ كَمِثلِ الشَمسِ",
    hebrew = "דג סקרן שט בים מאוכזב ולפתע מצא",
  hindi = "ऋषियों को सताने वाले दुष्ट राक्षसों",
    thai = "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
      emoji = "😀 👩‍👩‍👧‍👦 🇺🇦 👍🏽 ☎️",
  combining = "e\204\129 n\204\131 a\204\138 Z\204\141\204\142\204\143algo", mixed = "Отчёт 报告 report התוכנית 😀 №5",
    latin = "naïve Ångström œuvre",
}

local function sorted(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys)
  local i = 0
  return function()
    i = i + 1
    return keys[i], t[keys[i]]
  end
end

local function octets(content, name)
  return Attachment { Content = content, Name = name or "x.bin", ContentType = "application/octet-stream" }
end

-- The leaves with these types, in order.
local function check_types(p, types, what)
  local got = {}
  for i, leaf in ipairs(mail.leaves(p.root)) do got[i] = leaf.type end
  assert.same(types, got, what)
end

describe("what every reader makes of", function()
  it("a language, in subject, names, bodies and file name", function()
    local rows = {}
    for language, text in sorted(languages) do
      local who = MailAddress.CreateWithName("a@x.org", text)
      local name = text:gsub("[ ']", "_") .. ".txt"
      rows[#rows + 1] = { message { From = who, To = { who, "b@y.org" }, CC = who, ReplyTo = who, Subject = text, Text = text .. "\n",
        Html = "<p>" .. text .. "</p>\n", Attachments = octets(text, name) }, function(p, _, what)
        assert.equal(text, mail.field(p, "Subject"), what)
        local _, from = mail.field(p, "From")
        assert.equal(text, from.addresses[1].name, what)
        local leaves = mail.leaves(p.root)
        assert.equal(text .. "\r\n", leaves[1].text, what)
        assert.equal("<p>" .. text .. "</p>\r\n", leaves[2].text, what)
        assert.equal(name, leaves[3].filename, what)
        assert.equal(text, leaves[3].content, what)
      end, what = language }
    end
    each(rows)
  end)

  it("a charset, for subject, names and bodies", function()
    local rows = {}
    for _, row in ipairs { { "koi8-r", "Тест письма, ёж" }, { "koi8-u", "Привіт, ґанок" }, { "windows-1251",
      "«Ёлка» № 5 — да" },
      { "iso-2022-jp", "こんにちは世界 テスト abc 漢字" }, { "gb18030", "中文主题 😀 測試" }, { "shift_jis",
        "表示 ソ 能 テスト" },
      { "euc-jp", "日本語の件名" }, { "euc-kr", "한국어 제목" }, { "big5", "中文主題 功能" }, { "iso-8859-1",
        "naïve café" },
      { "iso-8859-2", "Žluťoučký kůň" }, { "iso-8859-15", "10 € œuvre" }, { "windows-1252", "“quoted” – €" } } do
      for _, times in ipairs { 1, 12 } do
        local text = (row[2] .. " "):rep(times):sub(1, -2)
        local who = MailAddress.CreateWithName("a@x.org", text)
        rows[#rows + 1] = { message { From = who, SubjectEncoding = row[1], BodyEncoding = row[1], Subject = text, Text = text .. "\n",
          Html = "<b>" .. text .. "</b>\n" }, function(p, _, what)
          assert.equal(text, mail.field(p, "Subject"), what)
          for _, leaf in ipairs(mail.leaves(p.root)) do assert.equal(row[1], leaf.charset, what) end
          assert.equal(text .. "\r\n", p.root.parts[1].text, what)
        end, what = row[1] .. " " .. times }
      end
    end
    each(rows)
  end)

  it("a long subject", function()
    local rows, subjects = {}, {}
    for _, text in sorted(languages) do
      for _, times in ipairs { 2, 5, 20 } do subjects[#subjects + 1] = (text .. " "):rep(times) .. "." end
    end
    for n = 50, 90 do subjects[#subjects + 1] = ("x"):rep(n) end
    for n = 10, 40 do subjects[#subjects + 1] = ("ж"):rep(n) .. "\204\129 end" end
    subjects[#subjects + 1] = ("word "):rep(300) .. "end"
    subjects[#subjects + 1] = ("long"):rep(400)
    subjects[#subjects + 1] = ("a  "):rep(60) .. "b"
    -- Its words cannot end where base64 does.
    subjects[#subjects + 1] = "aж" .. ("中"):rep(60)
    for i, subject in ipairs(subjects) do
      rows[i] = { message { Subject = subject, Text = "x\n" }, function(p, _, what)
        assert.equal(subject, mail.field(p, "Subject"), what)
      end, what = "subject " .. i }
    end
    each(rows)
  end)

  it("a name with quotes, commas and specials, and one too long for a line", function()
    local rows, names = {}, { 'He said "hi"', "Ivanov, Ivan", "back\\slash", "a;b:c<d>e@f", "(comment)", "x@y.z", "=?utf-8?Q?x?=",
      "Dr. A. B.",
      "O'Neil", "a  b", " lead", "trail ", " ", "[list]", "\\", '"', ",", ";", ":", "<>", "@", "undisclosed-recipients:;",
        "Ж, \"Ж\" <ж>",
      ("long name "):rep(20) .. "end", ("x"):rep(200), ("Длинное, имя "):rep(10) .. "!" }
    for i, name in ipairs(names) do
      local who = MailAddress.CreateWithName("a@x.org", name)
      rows[i] = { message { From = who, To = { "t@x.org", who, '"q, r" <u@x.org>' }, CC = { who, who }, ReplyTo = who },
        function(p, _, what)
          local _, to = mail.field(p, "To")
          assert.equal(3, #to.addresses, what)
          assert.equal(name, to.addresses[2].name, what)
        end, what = name }
    end
    each(rows)
  end)

  it("an address of every form", function()
    local specs = { "a@b.test", "a.b+c=d@b.test", "o'neil@b.test", "!#$%&'*+-/=?^_`{|}~@b.test", '"a b"@x.org', '"a\\"b"@x.org',
      '"a@b"@x.org',
      '"a,b"@x.org', '"<>"@x.org', "a@[127.0.0.1]", "a@[IPv6:2001:db8::1]", "a@localhost", "a@xn--e1afmkfd.xn--p1ai", "a@пример.рф",
      "a@bücher.example", ("l"):rep(64) .. "@d.test", "Иван <a@пример.рф>" }
    local rows = {}
    for i, spec in ipairs(specs) do
      rows[i] = { message { To = { spec, "b@y.org" }, From = spec }, function(p, _, what)
        local _, to = mail.field(p, "To")
        assert.equal(MailAddress.Create(spec).AsciiAddress, to.addresses[1].spec, what)
      end, what = spec }
    end
    each(rows)
  end)

  it("many recipients, groups and none", function()
    local many = {}
    for i = 1, 250 do many[i] = MailAddress.CreateWithName(("user%d@example.org"):format(i),
      i % 3 == 0 and "Имя, " .. i or i % 3 == 1 and "Name " .. i or nil) end
    each {
      { message { To = many, CC = many }, function(p)
        local _, to = mail.field(p, "To")
        assert.equal(250, #to.addresses)
      end },
      { message { To = "Team: a@x.org, B <b@x.org>;, c@x.org" }, function(p)
        local _, to = mail.field(p, "To")
        assert.equal(3, #to.addresses)
      end },
      { message { To = {}, CC = "c@x.org" }, function(p) assert.is_nil((mail.field(p, "To"))) end },
      { message { To = {}, Bcc = "hidden@x.org" }, function(p) assert.equal("undisclosed-recipients:;", mail.field(p, "To")) end },
    }
  end)

  it("a long file name, in each language, of every kind", function()
    local rows = {}
    for language, text in sorted(languages) do
      local m = message { Text = "x\n" }
      local names = {}
      for _, times in ipairs { 1, 3, 9 } do
        names[#names + 1] = (text .. " "):rep(times):gsub("[ ']", "_") .. ".bin"
        names[#names + 1] = (text .. " "):rep(times) .. "(копия).bin"
      end
      for _, name in ipairs(names) do m.Attachments:Add(octets(name, name)) end
      rows[#rows + 1] = { m, function(p, _, what)
        for i, name in ipairs(names) do assert.equal(name, p.root.parts[i + 1].filename, what) end
      end, what = language }
    end
    local m = message { Text = "x\n" }
    local names = { "a.txt", "na me.txt", 'a"b.txt', "a'b''c.txt", "a;b=c.txt", "a,b.txt", "%41.txt", "utf-8''x.exe", "=?utf-8?q?x.exe?=",
      "a*0=b",
      ".htaccess", "-rf", " lead.txt", "trail ", ("a"):rep(200) .. ".txt", ("a b "):rep(50) .. "c.txt", "a[1].txt", "a(b).txt", "a@b.txt",
        "a\tb.txt",
      'a"; filename="b.exe', "\226\128\174cod.exe", "a\127b", "a\1b", "~", "a?b", "x'y.txt", "100%.txt", "a#b&c.txt" }
    for _, name in ipairs(names) do m.Attachments:Add(octets(name, name)) end
    rows[#rows + 1] = { m, function(p)
      for i, name in ipairs(names) do assert.equal(name, p.root.parts[i + 1].filename) end
    end, what = "specials" }
    each(rows)
  end)

  it("an attachment of every length to 200 bytes, and of every byte", function()
    local m, all = message { Text = "x\n" }, {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    local contents = { table.concat(all), ("\0"):rep(100), "a\0b\r\n\0", "\r", "\n", "\r\n", "\n\r", "\r\r\n", ("\r\n"):rep(3), ".",
      "\r\n.\r\n", "From x\n",
      "--", "--=_1_", ("x"):rep(998), ("x"):rep(998) .. "\r\n", ("x"):rep(999), mail.noise(16384) }
    for n = 0, 200 do contents[#contents + 1] = mail.noise(n, n) end
    for _, content in ipairs(contents) do
      m.Attachments:Add(octets(content))
      m.Attachments:Add(Attachment { Content = content, Name = "x.txt" })
    end
    each { { m, function(p)
      assert.equal(2 * #contents + 1, #p.root.parts)
      for i, content in ipairs(contents) do
        assert.is_true(content == p.root.parts[2 * i].content, "octets " .. i)
        assert.is_true(content == p.root.parts[2 * i + 1].content, "text " .. i)
      end
    end } }
  end)

  it("a body with lines that mean something elsewhere", function()
    local rows = {}
    for i, body in ipairs { "", "x", "x\n", "x\n\n\n", "\n", "\n\nx", "\r\n\r\n", "a\rb\rc", "From me\nto you\nFrom us\n", ">From x\n",
      ".\n", "..\n", "a\n.\nb\n", ".",
      "--=_1_0123456789abcdef0123456789abcdef\n", "--=_1_0123456789abcdef0123456789abcdef--\n", "--\nsignature\n", "----\n",
        "Content-Type: text/html\n\n<x>\n",
      ("x"):rep(998) .. "\n", ("x"):rep(999) .. "\n", ("x"):rep(997) .. "\n" .. ("y"):rep(998) .. "\n", ("ж"):rep(1000) .. "\n",
        "trailing  \nblanks\t\n \n",
      "=3D=\n=20\n", "a=\nb\n", "\t", " ", "   \n", "MAIL FROM:<x@y>\n.\nQUIT\n", "\1\2\27\127\n", "\226\128\168\194\133\n",
        "\239\187\191bom\n",
      ("línea\n"):rep(300), ("word "):rep(2000) .. "\n", "no end of line\nat its end" } do
      rows[#rows + 1] = { message { Text = body }, function(p, _, what)
        assert.equal(built.as_root(body, p.root.encoding), p.root.content, what)
      end, what = "text " .. i }
      rows[#rows + 1] = { message { Html = body }, function(p, _, what)
        assert.equal(built.as_root(body, p.root.encoding), p.root.content, what)
      end, what = "html " .. i }
      rows[#rows + 1] = { message { Text = body, Html = body, Attachments = { Attachment { Content = body, Name = "b.txt" },
        octets(body) } },
        function(p, _, what)
          local leaves = mail.leaves(p.root)
          assert.equal(built.normal(body), leaves[1].content, what)
          assert.equal(body, leaves[3].content, what)
          assert.equal(body, leaves[4].content, what)
        end, what = "all " .. i }
    end
    each(rows)
  end)

  it("a tree of each shape", function()
    local rows = {}
    local function picture(id)
      return Attachment { Content = mail.noise(300, 7), Name = id .. ".png", ContentId = id .. "@x.org" }
    end
    local function row(fields, types)
      rows[#rows + 1] = { message(fields), function(p, _, what) check_types(p, types, what) end, what = table.concat(types, ",") }
    end
    local text, html = "Текст\n", "<p>Текст <img src='cid:a@x.org'></p>\n"
    row({}, { "text/plain" })
    row({ Text = text }, { "text/plain" })
    row({ Html = html }, { "text/html" })
    row({ Text = text, Html = html }, { "text/plain", "text/html" })
    row({ Html = html, Attachments = picture "a" }, { "text/html", "image/png" })
    row({ Text = text, Html = html, Attachments = { picture "a", picture "b" } }, { "text/plain", "text/html", "image/png", "image/png" })
    row({ Text = text, Html = html, Attachments = { picture "a", octets "x" } },
      { "text/plain", "text/html", "image/png", "application/octet-stream" })
    row({ Attachments = octets "x" }, { "application/octet-stream" })
    row({ Attachments = { octets "x", octets "y" } }, { "application/octet-stream", "application/octet-stream" })
    row({ Text = "", Attachments = octets "" }, { "text/plain", "application/octet-stream" })
    row({ Text = "", Html = "" }, { "text/plain", "text/html" })
    row({ Text = text, Attachments = { Attachment { Content = "a,b\r\n", Name = "t.csv" }, Attachment { Content = "<x/>", Name = "t.xml" },
      Attachment { Content = "{}", Name = "t.json" }, Attachment { Content = "<p>", Name = "t.html" }, Attachment { Content = "%PDF",
        Name = "t.pdf" },
      Attachment { Content = "x" } } }, { "text/plain", "text/csv", "application/xml", "application/json", "text/html", "application/pdf",
      "application/octet-stream" })
    each(rows)
  end)

  it("priority, references, lists and the other fields", function()
    local ids, keywords = {}, {}
    for i = 1, 50 do ids[i] = ("<%d.%s@mail%d.example.org>"):format(i, ("x"):rep(i % 30 + 1), i) end
    for i = 1, 30 do keywords[i] = i % 2 == 0 and "ключ, " .. i or "key " .. i end
    local rows = {}
    for _, priority in ipairs { 1, 2, 3 } do
      rows[#rows + 1] = { message { Priority = priority }, function(p) assert.equal(priority == 3, mail.field(p, "Importance") == nil) end }
    end
    rows[#rows + 1] = { message { MessageId = "fixed@x.org", Date = "22 Nov 2026 02:52:45 +0300", InReplyTo = ids[50], References = ids,
      Subject = "Re: x",
      Keywords = keywords, Comments = "Комментарий, and (more) of it", AutoSubmitted = "auto-generated",
      ListUnsubscribe = { "https://x.org/u?a=1&b=2", "mailto:u@x.org?subject=leave" }, ListUnsubscribeOneClick = true,
      DispositionNotificationTo = "Я <r@x.org>", Sender = "Секретарь <s@x.org>", ReplyTo = "r1@x.org, Ж <r2@x.org>",
      Headers = { ["List-ID"] = "Список рассылки <a.list.example.org>", ["List-Help"] = "<mailto:help@x.org>",
        ["List-Post"] = "<mailto:p@x.org>",
        ["List-Archive"] = "<https://x.org/archive>", ["X-Plain"] = "plain text", ["X-Long"] = ("слово "):rep(60) .. "конец",
        ["X-Token"] = ("t"):rep(60), Organization = "ООО «Ромашка»" } }, function(p)
      assert.equal("<fixed@x.org>", mail.field(p, "Message-ID"))
      local n = 0
      for id in mail.field(p, "References"):gmatch "<[^>]+>" do
        n = n + 1
        assert.equal(ids[n], id)
      end
      assert.equal(50, n)
      assert.equal("ООО «Ромашка»", mail.field(p, "Organization"))
      assert.equal("plain text", mail.field(p, "X-Plain"))
    end }
    local resent = message { MessageId = "r@x.org", Subject = "x" }
    resent:Resend { From = "Пётр <p@x.org>", To = { "q@x.org", '"Q, R" <r@x.org>' }, CC = "s@x.org" }
    resent:Resend { From = "t@x.org", To = "u@x.org" }
    rows[#rows + 1] = { resent, function(p) assert.equal("t@x.org", p.headers[2].value) end }
    each(rows)
  end)

  it("alternate views, linked resources and an invitation", function()
    local invitation = table.concat({ "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", "METHOD:REQUEST", "BEGIN:VEVENT",
      "UID:1@x.org",
      "DTSTAMP:20261122T000000Z", "DTSTART:20261123T090000Z", "SUMMARY:Встреча", "END:VEVENT", "END:VCALENDAR", "" }, "\r\n")
    local amp = netmail.Part { Text = "<html amp4email>", ContentType = "text/x-amp-html" }
    local picture = Attachment { Content = mail.noise(200, 3), Name = "рисунок.png", ContentId = "p@x.org" }
    local function row(fields, shape)
      return { message(fields), function(p, _, what) assert.equal(shape, mail.shape(p.root), what) end, what = shape }
    end
    each {
      row({ Text = "t\n", AlternateViews = { amp }, Html = "<p>\n" }, "alternative(plain,x-amp-html,html)"),
      row({ Html = "<img src='cid:p@x.org'>", LinkedResources = { picture } }, "related(html,png)"),
      row({ Text = "t\n", Html = "<p>\n", LinkedResources = { picture }, Attachments = { octets "x" } },
        "mixed(related(alternative(plain,html),png),octet-stream)"),
      row({ Text = "Приходите\n", Calendar = invitation }, "mixed(alternative(plain,calendar),ics)"),
      row({ Text = "t\n", Html = "<p>\n", Calendar = invitation, Attachments = { octets "x" } },
        "mixed(alternative(plain,html,calendar),ics,octet-stream)"),
    }
  end)

  it("a message within a message, and parts nested by hand", function()
    local Part = netmail.Part
    local inner = message { From = "Внутренний <i@x.org>", Subject = "Внутри — 内側", Text = "внутри\n",
      Html = "<p>внутри</p>\n",
      Attachments = octets("\0\1", "вложение.bin") }
    local deep = Part { Parts = { Part { Text = "один\n" }, Part { Multipart = "parallel", Parts = { Part { Html = "<p>два</p>\n" },
      octets("три", "три.bin") } } }, Multipart = "mixed" }
    local described = Part { Content = "x", ContentType = "application/pdf", Name = "д.pdf",
      ContentDescription = "Описание файла, длинное и подробное",
      ContentLanguage = "ru, en", ContentLocation = "https://x.org/d.pdf", Disposition = "attachment" }
    each {
      { message { Text = "см. письмо\n", Attachments = { Part { Message = inner } } }, function(p)
        assert.equal("mixed(plain,rfc822)", (mail.shape(p.root):gsub("rfc822%b()", "rfc822")))
      end },
      { message { RootPart = deep }, function(p) assert.equal("mixed(plain,parallel(html,octet-stream))", mail.shape(p.root)) end },
      { message { RootPart = Part { Multipart = "digest", Parts = { Part { Message = inner },
        Part { Message = message { Text = "b\n" } } } } },
        function(p) assert.equal("multipart/digest", p.root.type) end },
      { message { Text = "x\n", Attachments = { described } }, function(p) assert.equal("д.pdf", p.root.parts[2].filename) end },
      { message { Text = "x\n", Attachments = { Part { External = { ["access-type"] = "URL", URL = "https://x.org/big.iso" } } } },
        function(p) assert.equal("message/external-body", p.root.parts[2].type) end },
    }
  end)

  it("a transfer encoding that was asked for", function()
    local rows = {}
    for _, encoding in ipairs { "7bit", "quoted-printable", "base64" } do
      for _, text in ipairs { "plain\ntext \n.\n", "", "no end" } do
        rows[#rows + 1] = { message { Text = text, BodyTransferEncoding = encoding }, function(p, _, what)
          assert.equal(encoding, p.root.encoding, what)
        end, what = encoding }
      end
    end
    each(rows)
  end)

  it("a message that is sent as it is, and one in pieces", function()
    local whole = assert(message({ Subject = "Целиком", Text = ("строка\n"):rep(2000), Attachments = octets(mail.noise(9000),
      "x.bin") }):ToString())
    assert.equal(whole, message({}):Raw(whole):ToString())
    local m = message { Subject = "По частям", Text = "x\n", Attachments = octets(mail.noise(20000), "большой.bin") }
    local pieces = assert(m:Split(8192))
    assert.is_true(#pieces > 2)
    for _, piece in ipairs(pieces) do assert.equal("message/partial", mail.parse(assert(piece:ToString())).root.type) end
  end)
end)
