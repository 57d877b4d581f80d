-- Third-party collections of addresses. Each row's own verdict is the expectation; where ours differs, a table says which
-- rows and why, and a difference that is gone is as much an error as a new one.

local netmail = require "netmail"
local mail = require "spec.support.mail"

local MailAddress = netmail.MailAddress

local function say(name, agreed, differed, all)
  io.write(("%s: %d of %d as they say, %d known differences\n"):format(name, agreed, all, differed))
end

-- rows: { id, text, accepted by them }; known: id -> reason.
local function compare(name, rows, known)
  local agreed, differed, unused = 0, 0, {}
  for id in pairs(known) do unused[id] = true end
  for _, row in ipairs(rows) do
    local a, message = MailAddress.TryParse(row[2])
    local same = (a ~= nil) == row[3]
    if known[row[1]] then
      assert.is_false(same, ("%s %s is no difference any more"):format(name, row[1]))
      unused[row[1]] = nil
      differed = differed + 1
    else
      assert.is_true(same, ("%s %s %q: %s"):format(name, row[1], row[2], a and "accepted as " .. a.Address or tostring(message)))
      agreed = agreed + 1
    end
    if a then -- what we write, we can read, and it is the same
      local again = MailAddress.Create(a.Address)
      assert.equal(a.Address, again.Address)
      assert.equal(a.User, again.User)
      assert.equal(a.Host, again.Host)
      assert.is_nil(a.Address:find "[%z\1-\31\127-\255]")
    end
  end
  assert.same({}, unused)
  say(name, agreed, differed, #rows)
end

-- U+2400 … U+2420 and U+2421 stand for control characters there.
local function xml_text(s)
  s = s:gsub("&#x(%x+);", function(h)
    local cp = tonumber(h, 16)
    if cp >= 0x2400 and cp <= 0x2420 then return string.char(cp - 0x2400) end
    return cp == 0x2421 and "\127" or mail.utf8(cp)
  end)
  return (s:gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&apos;", "'"):gsub("&amp;", "&"))
end

-- What isemail finds and RFC 5321 allows. Comments, folding white space and the obsolete forms are for readers of old mail;
-- domains that have no MX today are none of a parser's business.
local accepted_categories = { ISEMAIL_VALID_CATEGORY = true, ISEMAIL_DNSWARN = true, ISEMAIL_RFC5321 = true }

local function isemail(name)
  local text, reason = mail.vector("addr/" .. name)
  if not text then return nil, reason end
  local rows = {}
  for test in text:gmatch "<test id=.-</test>" do
    local diagnosis = test:match "<diagnosis>(.-)</diagnosis>"
    -- one group under "::": RFC 5321 4.1.3 says that it stands for two at least
    local accepted = accepted_categories[test:match "<category>(.-)</category>"] and diagnosis ~= "ISEMAIL_RFC5321_IPV6DEPRECATED"
    rows[#rows + 1] = { tonumber(test:match 'id="(%d+)"'), xml_text(test:match "<address>(.-)</address>" or ""), accepted or false }
  end
  return rows
end

local trimmed = "white space around an address is taken off, as people paste it"

local isemail_known = {
  ["isemail-tests.xml"] = {
    [60] = "a quoted pair counts as the one octet that we write for it: 64 with its quotes",
    [157] = trimmed,
    [158] = trimmed,
  },
  ["isemail-tests-original.xml"] = {},
}

describe("the addresses of", function()
  for name, count in pairs { ["isemail-tests.xml"] = 164, ["isemail-tests-original.xml"] = 279 } do
    it("isemail, " .. name, function()
      local rows, reason = isemail(name)
      if not rows then return pending(reason) end
      assert.equal(count, #rows)
      compare(name, rows, isemail_known[name])
    end)
  end

  it("go-mail, command injection", function()
    local data, reason = mail.json "addr/go-mail-command-injection.json"
    if not data then return pending(reason) end
    local limit = "more than 64 octets before the @"
    local unicode = "no ASCII, even between quotes"
    local rows = {}
    for i, row in ipairs(data) do rows[i] = { row.name, row.address, not row.go_mail_rejects } end
    compare("go-mail", rows, { ["unicode-fullwidth"] = unicode, ["unicode-hidden"] = unicode, ["long-localpart"] = limit,
      ["detection-marker"] = limit })
    for _, row in ipairs(data) do
      local a = MailAddress.TryParse(row.address)
      if a then assert.equal("example.com", a.Host) end
    end
  end)

  it("Dovecot's SMTP address tests", function()
    local data, reason = mail.json "addr/dovecot-smtp-address.json"
    if not data then return pending(reason) end
    local dots, local_only = "a dot at an end or beside another wants quotes", "an address has a domain"
    local route, broken, name = "source routes are refused", "only a reader of broken mail takes it",
      "a name before the brackets is what a mailbox may have"
    local known = {
      valid_mailbox = { [1] = "empty", [2] = local_only, [15] = "a label does not begin with -", [16] = dots, [17] = dots, [18] = dots,
        [19] = dots, [20] = dots, [21] = "no ASCII" },
      invalid_mailbox = { [26] = name },
      valid_path = { [1] = "a null path is no mailbox", [2] = local_only, [4] = route, [6] = local_only, [8] = route, [10] = local_only,
        [12] = route, [14] = broken, [15] = broken, [16] = broken, [17] = broken, [18] = broken, [19] = broken, [20] = broken,
        [21] = broken, [22] = broken, [23] = broken, [24] = broken },
      invalid_path = { [26] = name, [31] = "brackets are optional in a field", [57] = name },
    }
    for _, list in ipairs { "valid_mailbox", "invalid_mailbox", "valid_path", "invalid_path" } do
      local rows = {}
      for i, row in ipairs(data[list]) do rows[i] = { i, mail.unhex(row.input_hex), list:find "^valid" ~= nil } end
      compare("dovecot " .. list, rows, known[list])
    end
  end)

  it("the injection payloads", function()
    local data, reason = mail.json "injection-payloads.json"
    if not data then return pending(reason) end
    -- these are addresses, odd as they are; all others must be refused
    local good = { percent_hack = "example.test", bang = "example.test", ipv6_literal = "[IPv6:::1]", ew_x_iso = "example.test",
      ew_local = "example.test", gt_space_orcpt = "example.test", quoted_at = "example.test", quoted_space_at = "example.test",
      dash = "example.test", tab = "example.test", total_255 = false } -- false: has 254 octets and any host
    local rows = {}
    for name, hex in pairs(data.envelope) do rows[#rows + 1] = { name, mail.unhex(hex), good[name] ~= nil } end
    compare("payloads", rows, {})
    for name, host in pairs(good) do
      local a = MailAddress.TryParse(mail.unhex(data.envelope[name]))
      if host then assert.equal(host, a.Host) else assert.equal(254, #a.Address) end
    end
  end)
end)

-- What mail-parser reads and we refuse, by the row's number.
local lists_refused = {}
for reason, numbers in pairs {
  ["a line end: the text is a header field there, and a value here"] = { 10, 11, 16, 23, 24, 28, 31, 32, 34, 41, 46, 53 },
  ["a group"] = { 6, 7, 35, 36, 37 },
  ["a comment"] = { 9, 12, 15, 57 },
  ["a source route"] = { 14 },
  ["no addresses but URLs and remarks"] = { 38, 39, 40, 42, 43, 44, 45, 47, 48 },
  ["an @ in a name without quotes"] = { 52 },
  ["a name behind the address"] = { 56 },
} do
  for _, n in ipairs(numbers) do lists_refused[n] = reason end
end

describe("the mailbox lists of mail-parser", function()
  it("give the same addresses where we take them", function()
    local data, reason = mail.json "stalwart/address.json"
    if not data then return pending(reason) end
    local same = 0
    for n, row in ipairs(data) do
      local text = row.header:gsub("[\r\n]+$", "")
      local list = netmail.MailMessage {}.To
      local taken = pcall(list.AddString, list, text)
      assert.equal(lists_refused[n] == nil, taken, n .. ": " .. text)
      if taken then
        local expected = row.expected.List or { row.expected.Address }
        assert.equal(#expected, list.Count, text)
        for i, address in ipairs(expected) do
          assert.equal(address.address, list[i].Address, text)
          -- a header's encoded words are decoded there; a name given to us is not a header
          local name = type(address.name) == "string" and address.name or ""
          if not text:find("=?", 1, true) then assert.equal(name, list[i].DisplayName, text) end
        end
        same = same + 1
      end
    end
    say("mail-parser", same, #data - same, #data)
  end)
end)
