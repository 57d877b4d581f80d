#include "mime/qstring.h"

#include "base/chars.h"
#include "base/lanes.h"

static int can_stand(struct nm_str s, size_t i) {
  return nm_is((unsigned char)s.p[i], NM_CHAR_PRINT) && (s.p[i] != '?' || i == 0 || s.p[i - 1] != '=');
}

/* Up to where it can, but for the first octet, as far as it is looked at by lanes. */
static size_t skip(struct nm_str s) {
  size_t i = 1;
#if defined(NM_LANES)
  for (; s.n > NM_LANES && s.n - i >= NM_LANES; i += NM_LANES) {
    nm_lanes v = nm_lanes_load(s.p + i), before = nm_lanes_load(s.p + i - 1);
    nm_lanes odd = (nm_lanes)((nm_signed_lanes)v < 32) | (nm_lanes)(v == 127);
    if (nm_lanes_any(odd | ((nm_lanes)(v == '?') & (nm_lanes)(before == '=')))) {
      break;
    }
  }
#endif
  return i;
}

int nm_qstring_can(struct nm_str s) {
  if (s.n == 0 || !can_stand(s, 0)) {
    return s.n == 0;
  }
  for (size_t i = skip(s); i < s.n; i++) {
    if (!can_stand(s, i)) {
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
