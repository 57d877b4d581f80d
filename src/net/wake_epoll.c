#include "net/wake.h"

#ifdef NM_WAKE_EPOLL

#  include <sys/epoll.h>
#  include <sys/timerfd.h>
#  include <unistd.h>

#  include "base/error.h"

#  define EVENTS 16

int nm_wake_open(struct nm_wake *w) {
  struct epoll_event e = {.events = EPOLLIN};
  w->fd = epoll_create1(EPOLL_CLOEXEC);
  w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (w->fd >= 0 && w->timer >= 0 && epoll_ctl(w->fd, EPOLL_CTL_ADD, w->timer, &e) == 0) {
    return 0;
  }
  nm_wake_close(w);
  return NM_EINVAL;
}

void nm_wake_close(struct nm_wake *w) {
  if (w->fd >= 0) {
    (void)close(w->fd);
  }
  if (w->timer >= 0) {
    (void)close(w->timer);
  }
  w->fd = w->timer = -1;
}

void nm_wake_add(const struct nm_wake *w, int socket) {
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
  (void)epoll_ctl(w->fd, EPOLL_CTL_ADD, socket, &e); /* EEXIST: it is there */
}

void nm_wake_at(const struct nm_wake *w, int64_t ms) {
  struct itimerspec at = {
      .it_value = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = ms > 0 ? (long)(ms % 1000) * 1000000L : 1}};
  (void)timerfd_settime(w->timer, 0, &at, NULL);
}

/* One that has run out would be there for ever: nobody reads it. */
void nm_wake_never(const struct nm_wake *w) {
  struct itimerspec never = {0};
  (void)timerfd_settime(w->timer, 0, &never, NULL);
}

void nm_wake_drain(const struct nm_wake *w) {
  struct epoll_event events[EVENTS];
  while (epoll_wait(w->fd, events, EVENTS, 0) == EVENTS) {
  }
}

#else
typedef int nm_wake_is_not_epoll; /* ISO C wants a translation unit to have something in it */
#endif
