#include "support/ctest.h"

#include "base/random.h"

static void fills_all_of_it_and_no_more(void) {
  unsigned char seen[64] = {0};
  for (int i = 0; i < 64; i++) {
    unsigned char b[64] = {0};
    CHECK(nm_random(b + 8, 48) == 0);
    for (size_t k = 0; k < sizeof b; k++) {
      seen[k] |= b[k];
    }
  }
  for (size_t k = 0; k < sizeof seen; k++) {
    CHECK(k < 8 || k >= 56 ? seen[k] == 0 : seen[k] != 0);
  }
}

/* More than the kernel hands out in one call. */
static void fills_a_megabyte_to_the_end(void) {
  size_t n = 1 << 20;
  unsigned char *p = calloc(1, n);
  CHECK(nm_random(p, n) == 0);
  for (size_t from = 0; from < n; from += 4096) {
    int zeros = 0;
    for (size_t i = 0; i < 4096; i++) {
      zeros += p[from + i] == 0;
    }
    CHECK(zeros < 200); /* 16 are to be expected */
  }
  free(p);
}

static void never_says_the_same_twice(void) {
  unsigned char a[16], b[16];
  CHECK(nm_random(a, sizeof a) == 0 && nm_random(b, sizeof b) == 0);
  CHECK(memcmp(a, b, sizeof a) != 0);
  CHECK(nm_random(a, 0) == 0);
}

int main(void) {
  RUN(fills_all_of_it_and_no_more);
  RUN(fills_a_megabyte_to_the_end);
  RUN(never_says_the_same_twice);
  return ctest_end();
}
