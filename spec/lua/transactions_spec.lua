-- How one message goes to a server: in chunks where it takes them, to its recipients in as many transactions as it wants.

local netmail = require "netmail"
local net = require "spec.support.net"
local servers = require "spec.support.servers"
local mail = require "spec.support.mail"

local ok = "250 2.0.0 ok\r\n"

local function recipients(n)
  local list = {}
  for i = 1, n do list[i] = "u" .. i .. "@example.test" end
  return list
end

local function addresses(list)
  local out = {}
  for i, r in ipairs(list) do out[i] = r.Address:match "^(.-)@" end
  return table.concat(out, " ")
end

local function fates(result)
  return addresses(result.Accepted), addresses(result.Rejected), addresses(result.Unknown), addresses(result.NotSent)
end

describe("a content in chunks", function()
  it("arrives at Postfix as it was sent, whatever its size", function()
    local postfix = servers.shared "postfix"
    local client = net.client(postfix.port.plain, { Timeout = 20000 })
    for _, size in ipairs{ 10, 48000, 49000, 700000 } do
      local content = mail.noise(size, size)
      local result, err = client:Send(net.message{ Attachments = { netmail.Attachment{ Content = content, Name = "noise" } } })
      assert.is_nil(err)
      assert.equal("accepted", result.Outcome)
      local raw = postfix:take(1)[1].raw
      local leaves = mail.leaves(mail.parse(raw).root)
      assert.is_true(leaves[#leaves].content == content)
    end
    client:Close()
  end)

  it("is said with BDAT, in one flight with the envelope", function()
    local server = servers.script(net.follow(net.greet("PIPELINING", "CHUNKING"), { expect = "MAIL" }, { expect = "RCPT" },
      { expect = "BDAT" }, { send = ok .. ok .. "250 2.0.0 queued as B1\r\n" }))
    local client = net.client(server.port.plain)
    local result, err = client:Send(net.message())
    assert.is_nil(err)
    assert.same({ "accepted", "B1" }, { result.Outcome, result.QueueId })
    client:Close()
    local raw = server:received(1)
    local size, content = raw:match "\r\nBDAT (%d+) LAST\r\n(.*)QUIT\r\n$"
    assert.equal(tonumber(size), #content)
    assert.is_truthy(content:find("\r\n\r\none\r\n.\r\ntwo\r\n$"))
    server:stop()
  end)

  it("that a dropped line left without an answer is unknown; one that a refusal came before is not", function()
    local function run(...)
      local server = servers.script(net.follow(net.greet("PIPELINING", "CHUNKING"), { expect = "MAIL" }, { expect = "RCPT" },
        { expect = "BDAT" }, ...))
      local client = net.client(server.port.plain)
      local result, _, detail = client:Send(net.message())
      client:Close()
      server:stop()
      assert.is_nil(result)
      return detail
    end
    assert.equal("unknown", run({ send = ok .. ok }, { sleep = 0.1 }, { bye = true }).Outcome)
    local detail = run({ send = ok .. "550 5.1.1 no\r\n" }, { sleep = 0.1 }, { bye = true })
    assert.same({ "rejected", 550, "RCPT" }, { detail.Outcome, detail.Code, detail.Command })
    assert.equal("not_sent", run{ send = "421 4.3.2 bye\r\n" }.Outcome)
  end)
end)

describe("many recipients", function()
  local function part(from, to, reply)
    local steps = { { expect = "MAIL" } }
    local replies = ok
    for i = from, to do
      steps[#steps + 1] = { expect = "RCPT TO:<u" .. i .. "@" }
      replies = replies .. ok
    end
    steps[#steps + 1] = { expect = "DATA" }
    steps[#steps + 1] = { send = replies .. "354 go\r\n" }
    steps[#steps + 1] = { data = true }
    steps[#steps + 1] = { send = reply or ok }
    return steps
  end

  local function send(dialogues, message)
    local server = servers.script(dialogues)
    local client = net.client(server.port.plain)
    local result, err, detail = client:Send(net.message(message))
    client:Close()
    server:stop()
    return result, err, detail
  end

  local function after(greeting, ...)
    for _, steps in ipairs{ ... } do
      for _, step in ipairs(steps) do net.follow(greeting, step) end
    end
    return greeting
  end

  it("go in several transactions where the server says how many it takes (RFC 9422)", function()
    local result, err = send(after(net.greet("PIPELINING", "LIMITS RCPTMAX=2"), part(1, 2), part(3, 4), part(5, 5)),
      { To = recipients(5) })
    assert.is_nil(err)
    assert.same({ "accepted", "u1 u2 u3 u4 u5" }, { result.Outcome, addresses(result.Accepted) })
  end)

  it("go over several connections where the server says so", function()
    local limits = "LIMITS RCPTMAX=2 MAILMAX=1"
    local result, err = send({ after(net.greet("PIPELINING", limits), part(1, 2)), after(net.greet("PIPELINING", limits), part(3, 3)) },
      { To = recipients(3) })
    assert.is_nil(err)
    assert.same({ "accepted", "u1 u2 u3" }, { result.Outcome, addresses(result.Accepted) })
  end)

  it("that were too many come in the next transaction", function()
    local first = part(1, 3)
    first[#first - 2] = { send = ok .. ok .. "452 4.5.3 too many recipients\r\n550 5.1.1 no u3\r\n354 go\r\n" }
    local result, warning = send(after(net.greet("PIPELINING", "ENHANCEDSTATUSCODES"), first, part(2, 2)),
      { To = recipients(3) })
    assert.same({ "partial", "u1 u2", "u3" }, { result.Outcome, addresses(result.Accepted), addresses(result.Rejected) })
    assert.is_truthy(warning:find("1 of 3 recipients refused", 1, true), warning)
  end)

  it("have the fate of their own transaction", function()
    local limits = "LIMITS RCPTMAX=1"
    local result, warning = send(after(net.greet("PIPELINING", limits), part(1, 1), part(2, 2, "554 5.7.1 spam\r\n")),
      { To = recipients(3) })
    assert.same({ "partial", "u1", "u2", "", "u3" }, { result.Outcome, fates(result) })
    assert.equal(554, result.Rejected[1].Code)
    assert.is_truthy(warning:find("1 of 3 recipients refused and 1 not reached, first <u2@example.test>: 554", 1, true), warning)
    local steps = after(net.greet("PIPELINING", limits), part(1, 1), part(2, 2))
    steps[#steps] = { drop = true }
    local none, _, detail = send(steps, { To = recipients(3) })
    assert.is_nil(none)
    assert.same({ "unknown", "u1", "", "u2", "u3" }, { detail.Outcome, fates(detail) })
    assert.same({ Address = "u3@example.test" }, detail.NotSent[1])
    assert.same({ "u2@example.test", 250, nil }, { detail.Unknown[1].Address, detail.Unknown[1].Code, detail.Unknown[1].Temporary })
  end)

  it("are all told when some were never reached", function()
    local steps = after(net.greet("PIPELINING", "LIMITS RCPTMAX=1"), part(1, 1))
    local result, warning = send({ net.follow(steps, { expect = "MAIL" }, { send = "421 bye\r\n" }, { drop = true }), { { drop = true } } },
      { To = recipients(2) })
    assert.same({ "partial", "u1", "", "", "u2" }, { result.Outcome, fates(result) })
    assert.is_truthy(warning:find("1 of 2 recipients were not reached", 1, true), warning)
  end)

  it("cannot go in several transactions when all or nobody is to have it", function()
    local server = servers.script(net.greet("PIPELINING", "LIMITS RCPTMAX=2"))
    local client = net.client(server.port.plain, { AllOrNothing = true })
    local result, err, detail = client:Send(net.message{ To = recipients(3) })
    assert.is_nil(result)
    assert.same({ "not_sent", "recipient", "", "", "", "u1 u2 u3" }, { detail.Outcome, detail.Kind, fates(detail) })
    assert.is_truthy(err:find("3 recipients need several transactions", 1, true), err)
    client:Close()
    server:stop()
  end)
end)
