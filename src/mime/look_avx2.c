#include "mime/look.h"

#ifdef NM_LOOK_X86

#  include <immintrin.h>
#  include <stdint.h>

#  define AVX2 __attribute__((target("avx2"))) static inline

/* Of the octets of v, as numbers. */
AVX2 size_t sum(__m256i v) {
  uint64_t parts[4];
  _mm256_storeu_si256((__m256i *)(void *)parts, _mm256_sad_epu8(v, _mm256_setzero_si256()));
  return (size_t)(parts[0] + parts[1] + parts[2] + parts[3]);
}

AVX2 int any(__m256i v) {
  return !_mm256_testz_si256(v, v);
}

AVX2 __m256i load(const char *p) {
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 __m256i is(__m256i v, char c) {
  return _mm256_cmpeq_epi8(v, _mm256_set1_epi8(c));
}

/* 0xff for what is below 32 (and above 127, which is negative), 127, or "=", and no TAB. */
AVX2 __m256i is_escaped(__m256i v) {
  __m256i control = _mm256_andnot_si256(is(v, '\t'), _mm256_cmpgt_epi8(_mm256_set1_epi8(32), v));
  return _mm256_or_si256(control, _mm256_or_si256(is(v, 127), is(v, '=')));
}

AVX2 void look(struct nm_seen *seen, const char *p, size_t n, int lines_only) {
  __m256i none = _mm256_setzero_si256();
  __m256i all = none, nul = none, pairs = none, crs = none, f = none, lfs = none, escapes = none;
  for (size_t i = 0; i < n; i += NM_LOOK_UNIT) {
    __m256i v = load(p + i), before = load(p + i - 1);
    __m256i lf = is(v, '\n'), cr = is(before, '\r');
    lfs = _mm256_sub_epi8(lfs, lf);
    pairs = _mm256_or_si256(pairs, _mm256_xor_si256(lf, cr));
    crs = _mm256_or_si256(crs, cr);
    all = _mm256_or_si256(all, v);
    nul = _mm256_or_si256(nul, is(v, 0));
    if (lines_only) {
      continue;
    }
    f = _mm256_or_si256(f, _mm256_and_si256(is(v, 'F'), is(before, '\n')));
    escapes = _mm256_sub_epi8(escapes, is_escaped(v));
  }
  seen->lf = sum(lfs);
  seen->escapes = sum(escapes);
  seen->odd_pair = any(pairs);
  seen->behind_cr = any(crs);
  seen->high = _mm256_movemask_epi8(all) != 0;
  seen->nul = any(nul);
  seen->f = any(f);
}

__attribute__((target("avx2"))) void nm_look_avx2(struct nm_seen *seen, const char *p, size_t n) {
  if (seen->lines_only) { /* two loops, each with what it needs */
    look(seen, p, n, 1);
  } else {
    look(seen, p, n, 0);
  }
}

#endif
