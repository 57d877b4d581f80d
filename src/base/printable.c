#include "base/printable.h"

#include "base/utf8.h"

static int is_safe(uint32_t cp) {
  if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) { /* C0, DEL, C1 */
    return 0;
  }
  return !((cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2060 && cp <= 0x2069) || cp == 0xfeff);
}

size_t nm_printable(struct nm_str s, char out[NM_PRINTABLE_MAX], size_t *used_out) {
  static const char hex[] = "0123456789ABCDEF";
  uint32_t cp = 0;
  size_t len = nm_utf8_next(s.p, s.n, &cp);
  *used_out = len > 0 ? len : 1;
  if (len > 0 && is_safe(cp)) {
    memcpy(out, s.p, len);
    return len;
  }
  size_t n = 0;
  for (size_t i = 0; i < *used_out; i++) {
    unsigned char c = (unsigned char)s.p[i];
    out[n++] = '\\';
    out[n++] = 'x';
    out[n++] = hex[c >> 4];
    out[n++] = hex[c & 15];
  }
  return n;
}

void nm_printable_add(struct nm_buf *out, struct nm_str s) {
  while (s.n > 0) {
    char shown[NM_PRINTABLE_MAX];
    size_t used;
    size_t n = nm_printable(s, shown, &used);
    nm_buf_add(out, shown, n);
    s = nm_str(s.p + used, s.n - used);
  }
}
