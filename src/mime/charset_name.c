#include "mime/charset.h"

#include "base/chars.h"
#include "base/check.h"

/* What a mail reader must find in charset= is the registered name (IANA's, the one preferred for MIME); iconv takes many more
   that only it knows. Keys: lower case, letters and digits alone. */
static const struct {
  const char *key;
  const char *name;
} names[] = {
    {"ascii", "us-ascii"},
    {"usascii", "us-ascii"},
    {"ansix341968", "us-ascii"},
    {"utf8", "utf-8"},
    {"koi8r", "koi8-r"},
    {"koi8u", "koi8-u"},
    {"koi8", "koi8-r"},
    {"ibm866", "ibm866"},
    {"cp866", "ibm866"},
    {"866", "ibm866"},
    {"mscyrl", "windows-1251"},
    {"shiftjis", "shift_jis"},
    {"sjis", "shift_jis"},
    {"mskanji", "shift_jis"},
    {"eucjp", "euc-jp"},
    {"ujis", "euc-jp"},
    {"euckr", "euc-kr"},
    {"ksc5601", "euc-kr"},
    {"euccn", "gb2312"},
    {"gb2312", "gb2312"},
    {"gbk", "gbk"},
    {"cp936", "gbk"},
    {"gb18030", "gb18030"},
    {"big5", "big5"},
    {"big5hkscs", "big5-hkscs"},
    {"tis620", "tis-620"},
    {"iso2022jp", "iso-2022-jp"},
    {"iso2022kr", "iso-2022-kr"},
    {"macintosh", "macintosh"},
    {"mac", "macintosh"},
    {"latin1", "iso-8859-1"},
    {"latin2", "iso-8859-2"},
    {"latin3", "iso-8859-3"},
    {"latin4", "iso-8859-4"},
    {"latin5", "iso-8859-9"},
    {"latin6", "iso-8859-10"},
    {"latin9", "iso-8859-15"},
    {"l1", "iso-8859-1"},
    {"l2", "iso-8859-2"},
    {"cyrillic", "iso-8859-5"},
    {"arabic", "iso-8859-6"},
    {"greek", "iso-8859-7"},
    {"hebrew", "iso-8859-8"},
    {"windows31j", "windows-31j"},
    {"cp932", "windows-31j"},
    {"mscp932", "windows-31j"},
};

#define KEY_MAX 40

/* 0 when the name is none, so that it is left to be refused. */
static size_t make_key(struct nm_str name, char *key) {
  size_t n = 0;
  for (size_t i = 0; i < name.n && n < KEY_MAX; i++) {
    if (nm_is((unsigned char)name.p[i], NM_CHAR_ALPHA | NM_CHAR_DIGIT)) {
      key[n++] = nm_lower(name.p[i]);
    } else if (name.p[i] == '\0' || strchr("-_.:", name.p[i]) == NULL) {
      return 0;
    }
  }
  return n;
}

static struct nm_str without(struct nm_str key, struct nm_str head) {
  int has = key.n > head.n && nm_str_eq(nm_str(key.p, head.n), head);
  return has ? nm_str(key.p + head.n, key.n - head.n) : nm_str("", 0);
}

/* "125" and one digit. */
static int is_windows_page(struct nm_str s) {
  return s.n == 4 && nm_str_eq(nm_str(s.p, 3), NM_STR("125")) && s.p[3] >= '0' && s.p[3] <= '8';
}

/* 1 to 16 but 12, which was never made. */
static int is_latin_part(struct nm_str s) {
  return (s.n == 1 && s.p[0] >= '1' && s.p[0] <= '9') ||
         (s.n == 2 && s.p[0] == '1' && s.p[1] >= '0' && s.p[1] <= '6' && s.p[1] != '2');
}

static struct nm_str after_any(struct nm_str key, const struct nm_str *heads, size_t n,
                               int (*is)(struct nm_str)) {
  for (size_t i = 0; i < n; i++) {
    struct nm_str rest = without(key, heads[i]);
    if (is(rest)) {
      return rest;
    }
  }
  return nm_str("", 0);
}

void nm_charset_mime_name(struct nm_str name, struct nm_buf *out) {
  static const struct nm_str pages[] = {{"windows", 7}, {"cp", 2}, {"win", 3}, {"mscp", 4}, {"xcp", 3}};
  static const struct nm_str parts[] = {{"iso8859", 7}, {"8859", 4}};
  char bytes[KEY_MAX];
  struct nm_str key = nm_str(bytes, make_key(name, bytes));
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (nm_str_eq(nm_str_c(names[i].key), key)) {
      nm_buf_add_c(out, names[i].name);
      return;
    }
  }
  struct nm_str page = after_any(key, pages, sizeof pages / sizeof pages[0], is_windows_page);
  struct nm_str part = after_any(key, parts, sizeof parts / sizeof parts[0], is_latin_part);
  if (page.n > 0) {
    nm_buf_add_c(out, "windows-");
    nm_buf_add_str(out, page);
  } else if (part.n > 0) {
    nm_buf_add_c(out, "iso-8859-");
    nm_buf_add_str(out, part);
  } else {
    nm_buf_add_str(out, name);
  }
}

/* Readers know registered names only, iconv's users many more: the registered one is kept, and the one given only where iconv
   does not know the other. */
int nm_charset_keep(struct nm_buf *to, const char *field, struct nm_str charset, struct nm_error *e) {
  struct nm_buf name = {.max = 64};
  struct nm_error why = {0};
  int err = nm_check_line(field, charset, e);
  if (err != 0 || charset.n == 0) {
    return err != 0 ? err : nm_buf_replace(to, field, charset, e);
  }
  nm_charset_mime_name(charset, &name);
  struct nm_str kept = nm_str_ieq(nm_buf_str(&name), charset) ? charset : nm_buf_str(&name);
  err = name.err != 0 ? name.err : nm_charset_check(kept, &why);
  if (err != 0 && err != NM_ENOMEM) { /* iconv does not know the registered name, or there is none */
    kept = charset;
    err = nm_charset_check(kept, &why);
  }
  if (err == 0) {
    err = nm_buf_replace(to, field, kept, e);
  } else if (err == NM_ENOMEM) {
    nm_error_nomem(e);
  } else {
    nm_error_set(e, err, NM_KIND_MESSAGE, "%s: %s", field, why.text);
  }
  nm_buf_free(&name);
  return err;
}
