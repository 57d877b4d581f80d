#include "mime/field.h"

#include "base/alloc.h"
#include "mime/field_reader.h"
#include "support/ctest.h"

/* name, value, canonical value (NULL: refused, then the sentence has this). */
static const struct {
  const char *name;
  const char *value;
  const char *canonical;
  const char *refusal;
} rows[] = {
    {"X-Any", "", "", NULL},
    {"X-Any", " two  spaces, tab\t ", " two  spaces, tab\t ", NULL},
    {"X-Any", "\x7f\x0b", "\x7f\x0b", NULL},
    {"X-Any", "=?utf-8?q?x?=", "=?utf-8?q?x?=", NULL},
    {"X-Any", "x\r\nBcc: evil@evil.test", NULL, "X-Any has a line break (CR or LF) at byte 2"},
    {"X-Any", "x\nBcc: y", NULL, "line break"},
    {"X-Any", "x\rBcc: y", NULL, "line break"},
    {"X-Any", "x\r\n folded", NULL, "line break"},
    {"X-Any", "\xff", NULL, "X-Any is not valid UTF-8 at byte 1"},
    {"X A", "", NULL, "is no name of a header field"},
    {"X:", "", NULL, "is no name of a header field"},
    {"X-A: b\r\nBcc", "", NULL, "\"X-A: b\\x0D\\x0ABcc\" is no name"},
    {"\xc3\xa9", "", NULL, "is no name of a header field"},
    {"", "", NULL, "is no name of a header field"},
    {"X1234567890123456789012345678901234567890123456789012345678901234567890", "", NULL, "at most 70"},
    {"subject", "x", NULL, "subject is not among the Headers: use the property Subject"},
    {"FROM", "x", NULL, "use the property From"},
    {"content-type", "x", NULL, "it is made from Text, Html and Attachments"},
    {"Content-Whatever", "x", NULL, "it is made from"},
    {"Resent-To", "x", NULL, "use the method Resend"},
    {"Return-Path", "x", NULL, "the last server writes it"},
    {"Mime-Version", "x", NULL, "it is always written"},
    {"Contents", "x", "x", NULL},
    {"In-Reply-To", "<a@b>", "<a@b>", NULL},
    {"In-Reply-To", " a@b\t<c.d@[127.0.0.1]> ", "<a@b> <c.d@[127.0.0.1]>", NULL},
    {"References", "", NULL, "References: \"\" is not a message id"},
    {"References", "a>\r\nX: y", NULL, "line break"},
    {"References", "a b", NULL, "\"a\" is not a message id"},
    {"References", "<a>", NULL, "\"<a>\" is not"},
    {"References", "a@b> <c@d", NULL, "\"a@b>\" is not"},
    {"References", "<a@b><c@d>", NULL, "is not a message id"},
    {"References", "<a@b>,<c@d>", NULL, "is not a message id"},
    {"References", "<a..b@c>", NULL, "is not a message id"},
    {"References", "<a@[b>", NULL, "is not a message id"},
    {"References", "<a@[[]>", NULL, "is not a message id"},
    {"References", "<a@b@c>", NULL, "is not a message id"},
    {"References", "<=?utf-8?q?x?=@c>", NULL, "is not a message id"},
    {"References", "<\xc3\xa9@c>", NULL, "is not a message id"},
    {"Keywords", "a", "a", NULL},
    {"Keywords", " a b , \"c, d\" ,\"e\\\"f\"", "a b, \"c, d\", \"e\\\"f\"", NULL},
    {"Keywords", "\" x \"", "\" x \"", NULL},
    {"Keywords", "a,,b", NULL, "Keywords: an empty word"},
    {"Keywords", "", NULL, "an empty word"},
    {"Keywords", "a,", NULL, "an empty word"},
    {"Keywords", "\"a", NULL, "a double quote that is not closed"},
    {"Keywords", "\"a\\\"", NULL, "a double quote that is not closed"},
    {"List-Unsubscribe", "https://x.test/?a=1,2", "<https://x.test/?a=1,2>", NULL},
    {"List-Unsubscribe", " <mailto:a@b.test?subject=u> ,<HTTP://x>",
     "<mailto:a@b.test?subject=u>, <HTTP://x>", NULL},
    {"List-Unsubscribe", "", NULL, "is no list of URLs"},
    {"List-Unsubscribe", "<https://x", NULL, "is no list of URLs"},
    {"List-Unsubscribe", "<https://x> <https://y>", NULL, "is no list of URLs"},
    {"List-Unsubscribe", "<https://x>,", NULL, "is no list of URLs"},
    {"List-Unsubscribe", "<https://x> (comment)", NULL, "is no list of URLs"},
    {"List-Unsubscribe", "(c) <http://evil>", NULL, "has a character that no URL may have"},
    {"List-Unsubscribe", "<>", NULL, "is no https:, http: or mailto: URL"},
    {"List-Unsubscribe", "javascript:alert(1)", NULL, "is no https:, http: or mailto: URL"},
    {"List-Unsubscribe", "https:///path", NULL, "is no https:, http: or mailto: URL"},
    {"List-Unsubscribe", "mailto:", NULL, "is no https:, http: or mailto: URL"},
    {"List-Unsubscribe", "https://x y", NULL, "has a character that no URL may have"},
    {"List-Unsubscribe", "https://x/\\", NULL, "has a character that no URL may have"},
    {"List-Unsubscribe", "https://x/\xc3\xa9", NULL, "has a character that no URL may have"},
    {"List-Unsubscribe", "https://x/=?utf-8?q?x?=", NULL, "has a character that no URL may have"},
    {"List-Help", "ftp://x", NULL, "List-Help: \"ftp://x\" is no https"},
    {"List-Post", "NO", "NO", NULL},
    {"List-Owner", "NO", NULL, "is no https:"},
    {"List-ID", "a.b", "<a.b>", NULL},
    {"list-id", "Some list <a.b.test>", "Some list <a.b.test>", NULL},
    {"List-ID", "\"A, list\"<a.b>", "\"A, list\" <a.b>", NULL},
    {"List-ID", "A, list <a.b>", NULL, "write it as Name <list.example.org>"},
    {"List-ID", "nodot", NULL, "write it as"},
    {"List-ID", "x <a..b>", NULL, "write it as"},
    {"List-ID", "x <a.b> y", NULL, "write it as"},
    {"List-ID", "x <a.b>\r\nX: y", NULL, "line break"},
    {"List-ID", "\"x <a.b>", NULL, "write it as"},
    {"Auto-Submitted", "Auto-Generated", "auto-generated", NULL},
    {"Auto-Submitted", "auto-generated; x", NULL, "it is one of no, auto-generated"},
    {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click", "List-Unsubscribe=One-Click", NULL},
    {"List-Unsubscribe-Post", "x", NULL, "nothing else"},
};

static void takes_what_the_grammar_has(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_field *f = NULL;
    struct nm_error e = {0};
    int err = nm_field_new(nm_str_c(rows[i].name), nm_str_c(rows[i].value), &f, &e);
    if (rows[i].canonical != NULL) {
      CHECK_ROW(err == 0, e.text);
      CHECK_ROW(err == 0 && nm_str_eq(f->value, nm_str_c(rows[i].canonical)), rows[i].value);
      CHECK_ROW(err == 0 && nm_str_eq(f->name, nm_str_c(rows[i].name)), rows[i].name);
    } else {
      CHECK_ROW((err == NM_EINVAL || err == NM_ELIMIT) && f == NULL && e.kind == NM_KIND_MESSAGE,
                rows[i].value);
      CHECK_ROW(strstr(e.text, rows[i].refusal) != NULL, e.text);
    }
    nm_field_unref(&f);
  }
  struct nm_field *f = NULL;
  CHECK(nm_field_new(NM_STR("X-A"), nm_str("a\0b", 3), &f, NULL) == NM_EINVAL && f == NULL);
}

/* Every row in every charset comes back to a reader as it was. */
static void reads_back(void) {
  static const char *const charsets[] = {"", "koi8-r", "iso-2022-jp"};
  for (size_t i = 0; i < 3 * sizeof rows / sizeof rows[0]; i++) {
    struct nm_field *f = NULL;
    struct nm_error e = {0};
    struct nm_buf b = {.max = 1 << 20};
    if (nm_field_new(nm_str_c(rows[i / 3].name), nm_str_c(rows[i / 3].value), &f, &e) == 0) {
      CHECK(nm_field_write(&b, f, nm_str_c(charsets[i % 3]), &e) == 0);
      const char *fault = written_fault(f, b.p, b.n);
      CHECK_ROW(fault == NULL, b.p);
    }
    nm_buf_free(&b);
    nm_field_unref(&f);
  }
}

#define TEN "1234567890"
#define FIFTY TEN TEN TEN TEN TEN
#define URL "https://x.test/" FIFTY

static void writes(const char *name, const char *value, const char *charset, const char *want) {
  struct nm_field *f = NULL;
  struct nm_error e = {0};
  struct nm_buf b = {.max = 1 << 20};
  CHECK_ROW(nm_field_new(nm_str_c(name), nm_str_c(value), &f, &e) == 0, e.text);
  if (f != NULL) {
    CHECK_ROW(nm_field_write(&b, f, nm_str_c(charset), &e) == 0, e.text);
    CHECK_ROW(nm_str_eq(nm_buf_str(&b), nm_str_c(want)), b.p);
    CHECK_ROW(written_fault(f, b.p, b.n) == NULL, b.p);
  }
  nm_buf_free(&b);
  nm_field_unref(&f);
}

static void folds_where_the_grammar_allows(void) {
  writes("X-Empty", "", "", "X-Empty:\r\n");
  writes("X-Any", FIFTY " " FIFTY, "", "X-Any: " FIFTY "\r\n " FIFTY "\r\n");
  /* a token for a machine: neither encoded nor folded away from its name */
  writes("X-Any", FIFTY FIFTY " x", "", "X-Any: " FIFTY FIFTY "\r\n x\r\n");
  writes("X-Any", "a " FIFTY FIFTY, "", "X-Any: a\r\n " FIFTY FIFTY "\r\n");
  writes("X-Any", "Тема", "koi8-r", "X-Any: =?koi8-r?B?9MXNwQ==?=\r\n");
  writes("X-Any", "Тема €", "koi8-r", "X-Any: =?utf-8?B?0KLQtdC80LAg4oKs?=\r\n");
  writes("References", "a@" FIFTY " b@" FIFTY, "", "References: <a@" FIFTY ">\r\n <b@" FIFTY ">\r\n");
  writes("In-Reply-To", "a@" FIFTY FIFTY, "", "In-Reply-To: <a@" FIFTY FIFTY ">\r\n");
  writes("List-Unsubscribe", "<" URL ">, <mailto:a@b.test>", "",
         "List-Unsubscribe: <" URL ">,\r\n <mailto:a@b.test>\r\n");
  writes("Keywords", "red, зелёный, \"a, b\"", "",
         "Keywords: red, =?utf-8?B?0LfQtdC70ZHQvdGL0Lk=?= , \"a, b\"\r\n");
  writes("Keywords", "\"" FIFTY "." TEN "12345\", x", "", "Keywords: \"" FIFTY "." TEN "12345\"\r\n , x\r\n");
  writes("List-ID", "Список <a.b.test>", "", "List-ID: =?utf-8?B?0KHQv9C40YHQvtC6?= <a.b.test>\r\n");
}

static void has_limits(void) {
  struct nm_field *f = NULL;
  struct nm_error e = {0};
  static char text[NM_FIELD_VALUE_MAX + 1];
  memset(text, 'x', sizeof text);
  CHECK(nm_field_new(NM_STR("X-A"), nm_str(text, sizeof text), &f, &e) == NM_ELIMIT && f == NULL);
  CHECK(strstr(e.text, "X-A is too long: at most 65536 bytes") != NULL);
  CHECK(nm_field_new(NM_STR("X-A"), nm_str(text, sizeof text - 1), &f, &e) == 0);
  struct nm_buf b = {.max = 1 << 20};
  CHECK(nm_field_write(&b, f, NM_STR(""), &e) == 0 && written_fault(f, b.p, b.n) == NULL);
  nm_buf_free(&b);
  nm_field_unref(&f);
  nm_field_unref(&f);
  memcpy(text, "https://", 8);
  CHECK(nm_field_new(NM_STR("List-Help"), nm_str(text, 901), &f, &e) == NM_ELIMIT);
  memset(text, 'x', sizeof text);
  memcpy(text, "a@", 2);
  CHECK(nm_field_new(NM_STR("References"), nm_str(text, 899), &f, &e) == NM_EINVAL);
  CHECK(nm_field_new(NM_STR("References"), nm_str(text, 898), &f, &e) == 0);
  nm_field_unref(&f);
}

static void survives_short_memory(void) {
  long before = nm_test_alloc_live();
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int err = rows[i].canonical != NULL ? NM_ENOMEM : 0;
    for (long n = 1; err != 0 && n < 1000; n++) {
      struct nm_field *f = NULL;
      struct nm_error e = {0};
      struct nm_buf b = {.max = 1 << 20};
      nm_test_alloc_fail_at(n);
      err = nm_field_new(nm_str_c(rows[i].name), nm_str_c(rows[i].value), &f, &e);
      err = err != 0 ? err : nm_field_write(&b, f, NM_STR("koi8-r"), &e);
      nm_test_alloc_fail_at(0);
      CHECK_ROW(err == 0 || err == NM_ENOMEM, rows[i].value);
      nm_buf_free(&b);
      nm_field_unref(&f);
      CHECK(nm_test_alloc_live() == before);
    }
    CHECK(err == 0);
  }
}

int main(void) {
  RUN(takes_what_the_grammar_has);
  RUN(reads_back);
  RUN(folds_where_the_grammar_allows);
  RUN(has_limits);
  RUN(survives_short_memory);
  return ctest_end();
}
