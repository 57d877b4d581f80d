-- Third-party texts that have broken others: what is UTF-8 comes through byte by byte, what is not is refused.

local netmail = require "netmail"
local mail = require "spec.support.mail"
local built = require "spec.support.built"

local MailMessage = netmail.MailMessage

describe("UTF-8", function()
  it("is told from what is not in every text field", function()
    local text, reason = mail.vector "unicode/utf8tests.txt"
    if not text then return pending(reason) end
    local valid, invalid = 0, 0
    for line in text:gmatch "[^\r\n]+" do
      local kind, rest = line:match "^[%d.]+:%s*(%l+[ %l]*):(.*)$"
      if kind then
        local bytes = kind == "valid" and rest or mail.unhex((rest:match "^[^:]*":gsub("%s", "")))
        local good = kind:find "^valid" ~= nil
        local one_line = good and not bytes:find "[%z\r\n]"
        assert.equal(good and not bytes:find "%z", MailMessage.TryNew { Text = bytes } ~= nil, line)
        assert.equal(good and not bytes:find "%z", MailMessage.TryNew { Html = bytes } ~= nil, line)
        assert.equal(one_line, MailMessage.TryNew { Subject = bytes } ~= nil, line)
        assert.equal(one_line, (pcall(netmail.Attachment, { Content = "", Name = "a" .. bytes .. "b" })), line)
        local visible = good and not bytes:find "[%z\1-\31\127]"
        assert.equal(visible, (pcall(netmail.MailAddress.CreateWithName, "a@b.c", bytes)), line)
        valid, invalid = valid + (good and 1 or 0), invalid + (good and 0 or 1)
      end
    end
    assert.equal(77, valid)
    assert.equal(145, invalid)
  end)
end)

describe("a naughty string", function()
  it("comes through as subject, name, body and file name", function()
    local list, reason = mail.json "unicode/blns.json"
    if not list then return pending(reason) end
    local rows = {}
    for i, s in ipairs(list) do
      local m = MailMessage { From = "a@x.org", To = "b@x.org", Text = "x", Html = s }
      local one_line = not s:find "[\r\n%z]"
      if one_line then m.Subject = s else assert.is_false((pcall(function() m.Subject = s end))) end
      local named, address = pcall(netmail.MailAddress.CreateWithName, "n@x.org", s)
      assert.equal(not s:find "[%z\1-\31\127]", named, "name " .. i)
      if named then m.ReplyTo = address end
      local kept, attachment = pcall(netmail.Attachment, { Content = s, Name = s })
      if kept then m.Attachments = attachment end
      rows[#rows + 1] = { m, function(p)
        if one_line then assert.equal(s, (mail.field(p, "Subject")) or "", "subject " .. i) end
        if named then
          local _, reply = mail.field(p, "Reply-To")
          assert.equal(1, #reply.addresses, "name " .. i)
          assert.equal(s, reply.addresses[1].name, "name " .. i)
          assert.equal("n@x.org", reply.addresses[1].spec, "name " .. i)
        end
        local leaves = mail.leaves(p.root)
        assert.equal(built.normal(s), leaves[2].content, "body " .. i)
        if kept then
          assert.equal(s, leaves[3].content, "content " .. i)
          assert.equal(attachment.Name, leaves[3].filename, "file name " .. i)
        end
      end, what = "string " .. i }
    end
    assert.is_true(#rows > 500)
    built.each(rows)
  end)
end)
