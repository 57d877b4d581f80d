#include "smtp/saslprep.h"

#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>

#include "base/alloc.h"
#include "base/ranges.h"
#include "base/utf8.h"

/* The one place that asks libunistring, for normal form KC and the directions of characters. The small tables of
   RFC 3454 are here. */

/* No character becomes longer than that many times its length by NFKC (U+FDFA: 3 octets, 33), so libunistring finds room in
   our buffer and leaves no copy of a password in memory of its own. */
#define NFKC_GROWTH 11

/* RFC 3454 C.1.2; they become SP (RFC 4013 2.1). */
static int is_other_space(uint32_t cp) {
  static const struct nm_range spaces[] = {{0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200b},
                                           {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};
  return NM_IN_RANGES(spaces, cp);
}

/* RFC 3454 B.1; they become nothing. U+200B is in C.1.2 too, which comes first. */
static int is_nothing(uint32_t cp) {
  static const struct nm_range nothing[] = {{0xad, 0xad},     {0x34f, 0x34f},   {0x1806, 0x1806},
                                            {0x180b, 0x180d}, {0x200c, 0x200d}, {0x2060, 0x2060},
                                            {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}};
  return NM_IN_RANGES(nothing, cp);
}

/* RFC 3454 C.2.1, C.2.2, C.3 to C.9 (RFC 4013 2.3); C.5, surrogates, is not UTF-8. */
static int is_prohibited(uint32_t cp) {
  static const struct nm_range prohibited[] = {
      {0x0, 0x1f},        {0x7f, 0x9f},       {0x340, 0x341},     {0x6dd, 0x6dd},     {0x70f, 0x70f},
      {0x180e, 0x180e},   {0x200c, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x2063},   {0x206a, 0x206f},
      {0x2ff0, 0x2ffb},   {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},   {0xfff9, 0xffff},
      {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0xfffff}, {0x100000, 0x10ffff}};
  return NM_IN_RANGES(prohibited, cp) || (cp & 0xfffe) == 0xfffe;
}

static int refuse(struct nm_error *e, const char *what, const char *why) {
  return nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "%s %s", what, why);
}

/* RFC 4013 2.1. The text is UTF-8. */
static int map(struct nm_buf *out, struct nm_str text) {
  for (size_t i = 0, n; i < text.n; i += n) {
    uint32_t cp = 0;
    n = nm_utf8_next(text.p + i, text.n - i, &cp);
    if (is_other_space(cp)) {
      nm_buf_add_byte(out, ' ');
    } else if (!is_nothing(cp)) {
      nm_buf_add(out, text.p + i, n);
    }
  }
  return out->err;
}

/* RFC 4013 2.2 */
static int normalize(struct nm_buf *out, struct nm_str text) {
  size_t room = text.n * NFKC_GROWTH + 1,
         n = room; /* text.n is at most NM_UTF8_MAX times a secret's maximum */
  uint8_t *to = (uint8_t *)nm_buf_room(out, room);
  if (to == NULL) {
    return out->err;
  }
  uint8_t *result = u8_normalize(UNINORM_NFKC, (const uint8_t *)text.p, text.n, to, &n);
  if (result == NULL) {
    return NM_ENOMEM;
  }
  if (result != to) { /* more room was wanted: not by any Unicode there is */
    nm_wipe(result, n);
    free(result);
    return NM_ELIMIT;
  }
  out->n += n;
  out->p[out->n] = '\0';
  return 0;
}

/* RFC 3454 5.8 */
static int is_right_to_left(uint32_t cp) {
  int class = uc_bidi_class(cp);
  return class == UC_BIDI_R || class == UC_BIDI_AL;
}

/* RFC 3454 6: with a character of RandALCat (D.1) in it, none of LCat (D.2), and one of RandALCat first and last. */
static int check(struct nm_str text, const char *what, struct nm_error *e) {
  int has_right = 0, has_left = 0, is_first_right = 0, is_last_right = 0;
  for (size_t i = 0, n; i < text.n; i += n) {
    uint32_t cp = 0;
    n = nm_utf8_next(text.p + i, text.n - i, &cp);
    if (is_prohibited(cp)) {
      return refuse(
          e, what,
          "has a control character, or another that no password may have (RFC 4013 2.3); correct it");
    }
    is_last_right = is_right_to_left(cp);
    is_first_right |= i == 0 && is_last_right;
    has_right |= is_last_right;
    has_left |= uc_bidi_class(cp) == UC_BIDI_L;
  }
  if (has_right && (has_left || !is_first_right || !is_last_right)) {
    return refuse(e, what,
                  "mixes characters that are written from right to left with others, in a way that RFC 4013 "
                  "2.4 forbids");
  }
  return 0;
}

int nm_saslprep(struct nm_buf *out, const char *what, struct nm_str text, struct nm_error *e) {
  struct nm_buf mapped = {.max = out->max, .secret = 1};
  struct nm_buf normal = {.max = out->max > SIZE_MAX / 16 ? SIZE_MAX / 2 : out->max * NFKC_GROWTH + 1,
                          .secret = 1};
  if (nm_utf8_valid(text) != text.n) {
    return refuse(e, what, "is not UTF-8; convert it to UTF-8");
  }
  int err = map(&mapped, text);
  err = err != 0 ? err : normalize(&normal, nm_buf_str(&mapped));
  err = err != 0 ? err : check(nm_buf_str(&normal), what, e);
  if (err == 0 && normal.n == 0) {
    err = refuse(e, what, "is empty, or has nothing but invisible characters in it");
  } else if (err == 0) {
    nm_buf_add_str(out, nm_buf_str(&normal));
    err = out->err;
  }
  nm_buf_free(&mapped);
  nm_buf_free(&normal);
  if (err == 0 || err == NM_EINVAL) { /* the latter has its sentence */
    return err;
  }
  return err == NM_ELIMIT ? nm_error_set(e, err, NM_KIND_AUTH, "%s is too long", what) : nm_error_nomem(e);
}
