#include "net/watch.h"

#include "base/clock.h"

int nm_watch_fd(struct nm_watch *w) {
  if (!w->is_open) {
    w->is_open = nm_wake_open(&w->wake) == 0;
  }
  return w->is_open ? w->wake.fd : -1;
}

void nm_watch_close(struct nm_watch *w) {
  if (w->is_open) {
    nm_wake_close(&w->wake);
  }
  *w = (struct nm_watch){0};
}

void nm_watch_add(struct nm_watch *w, int socket) {
  if (w->is_open) {
    nm_wake_add(&w->wake, socket);
  }
}

void nm_watch_calm(struct nm_watch *w) {
  if (w->is_armed) {
    nm_wake_never(&w->wake);
    w->is_armed = 0;
  }
  if (w->is_open) {
    nm_wake_drain(&w->wake);
  }
}

void nm_watch_arm(struct nm_watch *w, int ms) {
  if (!w->is_open || ms < 0) {
    return;
  }
  int64_t due = nm_clock_ms() + ms;
  if (!w->is_armed || due < w->due) {
    nm_wake_at(&w->wake, ms);
    w->is_armed = 1;
    w->due = due;
  }
}
