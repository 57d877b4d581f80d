-- DESIGN 3.1: certificates and names are verified, and a password does not leave in clear.

local lfs = require "lfs"
local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local testing = require "netmail.testing"

local function fails(kind, text, client, message)
  local result, err, detail = client:Send(message or net.message())
  assert.is_nil(result)
  assert.equal(kind, detail.Kind, err)
  assert.equal("not_sent", detail.Outcome)
  assert.is_truthy(err:find(text, 1, true), "expected '" .. text .. "' in: " .. err)
  return err, detail
end

local login = { UserName = "user@example.test", Password = "secret" }

local function with_login(options)
  local all = { UserName = login.UserName, Password = login.Password }
  for k, v in pairs(options or {}) do all[k] = v end
  return all
end

describe("certificates", function()
  -- Postfix lets sessions be taken up.
  for _, tls in ipairs{ "starttls", "tls" } do
    it("are verified anew by another CaFile, though the client, or another one, has a session from before: " .. tls, function()
      local port = servers.shared "postfix".port[tls == "tls" and "tls" or "plain"]
      local client = net.secure(port, tls)
      local right, other = client.CaFile, testing.Server{ Tls = "implicit" }
      for _ = 1, 3 do
        assert(client:Check())
        client:Close()
        for _, wrong in ipairs{ other.CaFile, "" } do -- "": the system's
          client.CaFile = wrong ~= "" and wrong or nil
          fails("tls", "a CA that is not trusted here", client)
        end
        fails("tls", "a CA that is not trusted here", net.secure(port, tls, { CaFile = other.CaFile }))
        client.CaFile = right
      end
    end)
  end

  it("are verified by authorities that are loaded once for all clients, as long as their file is the same one", function()
    local server, file = testing.Server{ Tls = "implicit" }, os.tmpname()
    local pem = process.read(server.CaFile)
    local function put(text, time)
      process.write(file, text)
      assert(lfs.touch(file, time, time))
    end
    put(pem, 1000000000)
    assert(server:Client{ CaFile = file, Host = "localhost" }:Check())
    put(("x"):rep(#pem), 1000000000)
    assert(server:Client{ CaFile = file, Host = "127.0.0.1" }:Check()) -- by another name: no session helps
    put(("x"):rep(#pem), 1000000001)
    fails("tls", "CaFile", server:Client{ CaFile = file, Host = "127.0.0.1" })
    put(pem, 1000000002)
    assert(server:Client{ CaFile = file, Host = "127.0.0.1" }:Check())
    put(pem .. "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", 1000000003)
    for _ = 1, 2 do -- what was loaded before it turned out that it cannot be read is not taken for all of it
      fails("tls", "holds no certificate that can be read", server:Client{ CaFile = file, Host = "127.0.0.1" })
    end
    os.remove(file)
  end)

  for certificate, word in pairs{
    ["wrong-name"] = "name",
    ["self-signed"] = "self",
    expired = "expired",
    good = "issuer", -- but of another CA
  } do
    it("of the kind " .. certificate .. " are refused, with STARTTLS and with implicit TLS", function()
      local other = testing.Server{ Tls = "implicit" }
      for _, tls in ipairs{ "starttls", "implicit" } do
        local server = testing.Server{ Tls = tls, Certificate = certificate, Users = { [login.UserName] = login.Password } }
        local client = server:Client(with_login{ Host = "localhost", CaFile = certificate == "good" and other.CaFile or nil })
        local err = fails("tls", "localhost:" .. server.Port, client)
        assert.is_truthy(err:lower():find(word, 1, true), err)
        assert.is_nil(table.concat(server:Commands(), "\n"):find("AUTH", 1, true))
        assert.same({}, server:Messages())
        server:Stop()
      end
      other:Stop()
    end)
  end

  it("are checked against the system's authorities when no CaFile is given", function()
    local client = net.secure(servers.shared("aio").port.tls, "tls")
    client.CaFile = nil
    fails("tls", "CaFile", client)
    client.CaPath = "/etc/ssl/certs"
    fails("tls", "CaFile", client)
  end)

  it("need a CaFile that is there", function()
    local aio = servers.shared "aio"
    fails("tls", "/no/such/ca.pem", net.secure(aio.port.tls, "tls", { CaFile = "/no/such/ca.pem" }))
    fails("tls", "/no/such/dir", net.secure(aio.port.tls, "tls", { CaPath = "/no/such/dir" }))
  end)
end)

describe("EnableSsl", function()
  it("requires STARTTLS on every port but 465", function()
    fails("tls", "STARTTLS", net.secure(servers.shared("aio").port.plain, "starttls"))
  end)

  it("names STARTTLS when the server refuses it, whatever else it offers", function()
    local server = testing.Server{ Tls = "starttls", Faults = { { At = "STARTTLS", Reply = "454 4.7.0 no TLS today" } } }
    local err, detail = fails("tls", "454", server:Client())
    assert.same({ "STARTTLS", 454, true }, { detail.Command, detail.Code, detail.Temporary }, err)
    server:Stop()
  end)

  it("is asked for by port 465", function()
    fails("tls", "set EnableSsl", net.client(465))
    fails("tls", "set EnableSsl", net.client(4465, { ImplicitTls = true }))
  end)

  it("refuses bytes that came in clear behind the answer to STARTTLS", function()
    local server = testing.Server{ Tls = "starttls", Users = { [login.UserName] = login.Password },
      Faults = { { At = "STARTTLS", Inject = "250-evil\r\n250 AUTH PLAIN\r\n" } } }
    local result, _, detail = server:Client(with_login()):Send(net.message())
    assert.is_nil(result)
    assert.equal("not_sent", detail.Outcome)
    assert.is_nil(table.concat(server:Commands(), "\n"):find("AUTH", 1, true))
    server:Stop()
  end)

  it("forgets what was offered before STARTTLS", function()
    local steps = net.follow(net.greet("STARTTLS", "AUTH PLAIN", "SIZE 1"), { expect = "STARTTLS" },
      { send = "220 go\r\n" }, { starttls = true }, { expect = "EHLO" }, { send = "250 mail.example.test\r\n" },
      { serve = true })
    local server = servers.script(steps)
    fails("auth", "offers no authentication", net.secure(server.port.plain, "starttls", with_login()))
    local client = net.secure(server.port.plain, "starttls")
    assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    client:Close()
    server:stop()
  end)
end)

describe("a password", function()
  it("goes in clear to a loopback address", function()
    local aio = servers.shared "aio"
    local client = net.client(aio.port.plain, with_login())
    assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    assert.equal("user@example.test", aio:take(1)[1].user)
    client:Close()
  end)

  it("does not go in clear to any other address, but with AllowPlaintextAuth", function()
    -- An address that is not loopback, in a network of its own.
    local output, status = process.run("unshare --net sh -c 'ip link set lo up && ip address add 198.51.100.7/32 dev lo' 2>&1")
    if status ~= 0 then
      pending("no network namespace can be made here: " .. output)
      return
    end
    output, status = process.apart([[
      local net = require "spec.support.net"
      local servers = require "spec.support.servers"
      local address = "198.51.100.7"
      local server = servers.script({
        net.follow(net.greet("AUTH PLAIN LOGIN"), { serve = true }),
        net.follow(net.greet("AUTH PLAIN LOGIN"), { expect = "AUTH PLAIN" }, { send = "235 fine\r\n" }, { serve = true }),
      }, { address = address })
      local options = { Host = address, UserName = "user@example.test", Password = "secret" }
      local _, err, detail = net.client(server.port.plain, options):Send(net.message())
      print(detail.Kind, detail.Outcome, err)
      print("AUTH said:", server:received(1):find("AUTH", 1, true))
      options.AllowPlaintextAuth = true
      local client = net.client(server.port.plain, options)
      print(assert(client:Send(net.message())).Outcome)
      client:Close()
      print("AUTH said:", server:received(2):find("AUTH PLAIN", 1, true) ~= nil)
      server:stop()
    ]], "unshare --net sh -c 'ip link set lo up && ip address add 198.51.100.7/32 dev lo && exec \"$0\" \"$@\"'")
    assert.equal(0, status, output)
    assert.is_truthy(output:find("^tls\tnot_sent\t.-STARTTLS.-a password goes over TLS only.-AllowPlaintextAuth"), output)
    assert.is_truthy(output:find("AUTH said:\tnil\naccepted\nAUTH said:\ttrue\n", 1, true), output)
  end)

  it("needs AUTH to be offered", function()
    local server = servers.script(net.follow(net.greet(), { serve = true }))
    fails("auth", "offers no authentication", net.client(server.port.plain, with_login()))
    assert.is_nil(server:received(1):find("MAIL", 1, true))
    server:stop()
  end)

  it("must be confirmed by 235, whatever else is said", function()
    for _, answer in ipairs{ "250 fine\r\n", "200 yes\r\n", "334 \r\n" } do
      local server = servers.script(net.follow(net.greet("AUTH PLAIN"), { expect = "AUTH PLAIN" }, { send = answer }))
      local result, _, detail = net.client(server.port.plain, with_login{ Timeout = 1000 }):Send(net.message())
      assert.is_nil(result)
      assert.equal("not_sent", detail.Outcome)
      assert.is_nil(server:received(1):find("MAIL", 1, true))
      server:stop()
    end
  end)

  it("is not shown, even if the server repeats it", function()
    local base64 = { ["AHVzZXIAczNjcmV0cHc="] = true, ["czNjcmV0cHc="] = true, ["s3cretpw"] = true }
    for echoed in pairs(base64) do
      for line, word in pairs{ ["500 5.3.3 Unrecognized command 'AUTH PLAIN %s'\r\n"] = "repeated the password",
        ["535 no '%s'\r\n"] = "repeated the password", ["what? %s\r\n"] = "malformed reply" } do
        local server = servers.script(net.follow(net.greet("AUTH PLAIN LOGIN"), { expect = "AUTH" }, { send = line:format(echoed) },
          { serve = "AUTH" }, { drop = true }))
        local client = net.client(server.port.plain, { UserName = "user", Password = "s3cretpw" })
        local result, err, detail = client:Send(net.message())
        assert.is_nil(result)
        for _, text in ipairs{ err, tostring(detail), detail.Reply or "" } do
          assert.is_nil(text:find(echoed, 1, true), text)
        end
        assert.is_truthy(err:find(word, 1, true), err)
        server:stop()
      end
    end
  end)

  it("that is wrong gives the server's words, the host, the user, and never the password", function()
    local aio = servers.shared "aio"
    local client = net.secure(aio.port.tls, "tls", { UserName = "user@example.test", Password = "Wrong-Secret-77" })
    local err, detail = fails("auth", "user@example.test", client)
    assert.is_truthy(err:find("535", 1, true))
    assert.equal(535, detail.Code)
    assert.equal("AUTH", detail.Command)
    assert.is_false(detail.Temporary)
    for _, text in ipairs{ err, detail.Reply, tostring(client), tostring(client.ThisHostCredentials[""]) } do
      assert.is_nil(text:find("Wrong-Secret", 1, true))
    end
  end)
end)

describe("a mechanism that does not carry the password", function()
  it("may go in clear only when it is named", function()
    local postfix = servers.shared "postfix"
    local client = net.client(postfix.port.insecure)
    client.ThisHostCredentials["CRAM-MD5"] = netmail.NetworkCredential.Create("user@example.test", "secret")
    assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    postfix:take(1)
    client:Close()
  end)

  it("is the only one used when it is named, even if the server does not have it", function()
    local aio = servers.shared "aio" -- PLAIN and LOGIN
    local client = net.secure(aio.port.tls, "tls")
    client.ThisHostCredentials["CRAM-MD5"] = netmail.NetworkCredential.Create("user@example.test", "secret")
    fails("auth", "CRAM-MD5", client)
    client.ThisHostCredentials["LOGIN"] = netmail.NetworkCredential.Create("user@example.test", "secret")
    assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    aio:take(1)
    client:Close()
  end)
end)
