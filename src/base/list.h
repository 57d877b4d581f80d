#ifndef NM_BASE_LIST_H
#define NM_BASE_LIST_H

#include <stddef.h>
#include "base/block.h"
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
  int is_lent;            /* items lie in block */
  struct nm_block *block; /* what it lies in, and holds; NULL: a block of its own */
  struct nm_block *room;  /* where the next item may be made, and what it holds for that; NULL: none */
};

NM_HIDDEN_BEGIN

/* A new empty list with one reference, or NULL. */
struct nm_list *nm_list_new(const struct nm_list_type *type, size_t max);
/* An empty list with one reference, within a block: one more holder of it. So an object with many lists makes them at once. */
void nm_list_init(struct nm_list *l, const struct nm_list_type *type, size_t max, struct nm_block *block);
struct nm_list *nm_list_ref(struct nm_list *l);
void nm_list_unref(struct nm_list **l);
/* n of them that lie one behind the other in one block, which stays. */
void nm_lists_unref(struct nm_list *lists, size_t n);
/* 0 <= at <= n, else NM_EINVAL; NM_ELIMIT beyond max. Takes its own reference to item. */
int nm_list_insert(struct nm_list *l, size_t at, void *item);
int nm_list_add(struct nm_list *l, void *item);
/* All of from at the end of l, or on failure none. */
int nm_list_add_all(struct nm_list *l, const struct nm_list *from);
/* The same with the caller's reference, which is his no more; on failure it is dropped. */
int nm_list_give(struct nm_list *l, void *item);
int nm_list_remove(struct nm_list *l, size_t at);
void nm_list_clear(struct nm_list *l);
/* to becomes a copy of from; on failure to is unchanged. */
int nm_list_assign(struct nm_list *to, const struct nm_list *from);
/* to has what from had, a list of the same type in a block of its own, and from is empty. */
void nm_list_move(struct nm_list *to, struct nm_list *from);
/* A block with n octets left for an item that is made for this list; *out NULL: it is to have a block of its own. The more items there are,
   the more of them share one, up to a page: who keeps one item of a long list keeps no more than that. NM_ENOMEM. */
int nm_list_room(struct nm_list *l, size_t n, struct nm_block **out);

NM_HIDDEN_END

#endif
