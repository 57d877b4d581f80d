-- A newsletter: many mails over one connection or two, no faster than the provider allows, tried again where the server says "later", and
-- a file that says of each address what became of it: so that the next run can leave out those who have it.
local netmail = require "netmail"

local client = netmail.SmtpClient{
  Host = os.getenv "SMTP_HOST" or "example.server.ru",
  Port = tonumber(os.getenv "SMTP_PORT" or 25),
}

local template = assert(netmail.MailMessage{
  From = "Новости <news@server.ru>",
  Subject = "Что нового",
  Html = "<h1>Что нового</h1><p>Всё по-старому.</p>",
  TextFromHtml = true,
}:Template())

-- The next mail: called when there is room for it, so that no more of them are in memory than are on their way.
local addresses = io.lines(os.getenv "ADDRESSES" or "addresses.txt")
local asked = {} -- of each mail on its way: whom it is for
local function next_mail()
  for address in addresses do
    local mail, err = template:TryFor{ To = address, ListUnsubscribe = "<mailto:leave@server.ru>" }
    if mail then
      asked[mail] = address
      return mail
    end
    print(address, "is no address", err)
  end
end

local report = assert(io.open(os.getenv "REPORT" or "report.txt", "w"))
local summary, warning = client:SendMany(next_mail, {
  Connections = 2,
  RatePerSecond = 50,
  Retry = { Tries = 4, Delay = tonumber(os.getenv "RETRY_DELAY" or 60), Factor = 3 },
  OnResult = function(mail, result, err, detail)
    -- "unknown" may have arrived: whoever sends it again may send it twice.
    report:write(asked[mail], "\t", (result or detail).Outcome, "\t", err or "", "\n")
    asked[mail] = nil
  end,
  OnProgress = function(progress)
    print(("%d done, %d wait for another try, %.0f a second"):format(progress.Done, progress.Waiting, progress.PerSecond))
  end,
})
report:close()
client:Close()

print(("%d of %d accepted, %d tries more"):format(summary.Accepted, summary.Total, summary.Retries))
if warning then print(warning) end
