#include "lua_client.h"

#include "addressing.h"
#include "base/clock.h"
#include "lua_content.h"
#include "lua_drive.h"
#include "lua_envelope.h"
#include "lua_message.h"
#include "mime/eai.h"
#include "mime/message.h"
#include "mime/pieces.h"
#include "now.h"

/* ---- the job: all that one send owns, in scratch memory, so that nothing is lost when something raises ---- */

struct job {
  struct nm_job job; /* first */
  struct nm_client *client;
  struct nm_sending sending;
  struct nm_pace pace;
  struct nm_envelope env;
  struct nm_now now;
  struct nm_source *source;
  struct nm_addressing who;
  struct nm_send_options *options; /* NULL: neither this send nor the client asks for anything */
  struct nm_sent sent;
  struct nm_error utf8; /* which address makes the header UTF-8 (RFC 6532); code 0: none */
  unsigned allowed;     /* NM_ALLOW_…: how source was rendered */
};

static void job_release(void *memory) {
  struct job *j = memory;
  nm_client_cancel(&j->sending, NULL); /* when it is left in the middle */
  nm_client_unref(&j->client);
  nm_sent_free(&j->sent); /* before the addresses its results point to */
  nm_source_free(&j->source);
  nm_addressing_free(&j->who);
  nm_send_options_unref(&j->options);
  nm_now_free(&j->now);
}

/* Renders the message anew for a way that takes what is allowed. */
static int take_content(struct job *j, const struct nm_message *m, unsigned allowed) {
  static const enum nm_body bodies[] = {
      [NM_CTE_8BIT] = NM_BODY_8BITMIME, [NM_CTE_BINARY] = NM_BODY_BINARYMIME};
  nm_source_free(&j->source);
  j->now.stamp.allowed = j->allowed = allowed;
  int err = nm_message_render(m, &j->now.stamp, &j->source, &j->sent.error);
  if (err == 0) {
    j->env.body = bodies[nm_pieces_cte(j->source)];
    j->env.size = nm_source_size(j->source);
  }
  return err;
}

/* What the server said it takes, when that was too little for the last attempt, and nothing was sent; else NULL. */
static const struct nm_caps *refusing(const struct job *j) {
  const struct nm_caps *caps = nm_client_caps(j->client);
  return j->sent.txn.error.code == NM_EINVAL && caps != NULL &&
                 nm_session_state(j->client->session) == NM_SESSION_IDLE
             ? caps
             : NULL;
}

/* Parts that the author wants in 8bit or binary were refused by a server without 8BITMIME or BINARYMIME, before MAIL. Sets what it takes. */
static int needs_narrower(const struct job *j, unsigned *allowed_out) {
  const struct nm_caps *caps = refusing(j);
  if (caps == NULL || j->env.body == NM_BODY_7BIT) {
    return 0;
  }
  int binary = (caps->flags & NM_CAP_BINARYMIME) != 0 && (caps->flags & NM_CAP_CHUNKING) != 0 &&
               j->env.chunking != NM_CHUNKING_OFF;
  *allowed_out = ((caps->flags & NM_CAP_8BITMIME) != 0 ? NM_ALLOW_8BIT : 0) | (binary ? NM_ALLOW_BINARY : 0);
  return (j->allowed & ~*allowed_out) != 0;
}

/* What has been spent so far is part of this send. */
static int begin_narrower(struct job *j, const struct nm_message *m, unsigned allowed) {
  int64_t spent[NM_PHASES];
  memcpy(spent, j->sent.spent, sizeof spent);
  nm_sent_free(&j->sent);
  memcpy(j->sent.spent, spent, sizeof spent);
  j->sending = (struct nm_sending){0};
  int err = take_content(j, m, allowed);
  return err == 0 ? nm_client_begin(j->client, &j->env, j->source, &j->pace, &j->sent, &j->sending) : err;
}

/* The engine knows that the header needs SMTPUTF8, and not for whose sake. */
static void explain_utf8(struct job *j) {
  const struct nm_caps *caps = refusing(j);
  if (j->utf8.code != 0 && caps != NULL && (caps->flags & NM_CAP_SMTPUTF8) == 0) {
    nm_error_set(&j->sent.error, NM_EINVAL, NM_KIND_MESSAGE, "%s (server %s:%d does not offer SMTPUTF8)",
                 j->utf8.text, j->client->host.p, j->client->port);
  }
}

/* No Lua in here. As nm_client_begin. */
static int begin(struct job *j, struct nm_client *c, const struct nm_message *m) {
  struct nm_error *e = &j->sent.error;
  unsigned allowed;
  j->client = nm_client_ref(c);
  nm_pace_begin(&j->pace, c->timeout, c->deadline); /* rendering reads files: it counts */
  int err = e->code;                                /* what was wrong with the options */
  err = err == 0 ? nm_addressing_take(&j->who, m, j->options, e) : err;
  err = err == 0 ? nm_now_take(&j->now, m, e) : err;
  err = err == 0 ? take_content(j, m, NM_ALLOW_8BIT | NM_ALLOW_BINARY) : err;
  if (err != 0) {
    return err;
  }
  nm_addressing_write(&j->who, &j->env);
  j->env.is_utf8 = nm_message_check_header(m, &j->utf8) != 0;
  j->env.all_or_nothing = c->all_or_nothing;
  if (j->options != NULL && j->options->all_or_nothing >= 0) {
    j->env.all_or_nothing = j->options->all_or_nothing;
  }
  err = nm_client_begin(c, &j->env, j->source, &j->pace, &j->sent, &j->sending);
  if (err < 0 && m->raw == NULL && needs_narrower(j, &allowed)) {
    err = begin_narrower(j, m, allowed);
  }
  if (err < 0) {
    explain_utf8(j);
  }
  return err;
}

/* ---- results ---- */

static void set_enhanced(lua_State *L, const struct nm_reply *r) {
  if (r->enhanced[0] != 0) {
    lua_pushfstring(L, "%d.%d.%d", r->enhanced[0], r->enhanced[1], r->enhanced[2]);
    lua_setfield(L, -2, "EnhancedCode");
  }
}

/* Code, EnhancedCode, Reply of the table on the top; nothing for a reply that never came. */
static void set_reply(lua_State *L, const struct nm_reply *r) {
  if (r->code != 0) {
    lua_pushinteger(L, r->code);
    lua_setfield(L, -2, "Code");
    set_enhanced(L, r);
    nm_set_field_str(L, "Reply", nm_buf_str(&r->text));
  }
}

static void push_recipient(lua_State *L, const struct nm_rcpt *r) {
  lua_newtable(L);
  nm_set_field_str(L, "Address", r->addr->address);
  set_reply(L, &r->reply);
  lua_pushboolean(L, nm_reply_class(&r->reply) == 4);
  lua_setfield(L, -2, "Temporary");
}

/* Accepted and Rejected of the table on the top. Who is in neither has not got the message, or nobody knows. */
static void set_recipients(lua_State *L, const struct nm_txn_result *txn) {
  lua_newtable(L);
  lua_newtable(L);
  int accepted = 0, rejected = 0;
  for (size_t i = 0; i < txn->n_rcpt; i++) {
    const struct nm_rcpt *r = &txn->rcpt[i];
    if (r->fate == NM_FATE_ACCEPTED) {
      push_recipient(L, r);
      lua_rawseti(L, -3, ++accepted);
    } else if (nm_reply_class(&r->reply) >= 4) {
      push_recipient(L, r);
      lua_rawseti(L, -2, ++rejected);
    }
  }
  lua_setfield(L, -3, "Rejected");
  lua_setfield(L, -2, "Accepted");
}

static const struct nm_rcpt *first_refused(const struct nm_txn_result *txn) {
  for (size_t i = 0; i < txn->n_rcpt; i++) {
    if (nm_reply_class(&txn->rcpt[i].reply) >= 4) {
      return &txn->rcpt[i];
    }
  }
  return NULL;
}

/* Timings of the table on the top. */
static void set_timings(lua_State *L, const struct job *j) {
  static const char *const names[] = {[NM_PHASE_CONNECT] = "Connect",
                                      [NM_PHASE_ENVELOPE] = "Envelope",
                                      [NM_PHASE_CONTENT] = "Content",
                                      [NM_PHASE_REPLY] = "Reply"};
  lua_newtable(L);
  for (int i = 0; i < NM_PHASES; i++) {
    lua_pushinteger(L, (lua_Integer)j->sent.spent[i]);
    lua_setfield(L, -2, names[i]);
  }
  lua_pushinteger(L, (lua_Integer)(nm_clock_ms() - j->pace.begin));
  lua_setfield(L, -2, "Total");
  lua_setfield(L, -2, "Timings");
}

static int push_success(lua_State *L, const struct job *j) {
  const struct nm_txn_result *txn = &j->sent.txn;
  lua_newtable(L);
  lua_pushstring(L, nm_outcome_name(txn->outcome));
  lua_setfield(L, -2, "Outcome");
  set_reply(L, &txn->reply);
  struct nm_str queue_id = nm_reply_queue_id(&txn->reply);
  if (queue_id.n > 0) {
    nm_set_field_str(L, "QueueId", queue_id);
  }
  nm_set_field_str(L, "MessageId", j->now.stamp.message_id);
  set_recipients(L, txn);
  set_timings(L, j);
  const struct nm_rcpt *refused = first_refused(txn);
  struct nm_error words = {0}; /* a room in which text becomes printable */
  if (refused == NULL && txn->outcome == NM_OUTCOME_ACCEPTED) {
    return 1;
  }
  if (refused == NULL) {
    nm_error_set(&words, 0, NM_KIND_NONE, "%d of %d recipients were not reached: %s",
                 (int)(txn->n_rcpt - txn->n_accepted), (int)txn->n_rcpt, j->sent.rest.text);
    lua_pushstring(L, words.text);
    return 2;
  }
  nm_error_set(&words, 0, NM_KIND_NONE, "%d of %d recipients refused, first <%.*s>: %d %s",
               (int)(txn->n_rcpt - txn->n_accepted), (int)txn->n_rcpt, (int)refused->addr->spec.n,
               refused->addr->spec.p, refused->reply.code,
               refused->reply.text.n > 0 ? refused->reply.text.p : "");
  lua_pushstring(L, words.text);
  return 2;
}

static int is_temporary(const struct nm_sent *s, const struct nm_reply *reply) {
  if (reply->code != 0) {
    return nm_reply_class(reply) == 4;
  }
  return s->error.kind == NM_KIND_CONNECT || s->error.kind == NM_KIND_TIMEOUT;
}

static int push_detail(lua_State *L, const struct job *j) {
  const struct nm_client *c = j->client;
  const struct nm_sent *s = &j->sent;
  const struct nm_reply *reply = s->reply.code != 0 ? &s->reply : &s->txn.reply;
  int pushed = nm_push_failure(L, &s->error, nm_outcome_name(s->txn.outcome));
  set_reply(L, reply);
  if (s->command != NULL) {
    lua_pushstring(L, s->command);
    lua_setfield(L, -2, "Command");
  }
  lua_pushboolean(L, is_temporary(s, reply));
  lua_setfield(L, -2, "Temporary");
  set_recipients(L, &s->txn);
  set_timings(L, j);
  if (j->now.id.n > 0) {
    nm_set_field_str(L, "MessageId", nm_buf_str(&j->now.id));
  }
  nm_set_field_str(L, "Host", nm_buf_str(&c->host));
  lua_pushinteger(L, c->port);
  lua_setfield(L, -2, "Port");
  return pushed;
}

static const struct nm_net_api *loaded_net(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, NM_NET_API_KEY);
  const struct nm_net_api *api = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return api;
}

static void load_net(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "netmail.net");
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    /* Lua 5.1 remembers a load that failed as one that still runs, and would not say the reason again. */
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    if (lua_istable(L, -1)) {
      lua_pushnil(L);
      lua_setfield(L, -2, "netmail.net");
    }
    lua_pop(L, 1);
    lua_error(L);
  }
}

/* netmail.net, and with it libcurl, is loaded by the first send. */
static const struct nm_net_api *need_net(lua_State *L) {
  const struct nm_net_api *api = loaded_net(L);
  if (api == NULL) {
    load_net(L);
    api = loaded_net(L);
  }
  if (api == NULL || api->magic != NM_NET_API_MAGIC || api->version != NM_NET_API_VERSION ||
      api->size != sizeof *api) {
    luaL_error(L, "netmail.net is of another version than netmail.core; install both from one netmail");
  }
  return api;
}

/* ---- the method ---- */

/* Up to where a function is to be called, or to the results. The job is at index i. */
static int go_on(lua_State *L, struct job *j, int i, int err) {
  while (err == NM_AGAIN) {
    if (nm_content_ask(L, nm_pieces_waiting(j->source))) {
      return nm_drive_call(L, i);
    }
    err = nm_client_step(&j->sending);
  }
  int pushed = err == 0 ? push_success(L, j) : push_detail(L, j);
  nm_scratch_release(L, i);
  return pushed;
}

static int step(lua_State *L, struct nm_job *job) {
  struct job *j = (struct job *)(void *)job;
  nm_content_answer(L, nm_pieces_waiting(j->source), 3);
  return go_on(L, j, 1, nm_client_step(&j->sending));
}

static int check_send(lua_State *L) {
  nm_class_self(L, &nm_client_class, "Send");
  if (nm_class_test(L, &nm_message_class, 2) == NULL) {
    return luaL_error(L, "bad argument #1 to 'Send' (MailMessage expected, got %s)", luaL_typename(L, 2));
  }
  return luaL_error(L, "bad argument #2 to 'Send' (table of options expected, got %s)", luaL_typename(L, 3));
}

/* What read_options works with. */
struct reading {
  const struct nm_send_options *defaults;
  struct job *job;
};

/* Stack: 1 a struct reading, 2 the table or nothing. Raises for a mistake of the program; bad content becomes the job's error. */
static int read_options(lua_State *L) {
  struct reading *r = lua_touserdata(L, 1);
  struct job *j = r->job;
  if (nm_send_options_copy(r->defaults, &j->options) != 0) {
    return luaL_error(L, "out of memory");
  }
  if (!lua_isnoneornil(L, 2)) {
    (void)nm_options_set(L, j->options, 2, &j->sent.error);
  }
  return 0;
}

/* The options at index 3 for the job; 0, or what raises is on the top of the stack. */
static int take_options(lua_State *L, struct job *j, const struct nm_client *c) {
  struct reading r = {c->options, j};
  if (c->options == NULL && lua_isnil(L, 3)) {
    return 0;
  }
  lua_pushcfunction(L, read_options);
  lua_pushlightuserdata(L, &r);
  lua_pushvalue(L, 3);
  return lua_pcall(L, 2, 0, 0);
}

/// Sends the message and waits for the server's word.
// The connection is kept and used again by the next Send while host, security options and credential stay the same. The
// message is not changed; Date and Message-ID are made for each send unless the message has its own. A message that was
// resent goes to the recipients of its newest Resend and to nobody else.
//
// A function that gives a content is called when the server waits for its bytes, and may yield. While it does, the client sends nothing
// else (a Send that is called meanwhile fails at once), and Close ends the send. An error that it raises comes back from Send.
// @function SmtpClient:Send
// A recipient that is named more than once gets it once (the local part compares exactly, the domain without case), and stands once in the
// results. Parts that are to go in 8bit or binary are encoded for a server that does not take them so.
// @tparam MailMessage Message
// @tparam[opt] table options what differs from the message and the client for this send: see `SendOptions`
// @treturn[1] table `Outcome` ("accepted" or "partial"), `Code`, `EnhancedCode`, `Reply`, `QueueId`, `MessageId`,
//   `Accepted` and `Rejected` (lists of `{Address, Code, EnhancedCode, Reply, Temporary}`), `Timings` (milliseconds: `Connect`, all up to the
//   first command of the envelope; `Envelope`, up to the first byte of the content; `Content`, up to its last; `Reply`, up to the server's
//   word; `Total`, with the rendering. Of several transactions the sums)
// @treturn[1] ?string a warning when some recipients were refused
// @treturn[2] nil
// @treturn[2] string what happened and what to do
// @treturn[2] table detail: `Kind` (connect, tls, auth, sender, recipient, data, timeout, protocol, message), `Outcome` (not_sent,
//   rejected, unknown), `Code`, `EnhancedCode`, `Command`, `Reply`, `Temporary`, `Accepted`, `Rejected`, `Timings`,
//   `Host`, `Port`
int nm_client_m_send(lua_State *L) {
  lua_settop(L, 3);
  struct nm_client *c = nm_class_test(L, &nm_client_class, 1);
  if (c == NULL || nm_class_test(L, &nm_message_class, 2) == NULL ||
      !(lua_isnil(L, 3) || lua_istable(L, 3))) {
    return nm_drive_raise(L, check_send);
  }
  const struct nm_net_api *api = need_net(L);
  struct job *j = nm_scratch(L, sizeof *j, job_release);
  c = nm_class_test(L, &nm_client_class,
                    1); /* what allocates may have finalized it, in a state that closes */
  if (c != NULL && take_options(L, j, c) != LUA_OK) {
    return nm_drive_raise_here(L);
  }
  /* Behind the last allocation before the work: it may have finalized them, in a state that closes. */
  c = nm_class_test(L, &nm_client_class, 1);
  struct nm_message *m = nm_class_test(L, &nm_message_class, 2);
  if (c == NULL || m == NULL) {
    return nm_drive_raise(L, check_send);
  }
  c->api = api;
  j->job.step = step;
  return go_on(L, j, 4, begin(j, c, m));
}
