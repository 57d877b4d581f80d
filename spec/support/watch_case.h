#ifndef NM_SPEC_WATCH_CASE_H
#define NM_SPEC_WATCH_CASE_H

/* What is asked of a watch (net/watch.h), whatever it is made of. */

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/watch.h"
#include "support/ctest.h"

static inline int is_readable(int fd, int ms) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, ms) == 1;
}

#define PATIENCE 30000

/* It is readable when ms are over since the time from, and not before. */
static inline int rings(int fd, int64_t from, int ms) {
  return (!is_readable(fd, 0) || nm_clock_ms() - from >= ms) && is_readable(fd, PATIENCE);
}

static inline void tells_of_sockets_and_of_time(void) {
  struct nm_watch w = {0};
  int pair[2];
  char byte;
  int fd = nm_watch_fd(&w);
  CHECK(fd >= 0 && nm_watch_fd(&w) == fd && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  nm_watch_add(&w, pair[0]);
  nm_watch_add(&w, pair[0]);        /* again is fine */
  CHECK(is_readable(fd, PATIENCE)); /* it may be written to */
  nm_watch_calm(&w);
  CHECK(!is_readable(fd, 0));
  CHECK(write(pair[1], "x", 1) == 1 && is_readable(fd, PATIENCE));
  nm_watch_calm(&w);
  CHECK(!is_readable(fd, 0)); /* though nobody has read it: who steps has */
  CHECK(read(pair[0], &byte, 1) == 1);
  CHECK(write(pair[1], "y", 1) == 1);
  nm_watch_arm(&w, -1);
  CHECK(is_readable(fd, PATIENCE)); /* the time that is set forgets nothing */
  nm_watch_calm(&w);
  int64_t from = nm_clock_ms();
  nm_watch_arm(&w, 20);
  CHECK(rings(fd, from, 20));
  nm_watch_arm(&w, 0);
  CHECK(is_readable(fd, PATIENCE));
  nm_watch_calm(&w);
  from = nm_clock_ms();
  nm_watch_arm(&w, 20); /* the soonest counts, whoever asked last */
  nm_watch_arm(&w, 60000);
  nm_watch_arm(&w, -1);
  CHECK(rings(fd, from, 20));
  nm_watch_calm(&w);
  from = nm_clock_ms();
  nm_watch_arm(&w, 60000);
  nm_watch_arm(&w, 20);
  CHECK(rings(fd, from, 20));
  nm_watch_calm(&w);
  CHECK(!is_readable(fd, 30));
  close(pair[1]);
  CHECK(is_readable(fd, PATIENCE)); /* the end is something, too */
  close(pair[0]);
  nm_watch_close(&w);
  nm_watch_close(&w);
  nm_watch_add(&w, 0); /* nothing to add to */
  nm_watch_calm(&w);
  CHECK(!w.is_open);
}

#endif
