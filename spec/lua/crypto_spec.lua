-- netmail.crypto is OpenSSL, and is there for what needs it only.

local process = require "spec.support.process"

local SAY_LOADED = [[
  local n = 0
  for line in io.lines "/proc/self/maps" do if line:find("libcrypto", 1, true) then n = n + 1 end end
  io.write(n > 0 and "loaded " or "not loaded ", tostring((package.loaded["netmail.crypto"] or {}).LibraryVersion))
]]

describe("netmail.crypto", function()
  it("is not loaded by require 'netmail', nor is OpenSSL", function()
    assert.equal("not loaded nil", (process.lua("require 'netmail' " .. SAY_LOADED)))
  end)

  it("brings OpenSSL 3 or newer, and says which", function()
    assert.truthy((process.lua("require 'netmail.crypto' " .. SAY_LOADED)):match "^loaded OpenSSL [3-9]%.")
  end)
end)
