#ifndef NM_SPEC_FAKE_CLOCK_H
#define NM_SPEC_FAKE_CLOCK_H

/* The clock of base/clock.h is this one in a program that includes this: it stands still until the test moves it. Others, which the tools have
   that run the program, go on. */

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FAKE_CLOCK_BEGIN 1000000

static int64_t fake_clock_ms = FAKE_CLOCK_BEGIN;

int clock_gettime(clockid_t id, struct timespec *t) {
  if (id != CLOCK_MONOTONIC) {
    return (int)syscall(SYS_clock_gettime, id, t);
  }
  t->tv_sec = (time_t)(fake_clock_ms / 1000);
  t->tv_nsec = (long)(fake_clock_ms % 1000) * 1000000;
  return 0;
}

#endif
