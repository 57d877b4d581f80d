-- AlternativeHosts and HostOrder: several servers that do the same service.

local net = require "spec.support.net"
local testing = require "netmail.testing"

local held = {}

-- A port on which nobody listens while these specs run.
local function closed_port()
  local port, nobody = net.closed_port()
  held[#held + 1] = nobody
  return port
end

local function at(server)
  return "127.0.0.1:" .. server.Port
end

local function client_of(server, options)
  local client = server:Client { Host = "127.0.0.1", Timeout = 30000 }
  for k, v in pairs(options or {}) do client[k] = v end
  return client
end

local function with(n, options, f)
  local servers = {}
  for i = 1, n do servers[i] = testing.Server(options) end
  f(servers[1], servers[2], servers[3])
  for i = 1, n do servers[i]:Stop() end
end

local function connections(server)
  return #server:Connections()
end

describe("a server that cannot be had", function()
  it("gives way to the next, by which the message goes", function()
    with(1, {}, function(b)
      local client = client_of(b, { Port = closed_port(), AlternativeHosts = { "127.0.0.1:" .. closed_port(), at(b) } })
      assert(client:Send(net.message()))
      assert.equal(1, #b:Messages())
      assert(client:Send(net.message())) -- over the same connection: the first is left alone for a while
      assert.equal(1, connections(b))
      client:Close()
    end)
  end)

  it("may also be one that greets with 554 or 421, or says nothing", function()
    for _, fault in ipairs { { Reply = "554 5.3.2 no" }, { Reply = "421 4.3.2 too many" }, { Delay = 30 } } do
      fault.At = "CONNECT"
      local a = testing.Server { Faults = { fault } }
      with(1, {}, function(b)
        net.at_some_pace(function(ms)
          local client = client_of(a, { Timeout = ms, AlternativeHosts = { at(b) } })
          local result, err, detail = client:Send(net.message())
          assert.is_truthy(result or detail.Kind == "timeout", err)
          client:Close()
          return result
        end)
        assert.equal(1, #b:Messages())
      end)
      a:Stop()
    end
  end)

  it("is given the same login", function()
    with(1, { Users = { u = "secret" }, Mechanisms = { "PLAIN" }, RequireAuth = true }, function(b)
      local client = b:Client { UserName = "u", Password = "secret", Timeout = 30000 }
      client.Port = closed_port()
      client.AlternativeHosts = { at(b) }
      assert(client:Send(net.message()))
      assert.equal("u", b:Messages()[1].User)
      client:Close()
    end)
  end)

  it("is named with the last of them when all fail", function()
    local last = closed_port()
    with(1, {}, function(b)
      local client = client_of(b, { Port = closed_port(), AlternativeHosts = { "127.0.0.1:" .. last } })
      local result, err, detail = client:Send(net.message())
      assert.is_nil(result)
      assert.is_truthy(err:find("the other servers could not be had either", 1, true), err)
      assert.same({ "connect", "not_sent", last }, { detail.Kind, detail.Outcome, detail.Port })
    end)
  end)
end)

describe("no other server is asked", function()
  local function stays(options, setup, kind)
    local a = testing.Server(setup)
    with(1, setup, function(b)
      local client = a:Client { Timeout = 30000 }
      for k, v in pairs(options) do client[k] = v end
      client.AlternativeHosts = { at(b) }
      local result, err, detail = client:Send(net.message())
      assert.is_nil(result)
      assert.equal(kind, detail.Kind, err)
      assert.equal(0, connections(b))
      client:Close()
    end)
    a:Stop()
  end

  it("where a password was refused: it would count there too", function()
    local a = testing.Server { Users = { u = "secret" }, Mechanisms = { "PLAIN" } }
    with(1, {}, function(b)
      local client = a:Client { UserName = "u", Password = "wrong", AlternativeHosts = { at(b) } }
      local _, _, detail = client:Send(net.message())
      assert.equal("auth", detail.Kind)
      assert.equal(0, connections(b))
      client:Close()
    end)
    a:Stop()
  end)

  it("where a certificate is wrong", function()
    stays({ Host = "localhost" }, { Tls = "implicit", Certificate = "wrong-name" }, "tls")
  end)

  it("once the server has had a say about the message", function()
    stays({}, { Faults = { { At = "MAIL", Reply = "451 4.3.0 later" } } }, "sender")
    stays({}, { Faults = { { At = "MAIL", Drop = true } } }, "connect")
    stays({}, { Faults = { { At = "DOT", Drop = true } }, Extensions = { "PIPELINING" } }, "connect")
  end)
end)

describe("HostOrder", function()
  it("roundrobin spreads the connections of SendMany, and of Sends that close", function()
    with(3, { Faults = { { At = "MAIL", Delay = 0.01 } } }, function(a, b, c)
      local client = client_of(a, { AlternativeHosts = { at(b), at(c) }, HostOrder = "roundrobin" })
      local n = 0
      local summary = client:SendMany(function()
        n = n + 1
        return n <= 60 and net.message { To = "u" .. n .. "@example.test" } or nil
      end, { Connections = 6, Window = 4 })
      assert.equal(60, summary.Accepted)
      assert.same({ 2, 2, 2 }, { connections(a), connections(b), connections(c) })
      assert.equal(60, #a:Messages() + #b:Messages() + #c:Messages())
      client:Close()
      for _ = 1, 3 do
        assert(client:Send(net.message()))
        client:Close()
      end
      assert.same({ 3, 3, 3 }, { connections(a), connections(b), connections(c) })
    end)
  end)

  it("failover: SendMany goes on with another when the first goes away, and nobody gets anything twice", function()
    with(1, {}, function(b)
      local a = testing.Server { Faults = { { At = "MAIL", Nth = 6, Reply = "421 4.3.2 going down" },
        { At = "CONNECT", Connection = 2, Reply = "554 5.3.2 gone" } } }
      local client = client_of(a, { AlternativeHosts = { at(b) } })
      local n, seen = 0, {}
      local summary, warning = client:SendMany(function()
        n = n + 1
        return n <= 40 and net.message { To = ("u%d@example.test"):format(n) } or nil
      end, { Window = 4 })
      assert.is_nil(warning)
      assert.equal(40, summary.Accepted)
      assert.equal(5, #a:Messages())
      for _, server in ipairs { a, b } do
        for _, got in ipairs(server:Messages()) do
          assert.is_nil(seen[got.To[1]])
          seen[got.To[1]] = true
        end
      end
      client:Close()
      a:Stop()
    end)
  end)
end)

describe("the list of servers", function()
  it("is read back as it was set, and checked as a whole", function()
    local client = net.client(25)
    assert.is_nil(client.AlternativeHosts)
    client.AlternativeHosts = { "mail2.example", "[::1]:587", "fe80::1", "unix:/run/lmtp", "почта.example:2525" }
    assert.same({ "mail2.example", "[::1]:587", "[fe80::1]", "unix:/run/lmtp", "xn--80a1acny.example:2525" }, client.AlternativeHosts)
    for _, bad in ipairs { "b example", "a.example:0", "a.example:65536", "a.example:x", "", "a\r\n.example", "a\0b" } do
      assert.has_error(function() client.AlternativeHosts = { "a.example", bad } end)
      assert.equal(5, #client.AlternativeHosts)
    end
    local many = {}
    for i = 1, 16 do many[i] = "m" .. i .. ".example" end
    assert.has_error(function() client.AlternativeHosts = many end)
    assert.has_error(function() client.AlternativeHosts = { 5 } end)
    assert.has_error(function() client.AlternativeHosts = "mail.example" end)
    assert.has_error(function() client.HostOrder = "random" end)
    client.AlternativeHosts = nil
    assert.is_nil(client.AlternativeHosts)
    assert.equal("failover", client.HostOrder)
  end)
end)
