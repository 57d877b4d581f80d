-- memory.lua HOST PORT PATH: sends the file at PATH as an attachment; prints peak resident memory in KB and the seconds.
local netmail = require "netmail"
local process = require "spec.support.process"

local client = netmail.SmtpClient.CreateWithHostAndPort(arg[1], tonumber(arg[2]))
local message = netmail.MailMessage { From = "a@example.test", To = "b@example.test", Subject = "large", Text = "See the file." }
message.Attachments:Add(netmail.Attachment.Create(arg[3]))
local begin = process.now()
assert(client:Send(message))
local seconds = process.now() - begin
client:Close()
print(process.read("/proc/self/status"):match "VmHWM:%s*(%d+)", ("%.1f"):format(seconds))
