#ifndef NM_MIME_ENCWORD_H
#define NM_MIME_ENCWORD_H

#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* The value of an unstructured field (Subject): ASCII words stay as they are and fold at their spaces,
   everything else becomes RFC 2047 encoded words of at most 75 octets, split only between characters, B or Q
   by what is shorter. Reading it back gives exactly text: white space, and text that itself looks like an
   encoded word ("=?"), survive. Controls are encoded too (CR, LF and NUL never get here: the caller refuses
   them). charset: as nm_charset_check takes; each word is converted and ends in the initial state on its own.
   On error what was appended is worth nothing. */
int nm_encword_text(struct nm_buf *b, size_t *col, struct nm_str text, struct nm_str charset,
                    struct nm_error *e);
/* A display name (phrase): atoms, a quoted string, or encoded words with the smaller alphabet of RFC 2047
   5(3); never an encoded word inside a quoted string. An empty name is nothing. */
int nm_encword_phrase(struct nm_buf *b, size_t *col, struct nm_str text, struct nm_str charset,
                      struct nm_error *e);

NM_HIDDEN_END

#endif
