#include "base/percent.h"

#include "base/chars.h"

static unsigned hex_of(char c) {
  return (unsigned)(c <= '9' ? c - '0' : nm_lower(c) - 'a' + 10);
}

static int is_hex(char c) {
  return nm_is((unsigned char)c, NM_CHAR_HEX);
}

/* pct-encoded = "%" HEXDIG HEXDIG   (RFC 3986 2.1) */
void nm_percent_decode(struct nm_buf *b, struct nm_str s) {
  char *out = nm_buf_room(b, s.n);
  size_t n = 0;
  for (size_t i = 0; out != NULL && i < s.n; i++) {
    if (s.p[i] == '%' && s.n - i > 2 && is_hex(s.p[i + 1]) && is_hex(s.p[i + 2])) {
      out[n++] = (char)(unsigned char)(hex_of(s.p[i + 1]) << 4 | hex_of(s.p[i + 2]));
      i += 2;
    } else {
      out[n++] = s.p[i];
    }
  }
  if (out != NULL) {
    b->n += n;
    b->p[b->n] = '\0';
  }
}
