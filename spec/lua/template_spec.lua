-- A template's mails are what messages made one by one would be: on the wire, to Python's email package, and to the server.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"
local net = require "spec.support.net"
local testing = require "netmail.testing"

local MailMessage, Attachment = netmail.MailMessage, netmail.Attachment
local date = "22 Nov 2026 02:52:45 +0300"

local folder = mail.folder()
local path = folder .. "/отчёт.csv"

local function write(bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  file:close()
end

-- Everything but the boundary is given.
local function merged(...)
  local all = { Date = date, MessageId = "one@x.org" }
  for _, fields in ipairs { ... } do
    for k, v in pairs(fields) do all[k] = v end
  end
  return all
end

-- As that message, but for the boundary.
local function check_same(common, own)
  local mine = assert(MailMessage(merged(common)):Template()):For(merged(own))
  local whole = MailMessage(merged(common, own))
  local text = assert(mine:ToString())
  assert.equal(built.masked(assert(whole:ToString())), built.masked(text))
  return text
end

describe("a template", function()
  local own = { To = "Мария Сидорова <maria@y.org>", CC = "c@y.org", Bcc = "secret@z.org", Subject = "Ваш счёт", Priority = 1 }
  local header = { From = "Иван Петров <ivan@x.org>", ReplyTo = "r@x.org", Subject = "Тема" }

  it("gives the octets of a message made anew, and Python reads the same", function()
    write "a;b\r\n1;2\r\n"
    local texts, rows = {}, {}
    for name, body in pairs {
      text = { Text = "Текст\n" },
      page = { Text = "Текст\n", Html = "<p><img src='cid:i'>",
        LinkedResources = { Attachment { Content = "\137PNG", ContentId = "i", Name = "i.png" } } },
      page_alone = { Html = "<p>Да", TextFromHtml = true },
      files = { Text = "See", Attachments = { Attachment.Create(path), Attachment { Content = ("\255"):rep(50000), Name = "b.bin" } } },
      eight_bits = { Text = "Текст", BodyTransferEncoding = "8bit" },
      large = { Text = ("Длинная строка.\n"):rep(3000) },
      invitation = { Text = "Come", Calendar = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n" },
      forwarded = { Text = "See", Attachments = { netmail.Part { Message = MailMessage { From = "o@x.org", Text = "old" } } } },
    } do
      local text = check_same(merged(header, body), own)
      if name ~= "eight_bits" then texts[name] = text end
    end
    for name, text in pairs(texts) do
      built.check_wire(text, name)
      rows[#rows + 1] = text
    end
    for _, parsed in ipairs(mail.parse_all(rows)) do
      assert.equal("Мария Сидорова <maria@y.org>", mail.field(parsed.root or parsed, "To"))
      assert.equal("Ваш счёт", mail.field(parsed.root or parsed, "Subject"))
    end
  end)

  it("has what its mails do not name", function()
    check_same({ From = "a@x.org", To = "t@x.org", CC = "c@x.org", Subject = "S", Text = "x" }, {})
    check_same({ From = "a@x.org", To = "t@x.org", CC = "c@x.org", Text = "x" }, { To = {}, CC = {}, Bcc = "b@x.org" })
    check_same({ From = "a@x.org", Text = "x" }, { From = "b@x.org", Sender = "s@x.org", To = "t@x.org" })
    check_same({ Text = "x" }, { From = "b@x.org", To = "t@x.org" })
    check_same({ From = "a@x.org", Text = "x", ListUnsubscribe = "<https://x.org/>", ListUnsubscribeOneClick = true, Keywords = "k" },
      { To = "t@x.org", ListUnsubscribe = "<https://x.org/1>" })
  end)

  it("keeps those of its Headers that a mail does not name", function()
    local template = assert(net.message { Headers = { { "X-A", "1" }, { "X-B", "2" }, { "x-a", "3" }, { "X-C", "4" } } }:Template())
    local function fields(own_headers)
      local out = {}
      for name, value in template:For({ Headers = own_headers }).Headers:Iter() do out[#out + 1] = name .. "=" .. value end
      return table.concat(out, " ")
    end
    assert.equal("X-A=1 X-B=2 x-a=3 X-C=4", fields())
    assert.equal("X-A=5 X-B=2 X-C=4 X-D=6", fields { ["X-A"] = "5", ["X-D"] = "6" })
    assert.equal("X-A=1 x-b=7 x-a=3 X-C=4 x-b=8", fields { ["x-b"] = { "7", "8" } })
    assert.equal("X-A=1 X-B=2 x-a=3 X-C=4", fields()) -- they are each mail's own
    mail.raises("use the property Subject", function() template:For { Headers = { Subject = "x" } } end)
  end)

  it("is the message as it was", function()
    local message = net.message { Attachments = { Attachment { Content = "one", Name = "a.txt" } } }
    local template = assert(message:Template())
    local before = built.masked(template:For({}):ToString())
    message.Text, message.Subject, message.To = "other", "other", "other@x.org"
    message.Attachments[1].Name = "b.txt"
    message.Attachments:Add(Attachment { Content = "two", Name = "two" })
    local mine = template:For {}
    mine.To:Add "more@x.org"
    mine.Headers:Add("X-A", "1")
    assert.equal(before, built.masked(template:For({}):ToString()))
    message, template = nil, nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_truthy(mine:ToString():find("more@x.org", 1, true))
  end)

  it("makes Date and Message-ID for each, and leaves its own Message-ID out", function()
    local template = assert(net.message { MessageId = "all@x.org" }:Template())
    local one = template:For {}
    assert.is_nil(one.MessageId)
    local seen = {}
    for _ = 1, 10 do
      local id = one:ToString():match "\r\nMessage%-ID: <(%x+)@"
      assert.is_true(#id == 32 and not seen[id])
      seen[id] = true
    end
    assert.equal("<mine@x.org>", template:For({ MessageId = "mine@x.org" }).MessageId)
  end)

  it("checks what a mail is given as a message does", function()
    local template = assert(net.message():Template())
    for words, own_fields in pairs {
      ["line break"] = { Subject = "a\r\nBcc: x@x.org" },
      ["control character"] = { To = "a@x.org\r\nRCPT TO:<b@x.org>" },
      ["X-A"] = { Headers = { ["X-A"] = "1\n2" } },
      ["NUL"] = { Subject = "a\0" },
      ["is refused"] = { CC = "no address" },
      ["https URL"] = { ListUnsubscribe = "<mailto:u@x.org>", ListUnsubscribeOneClick = true },
    } do
      local ok, err = pcall(template.For, template, own_fields)
      assert.is_false(ok)
      local none, message, detail = template:TryFor(own_fields)
      mail.fails(message, none, message, detail)
      assert.equal("message", detail.Kind)
      assert.equal(message, (err:gsub("^[^:]+:%d+: ", "")))
      assert.is_truthy(message:find(words, 1, true), message)
    end
  end)

  it("takes no body, no unknown name and no wrong type", function()
    local template = assert(net.message():Template())
    for _, name in ipairs { "Text", "Html", "Body", "Attachments", "SubjectEncoding", "RootPart", "to" } do
      local words = "PersonalMail has no property '" .. name .. "'"
      mail.raises(words, function() template:For { [name] = "x" } end)
      mail.raises(words, function() template:TryFor { [name] = "x" } end)
      mail.raises(words, function() local _ = template:For({})[name] end)
    end
    mail.raises("Subject", function() template:TryFor { Subject = 1 } end)
    mail.raises("(table expected, got nothing)", function() template:For() end)
    mail.raises("with a colon", function() template.For {} end)
    mail.raises("with a colon", function() net.message().Template {} end)
    mail.raises("MailMessage expected", function() netmail.Part { Message = template:For {} } end)
    assert.equal('MailTemplate ("spec", 1 recipients)', tostring(template))
    assert.equal('PersonalMail ("own", 2 recipients)', tostring(template:For { Subject = "own", CC = "c@x.org" }))
  end)

  it("is refused for what only one send can have", function()
    for words, message in pairs {
      ['"f.txt" comes from a function'] = net.message { Attachments = { Attachment { Content = function() end, Name = "f.txt" } } },
      ["one header for all"] = net.message():Raw "From: a@x.org\r\n\r\nx\r\n",
      ["resend what it gives"] = net.message():Resend { From = "r@x.org", To = "s@x.org" },
      ["Subject"] = net.message { Subject = "Тема", SubjectEncoding = "us-ascii" },
    } do
      mail.fails(words, message:Template())
    end
    local file = assert(io.tmpfile())
    file:write "x"
    file:seek "set"
    mail.fails("an open file", net.message({ Attachments = { Attachment { Content = file, Name = "o" } } }):Template())
    file:close()
  end)

  it("does not send a file that became another one", function()
    write "first\r\n"
    local template = assert(net.message { Attachments = { Attachment.Create(path) } }:Template())
    assert(template:For({}):ToString())
    write "the second\r\n"
    mail.fails("make a new template", template:For({}):ToString())
    os.remove(path)
    mail.fails("does not exist", template:For({}):ToString())
  end)

  it("writes to functions and files", function()
    local template = assert(net.message { Attachments = { Attachment { Content = ("x"):rep(100000), Name = "x" } } }:Template())
    local mine, pieces = template:For { Date = date, MessageId = "1@x.org" }, {}
    assert(mine:WriteTo(function(piece) pieces[#pieces + 1] = piece end))
    assert(mine:WriteTo(path))
    local file = assert(io.open(path, "rb"))
    assert.equal(mine:ToString(), file:read "*a")
    assert.equal(mine:ToString(), table.concat(pieces))
    file:close()
    mail.raises("ToString was called with a dot", function() mine.ToString(1) end)
  end)
end)

describe("a mail of a template", function()
  -- What a server with these extensions got of a template's mails and of messages made one by one.
  local function received(extensions, common, owns, options)
    local got = {}
    for i = 1, 2 do
      local server = testing.Server { Extensions = extensions }
      local client = server:Client()
      local template = i == 1 and assert(net.message(merged(common)):Template())
      for _, own in ipairs(owns) do
        local fields = i == 1 and merged(own) or merged(common, own)
        local result, err = client:Send(i == 1 and template:For(fields) or net.message(fields), options)
        assert.is_nil(err)
        assert.equal("accepted", result.Outcome)
        assert.equal("<one@x.org>", result.MessageId)
      end
      client:Close()
      got[i] = server:Messages()
      server:Stop()
    end
    assert.equal(#owns, #got[1])
    for k = 1, #owns do
      for _, name in ipairs { "From", "To", "MailParameters", "RcptParameters" } do assert.same(got[2][k][name], got[1][k][name]) end
      assert.equal(built.masked(got[2][k].Data), built.masked(got[1][k].Data))
    end
    return got[1]
  end

  local people = { { To = "one@example.test" }, { To = "Два <two@example.test>, three@example.test", Bcc = "four@example.test" } }

  it("is sent as a message made anew", function()
    for _, extensions in ipairs { {}, { "PIPELINING", "SIZE" }, { "PIPELINING", "CHUNKING" } } do
      local got = received(extensions, { Text = "Один\n.\n", Html = "<p>" }, people)
      assert.same({ "one@example.test" }, got[1].To)
      assert.same({ "two@example.test", "three@example.test", "four@example.test" }, got[2].To)
      received(extensions, { Text = "Один", Attachments = { Attachment { Content = ("x"):rep(100000), Name = "x" } } }, people)
    end
  end)

  it("is encoded for a server that does not take it as it is", function()
    local text = { Text = "Текст", BodyTransferEncoding = "8bit" }
    local binary = { Attachments = { Attachment { Content = "\0\255", Name = "x", TransferEncoding = "binary" } } }
    for _, row in ipairs {
      { text, { "8BITMIME" }, "8bit" }, { text, {}, "base64" }, { binary, { "8BITMIME", "BINARYMIME", "CHUNKING" }, "binary" },
      { binary, { "8BITMIME" }, "base64" },
    } do
      for _, got in ipairs(received(row[2], row[1], people)) do
        assert.is_truthy(got.Data:find("Content-Transfer-Encoding: " .. row[3] .. "\r\n", 1, true), got.Data)
      end
    end
  end)

  it("takes the options of Send, and addresses beyond ASCII", function()
    received({ "DSN" }, {}, people, { Ret = "headers", Notify = "failure", EnvelopeId = "e" })
    received({ "8BITMIME", "SMTPUTF8" }, {}, { { To = "иван@example.test" } })
    local server = testing.Server { Extensions = { "8BITMIME" } }
    local client = server:Client()
    local template = assert(net.message():Template())
    mail.fails("<иван@example.test> in To", client:Send(template:For { To = "иван@example.test" }))
    client:Close()
    server:Stop()
  end)

  it("can be resent", function()
    local server = testing.Server()
    local client = server:Client()
    local template = assert(net.message():Template())
    assert(client:Send(template:For({}):Resend { From = "r@example.test", To = "s@example.test" }))
    client:Close()
    local got = server:Messages()[1]
    assert.same({ "s@example.test" }, got.To)
    assert.is_truthy(got.Data:find("Resent%-To: s@example.test\r\n.*\r\nTo: b@example.test\r\n"))
    server:Stop()
  end)

  it("can be a task, several of one template at once, and what it is given later does not reach it", function()
    local server = testing.Server()
    local client = server:Client()
    local template = assert(net.message { Attachments = { Attachment { Content = ("x"):rep(50000), Name = "x" } } }:Template())
    local tasks = {}
    for i = 1, 3 do
      local mine = template:For { To = "u" .. i .. "@example.test" }
      tasks[i] = client:SendAsync(mine)
      mine.To = "later@example.test"
    end
    template = nil -- luacheck: ignore
    collectgarbage()
    for i = 1, 3 do assert.equal("accepted", assert(tasks[i]:Wait()).Outcome) end
    client:Close()
    for i, got in ipairs(server:Messages()) do assert.same({ "u" .. i .. "@example.test" }, got.To) end
    assert.equal(3, #server:Messages())
    server:Stop()
  end)

  it("costs a bounded memory, however many there are", function()
    local template = assert(net.message { Text = ("x\n"):rep(5000) }:Template())
    local function run(n)
      for i = 1, n do template:For { To = "u" .. i .. "@example.test" } end
    end
    local function memory()
      local file = io.open "/proc/self/status"
      local kb = file and tonumber(file:read "*a":match "VmRSS:%s*(%d+)")
      if file then file:close() end
      return kb
    end
    run(2000)
    local before = memory()
    if not before then return pending "no /proc here" end
    run(20000) -- 200 MB of bodies, 40 MB of messages
    assert.is_true(memory() - before < 4000, "grew by " .. memory() - before .. " KB")
  end)
end)
