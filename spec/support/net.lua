-- What the specs of sending share: a message, a client for a server of spec.support.servers, and what Send gave.

local netmail = require "netmail"
local servers = require "spec.support.servers"

local net = {}

net.ca = servers.certs .. "ca.pem"

--- A small message; fields replace those of it.
function net.message(fields)
  local all = { From = "a@example.test", To = "b@example.test", Subject = "spec", Text = "one\r\n.\r\ntwo" }
  for k, v in pairs(fields or {}) do all[k] = v end
  return netmail.MailMessage(all)
end

--- A client for a port of 127.0.0.1 by its certificate's name. Its patience is for the pauses of a busy machine: where a Timeout is wanted,
--- the spec sets it.
function net.client(port, options)
  local all = { Host = "localhost", Port = port, Timeout = 30000 }
  for k, v in pairs(options or {}) do all[k] = v end
  return netmail.SmtpClient(all)
end

--- The same with TLS: kind is "starttls" or "tls" (from the first byte).
function net.secure(port, kind, options)
  local all = { EnableSsl = true, CaFile = net.ca, ImplicitTls = kind == "tls" or nil }
  for k, v in pairs(options or {}) do all[k] = v end
  return net.client(port, all)
end

--- A port of 127.0.0.1 on which nobody listens, nor will before the socket that comes with it is closed.
function net.closed_port()
  local socket = require "socket".tcp()
  assert(socket:bind("127.0.0.1", 0))
  local _, port = socket:getsockname()
  return tonumber(port), socket
end

--- Calls f with a short time (ms), and with longer ones as long as it returns false: what it has to do beside waiting took longer than
--- that, as it may on a busy machine. What fails at every scale fails. times: others than the usual.
function net.at_some_pace(f, times)
  for _, ms in ipairs(times or { 300, 1500, 6000, 24000 }) do
    if f(ms) then return end
  end
  error("at no pace", 2)
end

--- The lines of an ordinary ESMTP server up to its EHLO reply, as steps of a script server; further capabilities follow.
function net.greet(...)
  local offers = { "mail.example.test", ... }
  local steps = { { send = "220 mail.example.test ESMTP\r\n" }, { expect = "EHLO" } }
  local lines = {}
  for i, offer in ipairs(offers) do lines[i] = "250" .. (i < #offers and "-" or " ") .. offer .. "\r\n" end
  steps[3] = { send = table.concat(lines) }
  return steps
end

--- steps with more steps behind them.
function net.follow(steps, ...)
  for _, step in ipairs{ ... } do steps[#steps + 1] = step end
  return steps
end

--- The commands a client sent, one a line, without what stands between DATA's line and the dot.
function net.commands(raw)
  local out, data = {}, false
  for line in raw:gmatch "(.-)\r\n" do
    if data then
      data = line ~= "."
    else
      out[#out + 1] = line
      data = line == "DATA"
    end
  end
  return out
end

return net
