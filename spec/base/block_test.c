#include "support/ctest.h"

#include <limits.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/block.h"

/* Something that a block begins with. */
struct whole {
  struct nm_block block;
  long numbers[5];
};

static void begins_with_what_is_zeroed(void) {
  struct whole *w = (struct whole *)(void *)nm_block_new(sizeof *w, sizeof *w + 100);
  CHECK(w->block.holders == 1 && w->block.used == sizeof *w && w->block.size == sizeof *w + 100);
  for (size_t i = 0; i < sizeof w->numbers / sizeof *w->numbers; i++) {
    CHECK(w->numbers[i] == 0);
  }
  nm_block_drop(&w->block);
}

static void gives_each_its_own_octets(void) {
  for (size_t n = 1; n < 40; n++) {
    struct nm_block *b = nm_block_new(sizeof *b, sizeof *b + 97);
    char *end = (char *)b + sizeof *b + 97, *before = (char *)(b + 1);
    size_t count = 0;
    for (char *p; (p = nm_block_take(b, n)) != NULL; before = p + n) {
      CHECK(p >= before && p + n <= end && (uintptr_t)p % NM_BLOCK_ALIGNMENT == 0);
      memset(p, (int)n, n);
      CHECK(b->holders == 1 + ++count);
    }
    CHECK(count > 0 && end - before < (ptrdiff_t)(n + NM_BLOCK_ALIGNMENT) && !nm_block_has(b, n));
    while (b->holders > 1) {
      nm_block_drop(b);
    }
    nm_block_drop(b);
  }
}

static void lives_as_long_as_it_is_held(void) {
  long live = nm_test_alloc_live();
  struct nm_block *b = nm_block_new(sizeof *b, 64);
  char *a = nm_block_take(b, 8), *lent = nm_block_lend(b, 8);
  CHECK(a != NULL && lent != NULL && b->holders == 2);
  nm_block_drop(b);
  CHECK(nm_test_alloc_live() == live + 1);
  *lent = *a = 'x';
  nm_block_drop(b);
  CHECK(nm_test_alloc_live() == live);
}

static void refuses_what_it_has_not(void) {
  struct nm_block *b = nm_block_new(sizeof *b, 64);
  static const size_t refused[] = {64, 65, 1000, UINT_MAX, SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 64};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    CHECK(!nm_block_has(b, refused[i]) && nm_block_take(b, refused[i]) == NULL);
    CHECK(nm_block_lend(b, refused[i]) == NULL && b->holders == 1 && b->used == sizeof *b);
  }
  CHECK(nm_block_take(b, 64 - sizeof *b - 7) != NULL && nm_block_take(b, 8) == NULL);
  nm_block_drop(b);
  nm_block_drop(b);
  CHECK(nm_block_new(sizeof *b, sizeof *b - 1) == NULL && nm_block_new(0, 64) == NULL);
  CHECK(nm_block_new(sizeof *b, SIZE_MAX) == NULL && nm_block_new(sizeof *b, (size_t)UINT_MAX + 1) == NULL);
  nm_test_alloc_fail_at(1);
  CHECK(nm_block_new(sizeof *b, 64) == NULL);
  nm_test_alloc_fail_at(0);
}

int main(void) {
  RUN(begins_with_what_is_zeroed);
  RUN(gives_each_its_own_octets);
  RUN(lives_as_long_as_it_is_held);
  RUN(refuses_what_it_has_not);
  return ctest_end();
}
