-- Header fields of a newsletter: one-click unsubscribe, a thread, any field of your own.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

local message = netmail.MailMessage{
  From = "Новости <news@shop.example>",
  To = "petrov@server.ru",
  Subject = "Новости недели",
  Text = "Скидки на всё.",
  ListUnsubscribe = { "https://shop.example/unsubscribe/123", "mailto:unsubscribe@shop.example" },
  ListUnsubscribeOneClick = true, -- counts for readers only in a message with a DKIM signature
  InReplyTo = "<week-46@shop.example>",
  References = { "<week-45@shop.example>", "<week-46@shop.example>" },
  Keywords = { "новости", "скидки" },
  AutoSubmitted = "auto-generated",
}
message.Headers:Add("X-Campaign", "осень"):Set("List-ID", "Новости <news.shop.example>")

for name, value in message.Headers:Iter() do
  print(name, value)
end

local client = netmail.SmtpClient{ Host = host, Port = port }
print(assert(client:Send(message)).Outcome)
