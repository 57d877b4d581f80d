#ifndef NM_BASE_BASE64_H
#define NM_BASE_BASE64_H

#include <stddef.h>
#include "base/hidden.h"

/* RFC 4648 4, with padding, without line ends (mime/encoder.h has those). */
#define NM_BASE64_SIZE(n) (((n) + 2) / 3 * 4)

NM_HIDDEN_BEGIN

/* Writes NM_BASE64_SIZE(n) bytes to out (no NUL) and returns their number. */
size_t nm_base64_encode(char *out, const char *p, size_t n);

NM_HIDDEN_END

#endif
