#ifndef NM_SPEC_FLIGHT_CASE_H
#define NM_SPEC_FLIGHT_CASE_H

/* A world of a flight (flight_world.h) for one case at a time, where nothing is left to chance. */

#include "support/flight_world.h"

#define BOTH "PIPELINING\r\n250-CHUNKING"

static inline void begin(const char *offers, size_t n) {
  world_begin(0, offers);
  world_add_letters(n);
}

static inline void plan(size_t i, struct plan p) {
  world.plans[i] = p;
  world.n_plans = i + 1 > world.n_plans ? i + 1 : world.n_plans;
}

static inline size_t count(enum nm_outcome outcome) {
  size_t n = 0;
  for (size_t i = 0; i < world.n_in; i++) {
    n += world.letters[i].sent.txn.outcome == outcome;
  }
  return n;
}

static inline int says(size_t i, const char *words) {
  return strstr(world.letters[i].sent.error.text, words) != NULL;
}

/* The books are closed, and right. */
static inline void finish(const char *row) {
  world_close_books();
  world_check(row);
  world_end_all();
}

#endif
