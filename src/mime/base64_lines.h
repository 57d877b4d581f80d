#ifndef NM_MIME_BASE64_LINES_H
#define NM_MIME_BASE64_LINES_H

#include <stddef.h>
#include "base/hidden.h"

/* Octets of one encoded line with its CRLF. */
#define NM_BASE64_LINE 78

NM_HIDDEN_BEGIN

/* Encodes whole lines: 57 octets of p become 76 columns and CRLF at out, lines times over. Nothing is read or written
   beyond. This is where nearly all the time of a large message is spent: a faster kernel for a processor that has
   wider registers goes behind this one function. */
void nm_base64_lines(char *out, const unsigned char *p, size_t lines);

NM_HIDDEN_END

#endif
