-- SendMany over several connections at servers that are not ours: in clear, with STARTTLS, with TLS, with a login on each, and LMTP.

local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local testing = require "netmail.testing"

local USER, PASSWORD = "user@example.test", "secret"
local CONNECTIONS = 3

-- Ports of servers that relay, and what their logs say: of a connection over which mail came (what is captured is another one for each),
-- and of a login.
local PEERS = {
  postfix = { plain = "plain", starttls = "submission", tls = "tls",
    connection = "()disconnect from [^\n]* mail=", login = "client=[^\n]* sasl_username=" },
  exim = { plain = "plain", starttls = "plain", tls = "tls",
    connection = "%-(%w+)%-%w+ <= ", login = " A=[%w_]+:" },
  dovecot = { starttls = "submission", tls = "tls",
    connection = "submission%([^)]*%)<%d+><([^>]*)>: Info: Successfully relayed", login = "submission%-login: Info: Login: user=<[^>]" },
}
-- A session's id is base64, with ":" before what is within the session.
local LMTP_CONNECTION = "lmtp%([^)]*%)<%d+><([^:>]+)[^>]*>: Info: msgid=[^\n]* saved mail"

local function messages(n, fields)
  local all = {}
  for i = 1, n do
    local of = { Subject = "number " .. i }
    for k, v in pairs(fields or {}) do of[k] = v end
    all[i] = net.message(of)
  end
  return all
end

-- How often each number came.
local function numbers(mails)
  local seen = {}
  for _, mail in ipairs(mails) do
    local i = tonumber(mail.raw:match "Subject: number (%d+)")
    seen[i] = (seen[i] or 0) + 1
  end
  return seen
end

local function times(n, each)
  local all = {}
  for i = 1, n do all[i] = each end
  return all
end

-- How many different things pattern captures.
local function different(text, pattern)
  local seen, n = {}, 0
  for what in text:gmatch(pattern) do
    n = n + (seen[what] and 0 or 1)
    seen[what] = true
  end
  return n
end

-- Waits until the log has told of so many, and what else has_all wants.
local function wait_for_log(server, pattern, n, has_all)
  local log = ""
  local function is_there()
    log = log .. server:news()
    return different(log, pattern) >= n and (not has_all or has_all(log))
  end
  assert.is_true(process.wait(30, is_there), log)
end

for kind, peer in pairs(PEERS) do
  describe("several connections to " .. kind, function()
    local server

    setup(function() server = servers.shared(kind) end)
    before_each(function() server:news() end)
    after_each(function() server:take(0, 0) end)

    local function client_of(line, options)
      local port = server.port[peer[line]]
      return line == "plain" and net.client(port, options) or net.secure(port, line, options)
    end

    -- Several connections are needed, since none takes more than so many. All mails; has_all: what the log must say, besides.
    local function send(client, n, per_connection, has_all)
      local summary, warning = client:SendMany(messages(n),
        { Connections = CONNECTIONS, Window = 2, MaxMessagesPerConnection = per_connection })
      client:Close()
      assert.is_nil(warning)
      assert.equal(n, summary.Accepted)
      local mails = server:take(n)
      assert.same(times(n, 1), numbers(mails))
      wait_for_log(server, peer.connection, n / per_connection, has_all)
      return mails
    end

    -- Nothing goes, and each message is told why.
    local function fails(client, why)
      local kinds = {}
      local summary = client:SendMany(messages(9), { Connections = CONNECTIONS, OnResult = function(_, result, _, detail)
        assert.is_nil(result)
        local what = detail.Kind .. " " .. detail.Outcome
        kinds[what] = (kinds[what] or 0) + 1
      end })
      client:Close()
      assert.equal(0, summary.Accepted)
      assert.same({ [why .. " not_sent"] = 9 }, kinds)
    end

    for _, line in ipairs{ "plain", "starttls", "tls" } do
      -- Where one port is for both; the other ones want a login.
      if peer.plain and (line ~= "starttls" or peer.starttls == peer.plain) then
        it("carry each message once: " .. line, function()
          for _, mail in ipairs(send(client_of(line), 18, 6)) do
            assert.equal(line ~= "plain", mail.raw:lower():find("with esmtps", 1, true) ~= nil, mail.raw)
          end
        end)
      end
    end

    for _, line in ipairs{ "starttls", "tls" } do
      it("are logged in, the first of them and those that come after: " .. line, function()
        local refusals, logins = {}, 0
        local client = client_of(line, { UserName = USER, Password = PASSWORD, OnTrace = function(from, words)
          if from == "server" and words:find "^[45]" then refusals[#refusals + 1] = words end
          if from == "server" and words:find "^235" then logins = logins + 1 end
        end })
        send(client, 18, 3, function(log) return select(2, log:gsub(peer.login, "")) >= 6 end)
        assert.same({}, refusals)
        assert.is_true(logins >= 6)
      end)

      it("carry nothing where the password is wrong: " .. line, function()
        fails(client_of(line, { UserName = USER, Password = "wrong" }), "auth")
      end)

      it("carry nothing where the certificate is not trusted: " .. line, function()
        local other = testing.Server{ Tls = "implicit" }
        fails(client_of(line, { UserName = USER, Password = PASSWORD, CaFile = other.CaFile }), "tls")
        other:Stop()
      end)
    end

    it("serve tasks, each of which has its message delivered once", function()
      local client = client_of("tls", { UserName = USER, Password = PASSWORD, MaxConnections = CONNECTIONS })
      local tasks = {}
      for i, message in ipairs(messages(9)) do tasks[i] = client:SendAsync(message) end
      for _, task in ipairs(tasks) do assert(task:Wait(60)) end
      client:Close()
      assert.same(times(9, 1), numbers(server:take(9)))
    end)
  end)
end

describe("several connections of LMTP to Dovecot", function()
  it("have a reply for each recipient of each message, and nothing comes into a mailbox twice", function()
    local dovecot = servers.shared "dovecot"
    dovecot:news()
    local client = net.client(dovecot.port.lmtp, { Protocol = "lmtp" })
    local told = 0
    local summary = client:SendMany(messages(15, { To = "b@example.test, unknown@example.test, c@example.test" }), {
      Connections = CONNECTIONS, Window = 2, MaxMessagesPerConnection = 5,
      OnResult = function(_, result)
        told = told + 1
        assert.equal("partial", result.Outcome)
        assert.same({ 2, 1 }, { #result.Accepted, #result.Rejected })
        assert.equal("unknown@example.test", result.Rejected[1].Address)
      end })
    client:Close()
    assert.equal(15, told)
    assert.equal(15, summary.Partial)
    assert.same(times(15, 2), numbers(dovecot:take(30, 60, "lmtp")))
    wait_for_log(dovecot, LMTP_CONNECTION, CONNECTIONS)
  end)
end)
