#ifndef NM_SMTP_CLEAN_SKIP_H
#define NM_SMTP_CLEAN_SKIP_H

#include <stddef.h>
#include "base/hidden.h"

/* The quick half of nm_clean_run: past many octets at once. */

/* Where the octets from i (1 at least) on, up to n, must be walked one by one: no place to stop at lies before, and one that does lie there
   may be behind. dotted: a dot that begins a line is one. */
typedef size_t nm_clean_skip_fn(const char *p, size_t i, size_t n, int dotted);

struct nm_clean_kernel {
  const char *name;
  nm_clean_skip_fn *skip;
};

NM_HIDDEN_BEGIN

/* The i-th of those that this processor can run, the fastest first; then NULL. */
const struct nm_clean_kernel *nm_clean_kernel(size_t i);

/* As nm_clean_run, by that one. */
size_t nm_clean_run_by(const struct nm_clean_kernel *kernel, const char *p, size_t n, int dotted);

nm_clean_skip_fn nm_clean_skip_avx2; /* where NM_CLEAN_X86 is set */

NM_HIDDEN_END

#if defined(__x86_64__) && defined(__GNUC__)
#  define NM_CLEAN_X86 1
#endif

#endif
