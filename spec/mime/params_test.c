#include "mime/params.h"

#include "base/alloc.h"
#include "support/ctest.h"

static int set(struct nm_params *p, const char *name, const char *value) {
  return nm_params_set(p, nm_str(name, strlen(name)), nm_str(value, strlen(value)), NULL);
}

/* "a=1 b=2" */
static int are(const struct nm_params *p, const char *want) {
  char got[400] = "";
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++) {
    n += (size_t)snprintf(got + n, sizeof got - n, "%s%s=%s", i > 0 ? " " : "", p->items[i].name.p,
                          p->items[i].value.p);
  }
  return strcmp(got, want) == 0;
}

static void they_stand_in_their_order(void) {
  struct nm_params p = {0};
  CHECK(nm_params_get(&p, NM_STR("a")).p == NULL && !nm_params_remove(&p, NM_STR("a")));
  CHECK(set(&p, "b", "1") == 0 && set(&p, "a", "") == 0 && set(&p, "C", "3") == 0);
  CHECK(are(&p, "b=1 a= C=3"));
  CHECK(set(&p, "A", "\xd0\x9f \"; x=y") == 0); /* in the place of the old one, under the new spelling */
  CHECK(are(&p, "b=1 A=\xd0\x9f \"; x=y C=3"));
  CHECK(nm_str_eq(nm_params_get(&p, NM_STR("c")), NM_STR("3")));
  CHECK(nm_params_remove(&p, NM_STR("B")) == 1 && nm_params_remove(&p, NM_STR("B")) == 0);
  CHECK(set(&p, "b", "4") == 0 && are(&p, "A=\xd0\x9f \"; x=y C=3 b=4"));
  nm_params_free(&p);
  nm_params_free(&p);
  CHECK(p.items == NULL && p.n == 0);
}

static void bad_ones_change_nothing(void) {
  static const struct {
    struct nm_str name, value;
    const char *word;
  } bad[] = {
      {NM_STR(""), NM_STR("x"), "is not the name"},
      {NM_STR("a b"), NM_STR("x"), "is not the name"},
      {NM_STR("a="), NM_STR("x"), "is not the name"},
      {NM_STR("a;b"), NM_STR("x"), "is not the name"},
      {NM_STR("a*"), NM_STR("x"), "is not the name"}, /* RFC 2231 gives it a meaning */
      {NM_STR("a\r\nX: y"), NM_STR("x"), "is not the name"},
      {NM_STR("a\0b"), NM_STR("x"), "is not the name"},
      {NM_STR("\xc3\xa9"), NM_STR("x"), "is not the name"},
      {NM_STR("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddX"), NM_STR("x"), "at most 40"},
      {NM_STR("a"), NM_STR("x\r\nX: y"), "the parameter a has a line break"},
      {NM_STR("a"), NM_STR("x\n"), "line break"},
      {NM_STR("a"), NM_STR("x\0"), "NUL"},
      {NM_STR("a"), NM_STR("\xff"), "UTF-8"},
  };
  struct nm_params p = {0};
  CHECK(set(&p, "a", "1") == 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct nm_error e = {0};
    CHECK_ROW(nm_params_set(&p, bad[i].name, bad[i].value, &e) == NM_EINVAL, bad[i].name.p);
    CHECK_ROW(strstr(e.text, bad[i].word) != NULL && e.kind == NM_KIND_MESSAGE, e.text);
    CHECK(are(&p, "a=1"));
  }
  CHECK(set(&p, "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd", "x") == 0);
  nm_params_free(&p);
}

static void there_is_an_end_to_them(void) {
  static char value[NM_PARAM_VALUE_MAX + 2];
  struct nm_params p = {0};
  struct nm_error e = {0};
  memset(value, 'x', NM_PARAM_VALUE_MAX + 1);
  for (int i = 0; i < NM_PARAMS_MAX; i++) {
    char name[20];
    snprintf(name, sizeof name, "p%d", i);
    CHECK(set(&p, name, "x") == 0);
  }
  CHECK(nm_params_set(&p, NM_STR("q"), NM_STR("x"), &e) == NM_ELIMIT && p.n == NM_PARAMS_MAX);
  CHECK_ROW(strstr(e.text, "more than 32") != NULL, e.text);
  CHECK(set(&p, "P31", "new") == 0); /* there is no more of them */
  CHECK(nm_params_set(&p, NM_STR("p1"), nm_str(value, NM_PARAM_VALUE_MAX + 1), &e) == NM_ELIMIT);
  CHECK_ROW(strstr(e.text, "the parameter p1 is too long: 4097 bytes") != NULL, e.text);
  CHECK(nm_params_set(&p, NM_STR("p1"), nm_str(value, NM_PARAM_VALUE_MAX), &e) == 0);
  nm_params_free(&p);
}

static void they_are_sorted(void) {
  struct nm_params p = {0};
  nm_params_sort(&p, NM_STR("x"));
  CHECK(set(&p, "d", "1") == 0 && set(&p, "b", "2") == 0 && set(&p, "c", "3") == 0 && set(&p, "a", "4") == 0);
  nm_params_sort(&p, NM_STR(""));
  CHECK(are(&p, "a=4 b=2 c=3 d=1"));
  nm_params_sort(&p, NM_STR("C"));
  CHECK(are(&p, "c=3 a=4 b=2 d=1"));
  nm_params_sort(&p, NM_STR("e"));
  CHECK(are(&p, "a=4 b=2 c=3 d=1"));
  nm_params_free(&p);
}

static void short_memory_changes_nothing(void) {
  struct nm_params p = {0}, q = {0};
  CHECK(set(&p, "a", "1") == 0 && set(&p, "b", "2") == 0 && set(&q, "c", "3") == 0);
  long before = nm_test_alloc_live();
  for (long n = 1; n <= 2; n++) {
    struct nm_error e = {0};
    nm_test_alloc_fail_at(n);
    CHECK(nm_params_set(&p, NM_STR("d"), NM_STR("x"), &e) == NM_ENOMEM && e.code == NM_ENOMEM);
    CHECK(are(&p, "a=1 b=2"));
  }
  nm_test_alloc_fail_at(1);
  CHECK(set(&p, "a", "new") == NM_ENOMEM && are(&p, "a=1 b=2"));
  for (long n = 1; n <= 4; n++) {
    nm_test_alloc_fail_at(n);
    CHECK(nm_params_assign(&q, &p) == NM_ENOMEM && are(&q, "c=3"));
  }
  nm_test_alloc_fail_at(0);
  CHECK(nm_test_alloc_live() == before);
  CHECK(nm_params_assign(&q, &p) == 0 && are(&q, "a=1 b=2") && q.items != p.items);
  CHECK(nm_params_assign(&q, &q) == 0 && are(&q, "a=1 b=2"));
  struct nm_params none = {0};
  CHECK(nm_params_assign(&q, &none) == 0 && q.n == 0);
  nm_params_free(&p);
  nm_params_free(&q);
}

int main(void) {
  RUN(they_stand_in_their_order);
  RUN(bad_ones_change_nothing);
  RUN(there_is_an_end_to_them);
  RUN(they_are_sorted);
  RUN(short_memory_changes_nothing);
  return ctest_end();
}
