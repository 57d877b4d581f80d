#include "support/ctest.h"

#include "base/str.h"

static void compares_bytes_and_letters(void) {
  static const struct {
    struct nm_str a;
    struct nm_str b;
    int eq;
    int ieq;
  } rows[] = {
      {NM_STR(""), NM_STR(""), 1, 1},
      {{NULL, 0}, NM_STR(""), 1, 1},
      {{NULL, 0}, {NULL, 0}, 1, 1},
      {NM_STR("a"), NM_STR(""), 0, 0},
      {NM_STR("abc"), NM_STR("abc"), 1, 1},
      {NM_STR("abc"), NM_STR("aBC"), 0, 1},
      {NM_STR("AZaz09"), NM_STR("azAZ09"), 0, 1},
      {NM_STR("a\0b"), NM_STR("a\0b"), 1, 1},
      {NM_STR("a\0b"), NM_STR("a\0B"), 0, 1},
      {NM_STR("a\0b"), NM_STR("a\0c"), 0, 0},
      {NM_STR("ab"), NM_STR("abc"), 0, 0},
      /* the neighbours of the letters, and letters that a locale would fold */
      {NM_STR("@"), NM_STR("`"), 0, 0},
      {NM_STR("["), NM_STR("{"), 0, 0},
      {NM_STR("\xe4"), NM_STR("\xc4"), 0, 0},
      {NM_STR("\xd0\xb6"), NM_STR("\xd0\x96"), 0, 0},
      {NM_STR("i"), NM_STR("\xc4\xb0"), 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(nm_str_eq(rows[i].a, rows[i].b) == rows[i].eq, rows[i].b.p);
    CHECK_ROW(nm_str_eq(rows[i].b, rows[i].a) == rows[i].eq, rows[i].b.p);
    CHECK_ROW(nm_str_ieq(rows[i].a, rows[i].b) == rows[i].ieq, rows[i].b.p);
    CHECK_ROW(nm_str_ieq(rows[i].b, rows[i].a) == rows[i].ieq, rows[i].b.p);
  }
}

static void borrows_a_c_string(void) {
  CHECK(nm_str_c(NULL).n == 0 && nm_str_c("").n == 0 && nm_str_c("ab").n == 2);
  CHECK(NM_STR("a\0b").n == 3);
}

static void knows_what_a_text_begins_with(void) {
  static const struct {
    struct nm_str s;
    struct nm_str with;
    int starts;
  } rows[] = {
      {NM_STR("Content-ID"), NM_STR("content-"), 1},
      {NM_STR("Content-"), NM_STR("Content-"), 1},
      {NM_STR("Content"), NM_STR("Content-"), 0},
      {NM_STR("XContent-"), NM_STR("Content-"), 0},
      {NM_STR("a\0b"), NM_STR("A\0"), 1},
      {NM_STR("a\0b"), NM_STR("a\0c"), 0},
      {NM_STR("a"), NM_STR(""), 1},
      {{NULL, 0}, NM_STR(""), 1},
      {{NULL, 0}, NM_STR("a"), 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(nm_str_istarts(rows[i].s, rows[i].with) == rows[i].starts, rows[i].with.p);
  }
}

static void trims_what_it_is_told(void) {
  static const struct {
    struct nm_str s;
    const char *set;
    struct nm_str trimmed;
  } rows[] = {
      {NM_STR(" \t a b\t "), " \t", NM_STR("a b")},
      {NM_STR("\r\n a\r\n"), " \t", NM_STR("\r\n a\r\n")},
      {NM_STR("\r\n a\r\n"), " \t\r\n", NM_STR("a")},
      {NM_STR("a"), " ", NM_STR("a")},
      {NM_STR(" \t "), " \t", NM_STR("")},
      {NM_STR(""), " ", NM_STR("")},
      {{NULL, 0}, " ", NM_STR("")},
      {NM_STR("\0a\0"), " \t", NM_STR("\0a\0")}, /* the set's own end is not in it */
      {NM_STR(" a"), "", NM_STR(" a")},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(nm_str_eq(nm_str_trim(rows[i].s, rows[i].set), rows[i].trimmed), rows[i].s.p);
  }
}

/* In the order of a sorted table, each against each. */
static void orders_against_lower_case(void) {
  static const char *const known[] = {"", "a", "a1", "ab", "abc", "b", "h1", "h2", "\xd0"};
  size_t n = sizeof known / sizeof known[0];
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < n; k++) {
      int order = nm_str_order(nm_str_c(known[i]), known[k]);
      CHECK_ROW((order > 0) == (i > k) && (order < 0) == (i < k), known[i]);
    }
  }
  CHECK(nm_str_order(NM_STR("ABC"), "abc") == 0 && nm_str_order(NM_STR("AB"), "abc") < 0);
  CHECK(nm_str_order(nm_str(NULL, 0), "") == 0 && nm_str_order(nm_str(NULL, 0), "a") < 0);
  CHECK(nm_str_order(NM_STR("a\0"), "a") > 0 && nm_str_order(NM_STR("a\0b"), "a") > 0);
}

int main(void) {
  RUN(compares_bytes_and_letters);
  RUN(knows_what_a_text_begins_with);
  RUN(orders_against_lower_case);
  RUN(trims_what_it_is_told);
  RUN(borrows_a_c_string);
  return ctest_end();
}
