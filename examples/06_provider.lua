-- A mail provider by its name; host, port and TLS come with it.
--   USER_NAME=me@yandex.ru APP_PASSWORD=… TO=friend@example.org lua examples/06_provider.lua
local netmail = require "netmail"

local user = assert(os.getenv "USER_NAME", "set USER_NAME to your address at a known provider")
local provider, name = netmail.providers.ForAddress(user)
if not provider then
  error("no preset serves " .. user)
end
print(name, provider.Host, provider.Port, provider.Note)

local client = provider{ UserName = user, Password = assert(os.getenv "APP_PASSWORD", "set APP_PASSWORD") }
print(assert(client:Send(netmail.MailMessage{
  From = user,
  To = assert(os.getenv "TO", "set TO to the recipient"),
  Subject = "Hello",
  Text = "Sent with netmail.",
})).Outcome)
