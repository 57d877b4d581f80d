#include "base/addr.h"

#include "base/alloc.h"
#include "support/ctest.h"

static struct nm_list *list_of(const char *text) {
  struct nm_list *l = nm_addr_list_new();
  CHECK_ROW(text[0] == '\0' || nm_addr_parse_list(nm_str_c(text), l, NULL) == 0, text);
  return l;
}

/* The rows name, for each of the list, its place among those that stay. */
static void keeps_the_first_of_equals(void) {
  static const struct {
    const char *list;
    size_t n;
    size_t place[6];
  } rows[] = {
      {"", 0, {0}},
      {"a@b", 1, {0}},
      {"a@b, a@b", 1, {0, 0}},
      {"a@b, A@b", 2, {0, 1}},
      {"a@b.C, a@B.c, b@b.c", 2, {0, 0, 1}},
      {"z@z, a@a, z@Z, m@m, a@A, z@z", 3, {0, 1, 0, 2, 1, 0}},
      {"Ann <a@b>, \"Bob\" <a@b>", 1, {0, 0}},
      {"\"a b\"@c, \"a b\"@C, \"a  b\"@c", 2, {0, 0, 1}},
      {"\"ab\"@c, ab@c", 1, {0, 0}},
      {"a@\xd0\xbf.\xd1\x80\xd1\x84, a@xn--o1a.xn--p1ai, a@XN--O1A.xn--p1ai", 1, {0, 0, 0}},
      {"a@[127.0.0.1], a@[127.0.0.1], a@[127.0.0.2]", 2, {0, 0, 1}},
      {"a@bc, ab@c, a@b, aa@b", 4, {0, 1, 2, 3}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_list *l = list_of(rows[i].list), *unique = NULL;
    size_t place[6] = {0};
    CHECK_ROW(nm_addr_list_unique(l, &unique, place) == 0 && unique->n == rows[i].n, rows[i].list);
    for (size_t k = 0, next = 0; k < l->n; k++) {
      CHECK_ROW(place[k] == rows[i].place[k], rows[i].list);
      CHECK_ROW(place[k] != next || unique->items[next] == l->items[k], rows[i].list);
      next += place[k] == next;
    }
    nm_list_unref(&l);
    CHECK(nm_addr_list_unique(unique, &l, place) == 0 && l->n == unique->n);
    nm_list_unref(&l);
    nm_list_unref(&unique);
  }
}

/* The order agrees with nm_addr_same. */
static void compares_by_value(void) {
  struct nm_list *l = list_of("a@b, a@B, A@b, b@b, a@c, \"a b\"@b, aa@b, a@bb, a@b.c, a@B.c");
  for (size_t i = 0; i < l->n; i++) {
    for (size_t k = 0; k < l->n; k++) {
      const struct nm_addr *a = l->items[i], *b = l->items[k];
      CHECK((nm_addr_compare(a, b) == 0) == (nm_addr_same(a, b) != 0));
      CHECK(nm_addr_compare(a, b) == -nm_addr_compare(b, a));
    }
  }
  nm_list_unref(&l);
}

/* A quadratic search would take minutes. */
static void is_quick_with_many(void) {
  static size_t place[NM_ADDR_LIST_MAX];
  struct nm_list *l = nm_addr_list_new(), *unique = NULL;
  for (size_t i = 0; i < NM_ADDR_LIST_MAX; i++) {
    char spec[40];
    struct nm_addr *a = NULL;
    int n = snprintf(spec, sizeof spec, "u%zu@d%zu.org", i * 7919 % 50000, i * 7919 % 50000 % 13);
    CHECK(nm_addr_make(nm_str(spec, (size_t)n), nm_str("", 0), &a, NULL) == 0 && nm_list_add(l, a) == 0);
    nm_addr_unref(&a);
  }
  CHECK(nm_addr_list_unique(l, &unique, place) == 0 && unique->n == 50000);
  CHECK(unique->items[0] == l->items[0] && unique->items[49999] == l->items[49999]);
  nm_list_unref(&l);
  nm_list_unref(&unique);
}

static void survives_short_memory(void) {
  struct nm_list *l = list_of("a@b, b@b, a@b, c@b, d@b, e@b");
  long live = nm_test_alloc_live();
  for (long k = 1; k < 8; k++) {
    struct nm_list *unique = NULL;
    nm_test_alloc_fail_at(k);
    size_t place[6];
    int err = nm_addr_list_unique(l, &unique, place);
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 ? unique->n == 5 : err == NM_ENOMEM && unique == NULL);
    nm_list_unref(&unique);
    CHECK(nm_test_alloc_live() == live);
  }
  nm_list_unref(&l);
}

int main(void) {
  RUN(keeps_the_first_of_equals);
  RUN(compares_by_value);
  RUN(is_quick_with_many);
  RUN(survives_short_memory);
  return ctest_end();
}
