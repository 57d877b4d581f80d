#include "base/block.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

struct nm_block *nm_block_new(size_t used, size_t size) {
  struct nm_block *b = used >= sizeof *b && used <= size && size <= UINT_MAX ? nm_alloc(size) : NULL;
  if (b != NULL) {
    memset(b, 0, used);
    *b = (struct nm_block){.holders = 1, .used = (unsigned)used, .size = (unsigned)size};
  }
  return b;
}

void *nm_block_lend(struct nm_block *b, size_t n) {
  if (!nm_block_has(b, n)) {
    return NULL;
  }
  size_t at = (b->used + NM_BLOCK_ALIGNMENT - 1u) / NM_BLOCK_ALIGNMENT * NM_BLOCK_ALIGNMENT;
  b->used = (unsigned)(at + n);
  return (char *)b + at;
}

void *nm_block_take(struct nm_block *b, size_t n) {
  void *p = nm_block_lend(b, n);
  b->holders += p != NULL ? 1 : 0;
  return p;
}

void nm_block_drop(struct nm_block *b) {
  if (--b->holders == 0) {
    nm_free(b);
  }
}
