--- Builds mail messages and sends them over SMTP.
-- The classes come from the C core; libcurl is loaded by the first send, not by `require`.
-- @module netmail

local core = require "netmail.core"

local netmail = {
  _VERSION = "netmail scm",
  MailAddress = core.MailAddress,
  MailMessage = core.MailMessage,
  Attachment = core.Attachment,
  Part = core.Part,
  NetworkCredential = core.NetworkCredential,
  CredentialCache = core.CredentialCache,
  SmtpClient = core.SmtpClient,
  MailPriority = core.MailPriority,
  HtmlToText = core.HtmlToText,
}

-- The presets are a table of data that most programs never look at: read at first use.
return setmetatable(netmail, {
  __index = function(self, name)
    if name == "providers" then
      local providers = require "netmail.providers"
      rawset(self, name, providers)
      return providers
    end
    error(("netmail has no member '%s'"):format(tostring(name)), 2)
  end,
})
