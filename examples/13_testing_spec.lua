-- A busted spec for code of one's own that sends mail: run it with `busted examples/13_testing_spec.lua`.
local netmail = require "netmail"
local testing = require "netmail.testing"

-- The code under test: greets a new user, and tries again once when the server says "later".
local function welcome(client, address)
  local message = netmail.MailMessage{
    From = "shop@server.ru", To = address, Subject = "Добро пожаловать", Text = "Ваш адрес: " .. address,
  }
  local result, err, detail = client:Send(message)
  if not result and detail.Temporary and detail.Outcome ~= "unknown" then
    result, err, detail = client:Send(message)
  end
  return result, err, detail
end

describe("welcome", function()
  local server, client

  before_each(function()
    server = testing.Server{ Tls = "starttls", Users = { shop = "password" }, RequireAuth = true }
    client = server:Client{ UserName = "shop", Password = "password", Timeout = 10000 }
  end)

  after_each(function()
    client:Close()
    server:Stop()
  end)

  it("sends one letter to the new user", function()
    assert(welcome(client, "new@server.ru"))
    local letters = server:Messages()
    assert.equal(1, #letters)
    assert.same({ "new@server.ru" }, letters[1].To)
    assert.equal("shop", letters[1].User)
    assert.equal("Добро пожаловать", netmail.MailMessage.Parse(letters[1].Data).Subject)
  end)

  it("tries again after a temporary refusal", function()
    server:SetFaults{ { At = "RCPT", Times = 1, Reply = "450 4.2.0 greylisted" } }
    assert(welcome(client, "new@server.ru"))
    assert.equal(1, #server:Messages())
  end)

  it("does not insist when the address is wrong", function()
    server:SetFaults{ { At = "RCPT", Reply = "550 5.1.1 no such user" } }
    local result, err = welcome(client, "nobody@server.ru")
    assert.is_nil(result)
    assert.is_truthy(err:find("no such user", 1, true))
    local tries = 0
    for _, line in ipairs(server:Commands()) do
      tries = tries + (line:find "^RCPT" and 1 or 0)
    end
    assert.equal(1, tries)
  end)

  it("does not send twice when it cannot know", function()
    server:SetFaults{ { At = "DOT", Drop = "reset" } }
    local _, _, detail = welcome(client, "new@server.ru")
    assert.equal("unknown", detail.Outcome)
    assert.equal(1, #server:Messages())
  end)

  it("trusts no server with an old certificate", function()
    server:SetFaults{ { At = "TLS", Certificate = "expired" } }
    local _, _, detail = welcome(client, "new@server.ru")
    assert.equal("tls", detail.Kind)
    assert.same({}, server:Messages())
  end)
end)
