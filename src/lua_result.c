#include "lua_result_own.h"

#include "base/clock.h"
#include "lua_envelope.h"
#include "lua_shape.h"
#include "smtp/session.h"

/* ---- what all answers have ---- */

/* n < 1000 (RFC 3463 2: status-code = class "." subject "." detail), and what stands behind it. Returns the end. */
static char *put_number(char *p, int n, char behind) {
  if (n >= 100) {
    *p++ = (char)('0' + n / 100 % 10);
  }
  if (n >= 10) {
    *p++ = (char)('0' + n / 10 % 10);
  }
  *p++ = (char)('0' + n % 10);
  *p++ = behind;
  return p;
}

static void push_enhanced(lua_State *L, const struct nm_reply *r) {
  char text[12], *p = text;
  if (r->enhanced[0] != 0) {
    p = put_number(p, r->enhanced[0], '.');
    p = put_number(p, r->enhanced[1], '.');
    p = put_number(p, r->enhanced[2], '\0');
    lua_pushlstring(L, text, (size_t)(p - text) - 1);
  } else {
    lua_pushnil(L);
  }
}

void nm_result_push_reply(lua_State *L, const struct nm_reply *r) {
  if (r->code == 0) {
    lua_settop(L, lua_gettop(L) + NM_REPLY_VALUES);
    return;
  }
  lua_pushinteger(L, r->code);
  push_enhanced(L, r);
  nm_push_str(L, nm_buf_str(&r->text));
}

void nm_result_set_reply(lua_State *L, const struct nm_reply *r) {
  static const char *const names[NM_REPLY_VALUES] = {"Code", "EnhancedCode", "Reply"};
  if (r->code == 0) {
    return;
  }
  nm_result_push_reply(L, r);
  for (int i = NM_REPLY_VALUES - 1; i >= 0; i--) {
    lua_setfield(L, -2 - i, names[i]);
  }
}

static int is_temporary(const struct nm_sent *s, const struct nm_reply *reply) {
  if (reply->code != 0) {
    return nm_reply_class(reply) == 4;
  }
  return s->error.kind == NM_KIND_CONNECT || s->error.kind == NM_KIND_TIMEOUT;
}

/* Host and Port of the table on the top: of the place that was dialled, whatever the client has become meanwhile. */
static void set_place(lua_State *L, const struct nm_client *c, const struct nm_place *dialled) {
  struct nm_place at = *dialled;
  if (at.text[0] == '\0') { /* it failed before that */
    (void)nm_client_place(c, &at);
  }
  nm_set_field_str(L, "Host", nm_str_c(at.host));
  if (at.port != 0) {
    lua_pushinteger(L, at.port);
    lua_setfield(L, -2, "Port");
  }
}

int nm_result_push_failure(lua_State *L, const struct nm_client *c, const struct nm_sent *s,
                           enum nm_outcome outcome) {
  const struct nm_reply *reply = s->reply.code != 0 ? &s->reply : &s->txn.reply;
  int pushed = nm_push_failure(L, &s->error, nm_outcome_name(outcome));
  if (reply->code >=
      400) { /* else the server's last word was friendly, and the failure is told by the text */
    nm_result_set_reply(L, reply);
  }
  if (s->command != NULL) {
    lua_pushstring(L, s->command);
    lua_setfield(L, -2, "Command");
  }
  lua_pushboolean(L, outcome != NM_OUTCOME_UNKNOWN && is_temporary(s, reply));
  lua_setfield(L, -2, "Temporary");
  set_place(L, c, &s->place);
  return pushed;
}

/* ---- what the message was sent without, and the time it took ---- */

/* What IfOffered says of it, by the names it takes. */
static void push_left_out(lua_State *L, const struct nm_result *r) {
  unsigned bits = r->sent->txn.left_out;
  if (bits != 0) {
    nm_push_words(L, nm_extension_words, bits);
  } else {
    lua_newtable(L);
  }
}

/* ms = from until to, in microseconds since the dial began; 0 for what was not reached, or not done. */
static void set_span(lua_State *L, const char *name, int64_t from, int64_t to) {
  lua_pushinteger(L, (lua_Integer)(to > from ? (to - from) / 1000 : 0));
  lua_setfield(L, -2, name);
}

/* What Connect is made of; the rest of it is the login. A kept connection has none of it. */
static void set_dial_timings(lua_State *L, const struct nm_dial_times *t) {
  if (t->ready == 0) {
    return;
  }
  int64_t secure = t->secure > 0 ? t->secure : t->connected;
  set_span(L, "Resolve", 0, t->resolved);
  set_span(L, "Tcp", t->resolved, t->connected);
  set_span(L, "Tls", t->connected, secure);
  set_span(L, "Hello", secure, t->ready);
}

#define TIMINGS_VALUES (NM_PHASES + 1)

/* Their shape names the phases in their order. */
static void push_times(lua_State *L, const struct nm_result *r) {
  for (int i = 0; i < NM_PHASES; i++) {
    lua_pushinteger(L, (lua_Integer)r->sent->spent[i]);
  }
  lua_pushinteger(L, (lua_Integer)(nm_clock_ms() - r->begin));
}

static void push_timings(lua_State *L, const struct nm_result *r) {
  nm_shape_push(L, NM_SHAPE_TIMINGS);
  push_times(L, r);
  lua_call(L, TIMINGS_VALUES, 1);
  set_dial_timings(L, &r->sent->dial);
}

/* ---- all of it ---- */

#define ANSWER_VALUES (NM_REPLY_VALUES + 2)

/* Code to MessageId. */
static void push_answer(lua_State *L, const struct nm_result *r) {
  const struct nm_txn_result *txn = &r->sent->txn;
  nm_result_push_reply(L, &txn->reply);
  nm_push_opt_str(L, nm_reply_queue_id(&txn->reply));
  nm_push_opt_str(L, r->message_id);
}

/* Accepted by its only recipient, over a line that was there, with all that was asked for: most are. */
static int is_usual(const struct nm_sent *s) {
  return s->txn.outcome == NM_OUTCOME_ACCEPTED && s->txn.n_rcpt == 1 &&
         s->txn.rcpt[0].fate == NM_FATE_ACCEPTED && s->txn.rcpt[0].code != 0 && s->txn.left_out == 0 &&
         s->dial.ready == 0;
}

static int push_usual(lua_State *L, const struct nm_result *r) {
  const struct nm_rcpt *rcpt = &r->sent->txn.rcpt[0];
  struct nm_reply word = nm_result_last_word(&r->sent->txn, rcpt);
  nm_shape_push(L, NM_SHAPE_USUAL_RESULT);
  push_answer(L, r);
  nm_result_push_rcpt(L, rcpt, &word);
  push_times(L, r);
  lua_call(L, ANSWER_VALUES + NM_RCPT_VALUES + TIMINGS_VALUES, 1);
  return 1;
}

static int push_success(lua_State *L, const struct nm_result *r) {
  if (is_usual(r->sent)) {
    return push_usual(L, r);
  }
  nm_shape_push(L, NM_SHAPE_RESULT);
  lua_pushstring(L, nm_outcome_name(r->sent->txn.outcome));
  push_answer(L, r);
  nm_result_push_recipients(L, r);
  push_left_out(L, r);
  push_timings(L, r);
  lua_call(L, 1 + ANSWER_VALUES + NM_FATES + 2, 1);
  if (r->sent->txn.outcome == NM_OUTCOME_ACCEPTED) {
    return 1;
  }
  nm_result_push_warning(L, r->sent);
  return 2;
}

static int push_detail(lua_State *L, const struct nm_result *r) {
  int pushed = nm_result_push_failure(L, r->client, r->sent, r->sent->txn.outcome);
  nm_result_set_recipients(L, r);
  push_left_out(L, r);
  lua_setfield(L, -2, "LeftOut");
  push_timings(L, r);
  lua_setfield(L, -2, "Timings");
  if (r->message_id.n > 0) {
    nm_set_field_str(L, "MessageId", r->message_id);
  }
  return pushed;
}

/* Values on the stack at once: fifteen of a result, five of a recipient, the functions that make both, and what lies between. */
#define STACK_MAX 32

int nm_result_push(lua_State *L, const struct nm_result *r) {
  luaL_checkstack(L, STACK_MAX, "no room for a result");
  return r->sent->error.code == 0 ? push_success(L, r) : push_detail(L, r);
}
