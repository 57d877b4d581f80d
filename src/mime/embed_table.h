#ifndef NM_MIME_EMBED_TABLE_H
#define NM_MIME_EMBED_TABLE_H

#include <stdint.h>
#include "base/hidden.h"
#include "base/str.h"
#include "mime/part.h"

/* Pictures found again by a key. All-zero but for a seed that nobody can guess, so that nobody can make keys that collide. */
struct nm_embed_slot {
  uint64_t hash;
  struct nm_str key; /* borrowed */
  struct nm_part *part;
};

struct nm_embed_table {
  uint64_t seed;
  size_t n;
  size_t cap; /* a power of two, or 0 */
  struct nm_embed_slot *slots;
};

NM_HIDDEN_BEGIN

/* The part with this key whose type is type (p NULL: any); NULL. */
struct nm_part *nm_embed_table_find(const struct nm_embed_table *t, struct nm_str key, struct nm_str type);
/* Keeps key and part until free. NM_ENOMEM. */
int nm_embed_table_add(struct nm_embed_table *t, struct nm_str key, struct nm_part *part);
/* Keys and parts are not ours. */
void nm_embed_table_free(struct nm_embed_table *t);

NM_HIDDEN_END

#endif
