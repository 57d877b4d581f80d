#ifndef NM_BASE_LANES_H
#define NM_BASE_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Sixteen octets looked at at once: the vectors of GCC and Clang, which are SSE2, NEON or plain words, whatever the processor has.
   Comparisons give 0xff or 0 for each octet. Other compilers have NM_LANES undefined and go octet by octet. */
#if defined(__GNUC__)
#  define NM_LANES 16
#  if defined(__SSE2__)
#    include <emmintrin.h>
#  endif

typedef unsigned char nm_lanes __attribute__((vector_size(NM_LANES)));
typedef signed char nm_signed_lanes __attribute__((vector_size(NM_LANES)));

static inline nm_lanes nm_lanes_load(const char *p) {
  nm_lanes v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline int nm_lanes_any(nm_lanes v) {
  uint64_t halves[2];
  memcpy(halves, &v, sizeof v);
  return (halves[0] | halves[1]) != 0;
}

static inline void nm_lanes_store(char *p, nm_lanes v) {
  memcpy(p, &v, sizeof v);
}

/* Where the first 0xff of what a comparison gave is, if there is any. */
static inline size_t nm_lanes_first(nm_lanes v) {
#  if defined(__SSE2__)
  return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8((__m128i)v));
#  else
  size_t i = 0;
  while (i < NM_LANES - 1 && v[i] == 0) {
    i++;
  }
  return i;
#  endif
}

/* Of sixteen numbers. */
static inline size_t nm_lanes_sum(nm_lanes v) {
  const uint64_t each = 0x00ff00ff00ff00ff, one = 0x0001000100010001;
  uint64_t h[2];
  memcpy(h, &v, sizeof v);
  uint64_t pairs = (h[0] & each) + (h[0] >> 8 & each) + (h[1] & each) + (h[1] >> 8 & each);
  return (size_t)(pairs * one >> 48);
}
#endif

#endif
