#ifndef NM_MIME_HEAD_READ_H
#define NM_MIME_HEAD_READ_H

#include <stddef.h>
#include "base/hidden.h"
#include "base/str.h"

/* One field of a header that others wrote, as it stands there: nothing is copied. */
struct nm_head_field {
  struct nm_str name;  /* empty: a line that is no field */
  struct nm_str value; /* behind the colon, with its folds, without the last line end */
  struct nm_str all;   /* the lines, with their ends */
};

NM_HIDDEN_BEGIN

/* The next field of the header of bytes from *at on. Lines end in CRLF or LF. 1; 0 at the empty line, or the end: *at is then
   the first octet of the body. Lenient: white space before the colon (RFC 5322 4.5), a name that is none or a line without
   a colon (given as it is, without a name, and what is folded below it). Every octet before the body is in exactly one of
   all, but for the empty line. Linear, and any number of fields: whoever keeps them has a maximum. */
int nm_head_next(struct nm_str bytes, size_t *at, struct nm_head_field *out);
/* The first octet behind a mailbox's line "From address date" (RFC 4155), which is no part of the message; 0: there is none. */
size_t nm_head_begin(struct nm_str bytes);
/* One line from at on: where the next one begins. *end_out (may be NULL): where its line end begins. */
size_t nm_line_next(struct nm_str bytes, size_t at, size_t *end_out);

NM_HIDDEN_END

#endif
