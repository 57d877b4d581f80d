#include "smtp/txn.h"

#include "base/alloc.h"
#include "smtp/command.h"
#include "smtp/dot.h"

static int same(struct nm_cursor a, struct nm_cursor b) {
  return a.step == b.step && a.rcpt == b.rcpt;
}

void nm_txn_advance(const struct nm_txn *t, struct nm_cursor *c) {
  if (c->step == NM_STEP_RCPT && c->rcpt + 1 < t->env.n_to) {
    c->rcpt++;
  } else if (c->step != NM_STEP_END) {
    c->step++;
    c->rcpt = 0;
  }
}

int nm_txn_is_answered(const struct nm_txn *t) {
  return same(t->cmd, t->rsp);
}

/* Nothing that is refused here has cost the server a byte. */
static int check(struct nm_txn *t, const struct nm_caps *caps) {
  const struct nm_envelope *env = &t->env;
  struct nm_error *e = &t->result.error;
  if (nm_command_addr_check(env->from) != 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the sender's address cannot stand in a command");
  }
  if (env->n_to == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the message has no recipient");
  }
  for (size_t i = 0; i < env->n_to; i++) {
    if (nm_command_addr_check(env->to[i]) != 0) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          "the address of recipient %zu cannot stand in a command", i + 1);
    }
  }
  if (env->body == NM_BODY_8BITMIME && (caps->flags & NM_CAP_8BITMIME) == 0) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "the message has 8-bit octets, and the server does not offer 8BITMIME; quoted-printable and "
        "base64 pass any server");
  }
  if (t->may_size && caps->size > 0 && env->size > caps->size) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_DATA,
                        "the message has %lld bytes, the server takes at most %lld", (long long)env->size,
                        (long long)caps->size);
  }
  return 0;
}

static int prepare(struct nm_txn *t, struct nm_source *content) {
  struct nm_txn_result *r = &t->result;
  t->dot = nm_dot_source(content);
  r->rcpt = nm_realloc_array(NULL, t->env.n_to, sizeof *r->rcpt);
  if (t->dot == NULL || r->rcpt == NULL) {
    return nm_error_nomem(&r->error);
  }
  r->n_rcpt = t->env.n_to;
  for (size_t i = 0; i < r->n_rcpt; i++) {
    r->rcpt[i] = (struct nm_rcpt){.addr = t->env.to[i]};
  }
  t->cmd.step = t->rsp.step = t->is_reset_due ? NM_STEP_RSET : NM_STEP_MAIL;
  return 0;
}

int nm_txn_begin(struct nm_txn *t, const struct nm_envelope *env, struct nm_source *content,
                 const struct nm_caps *caps) {
  int is_reset_due = t->is_reset_due;
  nm_txn_free(t);
  t->env = *env;
  t->pipelining = (caps->flags & NM_CAP_PIPELINING) != 0;
  t->may_size = (caps->flags & NM_CAP_SIZE) != 0;
  t->is_reset_due = is_reset_due;
  int rc = check(t, caps);
  return rc != 0 ? rc : prepare(t, content);
}

void nm_txn_let_go(struct nm_txn *t) {
  nm_source_free(&t->dot);
  t->env = (struct nm_envelope){0};
}

void nm_txn_free(struct nm_txn *t) {
  nm_txn_let_go(t);
  nm_txn_result_free(&t->result);
  *t = (struct nm_txn){0};
}

/* RFC 2920 3.1: RSET, MAIL and RCPT may stand anywhere in a group, DATA last. With all_or_nothing DATA waits for all
   answers; without pipelining each command does. After DATA, the content waits for its 354. */
int nm_txn_may_write(const struct nm_txn *t) {
  if (t->is_stopped || t->cmd.step == NM_STEP_END) {
    return 0;
  }
  if (t->cmd.step == NM_STEP_DOT || !t->pipelining ||
      (t->cmd.step == NM_STEP_DATA && t->env.all_or_nothing)) {
    return nm_txn_is_answered(t);
  }
  return 1;
}

int nm_txn_at_content(const struct nm_txn *t) {
  return t->cmd.step == NM_STEP_DOT && t->rsp.step == NM_STEP_DOT && !t->is_stopped && !t->is_lone_dot;
}

static int write_command(struct nm_txn *t, struct nm_buf *out) {
  switch (t->cmd.step) {
    case NM_STEP_RSET:
      nm_buf_add_c(out, "RSET\r\n");
      return out->err;
    case NM_STEP_MAIL:
      return nm_command_mail(out, t->env.from, t->may_size ? t->env.size : -1, t->env.body);
    case NM_STEP_RCPT:
      return nm_command_rcpt(out, t->env.to[t->cmd.rcpt]);
    case NM_STEP_DATA:
      nm_buf_add_c(out, "DATA\r\n");
      return out->err;
    case NM_STEP_DOT:
      nm_buf_add_c(out, ".\r\n");
      return out->err;
    case NM_STEP_END:
      break;
  }
  return NM_EINVAL;
}

int nm_txn_write_commands(struct nm_txn *t, struct nm_buf *out) {
  int rc = 0;
  while (rc == 0 && nm_txn_may_write(t) && out->max - out->n >= NM_COMMAND_MAX) {
    rc = write_command(t, out);
    nm_txn_advance(t, &t->cmd);
  }
  return rc;
}

/* A source that fails may not know what it was read for. */
static int content_failed(struct nm_txn *t, int rc) {
  struct nm_error why = t->dot->error;
  if (why.code == 0) {
    nm_error_set(&why, rc, NM_KIND_MESSAGE, "the message could not be read");
  }
  why.kind = NM_KIND_MESSAGE;
  nm_txn_fail(t, &why);
  return rc;
}

int nm_txn_write_content(struct nm_txn *t, struct nm_buf *out) {
  int rc = 0;
  t->is_waiting = 0;
  while (rc == 0 && out->n < out->max && !nm_dot_source_ended(t->dot)) {
    size_t n = 0;
    size_t left = out->max - out->n;
    char *room = nm_buf_room(out, left);
    rc = room != NULL ? nm_source_read(t->dot, room, left, &n) : out->err;
    out->n += n;
  }
  if (rc < 0) {
    return content_failed(t, rc);
  }
  if (nm_dot_source_ended(t->dot)) {
    nm_txn_advance(t, &t->cmd);
  }
  t->is_waiting = out->n == 0;
  return 0;
}

int nm_txn_content_written(const struct nm_txn *t) {
  return t->cmd.step == NM_STEP_END;
}

const char *nm_txn_command(const struct nm_txn *t) {
  static const char *const names[] = {"RSET", "MAIL", "RCPT", "DATA", ".", "."};
  return names[t->rsp.step];
}
