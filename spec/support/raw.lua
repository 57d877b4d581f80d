-- A client for specs that says what no client should: octets over a bare socket.
--
--   local c = raw.connect(server); c:reply() … c:say "EHLO a" … c:send "octets" … c:rest()

local socket = require "socket"

local raw = {}

local Raw = {}
Raw.__index = Raw

--- Connected to Host and Port of server; nothing has been read.
function raw.connect(server, seconds)
  local s = assert(socket.connect(server.Host, server.Port))
  s:settimeout(seconds or 30)
  return setmetatable({ socket = s }, Raw)
end

--- Connected, the greeting read and EHLO (or another verb) said: the client and the reply to it.
function raw.greet(server, verb)
  local c = raw.connect(server)
  local greeting = c:reply()
  return c, c:say((verb or "EHLO") .. " client.example.test"), greeting
end

function Raw:send(octets)
  return assert(self.socket:send(octets))
end

--- One reply, its lines joined by "\n"; nil and why ("closed", "timeout").
function Raw:reply()
  local lines = {}
  repeat
    local line, err = self.socket:receive "*l"
    if not line then return nil, err end
    lines[#lines + 1] = line
  until not line:find "^%d%d%d%-"
  return table.concat(lines, "\n")
end

--- Says a line and returns the reply.
function Raw:say(line)
  self:send(line .. "\r\n")
  return self:reply()
end

--- n octets.
function Raw:octets(n)
  return self.socket:receive(n)
end

--- All octets to the end of the line, and how it ended: "closed", "timeout", "reset"…
function Raw:rest(seconds)
  if seconds then self.socket:settimeout(seconds) end
  local all, err, some = self.socket:receive "*a"
  return all or some, all and "closed" or err
end

function Raw:close()
  self.socket:close()
end

--- Says each line and returns the codes of the replies, with spaces between.
function Raw:codes(...)
  local codes = {}
  for i, line in ipairs{ ... } do
    local reply = self:say(line)
    codes[i] = reply and reply:match "%d+" or "none"
  end
  return table.concat(codes, " ")
end

return raw
