#include "smtp/txn.h"

#include "base/alloc.h"
#include "smtp/dot.h"

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
  t->size = env->size;
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

const char *nm_txn_command(const struct nm_txn *t) {
  static const char *const names[] = {"RSET", "MAIL", "RCPT", "DATA", ".", "BDAT", "."};
  return t->chunking && t->rsp.step == NM_STEP_END ? "BDAT" : names[t->rsp.step];
}
