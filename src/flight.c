#include "flight_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "kept.h"
#include "pool.h"
#include "send.h"

int nm_flight_plan(struct nm_flight *f, const struct nm_client *c, const struct nm_flight_limits *limits,
                   struct nm_error *e) {
  *f = (struct nm_flight){.limits = *limits, .process = nm_process_ref(c->process)};
  f->pid = nm_process_id(f->process);
  if (nm_pool_snapshot(c, &f->as) != 0 || nm_kept_identity(c, &f->key) == NM_ENOMEM) {
    nm_flight_end(f);
    return nm_error_nomem(e);
  }
  (void)nm_client_place(c, &f->place);
  return 0;
}

int nm_flight_start(struct nm_flight *f, struct nm_client *c, struct nm_error *e) {
  int err = nm_client_check_free(c, e);
  if (err != 0) {
    return err;
  }
  f->lines = nm_zalloc(f->limits.lines * sizeof *f->lines); /* NM_FLIGHT_LINES_MAX: it cannot overflow */
  if (f->lines == NULL) {
    return nm_error_nomem(e);
  }
  f->client = nm_client_ref(c);
  f->now = nm_clock_ms();
  nm_error_clear(&f->ended);
  c->flight = f;
  struct nm_client *first = c->conn != NULL ? nm_pool_take(c, f->as, 0, 0) : NULL;
  if (first != NULL) {
    nm_kept_move(c, first);
  }
  return 0;
}

int nm_flight_begin(struct nm_flight *f, struct nm_client *c, const struct nm_flight_limits *limits,
                    struct nm_error *e) {
  int err = nm_flight_plan(f, c, limits, e);
  if (err == 0) {
    err = nm_flight_start(f, c, e);
    if (err != 0) {
      nm_flight_end(f);
    }
  }
  return err;
}

int nm_flight_fits(const struct nm_flight *f, const struct nm_client *c) {
  const struct nm_client *s = f->as;
  struct nm_buf key = {0};
  int fits = f->pid == nm_process_id(f->process) && nm_kept_identity(c, &key) == 0 &&
             nm_str_eq(nm_buf_str(&key), nm_buf_str(&f->key)) && c->timeout == s->timeout &&
             c->deadline == s->deadline && c->idle_max == s->idle_max && c->life_max == s->life_max &&
             c->max_connections == s->max_connections && nm_servers_same(&c->servers, &s->servers);
  nm_buf_free(&key);
  return fits;
}

const struct nm_error *nm_flight_is_parents(const struct nm_flight *f, struct nm_error *e) {
  if (f->pid == nm_process_id(f->process)) {
    return NULL;
  }
  nm_error_set(e, NM_EINVAL, NM_KIND_CANCELLED,
               "the process was forked, and its parent goes on with this sending; "
               "what the child is to send it begins itself, with this client or another");
  return e;
}

size_t nm_flight_up(const struct nm_flight *f) {
  size_t n = 0;
  for (size_t i = 0; i < f->limits.lines; i++) {
    n += f->lines[i].state == NM_LINE_UP;
  }
  return n;
}

size_t nm_flight_room(const struct nm_flight *f) {
  size_t lines = f->limits.lines, most = lines * f->limits.window;
  int is_heavy = f->octets / lines >= NM_WINDOW_BYTES_DEFAULT && f->n_mails >= lines;
  return f->n_mails < most && !is_heavy ? most - f->n_mails : 0;
}

/* ---- the queue ---- */

void nm_flight_end_mail(struct nm_flight *f, struct nm_mail *m) {
  if (m->out->place.text[0] == '\0') { /* it never came to a line */
    nm_place_copy(&m->out->place, &f->place);
  }
  nm_mail_end(m);
  nm_mails_add(&f->done, m);
  f->n_mails--;
}

static void queue(struct nm_flight *f, struct nm_mail *m) {
  f->now = m->since = nm_clock_ms();
  m->is_begun = 0;
  f->n_mails++;
  m->weight = m->env->size > 0 ? (uint64_t)m->env->size : 0;
  f->octets += m->weight;
  f->is_moving = 1;
  if (m->out->error.code != 0) {
    nm_flight_end_mail(f, m);
  } else {
    nm_mails_add(&f->queue, m);
  }
}

void nm_flight_add(struct nm_flight *f, struct nm_mail *m) {
  if (m->out->error.code == 0) {
    nm_mail_begin(m);
  }
  queue(f, m);
}

int nm_flight_add_again(struct nm_flight *f, struct nm_mail *m) {
  int err = nm_mail_begin_again(m);
  if (err == 0) {
    queue(f, m);
  }
  return err;
}

/* Nothing of the flight's has it any more. */
static void unload(struct nm_flight *f, struct nm_mail *m) {
  f->octets -= m->weight;
  m->weight = 0;
}

struct nm_mail *nm_flight_take(struct nm_flight *f) {
  struct nm_mail *m = nm_mails_take(&f->done);
  if (m != NULL) {
    unload(f, m);
  }
  return m;
}

/* It cannot be sent for want of a line, or of anybody who wants it to be. */
static void fail_mail(struct nm_flight *f, struct nm_mail *m, const struct nm_sent *why) {
  nm_place_copy(&m->out->place, &why->place);
  nm_error_copy(&m->out->error, &why->error);
  m->out->command = why->command;
  (void)nm_reply_copy(&m->out->reply, &why->reply);
  m->out->spent[NM_PHASE_CONNECT] += f->now - m->since;
  nm_mail_stop(m);
  nm_flight_end_mail(f, m);
}

void nm_flight_fail_queue(struct nm_flight *f, const struct nm_sent *why) {
  struct nm_mail *m;
  while ((m = nm_mails_take(&f->queue)) != NULL) {
    fail_mail(f, m, why);
  }
}

/* What was handed in behind Close. */
void nm_flight_fail_behind_close(struct nm_flight *f) {
  struct nm_sent why = {.error = f->ended};
  nm_flight_fail_queue(f, &why);
}

/* DESIGN.md 3.6: those that have waited for too long. One that is tried once more, or has lost its line, has less time left than those before
   it. */
void nm_flight_fail_late(struct nm_flight *f) {
  if (!nm_mails_may_be_late(&f->queue, f->now)) {
    return;
  }
  for (struct nm_mail *m = f->queue.first, *next; m != NULL; m = next) {
    next = m->next;
    if (m->deadline > 0 && f->now >= m->deadline) {
      struct nm_sent why = {0};
      (void)nm_mail_too_late(m, &why.error);
      nm_mails_remove(m);
      fail_mail(f, m, &why);
    }
  }
  nm_mails_look_ahead(&f->queue, f->now);
}

/* ---- the end ---- */

void nm_flight_cancel(struct nm_flight *f, const struct nm_error *why) {
  struct nm_sent all = {.error = *why};
  if (f->client == NULL) {
    return;
  }
  for (size_t i = 0; i < f->limits.lines; i++) {
    nm_line_cancel(&f->lines[i], why);
    (void)nm_flight_take_results(f, &f->lines[i]);
  }
  nm_flight_fail_queue(f, &all);
}

void nm_flight_cancel_mail(struct nm_flight *f, struct nm_mail *m, const struct nm_error *why) {
  struct nm_sent all = {.error = *why};
  for (size_t i = 0; f->client != NULL && i < f->limits.lines; i++) {
    if (m->list == &f->lines[i].mails) {
      nm_line_cancel(&f->lines[i], why);
      (void)nm_flight_take_results(f, &f->lines[i]);
    }
  }
  if (m->list == &f->queue) { /* it may have come there just now */
    nm_mails_remove(m);
    fail_mail(f, m, &all);
  }
  nm_mails_remove(m);
  unload(f, m);
}

void nm_flight_close(struct nm_flight *f, const struct nm_error *why) {
  nm_error_copy(&f->ended, why);
  nm_flight_cancel(f, why);
  for (size_t i = 0; f->lines != NULL && i < f->limits.lines; i++) {
    if (f->lines[i].state == NM_LINE_UP) {
      nm_line_hang_up(&f->lines[i]);
    }
  }
}

static void forget(struct nm_mails *l) {
  struct nm_mail *m;
  while ((m = nm_mails_take(l)) != NULL) {
    nm_split_free(&m->split);
  }
}

/* The session is somebody else's now: a lone Send's, which expects the results of one at a time. */
static void end_line(struct nm_line *l) {
  enum nm_line_verdict verdict;
  struct nm_mail *m;
  nm_line_cancel(l, NULL);
  while ((m = nm_line_take(l, nm_clock_ms(), &verdict)) != NULL) {
    nm_split_free(&m->split);
    nm_sent_free(m->out);
  }
  if (l->state == NM_LINE_UP) {
    nm_line_pipeline(l, NM_PIPELINING_ENVELOPE, 1);
  }
  nm_line_free(l);
}

/* The client has one connection for a lone Send. */
static void give_back(struct nm_client *c) {
  for (size_t i = 0; i < c->n_others; i++) {
    if (c->others[i]->pool_server == 0) {
      nm_kept_move(c->others[i], c); /* the first that there is */
    }
  }
}

void nm_flight_stop(struct nm_flight *f) {
  if (f->client == NULL) {
    return;
  }
  for (size_t i = 0; i < f->limits.lines; i++) {
    end_line(&f->lines[i]);
  }
  forget(&f->queue);
  forget(&f->done);
  nm_free(f->lines);
  f->lines = NULL;
  f->failed = NULL;
  f->n_mails = 0;
  f->octets = 0;
  give_back(f->client);
  nm_servers_learn(&f->client->servers, &f->as->servers);
  f->client->flight = NULL;
  nm_client_unref(&f->client);
}

void nm_flight_end(struct nm_flight *f) {
  nm_flight_stop(f);
  nm_client_unref(&f->as);
  nm_process_unref(&f->process);
  nm_buf_free(&f->key);
  *f = (struct nm_flight){0};
}
