--- What has become of many messages, in numbers. Private; used by `SendMany`.

local tally = {}

-- Failures that are kept where no function is told of them: enough to see what is wrong, and no memory of a million.
local FAILURES_MAX = 100

local names = { accepted = "Accepted", partial = "Partial", rejected = "Rejected", not_sent = "NotSent", unknown = "Unknown" }

local Tally = {}
Tally.__index = Tally

--- A message is over. Of those that are accepted `counts` may be told by itself: there are many.
function Tally:count(result, text, detail)
  local outcome = (result or detail).Outcome
  self.counts[outcome] = self.counts[outcome] + 1
  if text and not self.first then self.first = text end
end

--- It was not accepted by all, and nobody was told.
function Tally:keep(index, message, result, text, detail)
  local n = #self.failures
  if n < FAILURES_MAX then
    self.failures[n + 1] = { Index = index, Message = message, Error = text, Result = result, Detail = detail }
  end
end

local function numbers(self, now)
  local t, total = {}, 0
  for outcome, name in pairs(names) do
    t[name] = self.counts[outcome]
    total = total + t[name]
  end
  t.Retries, t.Seconds = self.n_retries, (now - self.begin) / 1000
  return t, total
end

local words = {
  { "partial", "partly accepted" }, { "rejected", "rejected" }, { "not_sent", "not sent" }, { "unknown", "of unknown outcome" },
}

local function warning(self, total)
  local list = {}
  for _, word in ipairs(words) do
    local n = self.counts[word[1]]
    if n > 0 then list[#list + 1] = n .. " " .. word[2] end
  end
  if #list == 0 then return nil end
  return ("of %d messages %s; first: %s"):format(total, table.concat(list, ", "), self.first)
end

--- How it ended, and a sentence when not all of it went well.
-- @tparam ?string stopped why not all of the source was sent
function Tally:summary(now, stopped)
  local t, total = numbers(self, now)
  t.Total, t.Stopped, t.Failures = total, stopped, self.failures
  local text = warning(self, total)
  if stopped then text = "stopped: " .. stopped .. (text and " (" .. text .. ")" or "") end
  return t, text
end

--- How it goes.
-- @tparam ?int of how many there are
function Tally:progress(now, of, n_waiting, n_in_flight)
  local t, total = numbers(self, now)
  t.Done, t.Total, t.Waiting, t.InFlight = total, of, n_waiting, n_in_flight
  t.PerSecond = t.Seconds > 0 and t.Done / t.Seconds or 0
  return t
end

local meta = { __tostring = function(detail) return detail.Message end }

--- The detail of what was cancelled.
function tally.cancelled(why, summary)
  return setmetatable({ Kind = "cancelled", Message = why, Summary = summary }, meta)
end

function tally.new(now)
  return setmetatable({
    begin = now, n_retries = 0, failures = {},
    counts = { accepted = 0, partial = 0, rejected = 0, not_sent = 0, unknown = 0 },
  }, Tally)
end

return tally
