#include "net/wake.h"

#ifdef NM_WAKE_NONE

#  include "base/error.h"

int nm_wake_open(struct nm_wake *w) {
  w->fd = w->timer = -1;
  return NM_EINVAL;
}

void nm_wake_close(struct nm_wake *w) {
  (void)w;
}

void nm_wake_add(const struct nm_wake *w, int socket) {
  (void)w;
  (void)socket;
}

void nm_wake_at(const struct nm_wake *w, int64_t ms) {
  (void)w;
  (void)ms;
}

void nm_wake_never(const struct nm_wake *w) {
  (void)w;
}

void nm_wake_drain(const struct nm_wake *w) {
  (void)w;
}

#else
typedef int nm_wake_is_there; /* ISO C wants a translation unit to have something in it */
#endif
