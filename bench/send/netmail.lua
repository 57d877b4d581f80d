-- netmail, each message built for its send: see peer.h. More words:
--   raw     a message that exists already, by Message:Raw, as the peers are given
-- `netmail.lua ways` says in which ways it can send: blocking, on one connection.
local netmail = require "netmail"
require "netmail.net" -- else it is loaded by the first send; the peers' libraries are all there when their clocks start
local peer = require "bench.send.peer"

local job
local build = {}

function build.mail()
  return netmail.MailMessage { From = "Sender <sender@example.com>", To = job.to, Subject = "benchmark", Text = job.text }
end

function build.raw()
  return netmail.MailMessage { From = "sender@example.com", To = job.to }:Raw(job.ready)
end

function build.file()
  local message = build.mail()
  message.Text = "See the file."
  message.Attachments:Add(netmail.Attachment.Create(os.getenv "BENCH_FILE"))
  return message
end

local function new_client()
  return netmail.SmtpClient { Host = job.host, Port = job.port, LocalName = "client.example", EnableSsl = job.words.tls or false,
    ImplicitTls = job.words.tls, CaFile = job.words.tls and os.getenv "BENCH_CA" or nil }
end

-- Each way takes the function that makes a message.
local ways = {}

function ways.send(make)
  local client = new_client()
  for _ = 1, job.mails do
    if job.words.noop then
      assert(client:Check())
    else
      local result, err = client:Send(make())
      if not result or err then error(err, 0) end
    end
    if job.words.new then client:Close() end
    if job.words.fresh then client = new_client() end
  end
  client:Close()
end

if arg[1] == "ways" then
  for name in pairs(ways) do print(name) end
  return
end

job = peer.job(arg)
job.to = table.concat(job.addresses, ", ")
job.text = peer.text(job.text_size, "\n")
local make = job.words.file and build.file or job.words.raw and build.raw or build.mail
local way = "send"
for name in pairs(ways) do way = job.words[name] and name or way end
peer.measure(function() ways[way](make) end)
