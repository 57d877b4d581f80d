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

size_t nm_utf8_valid(struct nm_str s) {
  size_t i = 0;
  while (i < s.n) {
    i += ascii_run(s.p + i, s.n - i);
    if (i < s.n) {
      size_t len = nm_utf8_next(s.p + i, s.n - i, NULL);
      if (len == 0) {
        return i;
      }
      i += len;
    }
  }
  return s.n;
}

int nm_is_ascii(struct nm_str s) {
  return ascii_run(s.p, s.n) == s.n;
}
