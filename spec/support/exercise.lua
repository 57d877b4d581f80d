-- Uses every class once, with all that may allocate, and checks what comes out. For the tests that let memory fail, the
-- collector run at every step, or valgrind watch: so it is short, needs no server and no file, and runs on every Lua.

local netmail = require "netmail"

local function addresses()
  local a = netmail.MailAddress.Create '"Иванов, Иван" <ivanov@server.ru>'
  local b = netmail.MailAddress.CreateWithName("petrov@server.ru", "Пётр")
  assert(a.User == "ivanov" and a.Host == "server.ru" and a.DisplayName == "Иванов, Иван")
  assert(tostring(b) == '"Пётр" <petrov@server.ru>')
  assert(not netmail.MailAddress.TryParse "no address")
  return a, b
end

local function attachments()
  local picture = netmail.Attachment { Content = ("\0\255"):rep(100), Name = "рисунок.png", ContentId = "picture" }
  local text = netmail.Attachment { Content = "one\r\ntwo\r\n", Name = "table.csv" }
  text.ContentType = "text/plain"
  text:ReleaseResource()
  assert(picture.Inline and text.Size == 10 and tostring(text) == "Attachment (table.csv, text/plain)")
  return { picture, text }
end

local function fill(m, a, b)
  m.To:Add(b)
  m.To:AddString "sidorov@server.ru, Имя <x@server.ru>"
  m.To:Insert(0, a)
  m.CC = { a, "cc@server.ru" }
  m.Bcc = m.To
  m.ReplyTo = "reply@server.ru"
  assert(m.To.Count == 4 and m.To:IndexOf(b) == 1 and m.To[2] == b)
  assert(m.Bcc:Remove "x@server.ru" and #m.Bcc == 3)
  local printed = {}
  for i, address in m.To:Iter() do printed[i] = tostring(address) end
  assert(table.concat(printed, ",") == m.To:ToString())
end

local function fields(m)
  m.Headers = { ["X-A"] = { "1", "два" }, ["List-ID"] = "Список <a.b.test>" }
  m.Headers:Add("X-B", "2"):Set("X-b", "3")
  m.MessageId, m.Date, m.InReplyTo = "id@x.org", "22 Nov 2026 02:52:45 +0300", "q@w"
  m.References, m.Keywords = { "a@b", "<c@d>" }, { "red", "зелёный, синий" }
  m.ListUnsubscribe = { "https://x.org", "mailto:u@x.org" }
  m.ListUnsubscribeOneClick = true
  m.DispositionNotificationTo = "r@x.org"
  assert(#m.References == 2 and m.Keywords[2] == "зелёный, синий" and m.ListUnsubscribe[2] == "mailto:u@x.org")
  local names = {}
  for name in m.Headers:Iter() do names[#names + 1] = name end
  assert(#names == #m.Headers and #m.Headers:GetAll "x-a" == 2 and #tostring(m.Headers) > 100)
  m:Resend { From = "r@x.org", To = { "t@x.org" }, CC = "Я <c@x.org>" }
end

local function build(a, b)
  local m = assert(netmail.MailMessage.TryNew {
    From = a, Subject = "Тестовое письмо", SubjectEncoding = "koi8-r", BodyEncoding = "windows-1251", Text = "Текст письма\n",
    Html = "<p>Текст</p>", Attachments = attachments(), Priority = netmail.MailPriority.High,
  })
  fill(m, a, b)
  fields(m)
  local text = assert(m:ToString())
  local pieces = {}
  assert(m:WriteTo(function(piece) pieces[#pieces + 1] = piece end))
  assert(#table.concat(pieces) == #text)
  local copy = netmail.MailMessage.CreateWithFromAndTo("a@x.org", b)
  copy.Body = "<p>"
  copy.IsBodyHtml = true
  assert(copy.Html == "<p>" and copy.From_.Address == "a@x.org")
  assert(copy:ToString())
  return m
end

-- Contents that are brought: a function that is read to its end in a coroutine, an open file, and what nobody reads.
local function brought(a)
  local n = 0
  local function next_chunk()
    n = n + 1
    coroutine.yield()
    return n < 3 and ("x"):rep(300) or nil
  end
  local file = assert(io.tmpfile())
  file:write "file"
  file:seek "set"
  local m = netmail.MailMessage { From = a, To = a, Text = "x", Attachments = {
    netmail.Attachment { Content = next_chunk, Name = "function", Size = 600 }, netmail.Attachment { Content = file, Name = "file" } } }
  for _ = 1, 10 do netmail.Attachment { Content = function() return m end, Name = "unread" } end
  local run = coroutine.wrap(function() return assert(m:ToString()) end)
  local text
  repeat text = run() until text
  assert(#text > 800)
  local _, err = m:ToString()
  assert(err:find("read already", 1, true), err)
  m.Attachments:RemoveAt(0)
  assert(m:WriteTo(function() end))
  file:close()
end

local function html(a)
  local m = netmail.MailMessage { From = a, To = "b@x.org", TextFromHtml = true,
    Html = "<h1>One</h1><table><tr><td>a<td><a href='https://x.org'>b</a></table><img src='data:image/png;base64,aGVsbG8='>" }
  assert(assert(m:EmbedImages()) == 1 and m.LinkedResources[1].Name == "image1.png")
  local done, why = m:EmbedImages "/no/such/place"
  assert(done == nil and assert(why:find("/no/such/place", 1, true), why))
  local text = assert(netmail.HtmlToText(m.Html))
  assert(text == "One\n\na | b <https://x.org>\n" and assert(m:ToString()):find("a | b", 1, true))
end

-- Another error goes on: it may be that memory has run out.
local function refused(words, f)
  local ok, err = pcall(f)
  assert(not ok)
  if not tostring(err):find(words, 1, true) then error(err, 0) end
end

-- Messages that exist, as they are, in pieces, and read.
local function existing(a)
  local eml = "From: Ann <a@x.org>\r\nTo: b@x.org\r\nMessage-ID: <1@x.org>\r\nX-A: b\r\n" ..
    "Content-Type: multipart/mixed; boundary=x\r\n\r\n" ..
    "--x\r\n\r\ntext\r\n--x\r\nContent-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--x--\r\n"
  local raw = netmail.MailMessage { From = a, To = a }
  local done, why = raw:TryRaw "Bcc: x@x.org\n\n"
  assert(done == nil and assert(why:find("Bcc", 1, true), why))
  assert(assert(raw:Raw(eml):ToString()) == eml and raw.MessageId == "<1@x.org>")
  local read = assert(netmail.MailMessage.TryParse(eml))
  assert(read.Text == "text" and read.Attachments[1].Content == "hello" and read.Headers:Get "X-A" == "b")
  local none, words = netmail.MailMessage.TryParse ""
  assert(none == nil and assert(words:find("message", 1, true), words))
  read.Attachments:Add(netmail.Part { Message = raw })
  read.Text = ("line\r\n"):rep(1500)
  local pieces = assert(read:Split(5000))
  assert(#pieces > 1)
  assert(pieces[1]:ToString())
end

-- A part of every kind, in every place of a message.
local function parts()
  local Part = netmail.Part
  local ics = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n"
  local text = Part { Text = "Текст", Charset = "koi8-r", Parameters = { format = "flowed", delsp = "yes" }, TransferEncoding = "base64" }
  local within = Part { Message = netmail.MailMessage { From = "a@x.org", Text = "t", Attachments = { text } }, Name = "old.eml" }
  local elsewhere = Part { External = { ["access-type"] = "URL", URL = "https://x.org/" }, ContentDescription = "где-то" }
  local all = Part { Multipart = "parallel", Parts = { text, within, elsewhere }, ContentLanguage = "ru, en" }
  assert(all.Parts[1] == text and all.Parts[2].Message.Attachments[1] == text and text.Parameters.format == "flowed")
  refused("not the name of a parameter", function() text.Parameters = { x = "y", ["no name"] = "z" } end)
  assert(not text.Parameters.x)
  refused("not the type of a multipart", function() Part { Multipart = "text/plain", Parts = { text } } end)
  refused("needs the parameter URL", function() Part { External = { ["access-type"] = "URL" } } end)
  local m = netmail.MailMessage { From = "a@x.org", Text = "t", Calendar = ics, LinkedResources = { text }, Attachments = { all },
    AlternateViews = { Part { Html = "<p>", ContentLocation = "https://x.org/" } }, BodyTransferEncoding = "quoted-printable" }
  assert(m.Calendar == ics)
  assert(m:ToString())
  m = netmail.MailMessage { From = "a@x.org", RootPart = all }
  assert(m.RootPart == all)
  assert(m:ToString())
end

-- One body for many.
local function templates(a)
  local m = netmail.MailMessage { From = a, Subject = "Всем", Text = ("x"):rep(20000), Headers = { ["X-A"] = "1", ["X-B"] = "2" },
    BodyTransferEncoding = "8bit", Attachments = { netmail.Attachment { Content = "é", Name = "e.txt", TransferEncoding = "binary" } } }
  local template = assert(m:Template())
  assert(tostring(template) == 'MailTemplate ("Всем", 0 recipients)')
  local one = template:For { To = "B <b@x.org>", Headers = { ["x-a"] = "своё" }, ListUnsubscribe = { "https://x.org/1" } }
  local other = assert(template:TryFor { To = { a, "c@x.org" }, Subject = "own" })
  local none, why = template:TryFor { To = "c@" }
  assert(none == nil and assert(why:find("is refused", 1, true), why))
  assert(#one.Headers == 3 and one.Headers:Get "X-A" == "своё" and other.To.Count == 2)
  assert(#assert(one:ToString()) > 20000 and assert(other:ToString()):find("Subject: own", 1, true))
end

local function client()
  local credential = netmail.NetworkCredential.Create("ivanov", "password", "work")
  local cache = netmail.CredentialCache.Create()
  cache:Add("smtp.example.org", 25, "PLAIN", credential)
  assert(cache:GetCredential("smtp.example.org", 25, "plain") == credential)
  local c = netmail.SmtpClient { Host = "smtp.example.org", Port = 465, EnableSsl = true, UserName = "me", Password = "secret",
    Credentials = cache, LocalName = "me.example", Proxy = "socks5h://proxy:1080" }
  c.SendOptions = { From = "Me <me@x.org>", IfOffered = { "DSN" }, DeliverBy = { Seconds = 60, Mode = "notify" }, Notify = "delay",
    To = { "a@x.org, b@x.org", { Address = "c@x.org", Notify = { "success", "delay" }, OriginalRecipient = "d@x.org" } } }
  assert(#c.SendOptions.To == 3 and c.SendOptions.To[3].Notify[1] == "success")
  c.SendOptions.From = ""
  assert(c.SendOptions.From == false and c.SendOptions.DeliverBy.Mode == "notify" and c.Capabilities == nil)
  c.ThisHostCredentials["PLAIN"] = credential
  assert(c.ThisHostCredentials[""].UserName == "me" and c.ThisHostCredentials("PLAIN") == credential)
  credential:CreateWithUserPassword("other", "word")
  assert(cache:Remove("smtp.example.org", 25, "PLAIN"))
  c:Close()
  return c
end

return function()
  local a, b = addresses()
  parts()
  existing(a)
  brought(a)
  html(a)
  templates(a)
  return build(a, b), client()
end
