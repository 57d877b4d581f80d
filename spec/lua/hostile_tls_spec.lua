-- What a hostile server, or somebody between, may do to TLS: RFC 3207 (STARTTLS), RFC 6125 (names), RFC 8996 (old versions). Nothing that
-- matters leaves in clear, and no word said in clear counts.

local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local ok = "250 2.0.0 ok\r\n"

local function with_login(options)
  local all = { UserName = "user@example.test", Password = "s3cret-pw", Timeout = 30000 }
  for k, v in pairs(options or {}) do all[k] = v end
  return all
end

-- Nobody gets the message, no login and no sender is said in clear; returns the error and its detail.
local function fails(server, client, number)
  local result, err, detail = client:Send(net.message())
  assert.is_nil(result)
  assert.equal("not_sent", detail.Outcome, err)
  client:Close()
  local said = server:received(number or 1)
  for _, word in ipairs { "AUTH", "MAIL", "s3cret" } do assert.is_nil(said:upper():find(word:upper(), 1, true), said) end
  assert.is_nil(err:find("s3cret", 1, true))
  return err, detail
end

describe("STARTTLS that is wanted", function()
  it("is never gone without, whatever is answered (downgrade)", function()
    local rows = {}
    for _, answer in ipairs { "454 4.7.0 no\r\n", "502 what?\r\n", "421 bye\r\n", "250 ok\r\n", "354 go\r\n", "334 \r\n", "235 in\r\n",
      "554 no\r\n", "what?\r\n",
      "220-go\r\n250 go\r\n", "220 go\r\nNOOP\r\n", "\22\3\1\0\5", "" } do
      rows[#rows + 1] = net.follow(net.greet("STARTTLS", "AUTH PLAIN"), { expect = "STARTTLS" }, { send = answer }, { read = 100000 })
    end
    rows[#rows + 1] = net.follow(net.greet("AUTH PLAIN"), { read = 100000 })
    rows[#rows + 1] = net.follow(net.greet("XSTARTTLS", "AUTH PLAIN", "STARTTLSX"), { read = 100000 })
    rows[#rows + 1] = { { send = "220 x\r\n" }, { expect = "EHLO" }, { send = "502 what?\r\n" }, {
      serve = true } } -- HELO has no STARTTLS
    rows[#rows + 1] = net.follow(net.greet("STARTTLS"), { expect = "STARTTLS" }, { send = "220 go\r\n" }, { drop = true })
    rows[#rows + 1] = net.follow(net.greet("STARTTLS"), { expect = "STARTTLS" }, { drop = true })
    local server = servers.script(rows)
    for i = 1, #rows do
      fails(server, net.secure(server.port.plain, "starttls", with_login { Timeout = 400 }), i)
    end
    server:stop()
  end)

  it("begins with TLS: what came in clear behind the 220 is fatal (response injection)", function()
    local rows = {}
    for _, evil in ipairs { "250-evil\r\n250 AUTH PLAIN\r\n", "250-x", "2", "\r\n", "220 go\r\n",
      "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n" } do
      rows[#rows + 1] = net.follow(net.greet("STARTTLS"), { expect = "STARTTLS" }, { send = "220 go\r\n" .. evil }, {
        starttls = true }, { serve = true })
      rows[#rows + 1] = net.follow(net.greet("STARTTLS"), { expect = "STARTTLS" }, { send = "220 go\r\n" }, { sleep = 0.05 }, {
        send = evil },
        { starttls = true }, { serve = true })
    end
    local server = servers.script(rows)
    for i = 1, #rows do fails(server, net.secure(server.port.plain, "starttls", with_login()), i) end
    server:stop()
  end)

  it("has replies of its own: those sent ahead in TLS are nobody's, and what EHLO said before is forgotten", function()
    local function session(ehlo)
      return net.follow(net.greet("STARTTLS", "SIZE 10", "AUTH PLAIN"), { expect = "STARTTLS" }, { send = "220 go\r\n" }, {
        starttls = true }, { expect = "EHLO" },
        { send = ehlo }, { read = 100000 })
    end
    local server = servers.script { session("250-x\r\n250 AUTH PLAIN\r\n235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"),
      session("250 x\r\n"),
      session("421 bye\r\n"), session("450 later\r\n"), session("220 x\r\n"), session("250-x\r\n550 x\r\n") }
    for i = 1, 6 do
      local client = net.secure(server.port.plain, "starttls", with_login { Timeout = 400 })
      local result, err, detail = client:Send(net.message())
      assert.is_nil(result)
      assert.equal("not_sent", detail.Outcome, err)
      client:Close()
      assert.is_nil(server:received(i):find("MAIL", 1, true))
    end
    server:stop()
  end)
end)

describe("TLS from the first byte", function()
  it("does not listen to a server that begins in clear", function()
    local server = servers.script { { { send = "220 mail.example.test ESMTP\r\n" }, { read = 100000 } } }
    local err, detail = fails(server, net.secure(server.port.plain, "tls", with_login()))
    assert.equal("tls", detail.Kind, err)
    server:stop()
  end)

  it("is 1.2 at least (RFC 8996)", function()
    for _, version in ipairs { "1.0", "1.1" } do
      local server = servers.script({ { serve = true } }, { tls = "implicit", tls_max = version })
      local result, err, detail = net.secure(server.port.tls, "tls", with_login()):Send(net.message())
      assert.is_nil(result)
      assert.same({ "tls", "not_sent" }, { detail.Kind, detail.Outcome }, err)
      server:stop()
    end
  end)

  it("has no use for words that come ahead of ours, or too many of them (forged capabilities)", function()
    local rows = {
      { { send = "220 x\r\n250-x\r\n250 AUTH PLAIN\r\n" }, { read = 100000 } },
      { { send = "220 x\r\n250-x\r\n250 AUTH PLAIN\r\n235 in\r\n" }, { read = 100000 } },
      { { send = "220 x\r\n" }, { expect = "EHLO" }, { send = "250-x\r\n250 AUTH PLAIN\r\n235 in\r\n" }, { read = 100000 } },
      { { send = "220 x\r\n" }, { expect = "EHLO" }, { send = "250-x\r\n250 AUTH PLAIN\r\n250 ok\r\n250 ok\r\n354 go\r\n" },
        { read = 100000 } },
    }
    local server = servers.script(rows, { tls = "implicit" })
    for i = 1, #rows do
      local err, detail = fails(server, net.secure(server.port.tls, "tls", with_login()), i)
      assert.equal("protocol", detail.Kind, err)
      assert.is_false(detail.Temporary)
      local said = net.commands(server:received(i))
      assert.equal(i > 2 and 1 or 0, #said, table.concat(said, "; "))
    end
    server:stop()
  end)

  it("may end without close_notify behind the last reply, and not within it (truncation)", function()
    local function session(last)
      return { { send = "220 x\r\n" }, { expect = "EHLO" }, { send = "250 x\r\n" }, { expect = "MAIL" }, { send = ok }, {
        expect = "RCPT" },
        { send = ok }, { expect = "DATA" }, { send = "354 go\r\n" }, { data = true }, { send = last }, { drop = true } }
    end
    local server = servers.script({ session(ok), session("250 2.0.0 o"), session("") }, { tls = "implicit" })
    for _, outcome in ipairs { "accepted", "unknown", "unknown" } do
      local client = net.secure(server.port.tls, "tls")
      local result, err, detail = client:Send(net.message())
      assert.equal(outcome, (result or detail).Outcome, err)
      client:Close()
    end
    server:stop()
  end)
end)

describe("a line that breaks within the handshake", function()
  -- What a server may do in place of it, or in its middle, once the client has begun: { steps, what its error is about }.
  local ends = {
    { { { peek = 10 }, { drop = true } } },
    { { { peek = 10 }, { reset = true } } },
    { { { read = 10 }, { drop = true } } },
    { { { read = 10 }, { reset = true } } },
    { { { peek = 10 }, { send = "\22\3\3\0\122\2" }, { drop = true } } }, -- half a ServerHello
    { { { peek = 10 }, { send = "\21\3\3\0\2\2\40" }, { drop = true } }, "tls" }, -- handshake_failure: a refusal
  }

  -- Plays the steps; what there is to say of the error.
  local function play(kind, steps, timeout)
    if kind == "starttls" then
      steps = net.follow(net.greet("STARTTLS"), { expect = "STARTTLS" }, { send = "220 go\r\n" }, process.unpack(steps))
    end
    local server = servers.script { steps }
    local err, detail = fails(server, net.secure(server.port.plain, kind, with_login { Timeout = timeout }))
    assert.is_truthy(err:find("localhost:" .. server.port.plain, 1, true), err)
    server:stop()
    return err, detail
  end

  local function check(kind, command)
    for i, row in ipairs(ends) do
      local err, detail = play(kind, row[1])
      local want = row[2] or "connect"
      assert.same({ want, want ~= "tls", command }, { detail.Kind, detail.Temporary, detail.Command }, i .. ": " .. err)
      assert.is_truthy(err:find(want == "connect" and "broke the connection off while TLS was being made"
        or "found no way to make TLS with us", 1, true), err)
    end
    net.at_some_pace(function(ms)
      local err, detail = play(kind, { { read = 1000000 } }, ms)
      assert.same({ "timeout", true }, { detail.Kind, detail.Temporary }, err)
      assert.is_truthy(err:find(("waited %d ms (Timeout) for "):format(ms), 1, true), err)
      return detail.Command == command
    end)
  end

  it("is temporary, and says what it is: from the first byte", function() check("tls", "CONNECT") end)
  it("is temporary, and says what it is: behind STARTTLS", function() check("starttls", "STARTTLS") end)

  it("may be broken for want of a certificate, which is said behind it", function()
    local server = servers.script({ { { send = "220 x\r\n" }, { serve = true } } }, { tls = "implicit", client = "ca" })
    local kinds = {}
    for i = 1, 20 do -- its reset may be quicker than its alert
      local err, detail = fails(server, net.secure(server.port.tls, "tls", with_login()), i)
      kinds[detail.Kind] = true
      assert.equal(detail.Kind == "connect", detail.Temporary, err)
      assert.equal(detail.Kind == "tls", err:find("set ClientCertificate", 1, true) ~= nil, err)
      if kinds.tls then break end
    end
    assert.is_true(kinds.tls)
    server:stop()
  end)
end)

describe("a certificate (RFC 6125)", function()
  local names = { "localhost", "127.0.0.1", "mail.example.test", "a.b.example.test", "example.test" }

  -- Which of the names it is good for. A proxy leads each to the server, so that only the certificate speaks for it.
  local good_for = {
    good = { ["localhost"] = true, ["127.0.0.1"] = true, ["mail.example.test"] = true },
    wildcard = { ["mail.example.test"] = true },
    iponly = { ["127.0.0.1"] = true },
    cnonly = { ["localhost"] = true }, -- libcurl takes the subject's name where there is no other
    sanwins = {}, wronghost = {}, wildtld = {}, wildpart = {}, ipasdns = {}, nulsan = {}, expired = {}, future = {}, unknownca = {},
      selfsigned = {},
    wrongeku = {}, client = {}, weak = {},
  }

  it("is good for its names, its time, its use and its issuer, and for nothing else, behind a proxy too", function()
    for cert, good in pairs(good_for) do
      local dialogues = {}
      for i = 1, #names do
        dialogues[i] = { { expect = "CONNECT" }, { expect = "Host:" }, { expect = "Proxy-Connection:" }, { expect = "" }, {
          send = "HTTP/1.0 200 go\r\n\r\n" },
          { starttls = true }, { send = "220 x\r\n" }, { serve = true } }
      end
      local server = servers.script(dialogues, { cert = cert })
      for i, name in ipairs(names) do
        local client = net.secure(465, "tls", { Host = name, Proxy = "http://127.0.0.1:" .. server.port.plain })
        local result, err, detail = client:Send(net.message())
        local what = ("%s for %s: %s"):format(cert, name, tostring(err))
        assert.equal(good[name] == true, result ~= nil, what)
        if not result then
          assert.same({ "tls", "not_sent" }, { detail.Kind, detail.Outcome }, what)
          client:Close()
          assert.is_nil(server:received(i):find("EHLO", 1, true), what)
        end
        client:Close()
      end
      server:stop()
    end
  end)

  it("is looked at again when the CaFile is another one: a resumed session proves nothing", function()
    local server = servers.script({ { send = "220 x\r\n" }, { serve = true } }, { tls = "implicit" })
    local client = net.secure(server.port.tls, "tls")
    for _ = 1, 2 do
      assert(client:Send(net.message()))
      client:Close()
    end
    client.CaFile = servers.certs .. "otherca.pem"
    local result, err, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.equal("tls", detail.Kind, err)
    client.CaFile = net.ca
    client.Host = "127.0.0.1"
    assert(client:Send(net.message()))
    client:Close()
    server:stop()
  end)

  it("cannot be left unlooked at", function()
    for _, name in ipairs { "Verify", "VerifyPeer", "SslVerify", "InsecureSkipVerify", "CheckHostname", "AllowSelfSigned",
      "RejectUnauthorized" } do
      assert.has_error(function() return netmail.SmtpClient { Host = "x.test", [name] = false } end)
    end
  end)
end)

describe("a proxy", function()
  it("hears the host's name and nothing else (CONNECT injection)", function()
    for _, bad in ipairs { "h\r\nX: y", "h\nX: y", "h\r\n\r\nGET /", "h x", "h\0", "h/", "h:25", "h@x", "h#x", "h?x", "[::1]\r\nX: y",
      "[::1]:25" } do
      assert.has_error(function() return netmail.SmtpClient { Host = bad, Proxy = "http://127.0.0.1:1" } end)
      assert.has_error(function() netmail.SmtpClient { Host = "x.test" }.Host = bad end)
      local proxy = "http://" .. bad .. ":1" -- h@x is a user and a host there
      if bad ~= "h@x" then assert.has_error(function() return netmail.SmtpClient { Host = "x.test", Proxy = proxy } end) end
      assert.has_error(function() return netmail.SmtpClient { Host = "x.test", LocalName = bad } end)
    end
  end)
end)

describe("a name server that does not answer", function()
  it("costs the Timeout, not more", function()
    local script = [[
      local netmail = require "netmail"
      local client = netmail.SmtpClient { Host = "mail.nowhere.example", Timeout = 500 }
      local process = require "spec.support.process"
      local begin = process.now()
      local _, err, detail = client:Send(netmail.MailMessage { From = "a@x.org", To = "b@x.org", Text = "x" })
      print(detail.Kind, detail.Outcome, process.now() - begin < 20, err)
    ]]
    -- On its own the resolver would go on for longer.
    local steps = { "ip link set lo up", "ip address add 198.51.100.7/32 dev lo", "ip route add default dev lo",
      'printf "nameserver 198.51.100.9\noptions timeout:30\n" >"$NETMAIL_RESOLV"',
      'mount --bind "$NETMAIL_RESOLV" /etc/resolv.conf', 'exec "$0" "$@"' }
    local apart = "unshare --net --mount sh -c " .. process.quote(table.concat(steps, " && "))
    local path = os.tmpname()
    local _, status = process.run("unshare --net --mount true")
    if status ~= 0 then return pending("no network namespace can be made here") end
    local output
    output, status = process.apart(script, "NETMAIL_RESOLV=" .. path .. " " .. apart)
    os.remove(path)
    assert.equal(0, status, output)
    assert.is_truthy(output:find("^timeout\tnot_sent\ttrue\t") or output:find("^connect\tnot_sent\ttrue\t"), output)
  end)
end)
