#ifndef NM_SPEC_MISSES_H
#define NM_SPEC_MISSES_H

/* Vectors of others where ours differs, and why. A difference that is gone is as much a failure as a new one. */

#include "support/ctest.h"

struct miss {
  int row; /* from 1 */
  const char *why;
};

struct tally {
  const char *name;
  const struct miss *misses; /* ends with row 0 */
  int rows, same, known;
};

static inline void tally_add(struct tally *t, int same, const char *text) {
  const struct miss *m = t->misses;
  t->rows++;
  while (m->row != 0 && m->row != t->rows) {
    m++;
  }
  int is_known = m->row != 0;
  if (same == is_known) {
    printf("%s, row %d: %s\n", t->name, t->rows, text);
  }
  CHECK_ROW(same != is_known, is_known ? "is no difference any more" : "is not what they say");
  t->same += same;
  t->known += !same;
}

static inline void tally_end(const struct tally *t, int rows) {
  CHECK(t->rows == rows);
  printf("%s: %d of %d as they say, %d known differences\n", t->name, t->same, t->rows, t->known);
}

#endif
