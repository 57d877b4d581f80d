-- What `make bench` measures, all against one smtp-sink: messages a second on one connection beside Python's EmailMessage and
-- smtplib, in turns, and the peak memory of a send with a large attachment. BENCH_SECONDS a turn, BENCH_MEGABYTES.
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local seconds = tonumber(os.getenv "BENCH_SECONDS" or 5)
local megabytes = tonumber(os.getenv "BENCH_MEGABYTES" or 1024)
local TURNS, BYTES = 3, 2048

local function output_of(command)
  local text, status = process.run(command)
  if status ~= 0 then error(command .. "\n" .. text, 0) end
  return text
end

local function rates(sink)
  local peers = {
    { name = "netmail", command = process.interpreter() .. " bench/send.lua" },
    { name = "Python smtplib", command = "/usr/bin/python3 bench/send.py" },
  }
  for _ = 1, TURNS do
    for _, peer in ipairs(peers) do
      local arguments = (" 127.0.0.1 %d %g %d"):format(sink.port.plain, seconds, BYTES)
      peer.best = math.max(peer.best or 0, tonumber(output_of(peer.command .. arguments)))
    end
  end
  for _, peer in ipairs(peers) do
    print(("%-16s %6d messages of %d bytes a second, best of %d"):format(peer.name, peer.best, BYTES, TURNS))
  end
end

local function memory(sink)
  local path = os.tmpname()
  output_of(("head -c %dM /dev/urandom >%s"):format(megabytes, process.quote(path)))
  local ok, text = pcall(function()
    local lines = {}
    for i, kind in ipairs { "path", "file", "function" } do
      local arguments = (" 127.0.0.1 %d %s %s"):format(sink.port.plain, process.quote(path), kind)
      local peak, took = output_of(process.interpreter() .. " bench/memory.lua" .. arguments):match "^(%d+)%s+(%S+)"
      lines[i] = ("%-16s %6d KB peak memory, sending an attachment of %d MB (%s) in %s s"):format("netmail", peak, megabytes, kind, took)
    end
    return table.concat(lines, "\n")
  end)
  os.remove(path)
  assert(ok, text)
  print(text)
end

local sink = servers.start "sink"
local ok, err = pcall(function()
  rates(sink)
  memory(sink)
end)
sink:stop()
assert(ok, err)
