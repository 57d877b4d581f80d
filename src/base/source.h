#ifndef NM_BASE_SOURCE_H
#define NM_BASE_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* Bytes that are pulled. What is sent is read through one of these and never held whole; encoders, the
   rendered message and dot-stuffing are sources over sources. */
struct nm_source;

struct nm_source_ops {
  /* Reads up to cap (>= 1) bytes. 0 and *n_out > 0: that many; 0 and *n_out == 0: the end; NM_AGAIN: nothing
     now; negative: failed, and says the same ever after. */
  int (*read)(struct nm_source *s, char *p, size_t cap, size_t *n_out);
  /* Back to the first byte (also after the end); NM_EINVAL when this kind cannot. */
  int (*rewind)(struct nm_source *s);
  /* Bytes of the whole from the first to the last, or -1 when unknown; does not depend on the position. */
  int64_t (*size)(struct nm_source *s);
  void (*free)(struct nm_source *s);
};

/* First member of every kind of source. */
struct nm_source {
  const struct nm_source_ops *ops;
  struct nm_error error; /* filled when read or rewind returns a negative code */
};

NM_HIDDEN_BEGIN

int nm_source_read(struct nm_source *s, char *p, size_t cap, size_t *n_out);
int nm_source_rewind(struct nm_source *s);
int64_t nm_source_size(struct nm_source *s);
/* Frees *s and sets it to NULL; NULL is fine. */
void nm_source_free(struct nm_source **s);
/* Keeps p until free. NULL when out of memory. */
struct nm_source *nm_source_memory(struct nm_str s);

NM_HIDDEN_END

#endif
