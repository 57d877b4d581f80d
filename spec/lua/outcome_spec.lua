-- DESIGN 3.3, 3.4, 3.6: what became of a message when the line or the server fails, and how long that may take.

local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local testing = require "netmail.testing"

-- A server with these faults, a client for it, and what Send gives. Without CHUNKING: these are about DATA and the dot.
local function run(faults, options, message, setup)
  local all = { Extensions = { "PIPELINING", "SIZE 0", "ENHANCEDSTATUSCODES" }, Faults = faults }
  for k, v in pairs(setup or {}) do all[k] = v end
  local server = testing.Server(all)
  local client = server:Client{ Host = "localhost" }
  for k, v in pairs(options or {}) do client[k] = v end
  local result, err, detail = client:Send(message or net.message())
  return result, err, detail, server, client
end

local LOGIN = { Users = { u = "secret" }, Mechanisms = { "PLAIN" } }

describe("the outcome is", function()
  local function is(outcome, kind, fault, options, message, setup)
    local result, err, detail, server, client = run({ fault }, options, message, setup)
    client:Close()
    assert.is_nil(result)
    assert.same({ outcome, kind }, { detail.Outcome, detail.Kind }, err)
    server:Stop()
    return err, detail
  end

  it("not_sent when nobody listens", function()
    local port, nobody = net.closed_port()
    local result, err, detail = net.client(port):Send(net.message())
    nobody:close()
    assert.is_nil(result)
    assert.same({ "not_sent", "connect", true }, { detail.Outcome, detail.Kind, detail.Temporary })
    assert.is_truthy(err:find("cannot connect to localhost:" .. port, 1, true))
  end)

  it("not_sent when the server refuses the connection", function()
    local err, detail = is("not_sent", "connect", { At = "CONNECT", Reply = "554 5.7.1 go away" })
    assert.same({ 554, "5.7.1", "CONNECT", false }, { detail.Code, detail.EnhancedCode, detail.Command, detail.Temporary })
    assert.is_truthy(err:find("^554 5%.7%.1 go away: "), err)
  end)

  it("not_sent at once when the port is that of another protocol", function()
    for _, line in ipairs{ "* OK IMAP4rev1 ready", "+OK POP3 ready", "SSH-2.0-OpenSSH_9.2", "HTTP/1.1 400 Bad Request" } do
      local begin = process.now()
      local err = is("not_sent", "protocol", { At = "CONNECT", Raw = line .. "\r\n" }, { Timeout = 60000 })
      assert.is_true(process.now() - begin < 30)
      assert.is_truthy(err:find('"' .. line .. '" is no reply of an SMTP server; check Port', 1, true), err)
    end
    is("not_sent", "protocol", { At = "EHLO", Raw = "250-x\r\n550 y\r\n" })
  end)

  it("not_sent with the command that was waiting when the line breaks while dialling", function()
    local function login(fault, timeout)
      local server = testing.Server{ Users = LOGIN.Users, Mechanisms = LOGIN.Mechanisms, Faults = { fault } }
      local client = server:Client{ UserName = "u", Password = "secret", Timeout = timeout }
      local result, err, detail = client:Send(net.message())
      server:Stop()
      assert.is_nil(result)
      assert.equal("not_sent", detail.Outcome, err)
      return err, detail
    end
    local err, broken = login{ At = "AUTH", Drop = true }
    assert.equal("AUTH", broken.Command)
    assert.is_truthy(err:find("broke at AUTH", 1, true), err)
    net.at_some_pace(function(ms)
      local _, waiting = login({ At = "AUTH", Silent = true }, ms)
      assert.equal("timeout", waiting.Kind)
      return waiting.Command == "AUTH"
    end)
  end)

  it("not_sent when the line breaks before the content", function()
    is("not_sent", "connect", { At = "CONNECT", Drop = true })
    is("not_sent", "connect", { At = "EHLO", Drop = true })
    is("not_sent", "connect", { At = "EHLO", Reply = true, Drop = true })
    is("not_sent", "connect", { At = "MAIL", Drop = "reset" })
    is("not_sent", "connect", { At = "MAIL", Reply = true, Drop = true })
  end)

  it("not_sent when the line breaks in the middle of the content", function()
    local big = net.message{ Text = ("0123456789abcdef"):rep(4, "\r\n"):rep(300000) }
    is("not_sent", "connect", { At = "CONTENT", After = 100000, Drop = "reset" }, nil, big)
  end)

  it("unknown when the line breaks after the last byte", function()
    local err, detail = is("unknown", "connect", { At = "DOT", Drop = true })
    assert.is_truthy(err:find("may deliver it twice", 1, true))
    assert.equal(".", detail.Command)
    is("unknown", "connect", { At = "DOT", Drop = "reset" })
    is("unknown", "connect", { At = "DOT", Raw = "250 2.0.0 o", Drop = true })
    is("unknown", "protocol", { At = "DOT", Raw = "250-ok\r\n550 no\r\n" })
    net.at_some_pace(function(ms)
      local result, text, waiting, server = run({ { At = "DOT", Silent = true } }, { Timeout = ms })
      server:Stop()
      assert.is_nil(result)
      assert.equal("timeout", waiting.Kind, text)
      assert.equal(waiting.Command == "." and "unknown" or "not_sent", waiting.Outcome, text)
      return waiting.Command == "."
    end)
  end)

  it("rejected when the server says no to all", function()
    local _, detail = is("rejected", "sender", { At = "MAIL", Reply = "550 5.7.1 not you" })
    assert.same({ 550, "5.7.1", "MAIL", false }, { detail.Code, detail.EnhancedCode, detail.Command, detail.Temporary })
    _, detail = is("rejected", "data", { At = "DOT", Reply = "552 5.3.4 too big" })
    assert.same({ 552, ".", false }, { detail.Code, detail.Command, detail.Temporary })
    _, detail = is("rejected", "data", { At = "DOT", Reply = "451 4.3.0 later" })
    assert.is_true(detail.Temporary)
  end)

  it("temporary and the line is dropped after 421", function()
    for at, outcome in pairs{ CONNECT = "not_sent", MAIL = "not_sent", DOT = "rejected" } do
      local _, detail = is(outcome, at == "CONNECT" and "connect" or at == "MAIL" and "sender" or "data",
        { At = at, Reply = "421 4.3.2 busy" })
      assert.same({ 421, true }, { detail.Code, detail.Temporary })
    end
  end)

  it("rejected when the server refuses in the middle of the content and hangs up", function()
    local big = net.message{ Text = ("0123456789abcdef"):rep(4, "\r\n"):rep(300000) }
    local _, detail = is("rejected", "data", { At = "CONTENT", After = 1000, Delay = 0.3, Reply = "552 5.3.4 too big", Drop = true },
      nil, big)
    assert.same({ 552, "5.3.4", false }, { detail.Code, detail.EnhancedCode, detail.Temporary })
  end)

  it("a protocol error when the server answers what was not asked", function()
    is("not_sent", "protocol", { At = "DATA", Inject = "250 2.0.0 ok\r\n" })
    is("not_sent", "protocol", { At = "MAIL", Raw = "25 x\r\n" })
    is("not_sent", "protocol", { At = "MAIL", Reply = "354 x" })
  end)

  it("accepted only by the reply to the last dot", function()
    local result, _, _, server = run{ { At = "DOT", Reply = "250 2.0.0 queued as 4F2" } }
    assert.same({ "accepted", 250, "2.0.0", "4F2" },
      { result.Outcome, result.Code, result.EnhancedCode, result.QueueId })
    server:Stop()
  end)
end)

-- Accepted and Unknown may have the message; who sends it again to Rejected (Temporary) and NotSent sends nobody two.
describe("each recipient is in one list", function()
  local TO = { "a@x.test", "b@x.test", "c@x.test" }

  -- "a250 b550" for each of the lists that is not empty.
  local function lists(result)
    local out, n = {}, 0
    for _, name in ipairs{ "Accepted", "Rejected", "Unknown", "NotSent" } do
      local list = {}
      for i, r in ipairs(result[name]) do
        n = n + 1
        local temporary = r.Temporary == nil and "" or r.Temporary and "t" or "p"
        assert.equal(name == "Accepted" or name == "Rejected", r.Temporary ~= nil)
        list[i] = r.Address:match "^(.)@" .. (r.Code or "") .. (name == "Rejected" and temporary or "")
      end
      if #list > 0 then out[#out + 1] = name .. " " .. table.concat(list, " ") end
    end
    assert.equal(3, n)
    return table.concat(out, "; ")
  end

  local function says(want, faults, options, setup)
    local result, err, detail, server, client = run(faults, options, net.message{ To = TO }, setup)
    client:Close()
    server:Stop()
    assert.equal(want, lists(result or detail), err)
    return result or detail, err
  end

  local B_REFUSED = { At = "RCPT", Match = "<b@", Reply = "550 5.1.1 no" }

  it("when all or some are accepted", function()
    says("Accepted a250 b250 c250", {})
    local _, warning = says("Accepted a250 c250; Rejected b550p", { B_REFUSED })
    assert.is_truthy(warning:find("^1 of 3 recipients refused, first <b@x.test>: 550 "), warning)
  end)

  it("when the sender is refused, whatever the server says behind it", function()
    for _, extensions in ipairs{ { "PIPELINING" }, { "PIPELINING", "CHUNKING" }, { "SIZE 0" } } do
      local faults = { { At = "MAIL", Reply = "451 4.7.1 later" }, { At = "RCPT", Reply = "503 5.5.1 MAIL first" } }
      local detail = says("Rejected a451t b451t c451t", faults, nil, { Extensions = extensions })
      assert.same({ 451, true }, { detail.Code, detail.Temporary })
    end
  end)

  it("when the message is refused: those refused before keep their own answer", function()
    says("Rejected a552p b552p c552p", { { At = "DOT", Reply = "552 5.3.4 too big" } })
    says("Rejected a451t b550p c451t", { B_REFUSED, { At = "DOT", Reply = "451 4.3.0 later" } })
    says("Rejected a421t b550p c421t", { B_REFUSED, { At = "DOT", Reply = "421 4.3.0 later" } })
    local detail = says("Rejected a554p b550p c554p", { B_REFUSED, { At = "DATA", Reply = "554 5.7.1 spam" } })
    assert.same({ "5.7.1", "5.7.1 spam" }, { detail.Rejected[1].EnhancedCode, detail.Rejected[1].Reply })
  end)

  it("when one refusal takes the others down", function()
    says("Rejected b550p; NotSent a c", { B_REFUSED }, { AllOrNothing = true })
  end)

  it("when the line breaks, or the server hangs up, before and after the last byte", function()
    says("Rejected b550p; NotSent a c", { B_REFUSED, { At = "DATA", Drop = true } })
    says("Rejected b550p; Unknown a250 c250", { B_REFUSED, { At = "DOT", Drop = true } })
    says("NotSent a b c", { { At = "MAIL", Reply = "421 4.3.2 busy" } })
    says("NotSent a b421 c", { { At = "RCPT", Match = "<b@", Reply = "421 4.3.2 busy" } })
    says("NotSent a b c", { { At = "MAIL", Drop = true } })
  end)

  it("when it never came to a transaction", function()
    says("NotSent a b c", { { At = "CONNECT", Reply = "554 5.7.1 go away" } })
    says("NotSent a b c", {}, { EnableSsl = true })
    local server = testing.Server{ Faults = { { At = "EHLO", Delay = 0.2 } } }
    local client = server:Client{}
    local first, second = client:SendAsync(net.message{ To = TO }), client:SendAsync(net.message{ To = TO })
    local _, err, detail = client:Send(net.message{ To = TO })
    assert.is_truthy(err:find("sending another message", 1, true), err)
    assert.equal("NotSent a b c", lists(detail))
    second:Cancel()
    assert.equal("NotSent a b c", lists(select(3, second:Result())))
    first:Cancel()
    assert.equal("NotSent a b c", lists(select(3, first:Result())))
    server:Stop()
    local path = os.tmpname()
    local message = net.message{ To = TO, Attachments = require "netmail".Attachment.Create(path) }
    os.remove(path)
    detail = select(3, net.client(1):Send(message))
    assert.same({ "message", "NotSent a b c" }, { detail.Kind, lists(detail) })
  end)
end)

describe("an error names the place that was dialled", function()
  -- A client that a function of its own sends elsewhere in the middle of a send that then fails.
  local function fails(fault, options)
    local server = testing.Server{ Users = LOGIN.Users, Mechanisms = LOGIN.Mechanisms, Faults = { fault } }
    local asked, client = 0, nil -- luacheck: ignore
    local function go_elsewhere()
      asked = asked + 1
      client.Host, client.Port = "elsewhere.example", 1
      return asked == 1 and "secret" or nil
    end
    client = server:Client{ Host = "localhost", UserName = "u", Password = options.Password and go_elsewhere or "secret" }
    local message
    if options.Content then
      message = net.message{ Attachments = netmail.Attachment{ Name = "x", Content = go_elsewhere } }
    elseif options.OnTrace then
      client.OnTrace = function(_, line) if line:find(options.OnTrace) then go_elsewhere() end end
    end
    local result, err, detail = client:Send(message or net.message())
    assert.is_nil(result)
    assert.is_true(asked > 0)
    assert.same({ "localhost", server.Port }, { detail.Host, detail.Port }, err)
    assert.is_nil(err:find("elsewhere", 1, true), err)
    server:Stop()
    return err, "localhost:" .. server.Port
  end

  it("whatever a tracer, a password's or a content's function makes of Host and Port meanwhile", function()
    for _, row in ipairs{
      { { At = "CONNECT", Reply = "554 5.7.1 go away" }, { OnTrace = "^connected" } },
      { { At = "EHLO", Drop = true }, { OnTrace = "^EHLO" } },
      { { At = "AUTH", Reply = "535 5.7.8 no" }, { OnTrace = "^AUTH" } },
      { { At = "MAIL", Reply = "550 5.7.1 no" }, { OnTrace = "^235" } },
      { { At = "DOT", Drop = true }, { OnTrace = "^MAIL" } },
      { { At = "DOT", Reply = "552 5.3.4 too big" }, { Content = true } },
    } do
      local err, place = fails(row[1], row[2])
      assert.is_truthy(err:find(place, 1, true), err)
    end
    -- nobody was asked for this place: the password belongs to the one before
    assert.is_truthy(fails({ At = "QUIT" , Silent = true }, { Password = true }):find("were changed while it connected", 1, true))
  end)
end)

describe("replies of a hostile server", function()
  it("are bounded while dialling", function()
    for _, endless in ipairs{ "line", "lines" } do
      local result, err, detail, server = run{ { At = "EHLO", Endless = endless } }
      assert.is_nil(result)
      assert.same({ "not_sent", "protocol" }, { detail.Outcome, detail.Kind }, err)
      server:Stop()
    end
  end)

  it("do not hide the server's name and what to do", function()
    local lines = {}
    for i = 1, 7 do lines[i] = "451" .. (i < 7 and "-" or " ") .. ("w"):rep(450) end
    local result, err, _, server = run{ { At = "DOT", Reply = table.concat(lines, "\n") } }
    assert.is_nil(result)
    assert.is_truthy(err:find("(server localhost:" .. server.Port .. "); try again later", 1, true), err)
    server:Stop()
  end)

  it("show no control characters in the error", function()
    local result, err, _, server = run{ { At = "CONNECT", Raw = "554 \27[31mred\0\8\r\n" } }
    assert.is_nil(result)
    assert.is_nil(err:find("[%z\1-\31\127]"))
    assert.is_truthy(err:find("\\x1B", 1, true))
    server:Stop()
  end)
end)

describe("time", function()
  local function takes(low, high, f)
    local begin = process.now()
    f()
    local took = process.now() - begin
    assert.is_true(took >= low and took < high, "took " .. took .. " s")
  end

  it("Timeout is the longest wait without progress, in each phase", function()
    for at, command in pairs{ CONNECT = "CONNECT", EHLO = "EHLO", MAIL = "MAIL", DATA = "DATA", DOT = "." } do
      net.at_some_pace(function(ms)
        local detail
        takes(ms / 1000 - 0.1, ms / 1000 + 20, function()
          local result, err, server
          result, err, detail, server = run({ { At = at, Silent = true } }, { Timeout = ms })
          assert.is_nil(result)
          assert.equal("timeout", detail.Kind, err)
          assert.is_truthy(err:find(("waited %d ms (Timeout) for the server's "):format(ms), 1, true), err)
          server:Stop()
        end)
        return detail.Command == command
      end)
    end
  end)

  it("Timeout does not end a slow server that goes on", function()
    net.at_some_pace(function(ms)
      local slow = {}
      for i, at in ipairs{ "CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT" } do slow[i] = { At = at, Delay = ms / 3000 } end
      local begin = process.now()
      local result, err, detail, server = run(slow, { Timeout = ms })
      server:Stop()
      assert.is_true(result ~= nil or detail.Kind == "timeout", err)
      assert.is_true(result == nil or process.now() - begin >= 1.9 * ms / 1000)
      return result ~= nil
    end, { 900, 6000 })
  end)

  it("Timeout does end a server that drips its reply", function()
    takes(0.3, 20, function()
      local result, _, detail, server = run({ { At = "MAIL", Raw = "250-" .. ("x"):rep(2000), Drip = 0.02 } }, { Timeout = 500 })
      assert.is_nil(result)
      assert.equal("timeout", detail.Kind)
      server:Stop()
    end)
  end)

  it("Deadline bounds the whole send", function()
    takes(0.7, 20, function()
      local result, err, detail, server = run({ { At = "CONNECT", Delay = 0.3 }, { At = "EHLO", Delay = 0.3 },
        { At = "MAIL", Silent = true } }, { Deadline = 800 })
      assert.is_nil(result)
      assert.same({ "timeout", "not_sent" }, { detail.Kind, detail.Outcome })
      assert.is_truthy(err:find("Deadline of 800 ms", 1, true))
      server:Stop()
    end)
  end)

  it("Deadline counts the reading of files and a server that is quick", function()
    local path = os.tmpname()
    process.run("truncate -s 2G " .. process.quote(path))
    local message = net.message{ Attachments = require "netmail".Attachment.Create(path) }
    takes(0.2, 20, function()
      local result, err, detail, server = run({}, { Deadline = 300 }, message)
      assert.is_nil(result)
      assert.same({ "timeout", "not_sent" }, { detail.Kind, detail.Outcome }, err)
      server:Stop()
    end)
    os.remove(path)
  end)

  it("is not lost by __gc and Close with a silent server", function()
    takes(0, 20, function()
      local result, _, _, server, client = run{ { At = "QUIT", Silent = true } }
      assert.equal("accepted", result.Outcome)
      client:Close()
      client = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      server:Stop()
    end)
  end)
end)

describe("a kept connection that is dead", function()
  local function verbs(server, connection)
    local all = {}
    for i, line in ipairs(server:Commands(connection)) do all[i] = line:match "^%u+" or line end
    return table.concat(all, " ")
  end

  it("is found out before it is used, and dialled anew without a word", function()
    local result, _, _, server, client = run{ { At = "DOT", Nth = 1, Reply = true, Drop = true } }
    assert.equal("accepted", result.Outcome)
    assert.is_true(server:WaitIdle())
    assert.equal("accepted", assert(client:Send(net.message())).Outcome)
    client:Close()
    assert.is_true(server:WaitIdle())
    assert.equal("EHLO MAIL RCPT DATA .", verbs(server, 1))
    assert.equal("EHLO MAIL RCPT DATA . QUIT", verbs(server, 2))
    server:Stop()
  end)

  it("is dialled anew when it dies on the first command, or answers 421 to it", function()
    for _, fault in ipairs{ { Drop = true }, { Drop = "reset" }, { Reply = "421 4.4.2 timeout" } } do
      fault.At, fault.Nth = "MAIL", 2
      local result, _, _, server, client = run{ fault }
      assert.equal("accepted", result.Outcome)
      local again, err = client:Send(net.message())
      assert.equal("accepted", assert(again, err).Outcome)
      client:Close()
      assert.equal(2, #server:Connections())
      assert.equal(2, #server:Messages())
      server:Stop()
    end
  end)

  it("is never repeated after the last byte of the content", function()
    local result, _, _, server, client = run{ { At = "DOT", Nth = 2, Drop = true } }
    assert.equal("accepted", result.Outcome)
    local again, _, detail = client:Send(net.message())
    assert.is_nil(again)
    assert.equal("unknown", detail.Outcome)
    assert.equal(2, #server:Messages())
    assert.equal("accepted", assert(client:Send(net.message())).Outcome) -- the caller's own decision
    client:Close()
    server:Stop()
  end)
end)

describe("a Host with several addresses", function()
  -- In a network and with a table of hosts of its own. IPv6 stands before IPv4 there (RFC 6724).
  local function apart(hosts, script)
    local _, status = process.run "unshare --net --mount true"
    if status ~= 0 then return nil end
    local path = os.tmpname()
    process.write(path, process.read "/etc/hosts" .. "\n" .. hosts) -- libldap, which libcurl brings, asks for this machine's name
    local steps = { "ip link set lo up", "ip -6 address add 2001:db8::7/128 dev lo nodad", "ip -6 route add 2001:db8::/64 dev lo",
      'mount --bind "$NETMAIL_HOSTS" /etc/hosts', "mount --bind /dev/null /etc/resolv.conf", 'exec "$0" "$@"' }
    local output
    output, status = process.apart(script, "NETMAIL_HOSTS=" .. path .. " unshare --net --mount sh -c " ..
      process.quote(table.concat(steps, " && ")))
    os.remove(path)
    assert.equal(0, status, output)
    return output
  end

  it("is reached at the one that lives, and dead when none does", function()
    local output = apart("::1 refuses.test\n127.0.0.1 refuses.test\n2001:db8::9 silent.test\n127.0.0.1 silent.test\n" ..
      "127.0.0.5 dead.test\n127.0.0.6 dead.test\n", [[
      local netmail = require "netmail"
      local process = require "spec.support.process"
      local server = require "netmail.testing".Server{}
      for _, host in ipairs{ "refuses.test", "silent.test", "dead.test" } do
        local tried = {}
        local client = netmail.SmtpClient{ Host = host, Port = server.Port, Timeout = 30000,
          OnTrace = function(_, line) tried[#tried + 1] = line:match "^connecting to (.*)" end }
        local begin = process.now()
        local result, err, detail = client:Send(netmail.MailMessage{ From = "a@x.org", To = "b@x.org", Text = "x" })
        print(host, (result or detail).Outcome, table.concat(tried, " "), process.now() - begin < 12, result and "" or detail.Temporary)
        client:Close()
      end
      server:Stop()
    ]])
    if not output then return pending "no network namespace can be made here" end
    assert.equal("refuses.test\taccepted\t::1 127.0.0.1\ttrue\t\nsilent.test\taccepted\t2001:db8::9 127.0.0.1\ttrue\t\n" ..
      "dead.test\tnot_sent\t127.0.0.5 127.0.0.6\ttrue\ttrue\n", output)
  end)
end)
