#include <stdio.h>
#include <string.h>

#include "lua_result_own.h"
#include "lua_shape.h"
#include "smtp/session.h"

/* Each recipient stands in one of these, which are always there. Accepted and Unknown may have the message; Rejected and NotSent have not. */
static const char *const lists[NM_FATES] = {[NM_FATE_NOT_SENT] = "NotSent",
                                            [NM_FATE_REFUSED] = "Rejected",
                                            [NM_FATE_ACCEPTED] = "Accepted",
                                            [NM_FATE_UNKNOWN] = "Unknown"};

struct nm_reply nm_result_last_word(const struct nm_txn_result *txn, const struct nm_rcpt *r) {
  int is_common = r->fate == NM_FATE_REFUSED && nm_rcpt_class(r) < 4;
  return is_common ? txn->reply : nm_rcpt_reply(r);
}

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

void nm_result_push_rcpt(lua_State *L, const struct nm_rcpt *rcpt, const struct nm_reply *word) {
  nm_push_str(L, rcpt->addr->address);
  nm_result_push_reply(L, word);
  push_temporary(L, rcpt->fate, word);
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
  lua_settop(L, s->at + NM_REPLY_VALUES);
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
    nm_result_push_reply(L, r);
    s->said = *r;
  }
  lua_pushvalue(L, s->at);
  nm_push_str(L, rcpt->addr->address);
  for (int i = 1; i <= NM_REPLY_VALUES; i++) {
    lua_pushvalue(L, s->at + i);
  }
  push_temporary(L, rcpt->fate, r);
  lua_call(L, NM_RCPT_VALUES, 1);
}

static void count_fates(const struct nm_txn_result *txn, int n_out[NM_FATES]) {
  for (size_t i = 0; i < txn->n_rcpt; i++) {
    n_out[txn->rcpt[i].fate]++;
  }
}

/* Into the lists that lie from index at on, each at the place of its fate. */
static void fill_lists(lua_State *L, int at, const struct nm_txn_result *txn) {
  int n[NM_FATES] = {0};
  struct scribe scribe;
  begin_scribe(L, &scribe);
  for (size_t i = 0; i < txn->n_rcpt; i++) {
    const struct nm_rcpt *r = &txn->rcpt[i];
    struct nm_reply word = nm_result_last_word(txn, r);
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

void nm_result_push_recipients(lua_State *L, const struct nm_result *r) {
  const struct nm_txn_result *txn = &r->sent->txn;
  int first = lua_gettop(L) + 1, n[NM_FATES] = {0};
  count_fates(txn, n);
  for (int fate = 0; fate < NM_FATES; fate++) {
    lua_createtable(L, n[fate], 0);
  }
  if (txn->n_rcpt > 0) {
    fill_lists(L, first, txn);
  } else {
    fill_not_sent(L, first, r->env);
  }
}

void nm_result_set_recipients(lua_State *L, const struct nm_result *r) {
  int result = lua_gettop(L);
  nm_result_push_recipients(L, r);
  for (int fate = NM_FATES - 1; fate >= 0; fate--) {
    lua_setfield(L, result, lists[fate]);
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

/* How many of them, for people: "2 of 5 recipients refused", and those that the message never went to. */
static void say_counts(const struct nm_txn_result *txn, char *text, size_t size) {
  int n[NM_FATES] = {0};
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

void nm_result_push_warning(lua_State *L, const struct nm_sent *s) {
  const struct nm_rcpt *refused = first_refused(&s->txn);
  char counts[COUNTS_MAX];
  struct nm_error words = {0}; /* a room in which text becomes printable */
  say_counts(&s->txn, counts, sizeof counts);
  if (refused == NULL) {
    nm_error_set(&words, 0, NM_KIND_NONE, "%s: %s", counts, s->rest.text);
  } else {
    struct nm_reply r = nm_result_last_word(&s->txn, refused);
    nm_error_set(&words, 0, NM_KIND_NONE, "%s, first <%.*s>: %d %s", counts, (int)refused->addr->spec.n,
                 refused->addr->spec.p, r.code, r.text.n > 0 ? r.text.p : "");
  }
  lua_pushstring(L, words.text);
}
