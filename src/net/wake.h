#ifndef NM_NET_WAKE_H
#define NM_NET_WAKE_H

#include <stdint.h>
#include <sys/types.h>
#include "base/hidden.h"

/* What a watch (watch.h) is made of: a descriptor over many sockets and a clock. One of three, by the system: epoll with a timerfd in it
   (wake_epoll.c), a kqueue (wake_kqueue.c), or none (wake_none.c), where a loop goes by the time alone. */

#if defined(NM_WAKE_KQUEUE) || defined(NM_WAKE_NONE) /* to be tested where there is another */
#elif defined(__linux__)
#  define NM_WAKE_EPOLL
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__) ||           \
    defined(__DragonFly__)
#  define NM_WAKE_KQUEUE
#else
#  define NM_WAKE_NONE
#endif

struct nm_wake {
  int fd;
  int timer; /* of epoll's */
  pid_t pid; /* of a kqueue, which no child inherits: there the number may be another file's */
};

NM_HIDDEN_BEGIN

/* 0, or NM_EINVAL: there is none, or none to be had. */
int nm_wake_open(struct nm_wake *w);
void nm_wake_close(struct nm_wake *w);
/* Readable at each change of the socket from now on. What is wanted of it need not be said: edges, since who steps reads and writes until
   neither goes on. Again is fine. */
void nm_wake_add(const struct nm_wake *w, int socket);
/* Readable when ms are over, 0: as soon as can be; in place of the time that was set before. */
void nm_wake_at(const struct nm_wake *w, int64_t ms);
/* No time is set any more, and one that has run out is forgotten. */
void nm_wake_never(const struct nm_wake *w);
/* What has happened so far is forgotten. */
void nm_wake_drain(const struct nm_wake *w);

NM_HIDDEN_END

#endif
