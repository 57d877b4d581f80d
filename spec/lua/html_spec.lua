local netmail = require "netmail"
local lfs = require "lfs"
local mail = require "spec.support.mail"
local process = require "spec.support.process"

local raises, fails = mail.raises, mail.fails

local here = "spec/lua/newsletters/"

describe("HtmlToText", function()
  for _, name in ipairs { "shop", "digest", "receipt" } do
    it("makes a readable text of the newsletter " .. name, function()
      assert.equal(process.read(here .. name .. ".txt"), netmail.HtmlToText(process.read(here .. name .. ".html")))
    end)
  end

  it("takes any HTML", function()
    assert.equal("", netmail.HtmlToText "")
    assert.equal("a & b\n", netmail.HtmlToText "a &amp; b")
    assert.equal("1 < 2\n", netmail.HtmlToText "1 < 2")
    assert.equal("ab\n", netmail.HtmlToText "a\0b")
    assert.equal("a\n", netmail.HtmlToText "a<p title='never closed")
  end)

  it("refuses what is not UTF-8", function()
    fails("not valid UTF-8 at byte 3", netmail.HtmlToText "ab\255")
  end)

  it("raises for a wrong type", function()
    raises("bad value for 'html' (string expected, got number)", function() netmail.HtmlToText(5) end)
    raises("bad value for 'html' (string expected, got nothing)", function() netmail.HtmlToText() end)
    raises("bad value for 'html' (string expected, got nothing)", function() netmail.HtmlToText(nil) end)
  end)

  it("is linear and does not recurse", function()
    for _, unit in ipairs { "<div>", "<", "<blockquote>", "<table><tr><td>", "&#", "<a b='", "<!--", "<ul><li>x", "<img src=\"data:;" } do
      local text = netmail.HtmlToText(unit:rep(200000))
      assert.equal("string", type(text))
    end
  end)
end)

describe("TextFromHtml", function()
  local function parsed(fields)
    fields.From, fields.To, fields.Subject = "a@x.org", "b@x.org", "s"
    return mail.parse(assert(netmail.MailMessage(fields):ToString())).root
  end

  it("makes the text alternative while the message is rendered", function()
    local m = netmail.MailMessage { From = "a@x.org", To = "b@x.org", Html = "<h1>One</h1><ul><li>two", TextFromHtml = true }
    assert.is_true(m.TextFromHtml)
    assert.is_nil(m.Text)
    local got = mail.parse(m:ToString()).root
    assert.equal("alternative(plain,html)", mail.shape(got))
    assert.equal("One\n\n* two", (got.parts[1].text:gsub("\r\n", "\n"):gsub("\n+$", "")))
    m.Html = "<p>three"
    assert.is_truthy(mail.parse(m:ToString()).root.parts[1].text:find("three", 1, true))
    m.TextFromHtml = false
    assert.equal("html", mail.shape(mail.parse(m:ToString()).root))
    assert.is_nil(m.Text)
  end)

  it("is off by default, and gives way to a Text", function()
    assert.is_false(netmail.MailMessage {}.TextFromHtml)
    assert.equal("html", mail.shape(parsed { Html = "<p>a" }))
    local got = parsed { Html = "<p>a", Text = "own", TextFromHtml = true }
    assert.equal("own", (got.parts[1].text:gsub("%s+$", "")))
    assert.equal("plain", mail.shape(parsed { Text = "a", TextFromHtml = true }))
    raises("TextFromHtml", function() netmail.MailMessage {}.TextFromHtml = 1 end)
  end)

  it("falls back to UTF-8 for a character that BodyEncoding lacks", function()
    local got = parsed { Html = "<p>цена 5 &euro;", BodyEncoding = "koi8-r", TextFromHtml = true }
    assert.equal("цена 5 €", (got.parts[1].text:gsub("%s+$", "")))
    assert.is_truthy(got.parts[2].text:find("цена 5 &euro;", 1, true))
  end)
end)

describe("EmbedImages", function()
  local outer, base, remove_base, remove_outer

  local function write(name, text) process.write(base .. "/" .. name, text) end

  local function message(html)
    return netmail.MailMessage { From = "a@x.org", To = "b@x.org", Html = html }
  end

  setup(function()
    base, remove_base = mail.folder()
    outer, remove_outer = mail.folder()
    process.write(outer .. "/secret.png", "secret")
    write("logo.png", "\137PNG\r\n\26\nlogo")
    write("photo one.jpg", "\255\216photo")
    write("same.png", "\137PNG\r\n\26\nlogo")
    write("report.pdf", "%PDF")
    assert(lfs.link(outer .. "/secret.png", base .. "/out.png", true))
    assert(lfs.link("/dev/zero", base .. "/zero.png", true))
    process.run("mkfifo " .. base .. "/pipe.png")
    assert(lfs.mkdir(base .. "/dir.png"))
  end)

  teardown(function()
    lfs.rmdir(base .. "/dir.png")
    remove_base()
    remove_outer()
  end)

  it("puts pictures beside the HTML that shows them", function()
    local m = message "<img src=logo.png><img src='photo%20one.jpg'><td background='logo.png'><img src='same.png'>"
    assert.equal(2, m:EmbedImages(base))
    assert.equal(2, m.LinkedResources.Count)
    local logo, photo = m.LinkedResources[1], m.LinkedResources[2]
    assert.equal("logo.png", logo.Name)
    assert.equal("image/png", logo.ContentType)
    assert.equal("photo one.jpg", photo.Name)
    assert.not_equal(logo.ContentId, photo.ContentId)
    assert.equal(("<img src=cid:%s><img src='cid:%s'><td background='cid:%s'><img src='cid:%s'>")
      :format(logo.ContentId, photo.ContentId, logo.ContentId, logo.ContentId), m.Html)
    local got = mail.parse(m:ToString()).root
    assert.equal("related(html,png,jpeg)", mail.shape(got))
    assert.equal("<" .. logo.ContentId .. ">", mail.field(got.parts[2], "Content-ID"))
    assert.is_truthy(mail.field(got.parts[2], "Content-Disposition"):find("^inline"))
    assert.equal(0, m:EmbedImages(base))
  end)

  it("takes data: URIs, also without a directory", function()
    local m = message "<img src='data:image/png;base64,aGVsbG8='><p style=\"background:url('data:image/gif,GIF')\"><img src=logo.png>"
    assert.equal(2, m:EmbedImages())
    assert.equal("image1.png", m.LinkedResources[1].Name)
    assert.is_truthy(m.Html:find("<img src=logo.png>", 1, true))
    assert.is_nil(m.Html:find("data:", 1, true))
    assert.equal(1, m:EmbedImages(base))
  end)

  it("leaves alone what it may not read", function()
    local html = [[<img src="http://169.254.169.254/x.png"><img src="https://x.org/a.png"><img src="//host/x.png"><img src="\\host\x.png">]]
      .. [[<img src="file:///etc/passwd"><img src="phar://a.png"><img src="/etc/passwd"><img src="C:\a.png"><img src="cid:a">]]
      .. [[<a href="logo.png">x</a><link href="logo.png"><script src="logo.png"></script><!-- <img src="logo.png"> -->]]
    local m = message(html)
    assert.equal(0, m:EmbedImages(base))
    assert.equal(html, m.Html)
    assert.equal(0, m.LinkedResources.Count)
  end)

  local refused = {
    ["../secret.png"] = '".."', ["../../etc/passwd"] = '".."', ["%2e%2e/secret.png"] = '".."', ["..%2Fsecret.png"] = '".."',
    ["..\\secret.png"] = '".."', ["&#x2e;./secret.png"] = '".."', ["%2Fetc/passwd.png"] = "absolute", ["logo.png%00.jpg"] = "NUL",
    ["out.png"] = "symbolic link", ["zero.png"] = "symbolic link", ["pipe.png"] = "pipe", ["dir.png"] = "directory",
    ["none.png"] = "does not exist", ["report.pdf"] = "application/pdf", ["data:text/html,x"] = "text/html",
    ["data:image/png;base64,a"] = "base64",
  }
  for reference, why in pairs(refused) do
    it("takes all or nothing: " .. reference:gsub("%c", " "), function()
      local html = "<img src=logo.png><img src='" .. reference .. "'>"
      local m = message(html)
      fails(why, m:EmbedImages(base))
      assert.equal(html, m.Html)
      assert.equal(0, m.LinkedResources.Count)
    end)
  end

  it("names a base directory that is none", function()
    fails("/no/such/place", message "<p>":EmbedImages "/no/such/place")
    fails("not a directory", message "<p>":EmbedImages(base .. "/logo.png"))
    fails("empty", message "<p>":EmbedImages "")
    fails("NUL", message "<p>":EmbedImages(base .. "\0x"))
    fails("Html", netmail.MailMessage {}:EmbedImages(base))
    raises("bad value for 'base_directory' (string expected, got table)", function() message "<p>":EmbedImages {} end)
  end)

  it("tells the collector what it holds", function()
    local function resident()
      for line in io.lines "/proc/self/status" do
        local kb = line:match "^VmRSS:%s*(%d+)"
        if kb then return tonumber(kb) end
      end
    end
    if not process.exists "/proc/self/status" then return pending "there is no /proc" end
    write("large.png", ("x"):rep(4000000))
    collectgarbage()
    local before, most = resident(), 0
    for _ = 1, 100 do
      assert.equal(1, message "<img src=large.png>":EmbedImages(base))
      most = math.max(most, resident() - before)
    end
    assert.is_true(most < 60000, most .. " KB")
  end)

  it("is linear", function()
    local m = message("<img src=\"data:" .. (";"):rep(1000000))
    assert.equal(0, m:EmbedImages(base))
    m = message("<img src=\"data:image/png" .. (";a"):rep(1000000) .. "\">")
    fails("comma", m:EmbedImages(base))
    m = message(("<img src=logo.png>"):rep(50000))
    assert.equal(1, m:EmbedImages(base))
  end)
end)
