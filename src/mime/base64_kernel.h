#ifndef NM_MIME_BASE64_KERNEL_H
#define NM_MIME_BASE64_KERNEL_H

#include <stddef.h>
#include "base/hidden.h"

/* The kernels behind nm_base64_lines(), which only it, its tests and the benchmark call by name. Each does what base64_lines.h
   says, to the octet: 57 octets a line are read and 78 written, and nothing beyond either is touched. */
typedef void nm_base64_lines_fn(char *out, const unsigned char *p, size_t lines);

struct nm_base64_kernel {
  const char *name;
  nm_base64_lines_fn *lines;
};

/* Set where the compiler can make functions for a processor other than the one it compiles for, and ask which it is. */
#if defined(__x86_64__) && defined(__GNUC__)
#  define NM_BASE64_X86 1
#endif

NM_HIDDEN_BEGIN

/* The i-th of those that this processor can run, the fastest first, the portable one last; then NULL. No state: the processor was
   asked when the program was loaded, and what it said is looked at each time. */
const struct nm_base64_kernel *nm_base64_kernel(size_t i);

nm_base64_lines_fn nm_base64_lines_portable;
#ifdef NM_BASE64_X86
nm_base64_lines_fn nm_base64_lines_ssse3;
nm_base64_lines_fn nm_base64_lines_avx2;
#endif

NM_HIDDEN_END

#endif
