-- netmail, each message built for its send: see peer.h. More words:
--   raw        a message that exists already, by Message:Raw, as the peers are given
--   many       SendMany, on as many connections as there may be; its summary says that all were accepted
--   results    many with a function that is told of each result
--   wide       many with twice the Window
--   template   many with personal mails of a template, which only have a header of their own
--   async      a task for each mail, all open at once
-- Without one, Send, one mail after the other on one connection. `netmail.lua ways` says which of these ways this netmail has.
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

--- A function that makes such a message; what all of them share is made now.
function build.template()
  local template = assert(netmail.MailMessage { From = "Sender <sender@example.com>", Subject = "benchmark", Text = job.text }:Template())
  return function() return template:For { To = job.to } end
end

local function new_client(ca_file)
  local tls = job.words.tls
  return netmail.SmtpClient { Host = job.host, Port = job.port, LocalName = "client.example", EnableSsl = tls or false,
    ImplicitTls = tls, CaFile = tls and (ca_file or os.getenv "BENCH_CA") or nil, MaxConnections = job.connections }
end

-- What was verified by another file is not known of this one: so each client of a fresh connection has a file of its own, and its program
-- might as well be another one.
local cas = {}

local function copy_cas(n)
  local file = assert(io.open(os.getenv "BENCH_CA", "rb"))
  local pem = file:read "*a"
  file:close()
  for i = 1, n do
    cas[i] = os.tmpname()
    file = assert(io.open(cas[i], "wb"))
    file:write(pem)
    file:close()
  end
end

local function remove_cas()
  for _, path in ipairs(cas) do os.remove(path) end
end

local function check(result, err)
  if not result or err then error(err, 0) end
end

-- Each way takes the function that makes a message.
local ways = {}

function ways.send(make)
  local client = new_client(cas[1])
  for i = 1, job.mails do
    if job.words.noop then
      assert(client:Check())
    else
      check(client:Send(make()))
    end
    if job.words.new then client:Close() end
    if job.words.fresh or job.words.client then client = new_client(cas[i + 1]) end
  end
  client:Close()
end

local function send_many(make, on_result, window)
  local left = job.mails
  local client = new_client()
  local summary, warning = client:SendMany(function()
    if left == 0 then return nil end
    left = left - 1
    return make()
  end, { MaxMessagesPerConnection = job.words.new and 1 or nil, OnResult = on_result, Window = window })
  client:Close()
  check(summary, warning)
  assert(summary.Accepted == job.mails, "not all were accepted")
end

function ways.many(make)
  send_many(make)
end

function ways.results(make)
  local accepted = 0
  send_many(make, function(_, result, err)
    check(result, err)
    if result.Outcome == "accepted" then accepted = accepted + 1 end
  end)
  assert(accepted == job.mails, "not all results came")
end

function ways.wide(make)
  send_many(make, nil, 32)
end

function ways.template()
  send_many(build.template())
end

-- So many tasks are open at once at most.
local OPEN = 10000

function ways.async(make)
  local client, tasks = new_client(), {}
  for i = 1, job.mails + OPEN do
    local oldest = tasks[i - OPEN]
    if oldest then check(oldest:Wait()) end
    tasks[i - OPEN] = nil
    if i <= job.mails then tasks[i] = client:SendAsync(make()) end
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
if job.words.fresh then copy_cas(job.mails) end
local ended, reason = pcall(peer.measure, function() ways[way](make) end)
remove_cas()
if not ended then error(reason, 0) end
