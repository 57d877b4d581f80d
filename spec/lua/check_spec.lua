-- Questions to the server: Check, Verify, Expand, Help, Etrn, Reset.

local netmail = require "netmail"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local testing = require "netmail.testing"

local raises = mail.raises
local running = {}

local function serve(options)
  local server = testing.Server(options)
  running[#running + 1] = server
  return server
end

local METHODS = { Check = "NOOP", Reset = "RSET", Verify = "VRFY", Expand = "EXPN", Help = "HELP", Etrn = "ETRN" }
local ARGUMENT = { Verify = "b@example.test", Expand = "list", Etrn = "@example.test" }

local function last(server)
  local commands = server:Commands()
  return commands[#commands]
end

describe("a question", function()
  after_each(function()
    for _, server in ipairs(running) do server:Stop() end
    running = {}
  end)

  for method, verb in pairs(METHODS) do
    it(method .. " says " .. verb .. " and returns the server's words", function()
      local server = serve{ Faults = { { At = verb, Reply = "250-2.1.5 first <b@example.test>\n250 2.1.5 second" } } }
      local client = server:Client()
      local result, warning = client[method](client, ARGUMENT[method])
      assert.is_nil(warning)
      assert.same({ Code = 250, EnhancedCode = "2.1.5", Reply = "2.1.5 first <b@example.test>\n2.1.5 second", Secure = false }, result)
      assert.equal(ARGUMENT[method] and verb .. " " .. ARGUMENT[method] or verb, last(server))
    end)

    it(method .. " returns nil, words and detail for a refusal, and the connection stays good", function()
      local server = serve{ Faults = { { At = verb, Nth = 1, Reply = "550 5.1.1 we do not say" } } }
      local client = server:Client()
      local result, err, detail = client[method](client, ARGUMENT[method])
      assert.is_nil(result)
      assert.equal(err, tostring(detail))
      assert.is_truthy(err:find("550 5.1.1 we do not say", 1, true), err)
      assert.is_truthy(err:find("(server 127.0.0.1:" .. server.Port .. ")", 1, true), err)
      assert.equal(550, detail.Code)
      assert.equal("5.1.1", detail.EnhancedCode)
      assert.equal("5.1.1 we do not say", detail.Reply)
      assert.equal(verb, detail.Command)
      assert.equal("not_sent", detail.Outcome)
      assert.is_false(detail.Temporary)
      assert.equal(server.Port, detail.Port)
      assert.equal("accepted", assert(client:Send(net.message())).Outcome)
      assert.equal(1, #server:Connections())
    end)
  end

  it("knows the temporary from the final, and whose fault it is", function()
    local server = serve{ Faults = { { At = "VRFY", Reply = "450 4.2.1 later" }, { At = "NOOP", Reply = "421 4.3.2 closing" } } }
    local client = server:Client()
    local _, _, detail = client:Verify "x"
    assert.same({ "recipient", true }, { detail.Kind, detail.Temporary })
    _, _, detail = client:Check()
    assert.same({ 421, true }, { detail.Code, detail.Temporary })
  end)

  it("is refused as recipient where it is about somebody, as connect where it is not", function()
    for method, verb in pairs(METHODS) do
      local client = serve{ Faults = { { At = verb, Reply = "554 5.7.1 not for you" } } }:Client()
      local _, err, detail = client[method](client, ARGUMENT[method])
      assert.equal(ARGUMENT[method] and "recipient" or "connect", detail.Kind, err)
    end
  end)

  it("takes what VRFY and HELP may be answered with", function()
    local client = serve{ Faults = { { At = "HELP", Reply = "214-two\n214 lines" } } }:Client()
    assert.equal(252, assert(client:Verify "b@example.test").Code)
    assert.equal("two\nlines", assert(client:Help "SEND").Reply)
    assert.equal("two\nlines", assert(client:Help()).Reply)
    assert.equal("two\nlines", assert(client:Help(nil)).Reply)
  end)

  it("says how the line is, and who is logged in", function()
    local server = serve{ Tls = "starttls", Users = { ivanov = "secret" }, Mechanisms = { "PLAIN" } }
    local result = assert(server:Client{ UserName = "ivanov", Password = "secret" }:Check())
    assert.same({ true, "PLAIN" }, { result.Secure, result.Mechanism })
    result = assert(server:Client():Check())
    assert.same({ true }, { result.Secure, result.Mechanism })
    local _, err, detail = server:Client{ UserName = "ivanov", Password = "wrong" }:Check()
    assert.equal("auth", detail.Kind)
    assert.is_truthy(err:find("check UserName and Password", 1, true))
    _, _, detail = netmail.SmtpClient.CreateWithHostAndPort("127.0.0.1", 1):Check()
    assert.equal("connect", detail.Kind)
    _, _, detail = server:Client{ CaFile = net.ca }:Check()
    assert.equal("tls", detail.Kind)
  end)

  it("goes over the kept line, and leaves it", function()
    local server = serve()
    local client = server:Client()
    assert(client:Check())
    assert(client:Send(net.message()))
    assert(client:Reset())
    assert(client:Verify "x")
    assert(client:Send(net.message()))
    assert.equal(1, #server:Connections())
    assert.equal(2, #server:Messages())
    client:Close()
    assert.is_true(server:WaitIdle(60))
    assert.equal("QUIT", last(server))
  end)

  it("dials again where the kept line turns out dead, once", function()
    for _, fault in ipairs{ { Drop = true }, { Drop = "reset" }, { Reply = "421 4.4.2 idle too long", Drop = true } } do
      fault.At, fault.Nth = "NOOP", 2
      local server = serve{ Faults = { fault } }
      local client = server:Client()
      assert(client:Check())
      local result, err = client:Check()
      assert.is_truthy(result, err)
      assert.equal(2, #server:Connections())
    end
    local server = serve{ Faults = { { At = "NOOP", Drop = true } } }
    local client = server:Client()
    assert(client:Reset())
    local result, _, detail = client:Check()
    assert.is_nil(result)
    assert.equal("connect", detail.Kind)
    assert.equal(2, #server:Connections())
  end)

  it("is not said by a fresh line again", function()
    local server = serve{ Faults = { { At = "ETRN", Drop = true } } }
    local result, err, detail = server:Client():Etrn "x"
    assert.is_nil(result)
    assert.same({ "connect", "ETRN" }, { detail.Kind, detail.Command }, err)
    assert.equal(1, #server:Connections())
  end)

  it("has its time", function()
    local server = serve{ Faults = { { At = "NOOP", Delay = 60 } } }
    local before = process.now()
    local _, _, detail = server:Client{ Timeout = 200 }:Check()
    assert.equal("timeout", detail.Kind)
    _, _, detail = server:Client{ Deadline = 200 }:Check()
    assert.equal("timeout", detail.Kind)
    assert.is_true(process.now() - before < 30)
  end)

  it("is never more than one line", function()
    local server = serve()
    local client = server:Client()
    for _, bad in ipairs{ "a\r\nRCPT TO:<x@y>", "a\nb", "a\rb", "a\0b", "a\tb", " a", "a ", ("x"):rep(600), "" } do
      for _, method in ipairs{ "Verify", "Expand", "Etrn" } do
        local result, err, detail = client[method](client, bad)
        assert.is_nil(result, bad)
        assert.equal("message", detail.Kind, err)
      end
    end
    assert.is_nil((client:Etrn "two words"))
    assert.is_nil((client:Help "a\r\nb"))
    assert.is_nil((client:Etrn "пример.рф"))
    assert.equal(0, #server:Connections()) -- nobody is dialled for that
    assert.equal("accepted", assert(client:Send(net.message())).Outcome) -- nothing is broken by it
    assert.equal(1, #server:Connections())
  end)

  it("is UTF-8 where the server takes it", function()
    local server = serve()
    assert(server:Client():Verify "иван@пример.рф")
    assert.equal("VRFY иван@пример.рф SMTPUTF8", last(server))
    local _, err = serve{ Extensions = {} }:Client():Verify "иван"
    assert.is_truthy(err:find("SMTPUTF8", 1, true), err)
  end)

  it("raises for wrong types, at the place of the call", function()
    local client = netmail.SmtpClient.CreateWithHost "h.example"
    raises("bad value for 'Address' (string expected, got nothing)", function() client:Verify() end)
    raises("bad value for 'Address' (string expected, got number)", function() client:Verify(5) end)
    raises("bad value for 'List' (string expected, got table)", function() client:Expand{} end)
    raises("bad value for 'Topic' (string expected, got boolean)", function() client:Help(false) end)
    raises("bad value for 'Node' (string expected, got nothing)", function() client:Etrn() end)
    for method in pairs(METHODS) do
      raises("SmtpClient." .. method .. " was called with a dot", function() client[method] "x" end)
    end
    raises("SmtpClient.Close was called with a dot", function() client.Close() end)
  end)

  it("is one errand at a time", function()
    local server = serve()
    local client = server:Client()
    local asked
    assert(client:Send(net.message{ Attachments = { netmail.Attachment{ Name = "x", Content = function()
      if asked then return nil end
      asked = { client:Check() }
      return "x"
    end } } }))
    assert.is_nil(asked[1])
    assert.is_truthy(asked[2]:find("is sending another message", 1, true))
  end)
end)
