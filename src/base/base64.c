#include "base/base64.h"

size_t nm_base64_encode(char *out, const char *p, size_t n) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *in = (const unsigned char *)p;
  char *o = out;
  size_t i = 0;
  for (; n - i >= 3; i += 3) {
    unsigned v = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];
    *o++ = alphabet[v >> 18];
    *o++ = alphabet[v >> 12 & 63];
    *o++ = alphabet[v >> 6 & 63];
    *o++ = alphabet[v & 63];
  }
  if (n - i > 0) {
    unsigned v = (unsigned)in[i] << 16 | (n - i == 2 ? (unsigned)in[i + 1] << 8 : 0);
    *o++ = alphabet[v >> 18];
    *o++ = alphabet[v >> 12 & 63];
    *o++ = n - i == 2 ? alphabet[v >> 6 & 63] : '=';
    *o++ = '=';
  }
  return (size_t)(o - out);
}

void nm_base64_add(struct nm_buf *b, const void *p, size_t n) {
  char *room = nm_buf_room(b, NM_BASE64_SIZE(n));
  if (room != NULL) {
    b->n += nm_base64_encode(room, p, n);
    b->p[b->n] = '\0';
  }
}

/* Of each octet: its digit, or 64. */
static unsigned digit(unsigned char c) {
  static const unsigned char digits[256] = {
#define X4 64, 64, 64, 64
#define X16 X4, X4, X4, X4
      X16, X16, /* 0x00 */
      X4,  X4,  64,  64,  64,  62,  64,  64,  64, 63, 52, 53, 54, 55, 56,
      57,  58,  59,  60,  61,  64,  64, /* 0x20 */
      X4,  64,  0,   1,   2,   3,   4,   5,   6,  7,  8,  9,  10, 11, 12,
      13,  14,  15,  16,  17,  18,  19, /* 0x3c */
      20,  21,  22,  23,  24,  25,  X4,  64,  64, 26, 27, 28, 29, 30, 31,
      32,  33,  34,  35,  36,  37,  38,                                   /* 0x54 */
      39,  40,  41,  42,  43,  44,  45,  46,  47, 48, 49, 50, 51, X4, 64, /* 0x6d */
      X16, X16, X16, X16, X16, X16, X16, X16,
#undef X16
#undef X4
  };
  return digits[c];
}

size_t nm_base64_flush(struct nm_base64_reader *r, char *out) {
  size_t n = r->have == 0 ? 0 : r->have - 1;
  unsigned bits = r->bits << 6 * (4 - r->have);
  for (size_t i = 0; i < n; i++) {
    out[i] = (char)(bits >> (16 - 8 * i) & 0xff);
  }
  *r = (struct nm_base64_reader){0};
  return n;
}

/* Whole quanta that nothing interrupts. */
static size_t quanta(const unsigned char *p, size_t n, char *out) {
  size_t i = 0;
  for (; n - i >= 4; i += 4, out += 3) {
    unsigned a = digit(p[i]), b = digit(p[i + 1]), c = digit(p[i + 2]), d = digit(p[i + 3]);
    if (((a | b | c | d) & 64) != 0) {
      break;
    }
    unsigned v = a << 18 | b << 12 | c << 6 | d;
    out[0] = (char)(v >> 16);
    out[1] = (char)(v >> 8 & 0xff);
    out[2] = (char)(v & 0xff);
  }
  return i;
}

size_t nm_base64_step(struct nm_base64_reader *r, const char *p, size_t n, char *out) {
  char *o = out;
  for (size_t i = 0; i < n; i++) {
    if (r->have == 0) {
      size_t used = quanta((const unsigned char *)p + i, n - i, o);
      i += used;
      o += used / 4 * 3;
      if (i == n) {
        break;
      }
    }
    unsigned value = digit((unsigned char)p[i]);
    if (value < 64) {
      r->bits = r->bits << 6 | value;
      r->have++;
      if (r->have == 4) {
        o[0] = (char)(r->bits >> 16 & 0xff);
        o[1] = (char)(r->bits >> 8 & 0xff);
        o[2] = (char)(r->bits & 0xff);
        o += 3;
        *r = (struct nm_base64_reader){0};
      }
    } else if (p[i] == '=') {
      o += nm_base64_flush(r, o);
    }
  }
  return (size_t)(o - out);
}
