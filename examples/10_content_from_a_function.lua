-- An attachment that is made while it is sent: nothing of it is ever held whole. The function is called between two steps of the
-- sending and gives the next piece, nil at the end, or nil and a text to give up (LTN12 sources are such functions).
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

local function rows(n)
  local i = 0
  return function()
    i = i + 1
    if i <= n then return ("%d;%d\r\n"):format(i, i * i) end
  end
end

local client = netmail.SmtpClient{ Host = host, Port = port }
print(assert(client:Send(netmail.MailMessage{
  From = "reports@server.ru",
  To = "petrov@server.ru",
  Subject = "Квадраты",
  Text = "Тысяча строк.",
  Attachments = { netmail.Attachment{ Content = rows(1000), Name = "квадраты.csv" } },
})).Outcome)
