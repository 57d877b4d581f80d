--- Where many messages come from: an array, or a function that is called for each. Private; used by `SendMany`.

-- A source that has nothing now is asked again after so many ms, unless it says when.
local ASK_AGAIN = 50

local type = type

local source = {}

local Source = {}
Source.__index = Source

function source.is_callable(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function element(entry)
  if type(entry) == "table" then return entry.Message or entry, entry.Options end
  if entry == false then return entry, entry end -- a hole is no pause
  return entry
end

--- Whether it may be asked.
function Source:is_flowing(time)
  return not self.is_dry and not (self.ask_at and self.ask_at > time)
end

--- The next message and its options; nil: there is none, now or ever. Whatever it calls may yield, and raise.
function source.next(self, now)
  local message, options = self.give()
  if type(message) == "userdata" then
    self.index = self.index + 1
    return message, options
  elseif message == nil then
    self.is_dry = true
  elseif message == false and options ~= false then
    self.ask_at = now() + (type(options) == "number" and options * 1000 or ASK_AGAIN)
  else
    error(("message %d of the source is a %s, no MailMessage"):format(self.index + 1, type(message)), 0)
  end
end

--- How many there are; nil: nobody knows.
function Source:length()
  return self.array and #self.array
end

--- nil: it is neither.
function source.new(given)
  local self = setmetatable({ give = given, array = nil, index = 0, is_dry = false, ask_at = false }, Source)
  if source.is_callable(given) then return self end
  if type(given) ~= "table" then return nil end
  self.array = given
  function self.give()
    return element(given[self.index + 1])
  end
  return self
end

return source
