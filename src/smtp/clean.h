#ifndef NM_SMTP_CLEAN_H
#define NM_SMTP_CLEAN_H

#include <stddef.h>
#include "base/hidden.h"

NM_HIDDEN_BEGIN

/* How many octets of p, which begins within a line or with an octet that is no dot, go out as they are: up to a bare CR, a bare LF, a
   CR that nothing follows yet, or, if dotted, a dot that begins a line. */
size_t nm_clean_run(const char *p, size_t n, int dotted);

NM_HIDDEN_END

#endif
