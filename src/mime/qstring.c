#include "mime/qstring.h"

#include "base/chars.h"

int nm_qstring_can(struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    if (!nm_is((unsigned char)s.p[i], NM_CHAR_PRINT) || (s.p[i] == '?' && i > 0 && s.p[i - 1] == '=')) {
      return 0;
    }
  }
  return 1;
}

/* quoted-pair   (RFC 5322 3.2.1) */
static int is_escaped(char octet) {
  return octet == '"' || octet == '\\';
}

size_t nm_qstring_size(struct nm_str s) {
  size_t n = 2;
  for (size_t i = 0; i < s.n; i++) {
    n += is_escaped(s.p[i]) ? 2 : 1;
  }
  return n;
}

void nm_qstring_write(struct nm_buf *b, struct nm_str s) {
  nm_buf_add_byte(b, '"');
  for (size_t i = 0; i < s.n; i++) {
    if (is_escaped(s.p[i])) {
      nm_buf_add_byte(b, '\\');
    }
    nm_buf_add_byte(b, s.p[i]);
  }
  nm_buf_add_byte(b, '"');
}
