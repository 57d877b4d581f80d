#include "mime/charset.h"

#include "base/alloc.h"
#include "support/ctest.h"

#define BAD "\xef\xbf\xbd"

static void decodes(void) {
  static const struct {
    const char *charset;
    const char *bytes;
    size_t n;
    const char *utf8;
    size_t bad;
  } rows[] = {
      {"", "a\xd0\x9f", 3, "aП", 0},
      {"UTF8", "\xff\xc0\x80\xed\xa0\x80x", 7, BAD BAD BAD BAD BAD BAD "x", 6},
      {"utf-8", "a\xd0", 2, "a" BAD, 1},
      {"us-ascii", "\xc3\xa9", 2, "é", 0},
      {"ansi_x3.4-1968", "a", 1, "a", 0},
      {"KOI8-R", "\xf0\xd2", 2, "Пр", 0},
      {"cp1251", "\xcf", 1, "П", 0},
      {"iso-8859-1", "\xe9", 1, "é", 0},
      {"latin1", "\xe9", 1, "é", 0},
      {"windows-1252", "a\x81z", 3, "a" BAD "z", 1},
      {"iso-2022-jp", "\x1b$BF|\x1b(Bx", 9, "日x", 0},
      {"gb2312", "\xd6\xec", 2, "朱", 0},
      {"gb2312", "\x86h", 2, "唄", 0},
      {"gb2312", "\xff", 1, BAD, 1},
      {"shift_jis", "\x93\xfa\\", 3, "日\\", 0},
      {"shift_jis", "\x87\x40", 2, "①", 0}, /* only in Microsoft's */
      {"utf-16", "\xfe\xff\x04\x1f", 4, "П", 0},
      {"utf-16be", "\x04\x1f\xd8\x00", 4, "П" BAD BAD, 2},
      {"utf-7", "+BB8-", 5, "П", 0},
      {"euc-jp", "\xc6", 1, BAD, 1},
      {"koi8-r", "", 0, "", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf out = {.max = 1000};
    size_t bad = 0;
    nm_buf_add_c(&out, "x");
    int err = nm_charset_decode(nm_str_c(rows[i].charset), nm_str(rows[i].bytes, rows[i].n), &out, &bad);
    CHECK_ROW(err == 0 && bad == rows[i].bad, rows[i].charset);
    CHECK_ROW(strcmp(out.p + 1, rows[i].utf8) == 0, out.p);
    nm_buf_free(&out);
  }
}

static void refuses_what_is_no_charset(void) {
  static const char *const names[] = {"no-such-charset",
                                      "koi8-r//IGNORE",
                                      "koi8-r//",
                                      "koi8-r?",
                                      "a b",
                                      "char",
                                      "WCHAR_T",
                                      "a-charset-with-a-name-that-is-over-forty-octets",
                                      "кои8"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct nm_buf out = {.max = 1000};
    CHECK_ROW(nm_charset_decode(nm_str_c(names[i]), NM_STR("a"), &out, NULL) == NM_EINVAL, names[i]);
    CHECK_ROW(out.n == 0, names[i]);
    nm_buf_free(&out);
  }
}

static void stays_open(void) {
  struct nm_charset_reader r = {0};
  struct nm_buf out = {.max = 1000};
  CHECK(nm_charset_read(&r, NM_STR("a"), &out, NULL) == NM_EINVAL);
  CHECK(nm_charset_reader_open(&r, NM_STR("koi8-r")) == 0);
  void *cd = r.cd;
  CHECK(nm_charset_read(&r, NM_STR("\xf0"), &out, NULL) == 0);
  CHECK(nm_charset_reader_open(&r, NM_STR("KOI8-R")) == 0 && r.cd == cd);
  CHECK(nm_charset_reader_open(&r, NM_STR("nonsense")) == NM_EINVAL);
  CHECK(nm_charset_reader_open(&r, NM_STR("nonsense")) == NM_EINVAL);
  CHECK(nm_charset_reader_open(&r, NM_STR("utf-8")) == 0);
  CHECK(nm_charset_read(&r, NM_STR("\xd0\x9f"), &out, NULL) == 0 && strcmp(out.p, "ПП") == 0);
  nm_charset_reader_close(&r);
  nm_charset_reader_close(&r);
  nm_buf_free(&out);
}

/* Longer than any inner buffer, at sizes around each, so that a character stands across its end. */
static void decodes_long_texts(void) {
  static char bytes[9000];
  for (size_t shift = 0; shift < 2; shift++) {
    memset(bytes, 'a', shift);
    size_t n = shift;
    for (; n + 2 <= sizeof bytes; n += 2) {
      memcpy(bytes + n, "\xc6\xfc", 2);
    }
    struct nm_buf out = {.max = 20000};
    size_t bad = 0;
    CHECK(nm_charset_decode(NM_STR("euc-jp"), nm_str(bytes, n), &out, &bad) == 0 && bad == 0);
    CHECK(out.n == shift + (n - shift) / 2 * 3);
    nm_buf_free(&out);
    out.max = 100;
    CHECK(nm_charset_decode(NM_STR("euc-jp"), nm_str(bytes, n), &out, &bad) == NM_ELIMIT);
    nm_buf_free(&out);
  }
}

int main(void) {
  RUN(decodes);
  RUN(refuses_what_is_no_charset);
  RUN(stays_open);
  RUN(decodes_long_texts);
  return ctest_end();
}
