#include "smtp/xtext.h"

#include "base/utf8.h"

static int is_xchar(uint32_t c) {
  return c > 32 && c < 127 && c != '+' && c != '=';
}

/* xtext   = *( xchar / hexchar )
   xchar   = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
   hexchar = "+" immediately followed by two upper case hexadecimal digits   (RFC 3461 4) */
void nm_xtext_add(struct nm_buf *b, struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (is_xchar(c)) {
      nm_buf_add_byte(b, s.p[i]);
    } else {
      nm_buf_addf(b, "+%02X", c);
    }
  }
}

static int is_upper_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

int nm_xtext_is(struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '+' && s.n - i > 2 && is_upper_hex(s.p[i + 1]) && is_upper_hex(s.p[i + 2])) {
      i += 2;
    } else if (!is_xchar((unsigned char)s.p[i])) {
      return 0;
    }
  }
  return 1;
}

/* utf-8-addr-xtext     = 1*(QCHAR / EmbeddedUnicodeChar)
   EmbeddedUnicodeChar  = %x5C.78 "{" HEXPOINT "}"
   QCHAR                = %x21-2A / %x2C-3C / %x3E-5B / %x5D-7E   (RFC 6533 3)
   HEXPOINT has two digits at least, and none of them is a needless zero beyond these. */
void nm_utf8_xtext_add(struct nm_buf *b, struct nm_str s) {
  uint32_t cp = 0;
  for (size_t n = nm_utf8_next(s.p, s.n, &cp); n > 0; n = nm_utf8_next(s.p, s.n, &cp)) {
    if (is_xchar(cp) && cp != '\\') {
      nm_buf_add_byte(b, (char)cp);
    } else {
      nm_buf_addf(b, "\\x{%02X}", (unsigned)cp);
    }
    s = nm_str(s.p + n, s.n - n);
  }
}
