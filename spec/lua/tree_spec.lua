-- The tree of a message with views, linked resources, messages within and parts nested by hand, as Python's email reads it.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"

local Part, Attachment = netmail.Part, netmail.Attachment
local message, each = built.message, built.each

-- "mixed(text/plain message/rfc822(text/html))"
local function shape(part)
  local inner = {}
  for i, p in ipairs(part.parts or {}) do inner[i] = shape(p) end
  local type = part.type:gsub("^multipart/", "")
  return part.parts and type .. "(" .. table.concat(inner, " ") .. ")" or type
end

local function png(id) return Part { Content = "png", Name = "a.png", ContentId = id } end
local function pdf() return Attachment { Content = "pdf", Name = "a.pdf" } end
local function has(row, tree, check)
  return { row, function(p, text, what)
    assert.equal(tree, shape(p.root), what)
    if check then check(p, text) end
  end, what = tree }
end

describe("a tree", function()
  it("has alternate views where readers look for them", function()
    local plain, amp = Part { Text = "enriched", ContentType = "text/enriched" }, Part { Html = "<p>", ContentType = "text/x-amp-html" }
    each {
      has(message { AlternateViews = { plain } }, "text/enriched"),
      has(message { AlternateViews = plain }, "text/enriched"),
      has(message { Text = "t", AlternateViews = { plain } }, "alternative(text/plain text/enriched)"),
      has(message { Text = "t", Html = "h", AlternateViews = { plain, amp } },
        "alternative(text/plain text/enriched text/x-amp-html text/html)", function(p)
          for _, leaf in ipairs(p.root.parts) do
            assert.is_nil(leaf.disposition)
            assert.equal("utf-8", leaf.charset)
          end
        end),
      has(message { Text = "t", AlternateViews = { Part { Html = "h" } }, LinkedResources = { png "i" } },
        "related(alternative(text/plain text/html) image/png)"),
    }
  end)

  it("has linked resources beside the html that shows them, else among the attachments", function()
    each {
      has(message { Html = "<img src=cid:i>", LinkedResources = { png "i", png() }, Attachments = { pdf() } },
        "mixed(related(text/html image/png image/png) application/pdf)", function(p)
          local related = p.root.parts[1]
          assert.equal("<i>", related.parts[2].id)
          assert.equal("inline", related.parts[2].disposition)
          assert.equal("inline", related.parts[3].disposition)
          assert.equal("attachment", p.root.parts[2].disposition)
          assert.equal("png", related.parts[3].content)
        end),
      has(message { Text = "t", LinkedResources = { png "i" } }, "mixed(text/plain image/png)"),
      has(message { LinkedResources = { png "i" } }, "mixed(image/png)"),
    }
  end)

  it("has messages within as they are", function()
    local inner = message { From = "Я <i@x.org>", Subject = "Внутри", Text = "Привет", Html = "<p>", BodyEncoding = "koi8-r",
      MessageId = "inner@x.org", Date = "1 Jan 2001 00:00:00 +0300", Bcc = "secret@x.org", Attachments = { pdf() } }
    each {
      has(message { Text = "t", Attachments = { Part { Message = inner, Name = "старое.eml" } } },
        "mixed(text/plain message/rfc822(mixed(alternative(text/plain text/html) application/pdf)))", function(p, text)
          local part = p.root.parts[2]
          assert.equal("attachment", part.disposition)
          assert.equal("старое.eml", part.filename)
          assert.is_nil(part.encoding)
          local within = part.parts[1]
          assert.equal("Внутри", (mail.field(within, "Subject")))
          assert.equal("<inner@x.org>", (mail.field(within, "Message-ID")))
          assert.is_truthy(mail.field(within, "Date"):find("01 Jan 2001 00:00:00 +0300", 1, true))
          assert.equal("koi8-r", within.parts[1].parts[1].charset)
          assert.equal("Привет", within.parts[1].parts[1].text)
          assert.is_nil(text:find("secret", 1, true))
        end),
      has(message { RootPart = Part { Message = message { Text = "t" } } }, "message/rfc822(text/plain)"),
      has(message { RootPart = Part { Message = message {} } }, "message/rfc822(text/plain)"),
    }
  end)

  it("is nested by hand as it was said", function()
    local function letter(n) return Part { Message = message { Subject = "n" .. n, Text = "t" .. n } } end
    local sound, picture = Part { Content = "s", ContentType = "audio/basic" }, png()
    each {
      has(message { RootPart = Part { Multipart = "digest", Parts = { letter(1), letter(2) } } },
        "digest(message/rfc822(text/plain) message/rfc822(text/plain))", function(p)
          assert.equal("n2", (mail.field(p.root.parts[2].parts[1], "Subject")))
        end),
      has(message { RootPart = Part { Multipart = "parallel", Parts = { sound, picture } }, Attachments = { pdf() } },
        "mixed(parallel(audio/basic image/png) application/pdf)"),
      has(message { RootPart = Part { Multipart = "related", Parts = { Part { Html = "h" }, picture },
        Parameters = { start = "<a@b>" } } }, "related(text/html image/png)", function(_, text)
          assert.is_truthy(text:find('multipart/related; type="text/html"; start="<a@b>"', 1, true))
        end),
      has(message { RootPart = Part { Text = "t", Charset = "koi8-r", Parameters = { format = "flowed" } } }, "text/plain",
        function(p, text)
          assert.equal("koi8-r", p.root.charset)
          assert.is_truthy(text:find("text/plain; charset=koi8-r; format=flowed\r\n", 1, true))
        end),
      has(message { RootPart = Part { Multipart = "x-a", Parts = { Part { Multipart = "x-b", Parts = { Part { Text = "t" } } } } } },
        "x-a(x-b(text/plain))"),
    }
  end)

  it("has a root that stands alone", function()
    for name, value in pairs { Text = "t", Html = "h", AlternateViews = { png() }, LinkedResources = { png() },
      Calendar = "BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR" } do
      mail.fails("RootPart stands for the whole body", message { RootPart = png(), [name] = value }:ToString())
    end
  end)

  it("says of a body that is elsewhere where it is", function()
    local long = "https://x.org/" .. ("a/"):rep(100)
    local elsewhere = Part { External = { ["access-type"] = "URL", URL = long }, ContentType = "application/pdf", Name = "big.pdf",
      ContentDescription = "Большой файл", ContentLanguage = "ru" }
    each { has(message { Text = "t", Attachments = { elsewhere } }, "mixed(text/plain message/external-body(application/pdf))", function(p)
      local part = p.root.parts[2]
      local _, type = mail.field(part, "Content-Type")
      local url = {}
      for i, piece in type.value:gmatch "URL%*?(%d*)%*?=\"?([^;\"]*)" do url[#url + 1] = i and piece end
      assert.is_truthy(#url > 0)
      assert.equal("Большой файл", (mail.field(part, "Content-Description")))
      assert.is_truthy(part.parts[1].id)
      assert.equal("big.pdf", part.parts[1].filename)
      assert.equal("ru", (mail.field(part.parts[1], "Content-Language")))
    end) }
  end)

  it("keeps the fields of every part", function()
    local p = Part { Content = "a,b\r\n", ContentType = "text/csv", Charset = "us-ascii", Name = "t.csv", ContentId = "t@x",
      ContentDescription = "Таблица", ContentLocation = "https://x.org/t", ContentLanguage = "ru,en-GB", Disposition = "attachment",
      TransferEncoding = "base64" }
    each { has(message { Text = "t", Attachments = { p } }, "mixed(text/plain text/csv)", function(parsed)
      local part = parsed.root.parts[2]
      assert.equal("a,b\r\n", part.content)
      assert.equal("base64", part.encoding)
      assert.equal("us-ascii", part.charset)
      assert.equal("<t@x>", part.id)
      assert.equal("attachment", part.disposition)
      assert.equal("t.csv", part.filename)
      assert.equal("Таблица", (mail.field(part, "Content-Description")))
      assert.equal("https://x.org/t", (mail.field(part, "Content-Location")))
      assert.equal("ru, en-GB", (mail.field(part, "Content-Language")))
    end) }
  end)

  it("encodes as it was wished, or says what is in the way", function()
    local rows = {}
    for _, cte in ipairs { "quoted-printable", "base64" } do
      rows[#rows + 1] = has(message { Text = "Привет\n", Html = "<p>", BodyTransferEncoding = cte }, "alternative(text/plain text/html)",
        function(p)
          assert.equal(cte, p.root.parts[1].encoding)
          assert.equal(cte, p.root.parts[2].encoding)
          assert.equal("Привет\r\n", p.root.parts[1].text)
        end)
    end
    -- nobody has allowed it: it must arrive all the same
    rows[#rows + 1] = has(message { Text = "Привет\n", BodyTransferEncoding = "binary" }, "text/plain", function(p)
      assert.equal("Привет\r\n", p.root.text)
    end)
    each(rows)
    local text = message { Text = "Привет\n", BodyTransferEncoding = "8bit" }:ToString()
    assert.equal("Привет\r\n", text:match "\r\n\r\n(.*)")
    assert.is_truthy(text:find("Content-Transfer-Encoding: 8bit", 1, true))
    mail.fails("7bit", message { Text = "é", BodyTransferEncoding = "7bit" }:ToString())
    mail.fails("7bit", message { Attachments = { Part { Content = "\0", TransferEncoding = "7bit" } } }:ToString())
  end)
end)
