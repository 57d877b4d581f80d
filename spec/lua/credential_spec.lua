local netmail = require "netmail"
local mail = require "spec.support.mail"

local NetworkCredential = netmail.NetworkCredential
local raises = mail.raises

describe("a NetworkCredential", function()
  it("has user name, password and domain", function()
    local c = NetworkCredential.Create("ivanov", "pass word", "work")
    assert.equal("ivanov", c.UserName)
    assert.equal("pass word", c.Password)
    assert.equal("work", c.Domain)
    assert.equal("", NetworkCredential.Create("ivanov", "x").Domain)
    assert.equal("", NetworkCredential.Create("ivanov", "x", nil).Domain)
    assert.equal("", NetworkCredential.Create("", "").UserName)
  end)

  it("is made from a table, or by calling the class", function()
    local c = NetworkCredential { UserName = "ivanov", Password = "secret", Domain = "work" }
    assert.equal("ivanov", c.UserName)
    assert.equal("secret", c.Password)
    assert.equal("work", c.Domain)
    c = NetworkCredential("ivanov", "secret")
    assert.equal("secret", c.Password)
    raises("NetworkCredential needs a UserName", function() local _ = NetworkCredential {} end)
    raises("NetworkCredential needs a Password", function() local _ = NetworkCredential { UserName = "x" } end)
    assert.equal("", NetworkCredential { UserName = "x", Password = "" }.Password)
    raises("NetworkCredential has no property 'User'", function() local _ = NetworkCredential { User = "x" } end)
    raises("did you mean 'UserName'", function() local _ = NetworkCredential { username = "x" } end)
    raises("found a number as a key", function() local _ = NetworkCredential { "x", "y" } end)
  end)

  it("is replaced in place by CreateWithUserPassword", function()
    local c = NetworkCredential.Create("ivanov", "one", "work")
    c:CreateWithUserPassword("petrov", "two")
    assert.equal("petrov", c.UserName)
    assert.equal("two", c.Password)
    assert.equal("work", c.Domain)
    raises("bad value for 'Password' (string or function expected, got nothing)", function() c:CreateWithUserPassword("x") end)
    raises("NUL", function() c:CreateWithUserPassword("x", "a\0b") end)
    raises("line break", function() c:CreateWithUserPassword("x\r\n", "b") end)
    assert.equal("petrov", c.UserName)
    assert.equal("two", c.Password)
  end)

  it("may be changed by its properties", function()
    local c = NetworkCredential.Create("ivanov", "one", "work")
    c.UserName = "petrov"
    c.Password = "two"
    c.Domain = nil
    assert.equal("petrov two ", c.UserName .. " " .. c.Password .. " " .. c.Domain)
    raises("bad value for 'UserName' (string expected, got nothing)", function() c.UserName = nil end)
    raises("bad value for 'Password' (string or function expected, got nothing)", function() c.Password = nil end)
    raises("bad value for 'Password' (string or function expected, got number)", function() c.Password = 1234 end)
    raises("bad value for 'Domain' (string expected, got table)", function() c.Domain = {} end)
    assert.equal("petrov two ", c.UserName .. " " .. c.Password .. " " .. c.Domain)
  end)

  it("takes what a password may hold, and no NUL", function()
    local odd = "пароль \r\n\t\255\1" .. ("x"):rep(8000)
    assert.equal(odd, NetworkCredential.Create("x", odd).Password)
    raises("NUL", function() local _ = NetworkCredential.Create("x", "a\0b") end)
    raises("NUL", function() local _ = NetworkCredential.Create("x\0", "a") end)
    raises("NUL", function() local _ = NetworkCredential.Create("x", "a", "\0") end)
    for _, c in ipairs { "\r", "\n", "\r\nRCPT TO:<e@z.org>" } do
      raises("UserName contains a line break", function() local _ = NetworkCredential.Create("x" .. c .. "y", "a") end)
      raises("Domain contains a line break", function() local _ = NetworkCredential.Create("x", "a", "d" .. c .. "y") end)
    end
    raises("Password is longer than 8192 bytes", function() local _ = NetworkCredential.Create("x", ("x"):rep(8193)) end)
    raises("UserName is longer than", function() local _ = NetworkCredential.Create(("x"):rep(8193), "x") end)
  end)

  it("refuses the line break that a text read from a file ends in, and says how to take it off", function()
    local c = NetworkCredential.Create("ivanov", "one", "work")
    for _, line_end in ipairs { "\n", "\r\n", "\r", "\n\n" } do
      for _, name in ipairs { "UserName", "Password", "Token", "Domain" } do
        raises(name .. " ends in a line break, as what is read from a file does; take it off, as with text:gsub(",
          function() c[name] = "S3cret" .. line_end end)
      end
      raises("Password ends in a line break", function() local _ = NetworkCredential.Create("x", "S3cret" .. line_end) end)
      raises("Token ends in a line break", function() local _ = NetworkCredential { UserName = "x", Token = "S3cret" .. line_end } end)
      raises("Password ends in a line break",
        function() local _ = netmail.SmtpClient { Host = "h", UserName = "x", Password = "S3cret" .. line_end } end)
    end
    assert.equal("ivanov one work", c.UserName .. " " .. c.Password .. " " .. c.Domain)
    assert.is_nil(c.Token)
  end)

  it("raises for wrong types, and names the argument", function()
    raises("bad value for 'UserName' (string expected, got nothing)", function() local _ = NetworkCredential.Create() end)
    raises("bad value for 'Password' (string or function expected, got nothing)", function() local _ = NetworkCredential.Create("x") end)
    raises("bad value for 'Password' (string or function expected, got number)", function() local _ = NetworkCredential.Create("x", 5) end)
    raises("bad value for 'Domain' (string expected, got number)", function() local _ = NetworkCredential.Create("x", "y", 5) end)
    raises("bad value for 'UserName' (string expected, got number)", function() local _ = NetworkCredential(5, "x") end)
  end)

  it("never shows its password but to who asks for it", function()
    local secret = "S3cret-Passw0rd"
    local c = NetworkCredential.Create("ivanov", secret, "work")
    assert.equal("NetworkCredential (ivanov)", tostring(c))
    local client = netmail.SmtpClient { Host = "h.example", UserName = "ivanov", Password = secret,
      Proxy = "http://me:" .. secret .. "@proxy:3128" }
    client.ThisHostCredentials["PLAIN"] = c
    local cache = netmail.CredentialCache.Create()
    cache:Add("h", 25, "", c)
    client.Credentials = cache
    for _, o in ipairs { c, client, client.ThisHostCredentials, cache } do
      assert.is_nil(tostring(o):find(secret, 1, true))
    end
    assert.is_nil(client.Proxy:find(secret, 1, true))
    local function errors_of(f, ...)
      local ok, err = pcall(f, ...)
      assert.is_false(ok)
      assert.is_nil(tostring(err):find(secret, 1, true))
    end
    errors_of(function() c:CreateWithUserPassword("a", secret .. "\0") end)
    errors_of(function() c:CreateWithUserPassword("a\n", secret) end)
    errors_of(function() c.Password = secret .. "\0" end)
    errors_of(function() local _ = NetworkCredential.Create("a", secret .. "\0") end)
    errors_of(function() local _ = NetworkCredential { UserName = "a", Password = secret, Pass = secret } end)
    errors_of(function() client.Proxy = "ftp://me:" .. secret .. "@proxy" end)
    errors_of(function() client.Proxy = "http://me:" .. secret .. "@pro xy" end)
    errors_of(function() client.Proxy = "http://me:" .. secret .. "\r\n@proxy" end)
    errors_of(function() client.ClientCertificate = { File = "a", Password = secret .. "\1" } end)
  end)

  it("names wrong members and the missing colon", function()
    local c = NetworkCredential.Create("a", "b")
    raises("NetworkCredential has no property 'Foo'", function() local _ = c.Foo end)
    raises("did you mean 'Password'", function() local _ = c.password end)
    raises("NetworkCredential has no property 'Foo'", function() c.Foo = 1 end)
    raises("NetworkCredential.CreateWithUserPassword was called with a dot", function() c.CreateWithUserPassword("a", "b") end)
    raises("netmail.NetworkCredential has no member 'New'", function() local _ = NetworkCredential.New end)
  end)
end)
