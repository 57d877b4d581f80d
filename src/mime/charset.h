#ifndef NM_MIME_CHARSET_H
#define NM_MIME_CHARSET_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* Text is UTF-8 inside; a charset is only what stands on the wire. iconv does the work. */

NM_HIDDEN_BEGIN

/* The name is an RFC 2045 token, iconv knows it, and it contains ASCII as it is (UTF-16 and the like cannot
   carry mail text unencoded and are refused). "" and "utf-8" mean UTF-8. */
int nm_charset_check(struct nm_str name, struct nm_error *e);
/* utf8 in the charset, appended to out, ending in the charset's initial state. A character that the charset
   lacks is NM_EINVAL with a text that names it (as U+XXXX and itself) and the charset. Never transliterates. */
int nm_charset_encode(struct nm_str charset, struct nm_str utf8, struct nm_buf *out, struct nm_error *e);
/* UTF-8, or ASCII which is part of it. */
int nm_charset_is_utf8(struct nm_str name);

NM_HIDDEN_END

#endif
