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
      CHECK(n == 8); /* two lists, a copy, the items of one three times and those of the copy: seven */
      return;
    }
  }
}

static void takes_a_reference_that_is_given(void) {
  struct nm_list *l = nm_list_new(&type, 1);
  ref(&refs[1]);
  CHECK(nm_list_give(l, &refs[1]) == 0 && holds(l, "1") && counts("1"));
  ref(&refs[2]);
  CHECK(nm_list_give(l, &refs[2]) == NM_ELIMIT && holds(l, "1") && counts("1"));
  nm_list_unref(&l);
  l = nm_list_new(&type, 1);
  ref(&refs[1]);
  nm_test_alloc_fail_at(1);
  CHECK(nm_list_give(l, &refs[1]) == NM_ENOMEM && holds(l, "") && counts(""));
  nm_test_alloc_fail_at(0);
  nm_list_unref(&l);
}

static void moves_what_it_has(void) {
  struct nm_list *from = nm_list_new(&type, 10), *to = nm_list_new(&type, 5);
  CHECK(nm_list_add(from, &refs[1]) == 0 && nm_list_add(from, &refs[2]) == 0 &&
        nm_list_add(to, &refs[3]) == 0);
  nm_list_move(to, from);
  CHECK(holds(to, "12") && holds(from, "") && counts("12") && to->max == 5 && from->max == 10);
  CHECK(nm_list_add(from, &refs[4]) == 0 && holds(from, "4"));
  nm_list_unref(&from);
  nm_list_unref(&to);
  CHECK(counts(""));
}

struct pair {
  struct nm_block block;
  struct nm_list lists[2];
};

static struct pair *pair_new(size_t room) {
  struct pair *p = (struct pair *)(void *)nm_block_new(sizeof *p, sizeof *p + room);
  nm_list_init(&p->lists[0], &type, 100, &p->block);
  nm_list_init(&p->lists[1], &type, 100, &p->block);
  return p;
}

/* Its first items in the block, while there is room, and any number of them. */
static void lies_in_a_block_with_others(void) {
  long live = nm_test_alloc_live();
  for (size_t room = 0; room < 64; room += 8) {
    struct pair *p = pair_new(room);
    struct nm_list *a = &p->lists[0], *b = &p->lists[1], *kept = nm_list_ref(b);
    for (int i = 0; i < 50; i++) {
      CHECK(nm_list_add(a, &refs[i % 2]) == 0 && nm_list_insert(b, 0, &refs[2]) == 0);
      CHECK(a->n == (size_t)i + 1 && a->items[i] == &refs[i % 2] && a->items[0] == &refs[0]);
    }
    struct nm_list *other = nm_list_new(&type, 100);
    CHECK(nm_list_add(other, &refs[7]) == 0);
    nm_list_move(a, other);
    CHECK(holds(a, "7"));
    CHECK(nm_list_assign(a, b) == 0 && a->n == 50 && nm_list_assign(other, a) == 0 && other->n == 50);
    nm_list_unref(&other);
    nm_lists_unref(p->lists, 2);
    nm_block_drop(&p->block);
    CHECK(nm_test_alloc_live() > live && kept->n == 50 && kept->refs == 1);
    nm_list_unref(&kept);
    CHECK(counts("") && nm_test_alloc_live() == live);
  }
}

/* Items that lie in blocks, as addresses do. */
struct lodger {
  int refs;
  struct nm_block *block; /* NULL: its own */
};

static void ref_lodger(void *item) {
  ((struct lodger *)item)->refs++;
}

static void unref_lodger(void *item) {
  struct lodger *l = item;
  if (--l->refs > 0) {
    return;
  }
  if (l->block != NULL) {
    nm_block_drop(l->block);
  } else {
    nm_free(l);
  }
}

static struct lodger *add_lodger(struct nm_list *list, size_t n) {
  struct nm_block *room = NULL;
  CHECK(nm_list_room(list, n, &room) == 0);
  struct lodger *l = room != NULL ? nm_block_take(room, n) : nm_alloc(n);
  *l = (struct lodger){1, room};
  CHECK(nm_list_give(list, l) == 0);
  return l;
}

/* A long list takes few allocations, and one item that is kept keeps a page at most. */
static void makes_room_for_its_items(void) {
  static const struct nm_list_type lodgers = {ref_lodger, unref_lodger};
  static const size_t sizes[] = {16, 40, 150, 4000, 5000};
  long live = nm_test_alloc_live();
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    struct nm_list *l = nm_list_new(&lodgers, 10000);
    for (int i = 0; i < 1000; i++) {
      add_lodger(l, sizes[k]);
    }
    long blocks = nm_test_alloc_live() - live;
    CHECK(sizes[k] > 2000 ? blocks == 1002 : blocks < 60);
    struct lodger *kept = l->items[500];
    ref_lodger(kept);
    nm_list_clear(l);
    CHECK(nm_test_alloc_live() == live + 3 && kept->refs == 1);
    CHECK(kept->block == NULL || kept->block->size <= 4096);
    unref_lodger(kept);
    add_lodger(l, sizes[k]);
    nm_list_unref(&l);
    CHECK(nm_test_alloc_live() == live);
  }
}

int main(void) {
  RUN(inserts_and_removes_in_order);
  RUN(stops_at_its_maximum);
  RUN(lives_while_it_is_referred_to);
  RUN(becomes_a_copy);
  RUN(is_unchanged_when_memory_is_short);
  RUN(takes_a_reference_that_is_given);
  RUN(moves_what_it_has);
  RUN(lies_in_a_block_with_others);
  RUN(makes_room_for_its_items);
  return ctest_end();
}
