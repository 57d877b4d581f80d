-- What the specs need of the system, on every interpreter: time, files, Lua literals, and commands run apart.

local lfs = require "lfs"
local system = require "system"

local process = {}

process.unpack = rawget(_G, "unpack") or rawget(table, "unpack")

process.root = assert(lfs.currentdir())
process.python = "/usr/bin/python3 -B " .. process.root .. "/spec/support/py/"

process.now = system.monotime -- nobody sets that clock
process.sleep = system.sleep

function process.quote(s)
  return "'" .. tostring(s):gsub("'", "'\\''") .. "'"
end

function process.exists(path)
  return lfs.attributes(path, "mode") ~= nil
end

function process.read(path)
  local f = assert(io.open(path, "rb"))
  local s = f:read("*a")
  f:close()
  return s
end

function process.write(path, s)
  local f = assert(io.open(path, "wb"))
  assert(f:write(s))
  f:close()
end

--- The table in a file or string that luatable.py wrote.
function process.load(chunk)
  local f = assert((rawget(_G, "loadstring") or load)(chunk, "=literal"))
  return f()
end

--- Calls condition until it returns something true, which is returned; nil after so many seconds, when it was asked once more behind
-- them: who was not let run until then has seen nothing yet.
function process.wait(seconds, condition)
  local finish = process.now() + seconds
  while true do
    local is_last = process.now() > finish
    local got = condition()
    if got or is_last then return got or nil end
    process.sleep(0.01)
  end
end

--- Runs a shell command; its standard output and error in one string, and its exit status (128 + N for a signal).
function process.run(command)
  local f = assert(io.popen("{ " .. command .. "\n} 2>&1; echo \"=$?\"", "r"))
  local output = f:read("*a")
  f:close()
  local text, status = output:match("^(.*)=(%d+)\n$")
  -- Whoever writes behind the status is a process that outlives the command.
  if not text then error("unexpected output of " .. command .. ":\n" .. output, 2) end
  return text, tonumber(status)
end

--- Runs a Lua program (source text) with the interpreter and the modules under test; as `run`.
function process.lua(source, ...)
  return process.apart(source, "", ...)
end

--- The same, started by the words of a shell command that runs its further words.
function process.apart(source, command, ...)
  local path = os.tmpname()
  process.write(path, source)
  local words = { command, process.quote(process.interpreter()), process.quote(path) }
  for i = 1, select("#", ...) do words[#words + 1] = process.quote((select(i, ...))) end
  local text, status = process.run(table.concat(words, " "))
  os.remove(path)
  return text, status
end

--- "lua5.1" … "luajit": what the specs run on.
function process.interpreter()
  return os.getenv "NETMAIL_LUA" or arg and arg[-1] or "lua"
end

return process
