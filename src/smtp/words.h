#ifndef NM_SMTP_WORDS_H
#define NM_SMTP_WORDS_H

#include <stddef.h>
#include "base/hidden.h"
#include "base/str.h"

/* What a server has said: a text that several may have, and nobody changes. */
struct nm_words {
  size_t refs;
  size_t n;
  char text[]; /* a NUL follows it */
};

NM_HIDDEN_BEGIN

/* A reference to before (NULL: none), if it says the same, or a new one. NULL: no memory, or text is empty. */
struct nm_words *nm_words_same(struct nm_words *before, struct nm_str text);
/* *w is NULL then, as it may be before. */
void nm_words_unref(struct nm_words **w);

NM_HIDDEN_END

#endif
