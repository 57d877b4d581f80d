-- The peak memory of a send with a large attachment, given in three ways, to smtp-sink. BENCH_MEGABYTES.
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local megabytes = tonumber(os.getenv "BENCH_MEGABYTES" or 1024)

local function output_of(command)
  local text, status = process.run(command)
  if status ~= 0 then error(command .. "\n" .. text, 0) end
  return text
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
local ok, err = pcall(memory, sink)
sink:stop()
assert(ok, err)
