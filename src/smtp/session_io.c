#include <string.h>

#include "base/alloc.h"
#include "smtp/session_own.h"

/* The bytes of a session: which are wanted, which go out, what those that come in do. */

static int is_speaking(const struct nm_session *s) {
  return s->state == NM_SESSION_BUSY || s->state == NM_SESSION_TALKING || s->state == NM_SESSION_QUITTING;
}

/* The server has begun to say something that nothing asked for. Whatever it is, this connection ends with it: what we
   had still to say, above all the dot, is held back. */
static int is_interrupted(const struct nm_session *s) {
  return s->is_early && nm_reply_parser_partial(s->parser);
}

/* What there is to say beyond the buffer, as a NM_WANT bit; 0: nothing now. */
static int want_more(const struct nm_session *s) {
  if (s->state == NM_SESSION_TALKING) {
    return s->talk.is_working ? NM_WANT_WORK : s->talk.is_due ? NM_WANT_WRITE : 0;
  }
  const struct nm_txn *t = s->state == NM_SESSION_BUSY ? nm_row_writing(&s->row) : NULL;
  if (t == NULL || !nm_txn_may_write(t)) {
    return 0;
  }
  return t->is_waiting ? NM_WANT_CONTENT : NM_WANT_WRITE;
}

int nm_session_want(const struct nm_session *s) {
  if (!is_speaking(s)) {
    return 0;
  }
  if (nm_session_wants_tls(s)) {
    return NM_WANT_TLS;
  }
  if (is_interrupted(s)) {
    return NM_WANT_READ;
  }
  return NM_WANT_READ | (s->out_at < s->out.n ? NM_WANT_WRITE : want_more(s));
}

/* ---- how things end ---- */

static void on_talk_verdict(struct nm_session *s, int verdict) {
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

/* Some may be over. */
static void row_goes_on(struct nm_session *s) {
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
  } else {
    row_goes_on(s);
  }
}

/* Whatever runs ends here. */
static void end_with(struct nm_session *s, const struct nm_error *why) {
  if (s->state == NM_SESSION_BUSY) {
    fail_row(s, why, 0);
  } else if (s->state == NM_SESSION_TALKING) {
    nm_talk_fail(&s->talk, why);
  }
  nm_session_shut(s, why->code, why);
}

/* ---- out ---- */

static int write_talk(struct nm_session *s) {
  struct nm_error why;
  if (s->talk.is_working) {
    s->progress++;
    on_talk_verdict(s, nm_talk_work(&s->talk));
    return s->state == NM_SESSION_CLOSED ? s->closed_code : 0;
  }
  int rc = nm_talk_write(&s->talk, &s->out);
  s->out_is_secret = s->talk.shown[0] != '\0';
  nm_session_one_stretch(s);
  if (rc != 0) {
    nm_error_nomem(&why);
    end_with(s, &why);
  }
  return rc;
}

/* t, whose bytes in the buffer begin there, has ended in the middle of what it had to say. Those before it, which have said all, are
   heard out: what became of them is known sooner than a broken line would tell. */
static int cut_row(struct nm_session *s, struct nm_txn *t, size_t begin, int rc) {
  struct nm_error why;
  if (!t->is_over) {
    nm_error_set(&why, rc, NM_KIND_MESSAGE, "a command of the message cannot be written");
    nm_txn_fail(t, &why);
  }
  s->out.n = begin;
  s->ending = rc;
  s->closed = t->result.error;
  nm_error_set(&why, NM_EIO, NM_KIND_CONNECT, "the connection ended with a message before this one: %s",
               t->result.error.text);
  nm_row_leave_out(&s->row, s->row.n_written, &why);
  row_goes_on(s);
  return s->state == NM_SESSION_CLOSED ? rc : 0;
}

/* The last one before it that still runs decides whether the server may hold anything when t comes. */
static void start_txn(struct nm_session *s, struct nm_txn *t) {
  int is_reset_due = s->is_reset_due;
  for (size_t i = s->row.n_over; i < s->row.n_written; i++) {
    const struct nm_txn *before = nm_row_at(&s->row, i);
    is_reset_due = before->is_over ? is_reset_due : nm_txn_may_linger(before);
  }
  nm_txn_start(t, s->wire, is_reset_due);
}

/* As many transactions as have all that they have to say in one buffer, and the begin of the next. */
static int write_row(struct nm_session *s) {
  struct nm_txn *t = nm_row_writing(&s->row);
  struct nm_txn *before = NULL;
  while (t != NULL && t != before && s->n_stretch < NM_STRETCH_MAX) {
    struct nm_stretch *st = &s->stretch[s->n_stretch];
    size_t begin = s->out.n;
    if (!nm_txn_is_started(t)) {
      start_txn(s, t);
    }
    int rc = nm_txn_write(t, &s->out, st);
    if (rc != 0) {
      return cut_row(s, t, begin, rc);
    }
    s->n_stretch += s->out.n > begin;
    nm_row_weigh(&s->row, t);
    nm_row_settle(&s->row);
    before = t;
    t = nm_row_writing(&s->row);
  }
  return 0;
}

int nm_session_output(struct nm_session *s, const char **p_out, size_t *n_out) {
  int rc = 0;
  *p_out = "";
  *n_out = 0;
  if (!is_speaking(s) || is_interrupted(s)) {
    return 0;
  }
  if (s->out_at == s->out.n && want_more(s) != 0) {
    nm_session_drop_output(s);
    rc = s->state == NM_SESSION_TALKING ? write_talk(s) : write_row(s);
  }
  if (rc == 0 && s->out_at < s->out.n) {
    *p_out = s->out.p + s->out_at;
    *n_out = s->out.n - s->out_at;
  }
  return rc;
}

/* Commands end with the only LF they have, so what was sent of them can be counted without a list of their ends. */
static size_t count_lines(const char *p, size_t n) {
  size_t lines = 0;
  const char *end = p + n;
  const char *lf = n > 0 ? memchr(p, '\n', n) : NULL;
  while (lf != NULL) {
    lines++;
    lf++;
    lf = lf < end ? memchr(lf, '\n', (size_t)(end - lf)) : NULL;
  }
  return lines;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static void on_stretch_sent(struct nm_session *s, const struct nm_stretch *st) {
  if (st->content < st->end) {
    size_t replies = nm_txn_content_sent(st->txn);
    s->awaited += replies;
    if (replies > 0) {
      nm_session_trace_content(s);
    }
  }
  s->traced = st->end;
  s->at_stretch++;
}

/* Up to that place, which is in st or at its end. */
static void on_sent(struct nm_session *s, const struct nm_stretch *st, size_t to) {
  size_t from = s->out_at;
  if (from < st->content) {
    s->awaited += count_lines(s->out.p + from, least(to, st->content) - from);
  }
  if (to > st->octets) {
    s->content_n += to - (from > st->octets ? from : st->octets);
  }
  s->out_at = to;
  nm_session_trace_sent(s, st);
  if (to > st->content) {
    st->txn->is_content_begun = 1;
  }
  if (to == st->end) {
    on_stretch_sent(s, st);
  }
}

void nm_session_sent(struct nm_session *s, size_t n) {
  size_t to = s->out_at + least(n, s->out.n - s->out_at);
  s->progress += to - s->out_at;
  while (s->out_at < to) {
    const struct nm_stretch *st = &s->stretch[s->at_stretch];
    on_sent(s, st, least(to, st->end));
  }
  if (s->out_is_secret && s->out_at == s->out.n) {
    nm_session_drop_output(s);
  }
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
    on_talk_verdict(s, on_talk_reply(s, r));
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
  if (!repeats_secret(s, r)) {
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
  if (!is_speaking(s)) {
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
      end_with(s, &e);
      break;
    }
    if (!nm_reply_parser_partial(s->parser)) {
      s->is_early = s->awaited == 0;
    }
    int rc = nm_reply_parser_step(s->parser, p, n, &used, &e);
    p += used;
    n -= used;
    if (rc < 0) {
      end_with(s, &e);
    } else if (rc == 1) {
      on_reply(s, nm_reply_parser_get(s->parser));
    }
  }
  if (n > 0) {
    s->may_quit = 0;
  }
  return s->state == NM_SESSION_CLOSED ? s->closed_code : 0;
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
  end_with(s, &described);
}
