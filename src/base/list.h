#ifndef NM_BASE_LIST_H
#define NM_BASE_LIST_H

#include <stddef.h>
#include "base/hidden.h"

/* An ordered list of references to counted objects (addresses, attachments), itself counted. */
struct nm_list_type {
  void (*ref)(void *item);
  void (*unref)(void *item);
};

struct nm_list {
  const struct nm_list_type *type;
  void **items;
  size_t n;
  size_t cap;
  size_t max;
  unsigned refs;
  unsigned *block; /* what it lies in; NULL: a block of its own */
};

NM_HIDDEN_BEGIN

/* A new empty list with one reference, or NULL. */
struct nm_list *nm_list_new(const struct nm_list_type *type, size_t max);
/* An empty list with one reference, within a block of nm_alloc's that begins with the count of such lists in it: the last one that is
   dropped frees the block. So an object with many lists makes them at once. */
void nm_list_init(struct nm_list *l, const struct nm_list_type *type, size_t max, unsigned *block);
struct nm_list *nm_list_ref(struct nm_list *l);
void nm_list_unref(struct nm_list **l);
/* 0 <= at <= n, else NM_EINVAL; NM_ELIMIT beyond max. Takes its own reference to item. */
int nm_list_insert(struct nm_list *l, size_t at, void *item);
int nm_list_add(struct nm_list *l, void *item);
/* All of from at the end of l, or on failure none. */
int nm_list_add_all(struct nm_list *l, const struct nm_list *from);
int nm_list_remove(struct nm_list *l, size_t at);
void nm_list_clear(struct nm_list *l);
/* to becomes a copy of from; on failure to is unchanged. */
int nm_list_assign(struct nm_list *to, const struct nm_list *from);

NM_HIDDEN_END

#endif
