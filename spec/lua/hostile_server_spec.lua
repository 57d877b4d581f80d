-- What a broken or hostile server may do at each stage of a session (RFC 5321): the outcome is true, it comes soon, no further command
-- is said,
-- memory stays flat, and the connection is not used again.

local net = require "spec.support.net"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local ok = "250 2.0.0 ok\r\n"
local login = { UserName = "user@example.test", Password = "s3cret-pw" }

-- A session in lock-step: for each stage the steps up to where its reply is due, and the command that errors name.
local stages = { "greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "dot" }
local before = {
  greeting = {},
  EHLO = { { send = "220 mail.example.test\r\n" }, { expect = "EHLO" } },
  AUTH = { { send = "250-mail.example.test\r\n250 AUTH PLAIN\r\n" }, { expect = "AUTH" } },
  MAIL = { { send = "235 2.7.0 in\r\n" }, { expect = "MAIL" } },
  RCPT = { { send = ok }, { expect = "RCPT" } },
  DATA = { { send = ok }, { expect = "DATA" } },
  dot = { { send = "354 go\r\n" }, { data = true } },
}
local command = { greeting = "CONNECT", EHLO = "EHLO", AUTH = "AUTH", MAIL = "MAIL", RCPT = "RCPT", DATA = "DATA", dot = "." }

local function up_to(stage, ...)
  local steps = {}
  for _, name in ipairs(stages) do
    for _, step in ipairs(before[name]) do steps[#steps + 1] = step end
    if name == stage then break end
  end
  return net.follow(steps, ...)
end

-- A session without login whose server answers in lock-step, up to the reply to the stage.
local function plain(stage, ...)
  local steps = {}
  for _, step in ipairs(up_to(stage)) do
    if step.expect ~= "AUTH" and not (step.send or ""):find "^235" then
      steps[#steps + 1] = (step.send or ""):find "AUTH PLAIN" and { send = "250 mail.example.test\r\n" } or step
    end
  end
  return net.follow(steps, ...)
end

-- Plays the rows, one connection each, and calls check(row, result, err, detail, client, said) after each.
local function play(rows, check)
  local dialogues = {}
  for i, row in ipairs(rows) do dialogues[i] = row.steps end
  local server = servers.script(dialogues)
  for i, row in ipairs(rows) do
    local options = { UserName = login.UserName, Password = login.Password, Timeout = 60000 }
    if row.plain then options.UserName, options.Password = nil, nil end
    for k, v in pairs(row.options or {}) do options[k] = v end
    local client = net.client(server.port.plain, options)
    local begin = process.now()
    local result, err, detail = client:Send(row.message or net.message())
    row.took = process.now() - begin
    check(row, result, err, detail, client, function()
      client:Close()
      return net.commands(server:received(i))
    end)
    client:Close()
  end
  server:stop()
end

local function no_secret(...)
  for i = 1, select("#", ...) do
    local text = tostring((select(i, ...)))
    assert.is_nil(text:find(login.Password, 1, true), text)
  end
end

local function check_failure(row, result, err, detail, client, said)
  local what = ("%s: %s"):format(row.what, tostring(err))
  assert.is_nil(result, what)
  assert.same({ row.outcome, row.kind }, { detail.Outcome, row.kind and detail.Kind }, what)
  if row.command then assert.equal(row.command, detail.Command, what) end
  if row.code then assert.equal(row.code, detail.Code, what) end
  if row.temporary ~= nil then assert.equal(row.temporary, detail.Temporary, what) end
  assert.is_true(row.took < (row.seconds or 30), what .. " took " .. row.took) -- half of the Timeout
  assert.is_truthy(err:find("localhost", 1, true), what)
  assert.is_nil(err:find "[%z\1-\8\11-\31\127]", what)
  no_secret(err, detail, detail.Reply)
  if not row.is_kept then assert.is_nil(client.Capabilities, what) end
  if row.last then
    local commands = said()
    assert.equal(row.last, (commands[#commands] or "nothing"):match "^%S+", what)
  end
end

-- The rows all fail with these, and the last that the client says is the command of the stage.
local function all_fail(rows)
  play(rows, check_failure)
end

-- The same, and it is the Timeout that ends them; those where it ran out at an earlier stage are played again with a longer one.
local function all_run_out(rows)
  net.at_some_pace(function(ms)
    local early = {}
    for _, row in ipairs(rows) do row.options = { Timeout = ms } end
    play(rows, function(row, result, err, detail, ...)
      local is_early = detail and detail.Kind == "timeout" and detail.Command ~= row.command
      if is_early then early[#early + 1] = row else check_failure(row, result, err, detail, ...) end
    end)
    rows = early
    return #early == 0
  end)
end

-- What the client says last at each stage; no QUIT behind it where nothing may be said any more.
local last_word = { greeting = "nothing", EHLO = "EHLO", AUTH = "AUTH", MAIL = "MAIL", RCPT = "RCPT", DATA = "DATA", dot = "." }

local function outcome_at(stage)
  return stage == "dot" and "unknown" or "not_sent"
end

describe("the line that ends (RFC 5321 3.8)", function()
  it("at each stage, in order, by a reset and within a reply, ends the send with the stage's name", function()
    local rows = {}
    for _, stage in ipairs(stages) do
      for what, steps in pairs { closed = { { drop = true } }, reset = { { reset = true } }, ["half a reply"] = { {
        send = "250 half" }, { drop = true } },
        ["the first of two lines"] = { { send = "250-one\r\n" }, { drop = true } } } do
        rows[#rows + 1] = { what = stage .. " " .. what, steps = up_to(stage, process.unpack(steps)), outcome = outcome_at(stage),
          kind = "connect", command = command[stage] }
      end
    end
    all_fail(rows)
  end)

  it("never comes: silence, and a reply that drips, end with the Timeout", function()
    local rows = {}
    for _, stage in ipairs(stages) do
      for what, step in pairs { silent = { read = 1000000 }, drips = { trickle = "250-" .. ("x"):rep(1000) } } do
        rows[#rows + 1] = { what = stage .. " " .. what, steps = up_to(stage, step), outcome = outcome_at(stage),
          kind = "timeout", command = command[stage], last = what == "silent" and stage ~= "dot" and last_word[stage] or nil }
      end
    end
    all_run_out(rows)
  end)
end)

describe("421 (RFC 5321 3.8)", function()
  it("at each stage ends the connection, whether or not the server does, and no further command is said", function()
    local rows = {}
    local kinds = { greeting = "connect", EHLO = "connect", AUTH = "auth", MAIL = "sender", RCPT = "recipient", DATA = "data",
      dot = "data" }
    for _, stage in ipairs(stages) do
      for _, is_closed in ipairs { true, false } do
        rows[#rows + 1] = { what = stage, steps = up_to(stage, { send = "421 4.3.2 closing\r\n" }, is_closed and { drop = true } or nil),
          outcome = stage == "dot" and "rejected" or "not_sent", kind = kinds[stage], command = command[stage], code = 421,
          temporary = true, last = stage ~= "dot" and last_word[stage] or nil }
      end
    end
    all_fail(rows)
  end)
end)

describe("a refusal", function()
  it("at each stage is told with its code, and is temporary or not", function()
    local rows = {}
    local kinds = { greeting = "connect", AUTH = "auth", MAIL = "sender", RCPT = "recipient", DATA = "data", dot = "data" }
    for _, stage in ipairs(stages) do
      for _, reply in ipairs { "450 4.0.0 later", "451-4.0.0 much\r\n451 4.0.0 later", "550 5.0.0 no", "552 5.3.4 too much" } do
        if kinds[stage] then
          rows[#rows + 1] = { what = stage .. " " .. reply, steps = up_to(stage, { send = reply .. "\r\n" }, { serve = true }),
            kind = kinds[stage],
            outcome = (stage == "greeting" or stage == "AUTH") and "not_sent" or "rejected", command = command[stage],
            code = tonumber(reply:sub(1, 3)), temporary = reply:sub(1, 1) == "4", is_kept = true }
        end
      end
    end
    rows[#rows + 1] = { what = "EHLO 450", steps = up_to("EHLO", { send = "450 later\r\n" }), kind = "connect", outcome = "not_sent",
      command = "EHLO",
      code = 450, temporary = true, last = "QUIT" }
    -- HELO is tried, which tells of no login
    rows[#rows + 1] = { what = "EHLO 502", steps = up_to("EHLO", { send = "502 what?\r\n" }, { expect = "HELO" }, {
      send = "250 x\r\n" }), kind = "auth",
      outcome = "not_sent", last = "QUIT" }
    all_fail(rows)
  end)

  it("of all recipients, and 354 all the same (RFC 2920 3.1): a dot alone takes it back", function()
    local server = servers.script(net.follow(net.greet("PIPELINING"), { expect = "MAIL" }, { expect = "RCPT" }, { expect = "DATA" },
      { send = ok .. "550 5.1.1 no such user\r\n354 go\r\n" }, { expect = "." }, { send = "554 5.5.1 no valid recipients\r\n" }, {
        serve = true }))
    local client = net.client(server.port.plain)
    local result, err, detail = client:Send(net.message())
    assert.is_nil(result)
    assert.same({ "rejected", "recipient", 550 }, { detail.Outcome, detail.Kind, detail.Code }, err)
    assert.equal("accepted", assert(client:Send(net.message())).Outcome) -- over the same connection
    client:Close()
    assert.equal("", server:events(1):gsub("closed\n", ""):gsub("over\n", ""), "")
    server:stop()
  end)
end)

describe("what is no reply (RFC 5321 4.2)", function()
  it("is an error at once, at each stage", function()
    local rows = {}
    for _, stage in ipairs(stages) do
      for _, bad in ipairs { "25 ok", "22X", "220OK", "699 x", "999 x", "100 x", "2 0 x", "25O x", "250-a\r\n550 b", "550-a\r\n250 b",
        "HTTP/1.1 400 Bad Request", " 250 x", "", "\0" } do
        rows[#rows + 1] = { what = ("%s %q"):format(stage, bad), steps = up_to(stage, { send = bad .. "\r\n" }),
          outcome = outcome_at(stage),
          kind = "protocol" }
      end
    end
    all_fail(rows)
  end)

  it("but of the wrong class, is an error too", function()
    local rows = {}
    for stage, codes in pairs { greeting = { 235, 250, 334, 354 }, EHLO = { 220, 235, 334, 354 }, MAIL = { 334, 354 }, RCPT = { 334,
      354 },
      DATA = { 220, 235, 250, 334 }, dot = { 334, 354 } } do
      for _, code in ipairs(codes) do
        rows[#rows + 1] = { what = stage .. " " .. code, steps = up_to(stage, { send = code .. " x\r\n" }), outcome = outcome_at(stage) }
      end
    end
    play(rows, function(row, result, err, detail, client)
      assert.is_nil(result, row.what)
      assert.equal(row.outcome, detail.Outcome, row.what .. ": " .. err)
      assert.is_nil(client.Capabilities)
      assert.is_true(row.took < 30)
    end)
  end)
end)

describe("replies that nobody asked for", function()
  it("behind the right one, in one segment, end the connection (out of step)", function()
    local extra = "250 2.0.0 extra\r\n"
    local replies = { greeting = "220 x\r\n", EHLO = "250-x\r\n250 AUTH PLAIN\r\n", AUTH = "235 in\r\n", MAIL = ok, RCPT = ok,
      DATA = "354 go\r\n" }
    local rows = {}
    for stage, reply in pairs(replies) do
      for _, more in ipairs { extra, extra .. extra .. "354 go\r\n" .. ok } do
        rows[#rows + 1] = { what = stage .. " and " .. more, steps = up_to(stage, { send = reply .. more }, { read = 1000000 }),
          outcome = "not_sent", kind = "protocol", last = last_word[stage] }
      end
    end
    all_fail(rows)
    rows = {}
    -- half a reply may be the beginning of a whole one: nothing more is said until it is; but none may come behind EHLO's and AUTH's
    local next_command = { greeting = "EHLO", MAIL = "RCPT", RCPT = "DATA", DATA = "." }
    for stage, reply in pairs(replies) do
      rows[#rows + 1] = { what = stage .. " and half", steps = up_to(stage, { send = reply .. "250" }, { read = 1000000 }),
        outcome = "not_sent", kind = next_command[stage] and "timeout" or "protocol", command = next_command[stage] or stage,
        last = last_word[stage] }
    end
    all_run_out(rows)
  end)

  it("behind the reply to the message leave it accepted, and the connection is another one next time", function()
    for _, more in ipairs { "250 extra\r\n", "2", "421 bye\r\n" } do
      local server = servers.script { up_to("dot", { send = "250 2.0.0 queued as A1\r\n" .. more }),
        up_to("dot", { send = "250 2.0.0 queued as A2\r\n" }, { serve = true }) }
      local client = net.client(server.port.plain, login)
      assert.equal("A1", assert(client:Send(net.message())).QueueId)
      assert.equal("A2", assert(client:Send(net.message())).QueueId)
      client:Close()
      server:stop()
    end
  end)

  it("within a flight leave it unknown which of them was to the message", function()
    local testing = require "netmail.testing"
    for _, faults in ipairs {
      { { At = "RCPT", Inject = "250 hello\r\n" }, { At = "DOT", Reply = "550 5.7.1 spam" } },
      { { At = "MAIL", Raw = "250 a\r\n250 b\r\n250 c\r\n" } },
      { { At = "DOT", Inject = "250 2.0.0 and again\r\n" } },
    } do
      local server = testing.Server { Faults = faults }
      local client = server:Client {}
      local result, err, detail = client:Send(net.message())
      assert.is_nil(result)
      assert.equal("unknown", detail.Outcome, err)
      assert.equal("protocol", detail.Kind, err)
      assert.is_false(detail.Temporary)
      assert.is_nil(client.Capabilities)
      client:Close()
      server:Stop()
    end
    local server = testing.Server { Faults = { { At = "DOT", Inject = "421 4.3.2 good bye\r\n" } } }
    local client = server:Client {}
    assert.equal("accepted", assert(client:Send(net.message())).Outcome) -- says good bye, after it has taken the message
    client:Close()
    server:Stop()
  end)

  it("ahead of what they answer are not taken for it (pre-authentication, early acceptance)", function()
    local all = "220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n221 bye\r\n"
    all_fail {
      { what = "all at once", steps = { { send = all }, { read = 1000000 } }, plain = true, outcome = "not_sent", kind = "protocol",
        command = "EHLO", last = "nothing" },
      { what = "a greeting of two, and EHLO's reply", plain = true, outcome = "not_sent", kind = "protocol", last = "nothing",
        steps = { { send = "220-x\r\n220 x\r\n250 x\r\n" }, { read = 1000000 } } },
      { what = "a greeting in pieces, and forged capabilities", outcome = "not_sent", kind = "protocol", last = "nothing",
        steps = { { drip = "220 x\r" }, { send = "\n250-x\r\n250 AUTH PLAIN\r\n" }, { read = 1000000 } } },
      { what = "354 and the acceptance", steps = plain("DATA", { send = "354 go\r\n250 queued\r\n" }), plain = true, outcome = "not_sent",
        kind = "protocol" },
      { what = "235 before AUTH", steps = up_to("EHLO", { send = "250-x\r\n250 AUTH PLAIN\r\n235 in\r\n" }, { read = 1000000 }),
        outcome = "not_sent", kind = "protocol", command = "EHLO", last = "EHLO" },
    }
  end)

  it("late, after the Timeout, are for nobody: the connection is another one next time (desynchronisation)", function()
    for _, stage in ipairs { "MAIL", "RCPT", "DATA" } do
      net.at_some_pace(function(ms)
        local server = servers.script { up_to(stage, { sleep = 1.6 * ms / 1000 }, { send = "550 5.0.0 late\r\n" }),
          up_to("dot", { send = "250 2.0.0 queued as A2\r\n" }, { serve = true }) }
        local client = net.client(server.port.plain, { UserName = login.UserName, Password = login.Password, Timeout = ms })
        local result, err, detail = client:Send(net.message())
        assert.is_nil(result)
        assert.equal(detail.Kind == "timeout" and "not_sent" or "rejected", detail.Outcome, err)
        local is_late = detail.Kind == "timeout" and detail.Command == stage
        if is_late then
          client.Timeout = 30000
          server:received(1) -- it was said, and to nobody
          assert.equal("A2", assert(client:Send(net.message())).QueueId)
        end
        client:Close()
        server:stop()
        return is_late
      end)
    end
  end)
end)

describe("floods", function()
  -- Resident set, in bytes.
  local function memory()
    return tonumber(process.read("/proc/self/statm"):match "^%d+ (%d+)") * 4096
  end

  it("at each stage are an error soon, and no memory", function()
    for what, bytes in pairs { ["endless line"] = "2", ["endless reply"] = "250-flood\r\n", ["endless replies"] = "250 flood\r\n",
      ["endless line ends"] = "\r\n",
      ["NUL"] = "\0" } do
      local rows = {}
      for _, stage in ipairs(stages) do
        rows[#rows + 1] = { what = stage .. " " .. what, steps = up_to(stage, { flood = bytes }), kind = "protocol",
          outcome = outcome_at(stage) }
      end
      if what == "endless replies" then
        rows[#rows] = nil -- the first is an acceptance
        for _, row in ipairs(rows) do row.kind = nil end -- the first is what EHLO says, or is no answer to AUTH
      end
      local used = memory()
      all_fail(rows)
      assert.is_true(memory() - used < 16 * 2 ^ 20, what)
    end
  end)

  it("of lines in EHLO's reply are too many, and a hundred are not", function()
    for n, is_fine in pairs { [100] = true, [30000] = false } do
      local server = servers.script(net.follow({ { send = "220 x\r\n" }, { expect = "EHLO" }, {
        send = ("250-X-EXTENSION-OF-MINE\r\n"):rep(n) .. "250 SIZE\r\n" },
        { serve = true } }))
      local client = net.client(server.port.plain)
      local result, err = client:Send(net.message())
      assert.equal(is_fine, result ~= nil, err)
      client:Close()
      server:stop()
    end
  end)
end)

describe("a server that does not read", function()
  local big = net.message { Text = ("0123456789abcdef"):rep(4, "\r\n"):rep(200000) }

  it("the content ends the send with the Timeout", function()
    local rows = { { what = "stops", steps = plain("DATA", { send = "354 go\r\n" }, { sleep = 60 }), plain = true, message = big,
      options = { Timeout = 400 },
      outcome = "not_sent", kind = "timeout" } }
    all_fail(rows)
  end)

  it("but slowly, ends it with the Deadline", function()
    local steps = plain("DATA", { send = "354 go\r\n" })
    for _ = 1, 1000 do net.follow(steps, { read = 20000 }, { sleep = 0.1 }) end
    all_fail { { what = "slow", steps = steps, plain = true, message = big, options = { Deadline = 700 }, outcome = "not_sent",
      kind = "timeout", seconds = 10 } }
  end)
end)

describe("what is odd but means well", function()
  it("is understood: no text, LF alone, small letters, AUTH=, spaces, SIZE out of range, an empty line of EHLO's", function()
    for what, ehlo in pairs { ["no text"] = "250-\r\n250-AUTH PLAIN\r\n250\r\n", ["LF alone"] = "250-x\n250 AUTH PLAIN\n",
      ["small"] = "250-x\r\n250 auth plain\r\n",
      ["AUTH="] = "250-x\r\n250 AUTH=PLAIN\r\n", ["spaces"] = "250-x\r\n250   AUTH  PLAIN \r\n",
        ["SIZE -1"] = "250-x\r\n250-SIZE -1\r\n250 AUTH PLAIN\r\n",
      ["SIZE 10^26"] = "250-x\r\n250-SIZE 100000000000000000000000000\r\n250 AUTH PLAIN\r\n",
        ["an empty line"] = "250-x\r\n250-\r\n250 AUTH PLAIN\r\n" } do
      local server = servers.script { { send = "220\r\n" }, { expect = "EHLO" }, { send = ehlo }, { expect = "AUTH" }, {
        send = "235\r\n" }, { expect = "MAIL" },
        { send = "250\n" }, { expect = "RCPT" }, { send = "250-\r\n250\r\n" }, { expect = "DATA" }, { send = "354\r\n" }, {
          data = true }, { send = "250\n" },
        { serve = true } }
      local client = net.client(server.port.plain, login)
      local result, err = client:Send(net.message())
      assert.equal("accepted", assert(result, what .. ": " .. tostring(err)).Outcome)
      local size = client.Capabilities.Size
      assert.is_true(size == nil or size == 0, what .. " " .. tostring(size))
      client:Close()
      server:stop()
    end
  end)

  it("in its words is kept octet for octet, and printable in what people see", function()
    local words = "no \27[31mred\27[0m \0 \226\128\174evil \255\254 caf\233 \7"
    local rows = {}
    for _, stage in ipairs { "MAIL", "RCPT", "DATA", "dot" } do rows[#rows + 1] = { steps = up_to(stage, {
      send = "550 " .. words .. "\r\n" }, { serve = true }) } end
    play(rows, function(_, result, err, detail)
      assert.is_nil(result)
      assert.is_truthy(detail.Reply:find(words, 1, true), detail.Reply)
      for _, text in ipairs { err, tostring(detail) } do
        assert.is_nil(text:find "[%z\1-\9\11-\31\127]", text)
        assert.is_nil(text:find("\255", 1, true) or text:find("\233 ", 1, true), text) -- no UTF-8
        assert.is_nil(text:find("\226\128\174", 1, true), text) -- RIGHT-TO-LEFT OVERRIDE
      end
    end)
  end)
end)

describe("an extension that is announced and then refused", function()
  it("is a clean error, and the connection stays good: PIPELINING, CHUNKING, DSN, SMTPUTF8, SIZE", function()
    local rows = {
      { what = "CHUNKING", offers = { "CHUNKING" }, refuse = "BDAT", reply = "502 5.5.1 what?", kind = "data" },
      { what = "DSN", offers = { "DSN" }, refuse = "RCPT", reply = "555 5.5.4 NOTIFY?", kind = "recipient", options = {
        Notify = "failure" } },
      { what = "DSN of MAIL", offers = { "DSN" }, refuse = "MAIL", reply = "555 5.5.4 RET?", kind = "sender", options = {
        Ret = "headers" } },
      { what = "SMTPUTF8", offers = { "SMTPUTF8", "8BITMIME" }, refuse = "MAIL", reply = "555 5.6.7 SMTPUTF8?", kind = "sender",
        to = "пользователь@example.test" },
      { what = "SIZE", offers = { "SIZE 1000000" }, refuse = "MAIL", reply = "552 5.3.4 too big", kind = "sender" },
    }
    for _, row in ipairs(rows) do
      local steps = net.follow(net.greet(process.unpack(row.offers)), { serve = row.refuse }, { send = row.reply .. "\r\n" })
      local server = servers.script { steps, net.follow(net.greet(), { serve = true }) }
      local client = net.client(server.port.plain)
      local result, err, detail = client:Send(net.message { To = row.to }, row.options)
      assert.is_nil(result, row.what)
      assert.same({ "rejected", row.kind, tonumber(row.reply:sub(1, 3)) }, { detail.Outcome, detail.Kind, detail.Code },
        row.what .. ": " .. err)
      client:Close()
      server:stop()
    end
  end)

  it("PIPELINING: answers that come one by one, slowly, are the answers all the same", function()
    local server = servers.script(net.follow(net.greet("PIPELINING"), { expect = "MAIL" }, { sleep = 0.05 }, { drip = ok }, {
      expect = "RCPT" }, { sleep = 0.05 },
      { drip = ok }, { expect = "DATA" }, { drip = "354 go\r\n" }, { data = true }, { drip = "250 2.0.0 queued as 7\r\n" }, {
        serve = true }))
    local client = net.client(server.port.plain)
    assert.equal("7", assert(client:Send(net.message())).QueueId)
    client:Close()
    server:stop()
  end)
end)

describe("a recipient that is refused", function()
  it("does not cost the others their mail, and is told (partial delivery)", function()
    local server = servers.script(net.follow(net.greet("PIPELINING"), { expect = "MAIL" }, { expect = "RCPT" }, { expect = "RCPT" }, {
      expect = "DATA" },
      { send = ok .. "550 5.1.1 nobody\r\n" .. ok .. "354 go\r\n" }, { data = true }, { send = "250 2.0.0 queued as P1\r\n" }, {
        serve = true }))
    local client = net.client(server.port.plain)
    local result, warning = client:Send(net.message { To = { "a@x.test", "b@x.test" } })
    assert.equal("partial", result.Outcome)
    assert.equal("b@x.test", result.Accepted[1].Address)
    assert.same({ "a@x.test", 550, false }, { result.Rejected[1].Address, result.Rejected[1].Code, result.Rejected[1].Temporary })
    assert.is_truthy(warning:find("a@x.test", 1, true))
    client:Close()
    server:stop()
  end)
end)
