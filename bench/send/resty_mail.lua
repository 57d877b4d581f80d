-- lua-resty-mail, which opens a connection for each mail: see peer.h. nginx runs this at its start (resty_mail.sh), and ends with it.
local ffi = require "ffi"
local found, mail = pcall(require, "resty.mail")
if not found then
  io.stderr:write(mail, "\n")
  os.exit(1)
end
local peer = require "bench.send.peer"

ffi.cdef "struct bench_time { long seconds, nanoseconds; }; int clock_gettime(int id, struct bench_time *time);"

function peer.now()
  local time = ffi.new "struct bench_time"
  ffi.C.clock_gettime(1, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

local words = {}
for word in os.getenv "BENCH_JOB":gmatch "%S+" do words[#words + 1] = word end
local job = peer.job(words)

local function message()
  local made = { from = "Sender <sender@example.com>", to = job.addresses, subject = "benchmark", text = job.text }
  if job.words.file then
    local file = assert(io.open(os.getenv "BENCH_FILE", "rb"))
    made.text = "See the file."
    made.attachments = { { filename = "large.bin", content_type = "application/octet-stream", content = file:read "*a" } }
    file:close()
  end
  return made
end

local function send(count)
  -- nginx compares names only, no addresses.
  local mailer = assert(mail.new { host = job.host, port = job.port, domain = "client.example", ssl = job.words.tls, ssl_verify = true,
    ssl_host = "localhost" })
  for _ = 1, count do assert(mailer:send(message())) end
end

local function run()
  local threads = {}
  for i = 1, job.connections do
    local share = math.floor(job.mails / job.connections) + (i <= job.mails % job.connections and 1 or 0)
    threads[i] = ngx.thread.spawn(send, share)
  end
  for i = 1, job.connections do
    local ok, err = ngx.thread.wait(threads[i])
    if not ok then error(err) end
  end
end

job.text = peer.text(job.text_size, "\r\n")
assert(ngx.timer.at(0, function()
  local ok, err = pcall(peer.measure, run)
  if not ok then io.stderr:write(tostring(err), "\n") end
  io.stdout:flush()
  os.exit(ok and 0 or 1)
end))
