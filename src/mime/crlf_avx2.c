#include "mime/crlf.h"

#ifdef NM_CRLF_X86

#  include <immintrin.h>

#  define AVX2 __attribute__((target("avx2"), always_inline)) static inline
#  define LANES 32

AVX2 size_t put_line(char *out, const char *p, size_t n) {
  const __m256i cr = _mm256_set1_epi8('\r'), lf = _mm256_set1_epi8('\n');
  size_t at = 0;
  for (; n - at >= LANES; at += LANES) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + at));
    _mm256_storeu_si256((__m256i *)(void *)(out + at), v);
    __m256i ends = _mm256_or_si256(_mm256_cmpeq_epi8(v, lf), _mm256_cmpeq_epi8(v, cr));
    unsigned mask = (unsigned)_mm256_movemask_epi8(ends);
    if (mask != 0) {
      return at + (size_t)__builtin_ctz(mask);
    }
  }
  return nm_crlf_rest(out, p, n, at);
}

__attribute__((target("avx2"))) size_t nm_crlf_avx2(char *out, const char *p, size_t n) {
  return nm_crlf_lines(out, p, n, put_line);
}

#endif
