#include "mime/mailbox.h"

#include "base/alloc.h"
#include "mime/reader.h"
#include "support/ctest.h"

static struct nm_addr address(const char *name, const char *spec) {
  return (struct nm_addr){.refs = 1, .spec = nm_str_c(spec), .name = nm_str_c(name)};
}

static int field(struct nm_buf *b, struct nm_addr *const *a, size_t n, const char *charset,
                 struct nm_error *e) {
  void *items[8];
  for (size_t i = 0; i < n; i++) {
    items[i] = a[i];
  }
  struct nm_list list = {.items = items, .n = n};
  *b = (struct nm_buf){.max = 1 << 20};
  return nm_mailbox_field(b, "To", &list, nm_str_c(charset), e);
}

static void writes_fields(void) {
  static const struct {
    const char *name[3];
    const char *spec[3];
    const char *field;
  } rows[] = {
      {{0}, {0}, ""},
      {{""}, {"a@b.test"}, "To: a@b.test\r\n"},
      {{"Ivan Ivanov"}, {"a@b.test"}, "To: Ivan Ivanov <a@b.test>\r\n"},
      {{"Иван", "", "B, C"},
       {"a@b.test", "c@d.test", "e@f.test"},
       "To: =?utf-8?B?0JjQstCw0L0=?= <a@b.test>, c@d.test, \"B, C\" <e@f.test>\r\n"},
      {{"", "", ""},
       {"first.recipient@example.test", "second.recipient@example.test", "third.recipient@example.test"},
       "To: first.recipient@example.test, second.recipient@example.test,\r\n"
       " third.recipient@example.test\r\n"},
      {{"", ""},
       {"eeexactly.so.long.that.the.comma@column-78.of-the-first-line.example.test", "b@c.test"},
       "To: eeexactly.so.long.that.the.comma@column-78.of-the-first-line.example.test,\r\n b@c.test\r\n"},
      {{"", ""},
       {"eeeexactly.so.long.that.the.comma@column-78.of-the-first-line.example.test", "b@c.test"},
       "To:\r\n eeeexactly.so.long.that.the.comma@column-78.of-the-first-line.example.test,\r\n "
       "b@c.test\r\n"},
      {{""}, {"\"a b\"@c.test"}, "To: \"a b\"@c.test\r\n"},
      {{"\"x\""}, {"\"a,b>\"@c.test"}, "To: \"\\\"x\\\"\" <\"a,b>\"@c.test>\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_addr a[3];
    struct nm_addr *p[3];
    size_t n = 0;
    while (n < 3 && rows[i].spec[n] != NULL) {
      a[n] = address(rows[i].name[n], rows[i].spec[n]);
      p[n] = &a[n];
      n++;
    }
    struct nm_error e = {0};
    struct nm_buf b;
    CHECK_ROW(field(&b, p, n, "", &e) == 0, e.text);
    CHECK_ROW(nm_str_eq(nm_buf_str(&b), nm_str_c(rows[i].field)), rows[i].field);
    nm_buf_free(&b);
  }
}

/* Names made to break out: read back they are names still, and the recipients are the same two. */
static void keeps_recipients_apart(void) {
  static const char *const names[] = {
      "a\" <evil@evil.test>, \"b",
      "a> , <evil@evil.test>",
      "evil@evil.test",
      "\\",
      "a\\\"",
      "x\r\nBcc: evil@evil.test",
      "x\nBcc: evil@evil.test",
      "x\rBcc: evil@evil.test",
      "x\r\n Bcc: y",
      "\x7f\x0b\x1b",
      "=?utf-8?q?evil=40evil.test=3E=2C?=",
      "=?utf-8?q?a?= =?utf-8?q?b?=",
      "Undisclosed:;",
      "(comment) x",
      "a,b;c:d",
      "\xc2\x85\xe2\x80\xa8\xe2\x80\xae",
      "имя \"в кавычках\" <и так>",
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct nm_addr a[2] = {address(names[i], "a@b.test"), address("Plain", "c@d.test")};
    struct nm_addr *p[2] = {&a[0], &a[1]};
    struct nm_error e = {0};
    struct nm_buf b;
    CHECK_ROW(field(&b, p, 2, "", &e) == 0, e.text);
    CHECK_ROW(field_fault(b.p, b.n, 0) == NULL, b.p);
    struct octets value = unfold(b.p, b.n);
    size_t at = 0;
    for (int k = 0; k < 2; k++) {
      struct octets name = {0};
      struct octets spec = {0};
      size_t used = read_mailbox(value.p + at, value.n - at, &name, &spec);
      CHECK_ROW(used > 0, b.p);
      CHECK_ROW(octets_are(&name, a[k].name.p, a[k].name.n), name.p);
      CHECK_ROW(octets_are(&spec, a[k].spec.p, a[k].spec.n), spec.p);
      octets_free(&name);
      octets_free(&spec);
      at += used;
    }
    CHECK_ROW(at == value.n, b.p);
    octets_free(&value);
    nm_buf_free(&b);
  }
}

static void refuses_what_the_charset_lacks(void) {
  struct nm_addr a = address("Иван €", "a@b.test");
  struct nm_addr *p[1] = {&a};
  struct nm_error e = {0};
  struct nm_buf b;
  CHECK(field(&b, p, 1, "koi8-r", &e) == NM_EINVAL);
  CHECK_ROW(strcmp(e.text, "charset koi8-r has no character U+20AC '€'") == 0, e.text);
  nm_buf_free(&b);
  a = address("Иван", "a@b.test");
  CHECK(field(&b, p, 1, "koi8-r", &e) == 0);
  CHECK(nm_str_eq(nm_buf_str(&b), NM_STR("To: =?koi8-r?B?6dfBzg==?= <a@b.test>\r\n")));
  nm_buf_free(&b);
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  struct nm_addr a = address("Иван Иванов, директор и главный бухгалтер", "a@b.test");
  struct nm_addr *p[2] = {&a, &a};
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_error e = {0};
    struct nm_buf b;
    nm_test_alloc_fail_at(n);
    int err = field(&b, p, 2, "koi8-r", &e);
    nm_test_alloc_fail_at(0);
    nm_buf_free(&b);
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
  RUN(writes_fields);
  RUN(keeps_recipients_apart);
  RUN(refuses_what_the_charset_lacks);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  return ctest_end();
}
