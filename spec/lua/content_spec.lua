-- Content from anywhere: strings, functions, LTN12 sources and open files, in ToString, WriteTo and Send; what goes wrong in
-- them, and who may be asked how often.

local mime = require "mime"
local netmail = require "netmail"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local testing = require "netmail.testing"

local raises, fails = mail.raises, mail.fails

local function attach(content, fields)
  local all = { Content = content, Name = "x.bin" }
  for k, v in pairs(fields or {}) do all[k] = v end
  return netmail.Attachment(all)
end

local function letter(content, fields)
  return net.message { Attachments = { type(content) == "userdata" and not io.type(content) and content or attach(content, fields) } }
end

local function unbase64(s)
  return mime.unb64(s) or ""
end

--- The attachments of a message's text, decoded.
local function attached(text)
  local found = {}
  for body in text:gmatch "\r\n[^\r\n]*[Aa]ttachment[^\r\n]*\r\n\r\n(.-)\r?\n?%-%-=_" do found[#found + 1] = unbase64(body) end
  return (table.unpack or unpack)(found) -- luacheck: ignore
end

--- A source of the strings in order, and a function that tells how often it was called.
local function counting(...)
  local chunks, calls = { ... }, 0
  return function()
    calls = calls + 1
    return chunks[calls]
  end, function() return calls end
end

local function source(...)
  return (counting(...))
end

--- A temporary file with that text, standing at its beginning.
local function file(text)
  local f = assert(io.tmpfile())
  f:write(text)
  f:seek "set"
  return f
end

local noise = mail.noise(200000)

describe("a content", function()
  it("is the same bytes whatever gives them", function()
    local at
    local kinds = {
      string = noise,
      ["function, one piece"] = source(noise),
      ["function, pieces and nothing between"] = source("", noise:sub(1, 1), "", "", noise:sub(2, 70000), noise:sub(70001), ""),
      ["table that can be called"] = setmetatable({}, { __call = source(noise:sub(1, 100), noise:sub(101)) }),
      coroutine = coroutine.wrap(function() for i = 1, #noise, 1000 do coroutine.yield(noise:sub(i, i + 999)) end end),
      ["file that seeks"] = file(noise),
      ["lines of a file"] = file(noise):lines(_VERSION == "Lua 5.1" and "*a" or 4096),
    }
    if _VERSION == "Lua 5.1" then kinds["lines of a file"] = nil end -- it reads lines only
    for kind, content in pairs(kinds) do
      local text = assert(letter(content):ToString())
      assert.is_true(attached(text) == noise, kind)
      at = text
    end
    assert.is_truthy(at)
  end)

  it("is read from a pipe", function()
    local pipe = io.popen "printf 'hello, '; sleep 0.05; printf world"
    assert.equal("hello, world", (attached(assert(letter(pipe):ToString()))))
    pipe:close()
  end)

  it("may be empty", function()
    for kind, content in pairs { string = "", ["function"] = source(), file = file "" } do
      assert.equal("", (attached(assert(letter(content):ToString()))), kind)
    end
    local path = os.tmpname()
    local f = io.open(path)
    assert.equal("", (attached(assert(letter(f):ToString()))))
    f:close()
    os.remove(path)
  end)

  it("of a file is what lies behind the place where it stood, each time", function()
    local f = file "0123456789"
    f:seek("set", 4)
    local part = attach(f)
    assert.equal(6, part.Size)
    for _ = 1, 3 do
      assert.equal("456789", (attached(assert(letter(part):ToString()))))
      f:seek("set", 1)
    end
    local other = attach(f) -- two parts over one file, each at its place, in one message
    local text = assert(net.message { Attachments = { part, other } }:ToString())
    assert.same({ "456789", "123456789" }, { attached(text) })
  end)

  it("of LuaSocket's LTN12", function()
    local ok, ltn12 = pcall(require, "ltn12")
    if not ok then return pending "lua-socket is not installed (make deps)" end
    local upper = ltn12.source.chain(ltn12.source.string "abc", function(chunk) return chunk and chunk:upper() end)
    local folded = ltn12.source.chain(ltn12.source.string(noise), require("mime").encode "base64")
    local rows = {
      { ltn12.source.string(noise), noise }, { ltn12.source.file(file(noise)), noise }, { ltn12.source.empty(), "" }, { upper, "ABC" },
      { ltn12.source.cat(ltn12.source.string "a", ltn12.source.string "b"), "ab" }, { folded, (require("mime").b64(noise)) },
      { ltn12.source.simplify(ltn12.source.string "c"), "c" },
    }
    for i, row in ipairs(rows) do assert.is_true(attached(assert(letter(row[1]):ToString())) == row[2], i) end
    fails("the function that gives a content failed: unable to open file", letter(ltn12.source.file(nil)):ToString())
    fails("failed: no luck", letter(ltn12.source.error "no luck"):ToString())
  end)

  it("of another type is refused by name", function()
    for _, value in ipairs { 1, true, {}, netmail.MailMessage {}, coroutine.create(function() end) } do
      raises("bad value for 'Content' (string of bytes, function or open file expected, got", function() attach(value) end)
    end
  end)

  it("of a closed file is refused, and of one that cannot be read", function()
    local f = file "x"
    f:close()
    raises("Content is a closed file; open it, and keep it open until it is sent", function() attach(f) end)
    local path = os.tmpname()
    f = io.open(path, "a")
    raises("Content is an open file that cannot be read: Bad file descriptor; open it for reading", function() attach(f) end)
    f:close()
    os.remove(path)
    f = io.open "/"
    if f then
      raises("Content is an open file that cannot be read: Is a directory", function() attach(f) end)
      f:close()
    end
  end)

  it("of a file that was written and not taken back is refused, for it would be empty", function()
    local f = io.tmpfile()
    f:write "report"
    raises('Content is an open file that stands at its end; call file:seek("set")', function() attach(f) end)
    f:seek "set"
    assert.equal("report", (attached(assert(letter(f):ToString()))))
  end)

  it("has the size that is declared, or is an error", function()
    for _, size in ipairs { -1, 1.5, 0 / 0, 2 ^ 60, math.huge } do
      raises("bad value for 'Size' (a whole number of bytes expected)", function() attach(source(), { Size = size }) end)
    end
    raises("bad value for 'Size' (number expected, got string)", function() attach("x", { Size = "1" }) end)
    raises("Content has 1 bytes, but Size says 2", function() attach("x", { Size = 2 }) end)
    raises("Content has 3 bytes, but Size says 2", function() attach(file "abc", { Size = 2 }) end)
    assert.equal(3, attach(file "abc", { Size = 3 }).Size)
    assert.equal(7, attach(source(), { Size = 7 }).Size)
    assert.is_nil(attach(source()).Size)
    assert.equal("abc", (attached(assert(letter(source("a", "bc"), { Size = 3 }):ToString()))))
    fails("to have 3 bytes has more", letter(source("a", "bcd"), { Size = 3 }):ToString())
    fails("to have 3 bytes ended after 2", letter(source "ab", { Size = 3 }):ToString())
    fails("to have 0 bytes has more", letter(source "ab", { Size = 0 }):ToString())
  end)

  it("of a file that grows or shrinks is an error", function()
    local path = os.tmpname()
    process.write(path, "0123456789")
    local f = io.open(path)
    local m = letter(f)
    process.write(path, "0123456789x")
    fails("was to have 10 bytes has more; it grew", m:ToString())
    process.write(path, "01234")
    fails("was to have 10 bytes ended after 5; it shrank", m:ToString())
    process.write(path, "9876543210")
    assert.equal("9876543210", (attached(assert(m:ToString()))))
    f:close()
    fails("was closed before all of it was read; keep it open until it is sent", m:ToString())
    os.remove(path)
  end)

  it("that is a function is read once, and only when it is", function()
    local next_chunk, calls = counting "abc"
    local m = letter(next_chunk)
    m.From = nil
    assert.is_nil((m:ToString())) -- nothing was asked for
    assert.equal(0, calls())
    m.From = "a@x.org"
    fails("enough", m:WriteTo(function() return nil, "enough" end))
    m:WriteTo "/no/such/folder/x"
    assert.equal(0, calls())
    assert.equal("abc", (attached(assert(m:ToString()))))
    assert.equal(2, calls())
    fails("was read already, and what gave it cannot begin again; give each send a new one", m:ToString())
    fails("was read already", m:WriteTo(print))
    assert.equal(2, calls())
  end)

  it("that is a function cannot be in two places of a message", function()
    local part = attach(source "abc")
    local m = net.message { Attachments = { part, part } }
    fails("is in use by a send that has not ended; it can be in one place of one message at a time", m:ToString())
    m.Attachments:RemoveAt(1)
    local n = net.message { Attachments = { part } }
    assert.equal("abc", (attached(assert(n:ToString()))))
    fails("was read already", m:ToString())
  end)

  it("that fails says so, and nothing is raised", function()
    local rows = {
      { function() error "broken" end, "content_spec.lua:%d+: broken" },
      { function() error("plain", 0) end, "failed: plain$" },
      { function() error {} end, "failed: it raised an error that is no text" },
      { function() error() end, "failed: it raised nil" },
      { function() return nil, "no disk" end, "failed: no disk$" },
      { function() return nil, {} end, "failed: it gave nil and no text" },
      { function() return 7 end, "failed: it gave a number where a string of bytes or nil belongs" },
      { function() return false end, "failed: it gave a boolean where" },
      { setmetatable({}, { __call = function() error("called", 0) end }), "failed: called" },
      { function() error("a\r\nb\27", 0) end, "failed: a\\x0D\\x0Ab\\x1B$" },
    }
    for _, row in ipairs(rows) do
      local path = os.tmpname()
      os.remove(path)
      for _, how in ipairs { "ToString", "WriteTo" } do
        local m = letter(row[1])
        local ok, err, detail = m[how](m, how == "WriteTo" and path or nil)
        assert.is_nil(ok)
        assert.is_truthy(err:find(row[2]), err)
        assert.equal("message", detail.Kind)
      end
      assert.is_false(process.exists(path)) -- and no half a file
    end
  end)

  it("leaves the counts of results as they are", function()
    local function count(...) return select("#", ...) end
    assert.equal(1, count(letter("x"):ToString()))
    assert.equal(1, count(letter(source "x"):ToString()))
    assert.equal(1, count(letter(source "x"):WriteTo(function() end)))
    assert.equal(3, count(letter(function() error "x" end):ToString()))
    assert.equal(3, count(letter("x"):WriteTo(function() return false end)))
  end)
end)

describe("a function", function()
  --- Runs f in a coroutine to its end, with the values it yields, and what it returns.
  local function run(f)
    local co, yielded = coroutine.create(f), {}
    while true do
      local results = { coroutine.resume(co, #yielded) }
      assert(results[1], results[2])
      if coroutine.status(co) == "dead" then return yielded, results[2], results[3] end
      yielded[#yielded + 1] = results[2]
    end
  end

  --- Yields before, within and behind its pieces.
  local function yielding(n)
    local i = 0
    return function()
      i = i + 1
      local got = coroutine.yield("w" .. i)
      assert(got == coroutine.yield("v" .. i) - 1) -- what resume was given arrives
      if i > n then return nil end
      return ("x"):rep(i)
    end
  end

  it("may yield in ToString and in WriteTo, also from the function that takes the pieces", function()
    local yielded, text = run(function() return letter(yielding(3)):ToString() end)
    assert.same({ "w1", "v1", "w2", "v2", "w3", "v3", "w4", "v4" }, yielded)
    assert.equal("xxxxxx", (attached(text)))
    local pieces, path = {}, os.tmpname()
    run(function()
      assert(letter(yielding(3)):WriteTo(function(piece)
        coroutine.yield "piece"
        pieces[#pieces + 1] = piece
      end))
    end)
    assert.equal("xxxxxx", (attached(table.concat(pieces))))
    run(function() assert(letter(yielding(3)):WriteTo(path)) end)
    assert.equal("xxxxxx", (attached(process.read(path))))
    os.remove(path)
  end)

  it("may fail behind a yield", function()
    local _, ok, err = run(function()
      return letter(function()
        coroutine.yield()
        error("late", 0)
      end):ToString()
    end)
    assert.is_nil(ok)
    assert.equal("the function that gives a content failed: late", err)
    run(function()
      local called, why = pcall(letter("x").WriteTo, letter "x", function()
        error { "mine" }
      end)
      assert.is_false(called)
      assert.equal("mine", why[1]) -- what the sink raises is raised, as it is
    end)
  end)

  it("that yields where nobody can resume it has failed", function()
    local text, status = process.lua [[
      local netmail = require "netmail"
      local m = netmail.MailMessage { From = "a@x.org", To = "b@x.org", Attachments = {
        netmail.Attachment { Content = function() coroutine.yield() end, Name = "x" } } }
      local ok, err = m:ToString()
      assert(ok == nil and err:find "the function that gives a content failed: .*yield", err)
    ]]
    assert.equal("", text)
    assert.equal(0, status)
  end)

  it("may ask for what it is part of, and is refused", function()
    local m, said
    m = letter(function()
      if said then return nil end
      said = { m:ToString() }
      return "x"
    end)
    assert.equal("x", (attached(assert(m:ToString()))))
    fails("is in use by a send that has not ended", said[1], said[2], said[3])
  end)

  it("may change the message, which is a snapshot", function()
    local m, done
    m = letter(function()
      if done then return nil end
      done = true
      m.Attachments:Clear()
      m.Subject = "changed"
      return "x"
    end)
    local text = assert(m:ToString())
    assert.equal("x", (attached(text)))
    assert.is_truthy(text:find("Subject: spec", 1, true))
    m = nil -- luacheck: ignore
  end)

  it("that is left in the middle is not called again, and its message's file does not appear", function()
    local path, calls = os.tmpname(), 0
    os.remove(path)
    do
      local m = letter(function()
        calls = calls + 1
        coroutine.yield()
        return "x"
      end)
      local co = coroutine.create(function() m:WriteTo(path) end)
      coroutine.resume(co)
      coroutine.resume(co)
      assert.equal(2, calls)
      local _, err = m:ToString()
      assert.is_truthy(err:find("in use", 1, true))
      co = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      _, err = m:ToString()
      assert.is_truthy(err:find("was read already", 1, true))
    end
    assert.equal(2, calls)
    local said = process.run("ls " .. process.quote(path) .. "*")
    assert.is_truthy(said:find("No such file", 1, true), said)
  end)

  it("is let go when it has given all, and when nobody can ask any more", function()
    local function collect() for _ = 1, 4 do collectgarbage() end end
    local function count(t)
      collect()
      local n = 0
      for _ in pairs(t) do n = n + 1 end
      return n
    end
    local weak = setmetatable({}, { __mode = "k" })
    local function new(finish)
      local f = source(finish and "x" or nil)
      weak[f] = true
      return f
    end
    collect()
    local read, kept = letter(new(true)), letter(new(true))
    assert(read:ToString())
    for _ = 1, 100 do attach(new()) end -- never read: gone with their parts
    assert.equal(1, count(weak)) -- the one that is still to be read
    assert(kept:ToString())
    assert.equal(0, count(weak))
    assert.is_truthy(read and kept)
    local m = net.message {}
    m.Attachments:Add(attach(new(true))) -- the part lives on in the message, without a box
    collect()
    assert.equal(1, count(weak))
    assert.equal("x", (attached(assert(m:ToString()))))
  end)

  it("of a large string is that string, as long as somebody has the content", function()
    local function megabytes()
      for _ = 1, 4 do collectgarbage() end
      return collectgarbage "count" / 1024
    end
    local function new(i) return tostring(i) .. ("x"):rep(1000000) end
    local before, parts = megabytes(), {}
    for i = 1, 20 do parts[i] = attach(new(i)) end
    local kept = megabytes() - before
    assert.is_true(kept > 18 and kept < 22, kept)
    for i = 1, 20 do
      assert.is_true(attached(assert(net.message { Attachments = { parts[i] } }:ToString())) == new(i))
    end
    local m = net.message {}:Raw("A: b\r\n\r\n" .. (("y"):rep(500) .. "\r\n"):rep(2000))
    parts = nil -- luacheck: ignore
    kept = megabytes() - before
    assert.is_true(kept > 0.9 and kept < 1.5, kept)
    assert.is_truthy(m:ToString())
    m = nil -- luacheck: ignore
    assert.is_true(megabytes() - before < 0.5)
  end)

  it("survives a collector that runs all the time", function()
    local modes = { function() collectgarbage() end, function() collectgarbage "step" end }
    if _VERSION == "Lua 5.4" then
      collectgarbage "generational"
      modes[3] = function() collectgarbage "step" end
    end
    for _, collect in ipairs(modes) do
      for round = 1, 20 do
        local n = 0
        local text = assert(net.message { Attachments = {
          attach(function()
            collect()
            n = n + 1
            attach(function() end) -- garbage, whose end is noted meanwhile
            return n < 10 and ("x"):rep(n * round) or nil
          end),
          attach(file(noise:sub(1, 70000))),
          attach(noise:sub(round, 70000)),
        } }:ToString())
        local a, b, c = attached(text)
        assert.equal(45 * round, #a)
        assert.is_true(b == noise:sub(1, 70000))
        assert.is_true(c == noise:sub(round, 70000))
      end
    end
    if _VERSION == "Lua 5.4" then collectgarbage "incremental" end
  end)
end)

describe("Send with contents that are brought", function()
  local aio

  setup(function() aio = servers.shared "aio" end)

  local function client(options) return net.client(aio.port.plain, options) end

  local function arrives(c, m)
    local result, err = c:Send(m)
    assert.is_nil(err)
    assert.equal("accepted", result.Outcome)
    return aio:take(1)[1]
  end

  local function not_sent(text, result, err, detail, kind)
    assert.is_nil(result)
    assert.is_truthy(err:find(text, 1, true), err)
    assert.equal(kind or "message", detail.Kind)
    assert.equal("not_sent", detail.Outcome)
    assert.equal(err, tostring(detail))
  end

  it("delivers functions, files and pipes, with SIZE only when it is known", function()
    local c = client()
    for kind, row in pairs {
      ["function"] = { source(noise:sub(1, 99999), "", noise:sub(100000)) },
      ["function of known size"] = { source(noise), { Size = #noise }, true },
      file = { file(noise), nil, true },
      pipe = { io.popen "printf hello" },
    } do
      local got = arrives(c, letter(row[1], row[2]))
      assert.is_true(attached(got.raw) == (kind == "pipe" and "hello" or noise), kind)
      local size
      for _, option in ipairs(got.from_options or {}) do size = size or option:match "^SIZE=(%d+)$" end
      assert.equal(row[3] and #got.raw or nil, tonumber(size), kind)
    end
    c:Close()
  end)

  it("calls the function when the server waits for its bytes, and not before", function()
    local next_chunk, calls = counting "abc"
    local m = letter(next_chunk)
    local result, err, detail = client({ Port = 1 }):Send(m)
    not_sent("", result, err, detail, "connect")
    assert.equal(0, calls())
    arrives(client(), m)
    assert.equal(2, calls())
    result, err, detail = client():Send(m)
    not_sent("was read already", result, err, detail)
  end)

  it("drops the line without a dot when a content fails, and the next Send is none the worse", function()
    local c = client()
    local f = file(noise)
    local closing = false
    for text, content in pairs {
      ["failed: broken"] = function() error("broken", 0) end,
      ["failed: no disk"] = function() return nil, "no disk" end,
      ["it gave a table"] = function() return {} end,
      ["to have 10 bytes has more"] = { source("12345", "6789012"), 10 },
      ["to have 10 bytes ended after 5"] = { source "12345", 10 },
      ["was closed before all of it was read"] = f,
    } do
      local m
      if type(content) == "table" then
        m = letter(content[1], { Size = content[2] })
      elseif content == f then
        m = net.message { Attachments = {
          attach(function()
            if closing then return nil end
            closing = true
            f:close()
            return noise
          end), attach(f) } }
      else
        m = letter(content)
      end
      not_sent(text, c:Send(m))
      arrives(c, net.message())
    end
    assert.is_true(closing)
    c:Close()
  end)

  it("takes yields, and other clients send meanwhile", function()
    local c, other = client(), client()
    local n, said = 0, {}
    local m = letter(function()
      n = n + 1
      coroutine.yield(n)
      return n < 4 and ("x"):rep(30000) or nil
    end)
    local co = coroutine.create(function() return c:Send(m) end)
    for i = 1, 4 do
      local _, got = assert(coroutine.resume(co))
      assert.equal(i, got)
      said[i] = { c:Send(net.message()) }
      assert(other:Send(net.message { Subject = "meanwhile " .. i }))
    end
    local _, result = assert(coroutine.resume(co))
    assert.equal("accepted", result.Outcome)
    for i = 1, 4 do not_sent("the client is sending another message", said[i][1], said[i][2], said[i][3], "connect") end
    local got = aio:take(5)
    assert.equal(90000, #attached(got[5].raw))
    c:Close()
    other:Close()
  end)

  it("ends when the client is closed from within", function()
    local c = client()
    local m = letter(function()
      c:Close()
      return "x"
    end)
    local result, err, detail = c:Send(m)
    not_sent("the client was closed", result, err, detail, "cancelled")
    arrives(c, net.message())
    c:Close()
  end)

  it("may change the client's options, for the next Send", function()
    local c = client()
    local m = letter(function()
      c.Host, c.Port = "nowhere.example", 1
      return nil
    end)
    arrives(c, m)
    c.Host, c.Port = "localhost", aio.port.plain
    arrives(c, net.message())
    c:Close()
  end)

  it("that is left in the middle lets go of the line, and of nothing that others need", function()
    local c = client()
    do
      local co = coroutine.create(function()
        c:Send(letter(function()
          coroutine.yield()
          return "half"
        end))
      end)
      coroutine.resume(co)
      coroutine.resume(co)
    end
    for _ = 1, 4 do collectgarbage() end
    arrives(c, net.message())
    c:Close()
  end)

  it("counts the function's time in Deadline, and not in Timeout", function()
    local function slow(seconds, ...)
      local next_chunk = source(...)
      return function()
        local till = process.now() + seconds
        while process.now() < till do end -- luacheck: ignore
        return next_chunk()
      end
    end
    -- While the content is waited for, and not before, where a busy server may take as long.
    local function strikes(why, result, err, detail)
      not_sent(why, result, err, detail, "timeout")
      return err:find("waiting for the content", 1, true) or err:find("(Timeout) for the content", 1, true)
    end
    local server = testing.Server {}
    local c = server:Client {}
    net.at_some_pace(function(ms)
      c.Timeout = ms
      local result, err, detail = c:Send(letter(slow(1.5 * ms / 1000, "slow")))
      assert.is_truthy(result or detail.Kind == "timeout", err)
      return result and strikes(("waited %d ms (Timeout)"):format(ms), c:Send(letter(function() return "" end)))
    end)
    c.Timeout = 30000
    net.at_some_pace(function(ms)
      c.Deadline = ms
      return strikes(("the Deadline of %d ms for the whole send is over"):format(ms), c:Send(letter(slow(1.5 * ms / 1000, "slow"))))
    end)
    c.Deadline = nil
    assert(c:Send(net.message()))
    c:Close()
    server:Stop()
  end)

  it("hears the server out when it loses patience", function()
    local s = servers.script(net.follow(net.greet(), { expect = "MAIL" }, { send = "250 ok\r\n" }, { expect = "RCPT" },
      { send = "250 ok\r\n" }, { expect = "DATA" }, { send = "354 go\r\n" },
      { send = "421 4.4.2 you are too slow\r\n" }, { drop = true }))
    local c = net.client(s.port.plain)
    local result, err, detail = c:Send(letter(function()
      assert(s:received(1)) -- it has said all that it will say
      return noise
    end))
    not_sent("421 4.4.2 you are too slow", result, err, detail, "data")
    assert.is_nil(s:received(1):find("\r\n.\r\n", 1, true))
    s:stop()
  end)

  it("shares a part between messages, one at a time, and a file as often as is wanted", function()
    local c = client()
    local part, again = attach(source "abc"), attach(file "def")
    local a, b = letter(part), letter(part)
    assert.equal("abc", (attached(arrives(c, a).raw)))
    not_sent("was read already", c:Send(b))
    for _ = 1, 2 do assert.equal("def", (attached(arrives(c, letter(again)).raw))) end
    c:Close()
  end)
end)

describe("a state closes", function()
  local prelude = [[
    local netmail, port = require "netmail", ...
    local client = netmail.SmtpClient { Host = "localhost", Port = tonumber(port), Timeout = 30000 }
    local function letter(content)
      return netmail.MailMessage { From = "a@x.org", To = "b@x.org",
        Attachments = { netmail.Attachment { Content = content, Name = "n" } } }
    end
  ]]

  for name, program in pairs {
    ["with contents that nobody read"] = [[
      kept = letter(function() return kept end)
      file = io.tmpfile()
      also = letter(file)
      for _ = 1, 100 do letter(function() end) end
    ]],
    ["in the middle of one"] = [[
      local m = letter(function() coroutine.yield() return "x" end)
      co = coroutine.create(function() return m:ToString() end)
      coroutine.resume(co) coroutine.resume(co)
      other = coroutine.create(function() return letter(function() coroutine.yield() end):WriteTo(function() end) end)
      coroutine.resume(other)
    ]],
    ["from within one"] = [[
      letter(function() os.exit(0, true) end):ToString()
    ]],
    ["in the middle of a Send"] = [[
      co = coroutine.create(function() return client:Send(letter(function() coroutine.yield() return "x" end)) end)
      assert(coroutine.resume(co)) assert(coroutine.resume(co))
      assert(coroutine.status(co) == "suspended")
      client = nil
    ]],
    ["from within a Send"] = [[
      local n = 0
      client:Send(letter(function()
        n = n + 1
        if n == 3 then os.exit(0, true) end
        return ("x"):rep(100000)
      end))
      error "it was not called"
    ]],
    ["with finalizers that make and read some"] = [[
      m = letter(io.tmpfile())
      large = letter(("x"):rep(100000))
      local made = 0
      local function at_end()
        local ok, text = pcall(large.ToString, large)
        if ok and not text:find(("eHh4"):rep(19), 1, true) then print "other bytes" end
        made = made + 1
        letter(("y"):rep(100000 + made)) -- neither raises nor keeps anything
        pcall(function() m:ToString() end)
        pcall(function() letter(function() return nil end):ToString() end)
      end
      for i = 1, 20 do
        if newproxy then
          local p = newproxy(true)
          getmetatable(p).__gc = at_end
          _G["final" .. i] = p
        else
          _G["final" .. i] = setmetatable({}, { __gc = at_end })
        end
      end
    ]],
  } do
    it(name, function()
      local text, status = process.lua(prelude .. program, tostring(servers.shared "aio".port.plain))
      assert.equal("", text)
      assert.equal(0, status)
    end)
  end
end)
