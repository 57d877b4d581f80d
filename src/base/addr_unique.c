#include "base/addr.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/chars.h"

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

/* ---- with a table of those that were seen: of each that is in the list, first is told where the first of its equals stands ---- */

/* A list of no more than this needs no memory. */
#define FEW 16

/* Twice as many as there are addresses, at least. */
struct seen {
  uint32_t hash;
  uint32_t place; /* and 1; 0: nobody's */
};

static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

/* fold: 0x20 in each octet, which makes one of a letter's two cases (and of a few other characters), or 0. */
static uint64_t hash_str(uint64_t h, struct nm_str s, uint64_t fold) {
  uint64_t word = s.n;
  for (size_t i = 0; s.n < sizeof word && i < s.n; i++) {
    word = word << 8 | (unsigned char)s.p[i];
  }
  for (size_t i = 0; i + sizeof word < s.n; i += sizeof word) {
    memcpy(&word, s.p + i, sizeof word);
    h = mix(h, word | fold);
  }
  if (s.n >= sizeof word) { /* its last eight octets, whatever was of them before */
    memcpy(&word, s.p + s.n - sizeof word, sizeof word);
  }
  return mix(h, word | fold);
}

uint32_t nm_addr_hash(const struct nm_addr *a) {
  return (uint32_t)(hash_str(hash_str(0, a->local, 0), a->domain, UINT64_C(0x2020202020202020)) >> 32);
}

/* The table has size places, a power of two, and is all zero. 0: too many addresses wanted the same place, which comes of no chance: the hash
   has no secret, so somebody may have chosen them. */
static int find_hashed(const struct nm_list *list, struct seen *table, size_t size, size_t *first) {
  size_t glances = 8 * list->n + 64;
  for (size_t i = 0; i < list->n; i++) {
    uint32_t h = nm_addr_hash(list->items[i]);
    size_t at = h & (size - 1);
    while (table[at].place != 0 &&
           (table[at].hash != h || !nm_addr_same(list->items[table[at].place - 1], list->items[i]))) {
      if (--glances == 0) {
        return 0;
      }
      at = (at + 1) & (size - 1);
    }
    if (table[at].place == 0) {
      table[at] = (struct seen){h, (uint32_t)(i + 1)};
    }
    first[i] = table[at].place - 1;
  }
  return 1;
}

/* ---- sorted: nobody can make that slow ---- */

struct entry {
  struct nm_addr *addr;
  size_t at; /* where it stands in the list */
};

static int by_value(const void *p, const void *q) {
  const struct entry *a = p, *b = q;
  int order = nm_addr_compare(a->addr, b->addr);
  return order != 0 ? order : a->at < b->at ? -1 : 1;
}

static int find_sorted(const struct nm_list *list, size_t *first) {
  struct entry *e = nm_realloc_array(NULL, list->n, sizeof *e);
  if (e == NULL) {
    return NM_ENOMEM;
  }
  for (size_t i = 0; i < list->n; i++) {
    e[i] = (struct entry){list->items[i], i};
  }
  qsort(e, list->n, sizeof *e, by_value);
  for (size_t i = 0, of = 0; i < list->n; i++) {
    of = i > 0 && nm_addr_compare(e[i].addr, e[of].addr) == 0 ? of : i;
    first[e[i].at] = e[of].at;
  }
  nm_free(e);
  return 0;
}

/* ---- both ---- */

static int find(const struct nm_list *list, size_t *first) {
  struct seen few[2 * FEW] = {{0}}, *table = few;
  size_t size = 2 * FEW;
  while (size < 2 * list->n) {
    size *= 2;
  }
  if (list->n > FEW) {
    table = nm_zalloc(size * sizeof *table);
  }
  if (table == NULL) {
    return NM_ENOMEM;
  }
  int is_found = find_hashed(list, table, size, first);
  if (table != few) {
    nm_free(table);
  }
  return is_found ? 0 : find_sorted(list, first);
}

/* Leaves the first of its equals; place, where that was in the list, becomes where it is. It stands before the others, and has its new place by
   then. */
static void keep_first(struct nm_list *list, size_t *place) {
  size_t n = list->n;
  list->n = 0;
  for (size_t i = 0; i < n; i++) {
    if (place[i] == i) {
      place[i] = list->n;
      list->items[list->n++] = list->items[i];
    } else {
      place[i] = place[place[i]];
      list->type->unref(list->items[i]);
    }
  }
}

int nm_addr_list_unique(struct nm_list *list, size_t *place) {
  size_t few[FEW], *own = NULL;
  if (place == NULL) {
    own = list->n > FEW ? nm_realloc_array(NULL, list->n, sizeof *own) : NULL;
    place = list->n > FEW ? own : few;
  }
  int err = place != NULL ? find(list, place) : NM_ENOMEM;
  if (err == 0) {
    keep_first(list, place);
  }
  nm_free(own);
  return err;
}
