#ifndef NM_SPEC_ENCODE_H
#define NM_SPEC_ENCODE_H

/* An encoder in steps, and long lines, for the tests of transfer encodings. */

#include "mime/encoder.h"
#include "support/ctest.h"

#define A10 "aaaaaaaaaa"
#define A70 A10 A10 A10 A10 A10 A10 A10

#define CYRILLIC "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"
#define A998 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A10 "aaaaaaaa"

/* Encodes in steps of n octets (0: all at once); the result is NUL-terminated, the caller frees it. */
static inline char *encode(enum nm_cte cte, int text, const char *in, size_t len, size_t step,
                           size_t *n_out) {
  struct nm_encoder e = {.cte = cte, .text = text};
  char *out = malloc(NM_ENCODER_ROOM(len) + (len + 1) * 2 * NM_ENCODER_ROOM(1));
  size_t n = 0;
  step = step == 0 ? len + 1 : step;
  for (size_t at = 0; at < len; at += step) {
    size_t piece = len - at < step ? len - at : step;
    size_t wrote = nm_encoder_step(&e, in + at, piece, out + n);
    CHECK(wrote <= NM_ENCODER_ROOM(piece));
    n += wrote;
  }
  n += nm_encoder_flush(&e, out + n);
  out[n] = '\0';
  *n_out = n;
  return out;
}

#endif
