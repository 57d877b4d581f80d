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

/* Runs iconv to the end of the input; p == NULL: back to the initial state. 0, or -1 when a character cannot be
   written exactly (a positive result of iconv is a replacement: musl writes '*'). */
static int pump(iconv_t cd, char *p, size_t n, struct nm_buf *out) {
  while (out->err == 0) {
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
  }
  return 0; /* the caller looks at err; no need to convert the rest */
}

/* iconv does not write to its input, its type only says so. */
static char *input(struct nm_str s) {
  return (char *)(uintptr_t)s.p;
}

static int pump_all(iconv_t cd, struct nm_str s, struct nm_buf *out) {
  iconv(cd, NULL, NULL, NULL, NULL);
  int bad = s.n > 0 ? pump(cd, input(s), s.n, out) : 0;
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
  iconv_t back = cd == (iconv_t)-1 ? cd : iconv_open("UTF-8", c->name);
  int err = errno;
  c->cd = cd == (iconv_t)-1 ? NULL : cd;
  c->back = back == (iconv_t)-1 ? NULL : back;
  if (c->back != NULL && carries_ascii(cd)) {
    return 0;
  }
  const char *why =
      c->back == NULL ? "is not known here" : "does not contain ASCII and cannot carry mail text";
  int nomem = c->back == NULL && !local && err == ENOMEM;
  nm_charset_close(c);
  return nomem ? nm_error_nomem(e) : unknown(e, name, why);
}

void nm_charset_close(struct nm_charset *c) {
  if (c->cd != NULL) {
    iconv_close((iconv_t)c->cd);
  }
  if (c->back != NULL) {
    iconv_close((iconv_t)c->back);
  }
  *c = (struct nm_charset){0};
}

/* Does cd make text of bytes? Some tables of glibc change characters without a word: CP932 makes a backslash of U+00A5,
   nearly all drop U+E0000-E007F, and an ESC goes through ISO-2022-JP as a change of its state. */
static int means(iconv_t cd, struct nm_str bytes, struct nm_str text) {
  char *from = input(bytes);
  size_t left = bytes.n;
  size_t at = 0;
  int flushed = 0;
  iconv(cd, NULL, NULL, NULL, NULL);
  for (;;) {
    char chunk[CHUNK];
    char *to = chunk;
    size_t room = sizeof chunk;
    size_t r = iconv(cd, flushed ? NULL : &from, flushed ? NULL : &left, &to, &room);
    size_t n = sizeof chunk - room;
    if ((r != 0 && !(r == (size_t)-1 && errno == E2BIG)) || n > text.n - at ||
        (n > 0 && memcmp(chunk, text.p + at, n) != 0)) {
      return 0;
    }
    at += n;
    if (r == 0 && flushed) {
      return at == text.n;
    }
    flushed = flushed || r == 0;
  }
}

/* The offset of the first character that does not go through, or s.n. The state is kept from one to the next: a
   combining mark may be fine only after its letter. */
static size_t first_lacking(const struct nm_charset *c, struct nm_str s) {
  size_t at = 0;
  iconv((iconv_t)c->cd, NULL, NULL, NULL, NULL);
  while (at < s.n) {
    size_t n = nm_utf8_next(s.p + at, s.n - at, NULL);
    char *from = input(s) + at;
    size_t left = n;
    char got[64];
    char *to = got;
    size_t room = sizeof got;
    if (iconv((iconv_t)c->cd, &from, &left, &to, &room) != 0) {
      break;
    }
    at += n;
  }
  return at;
}

static int is_plain(char c) {
  return nm_is((unsigned char)c, NM_CHAR_PRINT) || c == '\t' || c == '\r' || c == '\n';
}

/* The offset of the first character that goes through on its own as something else, or s.n: then text and bytes
   differ in how letters and their marks are joined (CP1258), and mean the same. ASCII is excused: glibc's
   Shift_JIS writes a backslash as what JIS calls a yen sign, and all readers show a backslash. */
static size_t first_changed(const struct nm_charset *c, struct nm_str s) {
  size_t at = 0;
  while (at < s.n) {
    size_t n = nm_utf8_next(s.p + at, s.n - at, NULL);
    struct nm_str one = nm_str(s.p + at, n);
    char *from = input(one);
    size_t left = n;
    char got[64];
    char *to = got;
    size_t room = sizeof got;
    iconv((iconv_t)c->cd, NULL, NULL, NULL, NULL);
    int alone = iconv((iconv_t)c->cd, &from, &left, &to, &room) == 0 &&
                iconv((iconv_t)c->cd, NULL, NULL, &to, &room) == 0;
    if (!is_plain(one.p[0]) && alone && !means((iconv_t)c->back, nm_str(got, sizeof got - room), one)) {
      break;
    }
    at += n;
  }
  return at;
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

static int status(const struct nm_buf *out, struct nm_error *e) {
  if (out->err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  return out->err == 0 ? 0 : nm_error_set(e, out->err, NM_KIND_MESSAGE, "the text is too long");
}

int nm_charset_convert(struct nm_charset *c, struct nm_str utf8, struct nm_buf *out, struct nm_error *e) {
  size_t valid = nm_utf8_valid(utf8);
  if (valid < utf8.n) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "broken UTF-8 at byte %zu of the text", valid + 1);
  }
  if (c->cd == NULL) {
    nm_buf_add_str(out, utf8);
    return status(out, e);
  }
  size_t before = out->n;
  if (pump_all((iconv_t)c->cd, utf8, out) != 0) {
    return fail(e, c, utf8, first_lacking(c, utf8));
  }
  if (out->err != 0) {
    return status(out, e);
  }
  struct nm_str written = nm_buf_str(out);
  written = nm_str(written.p + before, written.n - before);
  size_t changed = means((iconv_t)c->back, written, utf8) ? utf8.n : first_changed(c, utf8);
  return changed == utf8.n ? 0 : fail(e, c, utf8, changed);
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

int nm_charset_gives(struct nm_str charset, struct nm_str utf8, struct nm_str octets) {
  struct nm_charset c;
  struct nm_error why = {0};
  int gives = nm_charset_open(&c, charset, &why);
  if (gives == 0 && nm_utf8_valid(utf8) == utf8.n) {
    gives = c.cd == NULL ? nm_str_eq(utf8, octets)
                         : means((iconv_t)c.cd, utf8, octets) &&
                               (means((iconv_t)c.back, octets, utf8) || first_changed(&c, utf8) == utf8.n);
  }
  nm_charset_close(&c);
  return gives == NM_EINVAL ? 0 : gives;
}
