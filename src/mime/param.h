#ifndef NM_MIME_PARAM_H
#define NM_MIME_PARAM_H

#include <stddef.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* "; name=value" on the line or folded. The value is UTF-8: a token stays bare; printable ASCII is quoted; anything
   else, and what does not fit a line of 78, goes by RFC 2231 (utf-8''%XX, in *0* *1* pieces split between characters). */
size_t nm_param_write(struct nm_buf *b, size_t col, const char *name, struct nm_str value);
/* The same, and before it, when RFC 2231 was needed, a fallback of the same name for old readers whose value is
   one RFC 2047 encoded-word chain in quotes (as Outlook and Gmail read it): for Content-Type's name only; a
   Content-Disposition filename uses nm_param_write. */
size_t nm_param_write_fallback(struct nm_buf *b, size_t col, const char *name, struct nm_str value);

NM_HIDDEN_END

#endif
