#ifndef NM_BASE_UTF8_H
#define NM_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include "base/hidden.h"
#include "base/str.h"

#define NM_UTF8_MAX 4

NM_HIDDEN_BEGIN

/* RFC 3629 4: the length (1-4) of the well-formed sequence at p, its code point in *cp_out (may be NULL);
   0 when it is broken, overlong, a surrogate, above U+10FFFF or cut off by n. */
size_t nm_utf8_next(const char *p, size_t n, uint32_t *cp_out);
/* s.n when all of it is well-formed, else the offset of the first bad byte. */
size_t nm_utf8_valid(struct nm_str s);
/* Writes a code point (no surrogate, at most U+10FFFF) and returns how many octets that are. */
size_t nm_utf8_put(char out[NM_UTF8_MAX], uint32_t cp);
int nm_is_ascii(struct nm_str s);

NM_HIDDEN_END

#endif
