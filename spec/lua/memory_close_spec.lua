-- States that close while objects live: exit status 0 and not a word, on every interpreter.

local process = require "spec.support.process"

local prelude = [[
  local netmail = require "netmail"
  local m = netmail.MailMessage { From = "A <a@x.org>", To = "b@x.org, c@x.org", Text = ("x\n"):rep(50000),
    Attachments = { netmail.Attachment { Content = "x", Name = "n" } } }
  local client = netmail.SmtpClient { Host = "h.example", UserName = "u", Password = "p" }
  client.Credentials = netmail.CredentialCache.Create()
  client.Credentials:Add("", 0, "", client.ThisHostCredentials[""])
]]

local finalizer = [[
  local function at_end(f)
    local function try() pcall(f) end
    for i = 1, 20 do
      if newproxy then
        local p = newproxy(true)
        getmetatable(p).__gc = try
        _G["final" .. i .. tostring(f)] = p
      else
        _G["final" .. i .. tostring(f)] = setmetatable({}, { __gc = try })
      end
    end
  end
  m2, client2 = m, client
]]

local programs = {
  ["in locals and globals"] = [[
    all = { m, m.To, m.To[1], m.From, m.Attachments, m.Attachments[1], client, client.ThisHostCredentials, client.Credentials }
    all.all = all
  ]],
  ["in a coroutine that waits"] = [[
    co = coroutine.create(function() for _, a in m.To:Iter() do coroutine.yield(a) end end)
    assert(coroutine.resume(co))
  ]],
  ["in closures and as keys"] = [[
    keys = setmetatable({ [m] = client, [client] = m, [m.To] = m.From }, { __mode = "k" })
    f = function() return m, client, keys end
    iter = m.To:Iter()
  ]],
  ["in the registry and in metatables"] = [[
    debug.getregistry().mine = { m, client }
    setmetatable(_G, { __index = m.To, m, client })
  ]],
  ["with finalizers that make and take objects"] = finalizer .. [[
    at_end(function()
      local n = m.To.Count + #m.Attachments
      local from = m.From
      m.To:Add(from)
      local fresh = netmail.MailMessage { From = from, To = m.To, Attachments = m.Attachments }
      fresh:ToString()
      local c = client.ThisHostCredentials[""]
      client.Credentials:Add("h", n, "", c)
    end)
  ]],
  ["with finalizers that use what there is"] = finalizer .. [[
    at_end(function()
      assert(#m:ToString() > 100)
      m:WriteTo(function() return false, "enough" end)
    end)
    at_end(function()
      tostring(client)
      client:Close()
    end)
  ]],
  ["after the modules were forgotten"] = [[
    for name in pairs(package.loaded) do if name:find "^netmail" then package.loaded[name] = nil end end
    collectgarbage() collectgarbage()
    local again = require "netmail"
    assert(again ~= netmail)
    local other = again.MailMessage { From = m.From, To = m.To, Attachments = m.Attachments }
    assert(other.From == m.From and other.To[1] == m.To[1] and #assert(other:ToString()) > 100)
    both = { other, m, client }
  ]],
  ["by os.exit"] = [[
    os.exit(0, true)
  ]],
  ["by os.exit without closing"] = [[
    os.exit(0)
  ]],
  ["by os.exit from the function that WriteTo calls"] = [[
    m:WriteTo(function() os.exit(0, true) end)
  ]],
  ["by os.exit from a finalizer while a message is written"] = [[
    m:WriteTo(function() collectgarbage() held = m.To:Iter() os.exit(0, true) end)
  ]],
  ["after errors on the way"] = [[
    for _ = 1, 50 do
      pcall(netmail.MailMessage, { Subject = "\n", To = "a@x.org" })
      pcall(m.WriteTo, m, function() error {} end)
      pcall(netmail.Attachment, { Content = "x", Name = "\0" })
      pcall(netmail.SmtpClient, { Host = "h", UserName = "x" })
      pcall(function() m.To = { "a@x.org", "bad" } end)
    end
  ]],
  ["which were collected by hand before"] = [[
    for _, o in ipairs { m.To, m.From, m.Attachments[1], client.ThisHostCredentials } do debug.getmetatable(o).__gc(o) end
    debug.getmetatable(m).__gc(m)
    collectgarbage()
    debug.getmetatable(client).__gc(client)
  ]],
}

describe("a state closes with live objects", function()
  for name, source in pairs(programs) do
    it(name, function()
      local text, status = process.lua(prelude .. source)
      assert.equal("", text)
      assert.equal(0, status)
    end)
  end

  it("and an error that ends the program is still told", function()
    local text, status = process.lua(prelude .. "error 'the end'")
    assert.equal(1, status)
    assert.is_truthy(text:find("the end", 1, true))
    assert.is_nil(text:find("corrupt", 1, true))
  end)
end)

-- One interpreter stands for all: the same C runs in each, and valgrind is slow.
if process.interpreter() == "lua5.4" then
  describe("valgrind", function()
    local function check(source)
      local _, missing = process.run "command -v valgrind"
      if missing ~= 0 then return pending "valgrind is not installed (make deps)" end
      local text, status = process.apart(source, "valgrind -q --leak-check=full --show-leak-kinds=definite,indirect,possible " ..
        "--errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99")
      assert.equal("", text)
      assert.equal(0, status)
    end

    it("sees nothing in all of the classes", function()
      check [[
        local exercise = require "spec.support.exercise"
        for _ = 1, 5 do exercise() end
        kept, client = exercise()
      ]]
    end)

    it("sees nothing when the collector runs at every instruction", function()
      check [[
        local exercise = require "spec.support.exercise"
        exercise()
        debug.sethook(function() collectgarbage "step" end, "", 10)
        exercise()
      ]]
    end)

    -- What a finalizer makes while its state closes is never finalized itself (Lua's manual, lua_close): not looked at here.
    it("sees nothing in a state that closes with live objects", function()
      for _, name in ipairs { "in locals and globals", "with finalizers that use what there is", "after the modules were forgotten",
        "after errors on the way", "by os.exit from the function that WriteTo calls", "which were collected by hand before" } do
        check(prelude .. programs[name])
      end
    end)
  end)
end
