-- Third-party collections of addresses. Each row's own verdict is the expectation; where ours differs, a table says which
-- rows and why, and a difference that is gone is as much an error as a new one.

local netmail = require "netmail"
local mail = require "spec.support.mail"

local MailAddress = netmail.MailAddress

local function say(name, agreed, differed, all)
  io.write(("%s: %d of %d as they say, %d known differences\n"):format(name, agreed, all, differed))
end

-- rows: { id, text, accepted by them }; known: id -> reason; options: as for TryParse.
local function compare(name, rows, known, options)
  local agreed, differed, unused = 0, 0, {}
  for id in pairs(known) do unused[id] = true end
  for _, row in ipairs(rows) do
    local a, message = MailAddress.TryParse(row[2], options)
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
      assert.equal(a.AsciiHost, again.AsciiHost)
      assert.is_nil(a.Address:find "[%z\1-\31\127]")
      assert.is_nil(a.AsciiHost:find "[%z\1-\32\127-\255]")
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

-- What isemail finds and RFC 5321 allows, and what RFC 5322 lets readers of old mail take. Domains that have no MX today are
-- none of a parser's business.
local strict = { ISEMAIL_VALID_CATEGORY = true, ISEMAIL_DNSWARN = true, ISEMAIL_RFC5321 = true }
local lenient = { ISEMAIL_VALID_CATEGORY = true, ISEMAIL_DNSWARN = true, ISEMAIL_RFC5321 = true, ISEMAIL_CFWS = true,
  ISEMAIL_DEPREC = true }

local function isemail(name, accepted_categories)
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

local one_octet = "a quoted pair counts as the one octet that we write for it: 64 with its quotes"
local international = "isemail knows no RFC 6531: a character beyond ASCII between quotes"
local control = "no control character is taken, quoted or not, not even in a comment that is left out"

local isemail_known = {
  ["isemail-tests.xml"] = {
    strict = { [60] = one_octet, [157] = trimmed, [158] = trimmed, [160] = international },
    lenient = { [58] = control, [60] = one_octet, [124] = control, [125] = control, [126] = control, [134] = control,
      [138] = control, [139] = control, [140] = control, [160] = international },
  },
  ["isemail-tests-original.xml"] = { strict = {}, lenient = { [123] = control, [226] = control } },
}

describe("the addresses of", function()
  for name, count in pairs { ["isemail-tests.xml"] = 164, ["isemail-tests-original.xml"] = 279 } do
    for way, categories in pairs { strict = strict, lenient = lenient } do
      it("isemail, " .. name .. ", " .. way, function()
        local rows, reason = isemail(name, categories)
        if not rows then return pending(reason) end
        assert.equal(count, #rows)
        compare(name .. ", " .. way, rows, isemail_known[name][way], { Lenient = way == "lenient" })
      end)
    end
  end

  it("go-mail, command injection", function()
    local data, reason = mail.json "addr/go-mail-command-injection.json"
    if not data then return pending(reason) end
    local limit = "more than 64 octets before the @"
    local unicode = "what looks like ASCII or like nothing, even between quotes"
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
        [19] = dots, [20] = dots },
      invalid_mailbox = { [26] = name },
      valid_path = { [1] = "a null path is no mailbox", [2] = local_only, [4] = route, [6] = local_only, [8] = route, [10] = local_only,
        [12] = route, [14] = broken, [15] = broken, [16] = broken, [17] = broken, [18] = broken, [19] = broken, [20] = broken,
        [21] = broken, [22] = broken },
      invalid_path = { [26] = name, [31] = "brackets are optional in a field", [57] = name,
        [68] = "it is refused there for want of a flag: RFC 6531" },
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
    local good = { percent_hack = "example.test", bang = "example.test", ipv6_literal = "[IPv6:::1]",
      gt_space_orcpt = "example.test", quoted_at = "example.test", quoted_space_at = "example.test",
      dash = "example.test", tab = "example.test", ideographic_dot = "example.test.evil.test",
      total_255 = false } -- false: has 254 octets and any host
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
local two_lines = "no fold, but a second line"
local urls = "no addresses but URLs and remarks"
local lists_refused = {
  strict = {
    ["a line end: the text is a header field there, and a value here"] = { 10, 11, 16, 23, 24, 28, 31, 32, 34, 41, 46, 53 },
    ["no comma behind a group"] = { 35, 36, 37 },
    ["a comment"] = { 9, 12, 15, 57 },
    ["a source route"] = { 14 },
    [urls] = { 38, 39, 40, 42, 43, 44, 45, 47, 48 },
    ["a name behind the address"] = { 56 },
  },
  lenient = {
    ["a line end in a quoted pair"] = { 10 },
    [two_lines] = { 31, 32 },
    ["no comma behind a group"] = { 35, 36, 37 },
    [urls] = { 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48 },
    ["a name behind the address"] = { 56 },
  },
}

-- Where we say something else than it does, and are right.
local lists_better = {
  [14] = "mary@example.net jdoe@test.example", -- it keeps the route and the white space
  [15] = "jdoe@machine.example", -- the same
}

local function numbers_of(reasons)
  local all = {}
  for reason, numbers in pairs(reasons) do
    for _, n in ipairs(numbers) do all[n] = reason end
  end
  return all
end

local function expected_of(row)
  local specs, names = {}, {}
  local function add(address)
    if address.address then
      specs[#specs + 1] = address.address
      names[#names + 1] = type(address.name) == "string" and address.name or ""
    end
  end
  for _, group in ipairs(row.expected.Group or {}) do
    for _, address in ipairs(group.addresses) do add(address) end
  end
  for _, address in ipairs(row.expected.List or { row.expected.Address }) do add(address) end
  return specs, names
end

describe("the mailbox lists of mail-parser", function()
  for way, reasons in pairs(lists_refused) do
    it("give the same addresses where we take them, " .. way, function()
      local data, reason = mail.json "stalwart/address.json"
      if not data then return pending(reason) end
      local refused, same = numbers_of(reasons), 0
      for n, row in ipairs(data) do
        local text = row.header:gsub("[\r\n]+$", "")
        local list, message = MailAddress.TryParseList(text, { Lenient = way == "lenient" })
        assert.equal(refused[n] == nil, list ~= nil, n .. ": " .. text .. ": " .. tostring(message))
        if list then
          local specs, names = expected_of(row)
          local got = {}
          for i, address in list:Iter() do
            got[i] = address.Address
            -- a header's encoded words are decoded there, and comments stand in its names; a name given to us is not a header
            if not text:find("[=(][?%w]") then assert.equal(names[i], address.DisplayName, text) end
          end
          assert.equal(lists_better[n] or table.concat(specs, " "), table.concat(got, " "), text)
          same = same + 1
        end
      end
      say("mail-parser, " .. way, same, #data - same, #data)
    end)
  end
end)

-- Rows of Postfix's tokenizer, which takes anything and mends it; what is refused here it mends by adding, dropping or
-- splitting.
local tok822_refused = { [5] = "a quote within a comment is none", [7] = "one closing parenthesis too many",
  [9] = "a quoted pair without quotes", [10] = "an open quote", [11] = "an open bracket", [12] = "a quote in a literal",
  [15] = "no @", [16] = "an open quote", [17] = "no @", [18] = "a comment alone", [19] = "no @" }

describe("the addresses of Postfix's tokenizer", function()
  it("are the same, or refused", function()
    local text, reason = mail.vector "postfix/tok822_parse.ref"
    if not text then return pending(reason) end
    local n, same = 0, 0
    for input, rest in text:gmatch ">>>(.-)<<<\n(.-)Externalized, newlines" do
      n = n + 1
      local list, message = MailAddress.TryParseList(input, { Lenient = true })
      assert.equal(tok822_refused[n] == nil, list ~= nil, input .. ": " .. tostring(message))
      if list then
        local theirs = MailAddress.ParseList(rest:match "no newlines inserted:\n(.-)\n\n", { Lenient = true })
        assert.equal(theirs:ToString(), list:ToString())
        same = same + 1
      end
    end
    assert.equal(19, n)
    say("tok822", same, n - same, n)
  end)
end)
