#ifndef NM_MIME_CALENDAR_H
#define NM_MIME_CALENDAR_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* What mail must know of an iCalendar object; its making is not ours. */

NM_HIDDEN_BEGIN

/* The value of METHOD of the VCALENDAR object, in upper case, appended to out. NM_EINVAL when ics is no such object, or has no METHOD,
   two, or one that is not of RFC 5546 1.4 (a calendar without a method is no invitation: attach it). */
int nm_calendar_method(struct nm_str ics, struct nm_buf *out, struct nm_error *e);

NM_HIDDEN_END

#endif
