#ifndef NM_BASE_BASE64_H
#define NM_BASE_BASE64_H

#include <stddef.h>
#include "base/buf.h"
#include "base/hidden.h"

/* RFC 4648 4, with padding, without line ends (mime/encoder.h has those). */
#define NM_BASE64_SIZE(n) (((n) + 2) / 3 * 4)

/* Decoding, in any number of steps. All-zero to begin. */
struct nm_base64_reader {
  unsigned bits;
  unsigned have; /* digits of the unfinished quantum: 0 to 3 */
};

/* What step writes at most for n octets. */
#define NM_BASE64_ROOM(n) ((n) / 4 * 3 + 5)

NM_HIDDEN_BEGIN

/* Writes NM_BASE64_SIZE(n) bytes to out (no NUL) and returns their number. */
size_t nm_base64_encode(char *out, const char *p, size_t n);
/* Appends the same. */
void nm_base64_add(struct nm_buf *b, const void *p, size_t n);
/* Returns the octets written. What is no digit is left out (RFC 2045 6.8); "=" ends a quantum, and another may follow, as where
   two encoded texts were joined. */
size_t nm_base64_step(struct nm_base64_reader *r, const char *p, size_t n, char *out);
/* The end: what a quantum without its padding still holds, at most 2 octets. The reader may then begin anew. */
size_t nm_base64_flush(struct nm_base64_reader *r, char *out);

NM_HIDDEN_END

#endif
