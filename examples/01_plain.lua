-- A message from one address to another, through a server that asks for no password.
-- The settings can be given in the environment, so that you can try it against a server of yours.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

local From_ = netmail.MailAddress.CreateWithName("ivanov@server.ru", "Иван Иванов")
local To_ = netmail.MailAddress.Create("petrov@server.ru")

local Message = netmail.MailMessage.CreateWithFromAndTo(From_, To_)
Message.Subject = "Тестовое письмо"
Message.Body = "Текст письма"

local Client = netmail.SmtpClient.CreateWithHost(host)
Client.Port = port

local result = assert(Client:Send(Message))
print(result.Outcome, result.Code, result.Reply)
