-- Third-party messages, odd and broken ones among them: what mail-parser reads in each, and what we do. A difference that is gone
-- is as much an error as a new one.

local netmail = require "netmail"
local mail = require "spec.support.mail"

local Parse = netmail.MailMessage.Parse

local folders = { rfc = 10, malformed = 23, thirdparty = 20 }

-- What is no difference of the reading: line ends, and white space alone.
local function plain(s)
  return (s:gsub("\r\n", "\n"):gsub("\n+$", ""))
end

local add_part

local function add_message(into, m)
  if m.RootPart then
    add_part(into, m.RootPart)
  else
    if m.Text then into[#into + 1] = plain(m.Text) end
    for _, part in m.AlternateViews:Iter() do
      if part.ContentType:find "amp" then add_part(into, part) end
    end
    if m.Html then into[#into + 1] = plain(m.Html) end
    for _, part in m.AlternateViews:Iter() do
      if not part.ContentType:find "amp" then add_part(into, part) end
    end
    for _, part in m.LinkedResources:Iter() do add_part(into, part) end
  end
  for _, part in m.Attachments:Iter() do add_part(into, part) end
end

-- The contents of the leaves, in order; of a message within those of it.
function add_part(into, part)
  if part.Parts then
    for _, child in ipairs(part.Parts) do add_part(into, child) end
  elseif part.Message then
    add_message(into, part.Message)
  elseif part.ContentType:lower() == "message/rfc822" then
    local m = netmail.MailMessage.TryParse(part.Content)
    if m then add_message(into, m) else into[#into + 1] = plain(part.Content) end
  else
    into[#into + 1] = plain(part.Text or part.Content or "")
  end
end

local function add_theirs(into, message, i)
  local body = message.parts[i + 1].body
  if body.Multipart then
    for _, k in ipairs(body.Multipart) do add_theirs(into, message, k) end
  elseif body.Message then
    add_theirs(into, body.Message, 0)
  elseif body.Text or body.Html then
    into[#into + 1] = plain(body.Text or body.Html)
  else
    local bytes = {}
    for k, byte in ipairs(body.Binary or body.InlineBinary) do bytes[k] = string.char(byte) end
    into[#into + 1] = plain(table.concat(bytes))
  end
end

local function their_field(message, name)
  for _, h in ipairs(message.parts[1].headers) do
    if h.name == name then return h.value end
  end
end

local function their_addresses(value)
  local specs = {}
  local function add(list)
    for _, a in ipairs(list) do
      if a.addresses then add(a.addresses) else specs[#specs + 1] = (a.name and a.name .. " " or "") .. (a.address or "") end
    end
  end
  local all = value and value.Address
  if all then add(all.List or all.Group or { all.Address or all }) end
  return table.concat(specs, ", ")
end

local function our_addresses(list)
  local specs = {}
  for _, a in ipairs(list) do specs[#specs + 1] = (a.DisplayName ~= "" and a.DisplayName .. " " or "") .. a.Address end
  return table.concat(specs, ", ")
end

local function listed(collection)
  local all = {}
  for i, a in collection:Iter() do all[i] = a end
  return all
end

-- The names of what differs.
local function differences(m, theirs)
  local found = {}
  local function compare(what, ours, their)
    if ours ~= their then found[#found + 1] = ("%s: %q, theirs %q"):format(what, tostring(ours), tostring(their)) end
  end
  local subject = their_field(theirs, "subject")
  compare("Subject", m.Subject, type(subject) == "table" and subject.Text or "")
  compare("From", our_addresses { m.From }, their_addresses(their_field(theirs, "from")))
  compare("To", our_addresses(listed(m.To)), their_addresses(their_field(theirs, "to")))
  local ours, their = {}, {}
  add_message(ours, m)
  add_theirs(their, theirs, 0)
  if #their == 1 and their[1] == "" and #ours == 0 then ours[1] = "" end
  compare("leaves", #ours, #their)
  for i = 1, math.min(#ours, #their) do compare("leaf " .. i, ours[i], their[i]) end
  return found
end

local outer = "the delimiter of an outer multipart ends what is within (RFC 2046 5.1.2)"
local nobody = "a mailbox without an address is none; the field is kept as it is"
local opaque = "multipart/signed is one part with its octets"
local octets = "octets that are no text in their charset stay octets"
local base64 = "base64 that is none is decoded all the same (RFC 2045 6.8)"
local known = {
  ["malformed/000"] = "parts that are empty are parts",
  ["malformed/001"] = outer,
  ["malformed/004"] = "a delimiter has its whole boundary, and nothing behind it",
  ["malformed/007"] = "a multipart without parts is a text",
  ["malformed/009"] = outer,
  ["malformed/011"] = outer,
  ["malformed/012"] = outer,
  ["malformed/015"] = opaque,
  ["malformed/016"] = outer,
  ["malformed/019"] = outer,
  ["malformed/020"] = "the delimiter behind the last part begins another one, which is empty",
  ["malformed/021"] = "the same",
  ["rfc/000"] = base64,
  ["rfc/001"] = nobody .. "; what is elsewhere has no content",
  ["rfc/004"] = nobody,
  ["thirdparty/002"] = octets .. "; " .. base64,
  ["thirdparty/005"] = "UTF-16 in a part stays octets; a delimiter begins a line",
  ["thirdparty/006"] = opaque,
  ["thirdparty/007"] = nobody,
  ["thirdparty/015"] = outer,
}

describe("the messages of mail-parser", function()
  for folder, count in pairs(folders) do
    it("are read as there, " .. folder, function()
      local same, unused = 0, {}
      for name in pairs(known) do
        if name:find(folder, 1, true) then unused[name] = true end
      end
      for i = 0, count - 1 do
        local name = ("%s/%03d"):format(folder, i)
        local text, reason = mail.vector("stalwart/eml/" .. name .. ".eml")
        if not text then return pending(reason) end
        local m, message = netmail.MailMessage.TryParse(text)
        local found = m and differences(m, mail.json("stalwart/eml/" .. name .. ".json")) or { message }
        unused[name] = nil
        if known[name] then
          assert.is_true(#found > 0, name .. " is no difference any more")
        else
          assert.same({}, found, name)
          same = same + 1
        end
      end
      assert.same({}, unused)
      io.write(("mail-parser, %s: %d of %d as they say, %d known differences\n"):format(folder, same, count, count - same))
    end)

    it("stay the same when they are written and read again, " .. folder, function()
      for i = 0, count - 1 do
        local text, reason = mail.vector(("stalwart/eml/%s/%03d.eml"):format(folder, i))
        if not text then return pending(reason) end
        local m = Parse(text)
        if not m.From then m.From = "a@x.org" end
        local written = assert(m:ToString())
        mail.round_trip(written)
        mail.round_trip(assert(Parse(written):ToString()))
      end
    end)
  end
end)

-- A field as others wrote it, read as this property; rows: number -> why ours differs.
local function fields(file, name, count, read, reasons)
  it("agree with mail-parser on " .. file, function()
    local rows, reason = mail.json("stalwart/" .. file)
    if not rows then return pending(reason) end
    local same = 0
    for i, row in ipairs(rows) do
      local m = Parse("X: y\r\n" .. name .. ":" .. row.header .. "\r\n")
      local ours = table.concat(read(m) or {}, "|")
      local theirs = type(row.expected) == "table" and table.concat(row.expected, "|") or ""
      if reasons[i] then
        assert.are_not.equal(theirs, ours, i .. " is no difference any more")
      else
        assert.equal(theirs, ours, "row " .. i)
        same = same + 1
      end
    end
    assert.equal(count, #rows)
    io.write(("mail-parser, %s: %d of %d as they say, %d known differences\n"):format(file, same, count, count - same))
  end)
end

describe("header fields", function()
  local id = "no message id (RFC 5322 3.6.4); the field is kept as it is"
  local function ids(m)
    local all = {}
    for i, one in ipairs(m.References or {}) do all[i] = one:match "^<(.*)>$" end
    return all
  end
  fields("id.json", "References", 11, ids, { [7] = id, [11] = id })
  fields("list.json", "Keywords", 7, function(m) return m.Keywords end, {})
end)
