-- WriteTo: the message in pieces, to a function or a file.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"
local process = require "spec.support.process"

local MailMessage = netmail.MailMessage
local Attachment = netmail.Attachment
local raises, fails = mail.raises, mail.fails
local message, masked = built.message, built.masked

describe("WriteTo", function()
  local folder, remove

  setup(function() folder, remove = mail.folder() end)
  teardown(function() remove() end)

  local function big()
    return message { Subject = "Тема", Text = ("текст\n"):rep(10000), Html = "<p>",
      Attachments = { Attachment { Content = mail.noise(100000), Name = "b.bin" } } }
  end

  it("hands a function the message in pieces", function()
    local m, pieces = big(), {}
    local result, extra = m:WriteTo(function(...)
      assert.equal(1, select("#", ...))
      local piece = ...
      assert.equal("string", type(piece))
      assert.is_true(#piece > 0 and #piece <= 65536)
      pieces[#pieces + 1] = piece
    end)
    assert.is_true(result)
    assert.is_nil(extra)
    assert.is_true(#pieces > 3)
    assert.equal(masked(m:ToString()), masked(table.concat(pieces)))
  end)

  it("writes a file", function()
    local m, path = big(), folder .. "/письмо.eml"
    assert.is_true(m:WriteTo(path))
    local text = process.read(path)
    assert.equal(masked(m:ToString()), masked(text))
    m.Text, m.Html, m.Attachments = "short", nil, nil
    assert.is_true(m:WriteTo(path))
    assert.equal(masked(m:ToString()), masked(process.read(path)))
  end)

  it("writes a file as a whole or not at all, even one that the message attaches", function()
    local path, link = folder .. "/doc.bin", folder .. "/link"
    process.write(path, mail.noise(9000))
    process.run("chmod 640 " .. process.quote(path) .. "; ln -s doc.bin " .. process.quote(link))
    local m = message { Attachments = Attachment.Create(path) }
    assert.is_true(m:WriteTo(link))
    assert.is_truthy(process.read(path):find('name="doc.bin"', 1, true) or process.read(path):find("doc.bin", 1, true))
    assert.equal("640\n", (process.run("stat -c %a " .. process.quote(path))))
    local before = process.read(path)
    m = message { Attachments = Attachment.Create(path) }
    local other = folder .. "/other.bin"
    process.write(other, "x")
    m.Attachments:Add(Attachment.Create(other))
    os.remove(other)
    fails("other.bin", m:WriteTo(path))
    assert.equal(before, process.read(path))
    local names = process.run("ls " .. process.quote(folder))
    assert.is_nil(names:find("doc.bin.", 1, true), names)
    fails("cannot write", message {}:WriteTo(folder .. "/no/such/folder"))
    fails("cannot write", message {}:WriteTo(folder))
  end)

  it("says that a disk is full", function()
    fails("/dev/full", big():WriteTo "/dev/full")
    fails("/dev/full", message({ Text = "short" }):WriteTo "/dev/full")
  end)

  it("leaves no file behind that could be taken for a message when it fails before the first byte", function()
    local path = folder .. "/none.eml"
    fails("no From", MailMessage({}):WriteTo(path))
    assert.is_false(process.exists(path))
  end)

  it("stops when the function says so", function()
    local m = big()
    for _, row in ipairs { { "no more room", nil, "no more room" }, { "returned false", false }, { "because", false, "because" } } do
      local calls = 0
      fails(row[1], m:WriteTo(function()
        calls = calls + 1
        return row[2], row[3]
      end))
      assert.equal(1, calls)
    end
    for _, value in ipairs { true, 1, "x", {} } do
      assert.is_true(m:WriteTo(function() return value end))
    end
    assert.is_true(m:WriteTo(function() return nil end))
  end)

  it("lets the function's error through as it is", function()
    local m, thrown = big(), {}
    local ok, err = pcall(m.WriteTo, m, function() error(thrown) end)
    assert.is_false(ok)
    assert.is_true(rawequal(thrown, err))
    raises("my own", function() m:WriteTo(function() error "my own" end) end)
    assert.is_true(m:WriteTo(function() end))
  end)

  it("writes the message as it was when writing began", function()
    local m = big()
    local expected, pieces = masked(m:ToString()), {}
    assert.is_true(m:WriteTo(function(piece)
      pieces[#pieces + 1] = piece
      m.From, m.Subject, m.Text, m.Html, m.To, m.Attachments = nil, "other", nil, nil, nil, nil
      collectgarbage()
    end))
    assert.equal(expected, masked(table.concat(pieces)))
  end)

  it("may be called from within itself", function()
    local m, inner = big(), nil
    local outer = {}
    assert.is_true(m:WriteTo(function(piece)
      outer[#outer + 1] = piece
      inner = inner or m:ToString()
    end))
    assert.equal(masked(inner), masked(table.concat(outer)))
  end)

  it("fails when a file changes its size while it is read", function()
    local path = folder .. "/growing.bin"
    process.write(path, mail.noise(200000))
    local m = message { Text = "x", Attachments = Attachment.Create(path) }
    local calls = 0
    local value, text, detail = m:WriteTo(function()
      calls = calls + 1
      if calls == 2 then process.write(path, mail.noise(100)) end
    end)
    fails("changed while it was read", value, text, detail)
    fails("changed while it was read", (function()
      process.write(path, mail.noise(200000))
      local pipe = folder .. "/pipe"
      process.run("mkfifo " .. pipe)
      -- the reader takes a little, changes the file, and takes the rest
      local shell = ("{ head -c 30000 >/dev/null; : >%s; cat >/dev/null; } <%s"):format(path, pipe)
      local reader = io.popen(shell, "r")
      local a, b, c = m:WriteTo(pipe)
      reader:close()
      os.remove(pipe)
      return a, b, c
    end)())
  end)

  it("writes a gigabyte in constant memory", function()
    local said, status = process.run("truncate -s 1G " .. folder .. "/big.bin")
    assert.equal(0, status, said)
    local text
    text, status = process.lua([[
      local netmail = require "netmail"
      local function peak()
        for line in io.lines "/proc/self/status" do
          local kb = line:match "^VmHWM:%s*(%d+) kB"
          if kb then return tonumber(kb) end
        end
      end
      local function write(attachment)
        local m = netmail.MailMessage { From = "a@x.org", To = "b@x.org", Attachments = attachment }
        local bytes, most = 0, 0
        assert(m:WriteTo(function(piece)
          bytes = bytes + #piece
          local count = collectgarbage "count"
          if count > most then most = count end
        end))
        return bytes, most
      end
      local small = write(netmail.Attachment { Content = "", Name = "big.bin" })
      local before = peak()
      local bytes, most = write(netmail.Attachment.Create(arg[1]))
      print(("%.0f %.0f %.0f %.0f"):format(small, bytes, most, peak() - before))
    ]], folder .. "/big.bin")
    assert.equal(0, status, text)
    local small, bytes, most, grown = text:match "^(%d+) (%d+) (%d+) (%d+)\n$"
    -- lines of 57 bytes as 76 characters and CRLF, the last one of 19 bytes as 28; an empty part keeps the CRLF of its delimiter
    local size = 2 ^ 30
    local full, rest = math.floor(size / 57), size % 57
    local encoded = full * 78 + (rest > 0 and math.ceil(rest / 3) * 4 + 2 or 0)
    assert.equal(encoded - 2, tonumber(bytes) - tonumber(small))
    assert.is_true(tonumber(most) < 16 * 1024, "Lua held " .. most .. " kB")
    assert.is_true(tonumber(grown) < 16 * 1024, "the process grew by " .. grown .. " kB")
  end)
end)
