-- Bodies of built messages, read back by Python's email package.

local built = require "spec.support.built"
local mail = require "spec.support.mail"

local message, each, normal, as_root = built.message, built.each, built.normal, built.as_root

describe("a rendered body", function()
  local bodies = {
    "", "x", "x\n", "a\nb", "a\r\nb\r\n", "a\rb\r", "\n", "\n\n\n", "\r", "\r\n", "\n\r", "\r\r\n", ".", ".\n", "\n.\n", "\r\n.\r\n",
    "..\n.",
    "a\r\n.\r\nMAIL FROM:<e@z.org>\r\n", "From me\nto you\n", "a\nFrom b\n>From c\n", "From", "line  \nwith spaces at \t\nits end ",
    "=", "=3D=20=\n=", "tabs\tand\t\n", "Привет, мир!\n", "中文\n", "😀", "naïve", ("x"):rep(76), ("x"):rep(77), ("x"):rep(998),
    ("x"):rep(999), ("x"):rep(998) .. "\n" .. ("y"):rep(998), ("x"):rep(5000), ("x y "):rep(5000), ("ж"):rep(3000), ("жить "):rep(2000),
    ("a"):rep(1000) .. "\n" .. ("é"):rep(3), "\239\187\191bom", "\194\160nbsp", "\12form feed\n", "\1\2\27\127", "\194\128",
    "--=_1_00000000000000000000000000000000\n", "--\n", "Content-Type: text/html\n\n<script>", "\n\nSubject: x\n\n", ("short\n"):rep(5000),
    ("é\n"):rep(5000), ("."):rep(200), (".\n"):rep(200), ("\n."):rep(200), "%s %d %n", "a\226\128\168b\226\128\169c\194\133d",
    ("x"):rep(16384), ("x"):rep(16385), ("ж\n"):rep(10000), ("x"):rep(70000) .. "\n",
  }

  it("has a body that comes back line by line, as text and as HTML", function()
    local rows = {}
    for i, body in ipairs(bodies) do
      rows[#rows + 1] = { message { Text = body }, function(p, _, what)
        assert.equal("text/plain", p.root.type, what)
        assert.equal("utf-8", p.root.charset, what)
        assert.equal(as_root(body, p.root.encoding), p.root.content, what)
      end, what = "text " .. i }
      rows[#rows + 1] = { message { Body = body, IsBodyHtml = true }, function(p, _, what)
        assert.equal("text/html", p.root.type, what)
        assert.equal(as_root(body, p.root.encoding), p.root.content, what)
      end, what = "html " .. i }
      rows[#rows + 1] = { message { Text = body, Html = body }, function(p, _, what)
        assert.equal("alternative(plain,html)", mail.shape(p.root), what)
        for _, leaf in ipairs(mail.leaves(p.root)) do assert.equal(normal(body), leaf.content, what) end
      end, what = "both " .. i }
    end
    each(rows)
  end)

  it("takes the encoding that its text needs and no more", function()
    local rows = {}
    for _, row in ipairs { { "plain\ntext\n", "7bit" }, { "", "7bit" }, { ("x"):rep(998) .. "\n", "7bit" },
      { "mostly ascii, and one é\n", "quoted-printable" }, { ("word "):rep(300) .. "\n", "quoted-printable" },
      { "Привет, мир\n", "base64" },
      { "From here\n", "quoted-printable" } } do
      rows[#rows + 1] = { message { Text = row[1] }, function(p) assert.equal(row[2], p.root.encoding) end }
    end
    each(rows)
  end)

  it("writes a body in the charset it is told to", function()
    local rows = {}
    for _, row in ipairs {
      { "koi8-r", "Текст письма\nв две строки\n" }, { "KOI8-U", "Привіт\n" }, { "windows-1251", "«Ёлка» — № 5\n" },
      { "ISO-2022-JP", "こんにちは\n世界\n" }, { "iso-2022-jp", ("長い行"):rep(500) }, { "shift_jis", "日本語\n" }, { "euc-jp", "日本語\n" },
      { "gb18030", "中文 😀\n" }, { "big5", "中文\n" }, { "euc-kr", "한국어\n" }, { "iso-8859-1", "naïve\n" }, { "iso-8859-15", "€\n" },
      { "us-ascii", "plain\n" }, { "koi8-r", "plain\n" }, { "koi8-r", ("Длинная строка "):rep(200) }, { "windows-1251", "" },
    } do
      local name = row[1]
      local function check(leaf, what, root)
        assert.equal(name:lower(), leaf.charset, what)
        assert.equal(root and as_root(row[2], leaf.encoding) or normal(row[2]), leaf.text, what)
      end
      rows[#rows + 1] = { message { Text = row[2], BodyEncoding = name }, function(p, _, what) check(p.root, what, true) end, what = name }
      rows[#rows + 1] = { message { Text = row[2], Html = row[2], BodyEncoding = name }, function(p, _, what)
        for _, leaf in ipairs(mail.leaves(p.root)) do check(leaf, what) end
      end, what = name .. " both" }
    end
    each(rows)
  end)
end)
