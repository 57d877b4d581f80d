#include "base/percent.h"

#include "base/chars.h"

static unsigned hex_of(char c) {
  return (unsigned)(c <= '9' ? c - '0' : nm_lower(c) - 'a' + 10);
}

static int is_hex(char c) {
  return nm_is((unsigned char)c, NM_CHAR_HEX);
}

/* pct-encoded = "%" HEXDIG HEXDIG   (RFC 3986 2.1) */
void nm_percent_undo(struct nm_buf *b, size_t begin) {
  size_t to = begin;
  for (size_t i = begin; i < b->n; i++) {
    char c = b->p[i];
    if (c == '%' && b->n - i > 2 && is_hex(b->p[i + 1]) && is_hex(b->p[i + 2])) {
      c = (char)(unsigned char)(hex_of(b->p[i + 1]) << 4 | hex_of(b->p[i + 2]));
      i += 2;
    }
    b->p[to++] = c;
  }
  if (to < b->n) {
    b->n = to;
    b->p[to] = '\0';
  }
}

void nm_percent_decode(struct nm_buf *b, struct nm_str s) {
  size_t begin = b->n;
  nm_buf_add_str(b, s);
  nm_percent_undo(b, begin);
}
