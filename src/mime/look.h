#ifndef NM_MIME_LOOK_H
#define NM_MIME_LOOK_H

#include <stddef.h>
#include "base/hidden.h"

/* A glance at many octets at once, by the processor's widest registers: what nm_scan_step must know to go through most text quickly. */

enum nm_look {
  NM_LOOK_ALL,
  NM_LOOK_7BIT, /* but for escapes, which cost the most */
  NM_LOOK_LINES /* nor for f */
};

/* All zero before, but for the first two. */
struct nm_seen {
  enum nm_look look;
  char before; /* the octet before the first */
  size_t lf;
  size_t escapes;   /* octets that QP must write as =XX, CR and LF among them */
  int odd_pair;     /* a CR before something else, or a LF behind something else */
  int behind_cr;    /* something stands behind a CR */
  int high, nul, f; /* f: behind a LF stands an F */
};

/* Octets are looked at so many at once, and at most that many: a counter of one octet counts to 255. */
#define NM_LOOK_UNIT ((size_t)32)
#define NM_LOOK_MAX (127 * NM_LOOK_UNIT)
/* What stands where a unit has no octets any more: nothing that is looked for, unless a CR is before it. */
#define NM_LOOK_FILLER 'x'

/* n: NM_LOOK_MAX at most; when it is no multiple of NM_LOOK_UNIT, the last octet is no CR. */
typedef void nm_look_fn(struct nm_seen *seen, const char *p, size_t n);

/* The body of one: three loops, each with what it needs. loop(seen, p, n, what) is inlined, and what a constant to it. */
#define NM_LOOK_LOOPS(loop, seen, p, n)                                                                      \
  if ((seen)->look == NM_LOOK_LINES) {                                                                       \
    loop(seen, p, n, NM_LOOK_LINES);                                                                         \
  } else if ((seen)->look == NM_LOOK_7BIT) {                                                                 \
    loop(seen, p, n, NM_LOOK_7BIT);                                                                          \
  } else {                                                                                                   \
    loop(seen, p, n, NM_LOOK_ALL);                                                                           \
  }

struct nm_look_kernel {
  const char *name;
  nm_look_fn *look;
};

NM_HIDDEN_BEGIN

/* As nm_base64_kernel: the i-th of those that this processor can run, the fastest first; then NULL. */
const struct nm_look_kernel *nm_look_kernel(size_t i);

nm_look_fn nm_look_avx2; /* where NM_LOOK_X86 is set */

NM_HIDDEN_END

#if defined(__x86_64__) && defined(__GNUC__)
#  define NM_LOOK_X86 1
#endif

#endif
