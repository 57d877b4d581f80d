--- Presets for mail providers: data, and the little that turns an entry into a client.
--
--     local client = netmail.providers.gmail{ UserName = "me@gmail.com", Password = app_password }
--     local preset = netmail.providers.ForAddress("x@bk.ru")   --> netmail.providers.mailru
--
-- Every entry uses TLS with verification. An entry's fields can be read:
--
-- * `Host`, `Port`: the server; 465 (TLS from the first byte) where the provider has it
-- * `Domains`: the address domains it serves, lower case
-- * `Login`: what the server expects as user name: "address" (all of it) or "local" (the part before the @, for
--   addresses in the provider's own domains)
-- * `MaxSize`: the largest message in bytes, as the provider states it; nil: not stated
-- * `MaxRecipients`: for one message; nil: not stated. More of them get it in several transactions
-- * `Note`: what else a user must know
-- * `Checked`: when these facts were looked up
-- @module netmail.providers

local core = require "netmail.core"

local MB = 1000 * 1000

local entries = {
  gmail = {
    Host = "smtp.gmail.com",
    Port = 465,
    Domains = { "gmail.com", "googlemail.com" },
    Login = "address",
    MaxSize = 25 * MB,
    MaxRecipients = 100,
    Note = "needs an app password (or OAuth 2.0), not the account's password",
    Checked = "2026-11",
  },
  mailru = {
    Host = "smtp.mail.ru", -- older texts print smtp.mail.com, which belongs to another provider
    Port = 465,
    Domains = { "mail.ru", "inbox.ru", "bk.ru", "list.ru" },
    Login = "address",
    MaxSize = 30 * MB,
    MaxRecipients = 30,
    Note = "needs a password for external applications",
    Checked = "2026-11",
  },
  yandex = {
    Host = "smtp.yandex.ru",
    Port = 465,
    Domains = {
      "yandex.ru", "ya.ru", "narod.ru", "yandex.by", "yandex.com", "yandex.kz", "yandex.ua",
    },
    Login = "local",
    MaxSize = 30 * MB,
    Note = "needs an app password; From must be the address of the login",
    Checked = "2026-11",
  },
  rambler = {
    Host = "smtp.rambler.ru", -- was mail.rambler.ru
    Port = 465,
    Domains = { "rambler.ru", "ro.ru", "lenta.ru", "myrambler.ru", "autorambler.ru" },
    Login = "address",
    MaxSize = 20 * MB,
    Note = "From must be the address of the login",
    Checked = "2026-11",
  },
  yahoo = {
    Host = "smtp.mail.yahoo.com",
    Port = 465,
    Domains = { "yahoo.com" },
    Login = "address",
    Note = "needs an app password",
    Checked = "2026-11",
  },
  yahooplus = {
    Host = "plus.smtp.mail.yahoo.com",
    Port = 465,
    Domains = {}, -- the same addresses as yahoo, for paying customers: asked for by name only
    Login = "address",
    Note = "needs an app password",
    Checked = "2026-11",
  },
  mailcom = {
    Host = "smtp.mail.com",
    Port = 465,
    Domains = { "mail.com" },
    Login = "address",
    Checked = "2026-11",
  },
  bigmir = {
    Host = "smtp.googlemail.com", -- hosted at Google
    Port = 465,
    Domains = { "bigmir.net" },
    Login = "address",
    Checked = "2026-11",
  },
  metaua = {
    Host = "smtp.meta.ua",
    Port = 465,
    Domains = { "meta.ua" },
    Login = "address",
    Checked = "2026-11",
  },
}

local function split(address)
  local user, domain = address:match("^(.*)@([^@]*)$")
  return user, domain and domain:lower()
end

local function has_domain(entry, domain)
  for _, d in ipairs(entry.Domains) do
    if d == domain then
      return true
    end
  end
  return false
end

--- The user name as the provider's server expects it.
-- Only an address in the provider's own domains is shortened, and only where the entry says so.
local function login_name(entry, user_name)
  if entry.Login == "local" and type(user_name) == "string" then
    local user, domain = split(user_name)
    if user and has_domain(entry, domain) then
      return user
    end
  end
  return user_name
end

local function make_client(entry, options)
  if type(options) ~= "table" then
    error("a provider takes a table: { UserName = …, Password = … }", 2)
  end
  local all = { Host = entry.Host, Port = entry.Port, EnableSsl = true, MaxRecipients = entry.MaxRecipients }
  for key, value in pairs(options) do
    all[key] = value
  end
  all.UserName = login_name(entry, all.UserName)
  local ok, client = pcall(core.SmtpClient, all)
  if not ok then
    error(client, 2) -- the mistake stands where the preset was called
  end
  return client
end

local entry_meta = {
  __call = make_client,
  __tostring = function(self)
    return ("provider (%s:%d)"):format(self.Host, self.Port)
  end,
}

local providers = {}
for name, entry in pairs(entries) do
  providers[name] = setmetatable(entry, entry_meta)
end

--- The provider of an address, by its domain.
-- @string address `user@domain`, also with a name: `Me <me@gmail.com>`
-- @return the entry, or nil when no preset serves that domain
-- @treturn ?string the entry's name
function providers.ForAddress(address)
  if type(address) ~= "string" then
    error("bad argument #1 to 'ForAddress' (string expected, got " .. type(address) .. ")", 2)
  end
  local parsed = core.MailAddress.TryParse(address)
  local domain = parsed and parsed.Host:lower()
  for name, entry in pairs(entries) do
    if domain and has_domain(entry, domain) then
      return entry, name
    end
  end
  return nil
end

return setmetatable(providers, {
  __index = function(_, name)
    error(("there is no provider '%s'; netmail.SmtpClient{ Host = … } serves any server"):format(tostring(name)), 2)
  end,
})
