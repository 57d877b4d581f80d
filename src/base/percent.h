#ifndef NM_BASE_PERCENT_H
#define NM_BASE_PERCENT_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* Appends s with its percent-encoded octets (RFC 3986 2.1) replaced, once. A "%" that two hex digits do not follow stays. */
void nm_percent_decode(struct nm_buf *b, struct nm_str s);

NM_HIDDEN_END

#endif
