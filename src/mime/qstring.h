#ifndef NM_MIME_QSTRING_H
#define NM_MIME_QSTRING_H

#include <stddef.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* quoted-string (RFC 5322 3.2.4; RFC 2045 5.1 has the same): printable ASCII between quotes, a backslash
   before each quote and backslash. Never folded inside. */

NM_HIDDEN_BEGIN

/* Printable ASCII, maybe empty, that nobody takes for an encoded word: "=?" anywhere is decoded by many
   readers, also within quotes, where RFC 2047 5 forbids it. */
int nm_qstring_can(struct nm_str s);
/* Octets of it with its quotes. */
size_t nm_qstring_size(struct nm_str s);
void nm_qstring_write(struct nm_buf *b, struct nm_str s);

NM_HIDDEN_END

#endif
