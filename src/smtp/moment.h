#ifndef NM_SMTP_MOMENT_H
#define NM_SMTP_MOMENT_H

#include <stdint.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* 9999-12-31T23:59:59Z: the year has four digits. */
#define NM_MOMENT_MAX INT64_C(253402300799)

NM_HIDDEN_BEGIN

/* The date-time of RFC 3339 ("2026-11-22T02:52:45+03:00"), all of text, as seconds since 1970 UTC; a fraction of a second counts for
   nothing. NM_EINVAL for anything else, for a day that the calendar does not have, and for what lies before 1970. */
int nm_moment_read(struct nm_str text, int64_t *out);
/* The other way, in UTC; 0 to NM_MOMENT_MAX. */
void nm_moment_add(struct nm_buf *b, int64_t moment);

NM_HIDDEN_END

#endif
