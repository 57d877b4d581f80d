#ifndef NM_BASE_CLOCK_H
#define NM_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock, for waiting; never a date. Not for the engine, which knows no clock. */
static inline int64_t nm_clock_ms(void) {
  struct timespec t = {0};
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
