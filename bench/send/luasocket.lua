-- LuaSocket's smtp.send, which opens a connection for each mail: see peer.h.
local ltn12 = require "ltn12"
local mime = require "mime"
local smtp = require "socket.smtp"
local peer = require "bench.send.peer"

local job = peer.job(arg)
local recipients = {}
for i, address in ipairs(job.addresses) do recipients[i] = "<" .. address .. ">" end

local function with_file()
  return smtp.message {
    headers = { from = "Sender <sender@example.com>", to = "Recipient <recipient0@example.com>", subject = "benchmark" },
    body = {
      { body = "See the file.\r\n" },
      {
        headers = { ["content-type"] = "application/octet-stream", ["content-transfer-encoding"] = "BASE64",
          ["content-disposition"] = 'attachment; filename="large.bin"' },
        body = ltn12.source.chain(ltn12.source.file(io.open(os.getenv "BENCH_FILE", "rb")),
          ltn12.filter.chain(mime.encode "base64", mime.wrap())),
      },
    },
  }
end

peer.measure(function()
  for _ = 1, job.mails do
    assert(smtp.send {
      server = job.host, port = job.port, domain = "client.example", from = "<sender@example.com>", rcpt = recipients,
      source = job.words.file and with_file() or ltn12.source.string(job.ready),
    })
  end
end)
