-- The same with a user name and a password. The password is not sent in clear: the client asks for STARTTLS and
-- verifies the server's certificate first.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

local Message = netmail.MailMessage.CreateWithFromAndTo("ivanov@server.ru", "petrov@server.ru")
Message.Subject = "Тестовое письмо"
Message.Body = "Текст письма"

local Client = netmail.SmtpClient.CreateWithHostAndPort(host, port)
Client.EnableSsl = true -- any port but 465: STARTTLS, required
Client.CaFile = os.getenv "SMTP_CA" -- nil: the system's certificate authorities
Client.ThisHostCredentials[""] = netmail.NetworkCredential.Create(
  os.getenv "SMTP_USER" or "ivanov",
  os.getenv "SMTP_PASSWORD" or "password",
  "work"
)

local result = assert(Client:Send(Message))
print(result.Outcome, result.Code, result.Reply)
