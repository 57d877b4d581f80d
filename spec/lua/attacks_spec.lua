-- What other mailers were caught with, by class, where no other spec has it: a checklist. Each is refused, or what is built says
-- what it would have said of a harmless value.

local netmail = require "netmail"
local built = require "spec.support.built"
local lfs = require "lfs"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local MailAddress, MailMessage, Attachment, Part = netmail.MailAddress, netmail.MailMessage, netmail.Attachment, netmail.Part
local message = built.message

-- f must raise, or return nil and a text; never take the value.
local function refused(f, ...)
  local ok, value, text = pcall(f, ...)
  assert.is_true(not ok or (value == nil and type(text) == "string"), "it was taken: " .. tostring((...)))
end

local function in_time(seconds, f)
  local begin = os.clock()
  f()
  assert.is_true(os.clock() - begin < seconds * (os.getenv "NETMAIL_SLOW" and 20 or 1), ("it took %.1f s"):format(os.clock() - begin))
end

describe("an envelope", function()
  it("is what the header says, quotes and all (parameter smuggling, domain confusion)", function()
    local steps = net.follow(net.greet("PIPELINING"), { expect = "MAIL FROM" }, { expect = "RCPT TO" }, { expect = "RCPT TO" },
      { expect = "RCPT TO" }, { expect = "RCPT TO" }, { expect = "DATA" }, { send = ("250 ok\r\n"):rep(5) .. "354 go\r\n" },
      { expect = "." }, { send = "250 done\r\n" }, { expect = "QUIT" }, { send = "221 bye\r\n" })
    local specs = { '"foo@psres.net> ORCPT=admin@admin.com"@test.com', '"xclow3n@gmail.com x"@internal.domain', '"a@b"@c.d',
      "a%b@c.test" }
    local server = servers.script(steps)
    local client = net.client(server.port.plain)
    local m = net.message { To = specs }
    client:Send(m)
    client:Close()
    local said, n = net.commands(server:received(1)), 0
    for _, line in ipairs(said) do
      local spec = line:match "^RCPT TO:<(.*)>$"
      if spec then
        n = n + 1
        assert.equal(specs[n], spec)
      end
    end
    assert.equal(4, n)
    server:stop()
    local _, to = mail.field(mail.parse(m:ToString()), "To")
    for i, spec in ipairs(specs) do assert.equal(spec, to.addresses[i].spec) end
  end)

  it("has one address where one is due", function()
    for _, bad in ipairs { "a@b.test>,<c@d.test", "a@b.test,c@d.test", "<<<a@b.test>>>", "a@b.test>", "<a@b.test", "a@b.test;c@d.test",
      "G: a@b.test;", "<@r1.test,@r2.test:a@b.test>", "@r.test:a@b.test", "<>", "@", "", "a@[1.2.3]", "a@[x", "a@[IPv6:::1:::2]",
      "a@[127.0.0.1>]", "a@[127.0.0.1\r\nNOOP]", ("l"):rep(65) .. "@x.test", "a@" .. ("d"):rep(64) .. ".test",
      "a@" .. ("d."):rep(126) .. "test", '"a@b.test', '"a\\"@b.test', "a@b.test\0.evil.test", "a@b.test evil" } do
      refused(MailAddress.Create, bad)
      for _, field in ipairs { "From", "Sender" } do refused(function() message({})[field] = bad end) end
    end
  end)

  it("never decodes an encoded word in an address (splitting the email atom)", function()
    for _, spec in ipairs { "=?utf-8?q?e=40evil.test?=@x.test", "=?x?q?a=40evil.test=3e=20?=@x.test",
      "=?utf-8?b?YUBldmlsLnRlc3Q=?=@x.test" } do
      local a = MailAddress.TryParse(spec)
      if a then
        assert.equal("x.test", a.Host)
        assert.equal(spec, a.Address)
        assert.is_truthy(message({ To = a }):ToString():find("To: " .. spec, 1, true))
      end
    end
    refused(MailAddress.Create, "a@=?utf-8?q?evil.test=00?=example.test")
  end)

  it("is read in linear time and without recursion (nested groups, brackets, quotes, comments)", function()
    local mb = 1048576
    in_time(5, function()
      for _, text in ipairs { ("a"):rep(mb) .. "@example.test", ("a@b,"):rep(mb / 4), ("("):rep(mb), ('"'):rep(mb + 1), ("a:"):rep(50000),
        ("<"):rep(mb),
        "a@b(" .. ("x"):rep(400000) .. ")c", ("=?utf-8?q?a?= "):rep(100000), "a" .. ("\r\n "):rep(100000), ("g0:g1:"):rep(100000),
          ("a,"):rep(mb / 2) } do
        for _, lenient in ipairs { false, true } do
          assert.is_nil((MailAddress.TryParse(text, { Lenient = lenient })))
          MailAddress.TryParseList(text, { Lenient = lenient })
        end
      end
    end)
  end)
end)

describe("a header field", function()
  it("of any length costs no more than its length, and no stack", function()
    local long = ("слово "):rep(100000)
    in_time(5, function()
      for _, fields in ipairs { { Subject = long }, { Comments = long }, { Headers = { ["X-A"] = long } },
        { Headers = { ["X-A"] = ("x"):rep(1048576) } },
        { Keywords = { long } }, { Subject = ("\t"):rep(1048576) }, { References = {
          ("a"):rep(500000) .. "@" .. ("b"):rep(500000) } } } do
        local m = MailMessage.TryNew(fields)
        if m then
          m.From = "a@x.org"
          m:ToString()
        end
      end
      message({ Subject = ("я"):rep(30000) }):ToString()
    end)
  end)

  it("has a name of RFC 5322 3.6.8, and stands once where it may (header name)", function()
    for _, name in ipairs { "X-A: b\r\nBcc", "X A", "X:", "", "é", "X\0", "X\127", "X\t", "X\r", ("x"):rep(2000) } do
      refused(function() message({}).Headers:Set(name, "x") end)
      refused(function() message({}).Headers:Add(name, "x") end)
    end
    for _, name in ipairs { "From", "Date", "Subject", "MIME-Version", "Content-Type", "bcc", "Message-ID",
      "Content-Transfer-Encoding" } do
      refused(function() message({}).Headers:Add(name, "x") end)
    end
  end)

  it("holds display names that look like something else, as names (display name)", function()
    local rows = {}
    for i, name in ipairs { 'a" <evil@evil.test>, "b', "\\", "=?utf-8?q?evil=40evil.test?=", "a@b.test", "<evil@evil.test>",
      "evil@evil.test, x", "x;y:z",
      "=?utf-8?b?PGV2aWxAZXZpbC50ZXN0Pg==?=", "(c)", '"' } do
      rows[i] = { message { To = MailAddress.CreateWithName("to@example.test", name) }, function(p, _, what)
        local _, to = mail.field(p, "To")
        assert.equal(1, #to.addresses, what)
        assert.equal("to@example.test", to.addresses[1].spec, what)
        assert.equal(name, to.addresses[1].name, what)
      end, what = name }
    end
    built.each(rows)
    refused(MailAddress.CreateWithName, "to@example.test", '"a"\r\nBcc: x')
  end)

  it("holds ids and no more (Content-ID, Message-ID, References)", function()
    for _, bad in ipairs { "a>\r\nX: y", "a b@x.test", "a@b> <c@d", "<a@b", "a@b>", "a@b\0", "a@b\127", "<a@b><c@d>", "a@b,c@d" } do
      refused(function() message({}).MessageId = bad end)
      refused(function() message({}).InReplyTo = bad end)
      refused(function() message({}).References = { bad } end)
      refused(function() return Attachment { Content = "x", ContentId = bad } end)
    end
    refused(function() message({}).MessageId = "noat" end)
  end)

  it("of a mailing list holds URLs and no more (List-*)", function()
    for _, bad in ipairs { "javascript:alert(1)", "https://x.test/a b", "https://x.test/>\r\nX: y",
      "https://x.test/>, <mailto:evil@evil.test", "ftp://x.test",
      ")\r\nX: y", "https://x.test/\0", "" } do
      refused(function() message({}).ListUnsubscribe = { bad } end)
    end
    for _, bad in ipairs { "c) <http://evil>\r\nX: y", "<a.b>\r\nX: y", "<a b>", "<>" } do
      refused(function() message({}).Headers:Set("List-ID", bad) end)
    end
  end)

  it("has boundaries that nobody gives it (boundary)", function()
    for _, bad in ipairs { "a\r\nb", 'a"b', ("x"):rep(71), "x ", "", "x" } do
      local ok, part = pcall(Part, { Multipart = "mixed", Parts = { Part { Text = "x" } }, Parameters = { boundary = bad } })
      if ok then
        local text = message({ RootPart = part }):ToString()
        assert.is_truthy(text:match 'boundary="=_%d+_%x+"', bad)
      end
    end
    refused(Attachment, { Content = "x", ContentType = "multipart/mixed; boundary=x" })
  end)

  it("has names of charsets, types and encodings that are tokens (charset, content type, encoding)", function()
    for _, bad in ipairs { "utf-8\r\nX: y", "utf 8", "utf-8;x=y", 'utf-8"', "", "utf-8\0", "none-such", ("x"):rep(500) } do
      if bad ~= "" then
        refused(function() message({}).BodyEncoding = bad end)
        refused(function() message({}).SubjectEncoding = bad end)
      end
    end
    for _, bad in ipairs { "text", "text/", "/x", "text/html\r\nX: y", "text/ html", "te xt/html", "text/html\0", "text/html; x=\r\ny",
      "тип/x", "a/b/c" } do
      refused(Attachment, { Content = "x", ContentType = bad })
    end
    for _, bad in ipairs { "base64;", "base64\r\nX: y", "x-uuencode", "8 bit" } do
      refused(function() message({}).BodyTransferEncoding = bad end)
      refused(Attachment, { Content = "x", TransferEncoding = bad })
    end
  end)

  it("has dates and numbers that are some (Date, size)", function()
    for _, bad in ipairs { 0 / 0, 1 / 0, -1 / 0, 2 ^ 63, 1e300, 1.5, "1\r\nX: y", "yesterday", "", {}, true } do
      refused(function() message({}).Date = bad end)
    end
    for _, bad in ipairs { 0 / 0, 1 / 0, 1.5, 0, 4, -1, 2 ^ 63,
      "1\r\nRCPT TO:<x>" } do refused(function() message({}).Priority = bad end) end
    for _, bad in ipairs { 0 / 0, 1 / 0, -1, 1.5, 2 ^ 63, "100\r\nRCPT TO:<evil@z>" } do
      refused(Attachment, { Content = function() return nil end, Size = bad })
    end
  end)

  it("takes strings of Lua and nothing that is like them (NUL within, metatables, cycles, depth, yields)", function()
    local bomb = setmetatable({}, { __tostring = function() error "called" end, __index = function() return coroutine.yield() end,
      __len = function() return 3 end })
    for _, field in ipairs { "Subject", "Text", "Html", "MessageId", "InReplyTo", "Comments", "BodyEncoding", "From", "To", "Attachments",
      "Headers" } do
      for _, bad in ipairs { 5, true, print } do refused(function() message({})[field] = bad end) end
      -- where a table is taken it is an empty one, and nobody asks its metatable
      local ok, text = pcall(function() message({})[field] = bomb end)
      assert.is_true(ok or not text:find("called", 1, true) and not text:find("yield", 1, true), field)
    end
    for _, field in ipairs { "Subject", "Comments", "MessageId", "From", "To",
      "Text" } do refused(function() message({})[field] = "a\0b" end) end
    local part = Part { Text = "x" }
    refused(function()
      for _ = 1, 200 do part = Part { Multipart = "mixed", Parts = { part } } end
      return part
    end)
    refused(function()
      local m = message { Text = "x" }
      for _ = 1, 200 do m = message { Attachments = { Part { Message = m } } } end
      return m:ToString()
    end)
  end)
end)

describe("a content", function()
  it("of HTML is gone through once, whatever is in it (data URIs)", function()
    local n = 100000
    in_time(10, function()
      for _, html in ipairs { '<img src="data:' .. (";"):rep(n), '<img src="data:' .. (";"):rep(n) .. '">',
        '<img src="data:image/png' .. (";a"):rep(n) .. ',x">',
        ('<img src="data:,x">'):rep(1000), ("<"):rep(n), ("<div>"):rep(n), ("<!--"):rep(n), ("&"):rep(n), ("&#"):rep(n),
          "<img " .. ("a=b "):rep(n),
        '<img srcset="' .. (","):rep(n) .. '">', '<p style="' .. ("url("):rep(n) .. '">', ("<a href="):rep(n),
          ("<table><tr><td>"):rep(20000) } do
        netmail.HtmlToText(html)
        message({ Html = html }):EmbedImages()
      end
    end)
  end)

  it("reads no file and no address that HTML names (local files, server-side requests)", function()
    local folder, remove = mail.folder()
    lfs.mkdir(folder .. "/base")
    process.write(folder .. "/secret.png", "SECRET OUTSIDE")
    process.run(("ln -s ../secret.png %s/base/link.png"):format(folder))
    for _, source in ipairs { "../secret.png", "base/../../secret.png", folder .. "/secret.png", "/etc/passwd", "file:///etc/passwd",
      "link.png",
      "..%2fsecret.png", "..\\secret.png", "phar://x.png", "http://169.254.169.254/x.png", "//evil.test/x.png", "\0../secret.png" } do
      local m = MailMessage.TryNew { From = "a@x.org", To = "b@x.org", Html = '<img src="' .. source .. '">' }
      if m then
        m:EmbedImages(folder .. "/base")
        local text = m:ToString()
        assert.is_nil(text:find("SECRET", 1, true), source)
        assert.is_nil(text:find("U0VDUkVU", 1, true), source)
        assert.equal(0, #m.LinkedResources, source)
      end
    end
    process.run("rm -rf " .. process.quote(folder .. "/base"))
    remove()
  end)

  it("is cut between characters at every column, and refused where it has none (surrogates, broken UTF-8)", function()
    local rows = {}
    for n = 0, 80 do
      for _, unit in ipairs { "😀", "я", "日", "_é?=" } do
        local text = ("x"):rep(n) .. unit:rep(25)
        rows[#rows + 1] = { message { Subject = text }, function(p, _, what)
          assert.equal(text, mail.field(p, "Subject"), what)
          built.check_words(p.text, what)
        end, what = n .. unit }
      end
    end
    built.each(rows)
    for _, bad in ipairs { "\255", "\128", "\195", "\237\160\128", "\192\128", "\240\159\152", "\244\144\128\128" } do
      for _, field in ipairs { "Subject", "Text", "Html", "Comments" } do refused(function() message({})[field] = "x" .. bad end) end
      refused(MailAddress.CreateWithName, "a@x.org", bad)
      refused(Attachment, { Content = "x", Name = bad })
    end
  end)

  it("arrives as one message whatever end of data it holds, over one connection (smuggling)", function()
    local data, reason = mail.json "injection-payloads.json"
    if not data then return pending(reason) end
    local server = servers.start "aio"
    local client = net.client(server.port.plain)
    local sent = {}
    for _, hex in ipairs(data.end_of_data) do
      local text = "a" .. mail.unhex(hex) .. "MAIL FROM:<evil@z.test>\r\nRCPT TO:<evil@z.test>\r\nDATA\r\n"
      if MailMessage.TryNew { Text = text } then
        assert(client:Send(net.message { Text = text }))
        sent[#sent + 1] = text
      end
    end
    client:Close()
    assert.is_true(#sent >= 18)
    local texts = {}
    for i, arrived in ipairs(server:take(#sent)) do
      assert.same({ "b@example.test" }, arrived.to)
      texts[i] = arrived.raw
    end
    for i, parsed in ipairs(mail.parse_all(texts)) do assert.equal(built.normal(sent[i]), parsed.root.content) end
    server:stop()
  end)

  it("ends once on the wire, with its dots doubled and no CR or LF alone; BDAT's count is its size (RFC 5321 4.5.2, RFC 3030 2)",
    function()
    local data, reason = mail.json "injection-payloads.json"
    if not data then return pending(reason) end
    local rows, dialogues = {}, {}
    for _, hex in ipairs(data.end_of_data) do
      for _, chunking in ipairs { false, true } do
        local text = "a" .. mail.unhex(hex) .. "MAIL FROM:<evil@z.test>\r\nRCPT TO:<evil@z.test>\r\nDATA\r\n" .. mail.unhex(hex)
        local m = MailMessage.TryNew { Text = text, From = "a@x.test", To = "b@x.test" }
        if m then
          rows[#rows + 1] = { m = m, chunking = chunking }
          dialogues[#rows] = chunking and net.follow(net.greet "CHUNKING", { serve = "BDAT" }, { sleep = 0.05 }, { send = "250 ok\r\n" })
            or net.follow(net.greet(), { serve = true })
        end
      end
    end
    local server = servers.script(dialogues)
    for i, row in ipairs(rows) do
      local client = net.client(server.port.plain)
      local result = assert(client:Send(row.m))
      client:Close()
      local raw, head = server:received(i), row.chunking and "BDAT (%d+) LAST\r\n" or "DATA\r\n"
      local _, at, size = raw:find(head)
      local sent = raw:sub(at + 1)
      assert.is_nil(sent:gsub("\r\n", ""):find "[\r\n]", i)
      if row.chunking then
        assert.equal("QUIT\r\n", sent:sub(tonumber(size) + 1))
      else
        assert.equal(sent:find("\r\n.\r\n", 1, true), #sent - #"\r\n.\r\nQUIT\r\n" + 1)
        assert.is_nil(sent:sub(1, -#"\r\n.\r\nQUIT\r\n" - 1):gsub("\r\n%.%.", "\r\nx"):find("\r\n.", 1, true))
      end
      assert.equal("accepted", result.Outcome)
    end
    assert.is_true(#rows >= 36)
    server:stop()
  end)

  it("of any line length and any end is one body (over-long lines, no line end, a lone dot)", function()
    local rows = {}
    for i, text in ipairs { ("x"):rep(999), ("x"):rep(1000), ("x"):rep(65536), ("x"):rep(1000000), "", ".", "no end", ("\r\n"):rep(1000),
      ("."):rep(999) } do
      rows[i] = { message { Text = text }, function(p, _, what)
        assert.equal(built.as_root(text, p.root.encoding), p.root.content, what)
      end, what = "text " .. i }
    end
    built.each(rows)
    in_time(5, function() assert.is_string(message({ Text = ("x"):rep(10 * 1048576) }):ToString()) end)
  end)
end)

describe("a file", function()
  it("is a regular one that says its size (devices, sockets, /proc, links)", function()
    local folder, remove = mail.folder()
    process.write(folder .. "/x.txt", "bytes")
    process.run(("ln -s x.txt %s/link.txt; ln -s loop %s/loop; ln -s /dev/zero %s/zero"):format(folder, folder, folder))
    process.run(("/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"%s/socket\")'"):format(folder))
    for _, bad in ipairs { "/dev/zero", "/dev/tty", "/dev/stdin", "/proc/self", folder .. "/loop", folder .. "/zero", folder .. "/socket",
      "~/.profile", "~",
      folder .. "/x.txt/", folder .. "/x.txt\0", folder .. "\r\n/x.txt", "", "." } do
      refused(Attachment.Create, bad)
    end
    -- st_size is 0, and there is content
    refused(function() return message({ Attachments = Attachment.Create "/proc/self/status" }):ToString() end)
    local _, linked = mail.field(mail.parse(message({ Attachments = Attachment.Create(folder .. "/link.txt") }):ToString()).root.parts[1],
      "Content-Disposition")
    assert.is_truthy(linked.value:find("link.txt", 1, true))
    assert.is_nil(linked.value:find(folder, 1, true))
    remove()
  end)

  it("is opened when it is read: ten thousand need no descriptor each, and one of 3 GB no memory", function()
    local folder, remove = mail.folder()
    process.write(folder .. "/x.bin", "bytes")
    local m = message { Text = "x" }
    for _ = 1, 10000 do m.Attachments:Add(Attachment.Create(folder .. "/x.bin")) end
    local count = 0
    for _ in assert(m:ToString()):gmatch "Ynl0ZXM=" do count = count + 1 end
    assert.equal(10000, count)
    process.run("truncate -s 3G " .. process.quote(folder .. "/big.bin"))
    assert.equal(3 * 2 ^ 30, Attachment.Create(folder .. "/big.bin").Size)
    local bytes = 0
    local big = message { Attachments = Attachment.Create(folder .. "/big.bin") }
    local done = big:WriteTo(function(piece)
      bytes = bytes + #piece
      return bytes < 50 * 2 ^ 20
    end)
    assert.is_nil(done)
    assert.is_true(collectgarbage "count" < 200 * 1024)
    remove()
  end)
end)
