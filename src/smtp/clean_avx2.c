#include "smtp/clean_skip.h"

#ifdef NM_CLEAN_X86

#  include <immintrin.h>

#  define AVX2 __attribute__((target("avx2"))) static inline

#  define LANES ((size_t)32)
/* Octets between two looks at what was found. */
#  define GROUP (4 * LANES)

AVX2 __m256i load(const char *p) {
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 __m256i is(__m256i v, char c) {
  return _mm256_cmpeq_epi8(v, _mm256_set1_epi8(c));
}

/* What an octet is, with the one before it, is all there is to know: a LF and no CR before, a CR before and no LF, a dot and a LF before. */
AVX2 __m256i stops(const char *p, char dot) {
  __m256i v = load(p), before = load(p - 1);
  __m256i odd_pair = _mm256_xor_si256(is(v, '\n'), is(before, '\r'));
  return _mm256_or_si256(odd_pair, _mm256_and_si256(is(v, dot), is(before, '\n')));
}

AVX2 int any(__m256i v) {
  return !_mm256_testz_si256(v, v);
}

__attribute__((target("avx2"))) size_t nm_clean_skip_avx2(const char *p, size_t i, size_t n, int dotted) {
  const char dot = dotted ? '.' : '\n'; /* behind a LF, a LF is one anyway */
  for (; n - i >= GROUP; i += GROUP) {
    __m256i a = _mm256_or_si256(stops(p + i, dot), stops(p + i + LANES, dot));
    __m256i b = _mm256_or_si256(stops(p + i + 2 * LANES, dot), stops(p + i + 3 * LANES, dot));
    if (any(_mm256_or_si256(a, b))) {
      break;
    }
  }
  while (n - i >= LANES && !any(stops(p + i, dot))) {
    i += LANES;
  }
  /* The last lanes end with the octets, and look at some twice. */
  int is_tail = i < n && n - i < LANES && n > LANES;
  return is_tail && !any(stops(p + n - LANES, dot)) ? n : i;
}

#endif
