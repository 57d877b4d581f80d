-- HTML whose pictures are files or data: URIs, a text made from it, and a body nested by hand.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)
local folder = os.getenv "PICTURES" or "templates"

local message = netmail.MailMessage{
  From = "shop@server.ru",
  To = "petrov@server.ru",
  Subject = "Каталог",
  Html = [[<h1>Каталог</h1><p>Новинки: <a href="https://shop.example/new">все</a></p><img src="logo.gif" alt="логотип">
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">]],
  TextFromHtml = true,
}
-- The pictures become parts of the message. Only files below the folder are read, nothing is fetched.
print("pictures", assert(message:EmbedImages(folder)))
print(netmail.HtmlToText(message.Html))

-- A tree of your own: parts to be shown side by side (multipart/parallel), each with its own charset and language.
local Part = netmail.Part
local nested = netmail.MailMessage{
  From = "shop@server.ru",
  To = "petrov@server.ru",
  Subject = "На двух языках",
  RootPart = Part{
    Multipart = "parallel",
    Parts = {
      Part{ Text = "Привет", Charset = "koi8-r", ContentLanguage = "ru", ContentType = "text/plain; format=flowed" },
      Part{ Text = "Hello", ContentLanguage = "en", ContentDescription = "in English" },
    },
  },
}

local client = netmail.SmtpClient{ Host = host, Port = port }
print(assert(client:Send(message)).Outcome)
print(assert(client:Send(nested)).Outcome)
client:Close()
