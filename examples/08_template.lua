-- Templates are not netmail's: string.format, gsub or any template engine make Text and Html. Two rules: what comes from
-- strangers is escaped where it enters HTML, and addresses and header fields are never made by pasting texts together.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

local function escape(text)
  return (tostring(text):gsub("[&<>\"']", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }))
end

-- {{name}} is the value escaped, {{{name}}} the value as it is (for HTML of your own only). A name that has no value is an error.
local function fill(template, values, escaped)
  local function value(name)
    return tostring(values[name] ~= nil and values[name] or error("the template needs " .. name, 0))
  end
  return (template:gsub("{{({?)([%w_]+)}?}}", function(raw, name)
    return raw == "" and escaped and escape(value(name)) or value(name)
  end))
end

local html = [[<h1>Здравствуйте, {{name}}!</h1>
<p>Ваш заказ <b>№{{number}}</b> на сумму {{sum}} принят.</p>{{{footer}}}]]

-- The name was typed in by a stranger: it is text, whatever it looks like.
local order = { name = "Пётр <script>alert('&')</script>", number = 42, sum = ("%.2f ₽"):format(1234.5),
  footer = "<p><i>Магазин</i></p>" }

local message = netmail.MailMessage{
  From = "Магазин <shop@server.ru>",
  -- an address and a name apart: no quoting to get wrong, and nothing in the name can become a recipient
  To = netmail.MailAddress.CreateWithName("petrov@server.ru", order.name),
  Subject = ("Заказ №%d принят"):format(order.number),
  Html = fill(html, order, true),
  TextFromHtml = true, -- the plain-text alternative is made from Html
}

print(message.Html)
local client = netmail.SmtpClient{ Host = host, Port = port }
print(assert(client:Send(message)).Outcome)
