local netmail = require "netmail"
local mail = require "spec.support.mail"

local providers = netmail.providers
local raises = mail.raises

-- name, host, largest message, recipients, one of its domains
local known = {
  { "gmail", "smtp.gmail.com", 25e6, 100, "gmail.com" },
  { "mailru", "smtp.mail.ru", 30e6, 30, "bk.ru" },
  { "yandex", "smtp.yandex.ru", 30e6, nil, "ya.ru" },
  { "rambler", "smtp.rambler.ru", 20e6, nil, "lenta.ru" },
  { "yahoo", "smtp.mail.yahoo.com", nil, nil, "yahoo.com" },
  { "yahooplus", "plus.smtp.mail.yahoo.com" },
  { "mailcom", "smtp.mail.com", nil, nil, "mail.com" },
  { "bigmir", "smtp.googlemail.com", nil, nil, "bigmir.net" },
  { "metaua", "smtp.meta.ua", nil, nil, "meta.ua" },
}

describe("a provider", function()
  it("gives a ready client with TLS from the first byte", function()
    for _, row in ipairs(known) do
      local client = providers[row[1]] { UserName = "me@elsewhere.example", Password = "secret" }
      assert.equal(row[2], client.Host, row[1])
      assert.equal(465, client.Port, row[1])
      assert.is_true(client.EnableSsl, row[1])
      assert.is_false(client.AllowPlaintextAuth, row[1])
      local c = client.ThisHostCredentials[""]
      assert.equal("me@elsewhere.example", c.UserName, row[1])
      assert.equal("secret", c.Password, row[1])
    end
  end)

  it("tells its facts", function()
    for _, row in ipairs(known) do
      local entry = providers[row[1]]
      assert.equal(row[2], entry.Host)
      assert.equal(465, entry.Port)
      assert.equal(row[3], entry.MaxSize, row[1])
      assert.equal(row[4], entry.MaxRecipients, row[1])
      assert.is_truthy(entry.Login == "address" or entry.Login == "local")
      assert.is_truthy(entry.Checked:match "^%d%d%d%d%-%d%d$")
      assert.equal(("provider (%s:465)"):format(row[2]), tostring(entry))
      for _, domain in ipairs(entry.Domains) do assert.equal(domain:lower(), domain) end
    end
  end)

  it("is found by an address of its domains, without case", function()
    for _, row in ipairs(known) do
      if row[5] then
        local entry, name = providers.ForAddress("x@" .. row[5])
        assert.equal(row[1], name)
        assert.is_true(rawequal(providers[row[1]], entry))
        assert.equal(row[1], select(2, providers.ForAddress("X@" .. row[5]:upper())))
      end
    end
    local seen = {}
    for name, entry in pairs(providers) do
      for _, domain in ipairs(type(entry) == "table" and entry.Domains or {}) do
        assert.is_nil(seen[domain], domain .. " stands twice")
        seen[domain] = name
        assert.equal(name, select(2, providers.ForAddress("x@" .. domain)))
      end
    end
  end)

  it("is not found for other domains", function()
    for _, address in ipairs { "x@example.org", "x@gmail.com.evil.org", "x@notgmail.com", "gmail.com", "", "@", "x@", "x@.gmail.com",
      "x@gmail.com@evil.org", "x@gmail" } do
      assert.is_nil((providers.ForAddress(address)), address)
    end
    assert.equal("gmail", select(2, providers.ForAddress '"x@evil.org"@gmail.com'))
    assert.equal("gmail", select(2, providers.ForAddress "Me <me@gmail.com> "))
    raises("bad argument #1 to 'ForAddress' (string expected, got nil)", function() local _ = providers.ForAddress() end)
    raises("got table", function() local _ = providers.ForAddress({}) end)
  end)

  it("shortens the login only where the provider wants it, and only its own addresses", function()
    local function login(name, user)
      return providers[name] { UserName = user, Password = "x" }.ThisHostCredentials[""].UserName
    end
    for _, domain in ipairs { "yandex.ru", "YA.RU", "narod.ru", "yandex.com" } do
      assert.equal("me", login("yandex", "me@" .. domain))
    end
    for _, user in ipairs { "me", "me@example.org", "me@yandex.ru.evil.org", "me@", "" } do
      assert.equal(user, login("yandex", user))
    end
    assert.equal("me@gmail.com", login("gmail", "me@gmail.com"))
    assert.equal("me@mail.ru", login("mailru", "me@mail.ru"))
  end)

  it("passes all other options on, and lets them win", function()
    local client = providers.gmail { Timeout = 5000, Port = 587, LocalName = "me.example" }
    assert.equal(5000, client.Timeout)
    assert.equal(587, client.Port)
    assert.is_true(client.EnableSsl)
    assert.equal("me.example", client.LocalName)
    assert.is_nil(client.ThisHostCredentials[""])
    assert.equal(465, providers.gmail.Port)
  end)

  it("raises where it was called", function()
    raises("SmtpClient has no property 'Pass'", function() local _ = providers.gmail { UserName = "x", Pass = "y" } end)
    raises("NetworkCredential needs a Password", function() local _ = providers.gmail { UserName = "x" } end)
    raises("bad value for 'UserName' (string expected, got number)",
      function() local _ = providers.yandex { UserName = 5, Password = "x" } end)
    raises("a provider takes a table", function() local _ = providers.gmail "me@gmail.com" end)
    raises("a provider takes a table", function() local _ = providers.gmail() end)
    raises("there is no provider 'hotmail'", function() local _ = providers.hotmail end)
  end)

  it("does not change the options it was given", function()
    local options = { UserName = "me@yandex.ru", Password = "x" }
    local _ = providers.yandex(options)
    assert.same({ UserName = "me@yandex.ru", Password = "x" }, options)
  end)
end)
