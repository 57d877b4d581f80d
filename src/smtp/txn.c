#include "smtp/txn.h"

#include <stddef.h>
#include <string.h>

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
  nm_free(t->spare);
  t->spare = NULL;
  t->spare_cap = 0;
}

void nm_txn_let_go(struct nm_txn *t) {
  t->wire = t->content = NULL;
  t->env = (struct nm_envelope){0};
}

/* Those of the result become spare ones. */
static void take_rcpts_back(struct nm_txn *t) {
  struct nm_txn_result *r = &t->result;
  for (size_t i = 0; i < r->n_rcpt; i++) {
    nm_rcpt_free(&r->rcpt[i]);
  }
  if (r->rcpt != NULL && r->n_rcpt <= SPARE_RCPT_MAX) {
    free_spare(t);
    t->spare = r->rcpt;
    t->spare_cap = r->n_rcpt;
    r->rcpt = NULL;
  }
  r->n_rcpt = 0;
}

void nm_txn_recycle(struct nm_txn *t) {
  struct nm_txn_result *r = &t->result;
  take_rcpts_back(t);
  struct nm_buf text = r->reply.text;
  struct nm_rcpt *spare = t->spare;
  size_t spare_cap = t->spare_cap;
  struct nm_words *said = t->said;
  r->reply.text = (struct nm_buf){0};
  nm_txn_result_free(r);
  memset(t, 0, offsetof(struct nm_txn, result));
  t->spare = spare;
  t->spare_cap = spare_cap;
  t->said = said;
  if (said != NULL && said->n > SPARE_TEXT_MAX) {
    nm_words_unref(&t->said);
  }
  if (text.cap > SPARE_TEXT_MAX) {
    nm_buf_free(&text);
  }
  nm_buf_reset(&text);
  r->reply.text = text;
}

void nm_txn_free(struct nm_txn *t) {
  nm_txn_result_free(&t->result);
  free_spare(t);
  nm_words_unref(&t->said);
  *t = (struct nm_txn){0};
}

/* The spare memory, or new. */
static struct nm_rcpt *rcpt_room(struct nm_txn *t, size_t n) {
  struct nm_rcpt *room = t->spare;
  if (n > t->spare_cap) {
    free_spare(t);
    return nm_realloc_array(NULL, n, sizeof *room);
  }
  t->spare = NULL;
  t->spare_cap = 0;
  return room;
}

static int prepare(struct nm_txn *t, struct nm_source *content) {
  struct nm_txn_result *r = &t->result;
  r->rcpt = rcpt_room(t, t->env.n_to);
  if (r->rcpt == NULL) {
    return nm_error_nomem(&r->error);
  }
  for (size_t i = 0; i < t->env.n_to; i++) {
    r->rcpt[i] = (struct nm_rcpt){.addr = t->env.to[i]};
  }
  r->n_rcpt = t->env.n_to;
  t->content = content;
  t->cmd.step = t->rsp.step = NM_STEP_MAIL;
  return 0;
}

int nm_txn_begin(struct nm_txn *t, const struct nm_envelope *env, struct nm_source *content,
                 const struct nm_caps *caps, int may_pipeline) {
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
