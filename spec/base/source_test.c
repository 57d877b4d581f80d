#include "support/ctest.h"

#include "base/alloc.h"
#include "base/source.h"

/* In pieces of every size, twice: rewound from each place. */
static void reads_in_pieces_and_again(void) {
  static const char text[] = "The quick\0brown fox";
  struct nm_str s = NM_STR(text);
  for (size_t cap = 1; cap <= s.n + 1; cap++) {
    for (size_t stop = 0; stop <= s.n; stop += cap) {
      struct nm_source *m = nm_source_memory(s);
      char *piece = malloc(cap);
      size_t n = 99, at = 0;
      CHECK(nm_source_size(m) == (int64_t)s.n);
      while (at < stop) {
        CHECK(nm_source_read(m, piece, cap, &n) == 0);
        at += n;
      }
      CHECK(nm_source_rewind(m) == 0 && nm_source_size(m) == (int64_t)s.n);
      at = 0;
      do {
        CHECK(nm_source_read(m, piece, cap, &n) == 0 && n <= cap);
        CHECK(at + n <= s.n && memcmp(piece, text + at, n) == 0);
        at += n;
      } while (n > 0);
      CHECK(at == s.n);
      n = 99;
      CHECK(nm_source_read(m, piece, cap, &n) == 0 && n == 0); /* and the end stays the end */
      CHECK(nm_source_size(m) == (int64_t)s.n);
      nm_source_free(&m);
      CHECK(m == NULL);
      free(piece);
    }
  }
}

static void reads_nothing_of_nothing(void) {
  char c;
  size_t n = 99;
  struct nm_source *m = nm_source_memory(nm_str(NULL, 0));
  CHECK(nm_source_size(m) == 0 && nm_source_read(m, &c, 1, &n) == 0 && n == 0);
  CHECK(nm_source_rewind(m) == 0 && nm_source_read(m, &c, 1, &n) == 0 && n == 0);
  nm_source_free(&m);
  nm_source_free(&m);
}

static void is_null_without_memory(void) {
  long live = nm_test_alloc_live();
  nm_test_alloc_fail_at(1);
  CHECK(nm_source_memory(NM_STR("x")) == NULL && nm_test_alloc_live() == live);
  nm_test_alloc_fail_at(0);
}

int main(void) {
  RUN(reads_in_pieces_and_again);
  RUN(reads_nothing_of_nothing);
  RUN(is_null_without_memory);
  return ctest_end();
}
