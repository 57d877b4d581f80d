#ifndef NM_SPEC_KQUEUE_H
#define NM_SPEC_KQUEUE_H

/* A likeness of kqueue over epoll and timerfd: sockets by edges, and one timer, as wake_kqueue.c uses them, with what the stricter of its systems
   refuse. */

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_TIMER (-7)
#define EV_ADD 0x01
#define EV_DELETE 0x02
#define EV_ONESHOT 0x10
#define EV_CLEAR 0x20

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned fflags;
  intptr_t data;
  void *udata;
};

#define EV_SET(e, i, f, fl, ff, d, u)                                                                        \
  (*(e) = (struct kevent){(i), (f), (fl), (ff), (d), (void *)(uintptr_t)(u)})

/* By their descriptors: the timer's that is set and was not told of; 0: none. */
#define KQUEUES_MAX 1024
static int kqueue_timers[KQUEUES_MAX];

static inline int kqueue(void) {
  int kq = epoll_create1(0);
  if (kq >= KQUEUES_MAX) {
    (void)close(kq);
    return -1;
  }
  if (kq >= 0) { /* of one that was closed nobody has told us */
    kqueue_timers[kq] = 0;
  }
  return kq;
}

static inline int kqueue_set_timer(int kq, const struct kevent *c) {
  int *timer = &kqueue_timers[kq];
  if ((c->flags & EV_DELETE) != 0) {
    int was = *timer;
    *timer = 0;
    errno = ENOENT;
    return was > 0 ? close(was) : -1;
  }
  struct itimerspec at = {.it_value = {.tv_sec = c->data / 1000, .tv_nsec = c->data % 1000 * 1000000}};
  struct epoll_event e = {.events = EPOLLIN, .data = {.fd = -1}};
  if (*timer > 0 || c->data <= 0) { /* on the stricter systems */
    errno = EINVAL;
    return -1;
  }
  *timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  return timerfd_settime(*timer, 0, &at, NULL) == 0 ? epoll_ctl(kq, EPOLL_CTL_ADD, *timer, &e) : -1;
}

/* Both filters of a socket are one registration: the first brings both. */
static inline int kqueue_change(int kq, const struct kevent *c) {
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.fd = (int)c->ident}};
  if (c->filter == EVFILT_TIMER) {
    return kqueue_set_timer(kq, c);
  }
  if ((c->flags & (EV_ADD | EV_CLEAR)) != (EV_ADD | EV_CLEAR)) {
    errno = EINVAL;
    return -1;
  }
  return epoll_ctl(kq, EPOLL_CTL_ADD, (int)c->ident, &e) == 0 || errno == EEXIST ? 0 : -1;
}

static inline int kevent(int kq, const struct kevent *changes, int n, struct kevent *out, int max,
                         const struct timespec *timeout) {
  for (int i = 0; i < n; i++) {
    if (kqueue_change(kq, &changes[i]) != 0) {
      return -1;
    }
  }
  struct epoll_event events[16];
  int got =
      max > 0 ? epoll_wait(kq, events, max < 16 ? max : 16, timeout != NULL ? (int)timeout->tv_sec : -1) : 0;
  for (int i = 0; i < got; i++) {
    int is_timer = events[i].data.fd < 0;
    EV_SET(&out[i], (uintptr_t)events[i].data.fd, is_timer ? EVFILT_TIMER : EVFILT_READ, 0, 0, 0, 0);
    if (is_timer) { /* once */
      (void)close(kqueue_timers[kq]);
      kqueue_timers[kq] = 0;
    }
  }
  return got;
}

#endif
