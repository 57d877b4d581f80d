#ifndef NM_MIME_PHRASE_H
#define NM_MIME_PHRASE_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* Phrases with commas between them (RFC 5322 3.2.5), in UTF-8 as people write them: `red, "green, blue"`. What stands on the wire
   is the business of nm_encword_phrase. */

NM_HIDDEN_BEGIN

/* Appends what the phrase at *at means, without quotes and the white space around it; *at is then behind its comma, or beyond
   text.n when it was the last. 1; 0 when *at is beyond text.n; NM_EINVAL for an empty phrase or an open quote. */
int nm_phrase_next(struct nm_str text, size_t *at, struct nm_buf *out);
/* Appends a phrase so that nm_phrase_next gives it back: in quotes where it needs them. */
void nm_phrase_add(struct nm_buf *b, struct nm_str phrase);
/* As nm_phrase_add, in quotes. */
void nm_phrase_quote(struct nm_buf *b, struct nm_str phrase);

NM_HIDDEN_END

#endif
