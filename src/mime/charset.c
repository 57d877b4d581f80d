#include "mime/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include "base/chars.h"
#include "base/utf8.h"

/* iconv writes here first, so that out's maximum counts real bytes and not an estimate. */
#define CHUNK 1024

int nm_charset_is_utf8(struct nm_str name) {
  return name.n == 0 || nm_str_ieq(name, NM_STR("utf-8")) || nm_str_ieq(name, NM_STR("utf8"));
}

/* RFC 2978 2.3: mime-charset-chars. Token characters but ".", which RFC 2047 2 keeps out of an encoded word,
   and "*" and "'", which RFC 2231 has as separators ("%" is allowed there but in no registered name). */
static int is_name(struct nm_str s) {
  return s.n <= NM_CHARSET_NAME_MAX && nm_all(s, NM_CHAR_ATTR) && memchr(s.p, '.', s.n) == NULL;
}

/* Runs iconv to the end of the input; p == NULL: back to the initial state. 0, or -1 when a character cannot
   be written exactly (a positive result of iconv is a replacement: musl writes '*'). */
static int pump(iconv_t cd, char *p, size_t n, struct nm_buf *out) {
  for (;;) {
    char chunk[CHUNK];
    char *to = chunk;
    size_t room = sizeof chunk;
    size_t r = iconv(cd, p != NULL ? &p : NULL, p != NULL ? &n : NULL, &to, &room);
    nm_buf_add(out, chunk, sizeof chunk - room);
    if (r == 0) {
      return 0;
    }
    if (r != (size_t)-1 || errno != E2BIG) {
      return -1;
    }
    if (out->err != 0) {
      return 0; /* the caller looks there; no need to convert the rest */
    }
  }
}

static int pump_all(iconv_t cd, struct nm_str s, struct nm_buf *out) {
  iconv(cd, NULL, NULL, NULL, NULL);
  /* iconv's const-less parameter: it does not write to the input. */
  int bad = s.n > 0 ? pump(cd, (char *)(uintptr_t)s.p, s.n, out) : 0;
  return bad != 0 ? bad : pump(cd, NULL, 0, out);
}

/* Does the charset stand on ASCII? UTF-16, EBCDIC, UTF-7, HZ and national variants of ISO 646 do not. */
static int carries_ascii(iconv_t cd) {
  char ascii[98];
  size_t n = 0;
  for (char c = 32; c < 127; c++) {
    ascii[n++] = c;
  }
  ascii[n++] = '\t';
  ascii[n++] = '\r';
  ascii[n++] = '\n';
  char got[4 * sizeof ascii];
  char *from = ascii;
  char *to = got;
  size_t left = n;
  size_t room = sizeof got;
  iconv(cd, NULL, NULL, NULL, NULL);
  if (iconv(cd, &from, &left, &to, &room) != 0 || iconv(cd, NULL, NULL, &to, &room) != 0) {
    return 0;
  }
  return nm_str_eq(nm_str(ascii, n), nm_str(got, sizeof got - room));
}

static int unknown(struct nm_error *e, struct nm_str name, const char *why) {
  int shown = name.n > 60 ? 60 : (int)name.n;
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "charset '%.*s' %s", shown, name.p, why);
}

int nm_charset_open(struct nm_charset *c, struct nm_str name, struct nm_error *e) {
  *c = (struct nm_charset){0};
  if (nm_charset_is_utf8(name)) {
    memcpy(c->name, "utf-8", 6);
    return 0;
  }
  if (!is_name(name)) {
    return unknown(e, name, "is not a charset name");
  }
  memcpy(c->name, name.p, name.n);
  /* libiconv has these two for the locale's charset, which nobody who reads the mail knows. */
  int local = nm_str_ieq(name, NM_STR("char")) || nm_str_ieq(name, NM_STR("wchar_t"));
  iconv_t cd = local ? (iconv_t)-1 : iconv_open(c->name, "UTF-8");
  if (cd == (iconv_t)-1) {
    return !local && errno == ENOMEM ? nm_error_nomem(e) : unknown(e, name, "is not known here");
  }
  if (!carries_ascii(cd)) {
    iconv_close(cd);
    return unknown(e, name, "does not contain ASCII and cannot carry mail text");
  }
  c->cd = cd;
  return 0;
}

void nm_charset_close(struct nm_charset *c) {
  if (c->cd != NULL) {
    iconv_close((iconv_t)c->cd);
  }
  *c = (struct nm_charset){0};
}

/* U+E0000-E007F: glibc drops these without a word where the charset has no place for them. */
static int is_tag(uint32_t cp) {
  return cp >= 0xe0000 && cp <= 0xe007f;
}

static int has_tag(struct nm_str s) {
  for (size_t at = 0; at < s.n; at++) {
    uint32_t cp = 0;
    if (s.p[at] == '\xf3' && nm_utf8_next(s.p + at, s.n - at, &cp) != 0 && is_tag(cp)) {
      return 1;
    }
  }
  return 0;
}

/* The offset of the first character that does not go through on its own, or s.n. The state is kept from one
   to the next: a combining mark may be fine only after its letter. */
static size_t first_lacking(iconv_t cd, struct nm_str s) {
  size_t at = 0;
  iconv(cd, NULL, NULL, NULL, NULL);
  while (at < s.n) {
    uint32_t cp = 0;
    size_t n = nm_utf8_next(s.p + at, s.n - at, &cp);
    char *from = (char *)(uintptr_t)(s.p + at);
    size_t left = n;
    char got[64];
    char *to = got;
    size_t room = sizeof got;
    if (n == 0 || iconv(cd, &from, &left, &to, &room) != 0 || (is_tag(cp) && room == sizeof got)) {
      return at;
    }
    at += n;
  }
  return s.n;
}

static int fail(struct nm_error *e, const struct nm_charset *c, struct nm_str utf8, size_t at) {
  uint32_t cp = 0;
  size_t n = at < utf8.n ? nm_utf8_next(utf8.p + at, utf8.n - at, &cp) : 0;
  if (n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the text cannot be written in %s", c->name);
  }
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "charset %s has no character U+%04lX '%.*s'", c->name,
                      (unsigned long)cp, (int)n, utf8.p + at);
}

int nm_charset_convert(struct nm_charset *c, struct nm_str utf8, struct nm_buf *out, struct nm_error *e) {
  size_t valid = nm_utf8_valid(utf8);
  if (valid < utf8.n) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "broken UTF-8 at byte %zu of the text", valid + 1);
  }
  if (c->cd == NULL) {
    nm_buf_add_str(out, utf8);
  } else if (pump_all((iconv_t)c->cd, utf8, out) != 0) {
    return fail(e, c, utf8, first_lacking((iconv_t)c->cd, utf8));
  } else if (has_tag(utf8)) {
    size_t at = first_lacking((iconv_t)c->cd, utf8);
    if (at < utf8.n) {
      return fail(e, c, utf8, at);
    }
  }
  if (out->err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  return out->err == 0 ? 0 : nm_error_set(e, out->err, NM_KIND_MESSAGE, "the text is too long");
}

int nm_charset_check(struct nm_str name, struct nm_error *e) {
  struct nm_charset c;
  int err = nm_charset_open(&c, name, e);
  nm_charset_close(&c);
  return err;
}

int nm_charset_encode(struct nm_str charset, struct nm_str utf8, struct nm_buf *out, struct nm_error *e) {
  struct nm_charset c;
  int err = nm_charset_open(&c, charset, e);
  if (err == 0) {
    err = nm_charset_convert(&c, utf8, out, e);
  }
  nm_charset_close(&c);
  return err;
}
