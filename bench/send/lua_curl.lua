-- Lua-cURL (the third version: Debian's luacurl, of 2007, knows no mail), one handle: see peer.h. $LUA_CURL is the folder where it is
-- when it is not installed.
local folder = os.getenv "LUA_CURL"
if folder then
  package.path = folder .. "/?.lua;" .. package.path
  package.cpath = folder .. "/?.so;" .. package.cpath
end
local cURL = require "cURL"
local peer = require "bench.send.peer"

local job = peer.job(arg)
local url = ("%s://%s:%d/client.example"):format(job.words.tls and "smtps" or "smtp", job.host, job.port)
local recipients = {}
for i, address in ipairs(job.addresses) do recipients[i] = "<" .. address .. ">" end

local at
local function read(n)
  local piece = job.ready:sub(at, at + n - 1)
  at = at + #piece
  return piece
end

peer.measure(function()
  local handle = cURL.easy {
    url = url, mail_from = "<sender@example.com>", mail_rcpt = recipients, upload = true, nosignal = true,
    forbid_reuse = job.words.new or false, infilesize = #job.ready, readfunction = read,
  }
  if job.words.tls then handle:setopt_cainfo(os.getenv "BENCH_CA") end
  for _ = 1, job.mails do
    at = 1
    handle:perform()
  end
  handle:close()
end)
