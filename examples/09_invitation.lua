-- An invitation to a meeting. The iCalendar text is yours (or a library's); netmail puts it where calendars look for it, and
-- attaches it as a file for those that do not. METHOD:REPLY answers one, METHOD:CANCEL calls it off.
local netmail = require "netmail"

local host = os.getenv "SMTP_HOST" or "example.server.ru"
local port = tonumber(os.getenv "SMTP_PORT" or 25)

local lines = {
  "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//server.ru//meetings//RU", "METHOD:REQUEST",
  "BEGIN:VEVENT", "UID:meeting-1@server.ru", "DTSTAMP:20261122T100000Z", "SEQUENCE:0",
  "DTSTART:20261201T070000Z", "DTEND:20261201T080000Z", "SUMMARY:Планёрка",
  "ORGANIZER:mailto:ivanov@server.ru", "ATTENDEE;RSVP=TRUE:mailto:petrov@server.ru",
  "END:VEVENT", "END:VCALENDAR", "",
}

local client = netmail.SmtpClient{ Host = host, Port = port }
print(assert(client:Send(netmail.MailMessage{
  From = "ivanov@server.ru",
  To = "petrov@server.ru",
  Subject = "Планёрка 1 декабря",
  Text = "Вторник, 10:00.",
  Calendar = table.concat(lines, "\r\n"),
})).Outcome)
