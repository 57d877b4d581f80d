-- Servers for the specs, each on 127.0.0.1 and free ports, run by py/serve.py (what they offer is written at the top of
-- py/postfix.py, exim.py, dovecot.py, krb5.py, aio.py, recorder.py, sink.py, script.py). A server ends with this process,
-- however it ends. What is waited for here is on its way, so the waits are as long as the slowest machine needs.
--
--   local postfix = servers.shared "postfix"         -- one a run, started at first use
--   local s = servers.start("aio", { cert = "expired" }) … s:stop()
--   local s = servers.script{ { send = "220 x\r\n" }, { expect = "EHLO" }, { drop = true } }
--   s.port.plain … s:take(1)[1].raw … s:received(1)

local lfs = require "lfs"
local process = require "spec.support.process"

local servers = {}
servers.certs = process.root .. "/build/certs/"

local Server = {}
Server.__index = Server

--- kind: the name of a file in py/. Raises when it does not start.
function servers.start(kind, options)
  local ready = os.tmpname()
  os.remove(ready)
  local words = { "exec", process.python .. "serve.py", kind, process.quote(ready) }
  for name, value in pairs(options or {}) do words[#words + 1] = process.quote(name .. "=" .. value) end
  -- Our end of its standard input: when it is closed, by us or by the end of this process, the server stops.
  local pipe = assert(io.popen(table.concat(words, " "), "w"))
  local up = process.wait(120, function() return process.exists(ready) end)
  local facts = up and process.load(process.read(ready)) or { error = "no sign of life in two minutes" }
  os.remove(ready)
  if facts.error then
    pipe:close()
    error(kind .. ": " .. facts.error, 2)
  end
  facts.pipe = pipe
  facts.kind = kind
  facts.seen = {}
  return setmetatable(facts, Server)
end

local running = {}

--- The one server of this kind that all specs of this run share.
function servers.shared(kind)
  if not running[kind] then running[kind] = servers.start(kind) end
  return running[kind]
end

--- A server that plays a list of steps, or several for one connection after another:
-- servers.script({ steps… }, { tls = "implicit", cert = "good" }), servers.script({ { steps… }, { steps… } }). A step is a
-- table with one verb of py/script.py: { send = "220 x\r\n" }, { sleep = 0.1 }, { drop = true }.
function servers.script(dialogues, options)
  if not (dialogues[1] and dialogues[1][1]) then dialogues = { dialogues } end
  local lines = {}
  for i, steps in ipairs(dialogues) do
    if i > 1 then lines[#lines + 1] = "connection" end
    for _, step in ipairs(steps) do
      local verb, argument = next(step)
      argument = argument == true and "" or tostring(argument)
      lines[#lines + 1] = verb .. " " .. argument:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
    end
  end
  local path = os.tmpname()
  process.write(path, table.concat(lines, "\n") .. "\n")
  local all = { dialogues = path }
  for k, v in pairs(options or {}) do all[k] = v end
  local ok, server = pcall(servers.start, "script", all)
  os.remove(path)
  if not ok then error(server, 2) end
  return server
end

--- Ends the server and waits until nothing of it is left. Twice is fine.
function Server:stop()
  if self.pipe then self.pipe:close() end
  self.pipe = nil
  if running[self.kind] == self then running[self.kind] = nil end
end

-- In a Maildir all files are mails; of those that keep.py writes one is the mail, the other its envelope.
local function new_mails(server, folder)
  local names = {}
  if not process.exists(folder) then return names end
  local pattern = folder:find "/new$" and "^%d" or "%.eml$"
  for name in lfs.dir(folder) do
    if name:match(pattern) and not server.seen[folder .. "/" .. name] then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- The next n mails that arrived, oldest first: each has raw, path and, where it was kept by keep.py, the envelope (from, to,
-- from_options, to_options, helo and what else that server knows). place: "mail", or another folder that the server names. Raises
-- when they do not come in time, or more came than were asked for.
function Server:take(n, seconds, place)
  local folder = self[place or "mail"]
  local names
  process.wait(seconds or 60, function()
    names = new_mails(self, folder)
    return #names >= n
  end)
  if #names ~= n then error(("%d mails arrived, %d expected"):format(#names, n), 2) end
  local mails = {}
  for i, name in ipairs(names) do
    local path = folder .. "/" .. name
    self.seen[path] = true
    local envelope = path:gsub("%.eml$", ".lua")
    local mail = envelope ~= path and process.load(process.read(envelope)) or {}
    mail.path = path
    mail.raw = process.read(path)
    mails[i] = mail
  end
  return mails
end

--- What the server's log says next that matches, from where the last call found something: the captures, or all of it.
-- Raises when that does not come in time.
function Server:logged(pattern, seconds)
  local found, text
  process.wait(seconds or 30, function()
    text = process.exists(self.log) and process.read(self.log) or ""
    found = { text:find(pattern, self.read_to or 1) }
    return found[1]
  end)
  if not found[1] then error(("no %q in the log:\n%s"):format(pattern, text:sub(self.read_to or 1)), 2) end
  self.read_to = found[2] + 1
  if #found == 2 then return text:sub(found[1], found[2]) end
  return process.unpack(found, 3)
end

--- What the log has said since the last call of this or of logged.
function Server:news()
  local text = process.exists(self.log) and process.read(self.log) or ""
  local from = self.read_to or 1
  self.read_to = #text + 1
  return text:sub(from)
end

--- Of a script server: all bytes that the client sent on its n-th connection, once that connection is over.
function Server:received(n, seconds)
  local base = ("%s/conn-%d"):format(self.dir, n or 1)
  local over = process.wait(seconds or 30, function()
    return process.exists(base .. ".log") and process.read(base .. ".log"):find("over\n", 1, true)
  end)
  if not over then error(("connection %d did not come or did not end"):format(n or 1), 2) end
  return process.read(base .. ".raw")
end

--- Of a script server: what happened on its n-th connection, a line each ("unexpected …", "closed", "tls TLSv1.3").
function Server:events(n)
  local path = ("%s/conn-%d.log"):format(self.dir, n or 1)
  return process.exists(path) and process.read(path) or ""
end

--- A message (its text) as Python's email package reads it: see py/parse.py.
function servers.parse(raw)
  local path = os.tmpname()
  process.write(path, raw)
  local text, status = process.run(process.python .. "parse.py " .. process.quote(path))
  os.remove(path)
  if status ~= 0 then error(text, 2) end
  return process.load(text)
end

return servers
