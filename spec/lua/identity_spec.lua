-- DESIGN 3.8, 3.9: a kept connection belongs to one identity, and nobody is logged in whom the caller did not name.

local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local Credential = netmail.NetworkCredential

-- A server that says yes to each AUTH PLAIN and serves; one dialogue for all connections.
local function server_with(...)
  return servers.script(net.follow(net.greet(...), { serve = true }))
end

local function connections(server)
  local n = 0
  while process.exists(("%s/conn-%d.raw"):format(server.dir, n + 1)) do n = n + 1 end
  return n
end

local function send(client)
  assert.equal("accepted", assert(client:Send(net.message())).Outcome)
end

describe("a kept connection", function()
  it("serves message after message while nothing changes", function()
    local server = server_with "PIPELINING"
    local client = net.client(server.port.plain)
    for _ = 1, 4 do send(client) end
    client.Timeout = 4000 -- neither time nor policy is part of who we are
    client.AllOrNothing = true
    send(client)
    client:Close()
    assert.equal(1, connections(server))
    server:stop()
  end)

  it("ends with QUIT when the identity changes, and another one is made", function()
    local changes = {
      Host = "127.0.0.1",
      LocalName = "other.example.test",
      IpVersion = 4,
      CaFile = net.ca,
      CaPath = "/etc/ssl/certs",
      AllowPlaintextAuth = true,
    }
    for name, value in pairs(changes) do
      local server = server_with "PIPELINING"
      local client = net.client(server.port.plain)
      send(client)
      client[name] = value
      send(client)
      assert.equal(2, connections(server), name)
      assert.is_truthy(server:received(1):find("QUIT\r\n$"), name)
      send(client)
      assert.equal(2, connections(server), name)
      client:Close()
      server:stop()
    end
  end)

  it("is another one for another port", function()
    local a, b = server_with(), server_with()
    local client = net.client(a.port.plain)
    send(client)
    client.Port = b.port.plain
    send(client)
    client:Close()
    assert.equal(1, connections(a))
    assert.equal(1, connections(b))
    a:stop()
    b:stop()
  end)

  it("is another one with TLS switched on", function()
    local aio = servers.shared "aio"
    local client = net.client(aio.port.starttls, { CaFile = net.ca })
    send(client)
    client.EnableSsl = true
    send(client)
    client:Close()
    local mails = aio:take(2)
    assert.is_falsy(mails[1].tls)
    assert.is_truthy(mails[2].tls)
  end)

  it("belongs to the credential by value, also when that is changed in place", function()
    local aio = servers.shared "aio"
    local client = net.secure(aio.port.tls, "tls")
    local credential = Credential.Create("user@example.test", "secret")
    client.ThisHostCredentials[""] = credential
    send(client)
    client.ThisHostCredentials[""] = Credential.Create("user@example.test", "secret") -- the same by value
    send(client)
    credential:CreateWithUserPassword("user", "secret") -- not the one in use
    send(client)
    client.ThisHostCredentials[""] = credential
    send(client)
    credential.Password = "wrong"
    local result, _, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.equal("auth", detail.Kind)
    client.ThisHostCredentials[""] = nil
    local users = {}
    for i, mail in ipairs(aio:take(4)) do users[i] = mail.user end
    assert.same({ "user@example.test", "user@example.test", "user@example.test", "user" }, users)
    send(client) -- without a login
    client:Close()
    assert.is_falsy(aio:take(1)[1].user)
  end)
end)

describe("ThisHostCredentials", function()
  it("belong to the Host they were set for", function()
    local aio = servers.shared "aio"
    local client = net.secure(aio.port.tls, "tls")
    client.ThisHostCredentials[""] = Credential.Create("user@example.test", "secret")
    client.Host = "127.0.0.1"
    assert.is_nil(client.ThisHostCredentials[""])
    local result, err, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.same({ "auth", "not_sent" }, { detail.Kind, detail.Outcome })
    assert.is_truthy(err:find("none of them is for 127.0.0.1", 1, true))
    client.Host = "LOCALHOST"
    assert.equal("user@example.test", client.ThisHostCredentials[""].UserName)
    send(client)
    client:Close()
    assert.equal("user@example.test", aio:take(1)[1].user)
  end)

  it("of a named mechanism go before those of the empty name", function()
    local aio = servers.shared "aio"
    local client = net.secure(aio.port.tls, "tls")
    client.ThisHostCredentials[""] = Credential.Create("user", "secret")
    client.ThisHostCredentials["LOGIN"] = Credential.Create("user@example.test", "secret")
    send(client)
    client.ThisHostCredentials["LOGIN"] = nil
    send(client)
    client:Close()
    local mails = aio:take(2)
    assert.equal("user@example.test", mails[1].user)
    assert.equal("user", mails[2].user)
  end)

  it("take names in any case, and Kerberos for GSSAPI", function()
    local client = net.client(25)
    client.ThisHostCredentials["kerberos"] = Credential.Create("a", "b")
    assert.equal("a", client.ThisHostCredentials["GSSAPI"].UserName)
    assert.equal("a", client.ThisHostCredentials("Kerberos").UserName)
    assert.has_error(function() client.ThisHostCredentials["TELEPATHY"] = Credential.Create("a", "b") end)
  end)

  it("choose among several named mechanisms by what the server offers", function()
    local aio = servers.shared "aio" -- PLAIN and LOGIN
    local client = net.secure(aio.port.tls, "tls")
    client.ThisHostCredentials["CRAM-MD5"] = Credential.Create("nobody", "x")
    client.ThisHostCredentials["LOGIN"] = Credential.Create("user", "secret")
    send(client)
    client:Close()
    assert.equal("user", aio:take(1)[1].user)
  end)
end)

describe("Credentials", function()
  it("serve by host, port and protocol, with 0 and the empty name as wildcards", function()
    local aio = servers.shared "aio"
    local client = net.secure(aio.port.tls, "tls")
    local cache = netmail.CredentialCache.Create()
    cache:Add("other.example.test", 0, "", Credential.Create("nobody", "x"))
    client.Credentials = cache
    local result, _, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.equal("auth", detail.Kind)
    cache:Add("localhost", 0, "", Credential.Create("user", "secret"))
    send(client)
    cache:Add("localhost", aio.port.tls, "PLAIN", Credential.Create("user@example.test", "secret"))
    send(client)
    client.ThisHostCredentials["PLAIN"] = Credential.Create("user", "secret")
    send(client)
    client:Close()
    local users = {}
    for i, mail in ipairs(aio:take(3)) do users[i] = mail.user end
    assert.same({ "user", "user@example.test", "user" }, users)
  end)
end)

describe("Credentials of a named mechanism", function()
  it("restrict to it, also when the same credential serves the empty name", function()
    local server = server_with "AUTH PLAIN LOGIN"
    local client = net.client(server.port.plain)
    local credential = Credential.Create("user", "secret")
    local cache = netmail.CredentialCache.Create()
    cache:Add("localhost", server.port.plain, "CRAM-MD5", credential)
    cache:Add("", 0, "", credential)
    client.Credentials = cache
    local result, err = client:Send(net.message())
    assert.is_nil(result)
    assert.is_truthy(err:find("only CRAM-MD5 may be used", 1, true), err)
    server:stop()
  end)
end)

describe("an empty user name", function()
  it("is no login", function()
    local server = server_with "AUTH PLAIN"
    local client = net.client(server.port.plain, { UserName = "", Password = "" })
    local result, err = client:Send(net.message())
    assert.is_nil(result)
    assert.is_truthy(err:find("empty UserName", 1, true), err)
    server:stop()
  end)
end)

describe("a proxy that fails", function()
  it("is named", function()
    local result, err, detail = net.client(25, { Proxy = "socks5h://127.0.0.1:1" }):Send(net.message())
    assert.is_nil(result)
    assert.equal("connect", detail.Kind)
    assert.is_truthy(err:find("through Proxy", 1, true) and err:find("check Host and Port, and Proxy", 1, true), err)
  end)
end)

describe("without credentials", function()
  it("no AUTH is said, whatever the server offers", function()
    local server = server_with "AUTH GSSAPI NTLM PLAIN LOGIN"
    local client = net.client(server.port.plain)
    send(client)
    client:Close()
    assert.is_nil(server:received(1):find("AUTH", 1, true))
    server:stop()
  end)

  it("with a password, GSSAPI and NTLM are not used, even if nothing else is offered", function()
    local server = server_with "AUTH GSSAPI NTLM"
    local client = net.client(server.port.plain, { UserName = "user@example.test", Password = "secret" })
    local result, _, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.same({ "auth", "not_sent" }, { detail.Kind, detail.Outcome })
    assert.is_nil(server:received(1):find("AUTH", 1, true))
    server:stop()
  end)

  it("UseDefaultCredentials asks for GSSAPI and nothing weaker", function()
    local server = server_with "AUTH PLAIN LOGIN"
    local client = net.client(server.port.plain, { UseDefaultCredentials = true })
    local result, err, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.equal("auth", detail.Kind, err)
    assert.is_nil(server:received(1):find("AUTH", 1, true))
    server:stop()
  end)
end)
