#include "mime/charset.h"

#include "base/alloc.h"
#include "support/ctest.h"

static void knows_its_charsets(void) {
  static const struct {
    const char *name;
    int ok;
  } rows[] = {
      {"", 1},
      {"utf-8", 1},
      {"UTF8", 1},
      {"us-ascii", 1},
      {"koi8-r", 1},
      {"KOI8-U", 1},
      {"windows-1251", 1},
      {"iso-8859-1", 1},
      {"iso-2022-jp", 1},
      {"shift_jis", 1},
      {"gb18030", 1},
      {"big5", 1},
      {"utf-16", 0}, /* no ASCII */
      {"UTF-16LE", 0},
      {"utf-32", 0},
      {"ucs-4", 0},
      {"ibm037", 0}, /* EBCDIC */
      {"utf-7", 0},  /* "+" means something else */
      {"iso646-se", 0},
      {"wchar_t", 0}, /* of this machine, not of the reader's */
      {"char", 0},
      {"no-such-charset", 0},
      {"utf-8 ", 0},
      {"koi8-r//TRANSLIT", 0},
      {"koi8-r//IGNORE", 0},
      {"koi8-r//", 0},
      {"utf-8\r\nX: y", 0},
      {"koi8-r;x=y", 0},
      {"koi8-r?Q?a?=", 0},
      {"koi8-r*en", 0},
      {"k'o", 0},
      {"koi8.r", 0},
      {"ANSI_X3.4-1968", 0}, /* known, but RFC 2047 has no dots */
      {"кои8", 0},
      {"a-charset-with-a-name-that-is-over-forty-octets", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    int err = nm_charset_check(nm_str_c(rows[i].name), &e);
    CHECK_ROW(err == (rows[i].ok ? 0 : NM_EINVAL), rows[i].name);
    CHECK_ROW(rows[i].ok || (e.kind == NM_KIND_MESSAGE && strstr(e.text, "charset") != NULL), rows[i].name);
    CHECK_ROW(strpbrk(e.text, "\r\n") == NULL, rows[i].name);
  }
  CHECK(nm_charset_check(nm_str("koi8-r\0x", 8), NULL) == NM_EINVAL);
  char name[NM_CHARSET_NAME_MAX + 1];
  memset(name, 'x', sizeof name);
  struct nm_error e = {0};
  CHECK(nm_charset_check(nm_str(name, sizeof name - 1), &e) == NM_EINVAL && strstr(e.text, "known") != NULL);
  CHECK(nm_charset_check(nm_str(name, sizeof name), &e) == NM_EINVAL && strstr(e.text, "name") != NULL);
}

static void converts(void) {
  static const struct {
    const char *charset;
    const char *utf8;
    const char *bytes;
  } rows[] = {
      {"", "Привет €", "Привет €"},
      {"UTF-8", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
      {"koi8-r", "Привет", "\xf0\xd2\xc9\xd7\xc5\xd4"},
      {"windows-1251", "Привет", "\xcf\xf0\xe8\xe2\xe5\xf2"},
      {"iso-8859-1", "a\xc3\xa9", "a\xe9"},
      {"iso-2022-jp", "a\xe6\x97\xa5", "a\x1b$BF|\x1b(B"}, /* ends in ASCII */
      {"gb18030", "\xf0\x9f\x98\x80", "\x94\x39\xfc\x36"},
      {"us-ascii", "plain ~\\\t\r\n", "plain ~\\\t\r\n"},
      {"cp1258", "e\xcc\x81", "e\xec"}, /* iconv holds a letter back for the mark that may follow */
      {"cp1258", "e", "e"},
      {"cp1258", "ế e\xcc\x81", "\xea\xec e\xec"},
      {"cp1258", "ê", "\xea"},
      {"shift_jis", "C:\\~", "C:\\~"},
      {"big5-hkscs", "\xc3\x8a\xcc\x84", "\x88\x62"},
      {"koi8-r", "", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    struct nm_buf out = {.max = 100};
    nm_buf_add_c(&out, "x"); /* appended to what is there */
    CHECK_ROW(nm_charset_encode(nm_str_c(rows[i].charset), nm_str_c(rows[i].utf8), &out, &e) == 0, e.text);
    CHECK_ROW(out.n == 1 + strlen(rows[i].bytes) && memcmp(out.p + 1, rows[i].bytes, out.n - 1) == 0,
              rows[i].bytes);
    nm_buf_free(&out);
  }
}

static void names_the_character_that_is_lacking(void) {
  static const struct {
    const char *charset;
    const char *utf8;
    const char *text;
  } rows[] = {
      {"koi8-r", "цена 5 € и 6 ₽", "charset koi8-r has no character U+20AC '€'"},
      {"windows-1251", "日", "charset windows-1251 has no character U+65E5 '日'"},
      {"us-ascii", "é", "charset us-ascii has no character U+00E9 'é'"},
      {"iso-8859-1", "“x”",
       "charset iso-8859-1 has no character U+201C '“'"}, /* and is not made a plain quote */
      {"iso-2022-jp", "日😀", "charset iso-2022-jp has no character U+1F600 '😀'"},
      /* A tag character: glibc would drop it without a word. */
      {"koi8-r", "a\xf3\xa0\x81\xa7", "charset koi8-r has no character U+E0067 '\xf3\xa0\x81\xa7'"},
      {"cp932", "¥", "charset cp932 has no character U+00A5 '¥'"}, /* not a backslash */
      {"euc-jp", "日‾", "charset euc-jp has no character U+203E '‾'"},
      {"iso-2022-jp", "\x1b$BF|", "charset iso-2022-jp has no character U+001B '\\x1B'"}, /* not 日 */
      {"koi8-r", "a\xff", "broken UTF-8 at byte 2 of the text"},
      {"", "ab\xed\xa0\x80", "broken UTF-8 at byte 3 of the text"},
      {"", "\xc0\x8a", "broken UTF-8 at byte 1 of the text"},
      {"koi8-r", "\xd0", "broken UTF-8 at byte 1 of the text"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    struct nm_buf out = {.max = 100};
    CHECK_ROW(nm_charset_encode(nm_str_c(rows[i].charset), nm_str_c(rows[i].utf8), &out, &e) == NM_EINVAL,
              rows[i].text);
    CHECK_ROW(strcmp(e.text, rows[i].text) == 0, e.text);
    CHECK_ROW(e.kind == NM_KIND_MESSAGE, rows[i].text);
    nm_buf_free(&out);
  }
}

/* Longer than any inner buffer, at sizes around each, so that a character stands across its end. */
static void converts_long_texts(void) {
  static char utf8[9000];
  for (size_t shift = 0; shift < 4; shift++) {
    size_t n = shift;
    memset(utf8, 'a', shift);
    while (n + 3 <= sizeof utf8) {
      memcpy(utf8 + n, "\xe6\x97\xa5", 3);
      n += 3;
    }
    struct nm_buf out = {.max = 20000};
    CHECK(nm_charset_encode(NM_STR("euc-jp"), nm_str(utf8, n), &out, NULL) == 0);
    CHECK(out.n == shift + (n - shift) / 3 * 2);
    nm_buf_free(&out);
  }
}

static void keeps_to_the_maximum(void) {
  struct nm_error e = {0};
  struct nm_buf out = {.max = 3};
  CHECK(nm_charset_encode(NM_STR("koi8-r"), NM_STR("абвг"), &out, &e) == NM_ELIMIT);
  CHECK(e.code == NM_ELIMIT && e.kind == NM_KIND_MESSAGE);
  nm_buf_free(&out);
  CHECK(nm_charset_encode(NM_STR("koi8-r"), NM_STR("абв"), &out, &e) == 0 && out.n == 3);
  nm_buf_free(&out);
}

static void closes_twice(void) {
  struct nm_charset c = {0};
  nm_charset_close(&c);
  CHECK(nm_charset_open(&c, NM_STR("koi8-r"), NULL) == 0);
  nm_charset_close(&c);
  nm_charset_close(&c);
  CHECK(c.cd == NULL);
  CHECK(nm_charset_open(&c, NM_STR("nonsense"), NULL) == NM_EINVAL);
  nm_charset_close(&c);
}

static void tells_utf8(void) {
  CHECK(nm_charset_is_utf8(NM_STR("")) && nm_charset_is_utf8(NM_STR("UTF-8")) &&
        nm_charset_is_utf8(NM_STR("utf8")));
  CHECK(!nm_charset_is_utf8(NM_STR("us-ascii")) && !nm_charset_is_utf8(NM_STR("utf-16")));
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_error e = {0};
    struct nm_buf out = {.max = 1000};
    nm_test_alloc_fail_at(n);
    int err = nm_charset_encode(NM_STR("koi8-r"),
                                NM_STR("Съешь же ещё этих мягких французских булок, да выпей чаю"
                                       " и ещё, и ещё, и ещё, и ещё"),
                                &out, &e);
    nm_test_alloc_fail_at(0);
    nm_buf_free(&out);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 1);
      return;
    }
    CHECK(err == NM_ENOMEM && e.code == NM_ENOMEM);
  }
}
#endif

int main(void) {
  RUN(knows_its_charsets);
  RUN(converts);
  RUN(names_the_character_that_is_lacking);
  RUN(converts_long_texts);
  RUN(keeps_to_the_maximum);
  RUN(closes_twice);
  RUN(tells_utf8);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  return ctest_end();
}
