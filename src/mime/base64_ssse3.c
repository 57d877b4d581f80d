#include "mime/base64_kernel.h"

#ifdef NM_BASE64_X86

#  include <string.h>
#  include <tmmintrin.h>

#  include "mime/base64_lines.h"
#  include "mime/encoder.h"

#  define SSSE3 __attribute__((target("ssse3"))) static inline

/* In each group of 32 bits: octets a, b, c stand as b a c b, so that as two little-endian 16-bit numbers they are ab and bc, and
   each of the four values of six bits lies within one of the two. first: the shuffle that makes it of octets from.. on. */
SSSE3 __m128i spread(__m128i octets, int from) {
  const __m128i order = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
  return _mm_shuffle_epi8(octets, _mm_add_epi8(order, _mm_set1_epi8((char)from)));
}

/* Four values of six bits in each 32, from left to right as they are written:
     ab = AAAAAABB BBBBbbbb   value 0 is ab >> 10, value 1 is ab >> 4 & 63
     bc = bbbbCCCC CCDDDDDD   value 2 is bc >> 6 & 63, value 3 is bc & 63
   A shift by another number in each half is a multiplication: the high half of x * 2^(16-n) is x >> n. */
SSSE3 __m128i values(__m128i pairs) {
  __m128i even =
      _mm_mulhi_epu16(_mm_and_si128(pairs, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
  __m128i odd = _mm_mullo_epi16(_mm_and_si128(pairs, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));
  return _mm_or_si128(even, odd);
}

/* A column is its value and the distance of its part of the alphabet:
     part              0-25   26-51   52-61   62    63
     which             13     0       1-10    11    12
     column - value    'A'    'a'-26  '0'-52  '+'-62 '/'-63 */
SSSE3 __m128i columns(__m128i v) {
  const __m128i distance =
      _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                    '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
  __m128i is_upper = _mm_cmpgt_epi8(_mm_set1_epi8(26), v);
  __m128i which =
      _mm_or_si128(_mm_subs_epu8(v, _mm_set1_epi8(51)), _mm_and_si128(is_upper, _mm_set1_epi8(13)));
  return _mm_add_epi8(_mm_shuffle_epi8(distance, which), v);
}

/* 12 octets, 16 columns; looks at 16 octets, the 12 being those from.. on. */
SSSE3 void put(char *out, const unsigned char *p, int from) {
  __m128i octets = _mm_loadu_si128((const __m128i *)p);
  _mm_storeu_si128((__m128i *)out, columns(values(spread(octets, from))));
}

__attribute__((target("ssse3"))) void nm_base64_lines_ssse3(char *out, const unsigned char *p, size_t lines) {
  for (; lines > 0; lines--) {
    put(out, p, 0);
    put(out + 16, p + 12, 0);
    put(out + 32, p + 24, 0);
    put(out + 48, p + 36, 0);
    put(out + 60, p + 41,
        4); /* octets 45 to 56, the first three of them again: so nothing beyond is touched */
    memcpy(out + 76, "\r\n", 2);
    out += NM_BASE64_LINE;
    p += NM_LINE_OCTETS;
  }
}

#endif
