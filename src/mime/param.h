#ifndef NM_MIME_PARAM_H
#define NM_MIME_PARAM_H

#include <stddef.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* "; name=value" on the line or folded. name is a short token of ours. The value is UTF-8: what needs no
   quotes stays bare; printable ASCII is quoted; anything else, what a reader could take for an encoded word,
   and what does not fit a line of 78, goes by RFC 2231 (utf-8''%XX, in *0* *1* pieces split between
   characters). No octet of the value, whatever it is, can end the parameter. Keeps a column free for the next
   ";". */
size_t nm_param_write(struct nm_buf *b, size_t col, const char *name, struct nm_str value);
/* The same, and before it, when RFC 2231 was needed, a fallback of the same name for old readers whose value
   is one RFC 2047 encoded-word chain in quotes (RFC 2047 5 forbids it, so Outlook and Gmail write and read
   it): for Content-Type's name only; a Content-Disposition filename uses nm_param_write. The fallback comes
   first: readers of RFC 2231 take the other one wherever it stands. */
size_t nm_param_write_fallback(struct nm_buf *b, size_t col, const char *name, struct nm_str value);

NM_HIDDEN_END

#endif
