#include "mime/embed_table.h"

#include "base/alloc.h"
#include "base/error.h"

#define FIRST_CAP 16

/* FNV-1a (64 bit) from a secret beginning. */
static uint64_t hash_of(const struct nm_embed_table *t, struct nm_str key) {
  uint64_t h = t->seed;
  for (size_t i = 0; i < key.n; i++) {
    h = (h ^ (unsigned char)key.p[i]) * 0x100000001b3u;
  }
  return h ^ h >> 32;
}

static struct nm_embed_slot *place_of(const struct nm_embed_table *t, uint64_t hash) {
  size_t i = (size_t)hash & (t->cap - 1);
  while (t->slots[i].part != NULL) {
    i = (i + 1) & (t->cap - 1);
  }
  return &t->slots[i];
}

struct nm_part *nm_embed_table_find(const struct nm_embed_table *t, struct nm_str key, struct nm_str type) {
  if (t->cap == 0) {
    return NULL;
  }
  uint64_t hash = hash_of(t, key);
  for (size_t i = (size_t)hash & (t->cap - 1); t->slots[i].part != NULL; i = (i + 1) & (t->cap - 1)) {
    const struct nm_embed_slot *s = &t->slots[i];
    if (s->hash == hash && nm_str_eq(s->key, key) &&
        (type.p == NULL || nm_str_ieq(nm_part_type(s->part), type))) {
      return s->part;
    }
  }
  return NULL;
}

/* At most half full. */
static int grow(struct nm_embed_table *t) {
  struct nm_embed_table bigger = {.seed = t->seed, .n = t->n, .cap = t->cap > 0 ? 2 * t->cap : FIRST_CAP};
  if (2 * (t->n + 1) <= t->cap) {
    return 0;
  }
  bigger.slots = nm_realloc_array(NULL, bigger.cap, sizeof *bigger.slots);
  if (bigger.slots == NULL) {
    return NM_ENOMEM;
  }
  memset(bigger.slots, 0, bigger.cap * sizeof *bigger.slots);
  for (size_t i = 0; i < t->cap; i++) {
    if (t->slots[i].part != NULL) {
      *place_of(&bigger, t->slots[i].hash) = t->slots[i];
    }
  }
  nm_free(t->slots);
  *t = bigger;
  return 0;
}

int nm_embed_table_add(struct nm_embed_table *t, struct nm_str key, struct nm_part *part) {
  int err = grow(t);
  if (err == 0) {
    uint64_t hash = hash_of(t, key);
    *place_of(t, hash) = (struct nm_embed_slot){hash, key, part};
    t->n++;
  }
  return err;
}

void nm_embed_table_free(struct nm_embed_table *t) {
  nm_free(t->slots);
  *t = (struct nm_embed_table){.seed = t->seed};
}
