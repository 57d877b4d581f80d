#include "line.h"

#include <limits.h>

#include "base/clock.h"
#include "kept.h"
#include "mime/pieces.h"
#include "pump.h"

/* ---- to be connected ---- */

static void go_down(struct nm_line *l) {
  if (l->state == NM_LINE_UP) {
    l->sent.error = *nm_session_error(l->client->session);
  }
  nm_kept_drop(l->client);
  l->state = NM_LINE_DOWN;
  l->need = NM_NEED_NOTHING;
}

static void connected(struct nm_line *l, int err) {
  if (err == NM_AGAIN) {
    l->need = l->connecting.need;
  } else if (err == 0) {
    l->state = NM_LINE_UP;
    l->is_fresh = l->connecting.fresh;
    l->n_begun = l->n_heard = 0;
    l->has_culprit = l->has_stalled = 0;
    l->n_failed = 0;
  } else {
    l->state = NM_LINE_DOWN;
    l->n_failed++;
  }
}

void nm_line_connect(struct nm_line *l, struct nm_client *c, int64_t turn_end) {
  nm_sent_renew(&l->sent);
  l->client = c;
  l->state = NM_LINE_CONNECTING;
  l->need = NM_NEED_NOTHING;
  nm_pace_begin(&l->pace, c->timeout, 0);
  l->pace.turn_end = turn_end;
  connected(l, nm_connect_begin(&l->connecting, c, &l->pace, &l->sent));
}

void nm_line_pipeline(struct nm_line *l, enum nm_pipelining mode, size_t window) {
  struct nm_session *s = l->client->session;
  mode = l->client->is_lmtp && mode == NM_PIPELINING_FULL ? NM_PIPELINING_ENVELOPE : mode;
  /* Without memory for a window the session goes on as before, one message after another. */
  l->pipelining = mode;
  if (nm_session_pipelining(s, mode) == 0) {
    (void)nm_session_window(s, window, NM_WINDOW_BYTES_DEFAULT);
  }
}

/* ---- in use ---- */

static struct nm_io *io_of(const struct nm_line *l) {
  return l->client->api->conn_io(l->client->conn);
}

/* Of those behind the oldest the ones that have yet to say their first word are never begun. The others stay: to end the line for them would
   make unknown what stands before them. */
static void withdraw_late(struct nm_line *l, int64_t now) {
  size_t i = 0;
  for (const struct nm_mail *m = l->mails.first; m != NULL; m = m->next, i++) {
    struct nm_error over;
    if (i > 0 && m->deadline > 0 && now >= m->deadline) {
      nm_session_withdraw(l->client->session, i, nm_mail_too_late(m, &over));
    }
  }
  nm_mails_look_ahead(&l->mails, now);
}

/* DESIGN.md 3.6. The oldest on the line is the one that is waited for. */
static int end_late(struct nm_line *l) {
  const struct nm_mail *m = l->mails.first;
  struct nm_error over;
  if (m == NULL || (m->deadline == 0 && l->mails.due == 0)) {
    return 0;
  }
  int64_t now = nm_clock_ms();
  if (m->deadline > 0 && now >= m->deadline) {
    nm_session_lost(l->client->session, nm_mail_too_late(m, &over));
    return 1;
  }
  if (nm_mails_may_be_late(&l->mails, now)) {
    withdraw_late(l, now);
  }
  return 0;
}

static int pump(struct nm_line *l) {
  struct nm_session *s = l->client->session;
  if (!nm_pump_runs(s)) {
    return 0;
  }
  int moved = nm_pump(s, io_of(l));
  if (!nm_pump_runs(s)) {
    return 1;
  }
  int is_waiting = (nm_session_want(s) & NM_WANT_CONTENT) != 0;
  if (end_late(l)) {
    return 1;
  }
  if (nm_pace_left(&l->pace, nm_session_progress(s)) == 0) {
    l->has_stalled = !is_waiting;
    nm_pump_out_of_time(l->client->session, &l->pace, is_waiting ? "the content" : "the server's words");
    return 1;
  }
  l->need = is_waiting ? NM_NEED_CONTENT : moved ? NM_NEED_TURN : NM_NEED_LINE;
  return moved;
}

int nm_line_step(struct nm_line *l, int64_t turn_end) {
  if (l->need == NM_NEED_SECRET || l->need == NM_NEED_CRYPTO || l->need == NM_NEED_CONTENT) {
    return 0; /* nothing moves before it is there */
  }
  l->need = NM_NEED_NOTHING;
  l->pace.turn_end = turn_end;
  if (l->state == NM_LINE_UP) {
    return pump(l);
  }
  if (l->state == NM_LINE_CONNECTING) {
    connected(l, nm_connect_step(&l->connecting));
    return l->state != NM_LINE_CONNECTING;
  }
  return 0;
}

static int is_used_up(const struct nm_line *l, size_t per_line) {
  return nm_session_is_spent(l->client->session) || nm_kept_is_old(l->client, l->mails.n == 0) ||
         (per_line > 0 && l->n_begun >= per_line);
}

/* DESIGN.md 3.3: polled before it is used again. One that has not rested at all was looked at behind the last reply, where the
   next content may go blind (pump.c). */
static int has_died(const struct nm_line *l) {
  struct nm_client *c = l->client;
  return nm_clock_ms() > c->rests_since && c->api->conn_readable(c->conn);
}

/* Outside of mode FULL the next one takes the place of a result that still waits. */
static int is_ready(const struct nm_session *s) {
  return nm_session_may_begin(s) && (nm_session_mode(s) == NM_PIPELINING_FULL || nm_session_results(s) == 0);
}

int nm_line_has_room(struct nm_line *l, size_t per_line) {
  if (l->state != NM_LINE_UP) {
    return 0;
  }
  if (l->mails.n == 0 && (is_used_up(l, per_line) || has_died(l))) {
    nm_line_hang_up(l);
    return 0;
  }
  return !is_used_up(l, per_line) && is_ready(l->client->session);
}

int nm_line_begin(struct nm_line *l, struct nm_mail *m, int64_t now) {
  struct nm_client *c = l->client;
  int is_first = l->is_fresh && l->n_begun == 0;
  m->caps = nm_session_caps(c->session)->flags;
  m->has_caps = 1;
  if (nm_split_next(&m->split, nm_session_caps(c->session)) != 1) {
    return NM_ELIMIT;
  }
  m->split.part.is_idle = l->mails.n == 0 && !is_first && now - c->rests_since > NM_REST_SHORT_MS;
  m->split.part.is_lmtp = c->is_lmtp;
  m->split.part.is_tls = c->is_secure;
  m->out->spent[NM_PHASE_CONNECT] += now - m->since;
  m->since = now;
  m->is_begun = 1;
  nm_place_copy(&m->out->place, &l->sent.place);
  if (is_first) {
    m->out->dial = l->sent.dial;
  }
  if (l->mails.n == 0) {
    nm_pace_rest(&l->pace);
  }
  l->n_begun++;
  /* What cannot be begun is a result too, and the session as good as before. */
  (void)nm_session_begin(c->session, &m->split.part, m->content);
  nm_mails_add(&l->mails, m);
  return 0;
}

/* ---- what became of it ---- */

/* So often may a message be begun in vain through no fault of its own. */
#define LOST_MAX 3

/* The connection has ended, and not for the message's sake. 421 is said by a server that goes (RFC 5321 3.8); those behind the one that
   heard it have no reply of their own. */
static int is_lines_fault(const struct nm_line *l, const struct nm_txn_result *r) {
  if (nm_session_state(l->client->session) != NM_SESSION_CLOSED || r->outcome != NM_OUTCOME_NOT_SENT) {
    return 0;
  }
  return r->error.kind == NM_KIND_CONNECT || r->error.kind == NM_KIND_TIMEOUT ||
         r->error.kind == NM_KIND_PROTOCOL ||
         (r->error.code == NM_EREJECT && (r->reply.code == 421 || r->reply.code == 0));
}

/* Nobody has it, and a new line may do. Of those that are lost together the first is the one at which it happened: it goes again when the
   line had served before, so that the server may just have had enough of it; others never had their turn. */
static int may_go_again(const struct nm_line *l, const struct nm_mail *m, const struct nm_txn_result *r,
                        int is_culprit) {
  if (m->n_lost >= LOST_MAX || !is_lines_fault(l, r)) {
    return 0;
  }
  return !is_culprit || (r->error.kind != NM_KIND_TIMEOUT && (l->n_heard > 0 || !l->is_fresh));
}

/* Also one whose content failed, and cut the line under those behind it. What could not be begun has done nothing to it. */
static int may_have_ended(const struct nm_line *l, const struct nm_txn_result *r) {
  int is_cut = nm_session_state(l->client->session) == NM_SESSION_CLOSED && r->command != NULL &&
               r->outcome == NM_OUTCOME_NOT_SENT;
  return is_cut || is_lines_fault(l, r) || r->outcome == NM_OUTCOME_UNKNOWN;
}

static enum nm_line_verdict judge(struct nm_line *l, struct nm_mail *m, struct nm_txn_result *r) {
  int is_culprit = !l->has_culprit && may_have_ended(l, r);
  l->has_culprit |= is_culprit;
  if (may_go_again(l, m, r, is_culprit) && nm_source_rewind(m->content) == 0) {
    m->n_lost++;
    nm_txn_result_free(r);
    return NM_LINE_AGAIN;
  }
  l->n_heard += r->reply.code != 0;
  return nm_mail_add(m, r) ? NM_LINE_REST : NM_LINE_OVER;
}

struct nm_mail *nm_line_take(struct nm_line *l, int64_t now, enum nm_line_verdict *verdict_out) {
  struct nm_session *s = l->client != NULL ? l->client->session : NULL;
  if (l->state != NM_LINE_UP) {
    return NULL;
  }
  if (nm_session_results(s) > 0) {
    struct nm_mail *m = nm_mails_take(&l->mails);
    struct nm_txn_result r;
    nm_session_take_result(s, &r);
    m->out->spent[NM_PHASE_REPLY] += now - m->since;
    m->since = l->client->rests_since = now;
    *verdict_out = judge(l, m, &r);
    return m;
  }
  if (nm_session_state(s) == NM_SESSION_CLOSED) {
    go_down(l);
  }
  return NULL;
}

/* ---- what it waits for ---- */

struct nm_source *nm_line_content(const struct nm_line *l) {
  for (const struct nm_mail *m = l->mails.first; m != NULL; m = m->next) {
    if (nm_pieces_waiting(m->content) != NULL) {
      return m->content;
    }
  }
  return NULL;
}

/* As a lone send does (send.c), but for the rest, in which others may go on; what comes behind the Deadline is not handed over any more. */
static void resume_content(struct nm_line *l) {
  struct nm_session *s = l->client->session;
  if (end_late(l)) {
    return;
  }
  if (nm_line_content(l) == NULL) {
    l->n_idle = 0;
    l->asks_at = 0;
    nm_pace_rest(&l->pace);
  } else if (l->n_idle < NM_IDLE_FREE) {
    l->n_idle++;
  } else {
    l->asks_at = nm_clock_ms() + NM_IDLE_REST_MS;
  }
  if (nm_pace_left(&l->pace, nm_session_progress(s)) == 0) {
    nm_pump_out_of_time(l->client->session, &l->pace, "the content");
  }
}

void nm_line_resume(struct nm_line *l) {
  enum nm_need need = l->need;
  l->need = NM_NEED_NOTHING;
  if (need == NM_NEED_CONTENT && l->state == NM_LINE_UP) {
    resume_content(l);
  }
}

static int least(int a, int64_t b) {
  return b < a ? (b > 0 ? (int)b : 0) : a;
}

int nm_line_left(struct nm_line *l) {
  if (l->state == NM_LINE_CONNECTING) {
    return l->client->conn != NULL ? nm_connect_left(&l->connecting) : 0;
  }
  if (l->state != NM_LINE_UP || !nm_pump_runs(l->client->session)) {
    return INT_MAX;
  }
  int left = nm_pace_left(&l->pace, nm_session_progress(l->client->session));
  if (l->need == NM_NEED_CONTENT) {
    left = least(left, l->asks_at - nm_clock_ms());
  }
  const struct nm_mail *m = l->mails.first;
  left = m != NULL && m->deadline > 0 ? least(left, m->deadline - nm_clock_ms()) : left;
  return l->mails.due > 0 ? least(left, l->mails.due - nm_clock_ms()) : left;
}

void nm_line_wait(struct nm_line *l, int ms) {
  if (l->state == NM_LINE_CONNECTING) {
    nm_connect_wait(&l->connecting, ms);
  } else if (l->state == NM_LINE_UP) {
    nm_pump_wait(l->client->session, io_of(l), least(ms, nm_line_left(l)));
  }
}

/* ---- the end ---- */

void nm_line_refuse(struct nm_line *l, const struct nm_error *why) {
  nm_connect_cancel(&l->connecting, 1);
  l->sent.error = *why;
  l->need = NM_NEED_NOTHING;
}

void nm_line_cancel(struct nm_line *l, const struct nm_error *why) {
  if (l->state == NM_LINE_CONNECTING) {
    nm_connect_cancel(&l->connecting, why != NULL);
    go_down(l);
  } else if (l->state == NM_LINE_UP && l->mails.n > 0) {
    nm_session_lost(l->client->session, why);
  }
}

void nm_line_hang_up(struct nm_line *l) {
  nm_kept_hang_up(l->client);
  l->state = NM_LINE_DOWN;
  l->need = NM_NEED_NOTHING;
}

void nm_line_free(struct nm_line *l) {
  nm_sent_free(&l->sent);
  *l = (struct nm_line){0};
}
