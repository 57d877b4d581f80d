#include "lua_result.h"

#include "base/clock.h"
#include "smtp/session.h"

/* ---- what all answers have ---- */

static void set_enhanced(lua_State *L, const struct nm_reply *r) {
  if (r->enhanced[0] != 0) {
    lua_pushfstring(L, "%d.%d.%d", r->enhanced[0], r->enhanced[1], r->enhanced[2]);
    lua_setfield(L, -2, "EnhancedCode");
  }
}

void nm_result_set_reply(lua_State *L, const struct nm_reply *r) {
  if (r->code != 0) {
    lua_pushinteger(L, r->code);
    lua_setfield(L, -2, "Code");
    set_enhanced(L, r);
    nm_set_field_str(L, "Reply", nm_buf_str(&r->text));
  }
}

static int is_temporary(const struct nm_sent *s, const struct nm_reply *reply) {
  if (reply->code != 0) {
    return nm_reply_class(reply) == 4;
  }
  return s->error.kind == NM_KIND_CONNECT || s->error.kind == NM_KIND_TIMEOUT;
}

int nm_result_push_failure(lua_State *L, const struct nm_client *c, const struct nm_sent *s,
                           enum nm_outcome outcome) {
  const struct nm_reply *reply = s->reply.code != 0 ? &s->reply : &s->txn.reply;
  int pushed = nm_push_failure(L, &s->error, nm_outcome_name(outcome));
  nm_result_set_reply(L, reply);
  if (s->command != NULL) {
    lua_pushstring(L, s->command);
    lua_setfield(L, -2, "Command");
  }
  lua_pushboolean(L, outcome != NM_OUTCOME_UNKNOWN && is_temporary(s, reply));
  lua_setfield(L, -2, "Temporary");
  nm_set_field_str(L, "Host", nm_buf_str(&c->host));
  if (nm_client_socket(c) == NULL) {
    lua_pushinteger(L, c->port);
    lua_setfield(L, -2, "Port");
  }
  return pushed;
}

/* ---- the recipients ---- */

static void push_recipient(lua_State *L, const struct nm_rcpt *r) {
  lua_newtable(L);
  nm_set_field_str(L, "Address", r->addr->address);
  nm_result_set_reply(L, &r->reply);
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

/* Timings of the table on the top. */
static void set_timings(lua_State *L, const struct nm_result *r) {
  static const char *const names[] = {[NM_PHASE_CONNECT] = "Connect",
                                      [NM_PHASE_ENVELOPE] = "Envelope",
                                      [NM_PHASE_CONTENT] = "Content",
                                      [NM_PHASE_REPLY] = "Reply"};
  lua_newtable(L);
  set_dial_timings(L, &r->sent->dial);
  for (int i = 0; i < NM_PHASES; i++) {
    lua_pushinteger(L, (lua_Integer)r->sent->spent[i]);
    lua_setfield(L, -2, names[i]);
  }
  lua_pushinteger(L, (lua_Integer)(nm_clock_ms() - r->begin));
  lua_setfield(L, -2, "Total");
  lua_setfield(L, -2, "Timings");
}

/* ---- all of it ---- */

/* The warning that stands beside a result when somebody has not got the message. */
static void push_warning(lua_State *L, const struct nm_sent *s) {
  const struct nm_txn_result *txn = &s->txn;
  const struct nm_rcpt *refused = first_refused(txn);
  int missed = (int)(txn->n_rcpt - txn->n_accepted), all = (int)txn->n_rcpt;
  struct nm_error words = {0}; /* a room in which text becomes printable */
  if (refused == NULL) {
    nm_error_set(&words, 0, NM_KIND_NONE, "%d of %d recipients were not reached: %s", missed, all,
                 s->rest.text);
  } else {
    nm_error_set(&words, 0, NM_KIND_NONE, "%d of %d recipients refused, first <%.*s>: %d %s", missed, all,
                 (int)refused->addr->spec.n, refused->addr->spec.p, refused->reply.code,
                 refused->reply.text.n > 0 ? refused->reply.text.p : "");
  }
  lua_pushstring(L, words.text);
}

static int push_success(lua_State *L, const struct nm_result *r) {
  const struct nm_txn_result *txn = &r->sent->txn;
  lua_newtable(L);
  lua_pushstring(L, nm_outcome_name(txn->outcome));
  lua_setfield(L, -2, "Outcome");
  nm_result_set_reply(L, &txn->reply);
  struct nm_str queue_id = nm_reply_queue_id(&txn->reply);
  if (queue_id.n > 0) {
    nm_set_field_str(L, "QueueId", queue_id);
  }
  if (r->message_id.n > 0) {
    nm_set_field_str(L, "MessageId", r->message_id);
  }
  set_recipients(L, txn);
  set_timings(L, r);
  if (txn->outcome == NM_OUTCOME_ACCEPTED) {
    return 1;
  }
  push_warning(L, r->sent);
  return 2;
}

static int push_detail(lua_State *L, const struct nm_result *r) {
  int pushed = nm_result_push_failure(L, r->client, r->sent, r->sent->txn.outcome);
  set_recipients(L, &r->sent->txn);
  set_timings(L, r);
  if (r->message_id.n > 0) {
    nm_set_field_str(L, "MessageId", r->message_id);
  }
  return pushed;
}

int nm_result_push(lua_State *L, const struct nm_result *r) {
  return r->sent->error.code == 0 ? push_success(L, r) : push_detail(L, r);
}
