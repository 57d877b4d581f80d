#ifndef NM_SPEC_CTEST_H
#define NM_SPEC_CTEST_H

/* The few lines a C test needs. A test program is: #include this, functions, and
     int main(void) { RUN(first); RUN(second); return ctest_end(); }
   It prints a line for each failure and, last, "N passed, N failed, N skipped" (one RUN is one test). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ctest_passed, ctest_failed, ctest_skipped, ctest_bad;

#define CHECK(cond)                                                                                          \
  do {                                                                                                       \
    if (!(cond)) {                                                                                           \
      ctest_bad++;                                                                                           \
      printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #cond);                                              \
    }                                                                                                        \
  } while (0)

/* With a note that says which row of a table it was. */
#define CHECK_ROW(cond, row)                                                                                 \
  do {                                                                                                       \
    if (!(cond)) {                                                                                           \
      ctest_bad++;                                                                                           \
      printf("%s:%d: failed: %s (row: %s)\n", __FILE__, __LINE__, #cond, (row));                             \
    }                                                                                                        \
  } while (0)

#define RUN(test)                                                                                            \
  do {                                                                                                       \
    int before_ = ctest_bad, skipped_ = ctest_skipped;                                                       \
    test();                                                                                                  \
    if (ctest_bad != before_) {                                                                              \
      ctest_failed++;                                                                                        \
      printf("FAIL %s\n", #test);                                                                            \
    } else if (ctest_skipped == skipped_) {                                                                  \
      ctest_passed++;                                                                                        \
    }                                                                                                        \
  } while (0)

/* Ends the running test as skipped, with the reason. */
#define SKIP(reason)                                                                                         \
  do {                                                                                                       \
    ctest_skipped++;                                                                                         \
    printf("SKIP %s: %s\n", __func__, (reason));                                                             \
    return;                                                                                                  \
  } while (0)

static inline int ctest_end(void) {
  printf("%d passed, %d failed, %d skipped\n", ctest_passed, ctest_failed, ctest_skipped);
  return ctest_failed == 0 ? 0 : 1;
}

#endif
