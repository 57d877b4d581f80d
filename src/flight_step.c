#include "flight_own.h"

#include <limits.h>
#include <poll.h>

#include "base/clock.h"
#include "pool.h"

/* Those that the line has lost come before all others, in their order. */
int nm_flight_take_results(struct nm_flight *f, struct nm_line *l) {
  struct nm_mails again = {0};
  struct nm_mail *m;
  enum nm_line_verdict verdict;
  int n = 0;
  while ((m = nm_line_take(l, f->now, &verdict)) != NULL) {
    n++;
    if (verdict == NM_LINE_OVER) {
      nm_flight_end_mail(f, m);
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

/* 1: one is over at once. Those that were begun move with the line's step. */
static int begin_mails(struct nm_flight *f, struct nm_line *l) {
  int n = 0;
  while (f->queue.first != NULL && nm_line_has_room(l, f->limits.per_line)) {
    struct nm_mail *m = nm_mails_take(&f->queue);
    if (nm_line_begin(l, m, f->now) != 0) {
      nm_flight_end_mail(f, m);
      n++;
    }
  }
  return n > 0;
}

static int step_line(struct nm_flight *f, struct nm_line *l, int64_t turn_end) {
  enum nm_line_state before = l->state;
  int moved = begin_mails(f, l);
  moved |= nm_line_step(l, turn_end);
  moved |= nm_flight_take_results(f, l);
  nm_flight_on_moved(f, l, before);
  return moved;
}

/* The parent goes on with what is on its way: sent by both, it would come twice. */
static void leave_parents(struct nm_flight *f) {
  struct nm_error why;
  if (f->ended.code == 0 && nm_flight_is_parents(f, &why) != NULL) {
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
    if (f->ended.code != 0) {
      nm_flight_fail_behind_close(f);
    }
    nm_flight_fail_late(f);
    moved = 0;
    for (size_t i = 0; i < f->limits.lines; i++) {
      if (f->lines[i].state != NM_LINE_DOWN) {
        moved |= step_line(f, &f->lines[i], turn_end);
      }
    }
    moved |= nm_flight_connect_lines(f, turn_end);
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
  int64_t now = nm_clock_ms(), due = nm_flight_next_dial(f);
  due = f->queue.due > 0 && f->queue.due < due ? f->queue.due : due;
  return due - now < ms ? (int)(due > now ? due - now : 0) : ms;
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

void nm_flight_wait(struct nm_flight *f, int ms) {
  struct nm_line *lone = lone_line(f);
  if (lone != NULL) {
    nm_line_wait(lone, ms);
    return;
  }
  struct pollfd p = {.fd = nm_client_watch(f->client), .events = POLLIN};
  int rest = nm_flight_rest(f, ms);
  (void)poll(&p, 1, rest); /* also after a signal: who waits looks again */
  nm_client_calm(f->client);
}

/* Where the system has no descriptor to tell of it, who waits looks again and again. */
#define BLIND_MS 10

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
  return ms > BLIND_MS && nm_client_watch(f->client) < 0 ? BLIND_MS : ms;
}
