#include "flight_own.h"
#include "kept.h"
#include "pool.h"

/* Which lines a flight has, and when they are dialled. */

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

static int is_going_elsewhere(const struct nm_line *l) {
  return l->state == NM_LINE_DOWN && l->tried != 0;
}

/* One works, or is dialled, or about to be at another server, and has not failed since it last did. Lines that fail in turn, each while others
   are dialled once more, are not waited for. */
static int is_any_hopeful(const struct nm_flight *f) {
  for (size_t i = 0; i < f->limits.lines; i++) {
    const struct nm_line *l = &f->lines[i];
    int is_tried = l->state == NM_LINE_CONNECTING || is_going_elsewhere(l);
    if (l->state == NM_LINE_UP || (is_tried && l->n_failed == 0)) {
      return 1;
    }
  }
  return 0;
}

static void on_dial_failed(struct nm_flight *f, struct nm_line *l) {
  if (goes_elsewhere(f, l)) {
    return;
  }
  unsigned shift = l->n_failed - 1 < REDIAL_SHIFT_MAX ? l->n_failed - 1 : REDIAL_SHIFT_MAX;
  l->tried = 0;
  l->not_before = f->now + ((int64_t)REDIAL_MS << shift);
  f->failed = l;
}

/* The last that could be tried has failed: so have those that wait. */
static void give_up(struct nm_flight *f) {
  if (f->failed != NULL && !is_any_hopeful(f)) {
    nm_flight_fail_queue(f, &f->failed->sent);
  }
  f->failed = NULL;
}

/* A server that loses count of its replies, or stalls, may do better when less is asked at once. */
static void on_lost(struct nm_flight *f, const struct nm_line *l) {
  if (l->sent.error.kind == NM_KIND_PROTOCOL || l->has_stalled) {
    nm_client_distrust(f->client, l->pipelining);
  }
}

void nm_flight_on_moved(struct nm_flight *f, struct nm_line *l, enum nm_line_state before) {
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
  nm_flight_on_moved(f, l, NM_LINE_CONNECTING);
}

/* How many messages a line begins before the first is over, if all are as large as those that are here on the whole. */
static size_t taken_by_line(const struct nm_flight *f) {
  size_t all = f->n_mails + f->done.n;
  uint64_t mean = all > 0 ? f->octets / all : 0;
  uint64_t n = mean > 0 ? (NM_WINDOW_BYTES_DEFAULT - 1) / mean + 1 : f->limits.window;
  return n < f->limits.window ? (size_t)n : f->limits.window;
}

/* How many messages wait beyond those that lines will take which are being connected, or have just come up. */
static size_t unserved(const struct nm_flight *f) {
  size_t n = f->queue.n, most = taken_by_line(f);
  for (size_t i = 0; i < f->limits.lines; i++) {
    const struct nm_line *l = &f->lines[i];
    int is_free = l->state == NM_LINE_CONNECTING || (l->state == NM_LINE_UP && l->mails.n == 0);
    size_t takes = is_free ? most : 0;
    n -= takes < n ? takes : n;
  }
  return n;
}

/* must: where all rest, the one that has rested for longest is tried. */
static size_t next_to_connect(const struct nm_flight *f, int must) {
  size_t best = f->limits.lines;
  for (size_t i = 0; i < f->limits.lines; i++) {
    const struct nm_line *l = &f->lines[i];
    if (l->state == NM_LINE_DOWN && (must || l->not_before <= f->now) &&
        (best == f->limits.lines || l->not_before < f->lines[best].not_before)) {
      best = i;
    }
  }
  return best;
}

/* As many as have something to do: no more than that, also where the first is refused at once, which says nothing yet of those beside it. */
int nm_flight_connect_lines(struct nm_flight *f, int64_t turn_end) {
  give_up(f);
  size_t wanted = (unserved(f) + f->limits.window - 1) / f->limits.window;
  int moved = 0;
  while (wanted > 0 && unserved(f) > 0) {
    size_t i = next_to_connect(f, !moved && !is_any_alive(f));
    if (i == f->limits.lines) {
      break;
    }
    connect(f, i, turn_end);
    moved = 1;
    wanted -= !is_going_elsewhere(&f->lines[i]);
  }
  give_up(f);
  return moved;
}

int64_t nm_flight_next_dial(const struct nm_flight *f) {
  int64_t next = INT64_MAX;
  size_t n = unserved(f) > 0 ? f->limits.lines : 0;
  for (size_t i = 0; i < n; i++) {
    const struct nm_line *l = &f->lines[i];
    next = l->state == NM_LINE_DOWN && l->not_before < next ? l->not_before : next;
  }
  return next;
}
