#ifndef NM_BASE_BLOCK_H
#define NM_BASE_BLOCK_H

#include <stddef.h>
#include "base/hidden.h"

/* Memory in which several small objects lie that are made together and mostly end together: one allocation for all of them. Each holds
   it, and the last one that lets go frees it. It is the first member of what lies in it from the beginning, if there is such. */
struct nm_block {
  unsigned holders;
  unsigned used; /* octets, from the block's beginning on, as is size */
  unsigned size;
};

#define NM_BLOCK_ALIGNMENT 8

NM_HIDDEN_BEGIN

/* A block of size octets in all, of which the caller's are the first used (nm_block's own among them, zeroed); he is its holder. NULL when
   memory is short. */
struct nm_block *nm_block_new(size_t used, size_t size);
/* n octets that nobody has, for one more holder; NULL when there are not so many. Aligned for pointers and numbers. */
void *nm_block_take(struct nm_block *b, size_t n);
/* The same without a holder: for what one of them has alone. */
void *nm_block_lend(struct nm_block *b, size_t n);
/* Whether there are so many. */
static inline int nm_block_has(const struct nm_block *b, size_t n) {
  size_t at = ((size_t)b->used + NM_BLOCK_ALIGNMENT - 1) / NM_BLOCK_ALIGNMENT * NM_BLOCK_ALIGNMENT;
  return at <= b->size && n <= b->size - at;
}
/* One holder lets go. */
void nm_block_drop(struct nm_block *b);

NM_HIDDEN_END

#endif
