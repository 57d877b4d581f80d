#include "net/wake.h"

#ifdef NM_WAKE_KQUEUE

#  include <sys/types.h>

#  include <fcntl.h>
#  include <sys/event.h>
#  include <sys/time.h>
#  include <unistd.h>

#  include "base/error.h"

#  define EVENTS 16
/* Of the one timer there is. */
#  define TIMER 1

int nm_wake_open(struct nm_wake *w) {
  w->fd = kqueue();
  w->timer = -1;
  w->pid = getpid();
  if (w->fd < 0) {
    return NM_EINVAL;
  }
  (void)fcntl(w->fd, F_SETFD, FD_CLOEXEC);
  return 0;
}

void nm_wake_close(struct nm_wake *w) {
  if (w->fd >= 0 && w->pid == getpid()) {
    (void)close(w->fd);
  }
  w->fd = -1;
}

/* What cannot be changed is as it should be: a timer that has run out is gone, a socket may be closed already. */
static void change(const struct nm_wake *w, uintptr_t ident, int filter, int flags, int64_t ms) {
  struct kevent e;
  EV_SET(&e, ident, (short)filter, (unsigned short)flags, 0, (int)ms, 0);
  (void)kevent(w->fd, &e, 1, NULL, 0, NULL);
}

/* EV_CLEAR: edges. */
void nm_wake_add(const struct nm_wake *w, int socket) {
  change(w, (uintptr_t)socket, EVFILT_READ, EV_ADD | EV_CLEAR, 0);
  change(w, (uintptr_t)socket, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0);
}

/* A timer that is added again begins anew on some of these systems, and on others goes on. Its unit is the millisecond where none is named;
   0 of them is refused, or never over, on some. */
void nm_wake_at(const struct nm_wake *w, int64_t ms) {
  change(w, TIMER, EVFILT_TIMER, EV_DELETE, 0);
  change(w, TIMER, EVFILT_TIMER, EV_ADD | EV_ONESHOT, ms > 0 ? ms : 1);
}

void nm_wake_never(const struct nm_wake *w) {
  change(w, TIMER, EVFILT_TIMER, EV_DELETE, 0);
}

void nm_wake_drain(const struct nm_wake *w) {
  struct kevent events[EVENTS];
  struct timespec now = {0};
  while (kevent(w->fd, NULL, 0, events, EVENTS, &now) == EVENTS) {
  }
}

#else
typedef int nm_wake_is_not_kqueue; /* ISO C wants a translation unit to have something in it */
#endif
