#include "base/addr.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/chars.h"

struct entry {
  struct nm_addr *addr;
  size_t at; /* where it stood in the list */
};

static int compare(struct nm_str a, struct nm_str b, int fold) {
  size_t n = a.n < b.n ? a.n : b.n;
  for (size_t i = 0; i < n; i++) {
    unsigned char x = (unsigned char)(fold ? nm_lower(a.p[i]) : a.p[i]);
    unsigned char y = (unsigned char)(fold ? nm_lower(b.p[i]) : b.p[i]);
    if (x != y) {
      return x < y ? -1 : 1;
    }
  }
  return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

int nm_addr_compare(const struct nm_addr *a, const struct nm_addr *b) {
  int order = compare(a->domain, b->domain, 1);
  return order != 0 ? order : compare(a->local, b->local, 0);
}

static int by_value(const void *p, const void *q) {
  const struct entry *a = p, *b = q;
  int order = nm_addr_compare(a->addr, b->addr);
  return order != 0 ? order : a->at < b->at ? -1 : 1;
}

static int by_place(const void *p, const void *q) {
  const struct entry *a = p, *b = q;
  return a->at < b->at ? -1 : 1;
}

/* Sorted, the first of its equals stays in e; returns how many these are. first: where it stood, for each place in the list. */
static size_t keep_first(struct entry *e, size_t n, size_t *first) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    if (kept == 0 || nm_addr_compare(e[i].addr, e[kept - 1].addr) != 0) {
      e[kept++] = e[i];
    }
    first[e[i].at] = e[kept - 1].at;
  }
  return kept;
}

/* From the place of the first of its equals to theirs among the unique. A first one stands before the others, and was counted by then. */
static void number(size_t *place, size_t n) {
  size_t next = 0;
  for (size_t i = 0; i < n; i++) {
    place[i] = place[i] == i ? next++ : place[place[i]];
  }
}

/* Sorting and not hashing: nobody who chooses the addresses can make it slow. */
int nm_addr_list_unique(const struct nm_list *list, struct nm_list **out, size_t *place) {
  struct entry *e = list->n > 0 ? nm_realloc_array(NULL, list->n, sizeof *e) : NULL;
  struct nm_list *unique = nm_addr_list_new();
  int err = unique == NULL || (list->n > 0 && e == NULL) ? NM_ENOMEM : 0;
  if (err == 0 && list->n > 0) {
    for (size_t i = 0; i < list->n; i++) {
      e[i] = (struct entry){list->items[i], i};
    }
    qsort(e, list->n, sizeof *e, by_value);
    size_t n = keep_first(e, list->n, place);
    qsort(e, n, sizeof *e, by_place);
    for (size_t i = 0; i < n && err == 0; i++) {
      err = nm_list_add(unique, e[i].addr);
    }
    number(place, list->n);
  }
  nm_free(e);
  if (err != 0) {
    nm_list_unref(&unique);
  }
  *out = unique;
  return err;
}
