#ifndef NM_BASE_PERCENT_H
#define NM_BASE_PERCENT_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* Replaces, once, the percent-encoded octets (RFC 3986 2.1) in what b has from begin on. A "%" that two hex digits do not follow
   stays. */
void nm_percent_undo(struct nm_buf *b, size_t begin);
/* Appends s with them replaced; s as it is must fit. */
void nm_percent_decode(struct nm_buf *b, struct nm_str s);

NM_HIDDEN_END

#endif
