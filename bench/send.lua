-- send.lua HOST PORT SECONDS BYTES: messages a second over one connection, each built anew. Prints the rate.
local netmail = require "netmail"
local process = require "spec.support.process"

local host, port, seconds, bytes = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])
local line = ("Съешь ещё этих мягких французских булок. "):rep(2):sub(1, 70):gsub("[\128-\255]+$", "") .. "\n"
local text = line:rep(math.ceil(bytes / #line)):sub(1, bytes):gsub("[\128-\255]+$", "")

local client = netmail.SmtpClient.CreateWithHostAndPort(host, port)
local function send(i)
  local message = netmail.MailMessage {
    From = "Иван <ivanov@example.test>", To = "petrov@example.test", Subject = "Отчёт " .. i, Text = text,
  }
  assert(client:Send(message))
end

send(0)
local count, begin = 0, process.now()
repeat
  count = count + 1
  send(count)
until process.now() - begin >= seconds
print(("%.0f"):format(count / (process.now() - begin)))
client:Close()
