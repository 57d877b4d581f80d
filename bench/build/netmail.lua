-- Messages built by netmail from Lua: see run.py.
local netmail = require "netmail"

local kind, seconds, folder = arg[1], tonumber(arg[2]), arg[3]

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "*a"
  file:close()
  return bytes
end

local function memory(name)
  return tonumber(contents "/proc/self/status":match(name .. ":%s*(%d+)"))
end

local text, page, octets = contents(folder .. "/text.txt"), contents(folder .. "/page.html"), contents(folder .. "/octets.bin")
local from, to = "Иван Петров <ivan@example.com>", "Мария Сидорова <maria@example.com>"
local subject = "Отчёт за ноябрь: всё готово, посмотрите"

local build = {}

function build.mail()
  return #netmail.MailMessage { From = from, To = to, Subject = subject, Text = text }:ToString()
end

function build.parts()
  local attachments = {}
  for i = 1, 3 do attachments[i] = netmail.Attachment { Content = octets, Name = "octets.bin" } end
  local message = netmail.MailMessage { From = from, To = to, Subject = subject, Text = text, Html = page, Attachments = attachments }
  return #message:ToString()
end

function build.large()
  local attachments = { netmail.Attachment { Path = folder .. "/large.bin" } }
  local message = netmail.MailMessage { From = from, To = to, Subject = subject, Text = text, Attachments = attachments }
  local n = 0
  assert(message:WriteTo(function(piece) n = n + #piece end))
  return n
end

-- A newsletter: a text, a page and a picture of 32 KB in it.
local long_page, picture = page:rep(8), octets:sub(1, 32768)

local function letter(fields)
  fields.From, fields.Subject, fields.Text, fields.Html = from, subject, text, long_page
  fields.LinkedResources = { netmail.Attachment { Content = picture, Name = "p.png", ContentId = "p" } }
  return netmail.MailMessage(fields)
end

function build.letter()
  return #letter({ To = to }):ToString()
end

-- The same two from templates.
local templates

local function template(name)
  templates = templates or {
    mail = assert(netmail.MailMessage({ From = from, Subject = subject, Text = text }):Template()), letter = assert(letter({}):Template()),
  }
  return templates[name]
end

function build.personal_mail()
  return #template "mail":For({ To = to }):ToString()
end

function build.personal_letter()
  return #template "letter":For({ To = to }):ToString()
end

local before, count, sum, one = memory "VmRSS", 0, 0, build[kind]
local begin = os.clock()
local took
repeat
  for _ = 1, (kind == "parts" or kind == "large") and 1 or 100 do
    sum, count = sum + one(), count + 1
  end
  took = os.clock() - begin
until took >= seconds
print(("%d %.0f %.6f %d"):format(count, sum, took, memory "VmHWM" - before))
