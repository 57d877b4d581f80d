local netmail = require "netmail"
local mail = require "spec.support.mail"

local SmtpClient = netmail.SmtpClient
local raises = mail.raises

describe("an SmtpClient", function()
  local client

  before_each(function() client = SmtpClient.CreateWithHost "smtp.example.org" end)

  it("has Fore's defaults", function()
    assert.equal("smtp.example.org", client.Host)
    assert.equal(25, client.Port)
    assert.equal(100000, client.Timeout)
    assert.is_false(client.EnableSsl)
    assert.is_false(client.UseDefaultCredentials)
    assert.is_nil(client.Credentials)
    assert.is_nil(client.ThisHostCredentials[""])
  end)

  it("has safe defaults for what Fore lacks", function()
    assert.is_nil(client.Deadline)
    assert.is_false(client.AllowPlaintextAuth)
    assert.is_false(client.AllOrNothing)
    for _, name in ipairs { "CaFile", "CaPath", "ClientCertificate", "Proxy", "IpVersion", "LocalName" } do
      assert.is_nil(client[name])
    end
  end)

  it("is made from host and port", function()
    local c = SmtpClient.CreateWithHostAndPort("h.example", 465)
    assert.equal("h.example", c.Host)
    assert.equal(465, c.Port)
    assert.is_false(c.EnableSsl)
    assert.equal("SmtpClient (h.example:465)", tostring(c))
    c.EnableSsl = true
    assert.equal("SmtpClient (h.example:465, TLS)", tostring(c))
    raises("bad value for 'Port' (number expected, got nothing)", function() local _ = SmtpClient.CreateWithHostAndPort("h") end)
    raises("bad value for 'Port' (number expected, got string)",
      function() local _ = SmtpClient.CreateWithHostAndPort("h", "25") end)
    raises("from 1 to 65535", function() local _ = SmtpClient.CreateWithHostAndPort("h", 0) end)
    raises("bad value for 'Host' (string expected, got nothing)", function() local _ = SmtpClient.CreateWithHost() end)
    raises("bad value for 'Host' (string expected, got number)", function() local _ = SmtpClient.CreateWithHost(5) end)
  end)

  it("is made from a table", function()
    local cache = netmail.CredentialCache.Create()
    local c = SmtpClient { Host = "h.example", Port = 587, EnableSsl = true, Timeout = 5000, Deadline = 60000,
      UserName = "me", Password = "secret", Domain = "work", AllOrNothing = true, AllowPlaintextAuth = true,
      UseDefaultCredentials = true, Credentials = cache, CaFile = "/etc/ca.pem", CaPath = "/etc/ca",
      ClientCertificate = { File = "c.pem", Key = "k.pem", Password = "x" }, Proxy = "socks5h://p:1080", IpVersion = 6,
      LocalName = "me.example" }
    assert.equal(587, c.Port)
    assert.is_true(c.EnableSsl)
    assert.equal(5000, c.Timeout)
    assert.equal(60000, c.Deadline)
    assert.equal("me", c.ThisHostCredentials[""].UserName)
    assert.equal("work", c.ThisHostCredentials[""].Domain)
    assert.is_true(c.AllOrNothing)
    assert.is_true(c.AllowPlaintextAuth)
    assert.is_true(c.UseDefaultCredentials)
    assert.is_true(rawequal(cache, c.Credentials))
    assert.equal("/etc/ca.pem", c.CaFile)
    assert.equal("/etc/ca", c.CaPath)
    assert.equal("c.pem", c.ClientCertificate)
    assert.equal("socks5h://p:1080", c.Proxy)
    assert.equal(6, c.IpVersion)
    assert.equal("me.example", c.LocalName)
  end)

  it("wants a table with a host, and whole credentials", function()
    raises("SmtpClient takes a table", function() local _ = SmtpClient "smtp.example.org" end)
    raises("SmtpClient takes a table", function() local _ = SmtpClient() end)
    raises("SmtpClient needs a Host", function() local _ = SmtpClient {} end)
    raises("SmtpClient needs a Host", function() local _ = SmtpClient { Port = 25 } end)
    raises("NetworkCredential needs a Password", function() local _ = SmtpClient { Host = "h", UserName = "me" } end)
    raises("NetworkCredential needs a UserName", function() local _ = SmtpClient { Host = "h", Password = "x" } end)
    raises("needs a", function() local _ = SmtpClient { Host = "h", Domain = "x" } end)
    raises("bad value for 'UserName' (string expected", function() local _ = SmtpClient { Host = "h", UserName = 5 } end)
    raises("bad value for 'Password' (string or function expected",
      function() local _ = SmtpClient { Host = "h", UserName = "x", Password = 5 } end)
    raises("NUL", function() local _ = SmtpClient { Host = "h", UserName = "x", Password = "\0" } end)
    raises("SmtpClient has no property 'Pass'", function() local _ = SmtpClient { Host = "h", Pass = "x" } end)
    raises("did you mean 'Host'", function() local _ = SmtpClient { host = "h" } end)
    raises("property 'ThisHostCredentials' of SmtpClient is read only",
      function() local _ = SmtpClient { Host = "h", ThisHostCredentials = {} } end)
    raises("found a number as a key", function() local _ = SmtpClient { "h" } end)
    raises("SmtpClient has no property 'Send'", function() local _ = SmtpClient { Host = "h", Send = print } end)
  end)

  it("takes host names and addresses and nothing that could end a line", function()
    for given, host in pairs { ["a"] = "a", ["smtp.example.org"] = "smtp.example.org", ["127.0.0.1"] = "127.0.0.1", ["::1"] = "::1",
      ["[::1]"] = "::1", ["2001:db8::1"] = "2001:db8::1", ["xn--80ak6aa92e.com"] = "xn--80ak6aa92e.com", ["A-1.b"] = "A-1.b",
      -- an international name in its ASCII form, which DNS and certificates have
      ["почта.РФ"] = "xn--80a1acny.xn--p1ai", ["smtp。bücher.example"] = "smtp.xn--bcher-kva.example" } do
      client.Host = given
      assert.equal(host, client.Host)
    end
    client.Host = "h.example"
    for _, bad in ipairs { "", " ", "a b", "a\r\nX: y", "a\0", "a\n", "a/b", "a:25", "smtp://a", "a@b", "-a.b", "a..b", ".a", "[a]",
      "[::1", "a;b", "почта..рф", "почта.рф/x", "c℀.example", "почта.рф:25", "[почта]", "\255",
      "a?", "a#b", ("a"):rep(64) .. ".b", ("a."):rep(130) .. "b", "%41", "a\\b" } do
      raises("Host", function() client.Host = bad end)
      raises("Host", function() local _ = SmtpClient.CreateWithHost(bad) end)
      raises("Host", function() local _ = SmtpClient { Host = bad } end)
    end
    assert.equal("h.example", client.Host)
  end)

  it("refuses a NUL in every text, in its own and its objects', with a sentence that goes on behind it", function()
    local objects = {
      [client] = { "Host", "LocalName", "MinimumAuth", "Protocol", "CaFile", "CaPath", "ClientCertificate", "Proxy" },
      [netmail.NetworkCredential.Create("u", "p")] = { "UserName", "Password", "Token", "Domain" },
      [client.SendOptions] = { "From", "To", "Ret", "EnvelopeId", "Notify", "OriginalRecipient", "HoldUntil", "IfOffered", "Chunking" },
      [netmail.MailMessage {}] = { "From", "To", "CC", "Bcc", "ReplyTo", "Sender", "Subject", "Body", "Text", "Html", "SubjectEncoding",
        "BodyEncoding", "BodyTransferEncoding", "MessageId", "InReplyTo", "References", "Date", "ListUnsubscribe" },
    }
    for object, names in pairs(objects) do
      for _, name in ipairs(names) do
        raises(name .. " has a NUL (\\0) at byte 4; remove it", function() object[name] = "abc\0d" end)
      end
    end
    raises("Host has a NUL (\\0) at byte 2; remove it", function() local _ = SmtpClient.CreateWithHost "a\0b" end)
    local cache, credential = netmail.CredentialCache.Create(), netmail.NetworkCredential.Create("u", "p")
    raises("Host has a NUL (\\0) at byte 2; remove it", function() cache:Add("a\0b", 25, "", credential) end)
    assert.equal(0, cache.Count)
    raises("'PL\\x00AIN' (there are", function() cache:Add("a", 25, "PL\0AIN", credential) end)
    raises("'PL\\x00AIN' (there are", function() client.ThisHostCredentials["PL\0AIN"] = credential end)
    raises("no property 'Ho\\x00st'", function() client["Ho\0st"] = "a" end)
    raises("no property 'Host\\x1B[2J" .. ("x"):rep(89) .. "...'", function() client["Host\27[2J" .. ("x"):rep(2000)] = "a" end)
    raises("no field 'Fi\\x00le'", function() client.ClientCertificate = { File = "a", ["Fi\0le"] = "b" } end)
    raises("has no member 'Cre\\x00ate'", function() local _ = SmtpClient["Cre\0ate"] end)
    assert.equal("smtp.example.org", client.Host)
  end)

  it("says where a user name and a password belong, and alters no credential that another client has, too", function()
    local shared = netmail.NetworkCredential.Create("ivanov", "one")
    local other = SmtpClient.CreateWithHost "h.example"
    client.ThisHostCredentials[""], other.ThisHostCredentials[""] = shared, shared
    for _, name in ipairs { "UserName", "Password", "Token", "Domain" } do
      local words = "SmtpClient has no property '" .. name .. "': it belongs to a credential; write client.ThisHostCredentials[\"\"] = "
      raises(words, function() client[name] = "x" end)
      raises(words, function() local _ = client[name] end)
    end
    client.ThisHostCredentials[""] = netmail.NetworkCredential.Create("petrov", "two")
    assert.equal("ivanov one", shared.UserName .. " " .. shared.Password)
    assert.equal("ivanov", other.ThisHostCredentials[""].UserName)
  end)

  it("takes whole numbers in their ranges", function()
    local rows = { Port = { 1, 65535 }, Timeout = { 1, 2147483647 }, Deadline = { 1, 2147483647 } }
    for name, range in pairs(rows) do
      for _, n in ipairs { range[1], range[2], 587 } do
        client[name] = n
        assert.equal(n, client[name])
      end
      for _, bad in ipairs { 0, -1, range[2] + 1, 0 / 0, 1 / 0, -1 / 0, 1e300 } do
        raises("bad value for '" .. name .. "' (a whole number from", function() client[name] = bad end)
      end
      raises("got a fraction", function() client[name] = 25.5 end)
      for _, bad in ipairs { "25", {}, true } do
        raises("bad value for '" .. name .. "' (number expected", function() client[name] = bad end)
      end
      assert.equal(587, client[name])
    end
    raises("number expected, got nothing", function() client.Port = nil end)
    raises("number expected, got nothing", function() client.Timeout = nil end)
    client.Deadline = nil
    assert.is_nil(client.Deadline)
    client.Port = 587.0
    assert.equal("587", tostring(client.Port))
  end)

  it("takes true and false, and nothing that is like them", function()
    for _, name in ipairs { "EnableSsl", "UseDefaultCredentials", "AllowPlaintextAuth", "AllOrNothing" } do
      client[name] = true
      assert.is_true(client[name])
      for _, bad in ipairs { 0, 1, "true", "false", {} } do
        raises("bad value for '" .. name .. "' (boolean expected", function() client[name] = bad end)
      end
      raises("(boolean expected, got nothing)", function() client[name] = nil end)
      assert.is_true(client[name])
      client[name] = false
      assert.is_false(client[name])
    end
  end)

  it("checks its EHLO name", function()
    for _, good in ipairs { "me.example", "localhost", "[127.0.0.1]", "[IPv6:::1]" } do
      client.LocalName = good
      assert.equal(good, client.LocalName)
    end
    for _, bad in ipairs { "x\r\nMAIL FROM:<e@v.il>", "x y", "x\0", "[1.2.3]", "[::1]", "x\n", "-x", "é", "<x>", "a_b" } do
      raises("LocalName", function() client.LocalName = bad end)
    end
    assert.equal("[IPv6:::1]", client.LocalName)
    client.LocalName = nil
    assert.is_nil(client.LocalName)
    raises("bad value for 'LocalName' (string expected, got number)", function() client.LocalName = 5 end)
  end)

  it("takes texts without control characters for paths, and nil takes them away", function()
    for _, name in ipairs { "CaFile", "CaPath", "ClientCertificate" } do
      client[name] = "/etc/ssl/файл.pem"
      assert.equal("/etc/ssl/файл.pem", client[name])
      for _, bad in ipairs { "a\0b", "a\nb", "a\127" } do
        raises(name, function() client[name] = bad end)
      end
      raises("longer than", function() client[name] = ("x"):rep(5000) end)
      raises("bad value for '" .. name .. "' (string expected, got number)", function() client[name] = 5 end)
      assert.equal("/etc/ssl/файл.pem", client[name])
      client[name] = nil
      assert.is_nil(client[name])
    end
    client.ClientCertificate = { File = "c.pem" }
    assert.equal("c.pem", client.ClientCertificate)
    raises("File is missing", function() client.ClientCertificate = { Key = "k.pem" } end)
    raises("File is missing", function() client.ClientCertificate = {} end)
    raises("no field 'Pass'", function() client.ClientCertificate = { File = "c.pem", Pass = "x" } end)
    raises("no field 'number'", function() client.ClientCertificate = { "c.pem" } end)
    raises("bad value for 'Key' (string expected", function() client.ClientCertificate = { File = "c.pem", Key = 5 } end)
    assert.equal("c.pem", client.ClientCertificate)
  end)

  it("takes a proxy's URL and gives it back without the password", function()
    for _, scheme in ipairs { "http", "https", "socks4", "socks4a", "socks5", "socks5h", "HTTP" } do
      client.Proxy = scheme .. "://proxy:3128"
      assert.equal(scheme .. "://proxy:3128", client.Proxy)
    end
    client.Proxy = "http://me:p%40ss@proxy:3128"
    assert.equal("http://proxy:3128", client.Proxy)
    for _, bad in ipairs { "proxy:3128", "ftp://proxy", "http://", "file:///etc/passwd", "http://a b", "http://a\r\nX: y", "http://a\0" } do
      raises("Proxy", function() client.Proxy = bad end)
    end
    assert.equal("http://proxy:3128", client.Proxy)
    client.Proxy = nil
    assert.is_nil(client.Proxy)
  end)

  it("takes 4, 6 or nil as IpVersion", function()
    client.IpVersion = 4
    assert.equal(4, client.IpVersion)
    for _, bad in ipairs { 0, 3, 5, 7, 4.5, "4", true } do raises("IpVersion", function() client.IpVersion = bad end) end
    assert.equal(4, client.IpVersion)
    client.IpVersion = nil
    assert.is_nil(client.IpVersion)
  end)

  it("holds a credential for each protocol, indexed by its name without case", function()
    local own = client.ThisHostCredentials
    local any = netmail.NetworkCredential.Create("any", "x")
    local plain = netmail.NetworkCredential.Create("plain", "x")
    local kerberos = netmail.NetworkCredential.Create("kerberos", "x")
    own[""] = any
    client.ThisHostCredentials["plain"] = plain
    client.ThisHostCredentials.Kerberos = kerberos
    assert.is_true(rawequal(any, client.ThisHostCredentials[""]))
    assert.is_true(rawequal(plain, own.PLAIN))
    assert.is_true(rawequal(kerberos, own["GSSAPI"]))
    assert.is_true(rawequal(kerberos, own.gssapi))
    assert.is_nil(own.LOGIN)
    assert.equal("ThisHostCredentials (3)", tostring(own))
    own.PLAIN = any
    assert.is_true(rawequal(any, own.PLAIN))
    own.PLAIN = nil
    assert.is_nil(own.PLAIN)
    own.PLAIN = nil
    assert.is_true(rawequal(any, own[""]))
    -- as Fore writes an indexed property
    assert.is_true(rawequal(any, client.ThisHostCredentials("")))
    assert.is_true(rawequal(kerberos, client.ThisHostCredentials("kerberos")))
    assert.is_true(rawequal(kerberos, client:ThisHostCredentials("kerberos")))
    assert.is_nil(client.ThisHostCredentials("NTLM"))
  end)

  it("takes credentials for all protocols at once", function()
    local names = { "NTLM", "PLAIN", "LOGIN", "DIGEST-MD5", "CRAM-MD5", "GSSAPI", "" }
    local set = {}
    for round = 1, 3 do
      for _, name in ipairs(names) do
        set[name] = netmail.NetworkCredential.Create(name .. round, "x")
        client.ThisHostCredentials[name] = set[name]
      end
    end
    for _, name in ipairs(names) do assert.is_true(rawequal(set[name], client.ThisHostCredentials[name])) end
  end)

  it("keeps credentials to the host they were set for", function()
    local c = netmail.NetworkCredential.Create("me", "x")
    client.ThisHostCredentials[""] = c
    client.Host = "evil.example"
    assert.is_nil(client.ThisHostCredentials[""])
    client.Host = "SMTP.Example.org"
    assert.is_true(rawequal(c, client.ThisHostCredentials[""]))
    client.Host = "evil.example"
    client.ThisHostCredentials[""] = netmail.NetworkCredential.Create("other", "x")
    client.Host = "smtp.example.org"
    assert.is_nil(client.ThisHostCredentials[""])
  end)

  it("raises for what is no protocol or no credential", function()
    local own = client.ThisHostCredentials
    raises("unknown authentication protocol 'BASIC'", function() local _ = own.BASIC end)
    raises("unknown authentication protocol 'BASIC'", function() own.BASIC = netmail.NetworkCredential.Create("a", "b") end)
    raises("bad value for 'ThisHostCredentials[protocol]' (string expected, got number)", function() local _ = own[1] end)
    raises("(string expected, got nothing)", function() local _ = own() end)
    for _, bad in ipairs { "me", 5, {}, true, client } do
      raises("NetworkCredential or nil expected", function() own[""] = bad end)
    end
    raises("property 'ThisHostCredentials' of SmtpClient is read only", function() client.ThisHostCredentials = {} end)
    assert.is_nil(own[""])
  end)

  it("outlives itself in its ThisHostCredentials", function()
    local own = SmtpClient { Host = "h", UserName = "me", Password = "x" }.ThisHostCredentials
    collectgarbage()
    collectgarbage()
    assert.equal("me", own[""].UserName)
    own[""] = nil
    assert.is_nil(own[""])
  end)

  it("takes a CredentialCache and gives it back", function()
    local cache = netmail.CredentialCache.Create()
    client.Credentials = cache
    assert.is_true(rawequal(cache, client.Credentials))
    client.Credentials = client.Credentials
    cache:Add("h", 25, "", netmail.NetworkCredential.Create("a", "b"))
    assert.equal(1, client.Credentials.Count)
    for _, bad in ipairs { {}, "x", netmail.NetworkCredential.Create("a", "b") } do
      raises("CredentialCache or nil expected", function() client.Credentials = bad end)
    end
    client.Credentials = nil
    assert.is_nil(client.Credentials)
  end)

  it("names wrong members and the missing colon", function()
    raises("SmtpClient has no property 'Foo'", function() local _ = client.Foo end)
    raises("SmtpClient has no property 'Foo'", function() client.Foo = 1 end)
    raises("did you mean 'EnableSsl'", function() client.EnableSSL = true end)
    raises("did you mean 'Send'", function() client:send() end)
    raises("SmtpClient has no property 'Send'", function() client.Send = print end)
    raises("SmtpClient.Send was called with a dot", function() client.Send(netmail.MailMessage {}) end)
    raises("SmtpClient.Close was called with a dot", function() client.Close() end)
    raises("MailMessage expected, got nil", function() client:Send() end)
    raises("MailMessage expected, got table", function() client:Send({}) end)
    raises("MailMessage expected, got userdata", function() client:Send(client) end)
    raises("netmail.SmtpClient has no member 'Create'", function() local _ = SmtpClient.Create end)
  end)

  it("closes as often as one likes, also without a connection", function()
    client:Close()
    client:Close()
    assert.equal("smtp.example.org", client.Host)
  end)

  it("does not go to the network with a message that cannot be sent", function()
    client.Host = "127.0.0.1"
    client.Port = 1
    local function refused(m, text)
      local result, message, detail = client:Send(m)
      mail.fails(text, result, message, detail)
      assert.equal("not_sent", detail.Outcome)
      assert.is_false(detail.Temporary)
    end
    refused(netmail.MailMessage {}, "no From")
    refused(netmail.MailMessage { To = "a@x.org" }, "no From")
    refused(netmail.MailMessage { From = "a@x.org" }, "no recipients")
    refused(netmail.MailMessage { From = "a@x.org", To = "b@x.org", Body = "я", BodyEncoding = "iso-8859-1" }, "U+044F")
  end)
end)
