#include "flight.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "kept.h"
#include "pool.h"
#include "send.h"

int nm_flight_plan(struct nm_flight *f, const struct nm_client *c, const struct nm_flight_limits *limits,
                   struct nm_error *e) {
  *f = (struct nm_flight){.limits = *limits, .pid = getpid()};
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
  f->is_closed = 0;
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
  struct nm_buf key;
  int fits = nm_kept_identity(c, &key) == 0 && nm_str_eq(nm_buf_str(&key), nm_buf_str(&f->key)) &&
             c->timeout == s->timeout && c->deadline == s->deadline && c->idle_max == s->idle_max &&
             c->life_max == s->life_max && c->max_connections == s->max_connections &&
             nm_servers_same(&c->servers, &s->servers);
  nm_buf_free(&key);
  return fits;
}

size_t nm_flight_up(const struct nm_flight *f) {
  size_t n = 0;
  for (size_t i = 0; i < f->limits.lines; i++) {
    n += f->lines[i].state == NM_LINE_UP;
  }
  return n;
}

size_t nm_flight_room(const struct nm_flight *f) {
  size_t most = f->limits.lines * f->limits.window;
  return f->n_mails < most ? most - f->n_mails : 0;
}

/* ---- the queue ---- */

static void end_mail(struct nm_flight *f, struct nm_mail *m) {
  if (m->out->place.text[0] == '\0') { /* it never came to a line */
    m->out->place = f->place;
  }
  nm_mail_end(m);
  nm_mails_add(&f->done, m);
  f->n_mails--;
}

static void queue(struct nm_flight *f, struct nm_mail *m) {
  f->now = m->since = nm_clock_ms();
  f->n_mails++;
  f->is_moving = 1;
  if (m->out->error.code != 0) {
    end_mail(f, m);
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

struct nm_mail *nm_flight_take(struct nm_flight *f) {
  return nm_mails_take(&f->done);
}

/* It cannot be sent for want of a line, or of anybody who wants it to be. */
static void fail_mail(struct nm_flight *f, struct nm_mail *m, const struct nm_sent *why) {
  m->out->place = why->place;
  m->out->error = why->error;
  m->out->command = why->command;
  (void)nm_reply_copy(&m->out->reply, &why->reply);
  m->out->spent[NM_PHASE_CONNECT] += f->now - m->since;
  nm_mail_stop(m);
  end_mail(f, m);
}

static void fail_queue(struct nm_flight *f, const struct nm_sent *why) {
  struct nm_mail *m;
  while ((m = nm_mails_take(&f->queue)) != NULL) {
    fail_mail(f, m, why);
  }
}

/* What was handed in behind Close. */
static void fail_behind_close(struct nm_flight *f) {
  struct nm_sent why = {0};
  nm_error_set(&why.error, NM_EINVAL, NM_KIND_CANCELLED, "the client was closed");
  fail_queue(f, &why);
}

/* DESIGN.md 3.6: those that have waited for too long; they stand in the order in which they came. */
static void fail_late(struct nm_flight *f) {
  while (f->queue.first != NULL && f->queue.first->deadline > 0 && f->now >= f->queue.first->deadline) {
    struct nm_sent why = {0};
    (void)nm_mail_too_late(f->queue.first, &why.error);
    fail_mail(f, nm_mails_take(&f->queue), &why);
  }
}

/* ---- lines ---- */

/* How long a line that could not be connected is left alone while others do the work: a server that limits connections is not
   asked again and again. */
#define REDIAL_MS 1000
#define REDIAL_SHIFT_MAX 6

static int is_any_alive(const struct nm_flight *f) {
  for (size_t i = 0; i < f->limits.lines; i++) {
    if (f->lines[i].state != NM_LINE_DOWN) {
      return 1;
    }
  }
  return 0;
}

/* 1: another server may be had, and is dialled next. */
static int goes_elsewhere(struct nm_flight *f, struct nm_line *l) {
  struct nm_servers *all = &f->as->servers;
  size_t next;
  if (all->n == 0 || !nm_sent_may_elsewhere(&l->sent)) {
    return 0;
  }
  nm_servers_note(all, l->server, 0, f->now);
  l->tried |= 1u << l->server;
  if (!nm_servers_next(all, l->tried, f->now, &next)) {
    (void)nm_sent_say_all_failed(&l->sent);
    return 0;
  }
  l->server = next;
  l->client = NULL;
  l->not_before = 0;
  l->n_failed--; /* it fails with the last of them */
  return 1;
}

/* One works, or is dialled, or about to be at another server, and has not failed since it last did. Lines that fail in turn, each while others
   are dialled once more, are not waited for. */
static int is_any_hopeful(const struct nm_flight *f) {
  for (size_t i = 0; i < f->limits.lines; i++) {
    const struct nm_line *l = &f->lines[i];
    int is_tried = l->state == NM_LINE_CONNECTING || l->tried != 0;
    if (l->state == NM_LINE_UP || (is_tried && l->n_failed == 0)) {
      return 1;
    }
  }
  return 0;
}

/* The last that could be tried has failed: so have those that wait. */
static void on_dial_failed(struct nm_flight *f, struct nm_line *l) {
  unsigned shift = l->n_failed < REDIAL_SHIFT_MAX ? l->n_failed : REDIAL_SHIFT_MAX;
  if (goes_elsewhere(f, l)) {
    return;
  }
  l->tried = 0;
  l->not_before = f->now + ((int64_t)REDIAL_MS << shift);
  if (!is_any_hopeful(f)) {
    fail_queue(f, &l->sent);
  }
}

/* A server that loses count of its replies, or stalls, may do better when less is asked at once. */
static void on_lost(struct nm_flight *f, const struct nm_line *l) {
  if (l->sent.error.kind == NM_KIND_PROTOCOL || l->has_stalled) {
    nm_client_distrust(f->client, l->pipelining);
  }
}

static void on_moved(struct nm_flight *f, struct nm_line *l, enum nm_line_state before) {
  if (before == NM_LINE_CONNECTING && l->state == NM_LINE_UP) {
    l->not_before = 0;
    l->tried = 0;
    nm_servers_note(&f->as->servers, l->server, 1, f->now);
    nm_line_pipeline(l, nm_client_pipelining(f->client), f->limits.window);
  } else if (before == NM_LINE_CONNECTING && l->state == NM_LINE_DOWN) {
    on_dial_failed(f, l);
  } else if (before == NM_LINE_UP && l->state == NM_LINE_DOWN) {
    on_lost(f, l);
  }
}

/* The snapshot holds credentials by reference: one that was changed in place is another one's. */
static int is_changed(const struct nm_flight *f) {
  struct nm_buf key;
  int err = nm_kept_identity(f->as, &key);
  int same = err == 0 ? nm_str_eq(nm_buf_str(&key), nm_buf_str(&f->key)) : f->key.n == 0;
  nm_buf_free(&key);
  return !same && err != NM_ENOMEM;
}

/* The client whose connection the line is to be; NULL: l->sent says why there is none. A new round of attempts begins with the server whose
   turn it is. */
static struct nm_client *choose(struct nm_flight *f, size_t i) {
  struct nm_line *l = &f->lines[i];
  if (is_changed(f)) {
    nm_error_set(&l->sent.error, NM_EINVAL, NM_KIND_CANCELLED,
                 "a credential was changed in place while messages waited that were to go with it as it was");
    return NULL;
  }
  if (l->tried == 0 && f->as->servers.n > 0) {
    size_t first = nm_servers_first(&f->as->servers, f->now);
    l->client = first == l->server ? l->client : NULL;
    l->server = first;
  }
  if (l->client == NULL) {
    nm_sent_free(&l->sent); /* with whom it was is forgotten */
    (void)nm_error_nomem(&l->sent.error);
    return nm_pool_take(f->client, f->as, i, l->server);
  }
  return l->client;
}

static void connect(struct nm_flight *f, size_t i, int64_t turn_end) {
  struct nm_line *l = &f->lines[i];
  struct nm_client *c = choose(f, i);
  if (c == NULL) {
    l->n_failed++;
    on_dial_failed(f, l);
    return;
  }
  nm_line_connect(l, c, turn_end);
  on_moved(f, l, NM_LINE_CONNECTING);
}

/* How many messages wait beyond those that lines will take which are being connected, or have just come up. */
static size_t unserved(const struct nm_flight *f) {
  size_t n = f->queue.n;
  for (size_t i = 0; i < f->limits.lines; i++) {
    const struct nm_line *l = &f->lines[i];
    int is_free = l->state == NM_LINE_CONNECTING || (l->state == NM_LINE_UP && l->mails.n == 0);
    size_t takes = is_free ? f->limits.window : 0;
    n -= takes < n ? takes : n;
  }
  return n;
}

/* Where all rest, the one that has rested for longest is tried. */
static size_t next_to_connect(const struct nm_flight *f) {
  size_t best = f->limits.lines;
  int must = !is_any_alive(f);
  for (size_t i = 0; i < f->limits.lines; i++) {
    const struct nm_line *l = &f->lines[i];
    if (l->state == NM_LINE_DOWN && (must || l->not_before <= f->now) &&
        (best == f->limits.lines || l->not_before < f->lines[best].not_before)) {
      best = i;
    }
  }
  return best;
}

/* As many as have something to do. */
static int connect_lines(struct nm_flight *f, int64_t turn_end) {
  int moved = 0;
  while (unserved(f) > 0) {
    size_t i = next_to_connect(f);
    if (i == f->limits.lines) {
      break;
    }
    connect(f, i, turn_end);
    moved = 1;
  }
  return moved;
}

/* Those that the line has lost come before all others, in their order. */
static int take_results(struct nm_flight *f, struct nm_line *l) {
  struct nm_mails again = {0};
  struct nm_mail *m;
  enum nm_line_verdict verdict;
  int n = 0;
  while ((m = nm_line_take(l, f->now, &verdict)) != NULL) {
    n++;
    if (verdict == NM_LINE_OVER) {
      end_mail(f, m);
    } else {
      nm_mails_add(&again, m);
    }
  }
  while ((m = again.last) != NULL) {
    nm_mails_remove(m);
    nm_mails_add_first(&f->queue, m);
  }
  return n > 0;
}

static int begin_mails(struct nm_flight *f, struct nm_line *l) {
  int n = 0;
  while (f->queue.first != NULL && nm_line_has_room(l, f->limits.per_line)) {
    struct nm_mail *m = nm_mails_take(&f->queue);
    n++;
    if (nm_line_begin(l, m, f->now) != 0) {
      end_mail(f, m);
    }
  }
  return n > 0;
}

static int step_line(struct nm_flight *f, struct nm_line *l, int64_t turn_end) {
  enum nm_line_state before = l->state;
  int moved = begin_mails(f, l);
  moved |= nm_line_step(l, turn_end);
  moved |= take_results(f, l);
  on_moved(f, l, before);
  return moved;
}

/* The parent goes on with what is on its way: sent by both, it would come twice. */
static void leave_parents(struct nm_flight *f) {
  struct nm_error why;
  if (f->pid != getpid() && !f->is_closed) {
    nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED,
                 "the process was forked, and its parent goes on with the sending");
    nm_flight_close(f, &why);
  }
}

void nm_flight_step(struct nm_flight *f, int64_t turn) {
  int64_t turn_end = turn >= 0 ? nm_clock_ms() + turn : 0;
  int moved;
  if (f->client == NULL) {
    return;
  }
  leave_parents(f);
  do {
    f->now = nm_clock_ms();
    if (f->is_closed) {
      fail_behind_close(f);
    }
    fail_late(f);
    moved = 0;
    for (size_t i = 0; i < f->limits.lines; i++) {
      if (f->lines[i].state != NM_LINE_DOWN) {
        moved |= step_line(f, &f->lines[i], turn_end);
      }
    }
    moved |= connect_lines(f, turn_end);
  } while (moved && f->done.n == 0 && !nm_trace_has_lines(nm_client_trace(f->client)) &&
           (turn_end == 0 || nm_clock_ms() < turn_end));
  f->is_moving = moved;
}

enum nm_need nm_flight_need(const struct nm_flight *f, struct nm_line **line_out) {
  enum nm_need need = f->is_moving ? NM_NEED_TURN : NM_NEED_LINE;
  *line_out = NULL;
  for (size_t i = 0; i < f->limits.lines; i++) {
    struct nm_line *l = &f->lines[i];
    switch (l->state != NM_LINE_DOWN ? l->need : NM_NEED_LINE) {
      case NM_NEED_CONTENT:
        if (nm_clock_ms() < l->asks_at) {
          break;
        }
        *line_out = l;
        return l->need;
      case NM_NEED_SECRET:
      case NM_NEED_CRYPTO:
        *line_out = l;
        return l->need;
      case NM_NEED_TURN:
      case NM_NEED_NOTHING:
        need = l->state == NM_LINE_UP && l->mails.n == 0 ? need : NM_NEED_TURN;
        break;
      case NM_NEED_LINE:
        break;
    }
  }
  return need;
}

/* ---- waiting ---- */

int nm_flight_left(const struct nm_flight *f) {
  int ms = INT_MAX;
  for (size_t i = 0; i < f->limits.lines; i++) {
    int n = nm_line_left(&f->lines[i]);
    ms = n < ms ? n : ms;
  }
  const struct nm_mail *m = f->queue.first;
  int64_t left = m != NULL && m->deadline > 0 ? m->deadline - nm_clock_ms() : INT_MAX;
  return left < ms ? (int)(left > 0 ? left : 0) : ms;
}

/* The only one that waits for anything; NULL: there are several. */
static struct nm_line *lone_line(const struct nm_flight *f) {
  struct nm_line *lone = NULL;
  for (size_t i = 0; i < f->limits.lines; i++) {
    struct nm_line *l = &f->lines[i];
    if (l->state == NM_LINE_CONNECTING || (l->state == NM_LINE_UP && l->mails.n > 0)) {
      if (lone != NULL) {
        return NULL;
      }
      lone = l;
    }
  }
  return lone;
}

/* Where there is no descriptor to wait for. */
#define BLIND_MS 10

void nm_flight_wait(struct nm_flight *f, int ms) {
  struct nm_line *lone = lone_line(f);
  if (lone != NULL) {
    nm_line_wait(lone, ms);
    return;
  }
  struct pollfd p = {.fd = nm_client_watch(f->client), .events = POLLIN};
  int rest = nm_flight_rest(f, ms);
  (void)poll(&p, 1,
             p.fd < 0 && rest > BLIND_MS ? BLIND_MS : rest); /* also after a signal: who waits looks again */
  nm_client_calm(f->client);
}

int nm_flight_rest(struct nm_flight *f, int most) {
  struct nm_line *line;
  if (f->done.n > 0 || nm_flight_need(f, &line) != NM_NEED_LINE) {
    nm_client_alarm(f->client, 0);
    return 0;
  }
  int left = nm_flight_left(f), ms = left < most ? left : most;
  nm_client_alarm(f->client, ms); /* there may be no connection to do it */
  for (size_t i = 0; i < f->limits.lines; i++) {
    const struct nm_client *c = f->lines[i].client;
    if (f->lines[i].state != NM_LINE_DOWN && c->conn != NULL) {
      ms = c->api->conn_rest(c->conn, ms); /* sets the alarm anew, and has heard of the soonest */
    }
  }
  return ms;
}

/* ---- the end ---- */

void nm_flight_cancel(struct nm_flight *f, const struct nm_error *why) {
  struct nm_sent all = {.error = *why};
  if (f->client == NULL) {
    return;
  }
  for (size_t i = 0; i < f->limits.lines; i++) {
    nm_line_cancel(&f->lines[i], why);
    (void)take_results(f, &f->lines[i]);
  }
  fail_queue(f, &all);
}

void nm_flight_cancel_mail(struct nm_flight *f, struct nm_mail *m, const struct nm_error *why) {
  struct nm_sent all = {.error = *why};
  for (size_t i = 0; f->client != NULL && i < f->limits.lines; i++) {
    if (m->list == &f->lines[i].mails) {
      nm_line_cancel(&f->lines[i], why);
      (void)take_results(f, &f->lines[i]);
    }
  }
  if (m->list == &f->queue) { /* it may have come there just now */
    nm_mails_remove(m);
    fail_mail(f, m, &all);
  }
  nm_mails_remove(m);
}

void nm_flight_close(struct nm_flight *f, const struct nm_error *why) {
  f->is_closed = 1;
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
  f->n_mails = 0;
  give_back(f->client);
  nm_servers_learn(&f->client->servers, &f->as->servers);
  f->client->flight = NULL;
  nm_client_unref(&f->client);
}

void nm_flight_end(struct nm_flight *f) {
  nm_flight_stop(f);
  nm_client_unref(&f->as);
  nm_buf_free(&f->key);
  *f = (struct nm_flight){0};
}
