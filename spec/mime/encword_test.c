#include "mime/encword.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "mime/fold.h"
#include "mime/reader.h"
#include "support/ctest.h"

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define XX8 "xxxxxxxx"

/* "Subject:" and the text, with the end of the line. */
static int subject(struct nm_buf *b, struct nm_str text, struct nm_str charset, struct nm_error *e) {
  *b = (struct nm_buf){.max = 1 << 20};
  size_t col = nm_fold_name(b, "Subject");
  int err = nm_encword_text(b, &col, text, charset, e);
  const char *last = b->p;
  for (size_t i = 0; i + 1 < b->n; i++) {
    last = b->p[i] == '\n' ? b->p + i + 1 : last;
  }
  CHECK_ROW(err != 0 || col == (size_t)(b->p + b->n - last),
            b->p); /* the column told is the column written */
  nm_fold_end(b);
  return err;
}

static int phrase(struct nm_buf *b, struct nm_str text, struct nm_str charset, struct nm_error *e) {
  *b = (struct nm_buf){.max = 1 << 20};
  size_t col = nm_fold_name(b, "From");
  int err = nm_encword_phrase(b, &col, text, charset, e);
  col = nm_fold_token(b, col, NM_STR("<a@b.test>"));
  nm_fold_end(b);
  return err;
}

static void writes_subjects(void) {
  static const struct {
    const char *text;
    const char *field;
  } rows[] = {
      {"", "Subject:\r\n"},
      {"Hello", "Subject: Hello\r\n"},
      {"Тестовое письмо", "Subject: =?utf-8?B?0KLQtdGB0YLQvtCy0L7QtSDQv9C40YHRjNC80L4=?=\r\n"},
      {"Übersicht 2026", "Subject: =?utf-8?Q?=C3=9Cbersicht?= 2026\r\n"},
      {"Re: Тестовое письмо [ticket #42] отчёт",
       "Subject: Re: =?utf-8?B?0KLQtdGB0YLQvtCy0L7QtSDQv9C40YHRjNC80L4=?= [ticket #42]\r\n"
       " =?utf-8?B?0L7RgtGH0ZHRgg==?=\r\n"},
      {"the quick brown fox jumps over the lazy dog and then the dog gets up and says woof to the fox",
       "Subject: the quick brown fox jumps over the lazy dog and then the dog gets up\r\n"
       " and says woof to the fox\r\n"},
      {"Съешь же ещё этих мягких французских булок, да выпей чаю",
       "Subject: =?utf-8?B?0KHRitC10YjRjCDQttC1INC10YnRkSDRjdGC0LjRhSDQvNGP0LPQutC4?=\r\n"
       " =?utf-8?B?0YUg0YTRgNCw0L3RhtGD0LfRgdC60LjRhSDQsdGD0LvQvtC6LCDQtNCwINCy?=\r\n"
       " =?utf-8?B?0YvQv9C10Lkg0YfQsNGO?=\r\n"},
      /* White space that a reader would lose is in the encoded words. */
      {"a  b", "Subject: a  b\r\n"},
      {" a", "Subject: =?utf-8?Q?_a?=\r\n"},
      {"a ", "Subject: =?utf-8?Q?a_?=\r\n"},
      {"a b  ", "Subject: a =?utf-8?Q?b__?=\r\n"},
      {" ", "Subject: =?utf-8?Q?_?=\r\n"},
      {"\t", "Subject: =?utf-8?Q?=09?=\r\n"},
      {"a\tb c", "Subject: =?utf-8?B?YQli?= c\r\n"},
      {"é  a   é b", "Subject: =?utf-8?B?w6kg?= a =?utf-8?Q?__=C3=A9?= b\r\n"},
      {"é é", "Subject: =?utf-8?B?w6kgw6k=?=\r\n"},
      /* What looks like an encoded word, or is no text. */
      {"see =?utf-8?q?x?= here", "Subject: see =?utf-8?B?PT91dGYtOD9xP3g/PQ==?= here\r\n"},
      {"=?", "Subject: =?utf-8?B?PT8=?=\r\n"},
      {"a=?b ?=", "Subject: =?utf-8?Q?a=3D=3Fb?= ?=\r\n"},
      {"a\x7f"
       "b",
       "Subject: =?utf-8?B?YX9i?=\r\n"},
      {"x\x1b[31m", "Subject: =?utf-8?B?eBtbMzFt?=\r\n"},
      /* A word gets a line of its own up to 77 octets, the first one what the field's name leaves. */
      {X60 XX8 "x", "Subject: " X60 XX8 "x\r\n"},
      {X60 X10, "Subject: =?utf-8?Q?" X10 X10 X10 X10 X10 "xxxxxxx?=\r\n =?utf-8?Q?" X10 "xxx?=\r\n"},
      {"a " X60 X10 "xxxxxxx", "Subject: a\r\n " X60 X10 "xxxxxxx\r\n"},
      {"a  " X60 X10 "xxxxxx", "Subject: a\r\n  " X60 X10 "xxxxxx\r\n"},
      {"a " X60 X10 XX8,
       "Subject: a =?utf-8?Q?" X10 X10 X10 X10 X10 "xxxxx?=\r\n =?utf-8?Q?" X10 X10 "xxx?=\r\n"},
      /* No first word of a few letters at a line's end; but a whole one, however short. */
      {"Subject text that leaves few columns of this line here ёлка ёлка ёлка",
       "Subject: Subject text that leaves few columns of this line here\r\n"
       " =?utf-8?B?0ZHQu9C60LAg0ZHQu9C60LAg0ZHQu9C60LA=?=\r\n"},
      {"Subject text that leaves few columns of this line here ё",
       "Subject: Subject text that leaves few columns of this line here\r\n =?utf-8?B?0ZE=?=\r\n"},
      {"Subject text that leaves few columns of this one ё",
       "Subject: Subject text that leaves few columns of this one =?utf-8?B?0ZE=?=\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b;
    CHECK_ROW(subject(&b, nm_str_c(rows[i].text), NM_STR(""), NULL) == 0, rows[i].text);
    CHECK_ROW(nm_str_eq(nm_buf_str(&b), nm_str_c(rows[i].field)), b.p);
    nm_buf_free(&b);
  }
}

static void writes_phrases(void) {
  static const struct {
    const char *name;
    const char *field;
  } rows[] = {
      {"", "From: <a@b.test>\r\n"},
      {"Ivan Ivanov", "From: Ivan Ivanov <a@b.test>\r\n"},
      {"Иван Иванов", "From: =?utf-8?B?0JjQstCw0L0g0JjQstCw0L3QvtCy?= <a@b.test>\r\n"},
      {"Jörg Smith", "From: =?utf-8?Q?J=C3=B6rg_Smith?= <a@b.test>\r\n"},
      {"Ivanov, Ivan", "From: \"Ivanov, Ivan\" <a@b.test>\r\n"},
      {"a  b", "From: \"a  b\" <a@b.test>\r\n"},
      {" a", "From: =?utf-8?Q?_a?= <a@b.test>\r\n"},
      {"a, ", "From: =?utf-8?B?YSwg?= <a@b.test>\r\n"},
      {"J. \"Q\" P\\", "From: \"J. \\\"Q\\\" P\\\\\" <a@b.test>\r\n"},
      {"c@d.test", "From: \"c@d.test\" <a@b.test>\r\n"},
      {"a\" <evil@evil.test>, \"b", "From: \"a\\\" <evil@evil.test>, \\\"b\" <a@b.test>\r\n"},
      {"\\", "From: \"\\\\\" <a@b.test>\r\n"},
      /* Never an encoded word in quotes, nor what a reader takes for one. */
      {"=?utf-8?q?evil?=", "From: =?utf-8?B?PT91dGYtOD9xP2V2aWw/PQ==?= <a@b.test>\r\n"},
      {"a =?", "From: =?utf-8?Q?a_=3D=3F?= <a@b.test>\r\n"},
      /* RFC 2047 5(3): only letters, digits and !*+-/ stay. */
      {"ä!*+-/.,_=?#'x yz abcdefg", "From: =?utf-8?B?w6QhKistLy4sXz0/Iyd4IHl6IGFiY2RlZmc=?= <a@b.test>\r\n"},
      {"ä!*+-/ abcdefghijkl._", "From: =?utf-8?Q?=C3=A4!*+-/_abcdefghijkl=2E=5F?= <a@b.test>\r\n"},
      {"tab\there", "From: =?utf-8?Q?tab=09here?= <a@b.test>\r\n"},
      {"a \x7f", "From: =?utf-8?B?YSB/?= <a@b.test>\r\n"},
      {"A long company name, with a comma, that goes on and on until no line can hold it",
       "From: =?utf-8?Q?A_long_company_name=2C_with_a_comma=2C_that_goes_on_and_on_u?=\r\n"
       " =?utf-8?Q?ntil_no_line_can_hold_it?= <a@b.test>\r\n"},
      {"Atoms that are many more than what one line can hold are folded where the spaces are",
       "From: Atoms that are many more than what one line can hold are folded where\r\n"
       " the spaces are <a@b.test>\r\n"},
      {X60 X10 X10, "From: =?utf-8?Q?" X60 "?=\r\n =?utf-8?Q?" X10 X10 "?= <a@b.test>\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b;
    CHECK_ROW(phrase(&b, nm_str_c(rows[i].name), NM_STR(""), NULL) == 0, rows[i].name);
    CHECK_ROW(nm_str_eq(nm_buf_str(&b), nm_str_c(rows[i].field)), b.p);
    nm_buf_free(&b);
  }
}

static void writes_other_charsets(void) {
  static const struct {
    const char *charset;
    const char *text;
    const char *field;
  } rows[] = {
      {"koi8-r", "Съешь же ещё этих мягких французских булок, да выпей чаю",
       "Subject: =?koi8-r?B?89/F29gg1sUgxd2jINzUycggzdHHy8nIIMbSwc7D1drTy8nIIMLVzM/L?=\r\n"
       " =?koi8-r?B?LCDEwSDX2dDFyiDewcA=?=\r\n"},
      {"iso-8859-1", "Déjà vu", "Subject: =?iso-8859-1?Q?D=E9j=E0?= vu\r\n"},
      /* Each word goes back to ASCII (ESC ( B) before its end and begins there. */
      {"iso-2022-jp", "日本語のとても長い件名をここに書いて折り返しを確かめる",
       "Subject: =?iso-2022-jp?B?GyRCRnxLXDhsJE4kSCRGJGJEOSQkN29MPiRyJDMkMyRLGyhC?=\r\n"
       " =?iso-2022-jp?B?GyRCPXEkJCRGQF4kakpWJDckcjNOJCskYSRrGyhC?=\r\n"},
      {"gb18030", "汉字 😀 emoji", "Subject: =?gb18030?B?urrX1iCUOfw2?= emoji\r\n"},
      {"koi8-r", "plain", "Subject: plain\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b;
    CHECK_ROW(subject(&b, nm_str_c(rows[i].text), nm_str_c(rows[i].charset), NULL) == 0, rows[i].text);
    CHECK_ROW(nm_str_eq(nm_buf_str(&b), nm_str_c(rows[i].field)), b.p);
    nm_buf_free(&b);
  }
}

static void refuses(void) {
  static const struct {
    const char *charset;
    const char *text;
    const char *says;
  } rows[] = {
      {"koi8-r", "5 €", "charset koi8-r has no character U+20AC '€'"},
      {"utf-16", "x", "charset 'utf-16' does not contain ASCII and cannot carry mail text"},
      {"x y", "x", "charset 'x y' is not a charset name"},
      {"nonsense", "x", "charset 'nonsense' is not known here"},
      {"", "a\xff", "broken UTF-8 at byte 2 of a header field"},
      {"koi8-r", "\xd0", "broken UTF-8 at byte 1 of a header field"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    struct nm_buf b;
    CHECK_ROW(subject(&b, nm_str_c(rows[i].text), nm_str_c(rows[i].charset), &e) == NM_EINVAL, rows[i].text);
    CHECK_ROW(strcmp(e.text, rows[i].says) == 0, e.text);
    nm_buf_free(&b);
    CHECK_ROW(phrase(&b, nm_str_c(rows[i].text), nm_str_c(rows[i].charset), &e) == NM_EINVAL, rows[i].text);
    nm_buf_free(&b);
  }
}

static void reads_back(struct nm_str text, const char *charset) {
  struct nm_error e = {0};
  struct nm_buf b;
  struct octets got = {0};
  CHECK_ROW(subject(&b, text, nm_str_c(charset), &e) == 0, e.text);
  CHECK_ROW(field_fault(b.p, b.n, 0) == NULL, b.p);
  struct octets value = unfold(b.p, b.n);
  CHECK_ROW(read_text(value.p, value.n, 0, &got) == 0 && octets_are(&got, text.p, text.n), b.p);
  octets_free(&value);
  octets_free(&got);
  nm_buf_free(&b);

  struct octets spec = {0};
  CHECK_ROW(phrase(&b, text, nm_str_c(charset), &e) == 0, e.text);
  CHECK_ROW(field_fault(b.p, b.n, 0) == NULL, b.p);
  value = unfold(b.p, b.n);
  CHECK_ROW(read_mailbox(value.p, value.n, &got, &spec) == value.n, b.p);
  CHECK_ROW(octets_are(&got, text.p, text.n) && octets_are(&spec, "a@b.test", 8), b.p);
  octets_free(&value);
  octets_free(&got);
  octets_free(&spec);
  nm_buf_free(&b);
}

/* Every kind of character, at every offset from the line's end, in every charset that has it: a word that was cut
   inside one, or left in a state, would not read back. */
static void splits_only_between_characters(void) {
  static const struct {
    const char *charset;
    const char *unit;
  } rows[] = {
      {"", "é"},
      {"", "€"},
      {"", "😀"},
      {"", "и\xcc\x86"},
      {"", "a\xcc\x81"},
      {"", "_abcdefghi=ё"},
      {"", "日 "},
      {"", "é  "},
      {"", "=?"},
      {"", "\t "},
      {"", " =?utf-8?Q?a?="},
      {"koi8-r", "ж"},
      {"windows-1251", "ж"},
      {"iso-2022-jp", "日"},
      {"iso-2022-jp", "日a"},
      {"iso-2022-jp", "日 "},
      {"iso-2022-cn", "中"},
      {"shift_jis", "表"}, /* its second octet is a backslash */
      {"gb18030", "😀"},
      {"gb18030", "中"},
      {"big5", "功"},
      {"big5-hkscs", "\xc3\x8a\xcc\x84"}, /* one code for letter and mark; none for the mark alone */
      {"cp1258", "ế"},
      {"euc-jp", "日"},
      {"euc-kr", "한"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t n = strlen(rows[i].unit);
    for (size_t before = 0; before < 90; before++) {
      char text[400];
      memset(text, 'x', before);
      size_t end = before;
      while (end + n < 90 + 4 * 30 && end + n < sizeof text) {
        memcpy(text + end, rows[i].unit, n);
        end += n;
      }
      reads_back(nm_str(text, end), rows[i].charset);
    }
  }
}

/* Some readers end a chain of words at the first padding of base64. */
static void pads_only_the_last_word(void) {
  static const struct {
    const char *charset;
    const char *unit;
  } rows[] = {{"", "ж"},
              {"", "Очень длинная тема. "},
              {"", "😀"},
              {"", "日"},
              {"koi8-r", "ж"},
              {"iso-2022-jp", "日"},
              {"shift_jis", "日x"},
              {"gb18030", "中"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b, text = {.max = 4096};
    for (int k = 0; k < 100; k++) {
      nm_buf_add_c(&text, rows[i].unit);
    }
    CHECK_ROW(subject(&b, nm_buf_str(&text), nm_str_c(rows[i].charset), NULL) == 0, rows[i].unit);
    nm_buf_add_byte(&b, '\0');
    CHECK_ROW(b.err == 0 && strstr(b.p, "=?=\r\n =?") == NULL && strstr(b.p, "?=\r\n =?") != NULL, b.p);
    nm_buf_free(&b);
    nm_buf_free(&text);
  }
}

/* Where the text has no place without padding. */
static void cuts_a_chain_by_a_word_in_q(void) {
  struct nm_buf b;
  CHECK(subject(&b, NM_STR("ж中中中中中中中中中中中中中中中中中中中中"), NM_STR(""), NULL) == 0);
  CHECK_ROW(nm_str_eq(nm_buf_str(&b),
                      NM_STR("Subject: =?utf-8?Q?=D0=B6?=\r\n"
                             " =?utf-8?B?5Lit5Lit5Lit5Lit5Lit5Lit5Lit5Lit5Lit5Lit5Lit5Lit5Lit5Lit5Lit?=\r\n"
                             " =?utf-8?B?5Lit5Lit5Lit5Lit5Lit?=\r\n")),
            b.p);
  nm_buf_free(&b);
}

static void survives_long_tokens_and_gaps(void) {
  static char text[70000];
  static const size_t sizes[] = {1, 2, 68, 69, 70, 76, 77, 78, 79, 150, 997, 998, 999, 2000, 65536};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    for (int fill = 0; fill < 2; fill++) {
      memset(text, fill ? ' ' : 'x', sizes[i] + 4);
      reads_back(nm_str(text, sizes[i]), "");
      text[sizes[i]] = 'y';
      reads_back(nm_str(text, sizes[i] + 1), "");
      text[0] = 'z';
      reads_back(nm_str(text, sizes[i] + 1), "");
      text[1] = ' ';
      reads_back(nm_str(text, sizes[i] + 1), "koi8-r");
      memcpy(text + sizes[i], "é", 2);
      reads_back(nm_str(text, sizes[i] + 2), "");
    }
  }
}

static void keeps_controls_off_the_wire(void) {
  for (int c = 0; c < 256; c++) {
    char text[4] = {'a', (char)c, 'b'};
    if (c < 128) {
      reads_back(nm_str(text, 3), "");
      reads_back(nm_str(text + 1, 1), "");
      reads_back(nm_str(text, 3), "iso-8859-1");
    }
  }
  reads_back(NM_STR("x\r\nBcc: evil@evil.test"), "");
  reads_back(NM_STR("x\r\n Bcc: y"), "");
  reads_back(NM_STR("\xc2\x85\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xe2\x80\xae"), "");
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  static const char *const charsets[] = {"", "koi8-r"};
  for (int i = 0; i < 4; i++) {
    long live = nm_test_alloc_live();
    for (long n = 1;; n++) {
      struct nm_error e = {0};
      struct nm_buf b;
      nm_test_alloc_fail_at(n);
      struct nm_str text =
          NM_STR("Съешь же ещё этих мягких французских булок, да выпей чаю, и ещё, и ещё раз");
      int err = (i < 2 ? subject : phrase)(&b, text, nm_str_c(charsets[i % 2]), &e);
      nm_test_alloc_fail_at(0);
      nm_buf_free(&b);
      CHECK(nm_test_alloc_live() == live);
      if (err == 0) {
        CHECK(n > 1);
        break;
      }
      CHECK(err == NM_ENOMEM && e.code == NM_ENOMEM);
    }
  }
}
#endif

static void keeps_to_the_maximum(void) {
  struct nm_error e = {0};
  for (size_t max = 0; max < 100; max++) {
    struct nm_buf b = {.max = max};
    size_t col = 8;
    int err = nm_encword_text(&b, &col, NM_STR("Съешь же ещё этих мягких"), NM_STR("koi8-r"), &e);
    CHECK(b.n <= max && (err == 0 || (err == NM_ELIMIT && e.code == NM_ELIMIT)));
    CHECK((err == 0) == (max >= 46));
    nm_buf_free(&b);
  }
}

int main(void) {
  RUN(writes_subjects);
  RUN(writes_phrases);
  RUN(writes_other_charsets);
  RUN(refuses);
  RUN(splits_only_between_characters);
  RUN(pads_only_the_last_word);
  RUN(cuts_a_chain_by_a_word_in_q);
  RUN(survives_long_tokens_and_gaps);
  RUN(keeps_controls_off_the_wire);
  RUN(keeps_to_the_maximum);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  return ctest_end();
}
