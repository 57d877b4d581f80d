local netmail = require "netmail"
local lfs = require "lfs"
local mail = require "spec.support.mail"
local process = require "spec.support.process"

local Attachment = netmail.Attachment
local raises = mail.raises

describe("an Attachment", function()
  local folder, remove, path

  setup(function()
    folder, remove = mail.folder()
    path = folder .. "/image01.jpeg"
    process.write(path, "jpeg\0bytes")
  end)

  teardown(function() remove() end)

  it("is made from the path of a file", function()
    local a = Attachment.Create(path)
    assert.equal(path, a.ContentName)
    assert.equal("image01.jpeg", a.Name)
    assert.equal("image/jpeg", a.ContentType)
    assert.is_nil(a.ContentId)
    assert.is_false(a.Inline)
    assert.equal(10, a.Size)
    assert.equal("Attachment (image01.jpeg, image/jpeg)", tostring(a))
    assert.equal("Attachment (image01.jpeg, image/jpeg)", a:ToString())
  end)

  it("is made from a table with a path", function()
    local a = Attachment { Path = path, Name = "фото.png", ContentType = "image/x-own" }
    assert.equal(path, a.ContentName)
    assert.equal("фото.png", a.Name)
    assert.equal("image/x-own", a.ContentType)
  end)

  it("is made from a table with its content", function()
    local a = Attachment { Content = "a\0b", Name = "table.csv" }
    assert.equal("table.csv", a.ContentName)
    assert.equal("table.csv", a.Name)
    assert.equal("text/csv", a.ContentType)
    assert.equal(3, a.Size)
    local bare = Attachment { Content = "" }
    assert.is_nil(bare.Name)
    assert.is_nil(bare.ContentName)
    assert.equal("application/octet-stream", bare.ContentType)
    assert.equal(0, bare.Size)
    assert.equal("Attachment (unnamed, application/octet-stream)", tostring(bare))
  end)

  it("checks its path at once", function()
    raises("does not exist", function() local _ = Attachment.Create(folder .. "/none") end)
    raises("does not exist", function() local _ = Attachment { Path = folder .. "/none" } end)
    raises("is a directory", function() local _ = Attachment.Create(folder) end)
    raises("is a device", function() local _ = Attachment.Create("/dev/null") end)
    raises("path of a file is empty", function() local _ = Attachment.Create("") end)
    raises("NUL", function() local _ = Attachment.Create(path .. "\0.txt") end)
    raises("not a directory", function() local _ = Attachment.Create(path .. "/x") end)
    raises("too long", function() local _ = Attachment.Create("/" .. ("x"):rep(5000)) end)
    for _, url in ipairs { "http://169.254.169.254/", "file://" .. path, "phar://" .. path, "data:,x" } do
      raises("does not exist", function() local _ = Attachment.Create(url) end)
    end
  end)

  it("does not wait for a pipe", function()
    local pipe = folder .. "/pipe"
    local said, status = process.run("mkfifo " .. process.quote(pipe))
    assert.equal(0, status, said)
    raises("is a pipe", function() local _ = Attachment.Create(pipe) end)
  end)

  it("reads a file anew at each rendering, and says when it is gone", function()
    local file = folder .. "/changing.bin"
    process.write(file, "one")
    local m = netmail.MailMessage { From = "a@x.org", To = "b@x.org", Attachments = { Attachment.Create(file) } }
    assert.is_truthy(m:ToString():find("b25l", 1, true))
    process.write(file, "two!")
    assert.equal(4, m.Attachments[1].Size)
    assert.is_truthy(m:ToString():find("dHdvIQ==", 1, true))
    os.remove(file)
    assert.is_nil(m.Attachments[1].Size)
    mail.fails("does not exist", m:ToString())
    lfs.mkdir(file)
    mail.fails("directory", m:ToString())
    lfs.rmdir(file)
    process.write(file, "three")
    assert.is_truthy(m:ToString():find("dGhyZWU=", 1, true))
  end)

  it("holds no descriptor, before and after ReleaseResource, and stays usable", function()
    local a = Attachment.Create(path)
    local function open_files()
      local n = 0
      for name in lfs.dir("/proc/self/fd") do
        if name:match "^%d+$" then n = n + 1 end
      end
      return n
    end
    local m = netmail.MailMessage { From = "a@x.org", To = "b@x.org", Attachments = a }
    collectgarbage()
    local before = open_files()
    assert(m:ToString())
    assert.equal(before, open_files())
    a:ReleaseResource()
    a:ReleaseResource()
    assert.equal(before, open_files())
    assert.is_truthy(m:ToString():find("anBlZwBieXRlcw==", 1, true))
  end)

  it("has one content and says so", function()
    raises("Attachment takes either Path or Content", function() local _ = Attachment {} end)
    raises("Attachment takes either Path or Content", function() local _ = Attachment { Name = "x" } end)
    raises("not both", function() local _ = Attachment { Path = path, Content = "x" } end)
    raises("Attachment takes a table", function() local _ = Attachment(path) end)
    raises("Attachment takes a table", function() local _ = Attachment() end)
    raises("bad value for 'Content' (string of bytes, function or open file expected, got number)",
      function() local _ = Attachment { Content = 5 } end)
    raises("bad value for 'Path' (string expected, got table)", function() local _ = Attachment { Path = {} } end)
    raises("bad value for 'FileName' (string expected, got number)", function() local _ = Attachment.Create(5) end)
    raises("bad value for 'FileName' (string expected, got nothing)", function() local _ = Attachment.Create() end)
  end)

  it("takes plain values from its table and nothing else", function()
    raises("Part has no property 'path'", function() local _ = Attachment { Content = "x", path = "/etc/passwd" } end)
    raises("Part has no property 'Href'", function() local _ = Attachment { Content = "x", Href = "http://x.org" } end)
    raises("did you mean 'Name'", function() local _ = Attachment { Content = "x", name = "y" } end)
    raises("found a number as a key", function() local _ = Attachment { "x", Content = "x" } end)
    raises("Content has 1 bytes, but Size says 5", function() local _ = Attachment { Content = "x", Size = 5 } end)
    -- what a metatable promises is not asked for
    local sly = setmetatable({ Content = "x" }, { __index = function(_, k) error("asked for " .. tostring(k)) end })
    assert.equal(1, Attachment(sly).Size)
    raises("either Path or Content", function() local _ = Attachment(setmetatable({}, { __index = { Path = path } })) end)
  end)

  it("keeps the last component of a name", function()
    for given, name in pairs { ["/etc/passwd"] = "passwd", ["../../a.txt"] = "a.txt", ["C:\\x\\y.txt"] = "y.txt",
      ["a/b\\c.d"] = "c.d", [".htaccess"] = ".htaccess", ["a"] = "a", ["..a"] = "..a" } do
      assert.equal(name, Attachment { Content = "", Name = given }.Name)
      local a = Attachment { Content = "" }
      a.Name = given
      assert.equal(name, a.Name)
    end
    for _, bad in ipairs { ".", "..", "/", "a/", "a\\", "x/.." } do
      raises("names a folder", function() local _ = Attachment { Content = "", Name = bad } end)
    end
  end)

  it("refuses what would be header or no text in its name, type and id", function()
    local a = Attachment { Content = "x", Name = "a.txt", ContentType = "text/plain", ContentId = "one" }
    for _, c in ipairs { "\r", "\n", "\r\nBcc: e@z.org", "\0", "\255", "\237\160\128", "\192\175" } do
      for _, name in ipairs { "Name", "ContentType", "ContentId" } do
        raises("", function() a[name] = "text/plain" .. c end)
        raises("", function() a[name] = c end)
        raises("", function() local _ = Attachment { Content = "x", [name] = "b" .. c } end)
      end
    end
    for _, bad in ipairs { "text", "text/", "/plain", "text/plain; boundary=x", "text/pl ain", "a/b/c", "; a=b", "é/x",
      "multipart/mixed", "MULTIPART/x", ("x"):rep(300) .. "/y" } do
      raises("", function() a.ContentType = bad end)
    end
    for _, bad in ipairs { "a b", "a>", "<a", "a<b", "a@b@c", "@", "a@", "@a", "é", "a..b", "a\tb", "<>", ("x"):rep(600) } do
      raises("", function() a.ContentId = bad end)
    end
    raises("too long", function() a.Name = ("x"):rep(1025) end)
    assert.equal("a.txt", a.Name)
    assert.equal("text/plain", a.ContentType)
    assert.equal("one", a.ContentId)
  end)

  it("takes a content id with and without brackets, and is inline by it", function()
    local a = Attachment { Content = "x", ContentId = "<chart@x.org>" }
    assert.equal("chart@x.org", a.ContentId)
    assert.is_true(a.Inline)
    a.ContentId = "chart"
    assert.equal("chart", a.ContentId)
    a.ContentId = nil
    assert.is_nil(a.ContentId)
    assert.is_false(a.Inline)
    a.Inline = true
    assert.is_true(a.Inline)
    a.ContentId = "b"
    a.Inline = false
    assert.equal("b", a.ContentId)
    assert.is_false(a.Inline)
    a.ContentId = ""
    assert.is_nil(a.ContentId)
  end)

  it("takes nothing away by nil, and its type comes from the name again", function()
    local a = Attachment { Content = "x", Name = "a.pdf", ContentType = "text/x-own" }
    a.ContentType = nil
    assert.equal("application/pdf", a.ContentType)
    a.Name = "b.PNG"
    assert.equal("image/png", a.ContentType)
    a.Name = "b.tar.gz"
    assert.equal("application/gzip", a.ContentType)
    a.Name = nil
    assert.is_nil(a.Name)
    assert.equal("application/octet-stream", a.ContentType)
  end)

  it("checks types and members", function()
    local a = Attachment { Content = "x" }
    raises("bad value for 'Name' (string expected, got number)", function() a.Name = 5 end)
    raises("bad value for 'ContentType' (string expected, got table)", function() a.ContentType = {} end)
    raises("bad value for 'ContentId' (string expected, got boolean)", function() a.ContentId = false end)
    raises("bad value for 'Inline' (boolean expected, got nothing)", function() a.Inline = nil end)
    raises("bad value for 'Inline' (boolean expected, got number)", function() a.Inline = 1 end)
    raises("property 'ContentName' of Part is read only", function() a.ContentName = "x" end)
    raises("property 'Size' of Part is read only", function() a.Size = 1 end)
    raises("property 'Content' of Part is read only", function() a.Content = "y" end)
    raises("Part has no property 'Path'", function() a.Path = path end)
    raises("did you mean 'ContentId'", function() local _ = a.ContentID end)
    raises("with a colon", function() a.ReleaseResource() end)
    raises("Part.ToString was called with a dot", function() local _ = a.ToString() end)
    raises("netmail.Attachment has no member 'CreateWithPath'", function() local _ = Attachment.CreateWithPath end)
  end)
end)

describe("an attachment collection", function()
  local a, b, c, m, list

  before_each(function()
    a = Attachment { Content = "a", Name = "a" }
    b = Attachment { Content = "b", Name = "b" }
    c = Attachment { Content = "c", Name = "c" }
    m = netmail.MailMessage { Attachments = { a, b } }
    list = m.Attachments
  end)

  local function names(l)
    local out = {}
    for i, x in l:Iter() do out[i] = x.Name end
    return table.concat(out)
  end

  it("has the members of Fore's", function()
    assert.equal(2, list.Count)
    assert.equal(2, #list)
    assert.equal(a, list:Item(0))
    assert.equal(b, list[2])
    assert.is_nil(list[3])
    assert.equal(1, list:IndexOf(b))
    assert.equal(-1, list:IndexOf(c))
    assert.equal(list, list:Add(c))
    assert.equal(list, list:Insert(1, c))
    assert.equal("acbc", names(list))
    assert.is_true(list:Contains(c))
    assert.is_true(list:Remove(c))
    assert.equal("abc", names(list))
    list:RemoveAt(0)
    assert.equal("bc", names(list))
    assert.is_false(list:Remove(a))
    list:Clear()
    assert.equal(0, #list)
    assert.equal("PartCollection (0)", tostring(list))
  end)

  it("looks for the object itself, not for one that is alike", function()
    local twin = Attachment { Content = "a", Name = "a" }
    assert.equal(-1, list:IndexOf(twin))
    assert.is_false(list:Contains(twin))
    assert.is_false(list:Remove(twin))
    assert.is_true(rawequal(a, list[1]))
  end)

  it("raises out of range and changes nothing", function()
    for _, i in ipairs { -1, 2, 1e9 } do
      raises("Item: index", function() local _ = list:Item(i) end)
      raises("RemoveAt: index", function() list:RemoveAt(i) end)
    end
    raises("Insert: index", function() list:Insert(3, c) end)
    assert.equal("ab", names(list))
  end)

  it("takes no text: a file wants its constructor", function()
    raises("Attachment.Create(path)", function() list:Add("/etc/passwd") end)
    raises("Attachment.Create(path)", function() list:Insert(0, "/etc/passwd") end)
    raises("Attachment.Create(path)", function() m.Attachments = "/etc/passwd" end)
    raises("Attachment.Create(path)", function() m.Attachments = { a, "/etc/passwd" } end)
    raises("PartCollection takes an array", function() m.Attachments = { Path = "/etc/passwd" } end)
    raises("PartCollection takes an array", function() m.Attachments = { Content = "x" } end)
    raises("", function() m.Attachments = { { Path = "/etc/passwd" } } end)
    raises("Part expected, got string", function() local _ = list:IndexOf("a") end)
    raises("Part expected, got table", function() local _ = list:Contains({}) end)
    raises("PartCollection has no property 'AddString'", function() list:AddString("x") end)
    assert.equal("ab", names(list))
  end)

  it("is replaced by assignment, and outlives its message", function()
    m.Attachments = c
    assert.equal("c", names(list))
    m.Attachments = { b, a }
    assert.equal("ba", names(list))
    local other = netmail.MailMessage { Attachments = list }.Attachments
    m.Attachments = nil
    assert.equal(0, #list)
    assert.is_true(rawequal(list, m.Attachments))
    collectgarbage()
    collectgarbage()
    assert.equal("ba", names(other))
    assert.is_true(rawequal(a, other[2]))
  end)
end)
