#ifndef NM_BASE_BUF_H
#define NM_BASE_BUF_H

#include <stddef.h>
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* A growing byte buffer that is born with its maximum: { .max = N }. Append freely, check .err once at the
   end: the first failure (NM_ENOMEM, NM_ELIMIT) sticks and later appends do nothing. All-zero takes no byte.
   The bytes are always followed by a NUL that n does not count, once anything was added. */
struct nm_buf {
  char *p;
  size_t n;
  size_t cap;
  size_t max;
  int err;
  int secret; /* set at birth: no copy of the bytes stays behind when it grows or is freed */
};

NM_HIDDEN_BEGIN

void nm_buf_add(struct nm_buf *b, const char *p, size_t n);
void nm_buf_add_str(struct nm_buf *b, struct nm_str s);
void nm_buf_add_byte(struct nm_buf *b, char c);
void nm_buf_addf(struct nm_buf *b, const char *fmt, ...) NM_PRINTF(2, 3);
/* Room for n more bytes at p + n of the buffer, or NULL (err is set). Add what was used to b->n. */
char *nm_buf_room(struct nm_buf *b, size_t n);
/* b becomes a copy of s (max and secret stay); on failure it is unchanged. what names it in e ("Subject"). */
int nm_buf_replace(struct nm_buf *b, const char *what, struct nm_str s, struct nm_error *e);
/* Forgets the bytes and the error, keeps the memory. */
void nm_buf_reset(struct nm_buf *b);
/* Frees (overwritten first when secret is set); leaves an empty buffer with the same max and secret. Twice is fine. */
void nm_buf_free(struct nm_buf *b);
static inline struct nm_str nm_buf_str(const struct nm_buf *b) {
  return nm_str(b->p != NULL ? b->p : "", b->n);
}

/* A C string; the length of a literal is known to the compiler. */
static inline void nm_buf_add_c(struct nm_buf *b, const char *s) {
  nm_buf_add(b, s, strlen(s));
}

NM_HIDDEN_END

#endif
