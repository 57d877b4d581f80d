--- Many messages: what `Client:SendMany`, `SendManyAsync` and `SendEach` are. docs/sending-many.md shows how they are used.
-- @module netmail.many

local options = require "netmail.many_options"
local sources = require "netmail.many_source"

local function fail(level, ...)
  error(string.format(...), level + 1)
end

return function(kit)
  local tasks = kit.tasks
  local new_run = require "netmail.many_run"(kit)
  local new_errand = require "netmail.many_errand"(kit)
  local api = {}

  --- Checks the arguments of a method. Returns the source and what is asked for.
  local function check(method, source, given)
    local good, plan = pcall(options.read, given, method)
    if not good then error(plan, 3) end
    local from = sources.new(source)
    if not from then
      fail(3, "bad argument #1 to '%s' (array of messages or function expected, got %s)", method, type(source))
    end
    return from, plan
  end

  --- nil, message and detail when there can be none.
  local function begin(client, from, plan, is_each)
    plan.limits.is_plain = plan.limits.is_plain and not is_each
    tasks.finish_forgotten(client, math.huge)
    local flight, text, detail = kit.open(client, plan.limits)
    if not flight then return nil, text, detail end
    return new_run(flight, from, plan, is_each)
  end

  --- Until it is over, or has a message to show.
  local function drive(run)
    while not run:advance() and not run.has_out do
      kit.wait(run.flight, math.max(0, math.ceil(run.due - kit.now())))
    end
  end

  --- Sends many messages, over several connections if need be, and waits for what the server says of each of them.
  --
  -- The source is an array, whose elements are messages or tables `{ Message = …, Options = … }`, or a function that is called for the
  -- next message when there is room for it: it returns the message, and as a second value options as of `Send`; nil when there are no
  -- more; false when there is none now (it is asked again soon, or after the seconds that are the second value). So no more messages are
  -- in memory than are on their way. Each message is taken as it is when its turn comes; it may be changed and given again after that.
  --
  -- What cannot be sent or is refused ends nothing: it has its outcome, and the rest goes on. When no connection can be had at all, all
  -- that is left is `not_sent`, with the sentence that says why.
  --
  -- Functions given here may yield. One that raises ends it: what is on its way comes to its end, then the error is raised again.
  -- @function SmtpClient:SendMany
  -- @tparam table|function source
  -- @tparam[opt] table options
  --
  -- * `Connections`: at most so many; default: the client's `MaxConnections`
  -- * `Window`: messages on their way on each of them (1 to 1024); default 16
  -- * `MaxMessagesPerConnection`: a new connection after so many
  -- * `RatePerSecond`, `RatePerMinute`: no more messages than that, evenly; tries count. Fractions are fine, and both together
  -- * `Retry`: how often a message is tried: a number, or a table of `Tries` (3), `Delay` (seconds before the second try: 5), `Factor`
  --   (by which each further delay is longer: 2), `MaxDelay` (300), `Jitter` (which share of a delay is random: 0.5), `Waiting` (how many
  --   messages may wait for their next try before the source has to: 1000). What is not certainly unsent or refused for now is never
  --   tried again, and nobody gets a message twice: only the recipients who have not got it are tried, with the same Message-ID. Of a
  --   message that was tried more than once its result, or detail, has `Tries`; and `GivenUp`, a sentence, where it had tries left
  --   and did not get them: for its Deadline, or because all ended
  -- * `OnResult`: `function(message, result, err, detail, index)`, called for each message as soon as it is over, with what Send would
  --   have returned
  -- * `OnProgress`: `function(progress)`, called some times a second, and at the end, with `Done`, `Accepted`, `Partial`, `Rejected`,
  --   `NotSent`, `Unknown`, `Retries`, `Waiting` (for their next try), `InFlight`, `Total` (of an array), `Seconds`, `PerSecond`
  -- * `StopOnError`: nothing new is sent after the first message that nobody got
  -- @treturn[1] table `Total`, `Accepted`, `Partial`, `Rejected`, `NotSent`, `Unknown` (numbers of messages), `Retries`, `Seconds`,
  --   `Stopped` (why not all of the source was sent), `Failures`: without OnResult the first hundred messages that not all recipients
  --   got, each `{ Index, Message, Error, Detail, Result }`
  -- @treturn[1] ?string a warning when not all messages were accepted
  -- @treturn[2] nil
  -- @treturn[2] string why nothing was begun, or that it was cancelled by Close
  -- @treturn[2] table detail; `Summary` is there once something was begun
  function api.SendMany(client, source, given)
    local from, plan = check("SendMany", source, given)
    local run, text, detail = begin(client, from, plan)
    if not run then return nil, text, detail end
    drive(run)
    return run:result()
  end

  --- Begins a SendMany that goes on while the program does something else: in steps, with a budget, and one descriptor for an event loop.
  -- Tasks of a client go one after another. The source and the callbacks are called in Step, never in SendManyAsync itself. What a
  -- callback raises is raised by `Result`, and `Wait`. A task that was cancelled has a detail with the `Summary` of what was over.
  -- @function SmtpClient:SendManyAsync
  -- @tparam table|function source
  -- @tparam[opt] table options as of SendMany
  -- @treturn Task
  function api.SendManyAsync(client, source, given)
    local from, plan = check("SendManyAsync", source, given)
    plan.limits.is_watched = true
    local flight, text, detail = kit.open(client, plan.limits)
    local errand = new_errand(flight, from, plan)
    if flight then
      local task = tasks.new(client, errand)
      tasks.enqueue(client, errand)
      return task
    end
    errand.results = { n = 3, nil, text, detail }
    return tasks.new(client, errand) -- it was over before it began
  end

  local RUN = {} -- the key under which a loop has its run
  local Each = {}

  --- The next message that is over: for `for`.
  local function next_of(self)
    local run = self[RUN]
    run.has_out = false
    if not run.is_over then drive(run) end
    local message = run.out_message
    run.out_message = nil
    if message then return message, run.out_result, run.out_text, run.out_detail, run.out_index end
    if run.raised then run:result() end
    return nil
  end

  --- Takes nothing more, and waits for those on their way. `break` does so by itself in Lua 5.4.
  function Each:Close()
    local run = self[RUN]
    if run.is_over then return end
    run:stop "the loop was left"
    drive(run)
  end

  --- As SendMany returns it; of the messages until now.
  function Each:Summary()
    local run = self[RUN]
    return run.tally:summary(kit.now(), run.stopped or nil)
  end

  local each_meta = { __index = Each, __call = next_of, __close = Each.Close, __name = "SendEach" }

  --- The same as a loop: `for message, result, err, detail, index in client:SendEach(messages) do`. Messages come in the order in which
  -- they are over; nothing is sent while the loop's body is at work. Leaving the loop early takes nothing more from the source and waits
  -- for the messages on their way: in Lua 5.4 by itself; in others call `Close` of what SendEach returned. Raises when the client is
  -- busy.
  -- @function SmtpClient:SendEach
  -- @tparam table|function source
  -- @tparam[opt] table options as of SendMany, but for OnResult
  -- @return what `for` takes; the first of it has `Summary` and `Close`
  function api.SendEach(client, source, given)
    if type(given) == "table" and given.OnResult ~= nil then fail(2, "SendEach takes no OnResult: its loop is told") end
    local from, plan = check("SendEach", source, given)
    local run, text = begin(client, from, plan, true)
    if not run then error(text, 2) end
    local each = setmetatable({ [RUN] = run }, each_meta)
    return each, nil, nil, each
  end

  return api
end
