#include "pace.h"

#include <limits.h>

#include "base/clock.h"

void nm_pace_begin(struct nm_pace *p, int64_t timeout, int64_t deadline) {
  p->timeout = timeout;
  p->deadline = deadline;
  p->begin = p->last = nm_clock_ms();
  p->progress = 0;
  p->turn_end = 0;
}

int nm_pace_left(struct nm_pace *p, uint64_t progress) {
  int64_t now = nm_clock_ms();
  if (progress != p->progress) {
    p->progress = progress;
    p->last = now;
  }
  int64_t left = p->last + p->timeout - now;
  if (p->deadline > 0 && p->begin + p->deadline - now < left) {
    left = p->begin + p->deadline - now;
  }
  return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

void nm_pace_rest(struct nm_pace *p) {
  p->last = nm_clock_ms();
}

int nm_pace_turn_is_over(const struct nm_pace *p) {
  return p->turn_end > 0 && nm_clock_ms() >= p->turn_end;
}

static int over(const struct nm_pace *p, const char *what, const char *advice, struct nm_error *e) {
  if (p->deadline > 0 && nm_clock_ms() - p->begin >= p->deadline) {
    return nm_error_set(e, NM_ETIME, NM_KIND_TIMEOUT,
                        "the Deadline of %lld ms for the whole send is over, waiting for %s",
                        (long long)p->deadline, what);
  }
  return nm_error_set(e, NM_ETIME, NM_KIND_TIMEOUT, "waited %lld ms (Timeout) for %s%s",
                      (long long)p->timeout, what, advice);
}

int nm_pace_over(const struct nm_pace *p, const char *what, struct nm_error *e) {
  return over(p, what, "; try again later, or set a larger Timeout", e);
}

int nm_pace_over_late(const struct nm_pace *p, const char *what, struct nm_error *e) {
  return over(p, what, "", e);
}
