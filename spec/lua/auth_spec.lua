-- Logging in: which mechanism is spoken, what is believed, what is never said, and passwords that functions give.

local mime = require "mime"
local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local testing = require "netmail.testing"

local running = {}

local function serve(options)
  local server = testing.Server(options)
  running[#running + 1] = server
  return server
end

local function with(...)
  local all = {}
  for _, t in ipairs{ ... } do
    for k, v in pairs(t) do all[k] = v end
  end
  return all
end

local USERS = { ivanov = "secret" }
local LOGIN = { UserName = "ivanov", Password = "secret" }

-- A server with TLS and these mechanisms.
local function offering(mechanisms, options)
  return serve(with({ Tls = "starttls", Users = USERS, Mechanisms = mechanisms }, options or {}))
end

-- What came of logging in: the mechanism, or nil, text and detail.
local function login(server, options)
  local client = server:Client(with({ Timeout = 30000 }, LOGIN, options or {}))
  local result, err, detail = client:Check()
  client:Close()
  assert.is_true(server:WaitIdle(60))
  if not result then return nil, err, detail end
  return result.Mechanism
end

-- What was said from the first AUTH on.
local function said(server, connection)
  local lines
  for _, line in ipairs(server:Commands(connection)) do
    if line:find "^AUTH" and not lines then lines = {} end
    if lines then lines[#lines + 1] = line end
  end
  return lines or {}
end

-- The mechanisms of the AUTH lines.
local function spoken(server)
  local names = {}
  for _, line in ipairs(server:Commands()) do names[#names + 1] = line:match "^AUTH (%S+)" end
  return table.concat(names, " ")
end

local function refused(server, options)
  local mechanism, err, detail = login(server, options)
  assert.is_nil(mechanism)
  assert.same({ "auth", "not_sent" }, { detail.Kind, detail.Outcome }, err)
  assert.is_nil(err:find("secret", 1, true), err)
  return err, detail
end

describe("logging in", function()
  after_each(function()
    for _, server in ipairs(running) do server:Stop() end
    running = {}
  end)

  describe("takes the strongest mechanism", function()
    local ALL = { "SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1",
      "DIGEST-MD5", "CRAM-MD5", "PLAIN", "LOGIN" }
    for _, version in ipairs{ "1.2", "1.3" } do
      it("that is offered, over TLS " .. version, function()
        for from = 1, #ALL do
          local offers = {}
          for i = #ALL, from, -1 do offers[#offers + 1] = ALL[i] end -- the server's order does not count
          local server = offering(offers, { TlsVersion = version })
          assert.equal(ALL[from], login(server))
          assert.equal(ALL[from], spoken(server))
        end
      end)
    end

    it("that is named, and no other", function()
      for _, name in ipairs(ALL) do
        local server = offering(ALL)
        local client = server:Client{ Timeout = 30000 }
        client.ThisHostCredentials[name] = netmail.NetworkCredential.Create("ivanov", "secret")
        assert.equal(name, assert(client:Check()).Mechanism)
      end
    end)

    it("and never the system's own, or a token's", function()
      local server = serve{ Tls = "starttls", Users = USERS, Tokens = USERS, Mechanisms = { "XOAUTH2", "OAUTHBEARER" } }
      assert.is_truthy(refused(server):find("may be used", 1, true))
      assert.equal("", spoken(server))
    end)
  end)

  describe("goes on to the next mechanism", function()
    for _, reply in ipairs{ "504 5.5.4 no such mechanism", "534 5.7.9 too weak", "538 5.7.11 needs more encryption", "500 5.5.6 what?",
      "334 !!!", "334 " .. ("A"):rep(11000) } do
      it("after " .. reply:sub(1, 40), function()
        local server = offering({ "SCRAM-SHA-256", "CRAM-MD5", "PLAIN" },
          { Faults = { { At = "AUTH", Match = "SCRAM", Reply = reply }, { At = "AUTH", Match = "CRAM", Reply = reply } } })
        assert.equal("PLAIN", login(server))
        assert.equal("SCRAM-SHA-256 CRAM-MD5 PLAIN", spoken(server))
      end)
    end

    for _, reply in ipairs{ "535 5.7.8 no", "454 4.7.0 later", "530 5.7.0 no", "550 5.7.1 no", "421 4.3.2 bye" } do
      it("not after " .. reply, function()
        local server = offering({ "SCRAM-SHA-256", "PLAIN" }, { Faults = { { At = "AUTH", Nth = 1, Reply = reply } } })
        local err, detail = refused(server)
        assert.equal("SCRAM-SHA-256", spoken(server))
        assert.equal(tonumber(reply:sub(1, 3)), detail.Code)
        assert.equal("AUTH", detail.Command)
        assert.equal(reply:sub(1, 1) == "4", detail.Temporary)
        assert.is_truthy(err:find(reply:sub(1, 9), 1, true), err)
      end)
    end

    it("not with a wrong password, in any mechanism", function()
      for _, first in ipairs{ "SCRAM-SHA-512-PLUS", "SCRAM-SHA-256", "DIGEST-MD5", "CRAM-MD5" } do
        local server = offering{ first, "PLAIN", "LOGIN" }
        local err, detail = refused(server, { Password = "wrong" })
        assert.equal(first, spoken(server))
        assert.equal(535, detail.Code)
        assert.is_truthy(err:find("as ivanov; check UserName and Password", 1, true), err)
        assert.equal("QUIT", server:Commands()[#server:Commands()]) -- in good order
      end
    end)

    it("until none is left, and says what to do then", function()
      local server = offering({ "CRAM-MD5", "PLAIN" }, { Faults = { { At = "AUTH", Reply = "534 5.7.9 not like this" } } })
      local err, detail = refused(server)
      assert.equal("CRAM-MD5 PLAIN", spoken(server))
      assert.equal(534, detail.Code)
      assert.is_truthy(err:find("name another mechanism", 1, true), err)
      assert.equal("QUIT", server:Commands()[#server:Commands()])
    end)
  end)

  describe("MinimumAuth", function()
    it("is a mechanism than which none may be weaker", function()
      for minimum, offers in pairs{ ["SCRAM-SHA-256"] = { "CRAM-MD5", "DIGEST-MD5", "PLAIN", "LOGIN" }, ["CRAM-MD5"] = { "PLAIN", "LOGIN" },
        ["SCRAM-SHA-256-PLUS"] = { "SCRAM-SHA-512", "SCRAM-SHA-256" } } do
        local server = offering(offers)
        assert.is_truthy(refused(server, { MinimumAuth = minimum }):find("as strong as MinimumAuth", 1, true))
        assert.equal("", spoken(server))
        server = offering(with(offers, { [#offers + 1] = minimum }))
        assert.equal(minimum, login(server, { MinimumAuth = minimum }))
      end
    end)

    it("holds for the next mechanism too", function()
      local server = offering({ "SCRAM-SHA-256", "PLAIN" }, { Faults = { { At = "AUTH", Match = "SCRAM", Reply = "504 5.5.4 no" } } })
      refused(server, { MinimumAuth = "SCRAM-SHA-1" })
      assert.equal("SCRAM-SHA-256", spoken(server))
    end)

    it("is read back, and knows its names", function()
      local client = netmail.SmtpClient.CreateWithHost "h.example"
      assert.is_nil(client.MinimumAuth)
      client.MinimumAuth = "scram-sha-256"
      assert.equal("SCRAM-SHA-256", client.MinimumAuth)
      client.MinimumAuth = nil
      assert.is_nil(client.MinimumAuth)
      assert.has_error(function() client.MinimumAuth = "TELEPATHY" end)
    end)
  end)

  describe("believes the server only", function()
    local function forged(options)
      local server = offering({ "SCRAM-SHA-256", "PLAIN" }, options)
      local err = refused(server)
      local lines = said(server)
      assert.equal("SCRAM-SHA-256", spoken(server))
      for i = 1, #lines do assert.is_nil(lines[i]:find "^MAIL" or lines[i]:find "^NOOP" or lines[i]:find "^QUIT", lines[i]) end
      return err, lines
    end

    it("with the right signature", function()
      local wrong = mime.b64("v=" .. mime.b64(("x"):rep(32)))
      forged{ Faults = { { At = "RESPONSE", Nth = 1, Reply = "334 " .. wrong } } }
    end)

    it("with a signature at all", function()
      local err, lines = forged{ Faults = { { At = "RESPONSE", Nth = 1, Reply = "235 2.7.0 welcome" } } }
      assert.equal(2, #lines)
      assert.is_truthy(err:find("SCRAM-SHA-256", 1, true), err)
      local _
      _, lines = forged{ Faults = { { At = "AUTH", Nth = 1, Reply = "235 2.7.0 welcome" } } }
      assert.equal(1, #lines)
    end)

    it("with our nonce and sane iterations", function()
      for _, iterations in ipairs{ 1, 4095, 1000001, 10000000 } do
        local before = os.clock()
        local server = offering({ "SCRAM-SHA-256", "PLAIN" }, { Iterations = iterations })
        refused(server)
        assert.equal("SCRAM-SHA-256", spoken(server))
        assert.is_true(os.clock() - before < 1) -- nobody has salted: ten million of them take seconds
      end
      assert.equal("SCRAM-SHA-256", login(offering({ "SCRAM-SHA-256" }, { Iterations = 4096 })))
      assert.equal("SCRAM-SHA-256", login(offering({ "SCRAM-SHA-256" }, { Iterations = 50000 })))
      forged{ Faults = { { At = "AUTH", Nth = 1, Reply = "334 " .. mime.b64("r=otherNonce,s=" .. mime.b64 "salt" .. ",i=4096") } } }
    end)

    it("within its time, however long the salting takes", function()
      local server = offering({ "SCRAM-SHA-512" }, { Iterations = 900000 })
      local mechanism, _, detail = login(server, { Deadline = 100 })
      assert.is_nil(mechanism)
      assert.equal("timeout", detail.Kind)
    end)
  end)

  describe("SCRAM's flag", function()
    -- gs2-header of the first message.
    local function flag(server)
      return mime.unb64((said(server)[1]:match "^AUTH %S+ (%S+)")):match "^([^,]*),"
    end

    it("names the binding where -PLUS is offered", function()
      for version, binding in pairs{ ["1.2"] = "tls-unique", ["1.3"] = "tls-exporter" } do
        local server = offering({ "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256" }, { TlsVersion = version })
        assert.equal("SCRAM-SHA-256-PLUS", login(server))
        assert.equal("p=" .. binding, flag(server))
      end
    end)

    it("says on TLS that it could bind, where no -PLUS is offered", function()
      local server = offering{ "SCRAM-SHA-256" }
      assert.equal("SCRAM-SHA-256", login(server))
      assert.equal("y", flag(server))
    end)

    it("says that it could not, where -PLUS is not wanted, or there is no TLS", function()
      local server = offering{ "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256" }
      local client = server:Client()
      client.ThisHostCredentials["SCRAM-SHA-256"] = netmail.NetworkCredential.Create("ivanov", "secret")
      assert.equal("SCRAM-SHA-256", assert(client:Check()).Mechanism)
      assert.equal("n", flag(server))
      server = serve{ Users = USERS, Mechanisms = { "SCRAM-SHA-256" } }
      assert.equal("SCRAM-SHA-256", login(server))
      assert.equal("n", flag(server))
    end)
  end)

  describe("keeps to the length of lines", function()
    it("an initial response that does not fit waits for the server", function()
      local long = ("p"):rep(400)
      local server = offering({ "PLAIN" }, { Users = { ivanov = long } })
      assert.equal("PLAIN", login(server, { Password = long }))
      assert.equal("AUTH PLAIN", said(server)[1])
      assert.equal("\0ivanov\0" .. long, (mime.unb64(said(server)[2])))
    end)

    it("and fits to the last octet", function()
      for n = 355, 375 do
        local password = ("p"):rep(n)
        local server = offering({ "PLAIN" }, { Users = { ivanov = password } })
        assert.equal("PLAIN", login(server, { Password = password }))
        local coded = mime.b64("\0ivanov\0" .. password)
        assert.equal(#"AUTH PLAIN " + #coded + 2 <= 512 and "AUTH PLAIN " .. coded or "AUTH PLAIN", said(server)[1])
      end
    end)

    it("a server that believes before it was told is not believed", function()
      local long = ("p"):rep(400)
      local server = offering({ "PLAIN" }, { Users = { ivanov = long }, Faults = { { At = "AUTH", Reply = "235 2.7.0 welcome" } } })
      refused(server, { Password = long })
      assert.same({ "AUTH PLAIN" }, said(server))
    end)
  end)

  describe("EXTERNAL", function()
    it("shows a certificate, and no password", function()
      local server = serve{ Tls = "starttls", Mechanisms = { "EXTERNAL" } }
      local client = server:Client{ ClientCertificate = server.ClientCertificate }
      client.ThisHostCredentials["EXTERNAL"] = netmail.NetworkCredential.Create("", "")
      local result, err = client:Check()
      assert.is_truthy(result, err)
      assert.equal("EXTERNAL", result.Mechanism)
      assert.equal("AUTH EXTERNAL =", said(server)[1])
    end)

    it("needs a certificate, and its name", function()
      local server = serve{ Tls = "starttls", Users = USERS, Mechanisms = { "EXTERNAL" } }
      local client = server:Client()
      client.ThisHostCredentials["EXTERNAL"] = netmail.NetworkCredential.Create("", "")
      local result, err, detail = client:Check()
      assert.is_nil(result)
      assert.equal("auth", detail.Kind)
      assert.is_truthy(err:find("ClientCertificate", 1, true), err)
      assert.is_truthy(refused(server):find("EXTERNAL", 1, true)) -- "" is no name for it
      assert.equal("", spoken(server))
    end)
  end)

  describe("tokens", function()
    local function holder(token, mechanisms, options)
      local server = serve(with({ Tls = "starttls", Users = USERS, Tokens = { ["me@x.test"] = "t0ken" }, Mechanisms = mechanisms },
        options or {}))
      return server, { UserName = "me@x.test", Token = token }
    end

    local function try(server, options)
      local client = server:Client(with({ Timeout = 30000 }, options))
      local result, err, detail = client:Check()
      client:Close()
      assert.is_true(server:WaitIdle(60))
      return result and result.Mechanism, err, detail
    end

    it("go by OAUTHBEARER, else XOAUTH2, and by nothing else", function()
      local server, options = holder("t0ken", { "XOAUTH2", "OAUTHBEARER", "PLAIN", "SCRAM-SHA-256" })
      assert.equal("OAUTHBEARER", try(server, options))
      server, options = holder("t0ken", { "PLAIN", "XOAUTH2" })
      assert.equal("XOAUTH2", try(server, options))
      server, options = holder("t0ken", { "PLAIN", "SCRAM-SHA-256" })
      local _, err, detail = try(server, options)
      assert.equal("auth", detail.Kind)
      assert.is_truthy(err:find("only OAUTHBEARER, XOAUTH2 may be used", 1, true), err)
      assert.equal("", spoken(server))
    end)

    it("that are refused: what the server's challenge says, and no other mechanism", function()
      for _, name in ipairs{ "XOAUTH2", "OAUTHBEARER" } do
        local server, options = holder("st4le", { name, "PLAIN" })
        local _, err, detail = try(server, options)
        assert.equal("auth", detail.Kind)
        assert.equal(535, detail.Code)
        assert.is_truthy(err:find("; reason: {\"status\":", 1, true), err)
        assert.is_truthy(err:find("get a fresh access token", 1, true), err)
        assert.is_nil(err:find("st4le", 1, true))
        assert.equal(name, spoken(server))
        assert.equal(name == "XOAUTH2" and "" or "AQ==", said(server)[2])
      end
    end)

    it("of a function are fetched once more when they are refused", function()
      for _, name in ipairs{ "XOAUTH2", "OAUTHBEARER" } do
        local calls = {}
        local server, options = holder(function(refused_before)
          calls[#calls + 1] = refused_before
          return refused_before and "t0ken" or "st4le"
        end, { name })
        assert.equal(name, (try(server, options)))
        assert.same({ false, true }, calls)
        assert.equal(1, #server:Connections())
      end
    end)

    it("do not go in clear", function()
      local server, options = holder("t0ken", { "XOAUTH2" }, { Tls = "none" })
      assert.equal("XOAUTH2", (try(server, options))) -- this machine
      local client = netmail.SmtpClient{ Host = "localhost", Port = server.Port, UserName = "me@x.test", Token = "t0ken" }
      assert.is_truthy(client:Check())
    end)

    it("are known by what they are", function()
      local c = netmail.NetworkCredential{ UserName = "a", Token = "t" }
      assert.equal("t", c.Token)
      assert.is_nil(tostring(c):find("t)", 1, true))
      c.Password = "p"
      assert.is_nil(c.Token)
      assert.has_error(function() return netmail.NetworkCredential{ UserName = "a", Token = "t", Password = "p" } end)
      assert.has_error(function() c.Token = 5 end)
      assert.has_error(function() c.Token = "a\0b" end)
    end)
  end)
end)

describe("a password from a function", function()
  after_each(function()
    for _, server in ipairs(running) do server:Stop() end
    running = {}
  end)

  -- A client whose password comes from give, and its server.
  local function client_of(give, options, server_options)
    local server = offering({ "SCRAM-SHA-256", "PLAIN" }, server_options)
    return server:Client(with({ Timeout = 30000, UserName = "ivanov", Password = give }, options or {})), server
  end

  -- Until the server has ended its first connection.
  local function until_dropped(server)
    assert(process.wait(30, function() return server:Connections()[1].End end))
  end

  it("is asked for at each login, and not on a kept line", function()
    local calls = 0
    local client, server = client_of(function(again)
      calls = calls + 1
      assert(again == false)
      return "secret"
    end)
    for _ = 1, 3 do assert(client:Send(net.message())) end
    assert(client:Check())
    assert.equal(1, calls)
    client:Close()
    assert(client:Send(net.message()))
    assert.equal(2, calls)
    client:Close()
    assert.equal(2, #server:Connections())
  end)

  it("is asked for once more after 535, on the same line, and never a third time", function()
    local calls = {}
    local give = { "wrong", "secret" }
    local client, server = client_of(function(again)
      calls[#calls + 1] = again
      return give[#calls]
    end)
    assert(client:Check())
    assert.same({ false, true }, calls)
    assert.equal(1, #server:Connections())
    client:Close()
    give[3], give[4] = "wrong", "wrong too"
    local result, err, detail = client:Check()
    assert.is_nil(result)
    assert.same({ "auth", 535 }, { detail.Kind, detail.Code })
    assert.same({ false, true, false, true }, calls)
    assert.is_nil(err:find("wrong too", 1, true), err)
  end)

  it("finds the server gone that had no patience, and dials again without asking", function()
    local calls = 0
    local client, server
    client, server = client_of(function()
      calls = calls + 1
      until_dropped(server)
      return "secret"
    end, {}, { Tls = "none", Faults = {
      { At = "EHLO", Connection = 1, Reply = "250-x\n250 AUTH PLAIN", Drop = true } } })
    local result, err = client:Send(net.message())
    assert.is_truthy(result, err)
    assert.equal(1, calls)
    assert.equal(2, #server:Connections())
  end)

  it("is asked for once more on a new line when the server has hung up with its 535", function()
    local calls = {}
    local client, server
    client, server = client_of(function(again)
      calls[#calls + 1] = again
      if again then until_dropped(server) end
      return again and "secret" or "wrong"
    end, {}, { Mechanisms = { "PLAIN" }, Faults = { { At = "AUTH", Nth = 1, Reply = "535 5.7.8 no", Drop = true } } })
    local result, err = client:Check()
    assert.is_truthy(result, err)
    assert.same({ false, true }, calls)
    assert.equal(2, #server:Connections())
  end)

  it("is not asked for again after any other refusal", function()
    for _, reply in ipairs{ "454 4.7.0 later", "530 5.7.0 no", "504 5.5.4 no" } do
      local calls = 0
      local client = client_of(function() calls = calls + 1 return "secret" end, {}, { Faults = { { At = "AUTH", Reply = reply } } })
      assert.is_nil((client:Check()))
      assert.equal(1, calls)
    end
  end)

  it("is not asked for where nobody may log in with it", function()
    local client = client_of(function() error "not asked" end, {}, { Mechanisms = { "XOAUTH2" }, Tokens = USERS })
    local _, err = client:Check()
    assert.is_nil(err:find("not asked", 1, true), err)
    client = client_of(function() error "not asked" end, { MinimumAuth = "SCRAM-SHA-256" }, { Mechanisms = { "PLAIN" } })
    _, err = client:Check()
    assert.is_truthy(err:find("as strong as MinimumAuth", 1, true), err)
  end)

  it("of one mechanism is not said to another", function()
    local server = offering({ "CRAM-MD5", "PLAIN" }, { Faults = { { At = "AUTH", Match = "CRAM", Reply = "504 5.5.4 no" } } })
    local client = server:Client()
    local asked = {}
    local function giver(user, password)
      return netmail.NetworkCredential{ UserName = user, Password = function(again)
        asked[#asked + 1] = user .. tostring(again)
        return password
      end }
    end
    client.ThisHostCredentials["CRAM-MD5"] = giver("petrov", "petrov's own")
    client.ThisHostCredentials["PLAIN"] = giver("ivanov", "secret")
    local result, err = client:Check()
    assert.is_truthy(result, err)
    assert.same({ "petrovfalse", "ivanovfalse" }, asked)
    local lines = said(server)
    assert.equal("\0ivanov\0secret", (mime.unb64(lines[#lines - 1]:match "^AUTH PLAIN (%S+)")))
  end)

  it("may yield, in coroutines of any interpreter", function()
    local client = client_of(function()
      local a = coroutine.yield "first"
      local b = coroutine.yield "second"
      return a .. b
    end)
    local thread = coroutine.create(function() return client:Send(net.message()) end)
    local ok, what = coroutine.resume(thread)
    assert.same({ true, "first" }, { ok, what })
    local other, err = client:Send(net.message())
    assert.is_nil(other)
    assert.is_truthy(err:find("is sending another message", 1, true))
    assert.equal("second", select(2, coroutine.resume(thread, "sec")))
    local _, result, why = coroutine.resume(thread, "ret")
    assert.is_truthy(result, why)
    assert.equal("accepted", result.Outcome)
  end)

  for name, row in pairs{
    ["raises"] = { function() error("no keyring", 0) end, "its function failed: no keyring" },
    ["raises something else"] = { function() error{} end, "its function failed: no reason was given" },
    ["returns nil and why"] = { function() return nil, "keyring locked" end, "gave none: keyring locked" },
    ["returns nothing"] = { function() end, "gave none: no reason was given" },
    ["returns a number"] = { function() return 12345 end, "something else than a string: number" },
    ["returns a table"] = { function() return {} end, "something else than a string: table" },
    ["returns a NUL"] = { function() return "a\0b" end, "Password has a NUL (\\0) at byte 2" },
    ["returns a line of a file"] = { function() return "secret\n" end, "Password ends in a line break" },
    ["returns too much"] = { function() return ("x"):rep(8193) end, "longer than 8192" },
  } do
    it("that " .. name .. " is an error with its words, and the line is left in good order", function()
      local client, server = client_of(row[1])
      for _ = 1, 2 do
        local result, err, detail = client:Send(net.message())
        assert.is_nil(result)
        assert.same({ "auth", "not_sent" }, { detail.Kind, detail.Outcome })
        assert.is_truthy(err:find(row[2], 1, true), err)
        assert.is_truthy(err:find("no Password for ", 1, true) and err:find(" as ivanov", 1, true), err)
        assert.is_nil(err:find("12345", 1, true))
      end
      assert.is_true(server:WaitIdle(60))
      assert.equal("", spoken(server))
      assert.equal("QUIT", server:Commands()[#server:Commands()])
    end)
  end

  it("goes nowhere else when the function changes the client", function()
    for _, change in ipairs{
      function(client) client.Port = 1 end,
      function(client) client.Host = "127.0.0.2" end,
      function(client) client.EnableSsl = false end,
      function(client) client.MinimumAuth = "SCRAM-SHA-256" end,
      function(client) client.ThisHostCredentials[""].UserName = "petrov" end,
      function(client) client.ThisHostCredentials[""].Password = "other" end,
      function(client) client.ThisHostCredentials[""]:CreateWithUserPassword("petrov", "other") end,
    } do
      local client, server
      client, server = client_of(function()
        change(client)
        return "secret"
      end)
      local result, err, detail = client:Send(net.message())
      assert.is_nil(result)
      assert.equal("cancelled", detail.Kind, err)
      assert.is_truthy(err:find("properties were changed", 1, true), err)
      assert.is_true(server:WaitIdle(60))
      assert.equal("", spoken(server))
    end
  end)

  it("survives a function that closes the client, drops it, collects garbage, or uses another", function()
    local client, server
    client, server = client_of(function()
      client:Close()
      collectgarbage()
      return "secret"
    end)
    local result, err, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.equal("cancelled", detail.Kind, err)
    client:Close()
    assert.is_true(server:WaitIdle(60))
    assert.equal("", spoken(server))

    client = client_of(function() client:Close() error "too late" end)
    assert.equal("cancelled", select(3, client:Send(net.message())).Kind)

    local taken
    client = client_of(function()
      local other = client_of(function() return "secret" end)
      assert(other:Send(net.message()))
      client = nil
      collectgarbage()
      collectgarbage()
      taken = true
      return "secret"
    end)
    assert(client:Send(net.message()))
    assert.is_true(taken)

    client = client_of(function()
      local nothing, why = client:Check()
      assert(nothing == nil and why:find("is sending another", 1, true))
      client.ThisHostCredentials[""] = nil -- the credential that asks
      collectgarbage()
      collectgarbage()
      return "secret"
    end)
    assert(client:Send(net.message()))
  end)

  it("is within the Deadline; Timeout does not run while it works", function()
    net.at_some_pace(function(ms)
      local is_asked
      local client = client_of(function()
        is_asked = true
        process.sleep(1.5 * ms / 1000)
        return "secret"
      end, { Timeout = ms })
      local result, err, detail = client:Check()
      assert.is_truthy(result or detail.Kind == "timeout", err)
      return is_asked and result
    end)
    local client = client_of(function() process.sleep(0.3) return "secret" end, { Deadline = 150 })
    local result, _, detail = client:Check()
    assert.is_nil(result)
    assert.equal("timeout", detail.Kind)
  end)

  it("is read back, compared and told from a text", function()
    local function give() return "x" end
    local c = netmail.NetworkCredential.Create("a", give)
    assert.equal(give, c.Password)
    c.Password = "text"
    assert.equal("text", c.Password)
    c:CreateWithUserPassword("b", give)
    assert.equal(give, c.Password)
    assert.equal("NetworkCredential (b)", tostring(c))
  end)

  it("of a client that nobody has any more goes with it", function()
    local alive = setmetatable({}, { __mode = "k" })
    for i = 1, 20 do
      local give = function() return "x" .. i end
      alive[give] = true
      local client = netmail.SmtpClient{ Host = "h.example", UserName = "a", Password = give, OnTrace = function() return give end }
      alive[client] = nil
    end
    for _ = 1, 6 do collectgarbage() end
    assert.is_nil((next(alive)))
  end)

  it("may be left in the middle, by the coroutine or by the whole state", function()
    local client, server = client_of(function() coroutine.yield() end)
    local thread = coroutine.create(function() return client:Send(net.message()) end)
    coroutine.resume(thread)
    thread = nil -- luacheck: ignore
    for _ = 1, 4 do collectgarbage() end
    assert.is_true(server:WaitIdle(60))
    assert.equal("", spoken(server))
    client.ThisHostCredentials[""].Password = "secret"
    assert.is_truthy((client:Check()))
    client:Close()
    for _, place in ipairs{ "Password = function() coroutine.yield() end",
      "Password = 'secret', OnTrace = function() coroutine.yield() end" } do
      local output, status = process.lua(([[
        local netmail = require "netmail"
        local client = netmail.SmtpClient{ Host = "127.0.0.1", Port = %d, EnableSsl = true, CaFile = "%s", UserName = "ivanov", %s }
        THREAD = coroutine.create(function() return client:Check() end)
        print(coroutine.resume(THREAD))
        print(coroutine.status(THREAD))
      ]]):format(server.Port, server.CaFile, place))
      assert.equal(0, status, output)
      assert.equal("true\nsuspended\n", output)
    end
    assert.is_true(server:WaitIdle(60))
  end)
end)
