-- The tree of a built message and its attachments, read back by Python's email package.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"
local process = require "spec.support.process"

local Attachment = netmail.Attachment
local message, check_wire, check_defects, each = built.message, built.check_wire, built.check_defects, built.each

describe("a rendered tree", function()
  it("has the tree that its parts need, in all combinations", function()
    local rows = {}
    local function shape_of(text, html, inlines, files)
      local body = text and html and "alternative(plain,html)" or html and "html" or text and "plain"
      if html and inlines > 0 then
        body = "related(" .. body .. (",png"):rep(inlines) .. ")"
        inlines = 0
      end
      local rest = (",pdf"):rep(files) .. (",png"):rep(inlines)
      if rest == "" then return body or "plain" end
      return "mixed(" .. ((body or "") .. rest):gsub("^,", "") .. ")"
    end
    for mask = 0, 35 do
      local text, html = mask % 2 == 1, math.floor(mask / 2) % 2 == 1
      local inlines, files = math.floor(mask / 4) % 3, math.floor(mask / 12)
      local m = message { Text = text and "текст\n" or nil, Html = html and "<p>html</p>\n" or nil }
      for i = 1, files do m.Attachments:Add(Attachment { Content = "file" .. i, Name = "f" .. i .. ".pdf" }) end
      for i = 1, inlines do m.Attachments:Add(Attachment { Content = "image" .. i, Name = "i" .. i .. ".png", ContentId = "id" .. i }) end
      rows[#rows + 1] = { m, function(p, _, what)
        assert.equal(shape_of(text, html, inlines, files), mail.shape(p.root), what)
        local pictures, papers = 0, 0
        for _, leaf in ipairs(mail.leaves(p.root)) do
          if leaf.type == "image/png" then
            pictures = pictures + 1
            assert.equal("inline", leaf.disposition, what)
            assert.equal("<id" .. pictures .. ">", leaf.id, what)
            assert.equal("image" .. pictures, leaf.content, what)
            assert.equal("i" .. pictures .. ".png", leaf.filename, what)
          elseif leaf.type == "application/pdf" then
            papers = papers + 1
            assert.equal("attachment", leaf.disposition, what)
            assert.is_nil(leaf.id, what)
            assert.equal("file" .. papers, leaf.content, what)
            assert.equal("f" .. papers .. ".pdf", leaf.filename, what)
          elseif leaf.type == "text/html" then
            assert.equal("<p>html</p>\r\n", leaf.content, what)
          elseif text then
            assert.equal("текст\r\n", leaf.text, what)
          end
        end
        assert.equal(inlines, pictures, what)
        assert.equal(files, papers, what)
      end, what = shape_of(text, html, inlines, files) }
    end
    each(rows)
  end)

  it("names the root of a related part by its type", function()
    each {
      { message { Html = "<p>", Attachments = { Attachment { Content = "x", ContentId = "c" } } }, function(_, text)
        assert.is_truthy(text:find('multipart/related; type="text/html"', 1, true))
      end },
      { message { Text = "t", Html = "<p>", Attachments = { Attachment { Content = "x", ContentId = "c" } } }, function(_, text)
        assert.is_truthy(text:find('multipart/related; type="multipart/alternative"', 1, true))
      end },
    }
  end)

  it("attaches an inline part without an id, and one without HTML, like the others", function()
    each { { message { Html = "<p>", Attachments = { Attachment { Content = "x", Name = "a.png", Inline = true } } }, function(p)
      assert.equal("mixed(html,png)", mail.shape(p.root))
      assert.equal("inline", p.root.parts[2].disposition)
    end } }
  end)

  it("gives file names of every kind back", function()
    local names = {
      "a.txt", "report.pdf", "na me.txt", "отчёт.pdf", "отчёт за год (окончательный) версия 2.docx", "文件.doc", ("文件"):rep(60) .. ".doc",
      "😀.png", "naïve file.txt", 'a"b.txt', "a'b''c.txt", "a;b=c.txt", "a,b.txt", "%41.txt", "utf-8''evil.exe", "=?utf-8?q?evil.exe?=",
      "a*0=b", ".htaccess", "-rf", "con", " lead.txt", "e\204\129.txt", ("a"):rep(200) .. ".txt", ("a b "):rep(50) .. "c.txt",
      ("ж"):rep(500), "a[1].txt", "a(b).txt", "a@b.txt", "a\tb.txt", 'a"; filename="b.exe', "\226\128\174cod.exe", "a\127b",
      "a\1b", "~", "a?b",
    }
    local m = message { Text = "x" }
    for _, name in ipairs(names) do
      m.Attachments:Add(Attachment { Content = name, Name = name, ContentType = "application/octet-stream" })
    end
    local text = assert(m:ToString())
    check_wire(text)
    local parsed = mail.parse(text)
    assert.equal(#names + 1, #parsed.root.parts)
    for i, name in ipairs(names) do
      local part = parsed.root.parts[i + 1]
      assert.equal(m.Attachments[i].Name, name)
      assert.equal(name, part.filename)
      assert.equal(name, part.content)
      assert.equal("attachment", part.disposition)
      local _, disposition = mail.field(part, "Content-Disposition")
      assert.same({}, disposition.defects)
    end
    check_defects(parsed, "file names")
  end)

  it("gives every byte of an attachment back, whatever its length", function()
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    local contents = { table.concat(all), mail.noise(5000), mail.noise(16383), mail.noise(16384), mail.noise(16385), ("\0"):rep(3000),
      ("\255"):rep(300), "\r\n", "\n", "\r", "\r\n\r\n", "--", "--=_1_", ".\r\n", "\r\n.\r\n", "From x\n" }
    for n = 0, 100 do contents[#contents + 1] = mail.noise(n, n) end
    local m = message { Text = "x" }
    for _, content in ipairs(contents) do m.Attachments:Add(Attachment { Content = content, Name = "x.bin" }) end
    each { { m, function(p)
      assert.equal(#contents + 1, #p.root.parts)
      for i, content in ipairs(contents) do
        assert.is_true(content == p.root.parts[i + 1].content, ("content %d of %d bytes"):format(i, #content))
      end
    end } }
  end)

  it("gives every byte of a text file back, from memory and from disk", function()
    local folder, remove = mail.folder()
    local contents = {
      "", "x", "a\nb\n", "a\r\nb\r\n", "a\rb", "a\r\nb\nc", "\n", "\r\n", ".\r\n", "\r\n.\r\n", "From x\r\ny\r\n", "Привет\r\n", "Привет\n",
      "\255\254x\r\n",
      "\0\r\n", ("x"):rep(999) .. "\r\n", ("x"):rep(998) .. "\r\n", ("x\r\n"):rep(3000), ("ж\r\n"):rep(3000), "a \r\nb\t\r\n", "--\r\n",
      "=\r\n",
      "no end", "no\r\nend", ("y"):rep(20000), "\r\n\r\n\r\n", "x\r\n\r\n",
    }
    local m = message { Text = "x" }
    for i, content in ipairs(contents) do
      local path = ("%s/%d.txt"):format(folder, i)
      process.write(path, content)
      m.Attachments:Add(Attachment.Create(path))
      m.Attachments:Add(Attachment { Content = content, Name = i .. ".csv" })
    end
    each { { m, function(p)
      assert.equal(2 * #contents + 1, #p.root.parts)
      for i, content in ipairs(contents) do
        for k = 0, 1 do
          local part = p.root.parts[2 * i + k]
          assert.equal(k == 0 and "text/plain" or "text/csv", part.type)
          assert.equal(content, part.content, i .. " as " .. part.encoding)
        end
      end
    end } }
    remove()
  end)

  it("names the charset of a text file only where it can be seen", function()
    local m = message { Text = "x", Attachments = { Attachment { Content = "ascii\r\n", Name = "a.txt" },
      Attachment { Content = "Привет\r\n", Name = "u.txt" },
      Attachment { Content = "\207\240\232\226\229\242\r\n", Name = "cp1251.txt" } } }
    each { { m, function(p)
      assert.equal("us-ascii", p.root.parts[2].charset)
      assert.equal("utf-8", p.root.parts[3].charset)
      assert.is_nil(p.root.parts[4].charset)
    end } }
  end)

  it("has boundaries that are new each time, so that no body can hold them", function()
    local m = message { Text = "x", Attachments = Attachment { Content = "y", Name = "y.txt" } }
    local seen = {}
    for _ = 1, 200 do
      local boundary = m:ToString():match 'boundary="([^"]+)"'
      assert.is_true(#boundary >= 30 and #boundary <= 70)
      assert.is_nil(seen[boundary])
      seen[boundary] = true
    end
    local one = m:ToString()
    m.Text = one
    m.Attachments[1].Name = "z.txt"
    m.Attachments:Add(Attachment { Content = one, Name = "message.txt" })
    each { { m, function(p)
      assert.equal(one, p.root.parts[1].content)
      assert.equal(one, p.root.parts[3].content)
    end } }
  end)
end)
