#include "smtp/clean.h"

#include "base/lanes.h"
#include "smtp/clean_skip.h"

/* Octet by octet from i on, which is 1 at least: up to end, if there is nothing else to stop at. */
static size_t walk(const char *p, size_t i, size_t end, int dotted) {
  for (; i < end; i++) {
    if ((p[i] == '\n') != (p[i - 1] == '\r')) {
      return p[i] == '\n' ? i : i - 1;
    }
    if (dotted && p[i] == '.' && p[i - 1] == '\n') {
      return i;
    }
  }
  return end;
}

/* Octets that are walked before lanes are tried again. */
#define STRIDE ((size_t)16)

#if defined(NM_LANES)
/* Octets between two looks at what was found. */
#  define GROUP ((size_t)128)

/* What an octet is, with the one before it, is all there is to know of a place to stop at: a LF and no CR before, a CR before and no LF,
   a dot and a LF before. */
static inline nm_lanes stops(const char *p, nm_lanes dot) {
  nm_lanes v = nm_lanes_load(p), before = nm_lanes_load(p - 1);
  return ((nm_lanes)(v == '\n') ^ (nm_lanes)(before == '\r')) |
         ((nm_lanes)(v == dot) & (nm_lanes)(before == '\n'));
}

/* From i on, past the groups that have none, then past such lanes: what is left to walk is short. */
static size_t skip(const char *p, size_t i, size_t n, int dotted) {
  const nm_lanes dot =
      (nm_lanes){0} + (unsigned char)(dotted ? '.' : '\n'); /* behind a LF, a LF is one anyway */
  while (n - i >= GROUP) {
    nm_lanes found = {0};
    for (size_t k = 0; k < GROUP; k += NM_LANES) {
      found |= stops(p + i + k, dot);
    }
    if (nm_lanes_any(found)) {
      break;
    }
    i += GROUP;
  }
  while (n - i >= NM_LANES && !nm_lanes_any(stops(p + i, dot))) {
    i += NM_LANES;
  }
  /* The last lanes end with the octets, and look at some twice. */
  int is_tail = i < n && n - i < NM_LANES && n > NM_LANES;
  return is_tail && !nm_lanes_any(stops(p + n - NM_LANES, dot)) ? n : i;
}
#else
static size_t skip(const char *p, size_t i, size_t n, int dotted) {
  (void)p;
  (void)n;
  (void)dotted;
  return i;
}
#endif

const struct nm_clean_kernel *nm_clean_kernel(size_t i) {
  static const struct nm_clean_kernel everywhere = {"everywhere", skip};
#ifdef NM_CLEAN_X86
  static const struct nm_clean_kernel avx2 = {"AVX2", nm_clean_skip_avx2};
  if (__builtin_cpu_supports("avx2") != 0) {
    return i == 0 ? &avx2 : i == 1 ? &everywhere : NULL;
  }
#endif
  return i == 0 ? &everywhere : NULL;
}

size_t nm_clean_run_by(const struct nm_clean_kernel *kernel, const char *p, size_t n, int dotted) {
  if (n == 0 || p[0] == '\n') {
    return 0;
  }
  for (size_t i = 1;;) {
    i = kernel->skip(p, i, n, dotted);
    size_t end = n - i < STRIDE ? n : i + STRIDE, stop = walk(p, i, end, dotted);
    if (stop < end || end == n) {
      return stop == n && p[n - 1] == '\r' ? n - 1 : stop;
    }
    i = end;
  }
}

size_t nm_clean_run(const char *p, size_t n, int dotted) {
  return nm_clean_run_by(nm_clean_kernel(0), p, n, dotted);
}
