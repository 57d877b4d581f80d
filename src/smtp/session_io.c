#include <string.h>

#include "base/alloc.h"
#include "smtp/secret.h"
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
  if (s->state == NM_SESSION_QUITTING || !nm_txn_may_write(&s->txn)) {
    return 0;
  }
  return s->txn.is_waiting ? NM_WANT_CONTENT : NM_WANT_WRITE;
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
      s->txn.is_reset_due = 0;
    }
    nm_session_set_state(s, NM_SESSION_IDLE);
  }
}

static void on_txn_verdict(struct nm_session *s, int verdict) {
  if (verdict < 0) {
    nm_session_shut(s, verdict, &s->txn.result.error);
  } else if (verdict == NM_VERDICT_CLOSE) {
    nm_session_shut(s, 0, &s->txn.result.error);
  } else if (verdict == NM_VERDICT_DONE) {
    nm_session_set_state(s, NM_SESSION_IDLE);
  }
}

/* Whatever runs ends here. */
static void end_with(struct nm_session *s, const struct nm_error *why) {
  if (s->state == NM_SESSION_BUSY) {
    nm_txn_fail(&s->txn, why);
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
  if (rc != 0) {
    nm_error_nomem(&why);
    end_with(s, &why);
  }
  return rc;
}

static int write_txn(struct nm_session *s) {
  struct nm_stretch stretch;
  int rc = nm_txn_write(&s->txn, &s->out, &stretch);
  s->out_at = s->traced = stretch.start;
  s->out_content = stretch.content;
  s->out_octets = stretch.octets;
  if (rc != 0) {
    nm_session_shut(s, rc, &s->txn.result.error);
  }
  return rc;
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
    rc = s->state == NM_SESSION_TALKING ? write_talk(s) : write_txn(s);
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

/* How many of the n bytes at out_at lie before that place. */
static size_t sent_before(const struct nm_session *s, size_t n, size_t place) {
  size_t left = s->out_at < place ? place - s->out_at : 0;
  return n < left ? n : left;
}

static void on_content_sent(struct nm_session *s) {
  s->txn.is_content_begun = 1;
  if (s->out_at == s->out.n) {
    size_t replies = nm_txn_content_sent(&s->txn);
    s->awaited += replies;
    if (replies > 0) {
      nm_session_trace_content(s);
    }
  }
}

void nm_session_sent(struct nm_session *s, size_t n) {
  size_t left = s->out.n - s->out_at;
  n = n < left ? n : left;
  if (n == 0) {
    return;
  }
  s->awaited += count_lines(s->out.p + s->out_at, sent_before(s, n, s->out_content));
  s->content_n += n - sent_before(s, n, s->out_octets);
  s->out_at += n;
  s->progress += n;
  nm_session_trace_sent(s);
  if (s->out_at > s->out_content) {
    on_content_sent(s);
  } else if (s->out_is_secret && s->out_at == s->out.n) {
    nm_session_drop_output(s);
  }
}

/* ---- in ---- */

static int talk_verdict(struct nm_session *s, const struct nm_reply *r) {
  return s->is_early ? nm_talk_early_reply(&s->talk, r) : nm_talk_reply(&s->talk, r, &s->caps);
}

/* With other words where the server says what only it should know. */
static int on_talk_reply(struct nm_session *s, const struct nm_reply *r) {
  if (!nm_talk_repeats_secret(&s->talk, r)) {
    nm_session_trace_reply(s, r, nm_talk_is_challenge(&s->talk, r));
    return talk_verdict(s, r);
  }
  struct nm_reply hidden = {.code = r->code, .text = {.max = sizeof NM_SECRET_REPEATED}};
  memcpy(hidden.enhanced, r->enhanced, sizeof hidden.enhanced);
  nm_buf_add_c(&hidden.text, NM_SECRET_REPEATED);
  nm_session_trace_reply(s, &hidden, 0);
  int verdict = talk_verdict(s, &hidden);
  nm_reply_free(&hidden);
  return verdict;
}

static int on_txn_reply(struct nm_session *s, const struct nm_reply *r) {
  nm_session_trace_reply(s, r, 0);
  return s->is_early ? nm_txn_early_reply(&s->txn, r) : nm_txn_reply(&s->txn, r);
}

static void on_quit_reply(struct nm_session *s, const struct nm_reply *r) {
  nm_session_trace_reply(s, r, 0);
  nm_session_shut(s, s->is_early ? NM_EPROTO : 0, NULL);
}

static void on_reply(struct nm_session *s, const struct nm_reply *r) {
  s->progress++;
  s->awaited -= !s->is_early;
  if (s->state == NM_SESSION_QUITTING) {
    on_quit_reply(s, r);
  } else if (s->state == NM_SESSION_TALKING) {
    on_talk_verdict(s, on_talk_reply(s, r));
  } else {
    int verdict = on_txn_reply(s, r);
    s->awaited += verdict == NM_VERDICT_STAYS;
    on_txn_verdict(s, verdict);
  }
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

int nm_session_input(struct nm_session *s, const char *p, size_t n) {
  while (n > 0 && s->state != NM_SESSION_CLOSED) {
    struct nm_error e;
    size_t used = 0;
    if (is_out_of_turn(s, &e)) {
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

/* What was going on, for a person. */
static void describe_loss(const struct nm_session *s, const struct nm_error *why, struct nm_error *out) {
  if (s->state == NM_SESSION_TALKING) {
    nm_error_set(out, why->code, why->kind, "%s (at %s)", why->text, nm_talk_name(&s->talk));
  } else if (s->state != NM_SESSION_BUSY) {
    *out = *why;
  } else if (s->txn.is_handed_over) {
    nm_error_set(out, why->code, why->kind, "%s (waiting for the reply to the message)", why->text);
  } else if (s->txn.rsp.step == NM_STEP_DOT || s->txn.rsp.step == NM_STEP_BDAT) {
    nm_error_set(out, why->code, why->kind, "%s (while the message was being sent)", why->text);
  } else {
    nm_error_set(out, why->code, why->kind, "%s (at %s)", why->text, nm_txn_command(&s->txn));
  }
}

void nm_session_lost(struct nm_session *s, const struct nm_error *why) {
  struct nm_error lost;
  struct nm_error described;
  s->may_quit = 0;
  if (s->state == NM_SESSION_CLOSED) {
    return;
  }
  if (why == NULL) {
    nm_error_set(&lost, NM_EIO, NM_KIND_CONNECT, "the connection was lost");
    why = &lost;
  }
  describe_loss(s, why, &described);
  end_with(s, &described);
}
