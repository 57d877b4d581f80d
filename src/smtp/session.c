#include "smtp/session.h"

#include <string.h>

#include "base/alloc.h"
#include "smtp/txn.h"

/* What is written at once: four TLS records, and enough that a content of any size costs few calls. */
#define OUT_MAX 65536

struct nm_session {
  enum nm_session_state state;
  int is_adopted;
  int closed_code; /* what nm_session_input says once closed */
  struct nm_caps caps;
  struct nm_reply_parser *parser;
  int is_early;   /* the reply being read began before its command was sent */
  size_t awaited; /* commands sent to their last byte and not answered */
  /* Filled only when all of it was sent: a TLS library that was offered a pointer wants the same again. */
  struct nm_buf out;
  size_t out_at;
  int out_is_content;
  uint64_t progress;
  struct nm_txn txn;
};

struct nm_session *nm_session_new(void) {
  struct nm_session *s = nm_zalloc(sizeof *s);
  if (s == NULL) {
    return NULL;
  }
  s->state = NM_SESSION_CLOSED;
  s->closed_code = NM_EINVAL;
  s->out.max = OUT_MAX;
  s->parser = nm_reply_parser_new();
  if (s->parser == NULL || nm_buf_room(&s->out, OUT_MAX) == NULL) {
    nm_session_free(&s);
  }
  return s;
}

void nm_session_free(struct nm_session **s) {
  if (*s != NULL) {
    nm_txn_free(&(*s)->txn);
    nm_buf_free(&(*s)->out);
    nm_reply_parser_free(&(*s)->parser);
    nm_caps_free(&(*s)->caps);
    nm_free(*s);
    *s = NULL;
  }
}

static void set_state(struct nm_session *s, enum nm_session_state state) {
  s->state = state;
  if (state != NM_SESSION_BUSY) {
    nm_txn_let_go(&s->txn);
  }
}

/* Nothing more goes out, not even what is in the buffer. */
static void shut(struct nm_session *s, int code) {
  nm_buf_reset(&s->out);
  s->out_at = 0;
  s->closed_code = code;
  set_state(s, NM_SESSION_CLOSED);
}

int nm_session_adopt(struct nm_session *s, const struct nm_caps *caps) {
  if (s->is_adopted) {
    return NM_EINVAL;
  }
  int rc = nm_caps_copy(&s->caps, caps);
  if (rc == 0) {
    s->is_adopted = 1;
    set_state(s, NM_SESSION_IDLE);
  }
  return rc;
}

enum nm_session_state nm_session_state(const struct nm_session *s) {
  return s->state;
}

const struct nm_caps *nm_session_caps(const struct nm_session *s) {
  return &s->caps;
}

/* From idle, where all was sent and answered. */
static void start(struct nm_session *s, enum nm_session_state state) {
  nm_buf_reset(&s->out);
  s->out_at = 0;
  s->out_is_content = 0;
  set_state(s, state);
}

int nm_session_begin(struct nm_session *s, const struct nm_envelope *env, struct nm_source *content) {
  if (s->state != NM_SESSION_IDLE) {
    return NM_EINVAL;
  }
  int rc = nm_txn_begin(&s->txn, env, content, &s->caps);
  if (rc == 0) {
    start(s, NM_SESSION_BUSY);
  } else {
    nm_txn_let_go(&s->txn);
  }
  return rc;
}

int nm_session_quit(struct nm_session *s) {
  if (s->state != NM_SESSION_IDLE) {
    return NM_EINVAL;
  }
  start(s, NM_SESSION_QUITTING);
  nm_buf_add_c(&s->out, "QUIT\r\n");
  return s->out.err;
}

static int is_speaking(const struct nm_session *s) {
  return s->state == NM_SESSION_BUSY || s->state == NM_SESSION_QUITTING;
}

/* The server has begun to say something that nothing asked for. Whatever it is, this connection ends with it: what we
   had still to say, above all the dot, is held back. */
static int is_interrupted(const struct nm_session *s) {
  return s->is_early && nm_reply_parser_partial(s->parser);
}

int nm_session_want(const struct nm_session *s) {
  if (!is_speaking(s)) {
    return 0;
  }
  if (is_interrupted(s)) {
    return NM_WANT_READ;
  }
  if (s->out_at < s->out.n) {
    return NM_WANT_READ | NM_WANT_WRITE;
  }
  if (s->state == NM_SESSION_QUITTING || !nm_txn_may_write(&s->txn)) {
    return NM_WANT_READ;
  }
  return NM_WANT_READ | (s->txn.is_waiting ? NM_WANT_CONTENT : NM_WANT_WRITE);
}

static int refill(struct nm_session *s) {
  nm_buf_reset(&s->out);
  s->out_at = 0;
  s->out_is_content = nm_txn_at_content(&s->txn);
  if (s->out_is_content) {
    return nm_txn_write_content(&s->txn, &s->out);
  }
  return nm_txn_write_commands(&s->txn, &s->out);
}

int nm_session_output(struct nm_session *s, const char **p_out, size_t *n_out) {
  *p_out = "";
  *n_out = 0;
  if (!is_speaking(s) || is_interrupted(s)) {
    return 0;
  }
  if (s->out_at == s->out.n && s->state == NM_SESSION_BUSY && nm_txn_may_write(&s->txn)) {
    int rc = refill(s);
    if (rc != 0) {
      shut(s, rc);
      return rc;
    }
  }
  *p_out = s->out.p + s->out_at;
  *n_out = s->out.n - s->out_at;
  return 0;
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

void nm_session_sent(struct nm_session *s, size_t n) {
  size_t left = s->out.n - s->out_at;
  n = n < left ? n : left;
  if (n == 0) {
    return;
  }
  if (!s->out_is_content) {
    s->awaited += count_lines(s->out.p + s->out_at, n);
  }
  s->out_at += n;
  s->progress += n;
  if (s->out_is_content) {
    s->txn.is_content_begun = 1;
    if (s->out_at == s->out.n && nm_txn_content_written(&s->txn)) {
      s->txn.is_handed_over = 1;
      s->awaited++;
    }
  }
}

static void on_reply(struct nm_session *s, const struct nm_reply *r) {
  s->progress++;
  if (s->state == NM_SESSION_QUITTING) {
    shut(s, s->is_early ? NM_EPROTO : 0);
    return;
  }
  int verdict = s->is_early ? nm_txn_early_reply(&s->txn, r) : nm_txn_reply(&s->txn, r);
  s->awaited -= !s->is_early;
  if (verdict < 0) {
    shut(s, verdict);
  } else if (verdict == NM_VERDICT_CLOSE) {
    shut(s, 0);
  } else if (verdict == NM_VERDICT_DONE) {
    set_state(s, NM_SESSION_IDLE);
  }
}

static void on_malformed(struct nm_session *s, const struct nm_error *why) {
  if (s->state == NM_SESSION_BUSY) {
    nm_txn_fail(&s->txn, why);
  }
  shut(s, why->code);
}

int nm_session_input(struct nm_session *s, const char *p, size_t n) {
  while (n > 0 && s->state != NM_SESSION_CLOSED) {
    struct nm_error e;
    size_t used = 0;
    if (s->state == NM_SESSION_IDLE) {
      shut(s, NM_EPROTO);
      break;
    }
    if (!nm_reply_parser_partial(s->parser)) {
      s->is_early = s->awaited == 0;
    }
    int rc = nm_reply_parser_step(s->parser, p, n, &used, &e);
    p += used;
    n -= used;
    if (rc < 0) {
      on_malformed(s, &e);
    } else if (rc == 1) {
      on_reply(s, nm_reply_parser_get(s->parser));
    }
  }
  return s->state == NM_SESSION_CLOSED ? s->closed_code : 0;
}

/* What was going on, for a person. */
static void describe_loss(const struct nm_session *s, const struct nm_error *why, struct nm_error *out) {
  if (s->txn.is_handed_over) {
    nm_error_set(out, why->code, why->kind, "%s (waiting for the reply to the message)", why->text);
  } else if (s->txn.rsp.step == NM_STEP_DOT) {
    nm_error_set(out, why->code, why->kind, "%s (while the message was being sent)", why->text);
  } else {
    nm_error_set(out, why->code, why->kind, "%s (at %s)", why->text, nm_txn_command(&s->txn));
  }
}

void nm_session_lost(struct nm_session *s, const struct nm_error *why) {
  struct nm_error lost;
  struct nm_error described;
  if (s->state == NM_SESSION_CLOSED) {
    return;
  }
  if (why == NULL) {
    nm_error_set(&lost, NM_EIO, NM_KIND_CONNECT, "the connection was lost");
    why = &lost;
  }
  if (s->state == NM_SESSION_BUSY) {
    describe_loss(s, why, &described);
    nm_txn_fail(&s->txn, &described);
  }
  shut(s, why->code);
}

uint64_t nm_session_progress(const struct nm_session *s) {
  return s->progress;
}

int nm_session_handed_over(const struct nm_session *s) {
  return s->txn.is_handed_over;
}

const struct nm_txn_result *nm_session_result(const struct nm_session *s) {
  return &s->txn.result;
}

void nm_session_take_result(struct nm_session *s, struct nm_txn_result *out) {
  *out = s->txn.result;
  s->txn.result = (struct nm_txn_result){0};
}
