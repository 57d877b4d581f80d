#include "base/list.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

struct nm_list *nm_list_new(const struct nm_list_type *type, size_t max) {
  struct nm_list *l = nm_zalloc(sizeof *l);
  if (l != NULL) {
    l->type = type;
    l->max = max;
    l->refs = 1;
  }
  return l;
}

void nm_list_init(struct nm_list *l, const struct nm_list_type *type, size_t max, unsigned *block) {
  *l = (struct nm_list){.type = type, .max = max, .refs = 1, .block = block};
  ++*block;
}

struct nm_list *nm_list_ref(struct nm_list *l) {
  l->refs++;
  return l;
}

void nm_list_unref(struct nm_list **at) {
  struct nm_list *l = *at;
  *at = NULL;
  if (l != NULL && --l->refs == 0) {
    nm_list_clear(l);
    nm_free(l->items);
    if (l->block == NULL) {
      nm_free(l);
    } else if (--*l->block == 0) {
      nm_free(l->block);
    }
  }
}

/* Room for n more. */
static int grow(struct nm_list *l, size_t n) {
  if (n > l->max - l->n) {
    return NM_ELIMIT;
  }
  if (n > l->cap - l->n) {
    size_t cap = l->cap > 0 ? l->cap * 2 : 4;
    cap = cap > l->n + n ? cap : l->n + n;
    void **items = nm_realloc_array(l->items, cap, sizeof *items);
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
}

int nm_list_assign(struct nm_list *to, const struct nm_list *from) {
  struct nm_list *copy = nm_list_new(to->type, to->max);
  if (copy == NULL) {
    return NM_ENOMEM;
  }
  int err = nm_list_add_all(copy, from);
  if (err == 0) { /* the two swap what they hold; the old items go with the copy */
    struct nm_list old = *to;
    to->items = copy->items;
    to->n = copy->n;
    to->cap = copy->cap;
    copy->items = old.items;
    copy->n = old.n;
    copy->cap = old.cap;
  }
  nm_list_unref(&copy);
  return err;
}
