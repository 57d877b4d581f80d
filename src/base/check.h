#ifndef NM_BASE_CHECK_H
#define NM_BASE_CHECK_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* What every text of the caller's passes before it is kept. 0, or NM_EINVAL with a sentence that begins with field's name
   and says what to do. Offsets are those of octets, from 1. */

/* No NUL: the least, of which not even a sentence that shows the text can do without, since it would end there. The text is not shown: it may
   be a password. */
int nm_check_nul(const char *field, struct nm_str s, struct nm_error *e);
/* UTF-8 without NUL; lines of any kind. */
int nm_check_text(const char *field, struct nm_str s, struct nm_error *e);
/* The same, and no CR or LF: what goes into a header field. */
int nm_check_line(const char *field, struct nm_str s, struct nm_error *e);

NM_HIDDEN_END

#endif
