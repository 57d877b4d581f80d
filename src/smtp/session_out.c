#include <string.h>

#include "base/alloc.h"
#include "smtp/session_own.h"

/* Which bytes a session wants to move, and those that go out. */

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

/* What there is to send, of the buffer and behind it. */
static size_t out_n(const struct nm_session *s) {
  return s->out.n + s->lent.n;
}

int nm_session_want(const struct nm_session *s) {
  if (!nm_session_is_speaking(s)) {
    return 0;
  }
  if (nm_session_wants_tls(s)) {
    return NM_WANT_TLS;
  }
  if (is_interrupted(s)) {
    return NM_WANT_READ;
  }
  return NM_WANT_READ | (s->out_at < out_n(s) ? NM_WANT_WRITE : want_more(s));
}

static int write_talk(struct nm_session *s) {
  struct nm_error why;
  if (s->talk.is_working) {
    s->progress++;
    nm_session_talk_went_on(s, nm_talk_work(&s->talk));
    return s->state == NM_SESSION_CLOSED ? s->closed_code : 0;
  }
  int rc = nm_talk_write(&s->talk, &s->out);
  s->out_is_secret = s->talk.shown[0] != '\0';
  nm_session_one_stretch(s);
  if (rc != 0) {
    nm_error_nomem(&why);
    nm_session_end_with(s, &why);
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
  nm_session_row_goes_on(s);
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

/* As many transactions as have all that they have to say in one buffer, and the begin of the next. What is lent comes last. */
static int write_row(struct nm_session *s) {
  struct nm_txn *t = nm_row_writing(&s->row);
  struct nm_txn *before = NULL;
  while (t != NULL && t != before && s->n_stretch < NM_STRETCH_MAX && s->lent.n == 0) {
    struct nm_stretch *st = &s->stretch[s->n_stretch];
    size_t begin = s->out.n;
    if (!nm_txn_is_started(t)) {
      start_txn(s, t);
    }
    int rc = nm_txn_write(t, &s->out, st);
    if (rc != 0) {
      return cut_row(s, t, begin, rc);
    }
    s->lent = st->lent;
    s->n_stretch += out_n(s) > begin;
    nm_row_weigh(&s->row, t);
    nm_row_settle(&s->row);
    before = t;
    t = nm_row_writing(&s->row);
  }
  return 0;
}

/* A content that fills the buffer gets a larger one. It stays until the connection has a small message again: to find the memory anew for
   each large one would cost more than it saves. */
static void fit_buffer(struct nm_session *s) {
  int was_filled = s->n_stretch == 1 && s->lent.n == 0 && s->out.max == NM_OUT_SMALL &&
                   s->out.max - s->out.n <= NM_OUT_FULL;
  if (was_filled && s->state == NM_SESSION_BUSY) {
    nm_session_size_output(s, NM_OUT_LARGE);
  }
}

int nm_session_output(struct nm_session *s, const char **p_out, size_t *n_out) {
  int rc = 0;
  *p_out = "";
  *n_out = 0;
  if (!nm_session_is_speaking(s) || is_interrupted(s)) {
    return 0;
  }
  if (s->out_at == out_n(s) && want_more(s) != 0) {
    fit_buffer(s);
    nm_session_drop_output(s);
    rc = s->state == NM_SESSION_TALKING ? write_talk(s) : write_row(s);
  }
  if (rc == 0 && s->out_at < s->out.n) {
    *p_out = s->out.p + s->out_at;
    *n_out = s->out.n - s->out_at;
  } else if (rc == 0 && s->out_at < out_n(s)) {
    *p_out = s->lent.p + (s->out_at - s->out.n);
    *n_out = out_n(s) - s->out_at;
  }
  return rc;
}

struct nm_str nm_session_behind(const struct nm_session *s) {
  return s->out_at < s->out.n ? s->lent : nm_str("", 0);
}

/* Commands end with the only LF they have, so what was sent of some can be counted without a list of their ends. */
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
    int is_whole = st->commands > 0 && from == st->begin && to >= st->content;
    s->awaited += is_whole ? st->commands : count_lines(s->out.p + from, least(to, st->content) - from);
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
  size_t to = s->out_at + least(n, out_n(s) - s->out_at);
  s->progress += to - s->out_at;
  while (s->out_at < to) {
    const struct nm_stretch *st = &s->stretch[s->at_stretch];
    on_sent(s, st, least(to, st->end));
  }
  if (s->out_is_secret && s->out_at == s->out.n) {
    nm_session_drop_output(s);
  }
}
