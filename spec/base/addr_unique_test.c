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
    struct nm_list *l = list_of(rows[i].list), *unique = list_of(rows[i].list);
    size_t place[6] = {0};
    CHECK_ROW(nm_addr_list_unique(unique, place) == 0 && unique->n == rows[i].n, rows[i].list);
    for (size_t k = 0; k < l->n; k++) {
      CHECK_ROW(place[k] == rows[i].place[k], rows[i].list);
      CHECK_ROW(nm_addr_same(unique->items[place[k]], l->items[k]), rows[i].list);
    }
    CHECK_ROW(nm_addr_list_unique(l, NULL) == 0 && l->n == unique->n, rows[i].list);
    for (size_t k = 0; k < l->n; k++) {
      CHECK_ROW(nm_addr_same(unique->items[k], l->items[k]), rows[i].list);
    }
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
      CHECK(!nm_addr_same(a, b) || nm_addr_hash(a) == nm_addr_hash(b));
    }
  }
  nm_list_unref(&l);
}

static void add_spec(struct nm_list *l, size_t local, size_t domain) {
  char spec[60];
  struct nm_addr *a = NULL;
  int n = snprintf(spec, sizeof spec, "u%zu@%c%zu.org", local, local % 2 == 0 ? 'd' : 'D', domain);
  CHECK(nm_addr_make(nm_str(spec, (size_t)n), nm_str("", 0), &a, NULL) == 0 && nm_list_add(l, a) == 0);
  nm_addr_unref(&a);
}

/* Those that are left of l are those for which no address before is the same, and place says so. */
static void is_unique(struct nm_list *l) {
  static size_t place[1000];
  struct nm_list *all = nm_addr_list_new();
  CHECK(l->n <= sizeof place / sizeof place[0] && nm_list_add_all(all, l) == 0);
  CHECK(nm_addr_list_unique(l, place) == 0);
  size_t kept = 0;
  for (size_t i = 0; i < all->n; i++) {
    size_t k = 0;
    while (!nm_addr_same(all->items[k], all->items[i])) {
      k++;
    }
    CHECK(k == i ? place[i] == kept && l->items[kept] == all->items[i] : place[i] == place[k]);
    kept += k == i;
  }
  CHECK(l->n == kept);
  nm_list_unref(&all);
}

static void finds_them_in_lists_of_any_length(void) {
  for (size_t n = 0; n < 70; n++) {
    struct nm_list *l = nm_addr_list_new();
    for (size_t i = 0; i < n; i++) {
      add_spec(l, i * 7919 % (n / 2 + 1), i * 7919 % (n / 2 + 1) % 3);
    }
    is_unique(l);
    nm_list_unref(&l);
  }
}

/* Who knows the hash can fill one place of the table; each of them stands there twice. */
static void is_right_where_addresses_collide(void) {
  struct nm_list *l = nm_addr_list_new();
  for (size_t i = 0; l->n < 800; i++) {
    add_spec(l, i, i % 7);
    if ((nm_addr_hash(l->items[l->n - 1]) & 1023) != 77) {
      nm_list_remove(l, l->n - 1);
    } else {
      add_spec(l, i, i % 7);
    }
  }
  is_unique(l);
  CHECK(l->n == 400);
  nm_list_unref(&l);
}

/* A quadratic search would take minutes. */
static void is_quick_with_many(void) {
  struct nm_list *l = nm_addr_list_new();
  for (size_t i = 0; i < NM_ADDR_LIST_MAX; i++) {
    add_spec(l, i * 7919 % 50000, i * 7919 % 50000 % 13);
  }
  const void *first = l->items[0], *last = l->items[49999];
  CHECK(nm_addr_list_unique(l, NULL) == 0 && l->n == 50000);
  CHECK(l->items[0] == first && l->items[49999] == last);
  nm_list_unref(&l);
}

static void survives_short_memory(void) {
  for (size_t n = 5; n <= 50; n += 45) {
    for (long k = 1; k < 4; k++) {
      struct nm_list *l = nm_addr_list_new();
      for (size_t i = 0; i < n; i++) {
        add_spec(l, i / 2, 0);
      }
      nm_test_alloc_fail_at(k);
      int err = nm_addr_list_unique(l, NULL);
      nm_test_alloc_fail_at(0);
      CHECK(err == 0 ? l->n == (n + 1) / 2 : err == NM_ENOMEM && l->n == n && n == 50);
      nm_list_unref(&l);
      CHECK(nm_test_alloc_live() == 0);
    }
  }
}

int main(void) {
  RUN(keeps_the_first_of_equals);
  RUN(compares_by_value);
  RUN(finds_them_in_lists_of_any_length);
  RUN(is_right_where_addresses_collide);
  RUN(is_quick_with_many);
  RUN(survives_short_memory);
  return ctest_end();
}
