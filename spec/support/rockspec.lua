-- The rockspec's `build.modules`, from the files there are. As a program, `rockspec.lua ROCKSPEC` writes them into it.

local lfs = require "lfs"

local rockspec = {}

-- Classes of userdata are core's, and testing has them too.
local CLASSES = { ["lua_box.c"] = true, ["lua_class.c"] = true, ["lua_options.c"] = true, ["lua_util.c"] = true }

-- Sources of the shared objects (see the Makefile, which has the same rule).
local MODULES = {
  { name = "netmail.core", rooms = { "base", "mime", "smtp" },
    top = function(file) return file ~= "lua_net.c" and file ~= "lua_crypto.c" and not file:match "^lua_testing" end,
    libraries = { "idn2", "unistring" }, incdirs = { "$(IDN2_INCDIR)", "$(UNISTRING_INCDIR)" },
    libdirs = { "$(IDN2_LIBDIR)", "$(UNISTRING_LIBDIR)" } },
  { name = "netmail.net", rooms = { "base", "net" }, without = { "^src/base/addr", "^src/base/idn%.c" },
    top = function(file) return file == "lua_net.c" end,
    libraries = { "curl" }, incdirs = { "$(CURL_INCDIR)" }, libdirs = { "$(CURL_LIBDIR)" } },
  { name = "netmail.crypto", rooms = { "base", "crypto" }, without = { "^src/base/addr", "^src/base/idn%.c", "^src/crypto/tls" },
    top = function(file) return file == "lua_crypto.c" end,
    libraries = { "ssl", "crypto" }, incdirs = { "$(CRYPTO_INCDIR)" }, libdirs = { "$(CRYPTO_LIBDIR)" } },
  { name = "netmail.testing", rooms = { "base", "crypto", "testing" }, without = { "^src/base/addr", "^src/base/idn%.c" },
    top = function(file) return file:match "^lua_testing" or CLASSES[file] end,
    libraries = { "ssl", "crypto", "pthread" }, incdirs = { "$(SSL_INCDIR)", "$(CRYPTO_INCDIR)" },
    libdirs = { "$(SSL_LIBDIR)", "$(CRYPTO_LIBDIR)" } },
}

local function files(folder, pattern)
  local names = {}
  for name in lfs.dir(folder) do
    if name:match(pattern) then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function matches(path, patterns)
  for _, pattern in ipairs(patterns or {}) do
    if path:match(pattern) then return true end
  end
  return false
end

local function sources(module)
  local list = {}
  for _, room in ipairs(module.rooms) do
    for _, file in ipairs(files("src/" .. room, "%.c$")) do
      local path = "src/" .. room .. "/" .. file
      if not matches(path, module.without) then list[#list + 1] = path end
    end
  end
  for _, file in ipairs(files("src", "%.c$")) do
    if module.top(file) then list[#list + 1] = "src/" .. file end
  end
  return list
end

--- { ["netmail"] = "lua/netmail/init.lua", ["netmail.core"] = { sources = …, … }, … }
function rockspec.modules()
  local modules = {}
  for _, file in ipairs(files("lua/netmail", "%.lua$")) do
    local name = file:gsub("%.lua$", "")
    modules[name == "init" and "netmail" or "netmail." .. name] = "lua/netmail/" .. file
  end
  for _, module in ipairs(MODULES) do
    local incdirs = { "src" }
    for _, dir in ipairs(module.incdirs or {}) do incdirs[#incdirs + 1] = dir end
    modules[module.name] = {
      sources = sources(module),
      defines = { "_GNU_SOURCE" },
      incdirs = incdirs,
      libraries = module.libraries,
      libdirs = module.libdirs,
    }
  end
  return modules
end

local function list(names)
  local quoted = {}
  for i, name in ipairs(names) do quoted[i] = ("%q"):format(name) end
  return "{ " .. table.concat(quoted, ", ") .. " }"
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function text_of(modules)
  local out = {}
  local function add(...) out[#out + 1] = table.concat { ... } end
  for _, name in ipairs(sorted_keys(modules)) do
    local module = modules[name]
    if type(module) == "string" then
      add("    [\"", name, "\"] = \"", module, "\",")
    else
      add("    [\"", name, "\"] = {")
      add("      sources = {")
      for _, file in ipairs(module.sources) do add("        \"", file, "\",") end
      add("      },")
      for _, key in ipairs { "defines", "incdirs", "libraries", "libdirs" } do
        if module[key] then add("      ", key, " = ", list(module[key]), ",") end
      end
      add("    },")
    end
  end
  return table.concat(out, "\n")
end

--- The text of a rockspec with its modules as they are now.
function rockspec.renewed(text)
  local head, tail = text:match("^(.-\n  modules = {\n).-(\n?  },\n  copy_directories.*)$")
  return head .. text_of(rockspec.modules()) .. "\n" .. tail:gsub("^\n", "")
end

if arg and arg[0] and arg[0]:match "rockspec%.lua$" then
  local f = assert(io.open(arg[1]))
  local text = f:read "*a"
  f:close()
  f = assert(io.open(arg[1], "w"))
  f:write(rockspec.renewed(text))
  f:close()
end

return rockspec
