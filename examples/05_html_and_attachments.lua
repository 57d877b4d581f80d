-- Text and HTML, a picture inside the HTML, an attachment; and all that a program can learn from Send.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

-- A picture of one red pixel; yours comes from a file: netmail.Attachment{ Path = "chart.png", ContentId = "chart" }
local gif = "GIF89a\1\0\1\0\128\0\0\255\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"

local client = netmail.SmtpClient{ Host = host, Port = port }
local result, err, detail = client:Send(netmail.MailMessage{
  From = "Отдел отчётов <reports@server.ru>",
  To = { "Петров <petrov@server.ru>", "sidorov@server.ru" },
  ReplyTo = "help@server.ru",
  Subject = "Отчёт за ноябрь",
  Text = "Таблица приложена.",
  Html = '<p>Таблица приложена. <img src="cid:chart" alt="график"></p>',
  Priority = netmail.MailPriority.High,
  Attachments = {
    netmail.Attachment{ Content = gif, Name = "график.gif", ContentId = "chart" },
    netmail.Attachment{ Content = "месяц;сумма\r\nноябрь;42\r\n", Name = "отчёт.csv" },
  },
})

if not result then
  print("not sent:", err)
  print("may be sent again:", detail.Outcome == "not_sent", "later:", detail.Temporary)
  os.exit(1)
end
print(result.Outcome, result.QueueId, result.MessageId)
for _, r in ipairs(result.Accepted) do
  print("accepted", r.Address)
end
for _, r in ipairs(result.Rejected) do
  print("rejected", r.Address, r.Code, r.Reply)
end
