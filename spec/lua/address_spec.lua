local netmail = require "netmail"
local mail = require "spec.support.mail"

local MailAddress = netmail.MailAddress
local raises = mail.raises

-- text, Address, User, Host, DisplayName, ToString (nil: as Address)
local valid = {
  { "ivanov@server.ru", "ivanov@server.ru", "ivanov", "server.ru", "" },
  { "  ivanov@server.ru\t", "ivanov@server.ru", "ivanov", "server.ru", "" },
  { "<ivanov@server.ru>", "ivanov@server.ru", "ivanov", "server.ru", "" },
  { "Me <me@x.org>", "me@x.org", "me", "x.org", "Me", '"Me" <me@x.org>' },
  { "Иван Иванов <i@x.ru>", "i@x.ru", "i", "x.ru", "Иван Иванов", '"Иван Иванов" <i@x.ru>' },
  { '"Ivanov, Ivan" <i@x.ru>', "i@x.ru", "i", "x.ru", "Ivanov, Ivan", '"Ivanov, Ivan" <i@x.ru>' },
  { [["a \"b\" \\c" <i@x.ru>]], "i@x.ru", "i", "x.ru", [[a "b" \c]], [["a \"b\" \\c" <i@x.ru>]] },
  { "John Q. Public <j@x.org>", "j@x.org", "j", "x.org", "John Q. Public", '"John Q. Public" <j@x.org>' },
  { "a   b <i@x.ru>", "i@x.ru", "i", "x.ru", "a b", '"a b" <i@x.ru>' },
  { '"" <i@x.ru>', "i@x.ru", "i", "x.ru", "" },
  -- the quotes of a local part go where nothing needs them, and stay where something does
  { '"plain"@x.org', "plain@x.org", "plain", "x.org", "" },
  { '"a b"@x.org', '"a b"@x.org', "a b", "x.org", "" },
  { '"a\\@b"@x.org', '"a@b"@x.org', "a@b", "x.org", "" },
  { '"a..b"@x.org', '"a..b"@x.org', "a..b", "x.org", "" },
  { '""@x.org', '""@x.org', "", "x.org", "" },
  { [["a\"b\\c"@x.org]], [["a\"b\\c"@x.org]], [[a"b\c]], "x.org", "" },
  { "!#$%&'*+-/=?^_`{|}~@x.org", "!#$%&'*+-/=?^_`{|}~@x.org", "!#$%&'*+-/=?^_`{|}~", "x.org", "" },
  { "a@[127.0.0.1]", "a@[127.0.0.1]", "a", "[127.0.0.1]", "" },
  { "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]", "" },
  { "a@localhost", "a@localhost", "a", "localhost", "" },
  { "a@xn--80ak6aa92e.com", "a@xn--80ak6aa92e.com", "a", "xn--80ak6aa92e.com", "" },
  { "Ab@X.Org", "Ab@X.Org", "Ab", "X.Org", "" },
  { "почта@x.ru", "почта@x.ru", "почта", "x.ru", "" },
  { "Имя <a@ПОЧТА.рф>", "a@почта.рф", "a", "почта.рф", "Имя", '"Имя" <a@почта.рф>' },
  { '"по чта"@почта.рф', '"по чта"@почта.рф', "по чта", "почта.рф", "" },
  { ("a"):rep(64) .. "@x.org", ("a"):rep(64) .. "@x.org", ("a"):rep(64), "x.org", "" },
  { "a@" .. ("b"):rep(63) .. ".org", "a@" .. ("b"):rep(63) .. ".org", "a", ("b"):rep(63) .. ".org", "" },
}

-- text, a piece of the reason
local invalid = {
  { "", "is empty" }, { "   ", "is empty" }, { "ivanov", 'no "@"' }, { "@", "nothing stands before" },
  { "a@", "nothing follows" }, { "@x.org", "nothing stands before" }, { "<>", "brackets are empty" },
  { "a@b@c", 'second "@"' }, { "a b@c.d", "white space" }, { "a @b.c", "white space" }, { "a@ b.c", "refused" },
  { ".a@b.c", "a dot stands" }, { "a.@b.c", "a dot stands" }, { "a..b@c.d", "a dot stands" },
  { "a@.b", "a dot stands" }, { "a@b.", "a dot stands" }, { "a@b..c", "a dot stands" },
  { "a@-b.c", 'begins or ends with "-"' }, { "a@b-.c", 'begins or ends with "-"' }, { "a@b_c.d", "not accepted in a domain" },
  { "a@[1.2.3]", "no IP address" }, { "a@[1.2.3.256]", "no IP address" }, { "a@[1.2.3.04]", "no IP address" },
  { "a@[IPv6:::1::]", "no IP address" }, { "a@[::1]", "no IP address" }, { "a@[x:y]", "no IP address" },
  { "a@[127.0.0.1", "no IP address" },
  { "a(c)@b.c", "comment" }, { "a@b.c (x)", "comment" }, { "Me (x) <a@b.c>", "comment" },
  { "g: a@b.c;", "one by one" }, { "undisclosed-recipients:;", "refused" },
  { "@r.x:a@b.c", "source routes" }, { "<@r.x,@s.x:a@b.c>", "source routes" },
  { "a@b.c, d@e.f", "comma" }, { "Ivanov, Ivan <i@x.ru>", "comma" }, { "a@b.c,", "comma" },
  { "Me <a@b.c", "not closed" }, { "Me a@b.c>", "refused" }, { "Me <<a@b.c>>", "refused" }, { "Me <a@b.c> x", "text follows" },
  { '"a@b.c', "not closed" }, { '"a"b@c.d', "in part only" }, { 'a"b"@c.d', "in part only" }, { '"a".b@c.d', "in part only" },
  { "Me;you <a@b.c>", '";" is not accepted' }, { "Me@x <a@b.c>", '"@" is not accepted' },
  { ("a"):rep(65) .. "@x.org", "longer than 64" }, { "a@" .. ("b"):rep(64) .. ".org", "longer than 63" },
  { "a@" .. (("b"):rep(60) .. "."):rep(4) .. "abcdefghi", "longer than 254" },
  { ("n"):rep(2049) .. " <a@b.c>", "longer than 2048" },
  { "a@i❤.ws", "IDNA does not allow" }, { "a@c℀.example", "IDNA does not allow" }, { "a@xn--123456.рф", "begins with xn--" },
  { "a@b\226\128\139.c", "invisible character U+200B" }, { "a\194\160@b.c", "invisible character U+00A0" },
  { "a\239\188\160b.c", "not the ASCII character that it looks like" },
  { "a@b.c\255", "not UTF-8" }, { "\237\160\128@b.c", "not UTF-8" }, { "\192\188a@b.c", "not UTF-8" },
  { "Имя\255 <a@b.c>", "not UTF-8" },
}

-- Nothing of these may stand anywhere in an address, nor in a name.
local controls = { "\0", "\r", "\n", "\r\n", "\1", "\8", "\11", "\27", "\127" }
local places = {
  "%sa@b.c", "a%sb@c.d", "a@b%sc.d", "a@b.c%s", '"a%sb"@c.d', '"a\\%sb"@c.d', "Me%s <a@b.c>", '"M%se" <a@b.c>', "<a@b.c%s>",
  "a@[127.0.0.1%s]", "%s", "%s <a@b.c>",
}

describe("a MailAddress", function()
  it("is made from an address or a name with one", function()
    for _, row in ipairs(valid) do
      local a = MailAddress.Create(row[1])
      assert.equal(row[2], a.Address, row[1])
      assert.equal(row[3], a.User, row[1])
      assert.equal(row[4], a.Host, row[1])
      assert.equal(row[5], a.DisplayName, row[1])
      assert.equal(row[6] or row[2], tostring(a), row[1])
      assert.equal(row[6] or row[2], a:ToString(), row[1])
    end
  end)

  it("printed and read again is the same address", function()
    for _, row in ipairs(valid) do
      local a = MailAddress.Create(row[1])
      local b = MailAddress.Create(tostring(a))
      assert.equal(a.Address, b.Address)
      assert.equal(a.DisplayName, b.DisplayName)
    end
  end)

  it("is refused with the reason and the caller's position", function()
    for _, row in ipairs(invalid) do
      local message = raises(row[2], function() local _ = MailAddress.Create(row[1]) end)
      mail.fails(message, MailAddress.TryParse(row[1]))
    end
  end)

  it("holds no control character anywhere", function()
    for _, place in ipairs(places) do
      for _, c in ipairs(controls) do
        local text = place:gsub("%%s", (c:gsub("%%", "%%%%")))
        mail.fails("control character", MailAddress.TryParse(text))
      end
    end
  end)

  it("is taken as it is given, without a name, by CreateWithName", function()
    local a = MailAddress.CreateWithName("ivanov@server.ru", "Иван Иванов")
    assert.equal("ivanov@server.ru", a.Address)
    assert.equal("Иван Иванов", a.DisplayName)
    assert.equal('"Иван Иванов" <ivanov@server.ru>', tostring(a))
    local odd = [[  <b@c.d>, "x" \ (y) ; =?utf-8?Q?a?=  ]]
    assert.equal(odd, MailAddress.CreateWithName("a@b.c", odd).DisplayName)
    assert.equal("", MailAddress.CreateWithName("a@b.c", "").DisplayName)
    assert.equal("", MailAddress.CreateWithName("a@b.c").DisplayName)
    assert.equal("", MailAddress.CreateWithName("a@b.c", nil).DisplayName)
    raises("without name and angle brackets", function() local _ = MailAddress.CreateWithName("Me <a@b.c>", "x") end)
    raises("without name and angle brackets", function() local _ = MailAddress.CreateWithName("<a@b.c>", "x") end)
    raises("comma", function() local _ = MailAddress.CreateWithName("a@b.c, d@e.f", "x") end)
    raises("not UTF-8", function() local _ = MailAddress.CreateWithName("a@b.c", "\255") end)
    raises("tab", function() local _ = MailAddress.CreateWithName("a@b.c", "a\tb") end)
    raises("longer than 2048", function() local _ = MailAddress.CreateWithName("a@b.c", ("x"):rep(2049)) end)
    assert.equal(2048, #MailAddress.CreateWithName("a@b.c", ("x"):rep(2048)).DisplayName)
    for _, c in ipairs(controls) do
      for _, name in ipairs { c, c .. "x", "x" .. c, "x" .. c .. "Bcc: e@z.org" } do
        raises("control character", function() local _ = MailAddress.CreateWithName("a@b.c", name) end)
        raises("control character", function() local _ = MailAddress.CreateWithName("a@b.c" .. name, "x") end)
      end
    end
  end)

  it("is called as the class, with a text or with address and name", function()
    assert.equal("me@x.org", MailAddress("Me <me@x.org>").Address)
    assert.equal("Me", MailAddress("Me <me@x.org>").DisplayName)
    assert.equal("Me", MailAddress("me@x.org", "Me").DisplayName)
    raises("refused", function() local _ = MailAddress("me") end)
    raises("without name", function() local _ = MailAddress("Me <me@x.org>", "Me") end)
  end)

  it("raises for wrong types, with the argument named, in all its makers", function()
    local makers = { MailAddress, MailAddress.Create, MailAddress.CreateWithName, MailAddress.TryParse, MailAddress.Parse,
      MailAddress.ParseList, MailAddress.TryParseList }
    for i, make in ipairs(makers) do
      local what = i >= 4 and "Text" or "Address"
      raises("bad value for '" .. what .. "' (string expected, got nothing)", function() local _ = make() end)
      raises("bad value for '" .. what .. "' (string expected, got nothing)", function() local _ = make(nil) end)
      raises("(string expected, got number)", function() local _ = make(5) end)
      raises("(string expected, got table)", function() local _ = make({}) end)
      raises("(string expected, got boolean)", function() local _ = make(true) end)
      raises("(string expected, got netmail.MailAddress)", function() local _ = make(MailAddress.Create("a@b.c")) end)
    end
    raises("bad value for 'DisplayName' (string expected, got number)",
      function() local _ = MailAddress.CreateWithName("a@b.c", 7) end)
    raises("bad value for 'DisplayName' (string expected, got table)", function() local _ = MailAddress("a@b.c", {}) end)
  end)

  it("TryParse gives nil, text and detail for what strangers send, and never raises for it", function()
    local a = MailAddress.TryParse("Me <me@x.org>")
    assert.equal("me@x.org", a.Address)
    for _, text in ipairs { "", "x", "a@b@c", "\0", "a\r\nb@c", "\255\254", ("x"):rep(100000), ("<"):rep(1000) } do
      local value, message, detail = MailAddress.TryParse(text)
      mail.fails("", value, message, detail)
      assert.is_nil(message:find "[%z\1-\31\127]", "control characters in the error")
      assert.is_true(#message < 1000)
    end
  end)

  it("cannot be changed", function()
    local a = MailAddress.Create("Me <me@x.org>")
    for _, name in ipairs { "Address", "AsciiAddress", "AsciiHost", "DisplayName", "Host", "User" } do
      raises("property '" .. name .. "' of MailAddress is read only", function() a[name] = "x" end)
    end
    assert.equal('"Me" <me@x.org>', tostring(a))
  end)

  it("names the property that it does not have", function()
    local a = MailAddress.Create("a@b.c")
    raises("MailAddress has no property 'Adress'", function() local _ = a.Adress end)
    raises("did you mean 'Address'", function() local _ = a.address end)
    raises("did you mean 'Host'", function() a.HOST = 1 end)
    raises("did you mean 'ToString'", function() local _ = a.tostring end)
    raises("MailAddress has no property 'Foo'", function() a.Foo = 1 end)
    raises("MailAddress has no member with a number as its name", function() local _ = a[1] end)
    raises("MailAddress has no member with a table as its name", function() local _ = a[{}] end)
    raises("MailAddress has no member with a boolean as its name", function() a[true] = 1 end)
    raises("netmail.MailAddress has no member 'Read'", function() local _ = MailAddress.Read end)
  end)

  it("says that a colon is missing", function()
    local a = MailAddress.Create("a@b.c")
    raises("MailAddress.ToString was called with a dot or on a wrong object: write object:ToString(...) with a colon",
      function() local _ = a.ToString() end)
    raises("with a colon", function() local _ = a.ToString(netmail.MailMessage {}) end)
  end)

  it("is equal to itself alone", function()
    local a, b = MailAddress.Create("a@b.c"), MailAddress.Create("a@b.c")
    assert.is_true(rawequal(a, a))
    assert.is_false(a == b)
  end)

  it("is read in linear time, whatever a stranger makes of it", function()
    local big = 200000
    local texts = {
      ("a"):rep(big) .. "@example.test", ("a@b,"):rep(50000), ("("):rep(big), ('"'):rep(big + 1), ("a:"):rep(100000),
      ("<"):rep(big), ("a "):rep(100000), ("=?utf-8?q?a?= "):rep(14000), "a@b(" .. ("x"):rep(big) .. ")c",
      ("a@"):rep(100000), ("\\"):rep(big), ("a."):rep(100000), ("\195\169"):rep(100000), ("a"):rep(2000000),
    }
    local begin = os.clock()
    for _, text in ipairs(texts) do
      assert.is_nil((MailAddress.TryParse(text)))
      assert.is_nil((MailAddress.TryParse(text, { Lenient = true })))
      MailAddress.TryParseList(text, { Lenient = true })
      local list = netmail.MailMessage {}.To
      pcall(list.AddString, list, text)
    end
    assert.is_true(os.clock() - begin < 20)
  end)
end)
