#include "lua_envelope.h"
#include "lua_errand.h"
#include "lua_load.h"
#include "lua_message.h"
#include "lua_result.h"
#include "lua_send.h"
#include "outgoing.h"

/* ---- the job: all that one send owns, in scratch memory, so that nothing is lost when something raises ---- */

struct job {
  struct nm_errand errand; /* first */
  struct nm_outgoing mail;
};

static void job_release(void *memory) {
  struct job *j = memory;
  nm_errand_release(&j->errand); /* before the addresses its results point to */
  nm_outgoing_free(&j->mail);
}

static int send(struct job *j) {
  struct nm_errand *e = &j->errand;
  e->source = j->mail.content;
  return nm_client_begin(e->client, &j->mail.env, j->mail.content, &e->pace, &e->sent, &e->sending);
}

/* What the server said it takes, when that was too little for the last attempt, and nothing was sent; else NULL. */
static const struct nm_caps *refusing(const struct job *j) {
  const struct nm_client *via = j->errand.sending.via;
  const struct nm_caps *caps = via != NULL ? nm_client_caps(via) : NULL;
  return j->errand.sent.txn.error.code == NM_EINVAL && caps != NULL &&
                 nm_session_state(via->session) == NM_SESSION_IDLE
             ? caps
             : NULL;
}

/* What has been spent so far is part of this send, and it goes to nobody else. */
static int begin_again(struct job *j) {
  struct nm_errand *e = &j->errand;
  int64_t spent[NM_PHASES];
  memcpy(spent, e->sent.spent, sizeof spent);
  nm_sent_renew(&e->sent);
  memcpy(e->sent.spent, spent, sizeof spent);
  e->sending = (struct nm_sending){0};
  return send(j);
}

/* It has failed: as nm_client_begin once more, when it may work in another way. */
static int retry(struct nm_errand *e) {
  struct job *j = (struct job *)(void *)e;
  const struct nm_caps *caps = refusing(j);
  if (caps == NULL) {
    return e->err;
  }
  int narrowed = nm_outgoing_narrow(&j->mail, caps, &e->sent.error);
  if (narrowed > 0) {
    return begin_again(j);
  }
  nm_outgoing_explain(&j->mail, caps, e->sent.place.text, &e->sent.error);
  return narrowed < 0 ? narrowed : e->err;
}

/* Everything but the sending itself: the message is as it is now. No Lua in here. */
static int prepare(struct job *j, struct nm_client *c, const struct nm_message *m) {
  struct nm_error *e = &j->errand.sent.error;
  j->errand.client = nm_client_ref(c);
  nm_pace_begin(&j->errand.pace, c->timeout, c->deadline); /* rendering reads files: it counts */
  return e->code != 0 ? e->code /* what was wrong with the options */ : nm_outgoing_take(&j->mail, c, m, e);
}

static int begin(lua_State *L, struct nm_errand *e) {
  (void)L;
  return send((struct job *)(void *)e);
}

static int finish(lua_State *L, struct nm_errand *e) {
  const struct job *j = (const struct job *)(const void *)e;
  struct nm_result r = {e->client, &e->sent, e->pace.begin, nm_buf_str(&j->mail.now.id), &j->mail.env};
  return nm_result_push(L, &r);
}

/* ---- the method ---- */

void nm_send_check(lua_State *L, const char *method) {
  nm_class_self(L, &nm_client_class, method);
  if (nm_message_at(L, 2) == NULL) {
    luaL_error(L, "bad argument #1 to '%s' (MailMessage expected, got %s)", method, luaL_typename(L, 2));
  }
  if (!lua_isnoneornil(L, 3) && !lua_istable(L, 3)) {
    luaL_error(L, "bad argument #2 to '%s' (table of options expected, got %s)", method, luaL_typename(L, 3));
  }
}

static int check_send(lua_State *L) {
  nm_send_check(L, "Send");
  return 0;
}

void nm_send_read_options(lua_State *L, int i, const struct nm_send_options *defaults,
                          struct nm_send_options **out, struct nm_error *e) {
  if (defaults == NULL && lua_isnoneornil(L, i)) {
    return;
  }
  if (nm_send_options_copy(defaults, out) != 0) {
    luaL_error(L, "out of memory");
  }
  if (!lua_isnoneornil(L, i)) {
    luaL_checktype(L, i, LUA_TTABLE);
    (void)nm_options_set(L, *out, i, e);
  }
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
  nm_send_read_options(L, 2, r->defaults, &j->mail.options, &j->errand.sent.error);
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

/* The job at index 4, with everything taken; its errand's err says whether it may be sent. NULL: for `return`, *pushed: an argument is
   wrong. */
static struct job *make_job(lua_State *L, int *pushed) {
  lua_settop(L, 3);
  struct nm_client *c = nm_class_test(L, &nm_client_class, 1);
  if (c == NULL || nm_message_at(L, 2) == NULL || !(lua_isnil(L, 3) || lua_istable(L, 3))) {
    *pushed = nm_drive_raise(L, check_send);
    return NULL;
  }
  const struct nm_net_api *api = nm_load_net(L);
  struct job *j = nm_scratch(L, sizeof *j, job_release);
  /* What allocates may have finalized it, in a state that closes. */
  c = nm_class_test(L, &nm_client_class, 1);
  if (c != NULL && take_options(L, j, c) != LUA_OK) {
    *pushed = nm_drive_raise_here(L);
    return NULL;
  }
  /* Behind the last allocation before the work: it may have finalized them, in a state that closes. */
  c = nm_class_test(L, &nm_client_class, 1);
  struct nm_message *m = nm_message_at(L, 2);
  if (c == NULL || m == NULL) {
    *pushed = nm_drive_raise(L, check_send);
    return NULL;
  }
  nm_load_net_for(L, c, api);
  j->errand.begin = begin;
  j->errand.finish = finish;
  j->errand.retry = retry;
  j->errand.err = prepare(j, c, m);
  return j;
}

/// Sends the message and waits for the server's word.
// The connection is kept and used again by the next Send while host, security options and credential stay the same. The
// message is not changed; Date and Message-ID are made for each send unless the message has its own. A message that was
// resent goes to the recipients of its newest Resend and to nobody else.
//
// A function that gives a content is called when the server waits for its bytes, and may yield. While it does, the client sends nothing
// else (a Send that is called meanwhile fails at once), and Close ends the send. An error that it raises comes back from Send.
//
// A recipient that is named more than once gets it once (the local part compares exactly, the domain without case), and stands once in the
// results. Parts that are to go in 8bit or binary are encoded for a server that does not take them so.
//
// Who sends again only to those who have not got it goes by the lists. Their entries are `{Address, Code, EnhancedCode, Reply}`, with the answer that
// counts for this recipient, as far as there is one. Accepted have it. Unknown may have it (the line broke behind the last byte):
// sending again may deliver it twice. Rejected have not: the server said no, to the recipient or to the sender or message as a whole, and
// `Temporary` (in the entries of Accepted and Rejected) says whether trying again may help. NotSent have not, and nobody said no to them: the
// server hung up (421), the line broke before, it was not their turn yet, or with AllOrNothing somebody else was refused. When the message or the
// options cannot even say who the recipients are, all four are empty.
// @function SmtpClient:Send
// @tparam MailMessage Message or a PersonalMail, which `MailTemplate:For` makes
// @tparam[opt] table options what differs from the message and the client for this send: see `SendOptions`
// @treturn[1] table `Outcome` ("accepted" or "partial"), `Code`, `EnhancedCode`, `Reply`, `QueueId`, `MessageId`; `Accepted`, `Rejected`, `Unknown`
//   and `NotSent`, lists that are always there, with each recipient in exactly one of them (a result has nobody in Unknown); `LeftOut`, a list of
//   the extensions that the options asked for if offered, and were not (`"DSN"`: nobody gets the report), mostly empty; `Timings`
//   (milliseconds: `Connect`, all up to the first command of the envelope; `Envelope`, up to the first byte of the content; `Content`, up to its
//   last; `Reply`, up to the server's word; `Total`, with the rendering. Of several transactions the sums. On a new connection Connect contains
//   `Resolve`, the name server; `Tcp`, with a proxy; `Tls`, with greeting and EHLO where it began with STARTTLS; `Hello`, greeting and EHLO; the
//   rest is the login)
// @treturn[1] ?string a warning when some recipients were refused, or not reached
// @treturn[2] nil
// @treturn[2] string what happened and what to do
// @treturn[2] table detail: `Kind` (connect, tls, auth, sender, recipient, data, timeout, protocol, message, cancelled), `Outcome` (not_sent,
//   rejected, unknown), `Code`, `EnhancedCode`, `Command`, `Reply`, `Temporary`, `Accepted`, `Rejected`, `Unknown`, `NotSent`, `LeftOut`, `MessageId`,
//   `Timings`, `Host`, `Port`
int nm_client_m_send(lua_State *L) {
  int pushed = 0;
  struct job *j = make_job(L, &pushed);
  if (j == NULL) {
    return pushed;
  }
  return nm_errand_begin(L, &j->errand, 4);
}
