#include "support/ctest.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"

static int holds(const struct nm_buf *b, const char *want) {
  return nm_str_eq(nm_buf_str(b), nm_str_c(want)) && (b->p == NULL || b->p[b->n] == '\0');
}

static void appends(void) {
  struct nm_buf b = {.max = 100};
  CHECK(holds(&b, "") && nm_buf_str(&b).p != NULL);
  nm_buf_add(&b, "ab", 2);
  nm_buf_add(&b, NULL, 0);
  nm_buf_add_str(&b, NM_STR("c\0d"));
  nm_buf_add_c(&b, "ef");
  nm_buf_add_byte(&b, '\0');
  nm_buf_addf(&b, "%d-%s", -7, "x");
  nm_buf_addf(&b, "%s", "");
  CHECK(b.err == 0 && b.n == 12 && memcmp(b.p, "abc\0def\0-7-x", 13) == 0);
  nm_buf_free(&b);
  nm_buf_free(&b);
  CHECK(b.p == NULL && b.n == 0 && b.cap == 0 && b.max == 100);
}

/* From below its maximum to beyond, in steps of every size. */
static void never_passes_its_maximum(void) {
  for (size_t max = 0; max < 200; max += 7) {
    for (size_t step = 1; step < 90; step++) {
      struct nm_buf b = {.max = max};
      char piece[90];
      memset(piece, 'x', sizeof piece);
      size_t sum = 0;
      while (sum + step <= max) {
        nm_buf_add(&b, piece, step);
        sum += step;
        CHECK(b.err == 0 && b.n == sum && b.p[sum] == '\0');
      }
      nm_buf_add(&b, piece, step);
      CHECK(b.err == NM_ELIMIT && b.n == sum);
      nm_buf_add(&b, "", 0);
      nm_buf_add_c(&b, "y");
      nm_buf_addf(&b, "y");
      CHECK(b.err == NM_ELIMIT && b.n == sum && nm_buf_room(&b, 0) == NULL);
      nm_buf_reset(&b);
      CHECK(b.err == 0 && b.n == 0 && b.max == max);
      nm_buf_free(&b);
    }
  }
}

static void takes_nothing_when_empty(void) {
  struct nm_buf b = {0};
  nm_buf_reset(&b);
  CHECK(b.err == 0 && b.p == NULL);
  nm_buf_add_byte(&b, 'x');
  CHECK(b.err == NM_ELIMIT && b.n == 0);
  nm_buf_free(&b);
  nm_buf_free(&b);
}

static void refuses_sizes_that_overflow(void) {
  struct nm_buf b = {.max = (size_t)1 << 40};
  nm_buf_add_c(&b, "x");
  CHECK(nm_buf_room(&b, SIZE_MAX) == NULL && b.err == NM_ELIMIT);
  nm_buf_reset(&b);
  CHECK(nm_buf_room(&b, SIZE_MAX - 1) == NULL && b.err == NM_ELIMIT && b.p != NULL);
  nm_buf_free(&b);
}

static void lends_room(void) {
  struct nm_buf b = {.max = 1000};
  nm_buf_add_c(&b, "ab");
  char *room = nm_buf_room(&b, 998);
  CHECK(room == b.p + 2);
  memset(room, 'c', 998);
  b.n += 998;
  CHECK(nm_buf_room(&b, 1) == NULL && b.err == NM_ELIMIT && b.p[999] == 'c');
  nm_buf_free(&b);
}

static void replaces_all_or_nothing(void) {
  struct nm_buf b = {.max = 6};
  struct nm_error e = {0};
  CHECK(nm_buf_replace(&b, "It", NM_STR("abcdef"), &e) == 0 && holds(&b, "abcdef"));
  CHECK(nm_buf_replace(&b, "It", NM_STR("abcdefg"), &e) == NM_ELIMIT && holds(&b, "abcdef"));
  CHECK(strstr(e.text, "It is too long: 7 bytes, at most 6") != NULL);
  nm_test_alloc_fail_at(1);
  CHECK(nm_buf_replace(&b, "It", NM_STR("xy"), &e) == NM_ENOMEM && holds(&b, "abcdef"));
  nm_test_alloc_fail_at(0);
  CHECK(nm_buf_replace(&b, "It", nm_str(NULL, 0), &e) == 0 && holds(&b, "") && b.max == 6);
  nm_buf_free(&b);
}

static void says_no_memory_and_keeps_what_it_has(void) {
  struct nm_buf b = {.max = 10000};
  nm_buf_add_c(&b, "kept");
  nm_test_alloc_fail_at(1);
  nm_buf_addf(&b, "%2000d", 1);
  CHECK(b.err == NM_ENOMEM && holds(&b, "kept"));
  nm_buf_add_c(&b, "no");
  CHECK(holds(&b, "kept"));
  nm_buf_reset(&b);
  nm_buf_add_c(&b, "again");
  CHECK(b.err == 0 && holds(&b, "again"));
  nm_buf_free(&b);
}

static void grows_a_secret_into_a_new_block(void) {
  struct nm_buf b = {.max = 1000, .secret = 1};
  long live = nm_test_alloc_live();
  nm_buf_add_c(&b, "password");
  for (int i = 0; i < 100; i++) {
    nm_buf_add_c(&b, "12345678");
  }
  CHECK(b.err == 0 && b.n == 808 && memcmp(b.p, "password12345678", 16) == 0 && b.p[808] == '\0');
  CHECK(nm_test_alloc_live() == live + 1);
  nm_test_alloc_fail_at(1);
  char *p = b.p;
  b.max = 100000;
  CHECK(nm_buf_room(&b, 90000) == NULL && b.err == NM_ENOMEM && b.p == p && b.n == 808);
  nm_test_alloc_fail_at(0);
  nm_buf_free(&b);
  CHECK(nm_test_alloc_live() == live && b.secret == 1 && b.max == 100000);
  b.secret = 0;
  nm_buf_add_c(&b, "password");
  nm_buf_free(&b);
  CHECK(nm_test_alloc_live() == live && b.p == NULL && b.n == 0);
}

int main(void) {
  RUN(appends);
  RUN(never_passes_its_maximum);
  RUN(takes_nothing_when_empty);
  RUN(refuses_sizes_that_overflow);
  RUN(lends_room);
  RUN(replaces_all_or_nothing);
  RUN(says_no_memory_and_keeps_what_it_has);
  RUN(grows_a_secret_into_a_new_block);
  return ctest_end();
}
