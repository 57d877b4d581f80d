-- Kerberos: a ticket is used when the caller names GSSAPI, and never else. What the system's library looks at are variables of the
-- environment, so each login is a program of its own.

local process = require "spec.support.process"
local servers = require "spec.support.servers"

-- Sends one message (two, when it is told to), and says how that went in lines that the spec reads.
local program = [[
  local netmail = require "netmail"
  local net = require "spec.support.net"
  local port, line, how, times = tonumber(arg[1]), arg[2], arg[3], tonumber(arg[4])
  local client = line == "clear" and net.client(port) or net.secure(port, line)
  local chunk = (rawget(_G, "loadstring") or load)("local client, Create = ... " .. how)
  chunk(client, netmail.NetworkCredential.Create)
  for _ = 1, times do
    local result, err, detail = client:Send(net.message())
    print(result and result.Outcome or detail.Outcome .. " " .. detail.Kind .. " " .. tostring(detail.Code) .. ": " .. err)
  end
  client:Close()
]]

describe("Kerberos", function()
  local kdc, dovecot, postfix

  setup(function()
    kdc = servers.start "krb5"
    dovecot = servers.start("dovecot", { kdc = kdc.home })
    postfix = servers.start("postfix", { kdc = kdc.home })
  end)

  teardown(function()
    for _, server in ipairs{ postfix, dovecot, kdc } do server:stop() end
  end)

  -- tickets: a name that krb5.py gives.
  local function login(tickets, port, line, how, times)
    local environment = ("env KRB5_CONFIG=%s KRB5CCNAME=%s"):format(process.quote(kdc.config), process.quote(kdc[tickets]))
    return (process.apart(program, environment, port, line, how, times or 1))
  end

  local named = 'client.ThisHostCredentials["GSSAPI"] = Create("", "")'
  local default = "client.UseDefaultCredentials = true"
  local password = 'client.ThisHostCredentials[""] = Create("user@example.test", "secret")'

  for what, how in pairs{
    ["named as GSSAPI"] = named,
    ["named as Kerberos"] = 'client.ThisHostCredentials["kerberos"] = Create("", "")',
    ["by UseDefaultCredentials"] = default,
    ["from a CredentialCache"] = 'local cache = require("netmail").CredentialCache.Create() ' ..
      'cache:Add("localhost", 0, "GSSAPI", Create("", "")) client.Credentials = cache',
  } do
    it("logs in with the ticket, " .. what, function()
      assert.equal("accepted\n", login("tickets", dovecot.port.submission, "starttls", how))
      local user, method = dovecot:logged "Login: user=<([^>]*)>, method=([^,]*),"
      assert.same({ "user@EXAMPLE.TEST", "GSSAPI" }, { user, method })
      assert.same({ "b@example.test" }, dovecot:take(1)[1].to)
    end)
  end

  it("logs in at Postfix, over TLS from the first byte, and in clear, where no password could be read", function()
    for port, line in pairs{ submission = "starttls", tls = "tls", insecure = "clear" } do
      assert.equal("accepted\n", login("tickets", postfix.port[port], line, named))
      assert.equal("GSSAPI", (postfix:logged "sasl_method=([^,]*), sasl_username=user"))
      postfix:take(1)
    end
  end)

  it("uses a kept connection again", function()
    assert.equal("accepted\naccepted\n", login("tickets", dovecot.port.tls, "tls", named, 2))
    dovecot:take(2)
    assert(dovecot:logged "Login: ")
    assert.is_nil(dovecot:news():find("Login: ", 1, true))
  end)

  it("fails without a ticket, and says so", function()
    for _, how in ipairs{ named, default } do
      local said = login("empty", dovecot.port.submission, "starttls", how)
      assert.truthy(said:find("^not_sent auth "), said)
      assert.truthy(said:find("the Kerberos ticket cannot be used", 1, true), said)
      assert.is_nil(dovecot:news():find("Login: ", 1, true))
    end
    dovecot:take(0, 0)
  end)

  it("fails with the ticket of a realm that knows no way here", function()
    local said = login("foreign", dovecot.port.submission, "starttls", named)
    assert.truthy(said:find("^not_sent auth "), said)
    assert.truthy(said:find("the Kerberos ticket cannot be used", 1, true), said)
    assert.is_nil(dovecot:news():find("Login: ", 1, true))
    dovecot:take(0, 0)
  end)

  it("does not fall back to the password of another name", function()
    local said = login("empty", dovecot.port.submission, "starttls", named .. " " .. password)
    assert.truthy(said:find("^not_sent auth "), said)
    assert.is_nil(dovecot:news():find("Login: ", 1, true))
  end)

  it("is not used unasked: a password logs in as its user, whatever ticket lies about", function()
    for _, tickets in ipairs{ "tickets", "foreign", "empty" } do
      assert.equal("accepted\n", login(tickets, dovecot.port.submission, "starttls", password))
      local user, method = dovecot:logged "Login: user=<([^>]*)>, method=([^,]*),"
      assert.equal("user@example.test", user)
      assert.is_not.equal("GSSAPI", method)
      dovecot:take(1)
    end
  end)

  it("is not used in the place of a wrong password", function()
    local said = login("tickets", dovecot.port.submission, "starttls", (password:gsub("secret", "wrong")))
    assert.truthy(said:find("^not_sent auth 535"), said)
    assert.is_nil(dovecot:news():find("Login: ", 1, true))
    dovecot:take(0, 0)
  end)
end)
