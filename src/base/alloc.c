#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef NM_TEST_ALLOC
/* The test server has a thread. */
static _Atomic long fail_at;
static _Atomic long live;

void nm_test_alloc_fail_at(long n) {
  fail_at = n;
}

long nm_test_alloc_live(void) {
  return live;
}

static int fails_now(void) {
  return fail_at > 0 && --fail_at == 0;
}

static void count(long change) {
  live += change;
}
#else
static int fails_now(void) {
  return 0;
}

static void count(long change) {
  (void)change;
}
#endif

void *nm_alloc(size_t n) {
  return nm_realloc(NULL, n);
}

void *nm_zalloc(size_t n) {
  void *p = nm_alloc(n);
  if (p != NULL) {
    memset(p, 0, n);
  }
  return p;
}

/* Not inlined, or gcc makes calloc of nm_zalloc, and that of glibc before 2.41 does not look among the blocks it keeps at hand. */
__attribute__((noinline)) void *nm_realloc(void *p, size_t n) {
  if (n == 0 || fails_now()) {
    return NULL;
  }
  void *q = realloc(p, n);
  if (q != NULL && p == NULL) {
    count(1);
  }
  return q;
}

void *nm_realloc_array(void *p, size_t n, size_t size) {
  return size != 0 && n > SIZE_MAX / size ? NULL : nm_realloc(p, n * size);
}

void nm_free(void *p) {
  if (p != NULL) {
    count(-1);
    free(p);
  }
}

void nm_wipe(void *p, size_t n) {
  volatile unsigned char *v = p;
  while (n-- > 0) {
    *v++ = 0;
  }
}
