-- Addresses beyond ASCII: two forms of a domain, one value for header and envelope, and what cannot be sent.

local netmail = require "netmail"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local servers = require "spec.support.servers"

local MailAddress, MailMessage = netmail.MailAddress, netmail.MailMessage

-- text, Address, AsciiAddress (false: nil), Host, AsciiHost
local rows = {
  { "a@пример.рф", "a@пример.рф", "a@xn--e1afmkfd.xn--p1ai", "пример.рф", "xn--e1afmkfd.xn--p1ai" },
  { "Имя <a@ПРИМЕР。рф>", "a@пример.рф", "a@xn--e1afmkfd.xn--p1ai", "пример.рф", "xn--e1afmkfd.xn--p1ai" },
  { "a@bu\204\136cher.example", "a@bücher.example", "a@xn--bcher-kva.example", "bücher.example", "xn--bcher-kva.example" },
  { "a@faß.de", "a@faß.de", "a@xn--fa-hia.de", "faß.de", "xn--fa-hia.de" },
  { "a@ｅvil．com", "a@evil.com", "a@evil.com", "evil.com", "evil.com" },
  -- what is given in ASCII stays as it is
  { "a@xn--E1AFMKFD.xn--p1ai", "a@xn--E1AFMKFD.xn--p1ai", "a@xn--E1AFMKFD.xn--p1ai", "xn--E1AFMKFD.xn--p1ai",
    "xn--e1afmkfd.xn--p1ai" },
  { "Ab@X.Org", "Ab@X.Org", "Ab@X.Org", "X.Org", "x.org" },
  { "a@[IPv6:::1]", "a@[IPv6:::1]", "a@[IPv6:::1]", "[IPv6:::1]", "[ipv6:::1]" },
  -- a local part has no form in ASCII
  { "иван@example.com", "иван@example.com", false, "example.com", "example.com" },
  { "иван@пример.рф", "иван@пример.рф", false, "пример.рф", "xn--e1afmkfd.xn--p1ai" },
  { '"и ван"@xn--e1afmkfd.xn--p1ai', '"и ван"@xn--e1afmkfd.xn--p1ai', false, "xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai" },
}

-- Each shows nothing, turns text around, or looks like ASCII.
local misleading = { "\226\128\139", "\226\128\141", "\226\128\142", "\226\128\143", "\226\128\170", "\226\128\174", "\226\129\166",
  "\226\129\169", "\216\156", "\194\173", "\194\160", "\227\128\128", "\239\187\191", "\239\184\143", "\239\188\160", "\239\185\171",
  "\239\188\156", "\239\188\158", "\239\188\142", "\226\128\164", "\239\188\129", "\243\160\129\129", "\194\133", "\226\128\168" }

describe("an international address", function()
  it("has one form to show and one in ASCII", function()
    for _, row in ipairs(rows) do
      local a = MailAddress.Create(row[1])
      assert.equal(row[2], a.Address, row[1])
      assert.equal(row[3] or nil, a.AsciiAddress, row[1])
      assert.equal(row[4], a.Host, row[1])
      assert.equal(row[5], a.AsciiHost, row[1])
      assert.is_truthy(tostring(a):find(row[2], 1, true))
    end
  end)

  it("is equal to its other form in a collection", function()
    local list = MailMessage { To = "a@пример.рф, иван@пример.рф" }.To
    assert.is_true(list:Contains "a@XN--E1AFMKFD.xn--p1ai")
    assert.is_true(list:Contains "a@ПРИМЕР.рф")
    assert.equal(1, list:IndexOf "иван@xn--e1afmkfd.xn--p1ai")
    assert.is_false(list:Contains "A@пример.рф")
  end)

  it("with an ASCII local part is ASCII in the header", function()
    local text = MailMessage { From = "Я <a@пример.рф>", To = "b@пример.рф, c@x.org", ReplyTo = "d@ｅvil．com", Text = "x" }:ToString()
    assert.is_nil(text:find "[\128-\255]")
    local _, to = mail.field(mail.parse(text), "To")
    assert.equal("b@xn--e1afmkfd.xn--p1ai", to.addresses[1].spec)
    assert.is_truthy(text:find("<a@xn--e1afmkfd.xn--p1ai>\r\n", 1, true))
    assert.is_truthy(text:find("Reply-To: d@evil.com\r\n", 1, true))
    assert.is_truthy(text:find("Message%-ID: <%x+@xn%-%-e1afmkfd%.xn%-%-p1ai>\r\n"))
  end)

  it("with an ASCII local part is the same on the wire as in the header, and in the result as it was given", function()
    local server = servers.shared "aio"
    local client = net.client(server.port.plain)
    local result = assert(client:Send(net.message { From = "a@пример.рф", To = "B <b@пример。РФ>, c@ｅvil．com" }))
    client:Close()
    local arrived = server:take(1)[1]
    assert.equal("a@xn--e1afmkfd.xn--p1ai", arrived.from)
    assert.same({ "b@xn--e1afmkfd.xn--p1ai", "c@evil.com" }, arrived.to)
    assert.is_truthy(arrived.raw:find("\r\nTo: B <b@xn--e1afmkfd.xn--p1ai>, c@evil.com\r\n", 1, true))
    assert.equal("b@пример.рф", result.Accepted[1].Address)
    assert.equal("c@evil.com", result.Accepted[2].Address)
  end)

  it("without one stands in the header in UTF-8 (RFC 6532)", function()
    local text = MailMessage { From = "a@x.org", To = "Имя <иван@пример.рф>", Text = "x" }:ToString()
    assert.is_truthy(text:find("<иван@пример.рф>\r\n", 1, true))
  end)

  it("without one is refused where the server has no SMTPUTF8, with the field named and nothing sent", function()
    local server = servers.script(net.follow(net.greet "8BITMIME", { serve = true }))
    local client = net.client(server.port.plain)
    for _, field in ipairs { "From", "Sender", "ReplyTo", "To", "CC", "DispositionNotificationTo" } do
      local message = MailMessage { From = "a@x.org", To = "b@x.org", Text = "x" }
      message[field] = "иван@пример.рф"
      local text = mail.fails("<иван@пример.рф> in " .. field, client:Send(message))
      assert.is_truthy(text:find("SMTPUTF8", 1, true))
      local _, _, detail = client:Send(message)
      assert.equal("not_sent", detail.Outcome)
    end
    for _, field in ipairs { "From", "Sender", "To", "CC" } do
      local message = MailMessage { From = "a@x.org", To = "b@x.org", Text = "x" }
      local block = { From = "c@x.org", To = "d@x.org" }
      block[field] = "иван@пример.рф"
      message:Resend(block)
      mail.fails("<иван@пример.рф> in " .. field .. " of Resend", client:Send(message))
    end
    mail.fails("the address <иван@пример.рф> is not ASCII",
      client:Send(MailMessage { From = "a@x.org", Bcc = "иван@пример.рф", Text = "x" }))
    assert(client:Send(MailMessage { From = "a@пример.рф", To = "b@пример.рф", Text = "x" }))
    client:Close()
    assert.equal(1, select(2, server:received(1):gsub("MAIL FROM", "")))
    server:stop()
  end)

  it("may hold nothing that misleads", function()
    for _, c in ipairs(misleading) do
      for _, text in ipairs { "a%sb@x.org", "%sa@x.org", "a%s@x.org", '"a%sb"@x.org', "я%s@x.org", "N <a%s@x.org>" } do
        local a, message = MailAddress.TryParse((text:gsub("%%s", c)))
        assert.is_nil(a, text)
        assert.is_truthy(message:find "invisible character U%+%x+" or message:find "looks like", message)
      end
      local a = MailAddress.TryParse("a@b" .. c .. "я.ru")
      assert.is_true(a == nil or a.AsciiHost:find "^[%w.-]+$" ~= nil and not a.Host:find(c, 1, true))
    end
  end)
end)

local function unescaped(s)
  s = s:gsub("^%s+", ""):gsub("%s+$", "")
  return (s:gsub("\\u(%x%x%x%x)", function(h) return mail.utf8(tonumber(h, 16)) end)
    :gsub("\\x{(%x+)}", function(h) return mail.utf8(tonumber(h, 16)) end))
end

-- The reason for which we refuse a name that UTS 46 maps: it lets an implementation be stricter.
local function why_stricter(message)
  for _, row in ipairs {
    { "IDNA does not allow", "IDNA2008 excludes the character (NV8, XV8), or libidn2's Unicode is newer" },
    { "a dot stands", "a dot at the end: DNS has it, an address has not" },
    { "invisible character", "a character that the mapping would drop" },
    { "longer than 254", "an address has 254 octets" },
  } do
    if message:find(row[1], 1, true) then return row[2] end
  end
end

describe("UTS 46, IdnaTest.txt", function()
  it("is followed, or we are stricter", function()
    local text, reason = mail.vector "idna/IdnaTest.txt"
    if not text then return pending(reason) end
    local same, refused, stricter, ascii, bidi, all = 0, 0, 0, 0, 0, 0
    for line in text:gmatch "[^\n]+" do
      local kind, source, unicode, expected = line:gsub("#.*", ""):match "^([NB]);([^;]*);([^;]*);([^;]*)"
      if kind then -- T is the transitional mapping, which nobody uses any more
        all = all + 1
        source, unicode, expected = unescaped(source), unescaped(unicode), unescaped(expected)
        if unicode == "" then unicode = source end
        if expected == "" then expected = unicode end
        local a, message = MailAddress.TryParse("a@" .. source)
        if not source:find "[\128-\255]" then
          ascii = ascii + 1 -- none of IDNA's affair: an ASCII name is what it is
        elseif expected:find "^%[" and a then
          -- a left-to-right label that ends with a symbol, beside a right-to-left one: libidn2 does not look (RFC 5893 2, 6.)
          assert.equal("[B6]", expected, source .. " " .. a.AsciiHost)
          bidi = bidi + 1
        elseif expected:find "^%[" then
          refused = refused + 1
        elseif a then
          assert.equal(expected, a.AsciiHost)
          assert.equal(unicode, a.Host)
          same = same + 1
        else
          assert.is_truthy(why_stricter(message), source .. ": " .. message)
          stricter = stricter + 1
        end
      end
    end
    io.write(("IdnaTest: %d of %d mapped or refused as there, %d refused by us alone, %d Bidi rule, %d ASCII\n"):format(
      same + refused, all, stricter, bidi, ascii))
    assert.is_true(same > 200 and refused > 3500 and stricter < 100 and bidi == 4)
  end)
end)

-- Names that Postfix (ICU) refuses and we do not.
local midna_known = { ["xn--123456.example.com"] = "an ASCII name is what it is" }

describe("Postfix's domain names", function()
  it("have the same two forms", function()
    local text, reason = mail.vector "postfix/midna_domain_test.ref"
    if not text then return pending(reason) end
    local n, same = 0, 0
    for name, rest in text:gmatch "> ([^#\n]+)\n%S+ unconditional conversions:\n(.-)%S+ conditional" do
      n = n + 1
      local a = MailAddress.TryParse("a@" .. name)
      local ascii, unicode = rest:match '%->ascii "([^"]+)"', rest:match '%->utf8 "([^"]+)"'
      if ascii == "(error)" then
        assert.equal(midna_known[name] ~= nil, a ~= nil, name)
      else
        assert.equal(ascii, a.AsciiHost)
        -- theirs decodes an A-label that is given, and lowers ASCII
        if name:find "[\128-\255]" then assert.equal(unicode, a.Host) else assert.equal(name, a.Host) end
      end
      same = same + (midna_known[name] and 0 or 1)
    end
    assert.equal(12, n)
    io.write(("midna: %d of %d as they say, 1 known difference\n"):format(same, n))
  end)
end)
