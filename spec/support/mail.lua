-- What the specs without a server share: errors with their position, folders that go away, third-party vectors, and
-- messages read back by Python.

local lfs = require "lfs"
local process = require "spec.support.process"
local say_assert = require "luassert"

local mail = {}

--- Calls f, which must raise a string that begins with the position of the call (`file:line: `) in the file named
-- (default: any spec) and holds the plain text; the message without its position is returned.
function mail.raises(text, f, ...)
  local ok, err = pcall(f, ...)
  say_assert.is_false(ok, "nothing was raised; expected: " .. text)
  say_assert.equal("string", type(err), "what was raised is no string")
  local message = err:match("^[^\n]-_spec%.lua:%d+: (.*)$")
  say_assert.is_truthy(message, "no position of the caller in: " .. err)
  say_assert.is_truthy(message:find(text, 1, true), "expected '" .. text .. "' in: " .. message)
  return message
end

--- Three values as functions return them for the world's faults: nil, text, detail. Returns the text.
function mail.fails(text, value, message, detail)
  say_assert.is_nil(value)
  say_assert.equal("string", type(message))
  say_assert.is_truthy(message:find(text, 1, true), "expected '" .. text .. "' in: " .. message)
  say_assert.equal("table", type(detail))
  say_assert.equal(message, tostring(detail))
  say_assert.equal("message", detail.Kind)
  return message
end

--- A new empty folder; the function returned takes it away with all that is in it.
function mail.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(lfs.mkdir(path))
  return path, function()
    for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then os.remove(path .. "/" .. name) end
    end
    lfs.rmdir(path)
  end
end

--- The bytes of a third-party file, or nil and the reason why a spec is skipped.
function mail.vector(name)
  local folder = os.getenv "NETMAIL_VECTORS"
  if not folder or folder == "" then return nil, "NETMAIL_VECTORS is not set" end
  local path = folder .. "/" .. name
  if not process.exists(path) then return nil, path .. " is not there" end
  return process.read(path)
end

--- The same, read as JSON (busted itself needs dkjson).
function mail.json(name)
  local text, reason = mail.vector(name)
  if not text then return nil, reason end
  local value, _, err = require("dkjson").decode(text)
  assert(value ~= nil, err)
  return value
end

function mail.unhex(s)
  return (s:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

--- One Unicode character in UTF-8, also where Lua has no library for it.
function mail.utf8(cp)
  if cp < 0x80 then return string.char(cp) end
  local room, lead, tail = 0x20, 0xc0, "" -- what the first byte holds, and its mark
  while true do
    tail = string.char(0x80 + cp % 0x40) .. tail
    cp = math.floor(cp / 0x40)
    if cp < room then return string.char(lead + cp) .. tail end
    room, lead = room / 2, lead + room
  end
end

--- n bytes that look random and are the same in every run.
function mail.noise(n, seed)
  local out, x = {}, (seed or 0) + 12345
  for i = 1, n do
    x = (x * 1103515 + 12345) % 2147483647
    out[i] = string.char(math.floor(x / 4096) % 256)
  end
  return table.concat(out)
end

-- Boundaries are random: what stands for them.
local function without_boundaries(text)
  return (text:gsub("=_(%d+)_%x+", "=_%1_"))
end

--- What MailMessage wrote, read by MailMessage.Parse and written again, has the same bytes. Returns what was read.
function mail.round_trip(text)
  local m = require("netmail").MailMessage.Parse(text)
  local again = assert(m:ToString())
  say_assert.equal(without_boundaries(text), without_boundaries(again))
  return m
end

--- Messages (texts) as Python's email package reads them: see spec/support/py/parse.py for what comes back.
function mail.parse_all(texts)
  local folder, remove = mail.folder()
  local words = { process.python .. "parse.py" }
  for i, text in ipairs(texts) do
    if text:find "\r\n" and not text:find "\nReceived:" then mail.round_trip(text) end
    local path = ("%s/%d.eml"):format(folder, i)
    process.write(path, text)
    words[#words + 1] = path
  end
  local out = folder .. "/out"
  local said, status = process.run(table.concat(words, " ") .. " > " .. out)
  local chunk = process.read(out)
  remove()
  assert(status == 0, "parse.py failed: " .. said)
  local got = process.load(chunk)
  return #texts == 1 and { got } or got
end

function mail.parse(text)
  return mail.parse_all({ text })[1]
end

--- The decoded value of a parsed message's or part's field; nil where there is none, an error where there are two.
function mail.field(part, name)
  local found
  for _, h in ipairs(part.headers) do
    if h.name:lower() == name:lower() then
      assert(found == nil, "two fields " .. name)
      found = h
    end
  end
  return found and found.value, found
end

--- The shape of a part tree: "mixed(plain,png)".
function mail.shape(part)
  local major, minor = part.type:match("^(.-)/(.*)$")
  if major ~= "multipart" then return minor end
  local parts = {}
  for i, p in ipairs(part.parts) do parts[i] = mail.shape(p) end
  return minor .. "(" .. table.concat(parts, ",") .. ")"
end

--- The leaves of a part tree, in order.
function mail.leaves(part, into)
  into = into or {}
  if part.parts then
    for _, p in ipairs(part.parts) do mail.leaves(p, into) end
  else
    into[#into + 1] = part
  end
  return into
end

return mail
