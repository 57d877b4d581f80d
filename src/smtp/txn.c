#include "smtp/txn.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "smtp/command.h"
#include "smtp/dot.h"

/* "BDAT 65536 LAST" CRLF and more. */
#define CHUNK_HEAD_MAX 24
/* So much of a buffer may hold commands and still take a chunk behind them. */
#define BESIDE_CHUNK_MAX 16384

static int same(struct nm_cursor a, struct nm_cursor b) {
  return a.step == b.step && a.i == b.i;
}

void nm_txn_advance(const struct nm_txn *t, struct nm_cursor *c) {
  size_t next = c->i + 1;
  int is_within =
      (c->step == NM_STEP_RCPT && next < t->env.n_to) || (c->step == NM_STEP_BDAT && next != t->n_chunks);
  if (is_within) {
    c->i = next;
    return;
  }
  c->i = 0;
  if (c->step == NM_STEP_RCPT) {
    c->step = t->chunking ? NM_STEP_BDAT : NM_STEP_DATA;
  } else if (c->step == NM_STEP_DOT) {
    c->step = NM_STEP_END;
  } else if (c->step != NM_STEP_END) {
    c->step++;
  }
}

int nm_txn_is_answered(const struct nm_txn *t) {
  return same(t->cmd, t->rsp);
}

static int prepare(struct nm_txn *t, struct nm_source *content) {
  struct nm_txn_result *r = &t->result;
  t->wire =
      t->chunking ? nm_chunk_source(content, t->env.body == NM_BODY_BINARYMIME) : nm_dot_source(content);
  r->rcpt = nm_realloc_array(NULL, t->env.n_to, sizeof *r->rcpt);
  if (t->wire == NULL || r->rcpt == NULL) {
    return nm_error_nomem(&r->error);
  }
  r->n_rcpt = t->env.n_to;
  for (size_t i = 0; i < r->n_rcpt; i++) {
    r->rcpt[i] = (struct nm_rcpt){.addr = t->env.to[i]};
  }
  t->cmd.step = t->rsp.step = t->is_reset_due ? NM_STEP_RSET : NM_STEP_MAIL;
  t->n_begun++;
  return 0;
}

int nm_txn_begin(struct nm_txn *t, const struct nm_envelope *env, struct nm_source *content,
                 const struct nm_caps *caps) {
  int is_reset_due = t->is_reset_due;
  uint32_t n_begun = t->n_begun;
  nm_txn_free(t);
  t->env = *env;
  t->pipelining = (caps->flags & NM_CAP_PIPELINING) != 0;
  t->chunking = (caps->flags & NM_CAP_CHUNKING) != 0 && env->chunking != NM_CHUNKING_OFF;
  t->is_reset_due = is_reset_due;
  t->n_begun = n_begun;
  int rc = nm_envelope_settle(&t->env, caps, &t->result.error);
  return rc != 0 ? rc : prepare(t, content);
}

void nm_txn_let_go(struct nm_txn *t) {
  nm_source_free(&t->wire);
  t->env = (struct nm_envelope){0};
}

void nm_txn_free(struct nm_txn *t) {
  nm_txn_let_go(t);
  nm_txn_result_free(&t->result);
  *t = (struct nm_txn){0};
}

/* What is content to all waits until it is known that all get it; of LMTP the number of replies to it must be known. */
static int waits_for_rcpt(const struct nm_txn *t) {
  return t->env.all_or_nothing || t->env.is_lmtp;
}

/* RFC 3030 2 has the message sent when the replies to MAIL and RCPT have been processed, 4.2 and Exim's clients pipeline; who is
   careful says NM_CHUNKING_AFTER_RCPT. Chunks then follow one another without waiting. */
static int may_chunk(const struct nm_txn *t) {
  if (waits_for_rcpt(t) || t->env.chunking == NM_CHUNKING_AFTER_RCPT) {
    return t->rsp.step == NM_STEP_BDAT;
  }
  return !t->env.is_idle || t->rsp.step > NM_STEP_MAIL;
}

/* RFC 2920 3.1: RSET, MAIL and RCPT may stand anywhere in a group, DATA last. Without pipelining each command waits for the
   answer to the one before. After DATA, the content waits for its 354. */
int nm_txn_may_write(const struct nm_txn *t) {
  if (t->is_stopped || t->cmd.step == NM_STEP_END) {
    return 0;
  }
  if (t->cmd.step == NM_STEP_DOT || !t->pipelining || (t->cmd.step == NM_STEP_DATA && waits_for_rcpt(t))) {
    return nm_txn_is_answered(t);
  }
  return t->cmd.step != NM_STEP_BDAT || may_chunk(t);
}

static int write_command(struct nm_txn *t, struct nm_buf *out) {
  switch (t->cmd.step) {
    case NM_STEP_RSET:
      nm_buf_add_c(out, "RSET\r\n");
      return out->err;
    case NM_STEP_MAIL:
      return nm_command_mail(out, &t->env);
    case NM_STEP_RCPT:
      return nm_command_rcpt(out, &t->env, t->cmd.i);
    case NM_STEP_DATA:
      nm_buf_add_c(out, "DATA\r\n");
      return out->err;
    case NM_STEP_DOT:
      nm_buf_add_c(out, ".\r\n");
      return out->err;
    case NM_STEP_BDAT:
    case NM_STEP_END:
      break;
  }
  return NM_EINVAL;
}

static int write_commands(struct nm_txn *t, struct nm_buf *out) {
  int rc = 0;
  while (rc == 0 && t->cmd.step != NM_STEP_BDAT && nm_txn_may_write(t) &&
         out->max - out->n >= NM_COMMAND_MAX) {
    rc = write_command(t, out);
    nm_txn_advance(t, &t->cmd);
  }
  return rc;
}

/* A source that fails may not know what it was read for. */
static int content_failed(struct nm_txn *t, int rc) {
  struct nm_error why = t->wire->error;
  if (why.code == 0) {
    nm_error_set(&why, rc, NM_KIND_MESSAGE, "the message could not be read");
  }
  why.kind = NM_KIND_MESSAGE;
  nm_txn_fail(t, &why);
  return rc;
}

/* Reads behind the n bytes at from that are there, up to the end of out, of the content, or of what it gives now. */
static int read_content(struct nm_txn *t, struct nm_buf *out, size_t from, size_t *n) {
  int rc = nm_buf_room(out, out->max - out->n) != NULL ? 0 : out->err;
  while (rc == 0 && from + *n < out->max && !nm_dot_source_ended(t->wire)) {
    size_t got = 0;
    rc = nm_source_read(t->wire, out->p + from + *n, out->max - from - *n, &got);
    *n += got;
  }
  return rc < 0 ? content_failed(t, rc) : 0;
}

static int write_data(struct nm_txn *t, struct nm_buf *out) {
  int rc = read_content(t, out, 0, &out->n);
  if (rc == 0 && nm_dot_source_ended(t->wire)) {
    nm_txn_advance(t, &t->cmd);
  }
  t->is_waiting = rc == 0 && out->n == 0;
  return rc;
}

/* bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CRLF; chunk-size = 1*DIGIT; end-marker = "LAST"   (RFC 3030 2)
   The content lies behind the commands and the most that its BDAT can take: commands and BDAT move up to it. */
static void write_chunk_head(struct nm_txn *t, struct nm_buf *out, int is_last, struct nm_stretch *s) {
  char head[CHUNK_HEAD_MAX];
  size_t n = (size_t)snprintf(head, sizeof head, "BDAT %zu%s\r\n", t->held, is_last ? " LAST" : "");
  size_t end = out->n + CHUNK_HEAD_MAX + t->held;
  s->start = CHUNK_HEAD_MAX - n;
  s->content = s->start + out->n;
  s->octets = out->n + CHUNK_HEAD_MAX;
  memmove(out->p + s->start, out->p, out->n);
  memcpy(out->p + s->content, head, n);
  out->n = end;
  t->held = 0;
  t->n_chunks = is_last ? t->cmd.i + 1 : 0;
  nm_txn_advance(t, &t->cmd);
}

/* A chunk is as large as out, or all that is left. What a content gives piece by piece goes at once when the server has nothing
   else to do, and is gathered while it has (as RFC 896 has it): many small chunks cost it a reply each. */
static int write_chunk(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s) {
  size_t from = out->n + CHUNK_HEAD_MAX;
  int rc = read_content(t, out, from, &t->held);
  if (rc != 0) {
    return rc;
  }
  int is_last = nm_dot_source_ended(t->wire);
  int is_whole = is_last || from + t->held == out->max;
  if (!is_whole && (t->held == 0 || (out->n == 0 && !nm_txn_is_answered(t)))) {
    t->is_waiting = 1;
    return 0;
  }
  write_chunk_head(t, out, is_last, s);
  return 0;
}

/* What is written next is content after DATA and not a command. */
static int at_data(const struct nm_txn *t) {
  return t->cmd.step == NM_STEP_DOT && t->rsp.step == NM_STEP_DOT && !t->is_lone_dot;
}

int nm_txn_write(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s) {
  *s = (struct nm_stretch){.content = SIZE_MAX, .octets = SIZE_MAX};
  t->is_waiting = 0;
  if (!nm_txn_may_write(t)) {
    return 0;
  }
  if (at_data(t)) {
    s->content = s->octets = 0;
    return write_data(t, out);
  }
  int rc = write_commands(t, out);
  if (rc == 0 && t->cmd.step == NM_STEP_BDAT && nm_txn_may_write(t) && out->n <= BESIDE_CHUNK_MAX) {
    rc = write_chunk(t, out, s);
  }
  return rc;
}

size_t nm_txn_content_sent(struct nm_txn *t) {
  t->is_handed_over = t->cmd.step == NM_STEP_END;
  return t->chunking || t->is_handed_over;
}

const char *nm_txn_command(const struct nm_txn *t) {
  static const char *const names[] = {"RSET", "MAIL", "RCPT", "DATA", ".", "BDAT", "."};
  return t->chunking && t->rsp.step == NM_STEP_END ? "BDAT" : names[t->rsp.step];
}
