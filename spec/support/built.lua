-- For the specs that read built messages back by Python's email package.

local netmail = require "netmail"
local mail = require "spec.support.mail"
local assert = require "luassert"

local MailMessage = netmail.MailMessage

local built = {}

-- A parameter in both forms, RFC 2231 and, for old readers, an encoded word: Python has seen that this is one too many.
local expected_defects = {
  ["Content-Type: encoded word inside quoted string"] = true,
  ["Content-Type: missing trailing whitespace after encoded-word"] = true,
  ["Content-Type: missing whitespace between encoded words"] = true,
  ["Content-Type: duplicate parameter name; duplicate(s) ignored"] = true,
}

function built.check_defects(parsed, what)
  for _, defect in ipairs(parsed.defects) do
    -- the second: decoded from an encoded file name
    local expected = expected_defects[defect] or defect:find("^Content%-Type: the following ASCII non%-printables")
    assert.is_truthy(expected, what .. ": " .. defect)
  end
end

function built.message(fields)
  fields.From = fields.From or "a@x.org"
  fields.To = fields.To or "b@y.org"
  return MailMessage(fields)
end

-- What must be true of every message on the wire, whatever is in it.
function built.check_wire(text, what)
  what = what or ""
  assert.equal("\r\n", text:sub(-2), what)
  assert.is_nil(text:find("[^\r]\n"), what .. ": a bare LF")
  assert.is_nil(text:find("\r[^\n]"), what .. ": a bare CR")
  assert.is_nil(text:find("[\128-\255%z]"), what .. ": eight bits or a NUL")
  local header = true
  for line in text:gmatch "(.-)\r\n" do
    if line == "" then header = false end
    assert.is_true(#line <= (header and 78 or 998), what .. ": long line " .. #line)
    if header then assert.is_nil(line:find("[%z\1-\31\127]"), what .. ": a control character") end
    assert.is_nil(line:find "^From ", what .. ": a line that mbox takes for a new message")
  end
end

local base64 = {}
for i = 0, 63 do
  base64[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):sub(i + 1, i + 1)] = i
end

local function decode_base64(s)
  local out, bits, n = {}, 0, 0
  for c in s:gmatch "[^=]" do
    bits, n = bits * 64 + assert(base64[c], "not base64: " .. c), n + 6
    if n >= 8 then
      local unit = 2 ^ (n - 8)
      out[#out + 1] = string.char(math.floor(bits / unit))
      bits, n = bits % unit, n - 8
    end
  end
  return table.concat(out)
end

local function is_utf8(s)
  -- what a subject takes is UTF-8
  return MailMessage.TryNew { Text = s } ~= nil
end

-- RFC 2047: 75 characters at most, and each word holds whole characters.
function built.check_words(header, what)
  for word, charset, encoding, text in header:gmatch "(=%?([^?%s]+)%?([BQ])%?([^?%s]*)%?=)" do
    assert.is_true(#word <= 75, what .. ": long encoded word")
    if charset == "utf-8" then
      local bytes = encoding == "B" and decode_base64(text)
        or text:gsub("_", " "):gsub("=(%x%x)", function(h) return string.char(tonumber(h, 16)) end)
      assert.is_true(is_utf8(bytes), what .. ": a character is split: " .. word)
    end
  end
end

-- Renders and reads back; each row is { message, check }.
function built.each(rows)
  local texts = {}
  for i, row in ipairs(rows) do
    texts[i] = assert(row[1]:ToString())
    built.check_wire(texts[i], row.what)
  end
  for i, parsed in ipairs(mail.parse_all(texts)) do
    built.check_defects(parsed, rows[i].what or i)
    rows[i][2](parsed, texts[i], rows[i].what or i)
  end
end

function built.normal(text)
  return (text:gsub("\r\n", "\n"):gsub("\r", "\n"):gsub("\n", "\r\n"))
end

-- A body alone must end in a line end on the wire.
function built.as_root(text, encoding)
  text = built.normal(text)
  return encoding ~= "base64" and text ~= "" and text:sub(-2) ~= "\r\n" and text .. "\r\n" or text
end

function built.masked(text)
  return (text:gsub("Date: [^\r]+", "Date: D"):gsub("Message%-ID: <%x+@", "Message-ID: <ID@"):gsub("=_(%d+)_%x+", "=_%1_B"))
end

function built.lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

return built
