#include "support/ctest.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"

/* An item is a count of its references. */
static void ref(void *item) {
  ++*(int *)item;
}

static void unref(void *item) {
  --*(int *)item;
}

static const struct nm_list_type type = {ref, unref};

static int refs[10];

/* The list holds exactly the items named by digits, each with as many references as it is named. */
static int holds(const struct nm_list *l, const char *digits) {
  if (l->n != strlen(digits)) {
    return 0;
  }
  for (size_t i = 0; i < l->n; i++) {
    if (l->items[i] != &refs[digits[i] - '0']) {
      return 0;
    }
  }
  return 1;
}

static int counts(const char *digits) {
  int want[10] = {0};
  for (; *digits != '\0'; digits++) {
    want[*digits - '0']++;
  }
  return memcmp(want, refs, sizeof refs) == 0;
}

static void inserts_and_removes_in_order(void) {
  struct nm_list *l = nm_list_new(&type, 10);
  CHECK(holds(l, "") && l->refs == 1);
  CHECK(nm_list_add(l, &refs[1]) == 0 && nm_list_add(l, &refs[2]) == 0);
  CHECK(nm_list_insert(l, 0, &refs[3]) == 0 && holds(l, "312"));
  CHECK(nm_list_insert(l, 1, &refs[4]) == 0 && holds(l, "3412"));
  CHECK(nm_list_insert(l, 4, &refs[5]) == 0 && holds(l, "34125"));
  CHECK(nm_list_insert(l, 6, &refs[6]) == NM_EINVAL && holds(l, "34125") && counts("34125"));
  CHECK(nm_list_add(l, &refs[3]) == 0 && holds(l, "341253") && counts("341253"));
  CHECK(nm_list_remove(l, 1) == 0 && holds(l, "31253") && counts("31253"));
  CHECK(nm_list_remove(l, 4) == 0 && holds(l, "3125"));
  CHECK(nm_list_remove(l, 0) == 0 && holds(l, "125"));
  CHECK(nm_list_remove(l, 3) == NM_EINVAL && nm_list_remove(l, (size_t)-1) == NM_EINVAL);
  CHECK(holds(l, "125") && counts("125"));
  nm_list_clear(l);
  CHECK(holds(l, "") && counts(""));
  CHECK(nm_list_remove(l, 0) == NM_EINVAL);
  CHECK(nm_list_add(l, &refs[7]) == 0);
  nm_list_unref(&l);
  CHECK(l == NULL && counts(""));
  nm_list_unref(&l);
}

static void stops_at_its_maximum(void) {
  for (size_t max = 0; max < 20; max++) {
    struct nm_list *l = nm_list_new(&type, max);
    for (size_t i = 0; i < max; i++) {
      CHECK(nm_list_add(l, &refs[0]) == 0);
    }
    CHECK(nm_list_add(l, &refs[1]) == NM_ELIMIT && nm_list_insert(l, 0, &refs[1]) == NM_ELIMIT);
    CHECK(l->n == max && refs[0] == (int)max && refs[1] == 0);
    nm_list_unref(&l);
    CHECK(counts(""));
  }
}

static void lives_while_it_is_referred_to(void) {
  struct nm_list *l = nm_list_new(&type, 10);
  CHECK(nm_list_add(l, &refs[1]) == 0);
  struct nm_list *second = nm_list_ref(l);
  CHECK(second == l && l->refs == 2);
  nm_list_unref(&l);
  CHECK(holds(second, "1") && counts("1"));
  nm_list_unref(&second);
  CHECK(counts(""));
}

static void becomes_a_copy(void) {
  struct nm_list *a = nm_list_new(&type, 10), *b = nm_list_new(&type, 2);
  CHECK(nm_list_add(a, &refs[1]) == 0 && nm_list_add(a, &refs[2]) == 0);
  CHECK(nm_list_add(b, &refs[3]) == 0);
  struct nm_list *shared = nm_list_ref(b);
  CHECK(nm_list_assign(b, a) == 0 && holds(b, "12") && holds(a, "12") && counts("1212"));
  CHECK(nm_list_add_all(a, b) == 0 && holds(a, "1212") && holds(b, "12") && counts("121212"));
  CHECK(nm_list_add_all(b, a) == NM_ELIMIT && holds(b, "12") && counts("121212"));
  CHECK(nm_list_remove(a, 3) == 0 && nm_list_remove(a, 2) == 0);
  CHECK(shared == b && b->refs == 2 && b->max == 2);
  CHECK(nm_list_assign(a, a) == 0 && holds(a, "12") && counts("1212"));
  CHECK(nm_list_add(a, &refs[4]) == 0);
  CHECK(nm_list_assign(b, a) == NM_ELIMIT && holds(b, "12") && counts("12412"));
  nm_list_clear(a);
  CHECK(nm_list_assign(b, a) == 0 && holds(b, "") && counts(""));
  nm_list_unref(&a);
  nm_list_unref(&b);
  nm_list_unref(&shared);
}

static void is_unchanged_when_memory_is_short(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_list *b = NULL;
    int err = 0;
    nm_test_alloc_fail_at(n);
    struct nm_list *a = nm_list_new(&type, 10);
    err = a == NULL ? NM_ENOMEM : 0;
    for (int i = 0; i < 5 && err == 0; i++) {
      err = nm_list_insert(a, 0, &refs[i]);
    }
    if (err == 0) {
      b = nm_list_new(&type, 10);
      err = b == NULL ? NM_ENOMEM : nm_list_assign(b, a);
      CHECK(holds(a, "43210") && (b == NULL || holds(b, err == 0 ? "43210" : "")));
    }
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 || err == NM_ENOMEM);
    nm_list_unref(&a);
    nm_list_unref(&b);
    CHECK(counts("") && nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n == 7); /* two lists, a copy, the items of one twice and those of the copy: six */
      return;
    }
  }
}

int main(void) {
  RUN(inserts_and_removes_in_order);
  RUN(stops_at_its_maximum);
  RUN(lives_while_it_is_referred_to);
  RUN(becomes_a_copy);
  RUN(is_unchanged_when_memory_is_short);
  return ctest_end();
}
