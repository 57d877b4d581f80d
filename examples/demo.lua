-- `make demo`: starts a real Postfix on loopback, logs in through STARTTLS, sends a mail in Russian with HTML, a picture
-- and an attachment, and shows what arrived, as Python's mail reader understands it.

local netmail = require "netmail"
local servers = require "spec.support.servers"

local function say(...)
  io.write(("%s\n"):format(string.format(...)))
end

-- A chart as an SVG, so that the demo needs no binary file of its own.
local chart = [[
<svg xmlns="http://www.w3.org/2000/svg" width="120" height="60"><rect x="10" y="30" width="20" height="30" fill="#36c"/>
<rect x="50" y="15" width="20" height="45" fill="#36c"/><rect x="90" y="5" width="20" height="55" fill="#c33"/></svg>
]]
local csv = "месяц;сумма\r\nсентябрь;20\r\nоктябрь;30\r\nноябрь;37\r\n"

say "1. A real mail server (Postfix, on 127.0.0.1 only) starts ..."
local server = servers.start "postfix"
say("   submission on port %d: AUTH only, and only inside TLS", server.port.submission)

say "2. A message is built and sent ..."
local client = netmail.SmtpClient.CreateWithHostAndPort("localhost", server.port.submission)
client.EnableSsl = true
client.CaFile = servers.certs .. "ca.pem"
client.ThisHostCredentials[""] = netmail.NetworkCredential.Create("user@example.test", "secret")

local message = netmail.MailMessage{
  From = "Иван Иванов <ivanov@example.test>",
  To = "Пётр Петров <petrov@example.test>",
  Bcc = "archive@discard.test",
  Subject = "Отчёт за ноябрь: сумма выросла на 23 %, подробности внутри",
  Text = "Здравствуйте!\n\nСумма за ноябрь: 37.\n.\nЭта строка идёт за одинокой точкой.\n",
  Html = '<p>Здравствуйте!</p><p><img src="cid:chart" alt="график"></p><p>Сумма за ноябрь: <b>37</b>.</p>',
  Attachments = {
    netmail.Attachment{ Content = chart, Name = "chart.svg", ContentId = "chart" },
    netmail.Attachment{ Content = csv, Name = "отчёт за ноябрь.csv" },
  },
}
local result, err = client:Send(message)
client:Close()
if not result then
  io.stderr:write("not sent: ", err, "\n")
  os.exit(1)
end
say("   %s: %s %s (queue id %s)", result.Outcome, result.Code, result.Reply, result.QueueId)
for _, r in ipairs(result.Accepted) do
  say("   accepted for %s", r.Address)
end

say "3. This is what arrived:"
local mail = server:take(1)[1]
local read = servers.parse(mail.raw)
server:stop()

say "   ------------------------------------------------------------------"
local shown = { From = true, To = true, Cc = true, Bcc = true, Subject = true, Date = true, ["Message-ID"] = true }
for _, header in ipairs(read.headers) do
  if header.name == "Received" then
    say("   (%s)", header.value:match "using (TLS%S+)" or "no TLS")
  elseif shown[header.name] then
    say("   %s: %s", header.name, header.value)
  end
end
say "   ------------------------------------------------------------------"

local function show(part, depth)
  local indent = ("   "):rep(depth)
  local name = part.filename and (' "' .. part.filename .. '"') or ""
  local size = part.size and (", " .. part.size .. " bytes") or ""
  say("%s%s%s%s%s", indent, part.type, name, size, part.encoding and (", " .. part.encoding) or "")
  if part.text and not part.filename then
    for line in part.text:gmatch "[^\r\n]+" do
      say("%s   | %s", indent, line)
    end
  end
  for _, child in ipairs(part.parts or {}) do
    show(child, depth + 1)
  end
end
show(read.root, 1)
say "   ------------------------------------------------------------------"

-- A demo that shows something else than what was sent must not look like a success.
local related, attached = read.root.parts[1], read.root.parts[2]
local good = attached.filename == "отчёт за ноябрь.csv" and attached.content == csv
  and related.parts[2].content == chart and not mail.raw:find("archive@discard.test", 1, true)
  and related.parts[1].parts[1].text:find "\r?\n%.\r?\nЭта строка"
say("4. %s", good and "Subject, names, texts, picture and attachment are what was sent; the Bcc is not in it."
  or "It is NOT what was sent.")
os.exit(good and 0 or 1)
