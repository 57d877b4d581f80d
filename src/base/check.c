#include "base/check.h"

#include <string.h>

#include "base/utf8.h"

/* Offset of c, or s.n. */
static size_t find(struct nm_str s, char c) {
  const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
  return at != NULL ? (size_t)(at - s.p) : s.n;
}

int nm_check_nul(const char *field, struct nm_str s, struct nm_error *e) {
  size_t at = find(s, '\0');
  return at == s.n ? 0
                   : nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s has a NUL (\\0) at byte %zu; remove it",
                                  field, at + 1);
}

int nm_check_text(const char *field, struct nm_str s, struct nm_error *e) {
  size_t at = nm_utf8_valid(s);
  if (at < s.n) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s is not valid UTF-8 at byte %zu; convert it to UTF-8 first", field, at + 1);
  }
  return nm_check_nul(field, s, e);
}

int nm_check_line(const char *field, struct nm_str s, struct nm_error *e) {
  int err = nm_check_text(field, s, e);
  size_t cr = find(s, '\r'), lf = find(s, '\n');
  size_t at = cr < lf ? cr : lf;
  if (err == 0 && at < s.n) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s has a line break (CR or LF) at byte %zu; it must be one line", field, at + 1);
  }
  return err;
}
