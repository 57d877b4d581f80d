#include "smtp/txn_end.h"

/* What the server's replies make of a transaction. What is said to it is in txn_write.c, what becomes of it in txn_end.c. */

/* After each reply: is there anything left to say, or to hear? A DATA that went with the envelope is heard out, for its 354 wants an
   answer; no BDAT follows a refusal, but those that were begun are sent to their last byte, which the server waits for. */
static int settle(struct nm_txn *t) {
  int is_data_out = !t->chunking && t->cmd.step != NM_STEP_DATA && t->rsp.step == NM_STEP_DATA;
  if (nm_txn_is_refused(t) && (t->is_mail_refused || t->is_data_refused || !is_data_out)) {
    t->is_stopped = 1;
  }
  if (!t->is_stopped || !nm_txn_is_answered(t)) {
    return NM_VERDICT_GOES_ON;
  }
  nm_txn_conclude_refused(t);
  return NM_VERDICT_DONE;
}

static int unexpected(struct nm_txn *t, const char *what, const struct nm_reply *r) {
  struct nm_error why;
  if (!nm_txn_is_refused(t)) {
    nm_txn_keep_reply(t, r);
  }
  nm_txn_say(t, NM_EPROTO, NM_KIND_PROTOCOL, what, r);
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
    nm_txn_keep_reply(t, r);
    t->is_mail_refused = 1;
  }
  nm_txn_advance(t, &t->rsp);
  return settle(t);
}

/* Behind a MAIL that was refused nothing is said of the recipient (503, bad sequence), and a 4xx of MAIL's must not look like a 5xx. */
static void hear_rcpt(struct nm_txn *t, const struct nm_reply *r) {
  if (!t->is_mail_refused) {
    nm_txn_keep_rcpt_reply(t, t->rsp.i, r);
  }
}

static int on_rcpt(struct nm_txn *t, const struct nm_reply *r) {
  if (nm_reply_class(r) == 3) {
    return unexpected(t, "unexpected reply to RCPT", r);
  }
  hear_rcpt(t, r);
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
    t->is_lone_dot = nm_txn_nobody_gets_it(t);
    t->is_stopped = 0;
    if (t->is_mail_refused && !t->is_lone_dot) {
      nm_txn_conclude_refused(t);
      return NM_VERDICT_CLOSE;
    }
    return NM_VERDICT_GOES_ON;
  }
  if (nm_reply_class(r) < 4) {
    return unexpected(t, "unexpected reply to DATA", r);
  }
  if (!nm_txn_is_refused(t)) {
    nm_txn_keep_reply(t, r);
  }
  t->is_data_refused = 1;
  nm_txn_advance(t, &t->rsp);
  return settle(t);
}

/* RFC 2033 4.2: one reply for each recipient that was accepted, in order. */
static int on_delivery(struct nm_txn *t, const struct nm_reply *r) {
  struct nm_txn_result *res = &t->result;
  if (!t->is_delivering) {
    t->is_delivering = 1;
    t->n_due = res->n_accepted;
  }
  while (nm_rcpt_class(&res->rcpt[t->delivered]) != 2) {
    t->delivered++;
  }
  nm_txn_keep_rcpt_reply(t, t->delivered++, r);
  if (nm_reply_class(r) == 2) {
    nm_txn_keep_reply(t, r);
  } else {
    res->n_accepted--;
  }
  t->n_due--;
  if (t->n_due > 0) {
    return NM_VERDICT_STAYS;
  }
  if (res->n_accepted == 0) {
    nm_txn_conclude_refused(t);
  } else {
    nm_txn_conclude(t, res->n_accepted == res->n_rcpt ? NM_OUTCOME_ACCEPTED : NM_OUTCOME_PARTIAL);
  }
  return NM_VERDICT_DONE;
}

/* The reply to the whole content. RFC 5321 4.1.1.4: the end of the data clears the transaction, refused or not; RFC 3030 2: after a
   BDAT that was refused only RSET does. */
/* RFC 3463 3.2: 2.1.y is a word about an address, and no answer to a content; unless this server says the same to everything. The replies
   were counted, and there was one too many before. */
static int is_shifted(const struct nm_txn *t, const struct nm_reply *r) {
  if (!t->is_blind || r->enhanced[0] != 2 || r->enhanced[1] != 1) {
    return 0;
  }
  for (size_t i = 0; i < t->result.n_rcpt; i++) {
    const struct nm_rcpt *to = &t->result.rcpt[i];
    if (nm_rcpt_class(to) == 2 &&
        !(to->enhanced[0] == 2 && to->enhanced[1] == 1 && to->enhanced[2] == r->enhanced[2])) {
      return 1;
    }
  }
  return 0;
}

static int on_end(struct nm_txn *t, const struct nm_reply *r) {
  struct nm_txn_result *res = &t->result;
  if (is_shifted(t, r)) {
    return unexpected(t, "the server has said one thing too many", r);
  }
  t->is_reset_due = t->chunking && nm_reply_class(r) != 2;
  if (t->env.is_lmtp) {
    return on_delivery(t, r);
  }
  nm_txn_keep_reply(t, r);
  if (nm_reply_class(r) == 2) {
    nm_txn_conclude(t, res->n_accepted == res->n_rcpt ? NM_OUTCOME_ACCEPTED : NM_OUTCOME_PARTIAL);
  } else {
    nm_txn_conclude(t, NM_OUTCOME_REJECTED);
    nm_txn_say(t, NM_EREJECT, NM_KIND_DATA, "message refused", r);
  }
  return NM_VERDICT_DONE;
}

static int on_dot(struct nm_txn *t, const struct nm_reply *r) {
  if (nm_reply_class(r) == 3) {
    return unexpected(t, "unexpected reply to the message", r);
  }
  if (t->is_lone_dot) {
    nm_txn_conclude_refused(t);
    return NM_VERDICT_DONE;
  }
  return on_end(t, r);
}

static int is_last_chunk(const struct nm_txn *t) {
  return t->rsp.step == NM_STEP_BDAT && t->rsp.i + 1 == t->n_chunks;
}

/* A server that has refused MAIL or a chunk, and takes the message for recipients that it knows: whatever it took, it may be
   delivered. */
static int taken_after_all(struct nm_txn *t, const struct nm_reply *r) {
  nm_txn_say(t, NM_EPROTO, NM_KIND_PROTOCOL, "the server has refused the message, and then taken it", r);
  t->result.command = nm_txn_command(t);
  nm_txn_conclude(t, NM_OUTCOME_UNKNOWN);
  return NM_EPROTO;
}

/* RFC 3030 2: each chunk has its reply; after a refusal the server takes in what was on its way, and refuses it. */
static int on_chunk(struct nm_txn *t, const struct nm_reply *r) {
  int class = nm_reply_class(r);
  int is_last = is_last_chunk(t);
  if (class == 3) {
    return unexpected(t, "unexpected reply to BDAT", r);
  }
  if (is_last && !nm_txn_is_refused(t)) {
    return on_end(t, r);
  }
  if (is_last && class == 2 && !nm_txn_nobody_gets_it(t)) {
    return taken_after_all(t, r);
  }
  if (class >= 4) {
    t->is_reset_due = 1;
    if (!nm_txn_is_refused(t)) {
      nm_txn_keep_reply(t, r);
      t->is_data_refused = 1;
    }
  }
  nm_txn_advance(t, &t->rsp);
  return settle(t);
}

static enum nm_kind kind_of_step(enum nm_step step) {
  static const enum nm_kind kinds[] = {NM_KIND_CONNECT, NM_KIND_SENDER, NM_KIND_RECIPIENT, NM_KIND_DATA,
                                       NM_KIND_DATA,    NM_KIND_DATA,   NM_KIND_DATA};
  return kinds[step];
}

/* What is answered next is the whole content. */
static int is_end_due(const struct nm_txn *t) {
  return t->is_handed_over && (t->rsp.step == NM_STEP_DOT || is_last_chunk(t));
}

/* RFC 5321 3.8: 421 may answer anything, and nothing more may be said. To the end of the content it is a refusal; at any
   step before it nobody has the message, even if all of it was sent behind, and sending it again over another connection
   is safe. */
static int closing(struct nm_txn *t, const struct nm_reply *r) {
  if (nm_txn_is_refused(t)) {
    nm_txn_conclude_refused(t);
    return NM_VERDICT_CLOSE;
  }
  nm_txn_keep_reply(t, r);
  nm_txn_conclude(t, is_end_due(t) ? NM_OUTCOME_REJECTED : NM_OUTCOME_NOT_SENT);
  nm_txn_say(t, NM_EREJECT, kind_of_step(t->rsp.step), "the server closes the connection", r);
  return NM_VERDICT_CLOSE;
}

/* RFC 2033: of the recipients behind the one that it answers nobody knows. */
static int closing_delivery(struct nm_txn *t, const struct nm_reply *r) {
  struct nm_error why;
  if (on_end(t, r) == NM_VERDICT_STAYS) {
    nm_txn_say(t, NM_EREJECT, NM_KIND_DATA, "the server closes the connection", r);
    why = t->result.error;
    nm_txn_fail(t, &why);
  }
  return NM_VERDICT_CLOSE;
}

int nm_txn_reply(struct nm_txn *t, const struct nm_reply *r) {
  if (r->code == 421 && t->env.is_lmtp && is_end_due(t)) {
    return closing_delivery(t, r);
  }
  if (r->code == 421) {
    if (t->rsp.step == NM_STEP_RCPT) {
      hear_rcpt(t, r);
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
    case NM_STEP_BDAT:
      return on_chunk(t, r);
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
  if (nm_txn_is_refused(t)) {
    nm_txn_conclude_refused(t);
    return NM_VERDICT_CLOSE;
  }
  nm_txn_keep_reply(t, r);
  nm_txn_conclude(t, NM_OUTCOME_REJECTED);
  nm_txn_say(t, NM_EREJECT, NM_KIND_DATA, "message refused while it was being sent", r);
  return NM_VERDICT_CLOSE;
}
