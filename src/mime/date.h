#ifndef NM_MIME_DATE_H
#define NM_MIME_DATE_H

#include <stdint.h>
#include "base/buf.h"
#include "base/hidden.h"

NM_HIDDEN_BEGIN

/* RFC 5322 3.3: "Sat, 21 Nov 2026 23:52:45 +0300". t: seconds since 1970 UTC; offset: minutes east of UTC.
   Own calendar arithmetic: no locale, no time zone data. */
void nm_date_write(struct nm_buf *b, int64_t t, int offset);

NM_HIDDEN_END

#endif
