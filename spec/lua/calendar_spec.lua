-- Invitations: one iCalendar object in both of the forms that readers look for.

local netmail = require "netmail"
local built = require "spec.support.built"
local mail = require "spec.support.mail"

local message, each = built.message, built.each

local function ics(method, line_end)
  return (table.concat({ "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//RU", "METHOD:" .. method, "BEGIN:VEVENT", "UID:1@x.org",
    "DTSTAMP:20261122T025245Z", "DTSTART:20261123T100000Z", "SUMMARY:Встреча, которая длится дольше", " , чем строка",
    "ATTENDEE;RSVP=TRUE;CN=\"METHOD:CANCEL\":mailto:b@y.org", "END:VEVENT", "END:VCALENDAR", "" }, line_end or "\r\n"))
end

describe("an invitation", function()
  it("goes as an alternative with its method, and as a file", function()
    local rows = {}
    for _, method in ipairs { "REQUEST", "REPLY", "CANCEL" } do
      for _, line_end in ipairs { "\r\n", "\n", "\r" } do
        local m = message { Text = "t", Html = "h", Calendar = ics(method, line_end) }
        assert.equal(ics(method, line_end), m.Calendar)
        rows[#rows + 1] = { m, function(p, _, what)
          assert.equal("mixed(alternative(plain,html,calendar),ics)", mail.shape(p.root), what)
          local shown, file = p.root.parts[1].parts[3], p.root.parts[2]
          local _, type = mail.field(shown, "Content-Type")
          assert.is_truthy(type.value:find('method="' .. method .. '"', 1, true), what)
          assert.equal("utf-8", shown.charset, what)
          assert.is_nil(shown.disposition, what)
          assert.equal(ics(method), shown.content, what)
          assert.equal("application/ics", file.type, what)
          assert.equal("attachment", file.disposition, what)
          assert.equal("invite.ics", file.filename, what)
          assert.equal(ics(method), file.content, what)
        end, what = method }
      end
    end
    each(rows)
  end)

  it("stands alone, or with what else there is", function()
    local calendar, picture = ics "REQUEST", netmail.Attachment { Content = "x", Name = "a.png", ContentId = "i" }
    local function shaped(m, shape)
      return { m, function(p) assert.equal(shape, mail.shape(p.root)) end, what = shape }
    end
    each {
      shaped(message { Calendar = calendar }, "mixed(calendar,ics)"),
      shaped(message { Text = "t", Calendar = calendar }, "mixed(alternative(plain,calendar),ics)"),
      shaped(message { Text = "t", Html = "h", Calendar = calendar, Attachments = { picture } },
        "mixed(related(alternative(plain,html,calendar),png),ics)"),
      shaped(message { Text = "t", Calendar = calendar, BodyEncoding = "koi8-r", BodyTransferEncoding = "base64" },
        "mixed(alternative(plain,calendar),ics)"),
    }
  end)

  it("is refused with a sentence when it is none", function()
    local m = message { Text = "t", Calendar = ics "REQUEST" }
    for calendar, words in pairs {
      [""] = "not one whole", ["Invitation"] = "BEGIN:VCALENDAR", [ics("REQUEST"):gsub("METHOD:REQUEST\r\n", "", 1)] = "has no METHOD",
      [ics "INVITE"] = "RFC 5546", [ics "REQUEST\r\nMETHOD:CANCEL"] = "more than one METHOD",
      [ics "REQUEST" .. ics "REQUEST"] = "more than one",
      [ics("REQUEST"):sub(1, -10)] = "VCALENDAR", [ics "REQUEST\r\nX:\255"] = "UTF-8", [ics "REQUEST\r\nX:\0"] = "NUL",
    } do
      mail.raises(words, function() m.Calendar = calendar end)
      mail.fails(words, netmail.MailMessage.TryNew { Calendar = calendar })
    end
    mail.raises("'Calendar' (string expected, got table)", function() m.Calendar = {} end)
    assert.equal(ics "REQUEST", m.Calendar)
    m.Calendar = nil
    assert.is_nil(m.Calendar)
    each { { m, function(p) assert.equal("plain", mail.shape(p.root)) end } }
  end)

  it("loses the byte order mark that some programs put before it", function()
    local m = message { Calendar = "\239\187\191" .. ics "REQUEST" }
    assert.equal(ics "REQUEST", m.Calendar)
  end)
end)
