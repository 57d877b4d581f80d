-- A helper of busted: writes down every message that a spec builds or a server of the specs receives, with what was put
-- into it, for the readers that look at all of them afterwards (spec/support/py/readers.py). busted.sh loads it where
-- NETMAIL_CORPUS names the file to write.
--
-- A record is a dictionary in bencoding, which holds any bytes and which every language writes in a few lines:
--   test  the name of the spec
--   text  the message
--   put   what its author gave, as far as the message's properties tell; none for a message that was received

local netmail = require "netmail"
local busted = require "busted"
local process = require "spec.support.process"

local corpus = {}

-- A message of a gigabyte shows nothing to a reader that a small one does not.
local largest = 1024 * 1024

local file = assert(io.open(assert(os.getenv "NETMAIL_CORPUS"), "wb"))
local test = "?"

busted.subscribe({ "test", "start" }, function(element, parent)
  test = (parent and parent.name or "") .. " " .. element.name
  return nil, true
end)

local encode

local function encode_table(t)
  local out = {}
  if t[1] ~= nil or next(t) == nil then
    for i, v in ipairs(t) do out[i] = encode(v) end
    return "l" .. table.concat(out) .. "e"
  end
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys)
  for i, k in ipairs(keys) do out[i] = encode(k) .. encode(t[k]) end
  return "d" .. table.concat(out) .. "e"
end

function encode(v)
  if type(v) == "table" then return encode_table(v) end
  if type(v) == "number" then return ("i%.0fe"):format(v) end
  if type(v) == "boolean" then return v and "i1e" or "i0e" end
  return #v .. ":" .. v
end

-- What a stranger's ten thousand messages within each other became is for us to survive; mailparser needs gigabytes for it.
local most_parts = 200

local function has_too_many(text)
  text = text:lower()
  local _, multiparts = text:gsub("boundary=", "")
  local _, messages = text:gsub("message/rfc822", "")
  return multiparts + messages > most_parts
end

-- What others wrote, and broke, is written again by these specs; readers disagree about it as they did before.
local foreign = { "the messages of mail-parser", "a message that is parsed", "a message of a stranger" }

local function is_foreign()
  for _, name in ipairs(foreign) do
    if test:find(name, 1, true) then return true end
  end
  return false
end

--- Writes one message down. put: see above; may be nil.
function corpus.record(text, put)
  if #text > largest or has_too_many(text) or is_foreign() then return end
  file:write(encode { test = test, text = text, put = put })
  file:flush()
end

-- The bytes of an attachment, from memory or its file; nil where it is anything else.
local function content_of(attachment)
  if attachment.Size > largest then return nil end
  local bytes, path = attachment.Content, attachment.ContentName
  return bytes or path and process.exists(path) and process.read(path) or nil
end

-- Messages that are sent as they are: their properties say nothing of what is in them.
local raw = setmetatable({}, { __mode = "k" })

local function mailbox(address)
  return { address.DisplayName or "", address.AsciiAddress or address.Address }
end

local function mailboxes(list)
  local out = {}
  for i, address in list:Iter() do out[i] = mailbox(address) end
  return out
end

local function attachments_of(m)
  local out = {}
  for _, attachment in m.Attachments:Iter() do
    if attachment.Size then -- what has none is no octets, or only once
      out[#out + 1] = { name = attachment.Name, type = attachment.ContentType, id = attachment.ContentId, content = content_of(attachment) }
    end
  end
  return out
end

local function put_of(m)
  if raw[m] then return nil end
  local put = { from = { mailbox(m.From) }, to = mailboxes(m.To), cc = mailboxes(m.CC), ["reply-to"] = mailboxes(m.ReplyToList) }
  put.subject, put["message-id"], put["in-reply-to"], put.references = m.Subject, m.MessageId, m.InReplyTo, m.References
  if not m.RootPart then put.text, put.html, put.attachments = m.Text, m.Html, attachments_of(m) end
  return put
end

-- What a call gave, counted: nil at the end is a result too.
local function pack(...)
  return { n = select("#", ...), ... }
end

-- Raises as what was wrapped would have raised, with the position of the spec, which called our caller: pcall, which
-- called it, has none.
local function check(results)
  if not results[1] then error(results[2], type(results[2]) == "string" and 3 or 0) end
end

local function wrap_raw(set)
  return function(m, ...)
    local results = pack(pcall(set, m, ...))
    check(results)
    if results[2] then raw[m] = (...) ~= nil or nil end
    return process.unpack(results, 2, results.n)
  end
end

local function wrap_split(split)
  return function(m, ...)
    local results = pack(pcall(split, m, ...))
    check(results)
    for _, piece in ipairs(results[2] or {}) do raw[piece] = true end
    return process.unpack(results, 2, results.n)
  end
end

local function wrap_to_string(to_string)
  return function(m, ...)
    -- as it is now: a function that gives a content may change the message
    local known, put = pcall(put_of, m)
    local results = pack(pcall(to_string, m, ...))
    check(results)
    if results[2] then corpus.record(results[2], known and put or nil) end
    return process.unpack(results, 2, results.n)
  end
end

-- A function that hands what it is given on to f and keeps it; and what there is to ask it for.
local function listener(f)
  local pieces, size = {}, 0
  local kept = {}
  function kept.write(piece)
    size = size + #piece
    if size <= largest then pieces[#pieces + 1] = piece end
    kept.inside = true
    local value, why = f(piece)
    kept.inside = false
    return value, why
  end
  function kept.text()
    return size <= largest and table.concat(pieces) or nil
  end
  return kept
end

local function beginning(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read(largest + 1)
  f:close()
  return text
end

local function wrap_write_to(write_to)
  return function(m, target, ...)
    local kept = type(target) == "function" and listener(target)
    local known, put = pcall(put_of, m)
    local results = pack(pcall(write_to, m, kept and kept.write or target, ...))
    if kept and kept.inside then error(results[2], 0) end -- the function's own error, as it is
    check(results)
    local text = results[2] and (kept and kept.text() or not kept and beginning(target))
    if text then corpus.record(text, known and put or nil) end
    return process.unpack(results, 2, results.n)
  end
end

-- Where a method may yield, nothing is written down: Lua 5.1 has no pcall that lets it.
local function is_in_coroutine()
  local thread, is_main = coroutine.running()
  return thread ~= nil and is_main ~= true
end

-- Lua 5.1 shows nobody the upvalues of a C function, so it is __index that gives other methods.
local function install()
  local message = netmail.MailMessage {}
  local meta = debug.getmetatable(message)
  local index = meta.__index
  local wrapped = {}
  for name, wrap in pairs { ToString = wrap_to_string, WriteTo = wrap_write_to, Raw = wrap_raw, Split = wrap_split } do
    wrapped[name] = wrap(index(message, name))
  end
  meta.__index = function(m, name)
    local results = pack(pcall(index, m, name))
    check(results)
    return not is_in_coroutine() and type(name) == "string" and wrapped[name] or results[2]
  end
end

install()

return corpus
