#include "base/list.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* Of most lists: a message to one or two. */
#define FIRST_CAP 2
/* A block for items: with what malloc adds, a page. */
#define ROOM_MAX 4064

struct nm_list *nm_list_new(const struct nm_list_type *type, size_t max) {
  struct nm_list *l = nm_zalloc(sizeof *l);
  if (l != NULL) {
    l->type = type;
    l->max = max;
    l->refs = 1;
  }
  return l;
}

void nm_list_init(struct nm_list *l, const struct nm_list_type *type, size_t max, struct nm_block *block) {
  *l = (struct nm_list){.type = type, .max = max, .refs = 1, .block = block};
  block->holders++;
}

struct nm_list *nm_list_ref(struct nm_list *l) {
  l->refs++;
  return l;
}

static void leave_room(struct nm_list *l) {
  if (l->room != NULL) {
    nm_block_drop(l->room);
    l->room = NULL;
  }
}

static void free_items(struct nm_list *l) {
  nm_list_clear(l);
  if (!l->is_lent) {
    nm_free(l->items);
  }
}

void nm_list_unref(struct nm_list **at) {
  struct nm_list *l = *at;
  *at = NULL;
  if (l != NULL && --l->refs == 0) {
    free_items(l);
    if (l->block == NULL) {
      nm_free(l);
    } else {
      nm_block_drop(l->block);
    }
  }
}

void nm_lists_unref(struct nm_list *lists, size_t n) {
  for (struct nm_list *l = lists; l < lists + n; l++) {
    if (--l->refs > 0) {
      continue;
    }
    if (l->items != NULL || l->room != NULL) {
      free_items(l);
    }
    l->block->holders--;
  }
}

/* What lies in the block is left there. */
static void **more_items(struct nm_list *l, size_t cap) {
  void **items = nm_realloc_array(l->is_lent ? NULL : l->items, cap, sizeof *items);
  if (items != NULL && l->is_lent) {
    memcpy(items, l->items, l->n * sizeof *items);
    l->is_lent = 0;
  }
  return items;
}

/* Room for n more. */
static int grow(struct nm_list *l, size_t n) {
  if (n > l->max - l->n) {
    return NM_ELIMIT;
  }
  if (n > l->cap - l->n) {
    size_t cap = l->cap > 0 ? l->cap * 2 : FIRST_CAP;
    cap = cap > l->n + n ? cap : l->n + n;
    void **items = NULL;
    if (l->items == NULL && l->block != NULL) {
      items = nm_block_lend(l->block, cap * sizeof *items);
      l->is_lent = items != NULL;
    }
    items = items != NULL ? items : more_items(l, cap);
    if (items == NULL) {
      return NM_ENOMEM;
    }
    l->items = items;
    l->cap = cap;
  }
  return 0;
}

int nm_list_insert(struct nm_list *l, size_t at, void *item) {
  if (at > l->n) {
    return NM_EINVAL;
  }
  int err = grow(l, 1);
  if (err != 0) {
    return err;
  }
  memmove(l->items + at + 1, l->items + at, (l->n - at) * sizeof *l->items);
  l->items[at] = item;
  l->n++;
  l->type->ref(item);
  return 0;
}

int nm_list_give(struct nm_list *l, void *item) {
  int err = grow(l, 1);
  if (err != 0) {
    l->type->unref(item);
    return err;
  }
  l->items[l->n++] = item;
  return 0;
}

int nm_list_add(struct nm_list *l, void *item) {
  return nm_list_insert(l, l->n, item);
}

int nm_list_add_all(struct nm_list *l, const struct nm_list *from) {
  size_t n = from->n;
  int err = n > 0 ? grow(l, n) : 0;
  for (size_t i = 0; i < n && err == 0; i++) {
    void *item = from->items[i];
    l->items[l->n++] = item;
    l->type->ref(item);
  }
  return err;
}

int nm_list_remove(struct nm_list *l, size_t at) {
  if (at >= l->n) {
    return NM_EINVAL;
  }
  void *item = l->items[at];
  l->n--;
  memmove(l->items + at, l->items + at + 1, (l->n - at) * sizeof *l->items);
  l->type->unref(item);
  return 0;
}

void nm_list_clear(struct nm_list *l) {
  while (l->n > 0) {
    l->type->unref(l->items[--l->n]);
  }
  leave_room(l);
}

void nm_list_move(struct nm_list *to, struct nm_list *from) {
  free_items(to);
  to->items = from->items;
  to->n = from->n;
  to->cap = from->cap;
  to->room = from->room;
  to->is_lent = 0;
  from->items = NULL;
  from->n = from->cap = 0;
  from->room = NULL;
}

int nm_list_assign(struct nm_list *to, const struct nm_list *from) {
  struct nm_list *copy = nm_list_new(to->type, to->max);
  if (copy == NULL) {
    return NM_ENOMEM;
  }
  int err = nm_list_add_all(copy, from);
  if (err == 0) {
    nm_list_move(to, copy);
  }
  nm_list_unref(&copy);
  return err;
}

int nm_list_room(struct nm_list *l, size_t n, struct nm_block **out) {
  *out = l->room != NULL ? l->room : l->block;
  if (*out != NULL && nm_block_has(*out, n)) {
    return 0;
  }
  size_t each = n + NM_BLOCK_ALIGNMENT;
  size_t most = n < ROOM_MAX ? (ROOM_MAX - sizeof **out) / each : 0;
  size_t count = l->n < most ? l->n : most;
  *out = NULL;
  if (count > 1) {
    *out = nm_block_new(sizeof **out, sizeof **out + count * each);
    if (*out == NULL) {
      return NM_ENOMEM;
    }
    leave_room(l);
    l->room = *out;
  }
  return 0;
}
