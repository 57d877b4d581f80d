/* Replies, and what faults make of them. */

#include <stdarg.h>
#include <stdio.h>

#include "testing/visit_own.h"

/* Of a line without end: by then every client that has a maximum has used it. */
#define ENDLESS_OCTETS ((uint64_t)256 << 20)

int nm_visit_offers(const struct nm_visit *v, const char *keyword) {
  struct nm_str argument;
  return nm_setup_offers(&v->house->setup, keyword, &argument);
}

void nm_visit_usual(struct nm_visit *v, int code, const char *enhanced, const char *fmt, ...) {
  char text[512];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  nm_buf_reset(&v->usual);
  /* RFC 2034 3: neither in the greeting nor in the replies to EHLO and to a positive intermediate one. */
  int has_enhanced = enhanced[0] != '\0' && nm_visit_offers(v, "ENHANCEDSTATUSCODES");
  nm_buf_addf(&v->usual, "%d %s%s%s\r\n", code, has_enhanced ? enhanced : "", has_enhanced ? " " : "", text);
}

void nm_visit_finish(struct nm_visit *v, enum nm_end end, const char *how) {
  struct nm_visitor *visitor = nm_record_get(&v->house->record, v->number);
  if (v->end == NM_END_NONE) {
    v->end = end;
  }
  if (visitor != NULL && visitor->how[0] == '\0') {
    visitor->how = how;
  }
}

/* What was said before goes out now; what comes, later. */
static void hold(struct nm_visit *v, int64_t delay, int64_t drip) {
  if (!v->paces) {
    v->paces = 1;
    v->pace_at = v->out.n;
    v->pace_next = v->now;
  }
  v->pace_next += delay;
  v->drip = drip;
}

void nm_visit_act(struct nm_visit *v, const struct nm_fault *f, struct nm_str reply, struct nm_str inject) {
  if (f->silent) {
    v->stage = NM_STAGE_DEAF;
    return;
  }
  if (f->delay > 0 || f->drip > 0) {
    hold(v, f->delay, f->drip);
  }
  if (f->delay > 0 && reply.n + inject.n == 0) {
    v->pause = v->now + f->delay;
  }
  if (f->endless == NM_ENDLESS_LINE && reply.n > 4) {
    /* The line that is to have no end begins as the reply does. */
    reply = nm_str(reply.p, 4);
  } else if (f->endless == NM_ENDLESS_LINES) {
    reply = nm_str(NULL, 0);
  }
  nm_buf_add_str(&v->out, reply);
  nm_buf_add_str(&v->out, inject);
  v->endless = f->endless;
  v->endless_left = ENDLESS_OCTETS;
  v->stalls = f->stall;
  if (f->end != NM_END_NONE) {
    nm_visit_finish(v, f->end, "dropped");
  }
}

/* RFC 5321 3.8: who says 421 closes the line. */
static void end_by_421(struct nm_visit *v, struct nm_str reply) {
  if (reply.n >= 3 && memcmp(reply.p, "421", 3) == 0) {
    nm_visit_finish(v, NM_END_CLOSE, "dropped");
  }
}

int nm_visit_answer(struct nm_visit *v, const char *place, struct nm_str argument) {
  struct nm_str usual = nm_buf_str(&v->usual);
  const struct nm_fault *f = nm_faults_find(&v->house->faults, place, argument, v->number);
  if (f == NULL) {
    nm_buf_add_str(&v->out, usual);
    end_by_421(v, usual);
    return 1;
  }
  struct nm_str reply = f->say == NM_SAY_TEXT    ? nm_buf_str(&f->reply)
                        : f->say == NM_SAY_USUAL ? usual
                                                 : nm_str("", 0);
  nm_visit_act(v, f, reply, nm_buf_str(&f->inject));
  end_by_421(v, f->say == NM_SAY_TEXT && !f->silent ? reply : nm_str("", 0));
  /* A reply of another sort denies what was asked for. When none is given, the client is left to guess: what it asked for happens. */
  return f->silent || reply.n == 0 || (usual.n > 0 && reply.p[0] == usual.p[0]);
}
