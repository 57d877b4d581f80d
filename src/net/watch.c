#include "net/watch.h"

#include <unistd.h>

#ifdef __linux__

#  include <stdint.h>
#  include <sys/epoll.h>
#  include <sys/timerfd.h>
#  include "base/clock.h"

#  define EVENTS 16

static int open_both(struct nm_watch *w) {
  struct epoll_event e = {.events = EPOLLIN};
  w->fd = epoll_create1(EPOLL_CLOEXEC);
  w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return w->fd >= 0 && w->timer >= 0 && epoll_ctl(w->fd, EPOLL_CTL_ADD, w->timer, &e) == 0;
}

int nm_watch_fd(struct nm_watch *w) {
  if (!w->is_open) {
    w->is_open = 1;
    if (!open_both(w)) {
      nm_watch_close(w);
    }
  }
  return w->is_open ? w->fd : -1;
}

void nm_watch_close(struct nm_watch *w) {
  if (w->is_open && w->fd >= 0) {
    (void)close(w->fd);
  }
  if (w->is_open && w->timer >= 0) {
    (void)close(w->timer);
  }
  *w = (struct nm_watch){0};
}

/* Edges: what is wanted need not be said, since who steps reads and writes until neither goes on. */
void nm_watch_add(struct nm_watch *w, int socket) {
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
  if (w->is_open) {
    (void)epoll_ctl(w->fd, EPOLL_CTL_ADD, socket, &e); /* EEXIST: it is there */
  }
}

static void set_timer(const struct nm_watch *w, int64_t ms) {
  struct itimerspec at = {
      .it_value = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = ms > 0 ? (long)(ms % 1000) * 1000000L : 1}};
  (void)timerfd_settime(w->timer, 0, &at, NULL);
}

void nm_watch_calm(struct nm_watch *w) {
  struct epoll_event events[EVENTS];
  if (w->is_armed) { /* one that has run out would be there for ever */
    struct itimerspec never = {0};
    (void)timerfd_settime(w->timer, 0, &never, NULL);
    w->is_armed = 0;
  }
  while (w->is_open && epoll_wait(w->fd, events, EVENTS, 0) == EVENTS) {
  }
}

void nm_watch_arm(struct nm_watch *w, int ms) {
  if (!w->is_open || ms < 0) {
    return;
  }
  int64_t due = nm_clock_ms() + ms;
  if (!w->is_armed || due < w->due) {
    set_timer(w, ms);
    w->is_armed = 1;
    w->due = due;
  }
}

#else

int nm_watch_fd(struct nm_watch *w) {
  (void)w;
  return -1;
}

void nm_watch_close(struct nm_watch *w) {
  *w = (struct nm_watch){0};
}

void nm_watch_add(struct nm_watch *w, int socket) {
  (void)w;
  (void)socket;
}

void nm_watch_calm(struct nm_watch *w) {
  (void)w;
}

void nm_watch_arm(struct nm_watch *w, int ms) {
  (void)w;
  (void)ms;
}

#endif
