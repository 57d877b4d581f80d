#ifndef NM_TESTING_TEXTS_H
#define NM_TESTING_TEXTS_H

#include "base/buf.h"
#include "base/hidden.h"

/* A row of texts in one buffer, of any octets. Born with the maximum of its buffer: { .b.max = N }. */
struct nm_texts {
  struct nm_buf b;
  size_t n;
};

/* What a text takes beside itself. */
#define NM_TEXTS_EXTRA (sizeof(size_t))

NM_HIDDEN_BEGIN

/* As nm_buf_add: a failure sticks in b.err. */
void nm_texts_add(struct nm_texts *t, struct nm_str s);
/* *at is 0 to begin. 0 when there are no more. */
int nm_texts_next(const struct nm_texts *t, size_t *at, struct nm_str *out);
/* Of pairs: the text behind the one that is name. 0 when there is none. */
int nm_texts_find(const struct nm_texts *t, struct nm_str name, struct nm_str *out);
void nm_texts_free(struct nm_texts *t);

NM_HIDDEN_END

#endif
