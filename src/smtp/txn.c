#include "smtp/txn.h"

#include <string.h>

#include "base/alloc.h"
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

/* ---- its life ---- */

/* What is kept of a result's memory, for each transaction that a session may have in flight: enough for usual mail. */
#define SPARE_RCPT_MAX 64
#define SPARE_TEXT_MAX 256

static void free_spare(struct nm_txn *t) {
  for (size_t i = 0; i < t->spare_n; i++) {
    nm_reply_free(&t->spare[i].reply);
  }
  nm_free(t->spare);
  t->spare = NULL;
  t->spare_n = t->spare_cap = 0;
}

static void spare_text(struct nm_buf *text) {
  if (text->cap > SPARE_TEXT_MAX) {
    nm_buf_free(text);
  }
  nm_buf_reset(text);
}

void nm_txn_let_go(struct nm_txn *t) {
  t->wire = t->content = NULL;
  t->env = (struct nm_envelope){0};
}

void nm_txn_recycle(struct nm_txn *t) {
  struct nm_txn_result *r = &t->result;
  if (r->rcpt != NULL) {
    free_spare(t);
    t->spare = r->rcpt;
    t->spare_n = t->spare_cap = r->n_rcpt;
  }
  for (size_t i = 0; i < t->spare_n; i++) {
    spare_text(&t->spare[i].reply.text);
  }
  if (t->spare_n > SPARE_RCPT_MAX) {
    free_spare(t);
  }
  spare_text(&r->reply.text);
  *t = (struct nm_txn){.result = {.reply = {.text = r->reply.text}},
                       .spare = t->spare,
                       .spare_n = t->spare_n,
                       .spare_cap = t->spare_cap};
}

void nm_txn_free(struct nm_txn *t) {
  nm_txn_result_free(&t->result);
  free_spare(t);
  *t = (struct nm_txn){0};
}

/* The spare memory, or new. Results are cut off at n_rcpt when they are taken, so nothing may be left behind that. */
static struct nm_rcpt *rcpt_room(struct nm_txn *t, size_t n) {
  if (n > t->spare_cap) {
    free_spare(t);
    t->spare = nm_realloc_array(NULL, n, sizeof *t->spare);
    t->spare_cap = t->spare != NULL ? n : 0;
  }
  while (t->spare_n > n) {
    nm_reply_free(&t->spare[--t->spare_n].reply);
  }
  return t->spare;
}

static int prepare(struct nm_txn *t, struct nm_source *content) {
  struct nm_txn_result *r = &t->result;
  struct nm_rcpt *rcpt = rcpt_room(t, t->env.n_to);
  if (rcpt == NULL) {
    return nm_error_nomem(&r->error);
  }
  for (size_t i = 0; i < t->env.n_to; i++) {
    struct nm_buf text = i < t->spare_n ? rcpt[i].reply.text : (struct nm_buf){0};
    rcpt[i] = (struct nm_rcpt){.addr = t->env.to[i], .reply = {.text = text}};
  }
  r->rcpt = rcpt;
  r->n_rcpt = t->env.n_to;
  t->spare = NULL;
  t->spare_n = t->spare_cap = 0;
  t->content = content;
  t->cmd.step = t->rsp.step = NM_STEP_MAIL;
  return 0;
}

int nm_txn_begin(struct nm_txn *t, const struct nm_envelope *env, struct nm_source *content,
                 const struct nm_caps *caps, int may_pipeline) {
  nm_txn_recycle(t);
  t->env = *env;
  t->pipelining = may_pipeline && (caps->flags & NM_CAP_PIPELINING) != 0;
  t->chunking = (caps->flags & NM_CAP_CHUNKING) != 0 && env->chunking != NM_CHUNKING_OFF;
  t->env.left_out = 0;
  int rc = nm_envelope_settle(&t->env, caps, &t->result.error);
  t->result.left_out = t->env.left_out;
  rc = rc != 0 ? rc : prepare(t, content);
  if (rc != 0) {
    t->is_over = 1;
    nm_txn_let_go(t);
  }
  return rc;
}

static enum nm_wire_form wire_form(const struct nm_txn *t) {
  return !t->chunking ? NM_WIRE_DOTTED : t->env.body == NM_BODY_BINARYMIME ? NM_WIRE_OCTETS : NM_WIRE_LINES;
}

void nm_txn_start(struct nm_txn *t, struct nm_source *wire, int is_reset_due) {
  t->wire = wire;
  nm_wire_source_set(wire, t->content, wire_form(t));
  t->is_reset_due = is_reset_due;
  t->cmd.step = t->rsp.step = is_reset_due ? NM_STEP_RSET : NM_STEP_MAIL;
}

int nm_txn_is_started(const struct nm_txn *t) {
  return t->wire != NULL;
}

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

/* Reads behind the n bytes at from that are there, up to the place end, the content's end, what it gives now, or what it lends. */
static int read_content(struct nm_txn *t, struct nm_buf *out, size_t from, size_t end, size_t *n,
                        struct nm_str *lent) {
  int rc = 0;
  while (rc == 0 && from + *n < end && !nm_dot_source_ended(t->wire)) {
    size_t got = 0;
    lent->n = nm_wire_lend(t->wire, NM_LEND_MIN, LENT_MAX, &lent->p);
    if (lent->n > 0) {
      nm_wire_look(t->wire);
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
  if (rc == 0 && nm_dot_source_ended(t->wire)) {
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
  int is_last = nm_dot_source_ended(t->wire);
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
  return out->n <= BESIDE_CHUNK_MAX ||
         (t->cmd.i == 0 && t->env.size >= 0 &&
          (uint64_t)t->env.size + CHUNK_HEAD_MAX <= (uint64_t)(out->max - out->n));
}

/* What is written next is content after DATA and not a command. */
static int at_data(const struct nm_txn *t) {
  return t->cmd.step == NM_STEP_DOT && t->rsp.step == NM_STEP_DOT && !t->is_lone_dot;
}

static int write_next(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s) {
  if (at_data(t)) {
    return write_data(t, out, s);
  }
  int rc = write_commands(t, out);
  if (rc == 0 && t->cmd.step == NM_STEP_BDAT && nm_txn_may_write(t) && may_chunk_here(t, out)) {
    rc = write_chunk(t, out, s);
  }
  return rc;
}

int nm_txn_write(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s) {
  size_t before = out->n;
  *s = (struct nm_stretch){.txn = t, .content = SIZE_MAX, .octets = SIZE_MAX};
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

const char *nm_txn_command(const struct nm_txn *t) {
  static const char *const names[] = {"RSET", "MAIL", "RCPT", "DATA", ".", "BDAT", "."};
  return t->chunking && t->rsp.step == NM_STEP_END ? "BDAT" : names[t->rsp.step];
}
