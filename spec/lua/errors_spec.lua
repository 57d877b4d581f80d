-- What holds for every class: how mistakes are told, and that no way leads from Lua to a crash.

local netmail = require "netmail"
local mail = require "spec.support.mail"
local process = require "spec.support.process"

local raises = mail.raises

local function objects()
  local m = netmail.MailMessage { From = "a@x.org", To = "b@x.org" }
  local client = netmail.SmtpClient.CreateWithHost "h.example"
  return {
    MailAddress = netmail.MailAddress.Create("a@x.org"),
    MailAddressCollection = m.To,
    Part = netmail.Part { Content = "x" },
    PartCollection = m.Attachments,
    MailMessage = m,
    NetworkCredential = netmail.NetworkCredential.Create("user", "s3cret"),
    CredentialCache = netmail.CredentialCache.Create(),
    SmtpClient = client,
    ThisHostCredentials = client.ThisHostCredentials,
  }
end

local classes = { "MailAddress", "Attachment", "Part", "MailMessage", "NetworkCredential", "CredentialCache", "SmtpClient" }

-- One of each Lua type, and an object of each class.
local function values()
  local all = { n = 0 }
  local function add(v)
    all.n = all.n + 1
    all[all.n] = v
  end
  for _, v in pairs(objects()) do add(v) end
  for _, v in ipairs { true, false, 0, -1, 1.5, 1 / 0, 0 / 0, 2 ^ 63 } do add(v) end
  for _, v in ipairs { "", "x", "a@b.c", "\0", ("x"):rep(100000), {}, print, io.stdout } do add(v) end
  add(coroutine.create(function() end))
  add(setmetatable({}, { __index = error, __tostring = error, __len = error }))
  add(nil)
  return all
end

describe("every class", function()
  it("has a metatable that nobody reaches", function()
    for name, o in pairs(objects()) do
      assert.equal("netmail." .. name, getmetatable(o))
      assert.is_false((pcall(setmetatable, o, {})))
      assert.equal("userdata", type(o))
    end
    for _, name in ipairs(classes) do
      assert.equal("netmail." .. name, getmetatable(netmail[name]))
      assert.is_false((pcall(setmetatable, netmail[name], {})))
    end
  end)

  it("has a tostring that begins with what it is, and holds no secret", function()
    for name, o in pairs(objects()) do
      local text = tostring(o)
      assert.equal("string", type(text))
      assert.is_nil(text:find("0x", 1, true))
      assert.is_nil(text:find("s3cret", 1, true))
      if not name:match "^MailAddress" then assert.equal(1, text:find(name, 1, true), text) end
    end
  end)

  it("raises for what is no number, string or member in every position", function()
    for _, o in pairs(objects()) do
      local all = values()
      for i = 1, all.n do
        local key = all[i]
        if type(key) ~= "number" and key ~= nil then -- collections have numbers
          local ok, err = pcall(function() return o[key] end)
          if not ok then assert.is_string(err) end
        end
        if key ~= nil and key == key then
          local ok, err = pcall(function() o[key] = 1 end)
          assert.is_false(ok)
          assert.is_string(err)
        end
      end
    end
  end)

  it("says that a nil and a NaN are no names", function()
    for name, o in pairs(objects()) do
      for _, key in ipairs { 0 / 0, {}, true } do raises("", function() o[key] = 1 end) end
      raises(name == "ThisHostCredentials" and "ThisHostCredentials" or "has no member with a nil", function()
        local _ = o[nil]
      end)
    end
  end)

  it("survives every method with every receiver and any arguments", function()
    local methods = {
      MailAddress = { "ToString" }, Part = { "ToString", "ReleaseResource" },
      MailAddressCollection = { "Add", "AddString", "Insert", "Item", "IndexOf", "Contains", "Remove", "RemoveAt", "Clear", "Iter",
        "ToString" },
      PartCollection = { "Add", "Insert", "Item", "IndexOf", "Contains", "Remove", "RemoveAt", "Clear", "Iter" },
      MailMessage = { "ToString", "Raw", "Split", "Resend", "EmbedImages" }, NetworkCredential = { "CreateWithUserPassword" },
      CredentialCache = { "Add", "Remove", "GetCredential" }, SmtpClient = { "Close" },
    }
    local calls = 0
    for class, names in pairs(methods) do
      for _, name in ipairs(names) do
        local method = objects()[class][name]
        local all = values()
        for i = 1, all.n do
          for k = 1, all.n do
            local ok, err = pcall(method, all[i], all[k], all[k])
            calls = calls + 1
            if not ok then assert.equal("string", type(err)) end
            if not ok and type(all[i]) ~= "userdata" then assert.is_truthy(err:find("with a colon", 1, true), err) end
          end
        end
        local ok, err = pcall(method)
        assert.is_false(ok)
        assert.is_truthy(err:find("with a colon", 1, true), err)
      end
    end
    assert.is_true(calls > 10000)
  end)

  it("survives every function of its table with any arguments", function()
    local functions = {
      MailAddress = { "Create", "CreateWithName", "TryParse" }, Attachment = { "Create" },
      MailMessage = { "CreateWithFromAndTo", "TryNew", "Parse", "TryParse" }, NetworkCredential = { "Create" },
      CredentialCache = { "Create" },
      SmtpClient = { "CreateWithHost", "CreateWithHostAndPort" },
    }
    local all = values()
    for class, names in pairs(functions) do
      local list = { netmail[class] }
      for _, name in ipairs(names) do list[#list + 1] = netmail[class][name] end
      for _, f in ipairs(list) do
        for i = 1, all.n do
          for k = 1, all.n do
            local ok, err = pcall(f, all[i], all[k])
            if not ok then assert.is_string(err) end
          end
        end
        pcall(f)
      end
    end
  end)

  it("survives every property set to any value", function()
    for name, o in pairs(objects()) do
      for _, property in ipairs { "Address", "Count", "ContentName", "Name", "ContentType", "ContentId", "Inline", "Size", "From",
        "From_", "Sender", "ReplyTo", "ReplyToList", "To", "To_", "CC", "Bcc", "Subject", "SubjectEncoding", "Body", "BodyEncoding",
        "IsBodyHtml", "Text", "Html", "Priority", "Attachments", "UserName", "Password", "Domain", "Host", "Port", "EnableSsl",
        "Timeout", "Deadline", "ThisHostCredentials", "Credentials", "UseDefaultCredentials", "AllowPlaintextAuth", "AllOrNothing",
        "CaFile", "CaPath", "ClientCertificate", "Proxy", "IpVersion", "LocalName", "", "PLAIN" } do
        local all = values()
        for i = 1, all.n do
          local ok, err = pcall(function() o[property] = all[i] end)
          if not ok then assert.equal("string", type(err), name) end
        end
        pcall(function() return o[property] end)
        assert.is_string(tostring(o))
      end
    end
  end)

  it("survives its metamethods being called by hand, also after its end", function()
    for _, o in pairs(objects()) do
      local meta = debug.getmetatable(o)
      local all = values()
      for name, f in pairs(meta) do
        if type(f) == "function" and name ~= "__gc" then
          for i = 1, all.n do
            local ok, err = pcall(f, all[i], all[i], all[i])
            if not ok then assert.is_string(err) end
          end
          pcall(f)
        end
      end
    end
    for _, class in ipairs(classes) do
      for _, f in pairs(debug.getmetatable(netmail[class])) do
        if type(f) == "function" then
          local all = values()
          for i = 1, all.n do pcall(f, all[i], all[i]) end
          pcall(f)
        end
      end
    end
    local _, _, detail = netmail.MailAddress.TryParse("x")
    for _, f in pairs(debug.getmetatable(detail)) do
      if type(f) == "function" then
        local all = values()
        for i = 1, all.n do pcall(f, all[i]) end
        pcall(f)
      end
    end
  end)

  it("can be collected by hand without harm", function()
    for name, o in pairs(objects()) do
      local meta = debug.getmetatable(o)
      local method = name == "MailMessage" and o.ToString
      meta.__gc(o)
      meta.__gc(o)
      assert.is_false((pcall(function() return o.Foo end)))
      assert.is_false((pcall(function() o.Foo = 1 end)))
      assert.is_string(tostring(o))
      if method then raises("with a colon", function() method(o) end) end
      if meta.__len then assert.is_false((pcall(meta.__len, o))) end
      if meta.__close then meta.__close(o) end
      local all = values()
      for i = 1, all.n do pcall(meta.__gc, all[i] ~= nil and type(all[i]) ~= "userdata" and all[i] or nil) end
    end
  end)
end)

describe("an error", function()
  it("carries the position of the line that made it", function()
    local line
    local ok, err = pcall(function()
      line = debug.getinfo(1, "l").currentline + 1
      local _ = netmail.MailAddress.Create("x")
    end)
    assert.is_false(ok)
    assert.equal(("spec/lua/errors_spec.lua:%d: "):format(line), err:match "^%.?/?.-(spec/lua/errors_spec%.lua:%d+: )")
    ok, err = pcall(function()
      local m = netmail.MailMessage {}
      line = debug.getinfo(1, "l").currentline + 1
      m.Subject = "a\nb"
    end)
    assert.is_false(ok)
    assert.is_truthy(err:find(("errors_spec.lua:%d: Subject"):format(line), 1, true), err)
    ok, err = pcall(function()
      local m = netmail.MailMessage {}
      line = debug.getinfo(1, "l").currentline + 1
      local _ = m.Subjekt
    end)
    assert.is_false(ok)
    assert.is_truthy(err:find(("errors_spec.lua:%d: MailMessage has no property"):format(line), 1, true), err)
    ok, err = pcall(function()
      local m = netmail.MailMessage {}
      line = debug.getinfo(1, "l").currentline + 1
      m.To:Add(5)
    end)
    assert.is_false(ok)
    assert.is_truthy(err:find(("errors_spec.lua:%d: bad value"):format(line), 1, true), err)
  end)

  it("shows foreign bytes so that no terminal is fooled", function()
    for _, text in ipairs { "\27[31mred@\27", "a\226\128\174b@c", "a\194\155b", "\226\128\168", "\239\187\191a b@c" } do
      local _, message = netmail.MailAddress.TryParse(text)
      assert.is_nil(message:find("[%z\1-\31\127]"))
      for _, bytes in ipairs { "\226\128\174", "\194\155", "\226\128\168", "\239\187\191" } do
        assert.is_nil(message:find(bytes, 1, true))
      end
    end
  end)

  it("is one table of plain values as detail", function()
    local _, message, detail = netmail.MailAddress.TryParse("x")
    assert.equal(message, detail.Message)
    assert.equal("message", detail.Kind)
    assert.equal(message, tostring(detail))
    for k, v in pairs(detail) do
      assert.equal("string", type(k))
      assert.equal("string", type(v))
    end
  end)

  it("names an unknown member of the module", function()
    raises("netmail has no member 'SmtpServer'", function() local _ = netmail.SmtpServer end)
    raises("netmail has no member", function() local _ = netmail[1] end)
  end)
end)

-- Older ones do not know the word.
local has_close = (rawget(_G, "loadstring") or load) "local x <close> = nil"

if has_close then describe("<close>", function()
  it("ends a scope with any object", function()
    local text, status = process.lua [[
      local netmail = require "netmail"
      local kept
      do
        local client <close> = netmail.SmtpClient.CreateWithHost "h.example"
        local message <close> = netmail.MailMessage { From = "a@x.org", To = "b@x.org" }
        local to <close> = message.To
        local address <close> = message.From
        local attachment <close> = netmail.Attachment { Content = "x" }
        local list <close> = message.Attachments
        local credential <close> = netmail.NetworkCredential.Create("a", "b")
        local cache <close> = netmail.CredentialCache.Create()
        local own <close> = client.ThisHostCredentials
        kept = { client, message }
      end
      assert(kept[1].Host == "h.example" and kept[2].From.Address == "a@x.org")
      print "done"
    ]]
    assert.equal("done\n", text)
    assert.equal(0, status)
  end)
end) end
