#include <string.h>

#include "smtp/session_own.h"

/* What the bytes that come in do to a session, and how things end. */

int nm_session_is_speaking(const struct nm_session *s) {
  return s->state == NM_SESSION_BUSY || s->state == NM_SESSION_TALKING || s->state == NM_SESSION_QUITTING;
}

/* ---- how things end ---- */

void nm_session_talk_went_on(struct nm_session *s, int verdict) {
  if (verdict < 0) {
    nm_session_shut(s, verdict, &s->talk.result.error);
  } else if (verdict == NM_VERDICT_CLOSE) {
    s->may_quit = s->talk.may_quit;
    nm_session_shut(s, 0, &s->talk.result.error);
  } else if (verdict == NM_VERDICT_DONE) {
    s->is_authenticated |= s->talk.result.auth == NM_AUTH_END_DONE;
    if (nm_talk_has_reset(&s->talk)) {
      s->is_reset_due = 0;
    }
    nm_session_set_state(s, NM_SESSION_IDLE);
  }
}

/* What was going on in a transaction, for a person. */
static void describe_txn(const struct nm_txn *t, const struct nm_error *why, struct nm_error *out) {
  if (t->is_handed_over) {
    nm_error_set(out, why->code, why->kind, "%s (waiting for the reply to the message)", why->text);
  } else if (t->rsp.step == NM_STEP_DOT || t->rsp.step == NM_STEP_BDAT) {
    nm_error_set(out, why->code, why->kind, "%s (while the message was being sent)", why->text);
  } else {
    nm_error_set(out, why->code, why->kind, "%s (at %s)", why->text, nm_txn_command(t));
  }
}

/* Each transaction that runs ends by what was handed over of it. */
static void fail_row(struct nm_session *s, const struct nm_error *why, int is_loss) {
  for (size_t i = s->row.n_over; i < s->row.n; i++) {
    struct nm_txn *t = nm_row_at(&s->row, i);
    struct nm_error described;
    if (t->is_over) {
      continue;
    }
    if (is_loss) {
      describe_txn(t, why, &described);
    }
    nm_txn_fail(t, is_loss ? &described : why);
  }
  nm_row_settle(&s->row);
}

/* A server that ends the connection reads nothing that came behind what it answers. */
static void leave_row_out(struct nm_session *s, const struct nm_error *why) {
  struct nm_error e;
  nm_error_set(&e, NM_EIO, NM_KIND_CONNECT, "the connection ended with a message before this one: %s",
               why->text);
  nm_row_leave_out(&s->row, s->row.n_over, &e);
  nm_row_settle(&s->row);
}

void nm_session_row_goes_on(struct nm_session *s) {
  nm_row_settle(&s->row);
  if (nm_row_hearing(&s->row) != NULL) {
    return;
  }
  if (s->ending != 0) {
    struct nm_error why = s->closed;
    nm_session_shut(s, s->ending, &why);
  } else {
    nm_session_set_state(s, NM_SESSION_IDLE);
  }
}

/* t has heard a reply. */
static void on_txn_verdict(struct nm_session *s, const struct nm_txn *t, int verdict) {
  if (verdict < 0) {
    fail_row(s, &t->result.error, 0);
    nm_session_shut(s, verdict, &t->result.error);
  } else if (verdict == NM_VERDICT_CLOSE) {
    leave_row_out(s, &t->result.error);
    nm_session_shut(s, 0, &t->result.error);
  } else if (t->is_over || t->is_stopped) { /* else neither it nor the row has come further */
    nm_session_row_goes_on(s);
  }
}

void nm_session_end_with(struct nm_session *s, const struct nm_error *why) {
  if (s->state == NM_SESSION_BUSY) {
    fail_row(s, why, 0);
  } else if (s->state == NM_SESSION_TALKING) {
    nm_talk_fail(&s->talk, why);
  }
  nm_session_shut(s, why->code, why);
}

/* ---- in ---- */

static int talk_verdict(struct nm_session *s, const struct nm_reply *r) {
  return s->is_early ? nm_talk_early_reply(&s->talk, r) : nm_talk_reply(&s->talk, r, &s->caps);
}

static int on_talk_reply(struct nm_session *s, const struct nm_reply *r) {
  nm_session_trace_reply(s, r, nm_talk_is_challenge(&s->talk, r));
  return talk_verdict(s, r);
}

/* To the oldest transaction that runs. */
static void on_txn_reply(struct nm_session *s, const struct nm_reply *r) {
  struct nm_txn *t = nm_row_hearing(&s->row);
  nm_session_trace_reply(s, r, 0);
  int verdict = s->is_early ? nm_txn_early_reply(t, r) : nm_txn_reply(t, r);
  s->awaited += verdict == NM_VERDICT_STAYS;
  s->is_reset_due = t->is_reset_due;
  on_txn_verdict(s, t, verdict);
}

static void on_quit_reply(struct nm_session *s, const struct nm_reply *r) {
  nm_session_trace_reply(s, r, 0);
  nm_session_shut(s, s->is_early ? NM_EPROTO : 0, NULL);
}

static void hear(struct nm_session *s, const struct nm_reply *r) {
  if (s->state == NM_SESSION_QUITTING) {
    on_quit_reply(s, r);
  } else if (s->state == NM_SESSION_TALKING) {
    nm_session_talk_went_on(s, on_talk_reply(s, r));
  } else {
    on_txn_reply(s, r);
  }
}

/* What only the server should know. A challenge is for the mechanism, which needs it as it is. */
static int repeats_secret(const struct nm_session *s, const struct nm_reply *r) {
  int is_talking = s->state == NM_SESSION_TALKING;
  if (is_talking && nm_talk_is_challenge(&s->talk, r)) {
    return 0;
  }
  return (is_talking && nm_talk_repeats_secret(&s->talk, r)) ||
         nm_secret_marks_show(&s->secrets, nm_buf_str(&r->text));
}

static void on_reply(struct nm_session *s, const struct nm_reply *r) {
  s->progress++;
  s->awaited -= !s->is_early;
  int is_judged = s->state == NM_SESSION_BUSY && nm_reply_parser_is_again(s->parser);
  s->hides_reply = is_judged ? s->hides_reply : repeats_secret(s, r);
  if (!s->hides_reply) {
    hear(s, r);
    return;
  }
  struct nm_reply hidden = {.code = r->code, .text = {.max = sizeof NM_SECRET_REPEATED}};
  memcpy(hidden.enhanced, r->enhanced, sizeof hidden.enhanced);
  nm_buf_add_c(&hidden.text, NM_SECRET_REPEATED);
  hear(s, &hidden);
  nm_reply_free(&hidden);
}

/* DESIGN.md 3.2: bytes that nothing asked for end the connection, whatever they say. Those that come between the 220 of STARTTLS and TLS
   were written by whoever wants them to be read as if they had come after it. */
static int is_out_of_turn(const struct nm_session *s, struct nm_error *why) {
  if (nm_session_wants_tls(s)) {
    nm_error_set(
        why, NM_EPROTO, NM_KIND_TLS,
        "the server went on in clear after it had agreed to TLS; somebody may be tampering with the line");
    return 1;
  }
  if (!nm_session_is_speaking(s)) {
    nm_error_set(why, NM_EPROTO, NM_KIND_PROTOCOL, "the server said something that nothing asked for");
    return 1;
  }
  return 0;
}

/* Transactions that have ended did so by counting replies, and there is one too many: those whose results nobody has yet are in doubt. 421 is
   no reply to anything (RFC 5321 3.8). */
static void doubt(struct nm_session *s, struct nm_str said, const struct nm_error *why) {
  int is_goodbye = said.n >= 3 && memcmp(said.p, "421", 3) == 0;
  for (size_t i = 0; i < s->row.n_over && !is_goodbye; i++) {
    nm_txn_doubt(nm_row_at(&s->row, i), why);
  }
}

int nm_session_is_in_doubt(const struct nm_session *s) {
  return s->state == NM_SESSION_IDLE && s->row.n_over > 0 && nm_row_at(&s->row, s->row.n_over - 1)->is_blind;
}

int nm_session_input(struct nm_session *s, const char *p, size_t n) {
  while (n > 0 && s->state != NM_SESSION_CLOSED) {
    struct nm_error e;
    size_t used = 0;
    if (is_out_of_turn(s, &e)) {
      doubt(s, nm_str(p, n), &e);
      nm_session_end_with(s, &e);
      break;
    }
    if (!nm_reply_parser_partial(s->parser)) {
      s->is_early = s->awaited == 0;
    }
    int rc = nm_reply_parser_step(s->parser, p, n, &used, &e);
    p += used;
    n -= used;
    if (rc < 0) {
      nm_session_end_with(s, &e);
    } else if (rc == 1) {
      on_reply(s, nm_reply_parser_get(s->parser));
    }
  }
  if (n > 0) {
    s->may_quit = 0;
  }
  return s->state == NM_SESSION_CLOSED ? s->closed_code : 0;
}

void nm_session_withdraw(struct nm_session *s, size_t i, const struct nm_error *why) {
  struct nm_txn *t = i < s->row.n ? nm_row_at(&s->row, i) : NULL;
  if (s->state == NM_SESSION_BUSY && t != NULL && !t->is_over && !nm_txn_is_started(t)) {
    nm_txn_leave_out(t, why);
    nm_session_row_goes_on(s);
  }
}

/* The same of what is no transaction. */
static void describe_talk(const struct nm_session *s, const struct nm_error *why, struct nm_error *out) {
  *out = *why;
  if (s->state != NM_SESSION_TALKING) {
    return;
  }
  if (s->talk.step != NM_TALK_GREETING) {
    nm_error_set(out, why->code, why->kind, "%s (at %s)", why->text, nm_talk_name(&s->talk));
  } else if (nm_reply_parser_end(s->parser, out) == 0 && why->code == NM_EIO) {
    nm_error_set(out, why->code, why->kind, "%s before the greeting", why->text);
  }
}

void nm_session_lost(struct nm_session *s, const struct nm_error *why) {
  struct nm_error lost, described;
  s->may_quit = 0;
  if (s->state == NM_SESSION_CLOSED) {
    return;
  }
  if (why == NULL) {
    nm_error_set(&lost, NM_EIO, NM_KIND_CONNECT, "the connection was lost");
    why = &lost;
  }
  if (s->state == NM_SESSION_BUSY) {
    describe_txn(nm_row_hearing(&s->row), why, &described);
    fail_row(s, why, 1);
    nm_session_shut(s, described.code, &described);
    return;
  }
  describe_talk(s, why, &described);
  nm_session_end_with(s, &described);
}
