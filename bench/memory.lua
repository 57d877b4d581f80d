-- memory.lua HOST PORT PATH [KIND]: sends the file at PATH as an attachment, given as a "path", as an open "file" or by a
-- "function"; prints peak resident memory in KB and the seconds.
local netmail = require "netmail"
local process = require "spec.support.process"

local client = netmail.SmtpClient.CreateWithHostAndPort(arg[1], tonumber(arg[2]))
local message = netmail.MailMessage { From = "a@example.test", To = "b@example.test", Subject = "large", Text = "See the file." }
local path, kind = arg[3], arg[4] or "path"
local file = kind ~= "path" and assert(io.open(path, "rb"))
local content = kind == "file" and file or function() return file:read(65536) end
message.Attachments:Add(kind == "path" and netmail.Attachment.Create(path) or netmail.Attachment { Content = content, Name = "large" })
local begin = process.now()
assert(client:Send(message))
local seconds = process.now() - begin
client:Close()
print(process.read("/proc/self/status"):match "VmHWM:%s*(%d+)", ("%.1f"):format(seconds))
