-- What others have been caught with: no byte of the caller's becomes header, envelope or structure.

local netmail = require "netmail"
local mail = require "spec.support.mail"
local built = require "spec.support.built"
local process = require "spec.support.process"

local MailAddress, MailMessage, Attachment = netmail.MailAddress, netmail.MailMessage, netmail.Attachment
local raises = mail.raises

-- A harmless message with one field made of the text; nil where it is refused (by raising or by nil).
local function try(make, text)
  local ok, value = pcall(make, text)
  return ok and value or nil
end

local function message(fields)
  fields.From = fields.From or "from@example.test"
  fields.To = fields.To or "to@example.test"
  fields.Text = fields.Text or "text\n"
  return MailMessage(fields)
end

local function named(text)
  return MailAddress.CreateWithName("a@example.test", text)
end

local function attached(fields)
  fields.Content = fields.Content or "x"
  return message { Attachments = Attachment(fields) }
end

-- An address that has no form in ASCII is refused by Send (address_idn_spec.lua).
local function sendable(text)
  local a = MailAddress.Create(text)
  return assert(a.AsciiAddress and a)
end

-- Field -> a message with the text in it. header: how many more header fields it has than a message without.
local fields = {
  ["subject"] = { function(s) return message { Subject = s } end, 1 },
  ["from.name"] = { function(s) return message { From = named(s) } end, 0 },
  ["to.name"] = { function(s) return message { To = named(s) } end, 0 },
  ["reply_to"] = { function(s) return message { ReplyTo = named(s) } end, 1 },
  ["sender"] = { function(s) return message { Sender = MailAddress.CreateWithName("s@example.test", s) } end, 1 },
  ["cc"] = { function(s) return message { CC = named(s) } end, 1 },
  ["bcc"] = { function(s) return message { Bcc = named(s) } end, 0 },
  ["text of an address"] = { function(s) return message { To = MailAddress.Create('"x' .. s .. '" <to@example.test>') } end, 0 },
  ["text of a list"] = { function(s) return message { To = '"x' .. s .. '" <to@example.test>' } end, 0 },
  ["address.local"] = { function(s) return message { To = sendable("to" .. s .. "@example.test") } end, 0 },
  ["quoted local"] = { function(s) return message { To = sendable('"to' .. s .. '"@example.test') } end, 0 },
  ["address.domain"] = { function(s) return message { To = "to@example" .. s .. ".test" } end, 0 },
  ["charset"] = { function(s) return message { BodyEncoding = "utf-8" .. s } end, 0 },
  ["subject charset"] = { function(s) return message { Subject = "я", SubjectEncoding = "koi8-r" .. s } end, 1 },
  ["header.name"] = { function(s) return message { Headers = { ["X-A" .. s] = "x" } } end, 1 },
  ["header.value"] = { function(s) return message { Headers = { ["X-A"] = "a" .. s } } end, 1 },
  ["comments"] = { function(s) return message { Comments = s } end, 1 },
  ["keywords"] = { function(s) return message { Keywords = { "a" .. s, "b" } } end, 1 },
  ["list_unsubscribe"] = { function(s) return message { ListUnsubscribe = { "https://x.test/" .. s } } end, 1 },
  ["list_id.comment"] = { function(s) return message { Headers = { ["List-ID"] = "a" .. s .. " <a.b>" } } end, 1 },
  ["list_id"] = { function(s) return message { Headers = { ["List-ID"] = "<a" .. s .. ".b>" } } end, 1 },
  ["message_id"] = { function(s) return message { MessageId = "a" .. s .. "@x.test" } end, 0 },
  ["in_reply_to"] = { function(s) return message { InReplyTo = "<a@x.test" .. s .. ">" } end, 1 },
  ["references"] = { function(s) return message { References = { "a@x.test", "b" .. s .. "@x.test" } } end, 1 },
  ["date"] = { function(s) return message { Date = "22 Nov 2026 02:52:45 +0000" .. s } end, 0 },
  ["auto_submitted"] = { function(s) return message { AutoSubmitted = "no" .. s } end, 1 },
  ["receipt.name"] = { function(s) return message { DispositionNotificationTo = named(s) } end, 1 },
  ["resent.name"] = { function(s) return message({}):Resend { From = named(s), To = "r@example.test" } end, 4 },
  ["content_id"] = { function(s) return attached { ContentId = "id" .. s } end, 0, 2 },
  ["content_type"] = { function(s) return attached { ContentType = "image/png" .. s } end, 0, 2 },
  ["filename"] = { function(s) return attached { Name = "a" .. s .. "b.png" } end, 0, 2 },
}

-- A body may be anything: it only must stay a body.
local bodies = {
  ["text"] = { function(s) return message { Text = "a" .. s .. "b" } end, 0 },
  ["html"] = { function(s) return message { Html = "a" .. s .. "b" } end, 0, 2 },
  ["content"] = { function(s) return attached { Content = "a" .. s .. "b" } end, 0, 2 },
}

local function header_count(parsed)
  return #parsed.headers
end

local function recipients(parsed)
  local n = 0
  for _, name in ipairs { "From", "To" } do
    local _, h = mail.field(parsed, name)
    n = n + #h.addresses
  end
  return n
end

-- Makes every field of every payload; the accepted ones are read back together and compared with a harmless message.
-- Returns how many were refused and accepted.
local function sweep(places, payloads)
  local texts, what, refused = {}, {}, 0
  for field, place in pairs(places) do
    for name, payload in pairs(payloads) do
      local m = try(place[1], payload)
      if m then
        texts[#texts + 1] = assert(m:ToString())
        what[#what + 1] = { field = field, place = place, name = field .. " with " .. name }
        built.check_wire(texts[#texts], field .. " with " .. name)
      else
        refused = refused + 1
      end
    end
  end
  local plain = mail.parse(assert(message({}):ToString()))
  for i, parsed in ipairs(mail.parse_all(texts)) do
    local row = what[i]
    local parts = row.place[3] or 1
    -- a multipart has no Content-Transfer-Encoding of its own
    local expected = header_count(plain) + row.place[2] - (parts > 1 and 1 or 0)
    assert.equal(expected, header_count(parsed), row.name)
    assert.equal(2, recipients(parsed), row.name)
    assert.equal(parts, #mail.leaves(parsed.root), row.name)
    assert.is_nil((mail.field(parsed, "Bcc")), row.name)
    assert.is_nil((mail.field(parsed, "X-Evil")), row.name)
  end
  return refused, #texts
end

describe("an address", function()
  it("of an attacker is refused, or means what it says", function()
    -- text, the address it may stand for
    for _, row in ipairs {
      { "b@y.test>\r\nRCPT TO:<evil@z.test" }, { "b@y.test>\rRCPT TO:<evil@z.test" }, { "b@y.test>\nRCPT TO:<evil@z.test" },
      { "b@y.test\0" }, { "b@y.test\127" }, { '"a\r\nRCPT TO:<evil@z>"@y.test' }, { '"a\\\r\\\nb"@y.test' },
      { '"foo@psres.net> ORCPT=admin@admin.com"@test.com', '"foo@psres.net> ORCPT=admin@admin.com"@test.com', "test.com" },
      { "foo@psres.net> ORCPT=admin@admin.com@test.com" }, { "<foo@psres.net> ORCPT=admin@admin.com" }, { "a@b.c SIZE=1" },
      { '"xclow3n@gmail.com x"@internal.domain', '"xclow3n@gmail.com x"@internal.domain', "internal.domain" },
      { '"test@test.com x"@super.com', '"test@test.com x"@super.com', "super.com" }, { '"a@b"@c.d', '"a@b"@c.d', "c.d" },
      { "victim@bank.com(@evil.com)" }, { "a@evil.com (x) @good.com" }, { "a(c)@(d)good.com" },
      { "a@evil.com (x) @good.com" }, { "a@good.test(x)evil.test" }, { "a@c℀.example" }, { "a@я.ru/evil" }, { "a＠evil.test" },
      { "a@ｅvil．com", "a@evil.com", "evil.com" }, { "a@evil。com", "a@evil.com", "evil.com" },
      { "a@straße.de", "a@straße.de", "xn--strae-oqa.de" }, { "a@ẞ.de", "a@ss.de", "ss.de" },
      { "a@XN--80AK6AA92E.com", "a@XN--80AK6AA92E.com", "xn--80ak6aa92e.com" },
      { "a@аррӏе.com", "a@аррӏе.com", "xn--80ak6aa92e.com" },
      { "a@xn--e1afmkfd.рф", "a@пример.рф", "xn--e1afmkfd.xn--p1ai" }, { 'a" -oQ/tmp -X/x.php b@z.test' },
      { "-OQueueDirectory=/tmp@z.test", "-OQueueDirectory=/tmp@z.test", "z.test" },
    } do
      local a = MailAddress.TryParse(row[1])
      assert.equal(row[2], a and a.Address, row[1])
      assert.equal(row[3], a and a.AsciiHost, row[1])
    end
  end)

  it("keeps the quotes that it needs, in header and value", function()
    local spec = '"foo@psres.net> ORCPT=admin@admin.com"@test.com'
    local parsed = mail.parse(message({ To = spec }):ToString())
    local _, to = mail.field(parsed, "To")
    assert.equal(1, #to.addresses)
    assert.equal(spec, to.addresses[1].spec)
  end)

  it("of a stranger is refused by a field, not cut to another", function()
    local m = message {}
    for _, bad in ipairs { "x@y.test>\r\nRCPT TO:<evil@z.test", "x@y.test\r\n", "\nx@y.test", "x@y.test,\r\n evil@z.test" } do
      for _, name in ipairs { "From", "Sender", "ReplyTo", "To", "CC", "Bcc" } do
        raises("refused", function() m[name] = bad end)
      end
    end
    assert.equal("to@example.test", m.To:ToString())
  end)
end)

describe("header injection", function()
  it("is refused in whatever field it is tried", function()
    for _, tail in ipairs { "\r\nBcc: evil@z.test", "\nBcc: evil@z.test", "\rBcc: evil@z.test", "\r\n\r\nbody", "\r\n Bcc: x", "\0",
      "\r\n" } do
      for name, place in pairs(fields) do assert.is_nil(try(place[1], tail), name) end
    end
  end)

  it("by a file's name is refused or encoded", function()
    local rows = { ['a.txt"; filename="b.exe'] = 'a.txt"; filename="b.exe', ["a\ttab"] = "a\ttab", ["a'b"] = "a'b",
      ["x.txt; name=y.exe"] = "x.txt; name=y.exe", ["a*0=b"] = "a*0=b" }
    for name, expected in pairs(rows) do
      local parsed = mail.parse(assert(attached({ Name = name }):ToString()))
      assert.equal(expected, parsed.root.parts[2].filename)
      local _, disposition = mail.field(parsed.root.parts[2], "Content-Disposition")
      assert.same({}, disposition.defects)
    end
    raises("line break", function() local _ = Attachment { Content = "", Name = "x\r\nContent-Type: text/html" } end)
    raises("names a folder", function() local _ = Attachment { Content = "", Name = "trailing\\" } end)
  end)

  it("survives all third-party payloads in all fields", function()
    local data, reason = mail.json "injection-payloads.json"
    if not data then return pending(reason) end
    local payloads, controls = {}, {}
    for newline, hex in pairs(data.newlines) do
      for tail, bytes in pairs(data.header_tail) do
        payloads[newline .. "+" .. tail] = mail.unhex(hex) .. mail.unhex(bytes)
      end
    end
    for _, hex in ipairs(data.controls) do
      controls[hex .. " alone"] = mail.unhex(hex)
      controls[hex .. " before a field"] = mail.unhex(hex) .. "Bcc: evil@z.test"
    end
    local refused, accepted = sweep(fields, payloads)
    assert.is_true(refused > 1500 and accepted > 200, refused .. " refused, " .. accepted .. " accepted")
    refused, accepted = sweep(fields, controls)
    assert.is_true(refused > 500 and accepted > 50, refused .. " refused, " .. accepted .. " accepted")
    refused, accepted = sweep(bodies, payloads)
    assert.is_true(accepted > 200, refused .. " refused, " .. accepted .. " accepted")
  end)
end)

describe("a body", function()
  it("stays a body, whatever end of data it holds", function()
    local data, reason = mail.json "injection-payloads.json"
    if not data then return pending(reason) end
    local rows = {}
    for _, hex in ipairs(data.end_of_data) do
      for _, tail in ipairs { "", "MAIL FROM:<evil@z.test>\r\n" } do
        local text = "a" .. mail.unhex(hex) .. tail
        local m = MailMessage.TryNew { From = "a@x.org", To = "b@x.org", Text = text }
        if m then
          rows[#rows + 1] = { m, function(p) assert.equal(built.as_root(text, p.root.encoding), p.root.content) end }
        else
          assert.is_truthy(text:find "[%z\128-\255]") -- NUL, or a NEL that is no UTF-8
        end
        rows[#rows + 1] = { attached { Content = text }, function(p) assert.equal(text, p.root.parts[2].content) end }
      end
    end
    assert.is_true(#rows > 70)
    built.each(rows)
  end)
end)

describe("a file name", function()
  it("of an attacker is refused or comes back as its last component", function()
    local data, reason = mail.json "injection-payloads.json"
    if not data then return pending(reason) end
    local rows, refused = {}, 0
    for _, hex in ipairs(data.filenames) do
      local name = mail.unhex(hex)
      local ok, a = pcall(Attachment, { Content = "x", Name = name })
      if ok then
        local expected = name:match "[^/\\]*$"
        assert.equal(expected ~= "" and expected or nil, a.Name)
        rows[#rows + 1] = { message { Attachments = a }, function(p) assert.equal(a.Name, p.root.parts[2].filename) end }
      else
        refused = refused + 1
      end
    end
    assert.equal(7, refused) -- "." and "..", CRLF, a trailing "\", NUL, no UTF-8, 5000 bytes
    built.each(rows)
  end)
end)

describe("a string", function()
  it("is content and never a path or an address to fetch from", function()
    local secret = process.read("/etc/passwd"):match "^[^\n]+"
    local m = message { Text = "/etc/passwd", Html = '<img src="../../etc/passwd"><img src="file:///etc/passwd">',
      Subject = "/etc/passwd", Attachments = Attachment { Content = "/etc/passwd", Name = "/etc/passwd" } }
    local text = assert(m:ToString())
    assert.is_nil(text:find(secret, 1, true))
    local leaves = mail.leaves(mail.parse(text).root)
    assert.equal("/etc/passwd", leaves[1].content)
    assert.equal('<img src="../../etc/passwd"><img src="file:///etc/passwd">', leaves[2].content)
    assert.equal("/etc/passwd", leaves[3].content)
    assert.equal("passwd", leaves[3].filename)
    for _, bad in ipairs { "/etc/passwd", { "/etc/passwd" }, { { Path = "/etc/passwd" } }, { Path = "/etc/passwd" },
      { { path = "/etc/passwd" } }, { { href = "http://169.254.169.254/" } } } do
      raises("", function() m.Attachments = bad end)
      raises("", function() local _ = MailMessage.TryNew { Attachments = bad } end)
    end
    for _, name in ipairs { "Path", "Raw", "raw", "Href", "File", "Template" } do
      raises("MailMessage has no property", function() local _ = MailMessage { [name] = "/etc/passwd" } end)
    end
  end)

  it("as an option's value is never called or looked up", function()
    rawset(_G, "netmail_spec_called", false)
    rawset(_G, "netmail_spec_global", function() rawset(_G, "netmail_spec_called", true) end)
    local m = message { Subject = "netmail_spec_global", Text = "netmail_spec_global" }
    assert(m:ToString())
    for _, bad in ipairs { "netmail_spec_global", rawget(_G, "netmail_spec_global") } do
      for _, name in ipairs { "Priority", "To", "Attachments", "IsBodyHtml", "BodyEncoding" } do
        assert.is_false((pcall(function() m[name] = bad end)), name)
      end
    end
    assert.is_false(rawget(_G, "netmail_spec_called"))
    rawset(_G, "netmail_spec_called", nil)
    rawset(_G, "netmail_spec_global", nil)
  end)
end)

describe("a Bcc", function()
  it("is in nothing that is rendered", function()
    for _, fields_of in ipairs { { To = "to@example.test" }, { To = {}, CC = "cc@example.test" }, { To = {} } } do
      fields_of.From = "from@example.test"
      fields_of.Bcc = '"Hidden Name" <hidden@secret.test>, hidden2@secret.test'
      fields_of.Text, fields_of.Html = "x", "y"
      local text = built.masked(assert(MailMessage(fields_of):ToString())):lower() -- random digits may spell anything
      for _, word in ipairs { "bcc", "hidden", "secret" } do assert.is_nil(text:find(word, 1, true)) end
    end
  end)
end)
