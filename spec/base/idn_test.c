#include "support/ctest.h"

#include "base/alloc.h"
#include "base/chars.h"
#include "base/error.h"
#include "base/idn.h"
#include "base/visible.h"

#define A60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static int is(struct nm_str s, const char *want) {
  return nm_str_eq(s, nm_str_c(want));
}

/* The text in a block of its own size, so that a byte read beyond it is caught. */
static int map(struct nm_str s, struct nm_idn *out, const char **why) {
  char *copy = malloc(s.n > 0 ? s.n : 1);
  memcpy(copy, s.p, s.n);
  int err = nm_idn_map(nm_str(copy, s.n), out, why);
  free(copy);
  return err;
}

static const struct {
  const char *text;
  const char *ascii;
  const char *unicode;
} valid[] = {
    {"пример.рф", "xn--e1afmkfd.xn--p1ai", "пример.рф"},
    {"ПриМер.РФ", "xn--e1afmkfd.xn--p1ai", "пример.рф"},
    {"bücher.example", "xn--bcher-kva.example", "bücher.example"},
    /* u and U+0308: NFC makes one of them */
    {"bu\xcc\x88"
     "cher.EXAMPLE",
     "xn--bcher-kva.example", "bücher.example"},
    /* non-transitional: ß and ς are letters of their own */
    {"faß.de", "xn--fa-hia.de", "faß.de"},
    {"Δημοσθένους.example.com", "xn--ixanjetild1af0a.example.com", "δημοσθένους.example.com"},
    /* full-width letters and the other dots */
    {"ｅvil．com", "evil.com", "evil.com"},
    {"x。example｡com", "x.example.com", "x.example.com"},
    {"日本語。ＪＰ", "xn--wgv71a119e.jp", "日本語.jp"},
    /* A-labels among U-labels */
    {"XN--E1AFMKFD.рф", "xn--e1afmkfd.xn--p1ai", "пример.рф"},
    {"mail-1.пример.рф", "mail-1.xn--e1afmkfd.xn--p1ai", "mail-1.пример.рф"},
    /* right to left, a joiner where its script wants one, a supplementary character */
    {"\xd7\x90\xd7\x91.example", "xn--4dbc.example", "\xd7\x90\xd7\x91.example"},
    {"نامه\xe2\x80\x8c"
     "ای.com",
     "xn--mgba3gch31f060k.com",
     "نامه\xe2\x80\x8c"
     "ای.com"},
    {"a1.\xd7\x90"
     "1.example",
     "a1.xn--1-zhc.example",
     "a1.\xd7\x90"
     "1.example"},
    {"1.я2.example", "1.xn--2-zub.example", "1.я2.example"},
    {"𠀀.example", "xn--j50i.example", "𠀀.example"},
};

static void gives_one_form_of_each(void) {
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
    struct nm_idn a, b;
    const char *why = "";
    CHECK_ROW(map(nm_str_c(valid[i].text), &a, &why) == 0, why);
    CHECK_ROW(is(a.ascii, valid[i].ascii), a.ascii.p);
    CHECK_ROW(is(a.unicode, valid[i].unicode), a.unicode.p);
    CHECK_ROW(map(a.unicode, &b, &why) == 0 && nm_str_eq(a.ascii, b.ascii) && nm_str_eq(a.unicode, b.unicode),
              valid[i].text);
  }
}

/* A beginning of a name is refused, or a name that keeps its bytes when it is mapped again. */
static void stands_every_cut(void) {
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
    for (size_t n = 0; n < strlen(valid[i].text); n++) {
      struct nm_idn a, b;
      const char *why = NULL;
      int err = map(nm_str(valid[i].text, n), &a, &why);
      CHECK_ROW(err == 0 || why != NULL, valid[i].text);
      if (err == 0) {
        CHECK_ROW(nm_is_domain(a.ascii), a.ascii.p);
        CHECK_ROW(map(a.unicode, &b, &why) == 0 && nm_str_eq(a.ascii, b.ascii), valid[i].text);
      }
    }
  }
}

static const struct {
  struct nm_str text;
  const char *why;
} invalid[] = {
    {NM_STR("c℀.example"), "does not allow"}, /* would be ca/c.example, or c.example */
    {NM_STR("≮.example"), "does not allow"},  /* "<" and U+0338 */
    {NM_STR("a⒈com"), "does not allow"},      /* would have one dot more */
    {NM_STR("i❤.ws"), "does not allow"},
    {NM_STR("я b.ru"), "other than letters"},
    {NM_STR("я/b.ru"), "other than letters"},
    {NM_STR("я_b.ru"), "other than letters"},
    {NM_STR("я\0b.ru"), "other than letters"},
    {NM_STR("я.ru\r\n"), "other than letters"},
    {NM_STR("a＠я.ru"), "does not allow"},
    {NM_STR("я.ru＞"), "does not allow"},
    {NM_STR("я／b.ru"), "does not allow"},
    {NM_STR("я..ru"), "dot"},
    {NM_STR(".я"), "dot"},
    {NM_STR("я."), "dot"},
    {NM_STR("я。"), "dot"},
    {NM_STR("я。．ru"), "dot"},
    {NM_STR("。"), "dot"},
    {NM_STR("-я.ru"), "\"-\""},
    {NM_STR("я-.ru"), "\"-\""},
    {NM_STR("я-b-.ru.-c"), "\"-\""},
    {NM_STR("ab--я.ru"), "\"--\""},
    {NM_STR("xn--123456.рф"), "begins with xn--"},
    {NM_STR("xn--a-ä.pt"), "begins with xn--"},
    {NM_STR("\xcc\x88.example"), "does not allow"}, /* begins with a mark */
    {NM_STR("à\xd7\x90.example"), "left to right"},
    {NM_STR("0à.\xd7\x90"), "left to right"}, /* begins with a digit beside a right-to-left label */
    {NM_STR("\xd7\x90.1a"), "left to right"},
    {NM_STR("\xd7\x90"
            "7\xd9\xa7\xd7\xaa"),
     "left to right"}, /* two kinds of digit */
    {NM_STR("a\xe2\x80\x8bя.ru"), "invisible"},
    {NM_STR("a\xc2\xadя.ru"), "invisible"},
    {NM_STR("\xe2\x80\xaeя.ru"), "invisible"},
    {NM_STR("я\xe2\x81\xa6.ru"), "invisible"},
    {NM_STR("я\xef\xb8\x8f.ru"), "invisible"},
    {NM_STR("я\xc2\xa0.ru"), "invisible"},
    {NM_STR("a\xe2\x80\x8d\xd1\x8f.ru"), "does not allow"}, /* a joiner where nothing joins */
    {NM_STR("я\xff.ru"), "not UTF-8"},
    {NM_STR("я\xd1"), "not UTF-8"},
    {NM_STR("\xed\xa0\x80.ru"), "not UTF-8"},
};

static void refuses_what_libidn2_lets_through(void) {
  for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
    struct nm_idn a;
    const char *why = "";
    CHECK_ROW(map(invalid[i].text, &a, &why) == NM_EINVAL, invalid[i].text.p);
    CHECK_ROW(strstr(why, invalid[i].why) != NULL, why);
  }
}

static void bounds_labels_and_names(void) {
  struct nm_idn a;
  const char *why = "";
  CHECK(map(NM_STR("я." A60 "aaa"), &a, &why) == 0 && a.ascii.n == 71);
  CHECK(map(NM_STR("я." A60 "aaaa"), &a, &why) == NM_ELIMIT);
  CHECK_ROW(strstr(why, "63 octets") != NULL, why);
  CHECK(map(NM_STR(A60 "я.ru"), &a, &why) == NM_ELIMIT);
  CHECK(map(NM_STR("я." A60 "a." A60 "a." A60 "." A60), &a, &why) == 0 && a.ascii.n == 253);
  CHECK(map(NM_STR("я." A60 "a." A60 "a." A60 "a." A60), &a, &why) == NM_ELIMIT);
  CHECK_ROW(strstr(why, "253 in all") != NULL, why);
  char big[2 * NM_IDN_TEXT_MAX];
  for (size_t n = 2; n <= sizeof big; n += 2) {
    memcpy(big + n - 2, "\xd1\x8f", 2);
    int err = map(nm_str(big, n), &a, &why);
    CHECK(err == 0 || err == NM_ELIMIT);
    CHECK(n < 200 || err == NM_ELIMIT);
  }
}

static void knows_what_shows_nothing(void) {
  static const struct {
    uint32_t cp;
    int invisible;
    int form;
  } rows[] = {{0x41, 0, 0},    {0x7f, 0, 0},    {0x80, 1, 0},   {0xa0, 1, 0},    {0xa1, 0, 0},
              {0xad, 1, 0},    {0x430, 0, 0},   {0x200b, 1, 0}, {0x200f, 1, 0},  {0x2010, 0, 0},
              {0x2024, 0, 1},  {0x202e, 1, 0},  {0x2069, 1, 0}, {0x3000, 1, 0},  {0x3001, 0, 0},
              {0xfe0f, 1, 0},  {0xfe6b, 0, 1},  {0xfeff, 1, 0}, {0xff01, 0, 1},  {0xff20, 0, 1},
              {0xff5e, 0, 1},  {0xff71, 0, 0},  {0xfffd, 1, 0}, {0x1f600, 0, 0}, {0x1ffff, 1, 0},
              {0xe0041, 1, 0}, {0x10fffe, 1, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char row[16];
    snprintf(row, sizeof row, "%X", (unsigned)rows[i].cp);
    CHECK_ROW(nm_is_invisible(rows[i].cp) == rows[i].invisible, row);
    CHECK_ROW(nm_is_ascii_form(rows[i].cp) == rows[i].form, row);
  }
}

int main(void) {
  RUN(gives_one_form_of_each);
  RUN(stands_every_cut);
  RUN(refuses_what_libidn2_lets_through);
  RUN(bounds_labels_and_names);
  RUN(knows_what_shows_nothing);
  return ctest_end();
}
