#include "lua_result.h"

#include <stdio.h>
#include <string.h>

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

#define REPLY_VALUES 3

/* Code, EnhancedCode, Reply. */
static void push_reply(lua_State *L, const struct nm_reply *r) {
  if (r->code == 0) {
    lua_settop(L, lua_gettop(L) + REPLY_VALUES);
    return;
  }
  lua_pushinteger(L, r->code);
  push_enhanced(L, r);
  nm_push_str(L, nm_buf_str(&r->text));
}

void nm_result_set_reply(lua_State *L, const struct nm_reply *r) {
  static const char *const names[REPLY_VALUES] = {"Code", "EnhancedCode", "Reply"};
  if (r->code == 0) {
    return;
  }
  push_reply(L, r);
  for (int i = REPLY_VALUES - 1; i >= 0; i--) {
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

/* ---- the recipients ---- */

#define N_FATES 4

/* Each recipient stands in one of these, which are always there. Accepted and Unknown may have the message; Rejected and NotSent have not. */
static const char *const lists[N_FATES] = {[NM_FATE_NOT_SENT] = "NotSent",
                                           [NM_FATE_REFUSED] = "Rejected",
                                           [NM_FATE_ACCEPTED] = "Accepted",
                                           [NM_FATE_UNKNOWN] = "Unknown"};

/* The answer that decided about it: the server's to it alone, or the one that refused it with all others. */
static struct nm_reply last_word(const struct nm_txn_result *txn, const struct nm_rcpt *r) {
  int is_common = r->fate == NM_FATE_REFUSED && nm_rcpt_class(r) < 4;
  return is_common ? txn->reply : nm_rcpt_reply(r);
}

#define RECIPIENT_VALUES (2 + REPLY_VALUES)

/* A table for one of whom nothing was said. */
static void push_unheard(lua_State *L, const struct nm_addr *addr) {
  lua_createtable(L, 0, 1);
  nm_set_field_str(L, "Address", addr->address);
}

/* Whether trying again may help: of those that nobody refused, or that nobody knows about, no answer says it. */
static void push_temporary(lua_State *L, enum nm_fate fate, const struct nm_reply *r) {
  if (fate == NM_FATE_ACCEPTED || fate == NM_FATE_REFUSED) {
    lua_pushboolean(L, nm_reply_class(r) == 4);
  } else {
    lua_pushnil(L);
  }
}

/* Tables for one recipient after another. Most hear the same, whose values are not made twice: they lie behind the function that makes the
   tables, which lies at index at. */
struct scribe {
  int at;
  struct nm_reply said; /* borrowed; code 0: nothing yet */
};

static void begin_scribe(lua_State *L, struct scribe *s) {
  nm_shape_push(L, NM_SHAPE_RECIPIENT);
  *s = (struct scribe){.at = lua_gettop(L)};
  lua_settop(L, s->at + REPLY_VALUES);
}

/* Of recipients who were told the same with the same words the text is one. */
static int has_said(const struct scribe *s, const struct nm_reply *r) {
  return s->said.code == r->code && s->said.text.p == r->text.p && s->said.text.n == r->text.n &&
         memcmp(s->said.enhanced, r->enhanced, sizeof r->enhanced) == 0;
}

static void push_recipient(lua_State *L, struct scribe *s, const struct nm_rcpt *rcpt,
                           const struct nm_reply *r) {
  if (!has_said(s, r)) {
    lua_settop(L, s->at);
    push_reply(L, r);
    s->said = *r;
  }
  lua_pushvalue(L, s->at);
  nm_push_str(L, rcpt->addr->address);
  for (int i = 1; i <= REPLY_VALUES; i++) {
    lua_pushvalue(L, s->at + i);
  }
  push_temporary(L, rcpt->fate, r);
  lua_call(L, RECIPIENT_VALUES, 1);
}

static void count_fates(const struct nm_txn_result *txn, int n_out[N_FATES]) {
  for (size_t i = 0; i < txn->n_rcpt; i++) {
    n_out[txn->rcpt[i].fate]++;
  }
}

/* Into the lists that lie from index at on, each at the place of its fate. */
static void fill_lists(lua_State *L, int at, const struct nm_txn_result *txn) {
  int n[N_FATES] = {0};
  struct scribe scribe;
  begin_scribe(L, &scribe);
  for (size_t i = 0; i < txn->n_rcpt; i++) {
    const struct nm_rcpt *r = &txn->rcpt[i];
    struct nm_reply word = last_word(txn, r);
    /* That RCPT was welcome helps nobody who looks for a reason. */
    if (word.code == 0 || (r->fate == NM_FATE_NOT_SENT && nm_reply_class(&word) < 4)) {
      push_unheard(L, r->addr);
    } else {
      push_recipient(L, &scribe, r, &word);
    }
    lua_rawseti(L, at + (int)r->fate, ++n[r->fate]);
  }
  lua_settop(L, scribe.at - 1);
}

/* No transaction ever had them. */
static void fill_not_sent(lua_State *L, int at, const struct nm_envelope *env) {
  for (size_t i = 0; i < env->n_to; i++) {
    push_unheard(L, env->to[i]);
    lua_rawseti(L, at + NM_FATE_NOT_SENT, (int)i + 1);
  }
}

/* The lists, in the order of the fates. */
static void push_recipients(lua_State *L, const struct nm_result *r) {
  const struct nm_txn_result *txn = &r->sent->txn;
  int first = lua_gettop(L) + 1, n[N_FATES] = {0};
  count_fates(txn, n);
  for (int fate = 0; fate < N_FATES; fate++) {
    lua_createtable(L, n[fate], 0);
  }
  if (txn->n_rcpt > 0) {
    fill_lists(L, first, txn);
  } else {
    fill_not_sent(L, first, r->env);
  }
}

/* The lists of the table on the top. */
static void set_recipients(lua_State *L, const struct nm_result *r) {
  int result = lua_gettop(L);
  push_recipients(L, r);
  for (int fate = N_FATES - 1; fate >= 0; fate--) {
    lua_setfield(L, result, lists[fate]);
  }
}

/* What IfOffered says of it, by the names it takes. */
static void push_left_out(lua_State *L, const struct nm_result *r) {
  unsigned bits = r->sent->txn.left_out;
  if (bits != 0) {
    nm_push_words(L, nm_extension_words, bits);
  } else {
    lua_newtable(L);
  }
}

static const struct nm_rcpt *first_refused(const struct nm_txn_result *txn) {
  for (size_t i = 0; i < txn->n_rcpt; i++) {
    if (txn->rcpt[i].fate == NM_FATE_REFUSED) {
      return &txn->rcpt[i];
    }
  }
  return NULL;
}

/* ---- the time ---- */

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

/* How many of them, for people: "2 of 5 recipients refused", and those that the message never went to. */
static void say_counts(const struct nm_txn_result *txn, char *text, size_t size) {
  int n[N_FATES] = {0};
  count_fates(txn, n);
  int missed = n[NM_FATE_NOT_SENT], refused = n[NM_FATE_REFUSED], all = (int)txn->n_rcpt;
  if (refused == 0) {
    snprintf(text, size, "%d of %d recipients were not reached", missed, all);
  } else if (missed == 0) {
    snprintf(text, size, "%d of %d recipients refused", refused, all);
  } else {
    snprintf(text, size, "%d of %d recipients refused and %d not reached", refused, all, missed);
  }
}

#define COUNTS_MAX 96

/* The warning that stands beside a result when somebody has not got the message. */
static void push_warning(lua_State *L, const struct nm_sent *s) {
  const struct nm_rcpt *refused = first_refused(&s->txn);
  char counts[COUNTS_MAX];
  struct nm_error words = {0}; /* a room in which text becomes printable */
  say_counts(&s->txn, counts, sizeof counts);
  if (refused == NULL) {
    nm_error_set(&words, 0, NM_KIND_NONE, "%s: %s", counts, s->rest.text);
  } else {
    struct nm_reply r = last_word(&s->txn, refused);
    nm_error_set(&words, 0, NM_KIND_NONE, "%s, first <%.*s>: %d %s", counts, (int)refused->addr->spec.n,
                 refused->addr->spec.p, r.code, r.text.n > 0 ? r.text.p : "");
  }
  lua_pushstring(L, words.text);
}

#define ANSWER_VALUES (REPLY_VALUES + 2)

/* Code to MessageId. */
static void push_answer(lua_State *L, const struct nm_result *r) {
  const struct nm_txn_result *txn = &r->sent->txn;
  push_reply(L, &txn->reply);
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
  struct nm_reply word = last_word(&r->sent->txn, rcpt);
  nm_shape_push(L, NM_SHAPE_USUAL_RESULT);
  push_answer(L, r);
  nm_push_str(L, rcpt->addr->address);
  push_reply(L, &word);
  push_temporary(L, rcpt->fate, &word);
  push_times(L, r);
  lua_call(L, ANSWER_VALUES + RECIPIENT_VALUES + TIMINGS_VALUES, 1);
  return 1;
}

static int push_success(lua_State *L, const struct nm_result *r) {
  if (is_usual(r->sent)) {
    return push_usual(L, r);
  }
  nm_shape_push(L, NM_SHAPE_RESULT);
  lua_pushstring(L, nm_outcome_name(r->sent->txn.outcome));
  push_answer(L, r);
  push_recipients(L, r);
  push_left_out(L, r);
  push_timings(L, r);
  lua_call(L, 1 + ANSWER_VALUES + N_FATES + 2, 1);
  if (r->sent->txn.outcome == NM_OUTCOME_ACCEPTED) {
    return 1;
  }
  push_warning(L, r->sent);
  return 2;
}

static int push_detail(lua_State *L, const struct nm_result *r) {
  int pushed = nm_result_push_failure(L, r->client, r->sent, r->sent->txn.outcome);
  set_recipients(L, r);
  push_left_out(L, r);
  lua_setfield(L, -2, "LeftOut");
  push_timings(L, r);
  lua_setfield(L, -2, "Timings");
  if (r->message_id.n > 0) {
    nm_set_field_str(L, "MessageId", r->message_id);
  }
  return pushed;
}

/* Values on the stack at once: twelve of a result, five of a recipient, the functions that make both, and what lies between. */
#define STACK_MAX 32

int nm_result_push(lua_State *L, const struct nm_result *r) {
  luaL_checkstack(L, STACK_MAX, "no room for a result");
  return r->sent->error.code == 0 ? push_success(L, r) : push_detail(L, r);
}
