#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef NM_TEST_ALLOC
#  include <malloc.h>

/* The test server has a thread. */
static _Atomic long fail_at;
static _Atomic long live;
static _Atomic long octets;

void nm_test_alloc_fail_at(long n) {
  fail_at = n;
}

long nm_test_alloc_live(void) {
  return live;
}

long nm_test_alloc_octets(void) {
  return octets;
}

static int fails_now(void) {
  return fail_at > 0 && --fail_at == 0;
}

static size_t size_of(void *p) {
  return p != NULL ? malloc_usable_size(p) : 0;
}

static void count(long blocks, size_t before, size_t after) {
  live += blocks;
  octets += (long)after - (long)before;
}
#else
static int fails_now(void) {
  return 0;
}

static size_t size_of(void *p) {
  (void)p;
  return 0;
}

static void count(long blocks, size_t before, size_t after) {
  (void)blocks;
  (void)before;
  (void)after;
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
  int is_new = p == NULL;
  size_t before = size_of(p);
  void *q = realloc(p, n);
  if (q != NULL) {
    count(is_new, before, size_of(q));
  }
  return q;
}

void *nm_realloc_array(void *p, size_t n, size_t size) {
  return size != 0 && n > SIZE_MAX / size ? NULL : nm_realloc(p, n * size);
}

void nm_free(void *p) {
  if (p != NULL) {
    count(-1, size_of(p), 0);
    free(p);
  }
}

void nm_wipe(void *p, size_t n) {
  volatile unsigned char *v = p;
  while (n-- > 0) {
    *v++ = 0;
  }
}
