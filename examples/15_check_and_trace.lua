-- The "test" button of a settings page: are server, port, TLS and login right? And what was said, for who has to find out why not.
local netmail = require "netmail"

local client = netmail.SmtpClient{
  Host = os.getenv "SMTP_HOST" or "example.server.ru",
  Port = tonumber(os.getenv "SMTP_PORT" or 587),
  EnableSsl = true,
  CaFile = os.getenv "SMTP_CA",
  UserName = os.getenv "SMTP_USER" or "ivanov",
  Password = os.getenv "SMTP_PASSWORD" or "password",
  MinimumAuth = os.getenv "SMTP_MINIMUM", -- "SCRAM-SHA-256": nothing weaker, whatever the server offers
  Timeout = 10000,
}

local signs = { client = ">", server = "<", event = "*" }
client.OnTrace = function(from, line) print(signs[from], line) end -- no password is in there

local result, err, detail = client:Check()
client:Close()
if result then
  print(("works: %s, login by %s"):format(result.Secure and "TLS" or "no TLS", result.Mechanism or "nobody"))
else
  print(detail.Kind, err) -- connect: host or port; tls: certificate; auth: name or password
end
