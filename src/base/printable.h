#ifndef NM_BASE_PRINTABLE_H
#define NM_BASE_PRINTABLE_H

#include <stddef.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* A character as \xNN for each of its at most four octets. */
#define NM_PRINTABLE_MAX 16

NM_HIDDEN_BEGIN

/* The first character of s (s.n > 0) as a terminal and a log may show it: itself, or \xNN where it is a control, broken
   UTF-8, or one of those that turn the direction of text or take no room, and so could show an address or a server's line
   as something else. Writes to out and returns how much; *used_out: octets of s. */
size_t nm_printable(struct nm_str s, char out[NM_PRINTABLE_MAX], size_t *used_out);
/* All of s. */
void nm_printable_add(struct nm_buf *out, struct nm_str s);

NM_HIDDEN_END

#endif
