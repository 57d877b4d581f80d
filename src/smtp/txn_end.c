#include "smtp/txn_end.h"

#include <string.h>

/* all_or_nothing ends with the content: what LMTP's server says of each recipient after that cannot be taken back. */
int nm_txn_nobody_gets_it(const struct nm_txn *t) {
  return t->result.n_accepted == 0 ||
         (t->env.all_or_nothing && !t->is_delivering && t->result.n_accepted < t->result.n_rcpt);
}

int nm_txn_is_refused(const struct nm_txn *t) {
  return t->is_mail_refused || t->is_data_refused ||
         (t->rsp.step >= NM_STEP_DATA && nm_txn_nobody_gets_it(t));
}

/* When memory is short only the text is lost: what became of the message must not depend on it. */
void nm_txn_keep_reply(struct nm_txn *t, const struct nm_reply *r) {
  t->result.command = nm_txn_command(t);
  nm_reply_copy(&t->result.reply, r);
}

/* Of what is kept, what no other recipient has. */
static size_t own_text(const struct nm_txn *t, const struct nm_words *w) {
  return w != NULL && w->refs == (w == t->said ? 2 : 1) ? w->n : 0;
}

static void remember(struct nm_txn *t, struct nm_words *said) {
  nm_words_unref(&t->said);
  said->refs++;
  t->said = said;
}

/* LMTP answers twice: the last answer counts. */
void nm_txn_keep_rcpt_reply(struct nm_txn *t, size_t i, const struct nm_reply *r) {
  struct nm_rcpt *kept = &t->result.rcpt[i];
  t->rcpt_text_n -= own_text(t, kept->words);
  size_t left = NM_RCPT_TEXTS_MAX - t->rcpt_text_n;
  nm_rcpt_answer(kept, r, left < NM_RCPT_TEXT_MAX ? left : NM_RCPT_TEXT_MAX, t->said);
  if (kept->words != NULL && kept->words != t->said) {
    t->rcpt_text_n += kept->words->n;
    remember(t, kept->words);
  }
}

void nm_txn_say(struct nm_txn *t, int code, enum nm_kind kind, const char *what, const struct nm_reply *r) {
  nm_reply_error(r, code, kind, what, &t->result.error);
}

static enum nm_fate fate_of(const struct nm_txn *t, size_t i, enum nm_outcome outcome) {
  const struct nm_rcpt *r = &t->result.rcpt[i];
  if (nm_rcpt_class(r) >= 4 && (r->code != 421 || i < t->delivered)) {
    return NM_FATE_REFUSED;
  }
  switch (outcome) {
    case NM_OUTCOME_ACCEPTED:
    case NM_OUTCOME_PARTIAL:
      return NM_FATE_ACCEPTED;
    case NM_OUTCOME_UNKNOWN:
      return i < t->delivered ? NM_FATE_ACCEPTED : NM_FATE_UNKNOWN;
    case NM_OUTCOME_REJECTED: /* the recipients that others took down with them were not refused */
      return t->result.n_accepted > 0 && nm_txn_nobody_gets_it(t) ? NM_FATE_NOT_SENT : NM_FATE_REFUSED;
    case NM_OUTCOME_NOT_SENT:
      break;
  }
  return NM_FATE_NOT_SENT;
}

void nm_txn_conclude(struct nm_txn *t, enum nm_outcome outcome) {
  t->is_over = 1;
  t->result.outcome = outcome;
  for (size_t i = 0; i < t->result.n_rcpt; i++) {
    t->result.rcpt[i].fate = fate_of(t, i, outcome);
  }
}

/* The refusal that says whether trying again helps. For some of the recipients it does as soon as one refusal is
   temporary; for all of them (all_or_nothing) only when none is permanent. */
static const struct nm_rcpt *deciding_rcpt(const struct nm_txn *t) {
  int wanted = t->env.all_or_nothing ? 5 : 4;
  const struct nm_rcpt *first = NULL;
  for (size_t i = 0; i < t->result.n_rcpt; i++) {
    const struct nm_rcpt *r = &t->result.rcpt[i];
    int class = nm_rcpt_class(r);
    if (class == wanted) {
      return r;
    }
    if (first == NULL && (class == 4 || class == 5)) {
      first = r;
    }
  }
  return first;
}

static void say_rcpt_refused(struct nm_txn *t) {
  struct nm_txn_result *res = &t->result;
  const struct nm_rcpt *r = deciding_rcpt(t);
  struct nm_error what;
  int n = (int)r->addr->spec.n;
  const char *spec = r->addr->spec.p;
  if (res->n_rcpt == 1) {
    nm_error_set(&what, 0, NM_KIND_NONE, "recipient <%.*s> refused", n, spec);
  } else if (res->n_accepted == 0) {
    nm_error_set(&what, 0, NM_KIND_NONE, "all %zu recipients refused, <%.*s> with", res->n_rcpt, n, spec);
  } else {
    nm_error_set(&what, 0, NM_KIND_NONE,
                 "%zu of %zu recipients refused, so nobody gets the message, <%.*s> with",
                 res->n_rcpt - res->n_accepted, res->n_rcpt, n, spec);
  }
  struct nm_reply said = nm_rcpt_reply(r);
  nm_txn_say(t, NM_EREJECT, NM_KIND_RECIPIENT, what.text, &said);
  res->command = t->is_delivering ? nm_txn_command(t) : "RCPT";
  nm_reply_copy(&res->reply, &said);
}

void nm_txn_conclude_refused(struct nm_txn *t) {
  struct nm_txn_result *res = &t->result;
  nm_txn_conclude(t, NM_OUTCOME_REJECTED);
  if (t->is_mail_refused) {
    nm_txn_say(t, NM_EREJECT, NM_KIND_SENDER, "sender refused", &res->reply);
  } else if (nm_txn_nobody_gets_it(t)) {
    say_rcpt_refused(t);
  } else {
    nm_txn_say(t, NM_EREJECT, NM_KIND_DATA, "the server does not take the message", &res->reply);
  }
}

#define MAY_HAVE_IT "; the server may have taken the message"

void nm_txn_fail(struct nm_txn *t, const struct nm_error *why) {
  struct nm_txn_result *res = &t->result;
  if (nm_txn_is_refused(t)) {
    nm_txn_conclude_refused(t);
    return;
  }
  res->command = nm_txn_command(t);
  nm_error_copy(&res->error, why);
  nm_txn_conclude(t, t->is_handed_over ? NM_OUTCOME_UNKNOWN : NM_OUTCOME_NOT_SENT);
  /* why may be what another transaction of the same line came to, in its words. */
  if (t->is_handed_over && strstr(why->text, MAY_HAVE_IT) == NULL) {
    nm_error_set(&res->error, why->code, why->kind, "%s%s", why->text, MAY_HAVE_IT);
  }
}

void nm_txn_doubt(struct nm_txn *t, const struct nm_error *why) {
  struct nm_txn_result *res = &t->result;
  if (t->is_blind && t->is_handed_over && res->outcome != NM_OUTCOME_UNKNOWN) {
    nm_error_set(&res->error, why->code, why->kind,
                 "%s, so that nobody can tell which of its replies was to the message", why->text);
    nm_txn_conclude(t, NM_OUTCOME_UNKNOWN);
    for (size_t i = 0; i < res->n_rcpt; i++) { /* nor which to whom */
      res->rcpt[i].fate = NM_FATE_UNKNOWN;
    }
  }
}

void nm_txn_leave_out(struct nm_txn *t, const struct nm_error *why) {
  t->result.command = NULL;
  nm_error_copy(&t->result.error, why);
  nm_txn_conclude(t, NM_OUTCOME_NOT_SENT);
}
