#include "mime/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include "base/chars.h"
#include "base/utf8.h"

/* iconv writes here first, so that out's maximum counts real bytes and not an estimate. */
#define CHUNK 1024
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* ASCII is a part of UTF-8, and who says us-ascii and writes more mostly writes UTF-8. */
static int is_utf8(struct nm_str name) {
  return nm_charset_is_utf8(name) || nm_str_ieq(name, NM_STR("us-ascii"));
}

/* Charsets that are often named where a larger one of the same octets was meant; it is asked only for what the one named
   does not have. */
static const char *larger(const char *name) {
  static const char *const pairs[][2] = {{"gb2312", "gb18030"},          {"gbk", "gb18030"},
                                         {"shift_jis", "cp932"},         {"euc-kr", "cp949"},
                                         {"iso-8859-1", "windows-1252"}, {"iso-8859-9", "windows-1254"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    if (nm_str_ieq(nm_str_c(name), nm_str_c(pairs[i][0]))) {
      return pairs[i][1];
    }
  }
  return NULL;
}

/* What iconv_open may see: no "//IGNORE" behind the name, and not the charset of this machine's locale. */
static int is_name(struct nm_str s) {
  return s.n <= NM_CHARSET_NAME_MAX && nm_all(s, NM_CHAR_ATTR) && !nm_str_ieq(s, NM_STR("char")) &&
         !nm_str_ieq(s, NM_STR("wchar_t"));
}

static int open_name(struct nm_charset_reader *r, struct nm_str name) {
  if (!is_name(name)) {
    return NM_EINVAL;
  }
  memcpy(r->name, name.p, name.n);
  r->name[name.n] = '\0';
  iconv_t cd = iconv_open("UTF-8", r->name);
  r->cd = cd == (iconv_t)-1 ? NULL : cd;
  return r->cd != NULL ? 0 : errno == ENOMEM ? NM_ENOMEM : NM_EINVAL;
}

static int open_any(struct nm_charset_reader *r, struct nm_str name) {
  struct nm_buf registered = {.max = 2 * NM_CHARSET_NAME_MAX};
  nm_charset_mime_name(name, &registered);
  int err = registered.err;
  if (err == 0 && is_utf8(nm_buf_str(&registered))) {
    memcpy(r->name, "utf-8", sizeof "utf-8");
  } else if (err == 0) {
    err = open_name(r, nm_buf_str(&registered));
    err = err == NM_EINVAL ? open_name(r, name) : err;
  }
  nm_buf_free(&registered);
  return err;
}

int nm_charset_reader_open(struct nm_charset_reader *r, struct nm_str name) {
  if (name.n > NM_CHARSET_NAME_MAX) {
    return NM_EINVAL;
  }
  if (r->state != NM_CHARSET_READER_NONE && nm_str_ieq(nm_str_c(r->asked), name)) {
    return r->state == NM_CHARSET_READER_OPEN ? 0 : NM_EINVAL;
  }
  nm_charset_reader_close(r);
  if (name.n > 0) {
    memcpy(r->asked, name.p, name.n);
  }
  int err = open_any(r, name);
  if (err == 0) {
    r->state = NM_CHARSET_READER_OPEN;
  } else if (err == NM_EINVAL) {
    r->state = NM_CHARSET_READER_UNKNOWN;
  }
  return err;
}

void nm_charset_reader_close(struct nm_charset_reader *r) {
  if (r->cd != NULL) {
    iconv_close((iconv_t)r->cd);
  }
  *r = (struct nm_charset_reader){0};
}

/* What is UTF-8 already: every octet that is none becomes U+FFFD; returns their number. */
static size_t mend(struct nm_str utf8, struct nm_buf *out) {
  size_t bad = 0;
  while (utf8.n > 0 && out->err == 0) {
    size_t good = nm_utf8_valid(utf8);
    nm_buf_add(out, utf8.p, good);
    if (good < utf8.n) {
      nm_buf_add_c(out, REPLACEMENT);
      bad++;
      good++;
    }
    utf8 = nm_str(utf8.p + good, utf8.n - good);
  }
  return bad;
}

/* Runs iconv over p until the input is done. Returns how many octets were no characters. */
static size_t pump(iconv_t cd, char *p, size_t n, struct nm_buf *out) {
  size_t bad = 0;
  int flushed = 0;
  while (out->err == 0) {
    char chunk[CHUNK];
    char *to = chunk;
    size_t room = sizeof chunk;
    size_t r = flushed ? iconv(cd, NULL, NULL, &to, &room) : iconv(cd, &p, &n, &to, &room);
    int why = r == (size_t)-1 ? errno : 0;
    nm_buf_add(out, chunk, sizeof chunk - room);
    if (why == E2BIG) {
      continue;
    }
    if (flushed) {
      break;
    }
    if (why != 0 && n > 0) { /* EILSEQ; EINVAL: cut off by the end */
      nm_buf_add_c(out, REPLACEMENT);
      bad++;
      p++;
      n--;
    }
    flushed = n == 0;
  }
  return bad;
}

static size_t read_all(void *cd, struct nm_str bytes, struct nm_buf *out) {
  iconv((iconv_t)cd, NULL, NULL, NULL, NULL);
  return pump((iconv_t)cd, (char *)(uintptr_t)bytes.p, bytes.n, out); /* iconv does not write to its input */
}

/* glibc reads the octets 5C and 7E of Shift_JIS as the signs for yen and overline, which JIS has there, and the writer takes
   them back; all readers of mail show a backslash and a tilde, which is what stands in paths and addresses. Neither sign has
   another code there. */
static void restore_ascii(struct nm_buf *out, size_t begin) {
  if (out->p == NULL) {
    return;
  }
  size_t to = begin;
  for (size_t i = begin; i < out->n; i++) {
    char c = out->p[i];
    if (out->n - i > 1 && memcmp(out->p + i, "\xc2\xa5", 2) == 0) {
      c = '\\';
      i++;
    } else if (out->n - i > 2 && memcmp(out->p + i, "\xe2\x80\xbe", 3) == 0) {
      c = '~';
      i += 2;
    }
    out->p[to++] = c;
  }
  out->n = to;
  out->p[to] = '\0';
}

int nm_charset_read(struct nm_charset_reader *r, struct nm_str bytes, struct nm_buf *out, size_t *bad_out) {
  size_t bad = 0;
  if (r->state != NM_CHARSET_READER_OPEN) {
    return NM_EINVAL;
  }
  if (r->cd == NULL) {
    bad = mend(bytes, out);
  } else {
    size_t before = out->n;
    bad = read_all(r->cd, bytes, out);
    const char *wider = bad > 0 && out->err == 0 ? larger(r->name) : NULL;
    iconv_t cd = wider != NULL ? iconv_open("UTF-8", wider) : (iconv_t)-1;
    if (cd != (iconv_t)-1) {
      out->n = before;
      bad = read_all(cd, bytes, out);
      iconv_close(cd);
    } else if (out->err == 0 && nm_str_ieq(nm_str_c(r->name), NM_STR("shift_jis"))) {
      restore_ascii(out, before);
    }
  }
  if (bad_out != NULL) {
    *bad_out += bad;
  }
  return out->err;
}

int nm_charset_decode(struct nm_str charset, struct nm_str bytes, struct nm_buf *out, size_t *bad_out) {
  struct nm_charset_reader r = {0};
  int err = nm_charset_reader_open(&r, charset);
  err = err == 0 ? nm_charset_read(&r, bytes, out, bad_out) : err;
  nm_charset_reader_close(&r);
  return err;
}
