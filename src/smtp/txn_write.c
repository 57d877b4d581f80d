/* What a transaction says: commands, and the content after DATA or in BDAT's chunks. */

#include "smtp/txn.h"

#include <string.h>

#include "base/decimal.h"
#include "smtp/command.h"
#include "smtp/dot.h"

#define CHUNK_VERB "BDAT "
#define CHUNK_LAST " LAST"
#define CHUNK_HEAD_MAX (sizeof CHUNK_VERB + NM_DECIMAL_MAX + sizeof CHUNK_LAST)
/* So much of a buffer may hold commands and still take a chunk behind them. */
#define BESIDE_CHUNK_MAX 16384
/* Lent at once: enough that its system call counts for nothing, and little enough that what a glance at it has brought into the
   processor's cache is there when it is sent, and that a refusal does not come long before the end of a chunk. */
#define LENT_MAX ((size_t)256 << 10)
/* By so much the head of a chunk may get longer than was guessed when its first octets were read: it is the last, or more was lent. */
#define CHUNK_HEAD_MORE (sizeof CHUNK_LAST - 1 + NM_DECIMAL_MAX)

/* ---- what may be said ---- */

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

/* A DATA that was refused before its reply is here still wants its 354 answered, and what follows would be content until then. */
int nm_txn_is_written(const struct nm_txn *t) {
  int is_data_out = t->cmd.step == NM_STEP_DOT && t->rsp.step <= NM_STEP_DATA;
  return t->is_over || t->cmd.step == NM_STEP_END || (t->is_stopped && !is_data_out);
}

/* RFC 5321 4.1.1.4: the end of the data clears the transaction, refused or not. After BDAT the server may still hold it, or the one
   before it, if anything was refused: a MAIL would then be out of sequence, and the RCPT and BDAT behind it would go into that
   envelope. The same where MAIL or RCPT was the last that could be said. */
int nm_txn_may_linger(const struct nm_txn *t) {
  return t->chunking || t->cmd.step != NM_STEP_END || t->is_lone_dot;
}

/* ---- how it is said ---- */

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

static int has_room(const struct nm_buf *out) {
  return out->max - out->n >= NM_COMMAND_MAX;
}

/* All but the last, of which nothing else depends. */
static int write_rcpts(struct nm_txn *t, struct nm_buf *out, size_t *n) {
  int rc = 0;
  while (rc == 0 && t->pipelining && t->cmd.i + 1 < t->env.n_to && has_room(out)) {
    rc = nm_command_rcpt(out, &t->env, t->cmd.i);
    t->cmd.i++;
    (*n)++;
  }
  return rc;
}

static int write_commands(struct nm_txn *t, struct nm_buf *out, size_t *n) {
  int rc = 0;
  while (rc == 0 && t->cmd.step != NM_STEP_BDAT && nm_txn_may_write(t) && has_room(out)) {
    rc = write_command(t, out);
    nm_txn_advance(t, &t->cmd);
    (*n)++;
    if (rc == 0 && t->cmd.step == NM_STEP_RCPT) {
      rc = write_rcpts(t, out, n);
    }
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

/* Reads behind the n bytes at from that are there, up to the place end, the content's end, what it gives now, or what it lends. */
static int read_content(struct nm_txn *t, struct nm_buf *out, size_t from, size_t end, size_t *n,
                        struct nm_str *lent) {
  int rc = 0;
  while (rc == 0 && from + *n < end && !nm_wire_ended(t->wire)) {
    size_t got = 0;
    lent->n =
        t->size >= 0 && t->size < NM_LEND_MIN ? 0 : nm_wire_lend(t->wire, NM_LEND_MIN, LENT_MAX, &lent->p);
    if (lent->n > 0) {
      nm_wire_look(t->wire, NM_LEND_MIN, LENT_MAX);
      break;
    }
    rc = nm_source_read(t->wire, out->p + from + *n, end - from - *n, &got);
    *n += got;
  }
  return rc < 0 ? content_failed(t, rc) : 0;
}

static int write_data(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s) {
  size_t got = 0;
  int rc = read_content(t, out, out->n, out->max, &got, &s->lent);
  if (rc == 0 && nm_wire_ended(t->wire)) {
    nm_txn_advance(t, &t->cmd);
  }
  s->content = s->octets = out->n;
  out->n += rc == 0 ? got : 0;
  t->is_waiting = rc == 0 && got + s->lent.n == 0;
  return rc;
}

/* bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CRLF; chunk-size = 1*DIGIT; end-marker = "LAST"   (RFC 3030 2) */
static size_t chunk_head(char head[CHUNK_HEAD_MAX], size_t size, int is_last) {
  size_t n = sizeof CHUNK_VERB - 1;
  memcpy(head, CHUNK_VERB, n);
  n += nm_decimal(size, head + n);
  if (is_last) {
    memcpy(head + n, CHUNK_LAST, sizeof CHUNK_LAST - 1);
    n += sizeof CHUNK_LAST - 1;
  }
  memcpy(head + n, "\r\n", 2);
  return n + 2;
}

/* Its length was guessed when the content was read, and is right for a chunk that fills the buffer, is not the last and not longer. */
static void write_chunk_head(struct nm_txn *t, struct nm_buf *out, int is_last, struct nm_stretch *s) {
  char head[CHUNK_HEAD_MAX];
  size_t n = chunk_head(head, t->held + s->lent.n, is_last);
  s->content = out->n;
  s->octets = out->n + n;
  if (s->octets != t->held_at) {
    memmove(out->p + s->octets, out->p + t->held_at, t->held);
  }
  memcpy(out->p + s->content, head, n);
  out->n = s->octets + t->held;
  t->held = 0;
  t->n_chunks = is_last ? t->cmd.i + 1 : 0;
  nm_txn_advance(t, &t->cmd);
}

/* A chunk is as large as what out has room for, or all that is left. What a content gives piece by piece goes at once when the server
   has nothing else to do, and is gathered while it has (as RFC 896 has it): many small chunks cost it a reply each. */
static int write_chunk(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s) {
  size_t end = out->max - CHUNK_HEAD_MORE;
  if (t->held == 0) {
    t->held_at = out->n + sizeof CHUNK_VERB - 1 + nm_decimal_size(out->max - out->n) + 2;
  }
  int rc = read_content(t, out, t->held_at, end, &t->held, &s->lent);
  if (rc != 0) {
    return rc;
  }
  int is_last = nm_wire_ended(t->wire);
  int is_whole = is_last || s->lent.n > 0 || t->held_at + t->held == end;
  if (!is_whole && (t->held == 0 || (out->n == 0 && !nm_txn_is_answered(t)))) {
    t->is_waiting = 1;
    return 0;
  }
  t->is_blind |= t->cmd.i == 0 && !nm_txn_is_answered(t);
  write_chunk_head(t, out, is_last, s);
  return 0;
}

/* A chunk that is begun far behind in the buffer is cut short by its end, and a message in two chunks costs the server one more reply:
   only one that will fit is begun there. What becomes of line ends on the wire is no matter here. */
static int may_chunk_here(const struct nm_txn *t, const struct nm_buf *out) {
  return out->n <= BESIDE_CHUNK_MAX || (t->cmd.i == 0 && t->size >= 0 &&
                                        (uint64_t)t->size + CHUNK_HEAD_MAX <= (uint64_t)(out->max - out->n));
}

/* What is written next is content after DATA and not a command. */
static int at_data(const struct nm_txn *t) {
  return t->cmd.step == NM_STEP_DOT && t->rsp.step == NM_STEP_DOT && !t->is_lone_dot;
}

static int write_next(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s) {
  if (at_data(t)) {
    return write_data(t, out, s);
  }
  int rc = write_commands(t, out, &s->commands);
  if (rc == 0 && t->cmd.step == NM_STEP_BDAT && nm_txn_may_write(t) && may_chunk_here(t, out)) {
    rc = write_chunk(t, out, s);
  }
  return rc;
}

int nm_txn_write(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s) {
  size_t before = out->n;
  *s = (struct nm_stretch){.txn = t, .begin = before, .content = SIZE_MAX, .octets = SIZE_MAX};
  t->is_waiting = 0;
  int rc = nm_txn_may_write(t) ? write_next(t, out, s) : 0;
  s->end = out->n + s->lent.n;
  s->content = s->content < s->end ? s->content : s->end;
  s->octets = s->octets < s->end ? s->octets : s->end;
  t->written += s->end - before;
  return rc;
}

size_t nm_txn_content_sent(struct nm_txn *t) {
  t->is_handed_over = t->cmd.step == NM_STEP_END;
  return t->chunking || t->is_handed_over;
}
