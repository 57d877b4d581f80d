#ifndef NM_MIME_CRLF_H
#define NM_MIME_CRLF_H

#include <stddef.h>
#include <string.h>
#include "base/hidden.h"

/* Text in its canonical form: every CRLF, CR and LF of p is a CRLF (RFC 2049 4 (2)). Returns the octets written to out, which has room for
   just those. */
typedef size_t nm_crlf_fn(char *out, const char *p, size_t n);

struct nm_crlf_kernel {
  const char *name;
  nm_crlf_fn *write;
};

/* Copies what is before the first CR or LF of p, all of it if there is none; returns how much that is. May write n octets, but no more. */
typedef size_t nm_crlf_line_fn(char *out, const char *p, size_t n);

NM_HIDDEN_BEGIN

/* As nm_base64_kernel: the i-th of those that this processor can run, the fastest first; then NULL. */
const struct nm_crlf_kernel *nm_crlf_kernel(size_t i);

nm_crlf_fn nm_crlf_avx2; /* where NM_CRLF_X86 is set */

NM_HIDDEN_END

#if defined(__x86_64__) && defined(__GNUC__)
#  define NM_CRLF_X86 1
#endif

#if defined(__GNUC__)
#  define NM_CRLF_INLINE __attribute__((always_inline)) static inline
#else
#  define NM_CRLF_INLINE static inline
#endif

/* All of a kernel but its way to copy a line. What is left to write is never less than what is left to read. */
NM_CRLF_INLINE size_t nm_crlf_lines(char *out, const char *p, size_t n, nm_crlf_line_fn *put_line) {
  const char *end = p + n, *begin = out;
  while (p < end) {
    size_t line = put_line(out, p, (size_t)(end - p));
    p += line;
    out += line;
    if (p < end) {
      memcpy(out, "\r\n", 2);
      out += 2;
      p += *p == '\r' && end - p > 1 && p[1] == '\n' ? 2 : 1;
    }
  }
  return (size_t)(out - begin);
}

/* Less than a register holds. */
NM_CRLF_INLINE size_t nm_crlf_rest(char *out, const char *p, size_t n, size_t at) {
  for (; at < n && p[at] != '\n' && p[at] != '\r'; at++) {
    out[at] = p[at];
  }
  return at;
}

#endif
