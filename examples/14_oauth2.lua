-- OAuth 2.0: an access token in the place of a password. A token runs out after an hour or so; the function gives the one that is
-- kept, and a fresh one when the server has refused it. It may take its time, and yield.
local netmail = require "netmail"

-- What your OAuth 2.0 library does: the refresh token, sent to the provider's token endpoint, brings an access token.
local function refresh()
  print "fetching a fresh token"
  return os.getenv "FRESH_TOKEN" or "ya29.fresh"
end

local kept = os.getenv "KEPT_TOKEN"

local client = netmail.SmtpClient{
  Host = os.getenv "SMTP_HOST" or "smtp.gmail.com",
  Port = tonumber(os.getenv "SMTP_PORT" or 587),
  EnableSsl = true,
  CaFile = os.getenv "SMTP_CA",
  UserName = os.getenv "SMTP_USER" or "me@gmail.com",
  Token = function(was_refused)
    if was_refused or not kept then kept = refresh() end
    return kept -- or: return nil, "why there is none"
  end,
}

local result, err = client:Send(netmail.MailMessage{
  From = "me@gmail.com", To = "petrov@server.ru", Subject = "Привет", Text = "Ни одного пароля.",
})
client:Close()
print(result and result.Outcome or err)
