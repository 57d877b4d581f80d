#include "support/ctest.h"

#include <stdint.h>

#include "base/alloc.h"

static void gives_memory_or_null(void) {
  long live = nm_test_alloc_live();
  char *p = nm_alloc(10);
  unsigned char *z = nm_zalloc(1000);
  CHECK(p != NULL && z != NULL && nm_test_alloc_live() == live + 2);
  for (size_t i = 0; z != NULL && i < 1000; i++) {
    CHECK(z[i] == 0);
  }
  nm_free(p);
  nm_free(z);
  nm_free(NULL);
  CHECK(nm_alloc(0) == NULL && nm_zalloc(0) == NULL && nm_realloc(NULL, 0) == NULL);
  CHECK(nm_test_alloc_live() == live);
}

static void keeps_the_bytes_when_it_resizes(void) {
  long live = nm_test_alloc_live();
  char *p = nm_alloc(4);
  memcpy(p, "abc", 4);
  p = nm_realloc(p, 100000);
  CHECK(p != NULL && strcmp(p, "abc") == 0);
  char *q = nm_realloc(p, 2);
  CHECK(q != NULL && memcmp(q, "ab", 2) == 0 && nm_test_alloc_live() == live + 1);
  nm_free(q);
  CHECK(nm_test_alloc_live() == live);
}

static void leaves_the_old_block_when_it_fails(void) {
  char *p = nm_alloc(4);
  memcpy(p, "abc", 4);
  nm_test_alloc_fail_at(1);
  CHECK(nm_realloc(p, 8) == NULL && strcmp(p, "abc") == 0);
  CHECK(nm_realloc(p, 0) == NULL && strcmp(p, "abc") == 0);
  nm_free(p);
}

static void checks_the_product(void) {
  void *p = nm_realloc_array(NULL, 3, 8);
  CHECK(p != NULL);
  CHECK(nm_realloc_array(p, SIZE_MAX / 8 + 1, 8) == NULL);
  CHECK(nm_realloc_array(p, SIZE_MAX, SIZE_MAX) == NULL);
  CHECK(nm_realloc_array(p, 2, SIZE_MAX / 2 + 1) == NULL);
  CHECK(nm_realloc_array(p, 1, 0) == NULL);
  nm_free(p);
}

static void fails_the_nth_and_only_it(void) {
  nm_test_alloc_fail_at(2);
  void *a = nm_alloc(1), *b = nm_alloc(1), *c = nm_alloc(1);
  CHECK(a != NULL && b == NULL && c != NULL);
  nm_test_alloc_fail_at(1);
  nm_test_alloc_fail_at(0);
  void *d = nm_zalloc(1);
  CHECK(d != NULL);
  nm_test_alloc_fail_at(1);
  CHECK(nm_zalloc(1) == NULL);
  nm_free(a);
  nm_free(c);
  nm_free(d);
}

static void wipes_exactly(void) {
  char b[] = "xsecretx";
  nm_wipe(b + 1, 6);
  CHECK(memcmp(b, "x\0\0\0\0\0\0x", 9) == 0);
  nm_wipe(b, 0);
  CHECK(b[0] == 'x');
}

int main(void) {
  RUN(gives_memory_or_null);
  RUN(keeps_the_bytes_when_it_resizes);
  RUN(leaves_the_old_block_when_it_fails);
  RUN(checks_the_product);
  RUN(fails_the_nth_and_only_it);
  RUN(wipes_exactly);
  return ctest_end();
}
