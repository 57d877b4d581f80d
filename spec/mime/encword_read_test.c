#include "mime/encword_read.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "smtp/vectors.h"
#include "support/json.h"
#include "support/misses.h"

#define BAD "\xef\xbf\xbd"

struct row {
  const char *in;
  const char *out;
  size_t lost;
};

static void check(void (*read)(struct nm_buf *, struct nm_str, size_t *), const struct row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    struct nm_buf b = {.max = 10000};
    size_t lost = 0;
    nm_buf_add_c(&b, "x");
    read(&b, nm_str_c(rows[i].in), &lost);
    CHECK_ROW(b.err == 0 && strcmp(b.p + 1, rows[i].out) == 0, b.p);
    CHECK_ROW(lost == rows[i].lost, rows[i].in);
    nm_buf_free(&b);
  }
}

static void reads_encoded_words(void) {
  static const struct row rows[] = {
      {"", "", 0},
      {" plain text ", "plain text", 0},
      /* RFC 2047 8 */
      {"=?US-ASCII?Q?Keith_Moore?=", "Keith Moore", 0},
      {"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen", 0},
      {"=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard", 0},
      {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
       "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
       "If you can read this you understand the example.", 0},
      {"=?ISO-8859-1?Q?a?=", "a", 0},
      {"=?ISO-8859-1?Q?a?= b", "a b", 0},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab", 0},
      {"=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab", 0},
      {"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab", 0},
      {"=?ISO-8859-1?Q?a_b?=", "a b", 0},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b", 0},
      /* RFC 2231 5 */
      {"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore", 0},
      {"=?utf-8*?q?a?=", "a", 0},
      /* other names of charsets */
      {"=?cp1251?B?z/Do4uXy?=", "Привет", 0},
      {"=?koi8-r?q?=F0=D2=C9=D7=C5=D4?=", "Привет", 0},
      {"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本", 0},
      {"=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?GyRCS1wbKEI=?=", "日本",
       0}, /* the first one ends in JIS */
      {"=?gb2312?B?1uy5+8Li?=", "朱果骡", 0},
      {"=?gb2312?B?6bg=?=", "楦", 0},
      {"=?gb2312?B?hmg=?=", "唄", 0}, /* only in GBK */
      {"=?utf-16be?B?BB8EQA==?=", "Пр", 0},
      {"=?utf-8?Q?=e2=82=AC?=", "€", 0},
      /* a character in two words */
      {"=?utf-8?Q?=D0?= =?utf-8?Q?=9F?=", "П", 0},
      {"=?UTF-8?B?0J8g0A==?=\r\n\t=?utf-8?B?nw==?=", "П П", 0},
      {"=?utf-8?Q?=D0?= =?UTF-8?B?nw==?=", "П", 0},
      {"=?utf-8?Q?=D0?= x =?utf-8?Q?=9F?=", BAD " x " BAD, 2},
      {"=?utf-8?Q?=D0?= =?koi8-r?Q?=F0?=", BAD "П", 1},
      /* beside other text */
      {"a=?utf-8?Q?b?=c", "abc", 0},
      {"[x]=?utf-8?Q?b?==?utf-8?Q?c?=", "[x]bc", 0},
      {"(=?utf-8?Q?b?=)", "(b)", 0},
      /* with spaces, folds, raw characters, question marks */
      {"=?utf-8?Q?this is text?=", "this is text", 0},
      {"=?utf-8?Q?this\r\n  _is?=", "this is", 0},
      {"=?utf-8?B?0J\r\n 8=?=", "П", 0},
      {"=?utf-8?Q?П?=", "П", 0},
      {"=?utf-8?Q?what?_yes?=", "what? yes", 0},
      {"=?utf-8?Q?=?=", "=", 0},
      {"=?utf-8?Q?a=4?=", "a=4", 0},
      {"=?utf-8?Q?a=zz?=", "a=zz", 0},
      {"=?utf-8?Q?"
       "?=",
       "", 0},
      {"a =?utf-8?Q?"
       "?= b",
       "a  b", 0},
      {"=?utf-8?B?0J8?=", "П", 0}, /* no padding */
      {"=?utf-8?B?0J8=0J8=?=", "ПП", 0},
      /* only like one */
      {"=?", "=?", 0},
      {"=?utf-8", "=?utf-8", 0},
      {"=?utf-8?", "=?utf-8?", 0},
      {"=?utf-8?Q", "=?utf-8?Q", 0},
      {"=?utf-8?Q?", "=?utf-8?Q?", 0},
      {"=?utf-8?Q?a", "=?utf-8?Q?a", 0},
      {"=?utf-8?Q?a?", "=?utf-8?Q?a?", 0},
      {"=?utf-8?X?a?=", "=?utf-8?X?a?=", 0},
      {"=?utf-8?QQ?a?=", "=?utf-8?QQ?a?=", 0},
      {"=??Q?a?=", "=??Q?a?=", 0},
      {"=?utf-8?B?a*b?=", "=?utf-8?B?a*b?=", 0},
      {"=?no such?Q?a?=", "=?no such?Q?a?=", 0},
      {"=?no-such?Q?=41?= =?utf-8?Q?b?=", "=?no-such?Q?=41?= b", 0},
      {"=?utf-8?Q?b?= =?no-such?Q?=41?=", "b =?no-such?Q?=41?=", 0},
      {"=?koi8-r//IGNORE?Q?a?=", "=?koi8-r//IGNORE?Q?a?=", 0},
      {"=?wchar_t?Q?a?=", "=?wchar_t?Q?a?=", 0},
      {"=?no\r\n such?Q?a?=", "=?no such?Q?a?=", 0},
      {"==?utf-8?Q?b?=", "=b", 0},
      /* folds, and what must never come out */
      {"a\r\n b\n\tc", "a b\tc", 0},
      {"a\r\n", "a", 0},
      {"a\rb", "a" BAD "b", 1},
      {"a\nb", "a" BAD "b", 1},
      {"a\r\nb", "a" BAD BAD "b", 2},
      {"=?utf-8?Q?a=0D=0Ab=00?=", "a" BAD BAD "b" BAD, 3},
      {"=?utf-8?B?DQo=?=", BAD BAD, 2},
      {"a\xff"
       "b",
       "a" BAD "b", 1},
      {"=?utf-8?Q?=FF=ED=A0=80?=", BAD BAD BAD BAD, 4},
      {"=?us-ascii?Q?=C3=A9?=", "é", 0},
      {"=?us-ascii?Q?=E9?=", BAD, 1},
      {"=?koi8-r?Q?=0A?=", BAD, 1},
      {"=?windows-1252?Q?=81?=", BAD, 1},
      {"=?shift_jis?Q?=93?=", BAD, 1}, /* cut off */
      {"=?utf-7?Q?+AAo-?=", BAD, 1},   /* LF in UTF-7 */
      {"a\tb=?utf-8?Q?=09?=", "a\tb\t", 0},
  };
  check(nm_encword_read_text, rows, sizeof rows / sizeof rows[0]);
}

static void reads_phrases(void) {
  static const struct row rows[] = {
      {"", "", 0},
      {"Joe  Public", "Joe Public", 0},
      {" \"Joe Q. Public\" ", "Joe Q. Public", 0},
      {"\"a\\\"b\\\\c\"", "a\"b\\c", 0},
      {"Joe (the (real) one) Public (x)", "Joe Public", 0},
      {"=?utf-8?Q?=D0=9F?= \"x y\"  z", "П x y z", 0},
      {"\"=?utf-8?Q?=D0=9F?=\"", "П", 0}, /* RFC 2047 5 forbids it, many write it */
      {"=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab", 0},
      {"\" a  b \"", " a  b ", 0},
      {"\"open", "open", 0},
      {"a (open", "a (open", 0},
      {"\"a\r\n b\"", "a b", 0},
      {"(only)", "", 0},
      {"a\"b\"c", "abc", 0},
  };
  check(nm_encword_read_phrase, rows, sizeof rows / sizeof rows[0]);
}

static void keeps_white_space_of_names(void) {
  static const struct row rows[] = {
      {" a  b ", " a  b ", 0}, {"=?utf-8?Q?a?=  =?utf-8?Q?b?= ", "ab ", 0}, {"a\r\n b", "a b", 0}};
  check(nm_encword_read, rows, sizeof rows / sizeof rows[0]);
  static const struct row mended[] = {{"=?utf-8?Q?a?=\r\n \xff", "=?utf-8?Q?a?=" BAD BAD " " BAD, 3}};
  check(nm_encword_mend, mended, sizeof mended / sizeof mended[0]);
}

static void is_linear(void) {
  static const char *const units[] = {"=?utf-8?Q?", "=?x?Q?a?=",   "=?", "=?utf-8?Q?a?= ", "\"", "(",
                                      "=?x?Q? ",    "=?koi8-r?B?", "?=", "=?utf-8?Q?=FF?="};
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    struct nm_buf in = {.max = 1 << 24}, out = {.max = 1 << 26};
    while (in.n < 1000000) {
      nm_buf_add_c(&in, units[i]);
    }
    nm_encword_read_text(&out, nm_buf_str(&in), NULL);
    CHECK(out.err == 0);
    nm_buf_reset(&out);
    nm_encword_read_phrase(&out, nm_buf_str(&in), NULL);
    CHECK(out.err == 0);
    nm_buf_free(&in);
    nm_buf_free(&out);
  }
}

static void agrees_with_mail_parser(void) {
  static const struct miss misses[] = {
      {3, "unfolding takes the line end away and no white space (RFC 5322 2.2.3)"},
      {20, "the same"},
      {4, "a value of one line: the other field never gets here"},
      {12, "the same"},
      {5, "white space of folds, as above"},
      {22, "no space is added that is not there"},
      {23, "the same"},
      {28, "the same"},
      {29, "the same"},
      {0, NULL},
  };
  char *text = vectors_load("stalwart/unstructured.json");
  if (text == NULL) {
    SKIP("NETMAIL_VECTORS is not set, or has no stalwart/unstructured.json");
  }
  struct tally t = {.name = "mail-parser, unstructured", .misses = misses};
  struct json *all = json_parse(text);
  for (struct json *row = all->child; row != NULL; row = row->next) {
    struct json *header = json_get(row, "header");
    struct nm_buf b = {.max = 10000};
    nm_encword_read_text(&b, nm_str(header->s, header->n), NULL);
    tally_add(&t, json_is(json_get(row, "expected"), b.p != NULL ? b.p : "", b.n), b.p != NULL ? b.p : "");
    nm_buf_free(&b);
  }
  tally_end(&t, 30);
  json_free(all);
  free(text);
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_buf b = {.max = 10000};
    nm_test_alloc_fail_at(n);
    nm_encword_read_phrase(&b, NM_STR("a =?koi8-r?Q?=F0?= \"=?utf-8?B?0J8=?=\" =?no-such?Q?x?="), NULL);
    nm_test_alloc_fail_at(0);
    int err = b.err;
    CHECK_ROW(err != 0 || strcmp(b.p, "a ПП =?no-such?Q?x?=") == 0, b.p);
    nm_buf_free(&b);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 3);
      return;
    }
    CHECK(err == NM_ENOMEM);
  }
}
#endif

int main(void) {
  RUN(reads_encoded_words);
  RUN(reads_phrases);
  RUN(keeps_white_space_of_names);
  RUN(is_linear);
  RUN(agrees_with_mail_parser);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  return ctest_end();
}
