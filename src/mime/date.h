#ifndef NM_MIME_DATE_H
#define NM_MIME_DATE_H

#include <stdint.h>
#include "base/hidden.h"
#include "base/str.h"

/* 1900-01-01 and 9999-12-31 23:59:59 UTC: RFC 5322 3.3 has years of four digits from 1900 on. */
#define NM_DATE_FIRST INT64_C(-2208988800)
#define NM_DATE_LAST INT64_C(253402300799)

/* Octets of a date that we write. */
#define NM_DATE_SIZE 31

NM_HIDDEN_BEGIN

/* RFC 5322 3.3: "Sat, 21 Nov 2026 23:52:45 +0300". t: seconds since 1970 UTC; offset: minutes east of UTC.
   Own calendar arithmetic: no locale, no time zone data. */
void nm_date_put(char text[NM_DATE_SIZE], int64_t t, int offset); /* no NUL */
/* What nm_date_put writes, read back; the day of the week and the seconds may be missing, the zone may be GMT, UT or UTC. 0, or
   NM_EINVAL for anything else, and for a date that the calendar does not have. */
int nm_date_parse(struct nm_str text, int64_t *t_out, int *offset_out);
/* The value of a field that others wrote: with comments and folds, a wrong day of the week, years of two digits, zones by name or
   none (RFC 5322 4.3: then it is as if +0000). */
int nm_date_read(struct nm_str value, int64_t *t_out, int *offset_out);

NM_HIDDEN_END

#endif
