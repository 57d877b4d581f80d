-- Every file of examples/ is run, against real servers with TLS and AUTH.

local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local testing = require "netmail.testing"

-- Runs examples/name.lua with settings in the environment; what it printed.
local function run(name, settings)
  local words = { "env" }
  for key, value in pairs(settings) do words[#words + 1] = key .. "=" .. process.quote(value) end
  words[#words + 1] = process.quote(process.interpreter())
  words[#words + 1] = "examples/" .. name .. ".lua"
  local output, status = process.run(table.concat(words, " "))
  assert.equal(0, status, output)
  return output
end

local function settings(port, more)
  local all = { SMTP_HOST = "localhost", SMTP_PORT = port, SMTP_CA = net.ca, SMTP_USER = "user@example.test",
    SMTP_PASSWORD = "secret" }
  for k, v in pairs(more or {}) do all[k] = v end
  return all
end

local function subject(mail)
  for _, header in ipairs(servers.parse(mail.raw).headers) do
    if header.name == "Subject" then return header.value end
  end
end

describe("the walk-through", function()
  for _, kind in ipairs{ "aio", "postfix" } do
    it("sends a plain message through " .. kind, function()
      local server = servers.shared(kind)
      assert.is_truthy(run("01_plain", settings(server.port.plain)):find("^accepted\t250\t"))
      assert.equal("Тестовое письмо", subject(server:take(1)[1]))
    end)

    it("logs in with a credential, through STARTTLS, at " .. kind, function()
      local server = servers.shared(kind)
      run("02_credential", settings(server.port.starttls or server.port.submission))
      local mail = server:take(1)[1]
      assert.equal("Тестовое письмо", subject(mail))
      assert.is_truthy(kind == "postfix" or mail.user == "user@example.test" and mail.tls)
    end)

    it("speaks TLS from the first byte to " .. kind, function()
      local server = servers.shared(kind)
      run("03_ssl_465", settings(server.port.tls))
      assert.equal("Тестовое письмо", subject(server:take(1)[1]))
    end)
  end

  it("uses the protocol that is named", function()
    local postfix = servers.shared "postfix"
    for _, protocol in ipairs{ "CRAM-MD5", "LOGIN" } do
      run("04_named_protocol", settings(postfix.port.submission, { SMTP_PROTOCOL = protocol }))
      assert.equal("Тестовое письмо", subject(postfix:take(1)[1]))
    end
  end)
end)

describe("the other examples", function()
  it("05: text, HTML, picture and attachment arrive as they were given", function()
    local aio = servers.shared "aio"
    local output = run("05_html_and_attachments", settings(aio.port.plain))
    assert.is_truthy(output:find("accepted\tpetrov@server.ru\naccepted\tsidorov@server.ru\n", 1, true), output)
    local root = servers.parse(aio:take(1)[1].raw).root
    assert.equal("multipart/mixed", root.type)
    assert.equal("multipart/related", root.parts[1].type)
    assert.equal("multipart/alternative", root.parts[1].parts[1].type)
    assert.equal("график.gif", root.parts[1].parts[2].filename)
    assert.equal("отчёт.csv", root.parts[2].filename)
  end)

  it("05: says what is wrong when it is not sent", function()
    local server = servers.script{ { send = "421 4.3.2 busy\r\n" } }
    local output, status = process.run(("SMTP_HOST=localhost SMTP_PORT=%d %s examples/05_html_and_attachments.lua"):format(
      server.port.plain, process.quote(process.interpreter())))
    assert.equal(1, status)
    assert.is_truthy(output:find("may be sent again:\ttrue\tlater:\ttrue", 1, true), output)
    server:stop()
  end)

  it("06: knows the provider of an address", function()
    -- No provider can be reached from a test: the example runs up to the connection.
    local output = process.run("USER_NAME=me@bk.ru APP_PASSWORD=x TO=you@example.test " ..
      process.quote(process.interpreter()) .. " -e 'local n = require [[netmail]] ; local p = n.providers.mailru; " ..
      "rawset(p, [[Host]], [[127.0.0.1]]); rawset(p, [[Port]], 1)' examples/06_provider.lua")
    assert.is_truthy(output:find("mailru\t127.0.0.1\t1\t", 1, true), output)
    assert.is_truthy(output:find("cannot connect to 127.0.0.1:1", 1, true), output)
  end)

  -- The message that the example sent to aiosmtpd, read back, and what it printed.
  local function sent(name)
    local aio = servers.shared "aio"
    local output = run(name, settings(aio.port.plain))
    return servers.parse(aio:take(1)[1].raw), output
  end

  local function field(parsed, name)
    for _, header in ipairs(parsed.headers) do
      if header.name == name then return header.value end
    end
  end

  it("07: has any header field", function()
    local parsed, output = sent "07_header_fields"
    assert.equal("List-Unsubscribe=One-Click", field(parsed, "List-Unsubscribe-Post"))
    assert.equal("осень", field(parsed, "X-Campaign"))
    assert.equal("auto-generated", field(parsed, "Auto-Submitted"))
    assert.is_truthy(output:find("X-Campaign\tосень\n", 1, true), output)
  end)

  it("08: fills a template, and a stranger's name stays text", function()
    local parsed = sent "08_template"
    local text, html = parsed.root.parts[1].text, parsed.root.parts[2].text
    assert.is_truthy(html:find("Пётр &lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;!", 1, true), html)
    assert.is_nil(html:find("<script", 1, true))
    assert.is_truthy(text:find("Здравствуйте, Пётр <script>alert('&')</script>!", 1, true), text)
    assert.equal("Заказ №42 принят", field(parsed, "Subject"))
  end)

  it("09: invites to a meeting, for calendars and as a file", function()
    local root = sent("09_invitation").root
    assert.equal("multipart/alternative", root.parts[1].type)
    assert.equal("text/calendar", root.parts[1].parts[2].type)
    assert.equal("invite.ics", root.parts[2].filename)
    assert.equal(root.parts[1].parts[2].content, root.parts[2].content)
  end)

  it("10: attaches what is made while it is sent", function()
    local csv = sent("10_content_from_a_function").root.parts[2]
    assert.equal("квадраты.csv", csv.filename)
    assert.equal("1000;1000000\r\n", csv.content:sub(-14))
  end)

  it("11: forwards a message and hands it on", function()
    local aio = servers.shared "aio"
    local output = run("11_forward", settings(aio.port.plain))
    assert.is_truthy(output:find("Привет\t", 1, true), output)
    local mails = aio:take(2)
    assert.is_truthy(mails[1].raw:find("Content-Type: message/rfc822", 1, true))
    assert.is_truthy(mails[2].raw:find("^Resent%-Date: "))
    assert.same({ "sidorov@server.ru" }, mails[2].to)
    assert.is_truthy(mails[2].raw:find("Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=", 1, true))
  end)

  it("12: embeds pictures, and nests parts by hand", function()
    local aio = servers.shared "aio"
    local folder, remove = require "spec.support.mail".folder()
    process.write(folder .. "/logo.gif", "GIF89a")
    local output = run("12_pictures_and_parts", settings(aio.port.plain, { PICTURES = folder }))
    remove()
    assert.is_truthy(output:find("^pictures\t2\n"), output)
    assert.is_truthy(output:find("Новинки: все <https://shop.example/new>", 1, true), output)
    local mails = aio:take(2)
    local related = servers.parse(mails[1].raw).root
    assert.equal("multipart/related", related.type)
    assert.equal("logo.gif", related.parts[2].filename)
    local parallel = servers.parse(mails[2].raw).root
    assert.equal("multipart/parallel", parallel.type)
    assert.equal("koi8-r", parallel.parts[1].charset)
  end)

  it("13: is a spec of its own", function()
    local output, status = process.run("env -u NETMAIL_CORPUS spec/support/busted.sh " .. process.quote(process.interpreter()) ..
      " examples/13_testing_spec.lua")
    assert.equal(0, status, output)
    assert.is_truthy(output:find("5 passed, 0 failed, 0 skipped", 1, true), output)
  end)

  it("14: gives a token, and another when it is refused", function()
    local server = testing.Server{ Tls = "starttls", Tokens = { ["me@gmail.com"] = "ya29.fresh" } }
    local where = { SMTP_HOST = server.Host, SMTP_PORT = server.Port, SMTP_CA = server.CaFile, KEPT_TOKEN = "ya29.stale" }
    assert.equal("fetching a fresh token\naccepted\n", run("14_oauth2", where))
    where.KEPT_TOKEN = "ya29.fresh"
    assert.equal("accepted\n", run("14_oauth2", where))
    where.FRESH_TOKEN, where.KEPT_TOKEN = "ya29.other", "ya29.stale"
    assert.is_truthy(run("14_oauth2", where):find("get a fresh access token", 1, true))
    assert.equal("OAUTHBEARER", server:Messages()[1].Mechanism)
    assert.equal(2, #server:Messages())
    server:Stop()
  end)

  it("15: says whether the settings are right", function()
    local server = testing.Server{ Tls = "starttls", Users = { ivanov = "password" } }
    local where = { SMTP_HOST = server.Host, SMTP_PORT = server.Port, SMTP_CA = server.CaFile }
    local output = run("15_check_and_trace", where)
    assert.is_truthy(output:find("\nworks: TLS, login by SCRAM-SHA-512-PLUS\n", 1, true), output)
    assert.is_truthy(output:find("\n>\tSTARTTLS\n<\t220", 1, true), output)
    assert.is_truthy(output:find("\n>\tQUIT\nworks", 1, true), output)
    where.SMTP_PASSWORD = "wr0ng-word"
    output = run("15_check_and_trace", where)
    assert.is_truthy(output:find("\nauth\t535", 1, true), output)
    assert.is_nil(output:find("wr0ng", 1, true))
    server:SetFaults{ { At = "AUTH", Reply = "504 5.5.4 no" } }
    where.SMTP_MINIMUM = "SCRAM-SHA-1"
    output = run("15_check_and_trace", where)
    assert.is_nil(output:find("AUTH PLAIN", 1, true), output)
    assert.is_truthy(output:find("\nauth\t", 1, true), output)
    server:Stop()
  end)

  it("16: sends each his own, and leaves a bad address out", function()
    local server = testing.Server()
    local output = run("16_personal_mails", { SMTP_HOST = server.Host, SMTP_PORT = server.Port })
    assert.is_truthy(output:find("^petrov@server.ru\taccepted\nno address\taddress 1 of the list, \"no address\", is refused: "), output)
    assert.is_truthy(output:find("sidorov@server.ru\taccepted\n$"), output)
    local messages = server:Messages()
    assert.equal(2, #messages)
    for i, token in ipairs{ "a1", "c3" } do
      assert.is_truthy(messages[i].Data:find("List-Unsubscribe: <https://server.ru/unsubscribe?" .. token .. ">\r\n", 1, true))
    end
    assert.equal(messages[1].Data:match "\r\n\r\n.*", messages[2].Data:match "\r\n\r\n.*")
    server:Stop()
  end)

  it("17: sends to all of a file, and reports of each", function()
    local server = testing.Server{ Faults = {
      { At = "RCPT", Match = "<b@", Times = 1, Reply = "450 4.2.0 greylisted" },
      { At = "RCPT", Match = "<c@", Reply = "550 5.1.1 nobody" },
    } }
    local addresses, report = os.tmpname(), os.tmpname()
    process.write(addresses, "a@server.ru\nb@server.ru\nno address\nc@server.ru\nd@server.ru\n")
    local output = run("17_newsletter", {
      SMTP_HOST = server.Host, SMTP_PORT = server.Port, ADDRESSES = addresses, REPORT = report, RETRY_DELAY = "0.02",
    })
    assert.is_truthy(output:find("no address\tis no address\t", 1, true), output)
    assert.is_truthy(output:find("\n3 of 4 accepted, 1 tries more\nof 4 messages 1 rejected; first: ", 1, true), output)
    local said = process.read(report)
    for address, outcome in pairs { a = "accepted", b = "accepted", c = "rejected", d = "accepted" } do
      assert.is_truthy(("\n" .. said):find(("\n%s@server.ru\t%s\t"):format(address, outcome), 1, true), said)
    end
    assert.equal(3, #server:Messages())
    os.remove(addresses)
    os.remove(report)
    server:Stop()
  end)
end)
