#include "mime/base64_kernel.h"

#ifdef NM_BASE64_X86

#  include <immintrin.h>
#  include <string.h>

#  include "mime/base64_lines.h"
#  include "mime/encoder.h"

#  define AVX2 __attribute__((target("avx2"))) static inline

/* The steps of base64_ssse3.c, which explains them, on two lanes of 128 bits. */

AVX2 __m256i values(__m256i pairs) {
  __m256i even = _mm256_mulhi_epu16(_mm256_and_si256(pairs, _mm256_set1_epi32(0x0fc0fc00)),
                                    _mm256_set1_epi32(0x04000040));
  __m256i odd = _mm256_mullo_epi16(_mm256_and_si256(pairs, _mm256_set1_epi32(0x003f03f0)),
                                   _mm256_set1_epi32(0x01000010));
  return _mm256_or_si256(even, odd);
}

AVX2 __m256i columns(__m256i v) {
  const __m256i distance = _mm256_broadcastsi128_si256(
      _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                    '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0));
  __m256i is_upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), v);
  __m256i which = _mm256_or_si256(_mm256_subs_epu8(v, _mm256_set1_epi8(51)),
                                  _mm256_and_si256(is_upper, _mm256_set1_epi8(13)));
  return _mm256_add_epi8(_mm256_shuffle_epi8(distance, which), v);
}

/* 12 octets from low + from on and 12 from high + from on, 16 columns of each; looks at 16 octets of each. */
AVX2 __m256i encode(const unsigned char *low, const unsigned char *high, int from) {
  const __m256i order =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  __m256i octets = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low)),
                                           _mm_loadu_si128((const __m128i *)high), 1);
  octets = _mm256_shuffle_epi8(octets, _mm256_add_epi8(order, _mm256_set1_epi8((char)from)));
  return columns(values(octets));
}

/* The first 48 octets, 64 columns. */
AVX2 void put_front(char *out, const unsigned char *p) {
  _mm256_storeu_si256((__m256i *)out, encode(p, p + 12, 0));
  _mm256_storeu_si256((__m256i *)(out + 32), encode(p + 24, p + 36, 0));
}

/* Columns 60 to 75, from octets 45 to 56, of two lines, which may be the same: so nothing beyond is touched. */
AVX2 void put_ends(char *out, char *out2, const unsigned char *p, const unsigned char *p2) {
  __m256i ends = encode(p + 41, p2 + 41, 4);
  _mm_storeu_si128((__m128i *)(out + 60), _mm256_castsi256_si128(ends));
  _mm_storeu_si128((__m128i *)(out2 + 60), _mm256_extracti128_si256(ends, 1));
  memcpy(out + 76, "\r\n", 2);
  memcpy(out2 + 76, "\r\n", 2);
}

__attribute__((target("avx2"))) void nm_base64_lines_avx2(char *out, const unsigned char *p, size_t lines) {
  for (; lines >= 2; lines -= 2) {
    put_front(out, p);
    put_front(out + NM_BASE64_LINE, p + NM_LINE_OCTETS);
    put_ends(out, out + NM_BASE64_LINE, p, p + NM_LINE_OCTETS);
    out += 2 * NM_BASE64_LINE;
    p += 2 * NM_LINE_OCTETS;
  }
  if (lines > 0) {
    put_front(out, p);
    put_ends(out, out, p, p);
  }
}

#endif
