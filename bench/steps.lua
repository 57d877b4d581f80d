-- steps.lua: how long the longest steps of a task take that is asked for one millisecond at a time: on a connection to a server that the
-- program does not know yet, on a new one to a server that it knows, and on one that is there; the servers are netmail.testing's, in
-- threads of this process. Medians of 15 tasks, as a table in Markdown.
local netmail = require "netmail"
local testing = require "netmail.testing"
local process = require "spec.support.process"

local BUDGET, ROUNDS, PAUSE = 1, 15, 0.0003

local function letter()
  return netmail.MailMessage { From = "a@example.test", To = "b@example.test", Subject = "steps", Text = ("hello\n"):rep(300) }
end

--- The milliseconds of each step of a task of client's, longest first.
local function steps(client)
  local task, found = client:SendAsync(letter()), {}
  repeat
    process.sleep(PAUSE) -- as a program does that has something else to do
    local begin = process.now()
    local is_over = task:Step(BUDGET)
    found[#found + 1] = (process.now() - begin) * 1000
  until is_over
  table.sort(found, function(a, b) return a > b end)
  return found, task:Result()
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

local function row(what, measure, rounds)
  local longest, second = {}, {}
  for i = 1, rounds or ROUNDS do
    local found = measure()
    longest[i], second[i] = found[1], found[2] or 0
  end
  print(("| %s | %.2f | %.2f |"):format(what, median(longest), median(second)))
end

--- The steps on a new connection of that client.
local function dial(client)
  local found, result, err = steps(client)
  client:Close()
  return found, result, err
end

--- The same where it has to come to something.
local function dial_well(server)
  local found, result, err = dial(server:Client {})
  assert(result, err)
  return found
end

local said = { none = "plain", starttls = "STARTTLS", implicit = "implicit TLS" }

print "| a task of one mail | longest step, ms | next |"
print "| --- | --: | --: |"
for _, tls in ipairs { "none", "starttls", "implicit" } do
  row(("the first connection, %s"):format(said[tls]), function()
    local server = testing.Server { Tls = tls }
    local found = dial_well(server)
    server:Stop()
    return found
  end)
  local server = testing.Server { Tls = tls }
  if tls == "implicit" then
    row("the same, with the system's CA certificates, which do not know the server; once", function()
      return (dial(netmail.SmtpClient { Host = "localhost", Port = server.Port, EnableSsl = true, ImplicitTls = true }))
    end, 1)
  end
  dial_well(server)
  row(("a later one, %s"):format(said[tls]), function() return dial_well(server) end)
  local client = server:Client {}
  assert(client:Send(letter()))
  row(("a connection that is there, %s"):format(said[tls]), function() return (steps(client)) end)
  client:Close()
  server:Stop()
end
