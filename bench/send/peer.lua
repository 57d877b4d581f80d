-- What the programs in Lua have in common: see peer.h. They run from the root of the repository.
local peer = {}

local header = "From: Sender <sender@example.com>\r\nTo: Recipient <recipient0@example.com>\r\nSubject: benchmark\r\n" ..
  "Date: Fri, 21 Nov 2025 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n" ..
  "Content-Type: text/plain; charset=utf-8\r\n\r\n"
local letters = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):rep(3):sub(1, 76)

-- Lines of letters, one with a dot in front, of about this size; at least one line.
function peer.text(size, newline)
  local line = letters .. newline
  local count = math.max(1, math.floor(size / #line))
  return line .. (count > 1 and "." .. line:sub(2) .. line:rep(count - 2) or "")
end

function peer.job(arg)
  local job = { host = arg[1], port = tonumber(arg[2]), mails = tonumber(arg[3]), size = tonumber(arg[4]),
    recipients = tonumber(arg[5]), connections = tonumber(arg[6]), words = {}, addresses = {} }
  for i = 7, #arg do job.words[arg[i]] = true end
  for i = 1, job.recipients do job.addresses[i] = ("recipient%d@example.com"):format(i - 1) end
  job.text_size = math.max(0, job.size - #header)
  job.ready = header .. peer.text(job.text_size, "\r\n")
  return job
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

-- The only clock of Lua's that is not of the processor has seconds; the kernel's has hundredths, LuaSocket microseconds.
function peer.now()
  return require "socket".gettime()
end

function peer.measure(work)
  local begin, used = peer.now(), os.clock()
  work()
  local seconds = peer.now() - begin
  used = os.clock() - used
  io.stdout:write(("%.6f %.6f %s\n"):format(seconds, used, contents "/proc/self/status":match "VmHWM:%s*(%d+)"))
end

return peer
