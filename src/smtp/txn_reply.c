#include "smtp/txn.h"

/* What the server's replies make of a transaction, and how it ends. Everything that is said is in txn.c. */

static int nobody_gets_it(const struct nm_txn *t) {
  return t->result.n_accepted == 0 || (t->env.all_or_nothing && t->result.n_accepted < t->result.n_rcpt);
}

/* The server has said no already, whatever may still be answered: a line that breaks from here on changes nothing. */
static int is_refused(const struct nm_txn *t) {
  return t->is_mail_refused || t->is_data_refused || (t->rsp.step >= NM_STEP_DATA && nobody_gets_it(t));
}

/* When memory is short only the text is lost: what became of the message must not depend on it. */
static void keep_reply(struct nm_txn *t, const struct nm_reply *r) {
  t->result.command = nm_txn_command(t);
  nm_reply_copy(&t->result.reply, r);
}

static void keep_rcpt_reply(struct nm_txn *t, const struct nm_reply *r) {
  struct nm_reply *kept = &t->result.rcpt[t->rsp.rcpt].reply;
  size_t left = NM_RCPT_TEXTS_MAX - t->rcpt_text_n;
  size_t n = r->text.n < NM_RCPT_TEXT_MAX ? r->text.n : NM_RCPT_TEXT_MAX;
  n = n < left ? n : left;
  kept->code = r->code;
  for (int i = 0; i < 3; i++) {
    kept->enhanced[i] = r->enhanced[i];
  }
  kept->text.max = NM_RCPT_TEXT_MAX;
  if (n > 0) {
    nm_buf_add(&kept->text, r->text.p, n);
    t->rcpt_text_n += kept->text.n;
  }
}

static void say(struct nm_txn *t, int code, enum nm_kind kind, const char *what, const struct nm_reply *r) {
  nm_reply_error(r, code, kind, what, &t->result.error);
}

/* The refusal that says whether trying again helps. For some of the recipients it does as soon as one refusal is
   temporary; for all of them (all_or_nothing) only when none is permanent. */
static const struct nm_rcpt *deciding_rcpt(const struct nm_txn *t) {
  int wanted = t->env.all_or_nothing ? 5 : 4;
  const struct nm_rcpt *first = NULL;
  for (size_t i = 0; i < t->result.n_rcpt; i++) {
    const struct nm_rcpt *r = &t->result.rcpt[i];
    int class = nm_reply_class(&r->reply);
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
  say(t, NM_EREJECT, NM_KIND_RECIPIENT, what.text, &r->reply);
  res->command = "RCPT";
  nm_reply_copy(&res->reply, &r->reply);
}

static void conclude_refused(struct nm_txn *t) {
  struct nm_txn_result *res = &t->result;
  res->outcome = NM_OUTCOME_REJECTED;
  if (t->is_mail_refused) {
    say(t, NM_EREJECT, NM_KIND_SENDER, "sender refused", &res->reply);
  } else if (nobody_gets_it(t)) {
    say_rcpt_refused(t);
  } else {
    say(t, NM_EREJECT, NM_KIND_DATA, "the server does not take the message", &res->reply);
  }
}

/* After each reply: is there anything left to say, or to hear? */
static int settle(struct nm_txn *t) {
  int is_before_data = t->cmd.step == NM_STEP_DATA && t->rsp.step == NM_STEP_DATA;
  if (t->is_mail_refused || t->is_data_refused || (is_before_data && nobody_gets_it(t))) {
    t->is_stopped = 1;
  }
  if (!t->is_stopped || !nm_txn_is_answered(t)) {
    return NM_VERDICT_GOES_ON;
  }
  conclude_refused(t);
  return NM_VERDICT_DONE;
}

static int unexpected(struct nm_txn *t, const char *what, const struct nm_reply *r) {
  struct nm_error why;
  if (!is_refused(t)) {
    keep_reply(t, r);
  }
  say(t, NM_EPROTO, NM_KIND_PROTOCOL, what, r);
  why = t->result.error;
  nm_txn_fail(t, &why);
  return NM_EPROTO;
}

static int on_rset(struct nm_txn *t, const struct nm_reply *r) {
  if (nm_reply_class(r) != 2) {
    return unexpected(t, "the server refuses to end the transaction before this one", r);
  }
  t->is_reset_due = 0;
  nm_txn_advance(t, &t->rsp);
  return settle(t);
}

static int on_mail(struct nm_txn *t, const struct nm_reply *r) {
  if (nm_reply_class(r) == 3) {
    return unexpected(t, "unexpected reply to MAIL", r);
  }
  if (nm_reply_class(r) == 2) {
    t->is_reset_due = 1;
  } else {
    keep_reply(t, r);
    t->is_mail_refused = 1;
  }
  nm_txn_advance(t, &t->rsp);
  return settle(t);
}

static int on_rcpt(struct nm_txn *t, const struct nm_reply *r) {
  if (nm_reply_class(r) == 3) {
    return unexpected(t, "unexpected reply to RCPT", r);
  }
  keep_rcpt_reply(t, r);
  if (nm_reply_class(r) == 2) {
    t->result.n_accepted++;
    t->is_reset_due = 1;
  }
  nm_txn_advance(t, &t->rsp);
  return settle(t);
}

/* RFC 2920 3.1: a server may answer 354 to a pipelined DATA though no recipient was accepted; a dot alone then takes it
   back. Not so when the server refused MAIL and still took recipients: the dot would deliver an empty message. */
static int on_data(struct nm_txn *t, const struct nm_reply *r) {
  if (r->code == 354) {
    nm_txn_advance(t, &t->rsp);
    t->is_lone_dot = nobody_gets_it(t);
    t->is_stopped = 0;
    if (t->is_mail_refused && !t->is_lone_dot) {
      conclude_refused(t);
      return NM_VERDICT_CLOSE;
    }
    return NM_VERDICT_GOES_ON;
  }
  if (nm_reply_class(r) < 4) {
    return unexpected(t, "unexpected reply to DATA", r);
  }
  if (!is_refused(t)) {
    keep_reply(t, r);
  }
  t->is_data_refused = 1;
  nm_txn_advance(t, &t->rsp);
  return settle(t);
}

static int on_dot(struct nm_txn *t, const struct nm_reply *r) {
  struct nm_txn_result *res = &t->result;
  if (t->is_lone_dot) {
    conclude_refused(t);
    return NM_VERDICT_DONE;
  }
  if (nm_reply_class(r) == 3) {
    return unexpected(t, "unexpected reply to the message", r);
  }
  keep_reply(t, r);
  t->is_reset_due = 0; /* RFC 5321 4.1.1.4: the end of the data clears the transaction, refused or not */
  if (nm_reply_class(r) == 2) {
    res->outcome = res->n_accepted == res->n_rcpt ? NM_OUTCOME_ACCEPTED : NM_OUTCOME_PARTIAL;
  } else {
    res->outcome = NM_OUTCOME_REJECTED;
    say(t, NM_EREJECT, NM_KIND_DATA, "message refused", r);
  }
  return NM_VERDICT_DONE;
}

static enum nm_kind kind_of_step(enum nm_step step) {
  static const enum nm_kind kinds[] = {NM_KIND_CONNECT, NM_KIND_SENDER, NM_KIND_RECIPIENT,
                                       NM_KIND_DATA,    NM_KIND_DATA,   NM_KIND_DATA};
  return kinds[step];
}

/* RFC 5321 3.8: 421 may answer anything, and nothing more may be said. To the end of the content it is a refusal; at any
   step before it nobody has the message, and sending it again over another connection is safe. */
static int closing(struct nm_txn *t, const struct nm_reply *r) {
  if (is_refused(t)) {
    conclude_refused(t);
    return NM_VERDICT_CLOSE;
  }
  keep_reply(t, r);
  t->result.outcome = t->is_handed_over ? NM_OUTCOME_REJECTED : NM_OUTCOME_NOT_SENT;
  say(t, NM_EREJECT, kind_of_step(t->rsp.step), "the server closes the connection", r);
  return NM_VERDICT_CLOSE;
}

int nm_txn_reply(struct nm_txn *t, const struct nm_reply *r) {
  if (r->code == 421) {
    if (t->rsp.step == NM_STEP_RCPT) {
      keep_rcpt_reply(t, r);
    }
    return closing(t, r);
  }
  switch (t->rsp.step) {
    case NM_STEP_RSET:
      return on_rset(t, r);
    case NM_STEP_MAIL:
      return on_mail(t, r);
    case NM_STEP_RCPT:
      return on_rcpt(t, r);
    case NM_STEP_DATA:
      return on_data(t, r);
    case NM_STEP_DOT:
      return on_dot(t, r);
    case NM_STEP_END:
      break;
  }
  return unexpected(t, "a reply that nothing asked for", r);
}

int nm_txn_early_reply(struct nm_txn *t, const struct nm_reply *r) {
  if (t->is_handed_over || !(r->code == 421 || (t->is_content_begun && nm_reply_class(r) >= 4))) {
    return unexpected(t, "a reply that nothing asked for", r);
  }
  if (r->code == 421) {
    return closing(t, r);
  }
  keep_reply(t, r);
  t->result.outcome = NM_OUTCOME_REJECTED;
  say(t, NM_EREJECT, NM_KIND_DATA, "message refused while it was being sent", r);
  return NM_VERDICT_CLOSE;
}

void nm_txn_fail(struct nm_txn *t, const struct nm_error *why) {
  struct nm_txn_result *res = &t->result;
  if (is_refused(t)) {
    conclude_refused(t);
    return;
  }
  res->command = nm_txn_command(t);
  res->error = *why;
  res->outcome = NM_OUTCOME_NOT_SENT;
  if (t->is_handed_over) {
    res->outcome = NM_OUTCOME_UNKNOWN;
    nm_error_set(&res->error, why->code, why->kind, "%s; the server may have taken the message", why->text);
  }
}
