-- What to do with a message that exists: look into it, forward it whole, change it, or hand it on as it is.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

local eml = table.concat({
  "From: =?koi8-r?B?6dfBzs/X?= <ivanov@server.ru>", "To: petrov@server.ru", "Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=",
  "Date: Sun, 22 Nov 2026 10:00:00 +0300", "Message-ID: <1@server.ru>", "Content-Type: text/plain; charset=koi8-r",
  "Content-Transfer-Encoding: base64", "", "8NLJ18XU", "",
}, "\r\n")

local original = assert(netmail.MailMessage.TryParse(eml))
print(original.Subject, original.From, original.Text)

local client = netmail.SmtpClient{ Host = host, Port = port }

-- Forwarded within a message of your own:
assert(client:Send(netmail.MailMessage{
  From = "petrov@server.ru", To = "sidorov@server.ru", Subject = "Fwd: " .. original.Subject, Text = "Смотри.",
  Attachments = { netmail.Part{ Message = original } },
}))

-- Handed on octet by octet, so that its signatures stay good, with a word about who did that:
local again = assert(netmail.MailMessage():Raw(eml))
again:Resend{ From = "petrov@server.ru", To = "sidorov@server.ru" }
print(assert(client:Send(again)).Outcome)
client:Close()
