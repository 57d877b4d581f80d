-- Output handler of busted: a line for each failure, error and skipped test as it happens, and last the line
-- that part.sh counts: "N passed, N failed, N skipped".

local busted = require "busted"

local function text_of(message)
  if message == nil then return "(no message)" end
  if type(message) == "string" then return message end
  return require("pl.pretty").write(message)
end

local function where(t)
  local trace = t.element and t.element.trace or t.trace
  return trace and trace.short_src and trace.short_src .. ":" .. trace.currentline .. ": " or ""
end

local function report(word, t)
  io.write(word, " ", where(t), t.name, "\n  ", (text_of(t.message):gsub("\n", "\n  ")), "\n")
  local trace = word == "ERROR" and t.trace and t.trace.traceback
  if trace then io.write("  ", (trace:gsub("^\n", ""):gsub("\n", "\n  ")), "\n") end
  io.flush()
end

return function()
  local handler = require "busted.outputHandlers.base"()

  local function test_end(_, _, status)
    if status == "failure" then
      report("FAIL", handler.failures[#handler.failures])
    elseif status == "error" then
      report("ERROR", handler.errors[#handler.errors])
    elseif status == "pending" then
      local t = handler.pendings[#handler.pendings]
      io.write("SKIP ", t.name, ": ", text_of(t.message), "\n")
      io.flush()
    end
    return nil, true
  end

  -- Errors outside of a test: a spec file that does not load, a setup that fails.
  local function outside(element)
    if element.descriptor ~= "it" then report("ERROR", handler.errors[#handler.errors]) end
    return nil, true
  end

  local function suite_end()
    local failed = handler.failuresCount + handler.errorsCount
    io.write(("%d passed, %d failed, %d skipped\n"):format(handler.successesCount, failed, handler.pendingsCount))
    io.flush()
    return nil, true
  end

  busted.subscribe({ "test", "end" }, test_end, { predicate = handler.cancelOnPending })
  busted.subscribe({ "error" }, outside)
  busted.subscribe({ "failure" }, outside)
  busted.subscribe({ "suite", "end" }, suite_end)
  return handler
end
