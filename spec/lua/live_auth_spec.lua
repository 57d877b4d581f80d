-- Logins at servers that are not ours: each mechanism at each of them, and by the server's log that it was this one.

local netmail = require "netmail"
local net = require "spec.support.net"
local servers = require "spec.support.servers"

-- As in py/dovecot.py and py/tokens.py.
local USER, PASSWORD, TOKEN = "user@example.test", "secret", "good-token"
local LONG = ("0123456789abcdef"):rep(12) .. "12345678"
local OTHERS = {
  { "пользователь@example.test", 'пароль ss"\\wörd', "letters of other alphabets, quotes and a space" },
  { "long@example.test", LONG, "a password of 200 octets" },
  { "a,b=c@example.test", "x=y,z", "what SCRAM must quote" },
}

local PASSWORD_MECHANISMS = { "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256" }
local TOKEN_MECHANISMS = { "XOAUTH2", "OAUTHBEARER" }

-- Ports: starttls, tls, and one that offers AUTH in clear. login: what the log says of one, as user and mechanism.
local PEERS = {
  postfix = {
    ports = { starttls = "submission", tls = "tls", clear = "insecure" },
    login = function(server)
      local mechanism, user = server:logged "sasl_method=([^,]*), sasl_username=([^\n]*)\n"
      return user, mechanism
    end,
  },
  exim = {
    ports = { starttls = "plain", tls = "tls", clear = "plain" },
    login = function(server)
      local mechanism, user = server:logged " A=([%w_]+):(%S*) "
      return user, (mechanism:upper():gsub("_", "-"))
    end,
  },
  dovecot = {
    ports = { starttls = "submission", tls = "tls", clear = "submission" },
    login = function(server) return server:logged "Login: user=<([^>]*)>, method=([^,]*)," end,
    tells_without_mail = true, -- in the log, of a login; the others do of the mail
  },
}

for kind, peer in pairs(PEERS) do
  describe("a login at " .. kind, function()
    local server

    setup(function() server = servers.shared(kind) end)
    before_each(function() server:news() end)

    after_each(function() server:take(0, 0) end)

    local function client_of(line, options)
      local port = server.port[peer.ports[line]]
      return line == "clear" and net.client(port, options) or net.secure(port, line, options)
    end

    local function client_with(line, mechanism, user, secret)
      local client = client_of(line)
      client.ThisHostCredentials[mechanism] = netmail.NetworkCredential.Create(user, secret)
      return client
    end

    -- The mail arrives, and the log says who sent it and how.
    local function succeeds(client, user, mechanism)
      local result, err = client:Send(net.message())
      assert.is_nil(err)
      assert.equal("accepted", result.Outcome)
      server:take(1)
      local name, method = peer.login(server)
      assert.equal(user, name)
      if mechanism then assert.equal(mechanism, method) end
      client:Close()
      return method
    end

    -- Without a mail: what the log says of it is not to be found by the next spec.
    local function check(client)
      local result, err, detail = client:Check()
      if result and peer.tells_without_mail then peer.login(server) end
      return result, err, detail
    end

    local function fails(client, secret)
      local result, err, detail = client:Send(net.message())
      assert.is_nil(result)
      assert.equal("auth", detail.Kind, err)
      assert.equal("not_sent", detail.Outcome)
      assert.equal(535, detail.Code)
      assert.is_nil(err:find(secret, 1, true))
      client:Close()
      return err, detail
    end

    for _, mechanism in ipairs(PASSWORD_MECHANISMS) do
      it("by " .. mechanism .. " over STARTTLS, over TLS, and in clear where it is named", function()
        for _, line in ipairs{ "starttls", "tls", "clear" } do
          succeeds(client_with(line, mechanism, USER, PASSWORD), USER, mechanism)
        end
      end)

      it("by " .. mechanism .. " fails with a wrong password, and nothing is sent", function()
        for _, line in ipairs{ "starttls", "clear" } do
          local err = fails(client_with(line, mechanism, USER, "not-the-password"), "not-the-password")
          assert.truthy(err:find(USER, 1, true), err)
        end
        fails(client_with("tls", mechanism, "nobody@example.test", "not-the-password"), "not-the-password")
      end)

      for _, other in ipairs(OTHERS) do
        it("by " .. mechanism .. " with " .. other[3], function()
          succeeds(client_with("starttls", mechanism, other[1], other[2]), other[1], mechanism)
          fails(client_with("starttls", mechanism, other[1], other[2] .. "x"), other[2])
        end)
      end
    end

    it("by DIGEST-MD5 in the realm that Domain names", function()
      local client = client_of "starttls"
      client.ThisHostCredentials["DIGEST-MD5"] = netmail.NetworkCredential.Create("user", PASSWORD, "example.test")
      succeeds(client, "user@example.test", "DIGEST-MD5")
    end)

    for _, mechanism in ipairs(TOKEN_MECHANISMS) do
      it("by " .. mechanism .. " with a token", function()
        for _, line in ipairs{ "starttls", "tls" } do
          succeeds(client_with(line, mechanism, USER, TOKEN), USER, mechanism)
        end
        succeeds(client_with("starttls", mechanism, OTHERS[1][1], "russian-token"), OTHERS[1][1], mechanism)
        -- Longer than the line of AUTH may be.
        succeeds(client_with("starttls", mechanism, USER, "long-" .. ("x"):rep(2000)), USER, mechanism)
      end)

      it("by " .. mechanism .. " fails with a token that is not good", function()
        for _, line in ipairs{ "starttls", "tls" } do
          local err = fails(client_with(line, mechanism, USER, "stale-token"), "stale-token")
          assert.is_truthy(err:find("get a fresh access token", 1, true), err)
          assert.is_truthy(err:find("401", 1, true) or err:find("invalid_token", 1, true), err)
        end
      end)
    end

    it("with a token and no name of a mechanism takes one for tokens", function()
      succeeds(client_of("tls", { UserName = USER, Token = TOKEN }), USER, "OAUTHBEARER")
    end)

    it("asks a function for the token, and once more when that one was stale", function()
      local asked = {}
      local client = client_of("starttls", { UserName = USER, Token = function(again)
        asked[#asked + 1] = again
        return again and TOKEN or "stale-token"
      end })
      succeeds(client, USER, "OAUTHBEARER")
      assert.same({ false, true }, asked)
      asked = {}
      client = client_of("starttls", { UserName = USER, Token = function(again)
        asked[#asked + 1] = again
        return "stale-token"
      end })
      fails(client, "stale-token")
      assert.same({ false, true }, asked)
    end)

    it("is what Check tries, and no mail goes", function()
      local client = client_of("starttls", { UserName = USER, Password = PASSWORD })
      local result = assert(check(client))
      assert.same({ "SCRAM-SHA-256", true, 250 }, { result.Mechanism, result.Secure, result.Code })
      client:Close()
      client = client_of("starttls", { UserName = USER, Password = "not-the-password" })
      local nothing, _, detail = check(client)
      assert.is_nil(nothing)
      assert.same({ "auth", 535 }, { detail.Kind, detail.Code })
      client:Close()
    end)

    it("is not made by less than MinimumAuth", function()
      local client = client_of("tls", { UserName = USER, Password = PASSWORD, MinimumAuth = "SCRAM-SHA-256" })
      succeeds(client, USER, "SCRAM-SHA-256")
      client = client_of("tls", { UserName = USER, Password = PASSWORD, MinimumAuth = "SCRAM-SHA-256-PLUS" })
      local result, _, detail = client:Send(net.message())
      assert.is_nil(result)
      assert.same({ "auth", "not_sent" }, { detail.Kind, detail.Outcome })
      assert.is_nil(detail.Code)
    end)

    it("shows no secret in a trace", function()
      for _, mechanism in ipairs{ "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER" } do
        for _, secret in ipairs{ mechanism:find "OAUTH" and TOKEN or PASSWORD, "wrong-one" } do
          local client, lines = client_with("starttls", mechanism, USER, secret), {}
          client.OnTrace = function(from, line) lines[#lines + 1] = from .. " " .. line end
          check(client)
          client:Close()
          local text = table.concat(lines, "\n")
          local said = text:match("client AUTH " .. mechanism:gsub("%-", "%%-") .. "[^\n]*\n.*")
          assert.truthy(said, text)
          assert.is_nil(said:find(secret, 1, true), said)
          -- What was said of the login is "***" and nothing else: no base64, no digest.
          local login = said:match "^(.-\nserver [25]%d%d)" .. "\n"
          for words in login:gmatch "client ([^\n]*)\n" do
            assert.truthy(words == "***" or words == "" or words:find "^AUTH %S+ ?%*?%*?%*?$", words)
          end
          for words in login:gmatch "server 334 ?([^\n]*)\n" do
            assert.equal("***", words)
          end
        end
      end
    end)

    it("without a name takes the strongest that is offered", function()
      for _, line in ipairs{ "starttls", "tls", "clear" } do
        succeeds(client_with(line, "", USER, PASSWORD), USER, "SCRAM-SHA-256")
      end
      fails(client_with("tls", "", USER, "not-the-password"), "not-the-password")
      succeeds(client_of("tls", { UserName = USER, Password = PASSWORD }), USER, "SCRAM-SHA-256")
    end)

    it("with several names takes the strongest of those", function()
      local client = client_with("tls", "PLAIN", USER, PASSWORD)
      client.ThisHostCredentials["CRAM-MD5"] = netmail.NetworkCredential.Create(USER, PASSWORD)
      client.ThisHostCredentials["SCRAM-SHA-1"] = netmail.NetworkCredential.Create(USER, PASSWORD)
      succeeds(client, USER, "SCRAM-SHA-1")
    end)

    it("is made once for a connection, and again when the credential changes", function()
      local client = client_of "tls"
      local credential = netmail.NetworkCredential.Create(USER, PASSWORD)
      client.ThisHostCredentials[""] = credential
      for _ = 1, 3 do assert(client:Send(net.message())) end
      server:take(3)
      credential:CreateWithUserPassword("long@example.test", LONG)
      assert(client:Send(net.message()))
      server:take(1)
      client:Close()
      local names = {}
      repeat
        local user = peer.login(server)
        names[user] = true
      until user ~= USER
      assert.same({ [USER] = true, ["long@example.test"] = true }, names)
    end)

    it("by a mechanism that is not offered fails before anything is said of it", function()
      local err, detail = select(2, client_with("starttls", "SCRAM-SHA-512", USER, PASSWORD):Send(net.message()))
      assert.same({ "auth", "not_sent" }, { detail.Kind, detail.Outcome })
      assert.truthy(err:find("SCRAM-SHA-512", 1, true), err)
    end)

    if kind ~= "postfix" then
      it("by EXTERNAL with a client certificate", function()
        local certificate = { File = servers.certs .. "client.pem", Key = servers.certs .. "client.key" }
        local client = client_of("tls", { ClientCertificate = certificate })
        client.ThisHostCredentials["EXTERNAL"] = netmail.NetworkCredential.Create("client", "")
        succeeds(client, "client", "EXTERNAL")
      end)
    end

    if kind == "exim" then
      it("by NTLM", function()
        for _, line in ipairs{ "starttls", "clear" } do
          succeeds(client_with(line, "NTLM", "user", PASSWORD), "user", "NTLM")
          fails(client_with(line, "NTLM", "user", "not-the-password"), "not-the-password")
        end
      end)
    end
  end)
end
