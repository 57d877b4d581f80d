-- The two sentences of docs/architecture.md: a file in a folder includes base/ and its own folder, nothing else; lua.h only
-- in src/lua_*, curl only in net/, OpenSSL only in crypto/. And what follows from them.

local lfs = require "lfs"
local process = require "spec.support.process"
local rockspec = require "spec.support.rockspec"

local LUA_HEADERS = { ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true, ["luaconf.h"] = true, ["luajit.h"] = true }

-- Why a source may not include this, or nil.
local function complaint(file, quoted, include)
  local room = file:match "^src/([^/]+)/"
  local name = file:match "[^/]+$"
  if include:match "^curl/" then return room ~= "net" and "curl outside of net/" end
  if include == "idn2.h" then return file ~= "src/base/idn.c" and "libidn2 outside of base/idn.c" end
  if include:match "^uni%a+%.h$" and include ~= "unistd.h" then
    return file ~= "src/smtp/saslprep.c" and "libunistring outside of smtp/saslprep.c"
  end
  if include:match "^openssl/" then return room ~= "crypto" and "OpenSSL outside of crypto/" end
  if LUA_HEADERS[include] then
    return (room or not name:match "^lua_") and "Lua outside of src/lua_*"
  end
  if not quoted or not room then return nil end
  local from = include:match "^([^/]+)/"
  if not from then return "not named from src/" end
  return from ~= "base" and from ~= room and room .. "/ includes " .. from .. "/"
end

local function lines_of(path)
  local n, f = 0, assert(io.open(path, "rb"))
  return function()
    n = n + 1
    local line = f:read "*l"
    if not line then f:close() end
    return line, n
  end
end

local function walk(folder, visit)
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if name:sub(1, 1) ~= "." then
      if lfs.attributes(path, "mode") == "directory" then walk(path, visit) else visit(path) end
    end
  end
end

local function bad_includes()
  local bad, seen = {}, 0
  walk("src", function(path)
    if not path:match "%.[ch]$" then return end
    for line, n in lines_of(path) do
      local mark, include = line:match "^%s*#%s*include%s*([<\"])([^>\"]+)"
      if mark then
        seen = seen + 1
        local why = complaint(path, mark == "\"", include)
        if why then bad[#bad + 1] = ("%s:%d: %s (%s)"):format(path, n, why, include) end
      end
    end
  end)
  return bad, seen
end

local function tracked_files()
  local text, status = process.run "git ls-files --cached --others --exclude-standard"
  if status ~= 0 then text = process.run "find . -type f -not -path './build/*' | sed 's,^\\./,,'" end
  return text:gmatch "[^\n]+"
end

describe("a source file", function()
  it("includes its own room and base, and outside libraries only where they belong", function()
    local bad, seen = bad_includes()
    assert.same({}, bad)
    assert.is_true(seen > 50)
  end)

  for _, row in ipairs {
    { "src/mime/a.c", "\"", "base/buf.h", true }, { "src/mime/a.c", "\"", "mime/fold.h", true },
    { "src/mime/a.c", "\"", "smtp/dot.h", false }, { "src/mime/a.c", "\"", "fold.h", false },
    { "src/mime/a.c", "\"", "../smtp/dot.h", false }, { "src/base/a.c", "\"", "mime/fold.h", false },
    { "src/testing/visit.c", "\"", "smtp/dot.h", false }, { "src/testing/a.c", "<", "openssl/ssl.h", false },
    { "src/client.c", "\"", "smtp/dot.h", true }, { "src/lua_a.c", "<", "lauxlib.h", true },
    { "src/client.c", "<", "lua.h", false }, { "src/net/lua_a.c", "<", "lua.h", false },
    { "src/net/a.c", "<", "luajit.h", false }, { "src/net/a.c", "<", "lualib.h", false },
    { "src/net/a.c", "<", "curl/curl.h", true }, { "src/client.c", "<", "curl/curl.h", false },
    { "src/crypto/a.c", "<", "openssl/evp.h", true }, { "src/net/a.c", "<", "openssl/evp.h", false },
    { "src/base/idn.c", "<", "idn2.h", true }, { "src/base/addr.c", "<", "idn2.h", false },
    { "src/smtp/saslprep.c", "<", "uninorm.h", true }, { "src/smtp/sasl.c", "<", "unictype.h", false },
    { "src/client.c", "<", "unistd.h", true },
    { "src/client.c", "<", "idn2.h", false }, { "src/base/a.c", "<", "stdio.h", true }, { "src/base/a.c", "<", "sys/random.h", true },
  } do
    it((row[4] and "may" or "may not") .. " include " .. row[3] .. " in " .. row[1], function()
      assert.equal(row[4], not complaint(row[1], row[2] == "\"", row[3]))
    end)
  end
end)

describe("a shared object", function()
  local folder = "build/" .. process.interpreter() .. "/netmail/"
  for _, name in ipairs { "core", "net", "crypto", "testing" } do
    it(name .. " exports its luaopen function and nothing else", function()
      local text, status = process.run("nm -D --defined-only " .. process.quote(folder .. name .. ".so"))
      assert.equal(0, status, text)
      local symbols = {}
      for symbol in text:gmatch "%x+ %a (%S+)\n" do symbols[#symbols + 1] = symbol end
      assert.same({ "luaopen_netmail_" .. name }, symbols)
    end)
  end

  for name, libraries in pairs {
    core = { "libidn2", "libunistring", "libc" },
    crypto = { "libssl", "libcrypto", "libc" },
    testing = { "libssl", "libcrypto", "libc" },
  } do
    it(name .. " needs these libraries only: " .. table.concat(libraries, ", "), function()
      local text = process.run("readelf -d " .. process.quote(folder .. name .. ".so"))
      local needed = {}
      for library in text:gmatch "%(NEEDED%)[^%[]*%[([^%]]-)%.so[^%]]*%]" do needed[#needed + 1] = library end
      assert.same(libraries, needed)
    end)
  end
end)

describe("the rockspec", function()
  it("lists the files that there are (make rockspec)", function()
    local env = {}
    local chunk = process.read "netmail-scm-1.rockspec"
    local f = assert((rawget(_G, "loadstring") or load)(chunk, "=rockspec", "t", env))
    if rawget(_G, "setfenv") then rawget(_G, "setfenv")(f, env) end
    f()
    assert.same(rockspec.modules(), env.build.modules)
    assert.equal(chunk, rockspec.renewed(chunk))
  end)
end)

describe("no file", function()
  it("names a path of the machine it was written on", function()
    -- In pieces, or this file would be the first.
    local marks = { process.root .. "/", "/wo" .. "rk/", "/fa" .. "rm/", "/%.libr" .. "ary", "bash" .. "_jobs" }
    marks[1] = marks[1]:gsub("%p", "%%%0")
    local bad, seen = {}, 0
    for path in tracked_files() do
      local mode = lfs.attributes(path, "mode")
      if mode == "file" then
        seen = seen + 1
        local text = process.read(path)
        for _, mark in ipairs(marks) do
          if text:find(mark) then bad[#bad + 1] = path .. ": " .. mark end
        end
      end
    end
    assert.same({}, bad)
    assert.is_true(seen > 50)
  end)
end)
