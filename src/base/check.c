#include "base/check.h"

#include "base/lanes.h"
#include "base/utf8.h"

/* Offset of c, or s.n. */
static size_t find(struct nm_str s, char c) {
  const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
  return at != NULL ? (size_t)(at - s.p) : s.n;
}

/* s begins behind so many octets of it. */
static int check_nul(const char *field, struct nm_str s, size_t before, struct nm_error *e) {
  size_t at = find(s, '\0');
  return at == s.n ? 0
                   : nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s has a NUL (\\0) at byte %zu; remove it",
                                  field, before + at + 1);
}

int nm_check_nul(const char *field, struct nm_str s, struct nm_error *e) {
  return check_nul(field, s, 0, e);
}

/* Octets looked at together. */
#define BLOCK ((size_t)64)

/* Octets that are ASCII and no NUL, up to a block with others: most texts have nothing else, and both are asked at once. */
static size_t plain_run(struct nm_str s) {
  size_t at = 0;
#if defined(NM_LANES)
  for (; s.n - at >= BLOCK; at += BLOCK) {
    nm_lanes bad = {0};
    for (size_t k = 0; k < BLOCK; k += NM_LANES) {
      nm_lanes v = nm_lanes_load(s.p + at + k);
      bad |= (v & 0x80) | (nm_lanes)(v == 0);
    }
    if (nm_lanes_any(bad)) {
      break;
    }
  }
#endif
  return at;
}

int nm_check_text(const char *field, struct nm_str s, struct nm_error *e) {
  size_t plain = plain_run(s);
  struct nm_str rest = plain > 0 ? nm_str(s.p + plain, s.n - plain) : s;
  size_t at = plain + nm_utf8_valid(rest);
  if (at < s.n) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s is not valid UTF-8 at byte %zu; convert it to UTF-8 first", field, at + 1);
  }
  return check_nul(field, rest, plain, e);
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
