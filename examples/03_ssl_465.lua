-- Port 465: TLS from the first byte.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 465)

local Message = netmail.MailMessage.CreateWithFromAndTo("ivanov@server.ru", "petrov@server.ru")
Message.Subject = "Тестовое письмо"
Message.Body = "Текст письма"

local Client = netmail.SmtpClient.CreateWithHost(host)
Client.Port = port
Client.EnableSsl = true
if port ~= 465 then
  Client.ImplicitTls = true -- only for a server that has it on another port
end
Client.CaFile = os.getenv "SMTP_CA"
Client.ThisHostCredentials[""] = netmail.NetworkCredential.Create(
  os.getenv "SMTP_USER" or "ivanov",
  os.getenv "SMTP_PASSWORD" or "password"
)

local result = assert(Client:Send(Message))
print(result.Outcome, result.Code, result.Reply)
