-- Sends in every way there is, over whatever net the test has put in place of libcurl. For the tests that let memory fail.

local netmail = require "netmail"

--- What went wrong, as an error: the test knows what it may be.
local function check(result, text)
  if not result then error(text, 0) end
  return result
end

local function message(n)
  return netmail.MailMessage { From = "a@x.org", To = { "b@x.org", "c@x.org" }, Subject = "number " .. n, Text = "text",
    Attachments = n == 2 and { netmail.Attachment { Name = "x", Content = coroutine.wrap(function()
      coroutine.yield "piece"
      return nil
    end) } } or nil }
end

local function tasks(client)
  local all = {}
  for i = 1, 4 do all[i] = client:SendAsync(message(i)) end
  all[4]:Cancel()
  local _, text = all[4]:Result()
  check(text:find "cancelled", text)
  for i = 1, 3 do check(all[i]:Wait(10)) end
end

local function forgotten(client)
  (function() client:SendAsync(message(5)) end)()
  check(client:Send(message(6)))
end

local function many(client)
  local summary = check(client:SendMany({ message(7), message(8) }, { OnResult = function(_, result, text) check(result, text) end }))
  assert(summary.Accepted == 2)
  local task = client:SendManyAsync { message(9) }
  summary = check(task:Wait(10))
  if summary.Accepted ~= 1 then error(summary.Failures[1].Error, 0) end
end

return function()
  local client = netmail.SmtpClient { Host = "mail.example.org", MaxConnections = 2 }
  tasks(client)
  forgotten(client)
  many(client)
  client:Close()
end
