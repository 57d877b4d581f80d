-- Logins with a hostile server (RFC 4954, RFC 4422 6), and where a password must never be seen: errors, traces, what tostring says,
-- and the memory that this library leaves behind.

local netmail = require "netmail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local PASSWORD = "s3cret-Pw-42"
-- As PLAIN sends it, as LOGIN does, and cut.
local forms = { PASSWORD, "AHVzZXJAZXhhbXBsZS50ZXN0AHMzY3JldC1Qdy00Mg", "czNjcmV0LVB3LTQy" }

local function no_secret(text, what)
  for _, form in ipairs(forms) do assert.is_nil(tostring(text):find(form, 1, true), what .. ": " .. tostring(text)) end
end

-- Plays the rows, one connection each: steps behind EHLO's reply. Nobody is logged in, the message stays here, nothing is told.
local function all_fail(rows)
  local dialogues = {}
  for i, row in ipairs(rows) do dialogues[i] = net.follow(net.greet("AUTH " .. row.mechanism), process.unpack(row)) end
  local server = servers.script(dialogues)
  for i, row in ipairs(rows) do
    local client, trace = net.client(server.port.plain, { Timeout = row.timeout }), {}
    client.ThisHostCredentials[row.mechanism] = netmail.NetworkCredential.Create("user@example.test", PASSWORD)
    client.OnTrace = function(from, line) trace[#trace + 1] = from .. " " .. line end
    local begin = process.now()
    local result, err, detail = client:Send(net.message())
    local what = ("%d %s %s"):format(i, row.mechanism, tostring(err))
    assert.is_nil(result, what)
    assert.equal("not_sent", detail.Outcome, what)
    assert.is_true(detail.Kind == "auth" or detail.Kind == "protocol" or detail.Kind == "timeout", what)
    assert.is_true(process.now() - begin < 20, what) -- which no Timeout was the end of
    assert.is_nil(client.Capabilities, what)
    client:Close()
    local said = server:received(i)
    assert.is_nil(said:find("MAIL", 1, true), what .. said)
    if row.cancelled then assert.is_truthy(said:find("\r\n*\r\n", 1, true), what .. said) end
    for _, text in ipairs { err, detail, detail.Reply, client, table.concat(trace, "\n") } do no_secret(text, what) end
  end
  server:stop()
end

local begins = { PLAIN = "AUTH PLAIN ", LOGIN = "AUTH LOGIN", ["CRAM-MD5"] = "AUTH CRAM-MD5",
  ["SCRAM-SHA-256"] = "AUTH SCRAM-SHA-256 ", XOAUTH2 = "AUTH XOAUTH2 ",
  OAUTHBEARER = "AUTH OAUTHBEARER ", ["DIGEST-MD5"] = "AUTH DIGEST-MD5" }

describe("a login", function()
  it("is cancelled when a challenge is none (RFC 4954 4)", function()
    local rows = {}
    for mechanism, command in pairs(begins) do
      for _, challenge in ipairs { "334 !!!!", "334 YQ", "334 YWJj=", "334-YQ==\r\n334 YQ==", "334 Y Q=", "334 \0\0\0\0" } do
        rows[#rows + 1] = { mechanism = mechanism, { expect = command }, { send = challenge .. "\r\n" }, { expect = "*" }, {
          send = "501 5.7.0 cancelled\r\n" },
          { read = 100000 }, cancelled = true }
      end
    end
    all_fail(rows)
  end)

  it("ends however much is asked: 1 MB, and questions without end", function()
    local rows = {}
    for mechanism, command in pairs(begins) do
      rows[#rows + 1] = { mechanism = mechanism, { expect = command }, { send = "334 " .. ("A"):rep(1048576) .. "\r\n" }, {
        read = 100000 } }
      local asks = { mechanism = mechanism, timeout = 400, { expect = command } }
      for _ = 1, 50 do
        asks[#asks + 1] = { send = "334 \r\n" }
        asks[#asks + 1] = { expect = "" }
      end
      rows[#rows + 1] = asks
    end
    all_fail(rows)
  end)

  it("is proved by the server where the mechanism proves it, and by nobody's 235 (RFC 5802 5)", function()
    local function first(text)
      return "334 " .. (process.run("printf %s " .. process.quote(text) .. " | base64 -w0")) .. "\r\n"
    end
    local rows = {}
    for _, mechanism in ipairs { "SCRAM-SHA-1", "SCRAM-SHA-256" } do
      for _, answer in ipairs { "235 in\r\n", "250 in\r\n", first "r=mine,s=QSXCR+Q6sek8bf92,i=4096",
        first "r=,s=QSXCR+Q6sek8bf92,i=4096", first "m=x,r=mine,s=QQ==,i=4096",
        first "i=4096", first "e=other-error", first "r=a,r=b,s=QQ==,i=4096", first "r=mine,s=QQ==,i=0",
          first "r=mine,s=QQ==,i=4294967296", first "x" } do
        rows[#rows + 1] = { mechanism = mechanism, { expect = "AUTH " .. mechanism }, { send = answer }, { expect = "" }, {
          send = "235 in\r\n" }, { read = 100000 } }
      end
    end
    all_fail(rows)
  end)

  it("of a token that is refused with a reason hears it, and no yes after that (RFC 7628 3.2.3)", function()
    local reason = "334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\r\n" -- {"status":"invalid_token"}
    local rows = {}
    for mechanism, answer in pairs { XOAUTH2 = "", OAUTHBEARER = "AQ==" } do
      for _, last in ipairs { "535 5.7.8 no\r\n", "235 in\r\n", reason } do
        rows[#rows + 1] = { mechanism = mechanism, timeout = 400, { expect = "AUTH " .. mechanism }, { send = reason }, {
          expect = answer }, {
          send = last }, { read = 100000 } }
      end
    end
    all_fail(rows)
  end)

  it("is told nowhere, though the server repeats it, whole, cut or in pieces", function()
    local rows = {}
    for mechanism, said in pairs { PLAIN = { { expect = "AUTH PLAIN " } },
      LOGIN = { { expect = "AUTH LOGIN" }, { send = "334 VXNlcm5hbWU6\r\n" }, { expect = "" }, { drip = "334 UGFzc3dvcmQ6\r\n" }, {
        expect = "" } } } do
      for _, form in ipairs(forms) do
        for _, reply in ipairs { "535 5.7.8 no: %s\r\n", "500-what?\r\n500 %s\r\n", "421 %s\r\n", "%s\r\n", "454 %s==\r\n" } do
          local row = { mechanism = mechanism }
          for _, step in ipairs(said) do row[#row + 1] = step end
          row[#row + 1] = { send = reply:format(form) }
          row[#row + 1] = { read = 100000 }
          rows[#rows + 1] = row
        end
      end
    end
    all_fail(rows)
  end)
end)

describe("a password", function()
  it("of a proxy, of a key, of a login is in no error of what cannot be connected to", function()
    local server = servers.script { { drop = true } }
    local port = server.port.plain
    server:stop()
    for _, options in ipairs { { Proxy = "http://me:" .. PASSWORD .. "@127.0.0.1:" .. port }, {
      Proxy = "socks5://me:" .. PASSWORD .. "@127.0.0.1:" .. port },
      { EnableSsl = true, ClientCertificate = { File = net.ca, Key = "/no/such.key", Password = PASSWORD } },
      { EnableSsl = true, ClientCertificate = { File = net.ca, Key = net.ca, Password = PASSWORD } }, { UserName = "u",
        Password = PASSWORD } } do
      local client, trace = net.client(port, options), {}
      client.OnTrace = function(from, line) trace[#trace + 1] = from .. " " .. line end
      local result, err, detail = client:Send(net.message())
      assert.is_nil(result)
      for _, text in ipairs { err, detail, client, client.Proxy or "", table.concat(trace, "\n") } do no_secret(text, err) end
    end
  end)

  it("as it was sent is nowhere in memory when the connection and the client are gone", function()
    -- What is looked for is a pattern that does not match itself: or the search would find what it looks for in its own hands.
    local script = [[
      local netmail = require "netmail"
      local port, wanted = tonumber(arg[1]), arg[2]
      local function look(pattern)
        local found = 0
        local maps = {}
        for line in io.lines "/proc/self/maps" do maps[#maps + 1] = line end
        local memory = assert(io.open("/proc/self/mem", "rb"))
        for _, line in ipairs(maps) do
          local from, to, mode = line:match "^(%x+)%-(%x+) (..)"
          from, to = tonumber(from, 16), tonumber(to, 16)
          if mode == "rw" and from < 2 ^ 47 and memory:seek("set", from) then
            while from < to do
              local block = memory:read(math.min(65536, to - from))
              if not block then break end
              if block:find(pattern) then found = found + 1 end
              from = from + #block
            end
          end
        end
        memory:close()
        return found
      end
      local kept = ("skraMehtesrevdA"):reverse() .. port
      print("control", look("Adverse[t]heMarks" .. port) > 0)
      do
        local client = netmail.SmtpClient { Host = "127.0.0.1", Port = port, UserName = "user@example.test",
          Password = ("24-wP-terc3s"):reverse() }
        client.OnTrace = function() end
        local result, err = client:Send(netmail.MailMessage { From = "a@x.org", To = "b@x.org", Text = "x" })
        print("sent", result and result.Outcome or err)
        client:Close()
      end
      collectgarbage()
      collectgarbage()
      print("left", look(wanted))
      return kept
    ]]
    local server = servers.script(net.follow(net.greet("AUTH PLAIN"), { expect = "AUTH PLAIN" }, { send = "235 in\r\n" }, {
      serve = true }))
    local output, status = process.lua(script, server.port.plain, forms[2]:sub(1, 20) .. "[" .. forms[2]:sub(21,
      21) .. "]" .. forms[2]:sub(22))
    server:stop()
    assert.equal(0, status, output)
    assert.equal("control\ttrue\nsent\taccepted\nleft\t0\n", output)
  end)
end)
