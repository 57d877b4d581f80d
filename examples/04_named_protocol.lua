-- The protocol is named: only this mechanism may be used, whatever else the server offers. "Kerberos" (GSSAPI) logs in
-- with the ticket that kinit got; the password is not used.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)
local protocol = os.getenv "SMTP_PROTOCOL" or "Kerberos"

local Message = netmail.MailMessage.CreateWithFromAndTo("ivanov@server.ru", "petrov@server.ru")
Message.Subject = "Тестовое письмо"
Message.Body = "Текст письма"

local Client = netmail.SmtpClient.CreateWithHostAndPort(host, port)
Client.EnableSsl = true
Client.CaFile = os.getenv "SMTP_CA"
Client.ThisHostCredentials[protocol] = netmail.NetworkCredential.Create(
  os.getenv "SMTP_USER" or "ivanov",
  os.getenv "SMTP_PASSWORD" or "password",
  "work"
)

local result = assert(Client:Send(Message))
print(result.Outcome, result.Code, result.Reply)
