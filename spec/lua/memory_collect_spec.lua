-- Objects and the collector: nothing is lost, nothing is freed that is still in use, and no object is two at a time.

local netmail = require "netmail"
local process = require "spec.support.process"

local function collect()
  collectgarbage()
  collectgarbage()
end

-- A program of its own must end well and say only what it should.
local function runs(source, expected)
  local text, status = process.lua(source)
  assert.equal(expected or "", text)
  assert.equal(0, status)
end

describe("a dropped object", function()
  it("gives its memory back, a hundred thousand times over", function()
    local text, status = process.lua [[
      local netmail = require "netmail"
      local function resident()
        for line in io.lines "/proc/self/status" do
          local kb = line:match "^VmRSS:%s*(%d+) kB"
          if kb then return tonumber(kb) end
        end
      end
      local body = ("x"):rep(1000)
      local makers = {
        function(i) return netmail.MailAddress.Create("Name <user" .. i .. "@x.org>") end,
        function() return netmail.MailMessage { From = "a@x.org", To = "b@x.org, c@x.org", Subject = "s", Text = body } end,
        function() return netmail.Attachment { Content = body, Name = "a.txt", ContentId = "c" } end,
        function() return netmail.NetworkCredential.Create("user", body, "domain") end,
        function() return netmail.CredentialCache.Create():Add("h", 25, "", netmail.NetworkCredential.Create("u", body)) end,
        function() return netmail.SmtpClient { Host = "h.example", UserName = "u", Password = body }.ThisHostCredentials end,
        function() return netmail.MailMessage { From = "a@x.org", To = "b@x.org", Text = body }:ToString() end,
        function() return pcall(netmail.MailMessage, { From = "a@x.org", Text = body, Subject = "\n" }) end,
        function() return netmail.MailAddress.TryParse(body .. "@") end,
      }
      for k, make in ipairs(makers) do
        local function round()
          for i = 1, 50000 do
            make(i)
            if i % 1000 == 0 then collectgarbage() end -- else the allocator's peak depends on the collector's mood
          end
          collectgarbage() collectgarbage()
          return resident()
        end
        local before = round()
        round()
        local grown = round() - before
        if grown > 1024 then print(("maker %d leaves %d kB"):format(k, grown)) end
      end
    ]]
    assert.equal("", text)
    assert.equal(0, status)
  end)

  it("takes nothing along that another one holds", function()
    local function other_message()
      local m = netmail.MailMessage { From = "A <a@x.org>", To = "B <b@x.org>" }
      local other = netmail.MailMessage {}
      other.To:Add(m.From)
      other.From = m.To[1]
      other.CC = m.To
      other.Attachments:Add(netmail.Attachment { Content = "shared", Name = "s" })
      m.Attachments = other.Attachments
      return other
    end
    local function its_attachment()
      local other = other_message()
      collect()
      assert.equal("A", other.To[1].DisplayName)
      assert.equal("B", other.From.DisplayName)
      assert.equal("B", other.CC[1].DisplayName)
      return other.Attachments[1]
    end
    local attachment = its_attachment()
    collect()
    assert.equal("s", attachment.Name)
    assert.equal(6, attachment.Size)
  end)

  it("comes back with its value when it was only dropped in Lua", function()
    local m = netmail.MailMessage { From = "A <a@x.org>", To = "B <b@x.org>",
      Attachments = netmail.Attachment { Content = "x", Name = "n" } }
    local weak = setmetatable({}, { __mode = "v" })
    weak.from, weak.to, weak.first, weak.attachment = m.From, m.To, m.To[1], m.Attachments[1]
    collect()
    assert.is_nil(next(weak))
    assert.equal("A", m.From.DisplayName)
    assert.equal("B", m.To[1].DisplayName)
    assert.equal("n", m.Attachments[1].Name)
    for _ = 1, 100 do
      local from = m.From
      collectgarbage "step"
      assert.is_true(rawequal(from, m.From))
    end
  end)

  it("may be referred to in circles", function()
    for _ = 1, 200 do
      local messages, lists = {}, {}
      for i = 1, 10 do
        messages[i] = netmail.MailMessage { From = "a@x.org", To = "b@x.org" }
        lists[i] = messages[i].To
      end
      for i = 1, 10 do
        local j = i % 10 + 1
        messages[i].To = messages[j].To
        messages[i].CC = lists[j]
        messages[i].CC:Add(messages[j].From)
        messages[i].From = messages[j].From
        lists[i]:Insert(0, messages[j].CC[1] or "c@x.org")
        lists[i] = messages[j].Bcc
        if i % 3 == 0 then messages[i] = netmail.MailMessage {} end
        if i % 4 == 0 then collectgarbage "step" end
      end
      for i = 1, 10 do assert.is_true(messages[i].To.Count >= 0) end
    end
  end)

  it("may be dropped by the function that a message is written to", function()
    local pieces = {}
    assert.is_true(netmail.MailMessage({ From = "a@x.org", To = "b@x.org", Text = ("x\n"):rep(50000) }):WriteTo(function(piece)
      pieces[#pieces + 1] = #piece
      collect()
    end))
    assert.is_true(#pieces > 5)
  end)

  it("may be left in the middle by an error or a coroutine", function()
    local m = netmail.MailMessage { From = "a@x.org", To = "b@x.org", Text = ("x\n"):rep(50000) }
    for _ = 1, 300 do
      pcall(m.WriteTo, m, function() error "enough" end)
      local co = coroutine.create(function()
        for i, address in m.To:Iter() do coroutine.yield(i, address) end
      end)
      assert.is_true((coroutine.resume(co)))
    end
    collect()
    assert.equal("b@x.org", m.To[1].Address)
  end)
end)

describe("the collector", function()
  it("may run at every instruction", function()
    runs [[
      if jit then jit.off() end
      local exercise = require "spec.support.exercise"
      exercise()
      debug.sethook(function() collectgarbage() end, "", 1)
      exercise()
      debug.sethook()
    ]]
  end)

  it("may run at every allocation, stop, or go its own way", function()
    runs [[
      local exercise = require "spec.support.exercise"
      collectgarbage("setpause", 0)
      collectgarbage("setstepmul", 10000)
      for _ = 1, 50 do exercise() end
      collectgarbage "stop"
      for _ = 1, 50 do exercise() end
      collectgarbage "restart"
      for _ = 1, 50 do exercise() collectgarbage "step" end
      if _VERSION >= "Lua 5.4" then
        collectgarbage "generational"
        for _ = 1, 500 do exercise() end
        collectgarbage "incremental"
        for _ = 1, 50 do exercise() end
      end
    ]]
  end)
end)
