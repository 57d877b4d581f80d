-- Part: how it is made, its properties, and who is whose.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"
local process = require "spec.support.process"

local Part, Attachment, MailMessage = netmail.Part, netmail.Attachment, netmail.MailMessage
local raises = mail.raises

local function collect()
  collectgarbage()
  collectgarbage()
end

-- A Part of each kind.
local makers = {
  octets = function() return Part { Content = "x\0y" } end,
  text = function() return Part { Text = "текст" } end,
  html = function() return Part { Html = "<p>" } end,
  message = function() return Part { Message = built.message { Text = "t" } } end,
  multipart = function() return Part { Multipart = "mixed", Parts = { Part { Text = "t" } } } end,
  external = function() return Part { External = { ["access-type"] = "URL", URL = "https://x.org/" } } end,
}

describe("a Part", function()
  it("is made of one thing", function()
    local function check(p, type, content, text, size)
      assert.equal(type, p.ContentType)
      assert.equal(content, p.Content)
      assert.equal(text, p.Text)
      assert.equal(size, p.Size)
    end
    check(makers.octets(), "application/octet-stream", "x\0y", nil, 3)
    check(makers.text(), "text/plain", "текст", "текст", 10)
    check(makers.html(), "text/html", "<p>", "<p>", 3)
    check(makers.message(), "message/rfc822")
    check(makers.multipart(), "multipart/mixed")
    check(makers.external(), "application/octet-stream")
    check(Part { Text = "" }, "text/plain", "", "", 0)
    check(Part { Content = "" }, "application/octet-stream", "", nil, 0)
    assert.equal("text/x-amp-html", Part { Html = "<p>", ContentType = "text/x-amp-html" }.ContentType)
    assert.equal("multipart/x-own", Part { Multipart = "multipart/x-own", Parts = { makers.text() } }.ContentType)
    assert.equal(1, #Part { Multipart = "mixed", Parts = makers.text() }.Parts)
    local list = MailMessage {}.Attachments:Add(makers.text()):Add(makers.html())
    assert.equal(2, #Part { Multipart = "mixed", Parts = list }.Parts)
    for kind, make in pairs(makers) do
      local p = make()
      assert.equal(kind == "message", p.Message ~= nil, kind)
      assert.equal(kind == "multipart", p.Parts ~= nil, kind)
      assert.is_nil(p.Disposition)
      assert.is_false(p.Inline)
      assert.equal("Part (unnamed, " .. p.ContentType .. ")", tostring(p))
    end
  end)

  it("says what is wrong with what it is made of", function()
    raises("Part takes a table", function() Part() end)
    raises("Part takes a table", function() Part "text" end)
    raises("what else it is made of (Text, Html, Message, Parts, External)", function() Part {} end)
    raises("takes either Text or Html, not both", function() Part { Text = "a", Html = "b" } end)
    raises("not both", function() Part { Content = "a", Message = built.message {} } end)
    raises("'Message' (MailMessage expected, got string)", function() Part { Message = "From: a@b" } end)
    raises("'Text' (string expected, got number)", function() Part { Text = 1 } end)
    raises("the text of a part is not valid UTF-8", function() Part { Text = "\255" } end)
    raises("has a NUL", function() Part { Html = "a\0b" } end)
    raises("also takes Multipart", function() Part { Parts = { makers.text() } } end)
    raises("at least one part", function() Part { Multipart = "mixed", Parts = {} } end)
    raises("Attachment or Part", function() Part { Multipart = "mixed", Parts = { "text" } } end)
    raises("array", function() Part { Multipart = "mixed", Parts = { a = makers.text() } } end)
    raises("", function() Part { Multipart = "", Parts = { makers.text() } } end)
    raises("not the type of a multipart", function() Part { Multipart = "text/plain", Parts = { makers.text() } } end)
    raises("cannot be made of parts by hand", function() Part { Multipart = "signed", Parts = { makers.text() } } end)
    raises("cannot be made of parts by hand", function() Part { Multipart = "encrypted", Parts = { makers.text() } } end)
    raises("too long", function() Part { Multipart = ("x"):rep(119), Parts = { makers.text() } } end)
    raises("Multipart belongs to Parts; with Text leave it out", function() Part { Text = "x", Multipart = "mixed" } end)
    raises("Size belongs to Content; with Path leave it out", function() Part { Path = "x", Size = 1 } end)
    raises("table of access parameters", function() Part { External = "https://x.org/" } end)
    raises("names and values", function() Part { External = { "URL" } } end)
    raises("is not an access type", function() Part { External = {} } end)
    raises("is not an access type", function() Part { External = { ["access-type"] = "HTTP" } } end)
    for access, needs in pairs { URL = "URL", FTP = "NAME", ["anon-ftp"] = "NAME", TFTP = "NAME", ["LOCAL-FILE"] = "NAME",
      ["MAIL-SERVER"] = "SERVER" } do
      raises("needs the parameter " .. needs, function() Part { External = { ["access-type"] = access } } end)
    end
    assert.is_truthy(Part { External = { ["access-type"] = "x-own" } })
    raises("has no property 'text'; did you mean 'Text'?", function() Part { Content = "x", text = "y" } end)
    raises("has no property 'Subject'", function() Part { Content = "x", Subject = "y" } end)
    raises("read only", function() Part { Content = "x", ContentName = "y" } end)
    raises("is read only", function() makers.text().Text = "new" end)
    raises("is read only", function() makers.multipart().Parts = {} end)
    raises("is read only", function() makers.message().Message = nil end)
  end)

  it("keeps what is set, and the old value of what is refused", function()
    local values = {
      Name = { "отчёт.pdf", "a/" }, ContentId = { "a@b", "a b" }, ContentDescription = { "Что это", "a\nb" },
      ContentLocation = { "https://x.org/%20", "a b" }, ContentLanguage = { "ru, en-GB", "ru_RU" }, Charset = { "koi8-r", "a\nb" },
      Disposition = { "attachment", "outline" },
    }
    for kind, make in pairs(makers) do
      local p = make()
      for name, value in pairs(values) do
        p[name] = value[1]
        raises("", function() p[name] = value[2] end)
        raises("", function() p[name] = 1 end)
        assert.equal(value[1], p[name], kind .. " " .. name)
        p[name] = nil
        assert.is_nil(p[name], kind .. " " .. name)
      end
      p.ContentId = "chart"
      assert.is_true(p.Inline)
      assert.equal("inline", p.Disposition)
    end
  end)

  it("refuses the type and the encoding that its kind cannot have", function()
    raises("multipart is made of parts", function() makers.octets().ContentType = "multipart/mixed" end)
    raises("write text/..., or give the bytes as Content", function() makers.text().ContentType = "image/png" end)
    raises("cannot be chosen", function() makers.message().ContentType = "message/global" end)
    raises("needs its type", function() makers.multipart().ContentType = nil end)
    raises("multipart is made of parts", function() makers.external().ContentType = "multipart/mixed" end)
    for _, kind in ipairs { "message", "multipart", "external" } do
      raises("may not be encoded", function() makers[kind]().TransferEncoding = "base64" end)
    end
    local p = makers.text()
    p.TransferEncoding = "BASE64"
    assert.equal("base64", p.TransferEncoding)
    raises("is not a transfer encoding; write 7bit", function() p.TransferEncoding = "uuencode" end)
    assert.equal("base64", p.TransferEncoding)
    p.TransferEncoding = nil
    assert.is_nil(p.TransferEncoding)
    local m = built.message { Text = "x" }
    m.BodyTransferEncoding = "quoted-printable"
    assert.equal("quoted-printable", m.BodyTransferEncoding)
    raises("is not a transfer encoding", function() m.BodyTransferEncoding = "x" end)
    assert.equal("quoted-printable", m.BodyTransferEncoding)
  end)

  it("has all of Parameters or none", function()
    local p = Part { Text = "x", Parameters = { format = "flowed", delsp = "yes" } }
    p.Parameters = { delsp = "", ["x-a"] = "é" }
    assert.same({ format = "flowed", ["x-a"] = "é" }, p.Parameters)
    for _, bad in ipairs { { a = "1", ["b c"] = "2", d = "3" }, { a = "1", boundary = "x" }, { a = "1", name = "x" }, { a = "1", b = "\n" },
      { a = "1", charset = "no-such" }, { a = "1", b = 2 }, { a = "1", "b" }, { a = "1", b = ("x"):rep(5000) } } do
      raises("", function() p.Parameters = bad end)
      assert.same({ format = "flowed", ["x-a"] = "é" }, p.Parameters)
    end
    raises("table of names and values", function() p.Parameters = "a=b" end)
    p.Parameters = p.Parameters
    assert.same({ format = "flowed", ["x-a"] = "é" }, p.Parameters)
    local many = {}
    for i = 1, 33 do many["p" .. i] = "v" end
    raises("more than 32 parameters", function() Part { Text = "x", Parameters = many } end)
  end)

  it("is the same object wherever it stands", function()
    local inner = makers.text()
    local outer = Part { Multipart = "mixed", Parts = { inner, inner } }
    assert.is_true(rawequal(inner, outer.Parts[1]))
    assert.is_true(rawequal(outer.Parts[1], outer.Parts[2]))
    local m = built.message { AlternateViews = { inner }, LinkedResources = { inner }, Attachments = { inner, outer } }
    assert.is_true(rawequal(inner, m.AlternateViews[1]))
    assert.is_true(rawequal(inner, m.LinkedResources:Item(0)))
    assert.equal(1, m.Attachments:IndexOf(outer))
    assert.is_true(m.Attachments:Contains(inner))
    m.RootPart = outer
    assert.is_true(rawequal(outer, m.RootPart))
    m.RootPart = nil
    assert.is_nil(m.RootPart)
    raises("'RootPart' (Part expected, got string)", function() m.RootPart = "text" end)
    inner.ContentDescription = "new"
    assert.equal("new", m.LinkedResources[1].ContentDescription)
    local same = makers.text()
    assert.are_not.equal(inner, same)
    assert.is_nil(outer.Parts[3])
    outer.Parts[1] = nil -- an array of its own each time
    assert.equal(2, #outer.Parts)
  end)

  it("holds its parts, and they hold nothing back", function()
    local gone = setmetatable({}, { __mode = "v" })
    local function nested()
      local inner = Part { Text = "inner", ContentDescription = "kept" }
      gone[1] = inner
      return Part { Multipart = "mixed", Parts = { Part { Multipart = "mixed", Parts = { inner } } } }
    end
    local outer = nested()
    collect()
    assert.is_nil(gone[1]) -- the box; what is in it stays
    assert.equal("kept", outer.Parts[1].Parts[1].ContentDescription)
    local inner = outer.Parts[1].Parts[1]
    outer = nil -- luacheck: ignore
    collect()
    assert.equal("inner", inner.Text)
    local function from_message() return built.message { RootPart = inner, Attachments = { makers.message() } }.Attachments[1] end
    local p = from_message()
    collect()
    assert.equal("t", p.Message.Text)
  end)

  it("holds a message as it was, and gives copies of it", function()
    local picture = Attachment { Content = "x", Name = "a.png" }
    local m = built.message { Subject = "old", Text = "old", Attachments = { picture } }
    m.Headers:Set("X-A", "old")
    local p = Part { Message = m }
    m.Subject, m.Text, m.From = "new", "new", "new@x.org"
    m.To:Clear()
    m.Headers:Set("X-A", "new")
    m.Attachments:Clear()
    m.RootPart = p -- and never within itself
    local copy = p.Message
    assert.equal("old", copy.Subject)
    assert.equal("old", copy.Text)
    assert.equal("a@x.org", copy.From.Address)
    assert.equal("b@y.org", copy.To[1].Address)
    assert.equal("old", copy.Headers:Get "X-A")
    assert.is_true(rawequal(picture, copy.Attachments[1]))
    copy.Subject = "newer"
    copy.Attachments:Add(p)
    copy.RootPart = p
    assert.equal("old", p.Message.Subject)
    assert.equal(1, #p.Message.Attachments)
    assert.is_nil(p.Message.RootPart)
    assert.are_not.equal(p.Message, p.Message)
  end)

  it("is at most 50 levels deep", function()
    local p = makers.text()
    for _ = 2, 50 do p = Part { Multipart = "mixed", Parts = { p } } end
    raises("more than 50 levels", function() Part { Multipart = "mixed", Parts = { p } } end)
    local m = built.message { RootPart = p }
    raises("more than 50 levels", function() Part { Message = m } end)
    assert.is_truthy(m:ToString():find "\r\n\r\n0YLQtdC60YHRgg==\r\n")
    p = makers.text()
    for _ = 1, 20 do p = Part { Multipart = "mixed", Parts = { p, p, p, p, p, p, p, p, p, p } } end
    mail.fails("more than 200000 parts", built.message { RootPart = p }:ToString())
  end)

  it("gives its memory back, and so do the copies of its message", function()
    local text, status = process.lua [[
      local netmail = require "netmail"
      local function resident()
        for line in io.lines "/proc/self/status" do
          local kb = line:match "^VmRSS:%s*(%d+) kB"
          if kb then return tonumber(kb) end
        end
      end
      local body = ("x"):rep(1000)
      local m = netmail.MailMessage { From = "a@x.org", To = "b@x.org", Subject = body, Text = body }
      local within = netmail.Part { Message = m }
      local nested = netmail.Part { Multipart = "mixed", Parts = { within, within } }
      local makers = {
        function() return netmail.Part { Text = body } end,
        function() return netmail.Part { Message = m } end,
        function() return netmail.Part { Multipart = "mixed", Parts = { netmail.Part { Content = body } } } end,
        function() return netmail.Part { External = { ["access-type"] = "URL", URL = body } } end,
        function() return within.Message end,
        function() return nested.Parts[2] end,
        function() within.Parameters = { a = body } end,
        function() return pcall(netmail.Part, { Text = body, Parameters = { a = "b", ["c d"] = "e" } }) end,
        function() return pcall(netmail.Part, { Parts = { within }, Multipart = "text/plain" }) end,
        function() return pcall(netmail.Part, { External = { URL = body } }) end,
      }
      for k, make in ipairs(makers) do
        local function round()
          for _ = 1, 20000 do make() end -- nobody calls the collector: it must know of what is in C
          collectgarbage() collectgarbage()
          return resident()
        end
        round()
        local before = round()
        round()
        local grown = round() - before
        if grown > 4096 then print(("maker %d leaves %d kB"):format(k, grown)) end
      end
      if resident() > 60000 then print(("%d kB at the end"):format(resident())) end
    ]]
    assert.equal("", text)
    assert.equal(0, status)
  end)
end)
