#include "base/utf8.h"

static int is_tail(unsigned char c, unsigned char low, unsigned char high) {
  return c >= low && c <= high;
}

/* UTF8-2 = %xC2-DF UTF8-tail
   UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) / %xED %x80-9F UTF8-tail / %xEE-EF 2( UTF8-tail )
   UTF8-4 = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) / %xF4 %x80-8F 2( UTF8-tail )   (RFC 3629 4) */
size_t nm_utf8_next(const char *p, size_t n, uint32_t *cp_out) {
  if (n == 0) {
    return 0;
  }
  unsigned char c = (unsigned char)p[0];
  uint32_t cp;
  size_t len;
  unsigned char low = 0x80, high = 0xbf; /* of the second octet */
  if (c < 0x80) {
    cp = c;
    len = 1;
  } else if (c >= 0xc2 && c <= 0xdf) {
    cp = c & 0x1fu;
    len = 2;
  } else if (c >= 0xe0 && c <= 0xef) {
    cp = c & 0x0fu;
    len = 3;
    low = c == 0xe0 ? 0xa0 : 0x80;
    high = c == 0xed ? 0x9f : 0xbf;
  } else if (c >= 0xf0 && c <= 0xf4) {
    cp = c & 0x07u;
    len = 4;
    low = c == 0xf0 ? 0x90 : 0x80;
    high = c == 0xf4 ? 0x8f : 0xbf;
  } else {
    return 0;
  }
  if (len > n) {
    return 0;
  }
  for (size_t i = 1; i < len; i++) {
    unsigned char t = (unsigned char)p[i];
    if (!is_tail(t, low, high)) {
      return 0;
    }
    cp = cp << 6 | (t & 0x3fu);
    low = 0x80;
    high = 0xbf;
  }
  if (cp_out != NULL) {
    *cp_out = cp;
  }
  return len;
}

size_t nm_utf8_put(char out[NM_UTF8_MAX], uint32_t cp) {
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--) {
    out[i] = (char)(unsigned char)(0x80 | (cp & 0x3f));
    cp >>= 6;
  }
  out[0] = (char)(unsigned char)(lead[n] | cp);
  return n;
}

/* Octets of plain ASCII from p on, eight at a time. */
static size_t ascii_run(const char *p, size_t n) {
  size_t i = 0;
  while (n - i >= 8) {
    uint64_t w;
    memcpy(&w, p + i, 8);
    if ((w & 0x8080808080808080u) != 0) {
      break;
    }
    i += 8;
  }
  while (i < n && ((unsigned char)p[i] & 0x80) == 0) {
    i++;
  }
  return i;
}

/* The same productions as an automaton whose step is one shift, whatever the octet: no guess of the processor can be wrong. A state
   is the place of its six bits in a row, an octet's row has the next state at the place of each. What is not in a row is 0, and
   so is BAD, which is in none. */
enum {
  BAD = 0,
  GOOD = 6,
  TAIL1 = 12,
  TAIL2 = 18,
  TAIL3 = 24,
  AFTER_E0 = 30,
  AFTER_ED = 36,
  AFTER_F0 = 42,
  AFTER_F4 = 48
};

#define NEXT(state, next) ((uint64_t)(next) << (state))
#define ANY_TAIL (NEXT(TAIL1, GOOD) | NEXT(TAIL2, TAIL1) | NEXT(TAIL3, TAIL2))
/* clang-format off */
#define ASCII NEXT(GOOD, GOOD)
#define T80 (ANY_TAIL | NEXT(AFTER_ED, TAIL1) | NEXT(AFTER_F4, TAIL2))
#define T90 (ANY_TAIL | NEXT(AFTER_ED, TAIL1) | NEXT(AFTER_F0, TAIL2))
#define TA0 (ANY_TAIL | NEXT(AFTER_E0, TAIL1) | NEXT(AFTER_F0, TAIL2))
#define LEAD(next) NEXT(GOOD, next)
#define R2(x) x, x
#define R4(x) R2(x), R2(x)
#define R16(x) R4(x), R4(x), R4(x), R4(x)

static const uint64_t rows[256] = {
    R16(ASCII), R16(ASCII), R16(ASCII), R16(ASCII), R16(ASCII), R16(ASCII), R16(ASCII), R16(ASCII),
    R16(T80), R16(T90), R16(TA0), R16(TA0),
    R2(0), R2(LEAD(TAIL1)), R4(LEAD(TAIL1)), R4(LEAD(TAIL1)), R4(LEAD(TAIL1)), R16(LEAD(TAIL1)),
    LEAD(AFTER_E0), R4(LEAD(TAIL2)), R4(LEAD(TAIL2)), R4(LEAD(TAIL2)), LEAD(AFTER_ED), R2(LEAD(TAIL2)),
    LEAD(AFTER_F0), LEAD(TAIL3), R2(LEAD(TAIL3)), LEAD(AFTER_F4), LEAD(0), R2(0), R4(0), R4(0)};
/* clang-format on */

#define BLOCK 64

/* Octets of whole characters in the block at p; 0: there is a bad one. */
static size_t good_block(const char *p) {
  uint64_t state = GOOD;
  for (size_t i = 0; i < BLOCK; i++) {
    state = rows[(unsigned char)p[i]] >> (state & 63);
  }
  state &= 63;
  size_t n = state == BAD ? 0 : BLOCK;
  if (state != BAD && state != GOOD) { /* the last character goes on: back to its first octet */
    do {
      n--;
    } while (((unsigned char)p[n] & 0xc0) == 0x80);
  }
  return n;
}

size_t nm_utf8_valid(struct nm_str s) {
  size_t i = 0, len = 1;
  while (i < s.n && len > 0) {
    i += ascii_run(s.p + i, s.n - i);
    len = s.n - i >= BLOCK ? good_block(s.p + i) : 0;
    if (len == 0 && i < s.n) {
      len = nm_utf8_next(s.p + i, s.n - i, NULL);
    }
    i += len;
  }
  return i;
}

int nm_is_ascii(struct nm_str s) {
  return ascii_run(s.p, s.n) == s.n;
}
