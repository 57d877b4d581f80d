#include "mime/look.h"

#ifdef NM_LOOK_X86

#  include <immintrin.h>
#  include <stdint.h>
#  include <string.h>

#  define AVX2 __attribute__((target("avx2"), always_inline)) static inline

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

struct sums {
  __m256i all, least, pairs, crs, f, lfs, escapes;
};

/* v, and each octet's one before it. */
AVX2 void add(struct sums *s, __m256i v, __m256i before, enum nm_look what) {
  __m256i lf = is(v, '\n'), cr = is(before, '\r');
  s->lfs = _mm256_sub_epi8(s->lfs, lf);
  s->pairs = _mm256_or_si256(s->pairs, _mm256_xor_si256(lf, cr));
  s->crs = _mm256_or_si256(s->crs, cr);
  s->all = _mm256_or_si256(s->all, v);
  s->least = _mm256_min_epu8(s->least, v);
  if (what != NM_LOOK_LINES) {
    s->f = _mm256_or_si256(s->f, _mm256_and_si256(is(v, 'F'), is(before, '\n')));
  }
  if (what == NM_LOOK_ALL) {
    s->escapes = _mm256_sub_epi8(s->escapes, is_escaped(v));
  }
}

/* Less than one can be loaded at once, or the first. */
AVX2 void add_copy(struct sums *s, char before, const char *p, size_t n, enum nm_look what) {
  char copy[1 + NM_LOOK_UNIT];
  memset(copy, NM_LOOK_FILLER, sizeof copy);
  copy[0] = before;
  memcpy(copy + 1, p, n);
  add(s, load(copy + 1), load(copy), what);
}

AVX2 void look(struct nm_seen *seen, const char *p, size_t n, enum nm_look what) {
  __m256i none = _mm256_setzero_si256();
  struct sums s = {none, _mm256_set1_epi8(-1), none, none, none, none, none};
  size_t i = n < NM_LOOK_UNIT ? n : NM_LOOK_UNIT;
  add_copy(&s, seen->before, p, i, what);
  for (; n - i >= NM_LOOK_UNIT; i += NM_LOOK_UNIT) {
    add(&s, load(p + i), load(p + i - 1), what);
  }
  if (i < n) {
    add_copy(&s, p[i - 1], p + i, n - i, what);
  }
  seen->lf = sum(s.lfs);
  seen->escapes = sum(s.escapes);
  seen->odd_pair = any(s.pairs);
  seen->behind_cr = any(s.crs);
  seen->high = _mm256_movemask_epi8(s.all) != 0;
  seen->nul = any(is(s.least, 0));
  seen->f = any(s.f);
}

__attribute__((target("avx2"))) void nm_look_avx2(struct nm_seen *seen, const char *p, size_t n) {
  NM_LOOK_LOOPS(look, seen, p, n)
}

#endif
