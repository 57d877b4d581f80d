-- The test servers themselves: each starts, greets, takes mail, and leaves nothing behind.

local process = require "spec.support.process"
local servers = require "spec.support.servers"

-- A client that owes nothing to the code under test.
local client = [[
import smtplib, ssl, sys
port, tls, ca, auth = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
context = ssl.create_default_context(cafile=ca)
s = smtplib.SMTP_SSL("localhost", port, context=context) if tls == "tls" else smtplib.SMTP("localhost", port)
s.ehlo("c.example")
if tls == "starttls":
    s.starttls(context=context)
    s.ehlo("c.example")
print("auth:" + s.esmtp_features.get("auth", ""))
if auth:
    s.login(*auth)
s.sendmail("a@example.test", ["b@example.test", "c@example.test"], "Subject: one\r\n\r\nhi\r\n.dot\r\n")
s.quit()
print("sent")
]]

-- A message with what DSN has to ask.
local envelope = [[
import smtplib, sys
s = smtplib.SMTP("localhost", int(sys.argv[1]))
s.ehlo("c.example")
print(s.docmd("MAIL FROM:<a@example.test> RET=HDRS ENVID=x+2By") and
      s.docmd("RCPT TO:<c@record.test> NOTIFY=NEVER ORCPT=rfc822;q@example.test") and s.data("Subject: one\r\n\r\nhi\r\n")[0])
s.quit()
]]

-- LMTP's codes: of a recipient that is refused, of BDAT, and of the two that are left.
local lmtp = [[
import smtplib, sys
s = smtplib.SMTP()
s.connect("localhost", int(sys.argv[1]))
s.docmd("LHLO c.example")
s.docmd("MAIL FROM:<a@example.test>")
codes = [s.docmd("RCPT TO:<%s>" % a)[0] for a in ("a@refused.test", "b@example.test", "c@full.test")][:1]
for chunk in ("BDAT 12\r\nSubject: one", "BDAT 7 LAST\r\n\r\n\r\n.\r\n"):
    s.send(chunk)
    codes.append(s.getreply()[0])
codes.append(s.getreply()[0])
print(*codes)
]]

local function send(port, tls, ...)
  local words = { "/usr/bin/python3 -c", process.quote(client), port, tls, process.quote(servers.certs .. "ca.pem") }
  for i = 1, select("#", ...) do words[#words + 1] = process.quote((select(i, ...))) end
  return process.run(table.concat(words, " "))
end

local function alive(pid)
  local _, status = process.run("kill -0 " .. pid)
  return status == 0
end

-- Every process whose command line or folder lies in the server's.
local function left_of(server)
  local text = process.run("grep -las -- " .. process.quote(server.dir) .. " /proc/[0-9]*/cmdline; " ..
    "ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -- " .. process.quote(server.dir))
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    -- Not the grep that looks, nor the shell around it.
    if not line:find("/self/", 1, true) then lines[#lines + 1] = line end
  end
  local real = {}
  for _, line in ipairs(lines) do
    local pid = line:match "/proc/(%d+)"
    if pid and alive(pid) then real[#real + 1] = line end
  end
  return real
end

local function assert_gone(server)
  assert.is_false(process.exists(server.dir))
  assert.is_false(alive(server.pid))
  assert.same({}, left_of(server))
end

describe("the test server", function()
  it("aiosmtpd takes mail in clear, by STARTTLS and by implicit TLS, and keeps the envelope", function()
    local aio = servers.start "aio"
    for port, tls in pairs { plain = "none", starttls = "starttls", tls = "tls" } do
      local text = send(aio.port[port], tls, "user@example.test", "secret")
      assert.equal("auth:LOGIN PLAIN\nsent\n", text:gsub("auth:%s+", "auth:"))
      local mail = aio:take(1)[1]
      assert.equal("Subject: one\r\n\r\nhi\r\n.dot\r\n", mail.raw)
      assert.equal("a@example.test", mail.from)
      assert.same({ "b@example.test", "c@example.test" }, mail.to)
      assert.equal("user@example.test", mail.user)
      assert.equal(tls == "none" and "nil" or "string", type(mail.tls))
    end
    local text, status = send(aio.port.tls, "tls", "user@example.test", "wrong")
    assert.equal(1, status)
    assert.truthy(text:find("535", 1, true))
    aio:stop()
    assert_gone(aio)
  end)

  it("Postfix takes mail on every port, with AUTH where it belongs", function()
    local postfix = servers.start "postfix"
    local mechanisms = "PLAIN LOGIN CRAM%-MD5 DIGEST%-MD5 SCRAM%-SHA%-1 SCRAM%-SHA%-256 XOAUTH2 OAUTHBEARER"
    for port, tls in pairs { plain = "starttls", submission = "starttls", insecure = "none", tls = "tls" } do
      local login = port ~= "plain" and { "user@example.test", "secret" } or {}
      local text = send(postfix.port[port], tls, process.unpack(login))
      assert.truthy(text:find(port == "plain" and "auth:\nsent" or mechanisms .. "\nsent"), port .. ": " .. text)
      -- A copy for each recipient.
      local mail = postfix:take(2)[2]
      assert.truthy(mail.raw:find("\n\nhi\n.dot\n", 1, true))
    end
    local text = send(postfix.port.submission, "none")
    assert.truthy(text:find("(554, b'5.7.1", 1, true), text)
    postfix:stop()
    assert_gone(postfix)
  end)

  it("Postfix, Exim and Dovecot relay to the recorder, which keeps what was asked of them", function()
    for _, kind in ipairs{ "postfix", "exim" } do
      local server = servers.start(kind)
      for _, port in ipairs{ "plain", "tls" } do
        local login = (kind == "exim" or port == "tls") and { "user@example.test", "secret" } or {}
        local text = send(server.port[port], port == "tls" and "tls" or "starttls", process.unpack(login))
        assert.truthy(text:find "\nsent\n$", text)
        server:take(2) -- a copy for each recipient
      end
      assert.truthy(server:logged "a@example.test")
      local text = process.run("/usr/bin/python3 -c " .. process.quote(envelope) .. " " .. server.port.plain)
      assert.equal("250\n", text)
      local mail = server:take(1, 10, "recorded")[1]
      assert.equal("a@example.test", mail.from)
      assert.same({ "c@record.test" }, mail.to)
      table.sort(mail.from_options)
      assert.same({ "ENVID=x+2By", "RET=HDRS" }, { mail.from_options[1], mail.from_options[2] })
      table.sort(mail.to_options[1])
      assert.same({ "NOTIFY=NEVER", "ORCPT=rfc822;q@example.test" }, mail.to_options[1])
      server:stop()
      assert_gone(server)
    end
    local dovecot = servers.start "dovecot"
    for port, tls in pairs { submission = "starttls", tls = "tls" } do
      local text = send(dovecot.port[port], tls, "user@example.test", "secret")
      assert.truthy(text:find "\nsent\n$", text)
      assert.same({ "b@example.test", "c@example.test" }, dovecot:take(1)[1].to)
      assert.truthy(dovecot:logged "Login: user=<user@example.test>")
    end
    dovecot:stop()
    assert_gone(dovecot)
  end)

  it("the recorder keeps what comes by DATA and by BDAT, by SMTP and by LMTP", function()
    local recorder = servers.start "recorder"
    local text = process.run("/usr/bin/python3 -c " .. process.quote(lmtp) .. " " .. recorder.port.lmtp)
    assert.equal("550 250 250 552\n", text)
    local mail = recorder:take(1)[1]
    assert.same({ "b@example.test", "c@full.test" }, mail.to)
    assert.same({ 2, "Subject: one\r\n\r\n.\r\n" }, { mail.chunks, mail.raw })
    assert.equal("auth:\nsent\n", (send(recorder.port.plain, "none")))
    mail = recorder:take(1)[1]
    assert.same({ 0, "Subject: one\r\n\r\nhi\r\n.dot\r\n" }, { mail.chunks, mail.raw })
    recorder:stop()
    assert_gone(recorder)
  end)

  it("a Kerberos realm gives its user a ticket", function()
    local kdc = servers.start "krb5"
    for name, principal in pairs{ tickets = "user@EXAMPLE.TEST", foreign = "user@OTHER.TEST" } do
      local path = kdc[name]:gsub("^FILE:", "")
      assert.truthy(process.read(path):find((principal:gsub("user@", "")), 1, true))
    end
    assert.is_false(process.exists((kdc.empty:gsub("^FILE:", ""))))
    kdc:stop()
    assert_gone(kdc)
  end)

  it("smtp-sink takes mail and forgets it", function()
    local sink = servers.start "sink"
    assert.equal("auth: PLAIN LOGIN\nsent\n", (send(sink.port.plain, "none")))
    sink:stop()
    assert_gone(sink)
  end)

  it("plays a script and keeps the very bytes that came", function()
    local s = servers.script {
      { send = "220 mail.example.test\r\n" }, { expect = "EHLO " }, { drip = "250-mail\r\n250 STARTTLS\r\n" },
      { expect = "STARTTLS" }, { send = "220 go\r\n" }, { starttls = true }, { offer = "PIPELINING" }, { serve = "RCPT" },
      { send = "550 no\r\n" }, { drop = true },
    }
    local text, status = send(s.port.plain, "starttls")
    assert.equal(1, status, text)
    local raw = s:received(1)
    assert.truthy(raw:find("^ehlo c.example\r\nSTARTTLS\r\nehlo c.example\r\nmail FROM:<a@example.test>.*rcpt TO:"), raw)
    assert.truthy(s:events(1):find("tls TLSv1", 1, true))
    s:stop()
    assert_gone(s)
  end)

  it("plays another script on the second connection, and says what it did not expect", function()
    local s = servers.script({
      { { send = "220 one\r\n" }, { expect = "HELO" } },
      { { send = "220 two\r\n" }, { serve = true } },
    }, { tls = "implicit" })
    local _, status = send(s.port.tls, "tls")
    assert.equal(1, status)
    s:received(1)
    assert.truthy(s:events(1):find("unexpected b'ehlo c.example'", 1, true))
    assert.equal("auth:\nsent\n", (send(s.port.tls, "tls")))
    assert.truthy(s:received(2):find("\r\n..dot\r\n.\r\nquit\r\n$"))
    s:stop()
    assert_gone(s)
  end)

  it("ends with the process that started it, even if that is killed", function()
    local text = process.lua([[
      local server = require("spec.support.servers").start "postfix"
      io.write(server.pid, " ", server.dir, "\n")
      io.flush()
      os.execute "kill -9 $PPID" -- by a shell that has nothing to say to a pipe nobody reads any more
    ]])
    local pid, dir = text:match "^(%d+) (%S+)\n"
    assert.truthy(pid, text)
    local server = { pid = pid, dir = dir }
    assert.truthy(process.wait(60, function() return not alive(pid) end))
    assert_gone(server)
  end)

  it("says why it does not start", function()
    local ok, message = pcall(servers.start, "aio", { cert = "nosuch" })
    assert.is_false(ok)
    assert.truthy(message:find("no certificate 'nosuch'", 1, true), message)
  end)
end)

describe("parse.py", function()
  it("reads a message field by field", function()
    local m = servers.parse(table.concat({
      "From: =?utf-8?B?0JjQstCw0L0=?= <ivanov@server.ru>", "To: a@example.test, \"B, C\" <b@example.test>",
      "Subject: =?utf-8?Q?caf=C3=A9?=", "Date: Sun, 22 Nov 2026 00:00:00 +0000", "MIME-Version: 1.0",
      "Content-Type: multipart/mixed; boundary=x", "", "--x", "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: quoted-printable", "", "=D0=B4=D0=B0", "--x",
      "Content-Type: image/png", "Content-Disposition: attachment; filename*=utf-8''%D1%84.png",
      "Content-Transfer-Encoding: base64", "", "AAEC/w==", "--x--", "",
    }, "\r\n"))
    assert.same({}, m.defects)
    assert.equal("Иван <ivanov@server.ru>", m.headers[1].value)
    assert.equal("B, C", m.headers[2].addresses[2].name)
    assert.equal("café", m.headers[3].value)
    assert.equal(1795305600, m.headers[4].time)
    local text, image = m.root.parts[1], m.root.parts[2]
    assert.equal("да", text.text)
    assert.equal("ф.png", image.filename)
    assert.equal("\0\1\2\255", image.content)
    assert.equal("3d1f57c984978ef98a18378c8166c1cb8ede02c03eeb6aee7e2f121dfeee3e56", image.sha256)
  end)
end)
