-- The same letter to many people, to each with an address, a subject and a link of his own. The body is written once; each mail costs
-- its header.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

local template = assert(netmail.MailMessage{
  From = "Магазин <shop@server.ru>",
  Html = "<h1>Скидки!</h1><p>Всю неделю, во всех магазинах.</p>",
  TextFromHtml = true,
  Attachments = { netmail.Attachment{ Content = "1;2\r\n", Name = "цены.csv" } },
  Headers = { ["List-ID"] = "Новости <news.server.ru>", Precedence = "bulk" },
}:Template())

local people = {
  { Name = "Пётр Петров", Address = "petrov@server.ru", Token = "a1" },
  { Name = "Никто", Address = "no address", Token = "b2" },
  { Name = "Иван Сидоров", Address = "sidorov@server.ru", Token = "c3" },
}

local client = netmail.SmtpClient{ Host = host, Port = port }
for _, person in ipairs(people) do
  -- TryFor, not For: what strangers have typed in must not end the loop
  local mail, err = template:TryFor{
    To = person.Address,
    Subject = person.Name .. ", для вас",
    ListUnsubscribe = "<https://server.ru/unsubscribe?" .. person.Token .. ">",
    ListUnsubscribeOneClick = true,
  }
  local result
  if mail then result, err = client:Send(mail) end
  print(person.Address, result and result.Outcome or err)
end
