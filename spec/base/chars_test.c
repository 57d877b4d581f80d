#include "support/ctest.h"

#include "base/chars.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define ALNUM UPPER LOWER DIGITS

static int in_range(int c, int low, int high) {
  return c >= low && c <= high;
}

static int in(int c, const char *set) {
  return c != 0 && strchr(set, c) != NULL;
}

/* Each class once more as its RFC words it, for all 256 octets. */
static void classes_are_those_of_the_rfcs(void) {
  for (int c = 0; c < 256; c++) {
    char row[16];
    snprintf(row, sizeof row, "%d", c);
    int tspecial = in(c, "()<>@,;:\\\"/[]?=");
    int token = in_range(c, 33, 126) && !tspecial;
    unsigned char u = (unsigned char)c;
    CHECK_ROW(nm_is(u, NM_CHAR_ATEXT) == in(c, ALNUM "!#$%&'*+-/=?^_`{|}~"), row);
    CHECK_ROW(nm_is(u, NM_CHAR_QTEXT) == (c == 33 || in_range(c, 35, 91) || in_range(c, 93, 126)), row);
    CHECK_ROW(nm_is(u, NM_CHAR_WSP) == (c == 32 || c == 9), row);
    CHECK_ROW(nm_is_wsp((char)c) == (c == 32 || c == 9), row);
    CHECK_ROW(nm_is_fws((char)c) == in(c, " \t\r\n"), row);
    CHECK_ROW(nm_is(u, NM_CHAR_TOKEN) == token, row);
    CHECK_ROW(nm_is(u, NM_CHAR_DTEXT) == (in_range(c, 33, 90) || in_range(c, 94, 126)), row);
    CHECK_ROW(nm_is(u, NM_CHAR_DIGIT) == in(c, DIGITS), row);
    CHECK_ROW(nm_is(u, NM_CHAR_ALPHA) == in(c, UPPER LOWER), row);
    CHECK_ROW(nm_is(u, NM_CHAR_FTEXT) == (in_range(c, 33, 57) || in_range(c, 59, 126)), row);
    CHECK_ROW(nm_is(u, NM_CHAR_ATTR) == (token && !in(c, "*'%")), row);
    CHECK_ROW(nm_is(u, NM_CHAR_EWORD) == in(c, ALNUM "!*+-/"), row); /* "=" and "_" mean something there */
    CHECK_ROW(nm_is(u, NM_CHAR_PRINT) == in_range(c, 32, 126), row);
    CHECK_ROW(nm_is(u, NM_CHAR_HEX) == in(c, DIGITS "ABCDEFabcdef"), row);
    CHECK_ROW(nm_is(u, NM_CHAR_LDH) == in(c, ALNUM "-"), row);
    CHECK_ROW(nm_is(u, NM_CHAR_WSP | NM_CHAR_DIGIT) == in(c, " \t" DIGITS), row);
    CHECK_ROW((unsigned char)nm_lower((char)c) == (in(c, UPPER) ? c + 32 : c), row);
  }
}

static void asks_for_all_of_at_least_one(void) {
  CHECK(!nm_all(NM_STR(""), NM_CHAR_DIGIT) && !nm_all(nm_str(NULL, 0), NM_CHAR_DIGIT));
  CHECK(nm_all(NM_STR("0"), NM_CHAR_DIGIT) && nm_all(NM_STR("0129"), NM_CHAR_DIGIT));
  CHECK(!nm_all(NM_STR("012a"), NM_CHAR_DIGIT) && nm_all(NM_STR("012a"), NM_CHAR_DIGIT | NM_CHAR_ALPHA));
  CHECK(!nm_all(NM_STR("0\0"), NM_CHAR_DIGIT) && !nm_all(NM_STR("\xff"), ~0));
}

#define L10 "aaaaaaaaaa"
#define L63 L10 L10 L10 L10 L10 L10 "aaa"

static void knows_a_domain(void) {
  static const struct {
    struct nm_str s;
    int is;
  } rows[] = {
      {NM_STR("a"), 1},
      {NM_STR("localhost"), 1},
      {NM_STR("example.com"), 1},
      {NM_STR("3com.com"), 1},
      {NM_STR("127.0.0.1"), 1},
      {NM_STR("xn--e1afmkfd.xn--p1ai"), 1},
      {NM_STR("a-b.c--d"), 1},
      {NM_STR(L63 "." L63), 1},
      {NM_STR(L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a"), 1},  /* 253 */
      {NM_STR(L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "aa"), 0}, /* 254 */
      {NM_STR(L63 "a"), 0},
      {NM_STR(""), 0},
      {{NULL, 0}, 0},
      {NM_STR("."), 0},
      {NM_STR(".a"), 0},
      {NM_STR("a."), 0},
      {NM_STR("a..b"), 0},
      {NM_STR("-"), 0},
      {NM_STR("-a"), 0},
      {NM_STR("a-"), 0},
      {NM_STR("a.-b"), 0},
      {NM_STR("a-.b"), 0},
      {NM_STR("a_b"), 0},
      {NM_STR("a b"), 0},
      {NM_STR("a\0b"), 0},
      {NM_STR("a\0"), 0},
      {NM_STR("a\r\n"), 0},
      {NM_STR("[127.0.0.1]"), 0},
      {NM_STR("\xd0\xb6.com"), 0},
      {NM_STR("a\xe3\x80\x82"
              "b"),
       0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(nm_is_domain(rows[i].s) == rows[i].is, rows[i].s.p);
  }
}

static void knows_dot_atoms(void) {
  static const struct {
    struct nm_str s;
    int is;
  } rows[] = {
      {NM_STR("a"), 1},    {NM_STR("a.b"), 1},   {NM_STR("!#$%.{|}~"), 1}, {NM_STR("a.b.c-d_1"), 1},
      {NM_STR(""), 0},     {{NULL, 0}, 0},       {NM_STR("."), 0},         {NM_STR(".a"), 0},
      {NM_STR("a."), 0},   {NM_STR("a..b"), 0},  {NM_STR("a b"), 0},       {NM_STR("a@b"), 0},
      {NM_STR("a\0b"), 0}, {NM_STR("\"a\""), 0}, {NM_STR("\xd0\xb0"), 0},  {NM_STR("a.b\n"), 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(nm_is_dot_atom(rows[i].s) == rows[i].is, rows[i].s.p);
  }
}

static void skips_classes(void) {
  struct nm_str s = NM_STR("a \t 7b");
  CHECK(nm_skip(s, 0, NM_CHAR_WSP) == 0 && nm_skip(s, 1, NM_CHAR_WSP) == 4);
  CHECK(nm_skip(s, 1, NM_CHAR_WSP | NM_CHAR_DIGIT) == 5);
  CHECK(nm_skip(s, 4, NM_CHAR_TOKEN) == 6 && nm_skip(s, 6, NM_CHAR_TOKEN) == 6);
}

int main(void) {
  RUN(knows_dot_atoms);
  RUN(classes_are_those_of_the_rfcs);
  RUN(asks_for_all_of_at_least_one);
  RUN(knows_a_domain);
  RUN(skips_classes);
  return ctest_end();
}
