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
  /* NULL: nothing is lent. As nm_source_lend. */
  size_t (*lend)(struct nm_source *s, size_t min, size_t max, const char **p_out);
  /* NULL: nothing is vouched for. As nm_source_vouches. */
  unsigned (*vouches)(const struct nm_source *s);
};

/* What a source can know of its octets without a look at each: it has written them itself, or they were looked at and cannot have
   changed since. */
enum {
  NM_VOUCHED_LINES = 1, /* each LF has its CR before it, each CR its LF behind it, perhaps in the next read */
  NM_VOUCHED_DOTLESS = 2 /* no dot begins a line, nor the first octets, wherever they come to stand */
};

/* Less is better copied to what is sent with it than lent. */
#define NM_LEND_MIN 32768

/* First member of every kind of source. */
struct nm_source {
  const struct nm_source_ops *ops;
  struct nm_error error; /* filled when read or rewind returns a negative code */
};

NM_HIDDEN_BEGIN

int nm_source_read(struct nm_source *s, char *p, size_t cap, size_t *n_out);
/* As a read, but where the bytes lie: max of them at most, which stay where and what they are until s is freed. 0: less than min (>= 1)
   that come next lie in memory as they are to be read. Then nm_source_read goes on, and says what is the matter. */
size_t nm_source_lend(struct nm_source *s, size_t min, size_t max, const char **p_out);
/* NM_VOUCHED_… for all that the next read or lend gives. */
unsigned nm_source_vouches(const struct nm_source *s);
int nm_source_rewind(struct nm_source *s);
int64_t nm_source_size(struct nm_source *s);
/* Frees *s and sets it to NULL; NULL is fine. */
void nm_source_free(struct nm_source **s);
/* Keeps p until free. NULL when out of memory. */
struct nm_source *nm_source_memory(struct nm_str s);

NM_HIDDEN_END

#endif
