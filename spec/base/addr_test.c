#include "support/ctest.h"

#include <time.h>

#include "base/addr.h"
#include "base/alloc.h"
#include "base/buf.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define LABEL63 A60 "aaa"
/* 254 octets: 1 + "@" + three labels of 63 + dots + 60 */
#define SPEC254 "a@" LABEL63 "." LABEL63 "." LABEL63 "." A60

static int is(struct nm_str s, const char *want) {
  return nm_str_eq(s, nm_str_c(want));
}

/* The text in a block of its own size, so that a byte read beyond it is caught. */
static int parse(const char *p, size_t n, struct nm_addr **out, struct nm_error *e) {
  char *copy = malloc(n > 0 ? n : 1);
  memcpy(copy, p, n);
  int err = nm_addr_parse(nm_str(copy, n), out, e);
  free(copy);
  return err;
}

static const struct {
  const char *text;
  const char *spec;
  const char *name;
} valid[] = {
    /* addr-spec */
    {"a@b", "a@b", ""},
    {"user@example.com", "user@example.com", ""},
    {" \tuser@example.com\t ", "user@example.com", ""},
    {"<user@example.com>", "user@example.com", ""},
    {"< user@example.com\t>", "user@example.com", ""},
    {"User@EXAMPLE.Com", "User@EXAMPLE.Com", ""},
    {"first.last+tag@sub-domain.example.co.uk", "first.last+tag@sub-domain.example.co.uk", ""},
    {"!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", ""},
    {"a%evil.test@example.test", "a%evil.test@example.test", ""},
    {"evil.test!a@example.test", "evil.test!a@example.test", ""},
    {"-oQ/tmp/x@example.test", "-oQ/tmp/x@example.test", ""},
    {"user@xn--e1afmkfd.xn--p1ai", "user@xn--e1afmkfd.xn--p1ai", ""},
    {"1@2.3", "1@2.3", ""},
    /* quoted local parts, by their meaning */
    {"\"user\"@example.com", "user@example.com", ""},
    {"\"u\\ser\"@example.com", "user@example.com", ""},
    {"\"first.last\"@example.com", "first.last@example.com", ""},
    {"\"a b\"@example.com", "\"a b\"@example.com", ""},
    {"\"a\\ b\"@example.com", "\"a b\"@example.com", ""},
    {"\".a\"@example.com", "\".a\"@example.com", ""},
    {"\"a..b\"@example.com", "\"a..b\"@example.com", ""},
    {"\"a.\"@example.com", "\"a.\"@example.com", ""},
    {"\"\"@example.com", "\"\"@example.com", ""},
    {"\"\\\"\\\\\"@example.com", "\"\\\"\\\\\"@example.com", ""},
    {"\"a@b\"@c.d", "\"a@b\"@c.d", ""},
    {"\"a,b\"@c.d", "\"a,b\"@c.d", ""},
    {"\"x@evil.test> ORCPT=rfc822;y\"@example.test", "\"x@evil.test> ORCPT=rfc822;y\"@example.test", ""},
    {"\"foo@psres.net> ORCPT=admin@admin.com\"@test.com", "\"foo@psres.net> ORCPT=admin@admin.com\"@test.com",
     ""},
    {"\"xclow3n@gmail.com x\"@internal.domain", "\"xclow3n@gmail.com x\"@internal.domain", ""},
    {"\"<a@b>\" <\"c>d\"@e>", "\"c>d\"@e", "<a@b>"},
    /* address literals */
    {"a@[127.0.0.1]", "a@[127.0.0.1]", ""},
    {"a@[IPv6:::1]", "a@[IPv6:::1]", ""},
    {"<a@[ipv6:2001:db8::1]>", "a@[ipv6:2001:db8::1]", ""},
    /* names */
    {"phil@example.com <phil@example.com>", "phil@example.com", "phil@example.com"},
    {"Phil@example.com < phil@example.com >", "phil@example.com", "Phil@example.com"},
    {"Name <a@b.c>", "a@b.c", "Name"},
    {"Name<a@b.c>", "a@b.c", "Name"},
    {"John Q. Public <a@b.c>", "a@b.c", "John Q. Public"},
    {"J.R.R.  \t Tolkien  <a@b.c>", "a@b.c", "J.R.R. Tolkien"},
    {". <a@b.c>", "a@b.c", "."},
    {"O'Neil & Sons! <a@b.c>", "a@b.c", "O'Neil & Sons!"},
    {"Иван Иванов <ivanov@server.ru>", "ivanov@server.ru", "Иван Иванов"},
    {"\"Иванов, Иван\" <ivanov@server.ru>", "ivanov@server.ru", "Иванов, Иван"},
    {"\xf0\x9f\x93\xa7 <a@b.c>", "a@b.c", "\xf0\x9f\x93\xa7"},
    {"\"\" <a@b.c>", "a@b.c", ""},
    {"\"a\" \"b\" c <a@b.c>", "a@b.c", "a b c"},
    {"\"a\" \"\" <a@b.c>", "a@b.c", "a"},
    {"\"\" a \"\" b <a@b.c>", "a@b.c", "a b"},
    {"\" a  b \" <a@b.c>", "a@b.c", " a  b "},
    {"\"a\\\"b\\\\c\\d\" <a@b.c>", "a@b.c", "a\"b\\cd"},
    {"\"a@b.c\" <a@b.c>", "a@b.c", "a@b.c"},
    {"\"(x)\" <a@b.c>", "a@b.c", "(x)"},
    /* an encoded word is an atom like another */
    {"=?utf-8?q?evil=40evil.test?= <a@b.c>", "a@b.c", "=?utf-8?q?evil=40evil.test?="},
    {"\"=?utf-8?b?0LA=?=\" <a@b.c>", "a@b.c", "=?utf-8?b?0LA=?="},
    /* maxima */
    {A60 "aaaa@b.c", A60 "aaaa@b.c", ""},
    {"\"" A60 "aa \"@b.c", NULL, ""}, /* 65 octets with its quotes */
    {"\"" A60 "a \"@b.c", "\"" A60 "a \"@b.c", ""},
    {"\"" A60 "aaaa\"@b.c", A60 "aaaa@b.c", ""}, /* 64 once it is written without */
    {"\"" A60 "\\\"\"@b.c", "\"" A60 "\\\"\"@b.c", ""},
    {"a@" LABEL63 ".b", "a@" LABEL63 ".b", ""},
    {SPEC254, SPEC254, ""},
};

static void reads_a_mailbox_by_its_meaning(void) {
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
    struct nm_error e = {0};
    struct nm_addr *a = NULL;
    int err = parse(valid[i].text, strlen(valid[i].text), &a, &e);
    if (valid[i].spec == NULL) {
      CHECK_ROW(err == NM_ELIMIT && a == NULL, valid[i].text);
      continue;
    }
    CHECK_ROW(err == 0 && a != NULL && e.code == 0, valid[i].text);
    if (a != NULL) {
      CHECK_ROW(is(a->spec, valid[i].spec), valid[i].text);
      CHECK_ROW(is(a->name, valid[i].name), valid[i].text);
    }
    nm_addr_unref(&a);
  }
}

static void takes_the_parts_apart(void) {
  struct nm_addr *a = NULL;
  CHECK(parse("\"a\\\"b c\"@[IPv6:::1]", 19, &a, NULL) == 0);
  CHECK(a != NULL && is(a->local, "a\"b c") && is(a->domain, "[IPv6:::1]") && a->refs == 1);
  nm_addr_unref(&a);
  CHECK(a == NULL);
  nm_addr_unref(&a);
}

/* Every beginning of a valid text is refused, or is an address that says the same when it is read again. */
static void stands_every_cut(void) {
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
    for (size_t n = 0; n < strlen(valid[i].text); n++) {
      struct nm_addr *a = NULL, *b = NULL;
      struct nm_error e = {0};
      int err = parse(valid[i].text, n, &a, &e);
      CHECK_ROW(err == 0 || (e.code == err && e.kind == NM_KIND_MESSAGE && e.text[0] != '\0'), valid[i].text);
      if (a != NULL) {
        CHECK_ROW(parse(a->spec.p, a->spec.n, &b, NULL) == 0 && nm_str_eq(a->spec, b->spec), valid[i].text);
      }
      nm_addr_unref(&a);
      nm_addr_unref(&b);
    }
  }
}

#define ROW(text, says)                                                                                      \
  { NM_STR(text), says }

static const struct {
  struct nm_str text;
  const char *says;
} invalid[] = {
    ROW("", "the address is empty"),
    ROW(" \t ", "the address is empty"),
    ROW("user", "no \"@\""),
    ROW("@", "nothing stands before"),
    ROW("@example.com", "nothing stands before"),
    ROW("user@", "nothing follows"),
    ROW("<user@>", "nothing follows"),
    ROW("user@ example.com", "white space"),
    ROW("user @example.com", "white space before the \"@\""),
    ROW("a @ example.test", "white space"),
    ROW("a b@c.d", "Name <user@example.com>"),
    ROW("Иван ivan@c.d", "Name <user@example.com>"),
    ROW("<a b@c.d>", "white space"),
    ROW("Name <>", "angle brackets are empty"),
    ROW("<>", "angle brackets are empty"),
    ROW("Name <user>", "no \"@\""),
    ROW("Name", "no \"@\""),
    ROW("Name <a@b", "not closed"),
    ROW("<", "no \"@\""),
    ROW("a@b>", "without its \"<\""),
    ROW("<<<a@b>>>", "second \"<\""),
    ROW("<a@b>>", "without its \"<\""),
    ROW("<a@b> <c@d>", "second \"<\""),
    ROW("<a@b> c", "text follows"),
    ROW("a@b c@d", "text follows"),
    ROW("a<b@example.test", "not closed"),
    ROW("a@example.test>,<b@example.test", "comma"),
    ROW("a@b,c@d", "comma"),
    ROW("Smith, John <a@b.c>", "comma"),
    ROW("a@b;c@d", "by commas"),
    ROW("a@b@c", "second \"@\""),
    ROW("a@b <a@c>", "double quotes"),
    ROW("=?utf-8?q?evil=40evil.test=3e=00?=@example.test", "encoded word"),
    ROW("\"=?utf-8?q?e?=\"@example.test", "encoded word"),
    ROW("A <b=?x?q?c?=@example.test>", "encoded word"),
    ROW("a@b a@b <a@b>", "double quotes"),
    ROW("a@b(x) <a@b>", "a comment"),
    ROW("<a@b@c>", "second \"@\""),
    ROW("a@b:25", "text follows"),
    /* rows 4 to 6 of the peers' defects: parameters and comments */
    ROW("foo@psres.net> ORCPT=admin@admin.com@test.com", "without its \"<\""),
    ROW("a@example.test> SIZE=1 AUTH=<>", "without its"),
    ROW("a@example.test SIZE=1", "text follows"),
    ROW("victim@bank.com(@evil.com)", "comment"),
    ROW("a@evil.com (x) @good.com", "comment"),
    ROW("a(c)@(d)good.com", "comment"),
    ROW("a@good.test(x)evil.test", "comment"),
    ROW("a@x.test(a(b)c)", "comment"),
    ROW("a(e@evil.test)@x.test", "comment"),
    ROW("(c)a@b", "comment"),
    ROW("Name (c) <a@b>", "comment"),
    ROW("Name <(c)a@b>", "comment"),
    ROW("<a@b> (c)", "comment"),
    /* groups, routes */
    ROW("G: a@b;", "group"),
    ROW("G: a@b, c@d;", "comma"),
    ROW("undisclosed-recipients:;", "no \"@\""),
    ROW("<@r1:a@b>", "source routes"),
    ROW("<@r1,@r2:a@b>", "source routes"),
    ROW("@r1,@r2:a@b", "source routes"),
    /* unquoted specials in names */
    ROW("a,b <c@d>", "comma"),
    ROW("a>b <c@d>", "without its \"<\""),
    ROW("a;b <c@d>", "by commas"),
    ROW("a:b <c@d>", "group"),
    ROW("a[b <c@d>", "in a name"),
    ROW("a]b <c@d>", "in a name"),
    ROW("a\\b <c@d>", "in a name"),
    ROW("a\"b <c@d>", "not closed"),
    /* local parts */
    ROW(".a@b", "dot"),
    ROW("a.@b", "dot"),
    ROW("a..b@c", "dot"),
    ROW(".@b", "dot"),
    ROW("us\"er@b", "not closed"),
    ROW("us\"e\"r@b", "in part only"),
    ROW("\"us\"er@b", "in part only"),
    ROW("\"us\".er@b", "in part only"),
    ROW("\"us\"\"er\"@b", "in part only"),
    ROW("us.\"er\"@b", "before the \"@\""),
    ROW("\"user@b", "not closed"),
    ROW("\"a\\\"@b", "not closed"),
    ROW("\"", "not closed"),
    ROW("\"\\", "not closed"),
    ROW("a\\b@c", "before the \"@\""),
    ROW("a[b]@c", "before the \"@\""),
    ROW("\"a\tb\"@c", "tab"),
    ROW("\"a\\\tb\"@c", "tab"),
    ROW("\"a\tb\" <c@d>", "tab"),
    /* domains */
    ROW("a@.b", "dot"),
    ROW("a@b.", "dot"),
    ROW("a@b..c", "dot"),
    ROW("a@.", "dot"),
    ROW("a@-b.c", "\"-\""),
    ROW("a@b-.c", "\"-\""),
    ROW("a@b.-", "\"-\""),
    ROW("a@b_c", "\"_\" is not accepted in a domain"),
    ROW("a@a$.tld", "is not accepted in a domain"),
    ROW("a@=?utf-8?q?evil.test=00?=example.test", "is not accepted in a domain"),
    ROW("a@\"b\"", "is not accepted in a domain"),
    ROW("a@[", "square brackets"),
    ROW("a@[]", "square brackets"),
    ROW("a@[1.2.3]", "square brackets"),
    ROW("a@[x", "square brackets"),
    ROW("a@[127.0.0.1>]", "square brackets"),
    ROW("a@[::1]", "square brackets"),
    ROW("a@[127.0.0.1]b", "text follows"),
    ROW("a@b[127.0.0.1]", "text follows"),
    /* beyond ASCII */
    ROW("a@example.c\xe2\x84\x80.evil.test", "IDNA does not allow"),
    ROW("a@example.test\xef\xbc\x9e", "IDNA does not allow"),
    ROW("a@i❤.ws", "IDNA does not allow"),
    ROW("a@xn--123456.рф", "begins with xn-- is not valid"),
    ROW("a@я..ru", "a dot stands"),
    ROW("a@я.", "a dot stands"),
    ROW("a@-я.ru", "\"-\""),
    ROW("a@я_b.ru", "\"_\" is not accepted in a domain"),
    ROW("a@[я]", "square brackets"),
    ROW("a@я@я", "second \"@\""),
    ROW("a@я b", "text follows"),
    ROW("\"и в\" @example.com", "white space before"),
    ROW("\"и\"в@example.com", "in part only"),
    ROW("и..в@example.com", "a dot stands"),
    ROW(".и@example.com", "a dot stands"),
    ROW("и.@example.com", "a dot stands"),
    ROW("и(в)@example.com", "comment"),
    ROW("a\xef\xbc\xa0"
        "example.test",
        "(U+FF20) is not the ASCII character"),
    ROW("a\xef\xbc\xa0"
        "evil.test@example.test",
        "(U+FF20) is not the ASCII character"),
    ROW("\"a\xef\xb9\xab"
        "evil.test\"@example.test",
        "(U+FE6B) is not the ASCII character"),
    ROW("ａ@example.test", "(U+FF41) is not the ASCII character"),
    ROW("a@exam\xe2\x80\x8bple.test", "invisible character U+200B"),
    ROW("\xe2\x80\xae"
        "a@example.test",
        "invisible character U+202E"),
    ROW("a\xe2\x81\xa6@example.test", "invisible character U+2066"),
    ROW("\"a\xef\xbb\xbf\"@example.test", "invisible character U+FEFF"),
    ROW("a@example.test\xc2\xa0", "invisible character U+00A0"),
    ROW("a@example.test\xc2\x85", "invisible character U+0085"),
    ROW("<a@example.test>\xc2\xa0", "text follows"),
    ROW("\xff\xfe@example.test", "\\xFF in it is not UTF-8"),
    ROW("a@example.test\xc0\xbe", "\\xC0 in it is not UTF-8"),
    ROW("\xed\xa0\x80@example.test", "\\xED in it is not UTF-8"),
    ROW("\xff <a@b>", "\\xFF in it is not UTF-8"),
    ROW("\"\xd0\" <a@b>", "\\xD0 in it is not UTF-8"),
    ROW("\"\xd0", "\\xD0 in it is not UTF-8"),
    /* rows 1 to 3 and 10: controls */
    ROW("b@y.test>\r\nRCPT TO:<evil@z.test", "control character \\x0D"),
    ROW("a@b\r", "control character \\x0D"),
    ROW("a@b\n", "control character \\x0A"),
    ROW("a@b\0", "control character \\x00"),
    ROW("a@b\x7f", "control character \\x7F"),
    ROW("\"a\r\nRCPT TO:<evil@z>\"@y.test", "control character \\x0D"),
    ROW("\"a\\\r\\\nb\"@y.test", "control character \\x0D"),
    ROW("\"a\0b\"@y.test", "control character \\x00"),
    ROW("a@[127.0.0.1\r\nNOOP]", "control character \\x0D"),
    ROW("a@example.test\0.evil.test", "control character \\x00"),
    ROW("\"a\"\r\nBcc: x <a@b>", "control character \\x0D"),
    ROW("Name\r\n <a@b>", "control character \\x0D"),
    ROW("a\" <evil@evil.test>, \"b <c@d>", "in part only"),
    ROW("\"a\"b <c@d>", "in part only"),
    ROW("a\"b\" <c@d>", "in part only"),
    ROW("\"a\"\"b\" <c@d>", "in part only"),
    ROW("\"a\"; <c@d>", "in part only"),
};

static void refuses_with_a_sentence(void) {
  for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
    struct nm_error e = {0};
    struct nm_addr *a = (struct nm_addr *)&e;
    int err = parse(invalid[i].text.p, invalid[i].text.n, &a, &e);
    CHECK_ROW(err == NM_EINVAL && a == NULL, invalid[i].text.p);
    CHECK_ROW(e.code == err && e.kind == NM_KIND_MESSAGE, invalid[i].text.p);
    CHECK_ROW(strstr(e.text, invalid[i].says) != NULL, e.text);
    nm_addr_unref(&a);
  }
}

static void refuses_what_is_too_long(void) {
  static const struct {
    const char *text;
    const char *says;
  } rows[] = {
      {A60 "aaaaa@b.c", "longer than 64 octets"},
      {A60 "aaaa.b@b.c", "longer than 64 octets"},
      {"\"" A60 "aaaaa\"@b.c", "longer than 64 octets"},
      {"\"" A60 "\\\"\\\"\"@b.c", "longer than 64 octets"}, /* 62 that are written as 66 */
      {"a@" LABEL63 "a.b", "longer than 63 octets"},
      {SPEC254 "a", "longer than 254 octets"},
      {SPEC254 ".b", "longer than 254 octets"},
      {SPEC254 ".b.c.d.e.f." LABEL63 ".g", "longer than 254 octets"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    struct nm_addr *a = NULL;
    CHECK_ROW(parse(rows[i].text, strlen(rows[i].text), &a, &e) == NM_ELIMIT && a == NULL, rows[i].text);
    CHECK_ROW(strstr(e.text, rows[i].says) != NULL, e.text);
  }
}

static void bounds_the_name(void) {
  for (size_t n = NM_ADDR_NAME_MAX; n <= NM_ADDR_NAME_MAX + 1; n++) {
    for (int quoted = 0; quoted <= 1; quoted++) {
      char text[NM_ADDR_NAME_MAX + 32];
      memset(text, 'n', sizeof text);
      text[0] = quoted ? '"' : ' ';
      memcpy(text + 1 + n, quoted ? "\" <a@b>" : "  <a@b>", 8);
      struct nm_error e = {0};
      struct nm_addr *a = NULL;
      int err = parse(text, strlen(text), &a, &e);
      CHECK(n == NM_ADDR_NAME_MAX ? err == 0 && a->name.n == n : err == NM_ELIMIT && a == NULL);
      nm_addr_unref(&a);
      err = nm_addr_make(NM_STR("a@b"), nm_str(text + 1, n), &a, &e);
      CHECK(n == NM_ADDR_NAME_MAX ? err == 0 && a->name.n == n : err == NM_ELIMIT && a == NULL);
      nm_addr_unref(&a);
    }
  }
}

static void refuses_a_control_character_everywhere(void) {
  static const char *const texts[] = {"a@b.c", "\"a b\\\"\"@b.c", "Na me <a@b.c>",
                                      "\"N\\a, me\" <\"a\"@[127.0.0.1]>"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    size_t n = strlen(texts[i]);
    for (size_t at = 0; at <= n; at++) {
      for (int c = 0; c < 128; c++) {
        char text[64];
        memcpy(text, texts[i], at);
        text[at] = (char)c;
        memcpy(text + at + 1, texts[i] + at, n - at);
        struct nm_addr *a = NULL;
        int err = parse(text, n + 1, &a, NULL);
        CHECK_ROW(err == 0 ? c >= 0x20 || c == '\t' : a == NULL, texts[i]);
        CHECK_ROW(c != 0x7f || err != 0, texts[i]);
        for (size_t k = 0; a != NULL && k < a->spec.n; k++) {
          CHECK_ROW(a->spec.p[k] >= 0x20 && a->spec.p[k] < 0x7f, texts[i]);
        }
        for (size_t k = 0; a != NULL && k < a->name.n; k++) {
          CHECK_ROW((unsigned char)a->name.p[k] >= 0x20 && a->name.p[k] != 0x7f, texts[i]);
        }
        nm_addr_unref(&a);
      }
    }
  }
}

/* The same line ends of every kind into each part of an address and its name. */
static void refuses_every_line_end(void) {
  static const struct nm_str ends[] = {
      {"\r\n", 2},   {"\n", 1},     {"\r", 1}, {"\n\r", 2}, {"\r\r\n", 3}, {"\r\n ", 3},
      {"\r\n\t", 3}, {"\0\r\n", 3}, {"\v", 1}, {"\f", 1},   {"\x85", 1},   {"\xc0\x8d\xc0\x8a", 4},
  };
  static const char *const around[][2] = {{"a", "b@c.d"},    {"a@b", "c.d"},        {"a@b.c", ""},
                                          {"N", " <a@b.c>"}, {"\"N", "\" <a@b.c>"}, {"\"a", "\"@b.c"}};
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    for (size_t k = 0; k < sizeof around / sizeof around[0]; k++) {
      struct nm_buf b = {.max = 100};
      nm_buf_add_c(&b, around[k][0]);
      nm_buf_add_str(&b, ends[i]);
      nm_buf_add_c(&b, "Bcc: evil@evil.test");
      nm_buf_add_c(&b, around[k][1]);
      struct nm_addr *a = NULL;
      CHECK_ROW(parse(b.p, b.n, &a, NULL) == NM_EINVAL && a == NULL, around[k][0]);
      nm_buf_free(&b);
    }
    struct nm_buf name = {.max = 100};
    nm_buf_add_c(&name, "x");
    nm_buf_add_str(&name, ends[i]);
    struct nm_addr *a = NULL;
    struct nm_error e = {0};
    CHECK(nm_addr_make(NM_STR("a@b"), nm_buf_str(&name), &a, &e) == NM_EINVAL && a == NULL);
    CHECK_ROW(strstr(e.text, "the name \"x") != NULL, e.text);
    nm_buf_free(&name);
  }
}

static void shows_only_a_piece_of_a_long_text(void) {
  char text[4000];
  for (size_t i = 0; i + 1 < sizeof text; i += 2) {
    memcpy(text + i, "\xd0\xb6", 2);
  }
  struct nm_error e = {0};
  struct nm_addr *a = NULL;
  CHECK(parse(text, sizeof text, &a, &e) == NM_ELIMIT);
  CHECK_ROW(strlen(e.text) < 400 && strstr(e.text, "\xd0\xb6...\" is refused: what is before") != NULL,
            e.text);
  CHECK(parse(text + 1, sizeof text - 1, &a, &e) == NM_EINVAL);
  CHECK_ROW(strstr(e.text, "\\xB6 in it is not UTF-8") != NULL, e.text);
}

static void makes_one_from_parts(void) {
  static const struct {
    struct nm_str spec;
    struct nm_str name;
    const char *says; /* NULL: taken */
  } rows[] = {
      {NM_STR("a@b.c"), NM_STR(""), NULL},
      {NM_STR(" a@b.c "), NM_STR("Name"), NULL},
      {NM_STR("\"a b\"@b.c"), NM_STR("Иван, \"the\" <x@y>"), NULL},
      {NM_STR("a@b.c"), NM_STR("=?utf-8?q?x?="), NULL},
      {NM_STR("a@b.c"), NM_STR(" "), NULL},
      {NM_STR("a@b.c"), NM_STR("\xe2\x80\xaf\xe2\x80\x8f"), NULL},
      {NM_STR(""), NM_STR("Name"), "the address is empty"},
      {NM_STR("Name <a@b.c>"), NM_STR("Name"), "without name and angle brackets"},
      {NM_STR("<a@b.c>"), NM_STR(""), "without name and angle brackets"},
      {NM_STR("a@b.c, d@e.f"), NM_STR(""), "comma"},
      {NM_STR("a"), NM_STR("Name"), "no \"@\""},
      {NM_STR("a@b.c"), NM_STR("a\r\nBcc: x@y"), "control character \\x0D"},
      {NM_STR("a@b.c"), NM_STR("a\0b"), "control character \\x00"},
      {NM_STR("a@b.c"), NM_STR("a\x7f"), "control character \\x7F"},
      {NM_STR("a@b.c"), NM_STR("a\tb"), "tab"},
      {NM_STR("a@b.c"), NM_STR("a\xff"), "\\xFF in it is not UTF-8"},
      {NM_STR("a@b.c"), NM_STR("a\xd0"), "\\xD0 in it is not UTF-8"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    struct nm_addr *a = NULL;
    int err = nm_addr_make(rows[i].spec, rows[i].name, &a, &e);
    if (rows[i].says == NULL) {
      CHECK_ROW(err == 0 && a != NULL && nm_str_eq(a->name, rows[i].name), rows[i].name.p);
      CHECK_ROW(a != NULL && a->domain.n == 3 && is(a->domain, "b.c"), rows[i].spec.p);
    } else {
      CHECK_ROW(err == NM_EINVAL && a == NULL && strstr(e.text, rows[i].says) != NULL, e.text);
    }
    nm_addr_unref(&a);
  }
}

static void compares_by_value(void) {
  static const struct {
    const char *a;
    const char *b;
    int same;
  } rows[] = {
      {"a@b.c", "a@b.c", 1},
      {"a@b.c", "X <a@B.C>", 1},
      {"\"a\"@b.c", "a@b.c", 1},
      {"A@b.c", "a@b.c", 0},
      {"a@b.c", "a@b.d", 0},
      {"a@b.c", "ab@b.c", 0},
      {"\"a b\"@c", "\"a\\ b\"@C", 1},
      {"a@[IPv6:::A]", "a@[IPV6:::a]", 1},
      {"a@пример.рф", "a@ПРИМЕР.РФ", 1},
      {"a@пример.рф", "a@XN--E1AFMKFD.xn--p1ai", 1},
      {"и@пример.рф", "и@xn--e1afmkfd.xn--p1ai", 1},
      {"и@b", "й@b", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_addr *a = NULL, *b = NULL;
    CHECK(parse(rows[i].a, strlen(rows[i].a), &a, NULL) == 0 &&
          parse(rows[i].b, strlen(rows[i].b), &b, NULL) == 0);
    CHECK_ROW(nm_addr_same(a, b) == rows[i].same && nm_addr_same(b, a) == rows[i].same, rows[i].a);
    nm_addr_unref(&a);
    nm_addr_unref(&b);
  }
}

static void counts_references(void) {
  struct nm_addr *a = NULL;
  long live = nm_test_alloc_live();
  CHECK(parse("a@b", 3, &a, NULL) == 0);
  struct nm_addr *b = nm_addr_ref(a);
  nm_addr_unref(&a);
  CHECK(b->refs == 1 && is(b->spec, "a@b"));
  struct nm_list *l = nm_addr_list_new();
  CHECK(nm_list_add(l, b) == 0 && b->refs == 2);
  nm_addr_unref(&b);
  nm_list_unref(&l);
  CHECK(nm_test_alloc_live() == live);
}

static void reads_a_list(void) {
  struct nm_list *l = nm_addr_list_new();
  struct nm_error e = {0};
  CHECK(nm_addr_parse_list(NM_STR("a@b, \"x, y\" <c@d> ,\tИван <e@f>,\"g,h\"@i"), l, &e) == 0 && l->n == 4);
  CHECK(nm_addr_parse_list(NM_STR("z@z"), l, &e) == 0 && l->n == 5);
  static const char *const specs[] = {"a@b", "c@d", "e@f", "\"g,h\"@i", "z@z"};
  static const char *const names[] = {"", "x, y", "Иван", "", ""};
  for (size_t i = 0; i < l->n; i++) {
    struct nm_addr *a = l->items[i];
    CHECK_ROW(is(a->spec, specs[i]) && is(a->name, names[i]) && a->refs == 1, specs[i]);
  }
  nm_list_unref(&l);
}

static void appends_nothing_of_a_list_with_an_error(void) {
  static const struct {
    const char *text;
    const char *says;
  } rows[] = {
      {"", "the address is empty"},
      {" ", "the address is empty"},
      {",", "address 1 of the list is empty"},
      {"a@b,", "address 2 of the list is empty"},
      {",a@b", "address 1 of the list is empty"},
      {"a@b,,c@d", "address 2 of the list is empty"},
      {"a@b, ,c@d", "address 2 of the list is empty"},
      {"a@b,c@d,e", "address 3 of the list, \"e\", is refused: it has no \"@\""},
      {"a@b;c@d", "by commas"},
      {"a@b, Smith, John <c@d>", "address 2 of the list, \"Smith\", is refused"},
      {"a@b, Bob <c@d, Al <e@f>", "address 2 of the list, \"Bob <c@d\", is refused: its \"<\" is not closed"},
      {"a@b, \"Bob <c@d, Al <e@f>", "double quote is opened"},
      {"a@b\r\n, c@d", "address 1"},
      {"G: a@b, c@d", "does not end with \";\""},
      {"G:", "does not end with \";\""},
      {"G: ", "does not end with \";\""},
      {":;", "no name stands before"},
      {": a@b;", "no name stands before"},
      {"G: a@b; c@d", "text follows the \";\" of a group"},
      {"G: a@b; H: c@d;", "text follows the \";\" of a group"},
      {"G:; x", "text follows the \";\" of a group"},
      {"G: a@b,;", "address 2 of the list is empty"},
      {"G: ,a@b;", "address 1 of the list is empty"},
      {"G:,;", "address 1 of the list is empty"},
      {"G: a@b;,", "address 2 of the list is empty"},
      {"G: H: a@b;;", "\":\" is not accepted"},
      {"G (x): a@b;", "comment"},
      {"G(x): a@b;", "comment"},
      {"\"G\"x: a@b;", "in part only"},
      {"http://a@b", "does not end with \";\""},
      {"a@b; c@d", "by commas"},
      {"<G: a@b;>", "group"},
      {"<@r1,@r2:a@b>", "source routes"},
  };
  struct nm_list *l = nm_addr_list_new();
  CHECK(nm_addr_parse_list(NM_STR("first@b"), l, NULL) == 0);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    CHECK_ROW(nm_addr_parse_list(nm_str_c(rows[i].text), l, &e) == NM_EINVAL && l->n == 1, rows[i].text);
    CHECK_ROW(e.kind == NM_KIND_MESSAGE && strstr(e.text, rows[i].says) != NULL, e.text);
  }
  nm_list_unref(&l);
}

static void reads_groups_as_their_members(void) {
  static const struct {
    const char *text;
    const char *specs[4];
  } rows[] = {
      {"G: a@b, c@d;", {"a@b", "c@d"}},
      {"G:a@b;", {"a@b"}},
      {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
       {"c@a.test", "joe@where.test", "jdoe@one.test"}},
      {"x@y, G: a@b , c@d ; , z@z", {"x@y", "a@b", "c@d", "z@z"}},
      {"\"G: <x@y>, @\": a@b;", {"a@b"}},
      {"Группа: a@b;", {"a@b"}},
      {"G: \"a;b\"@c, N;x <a@b>;", {NULL}},
      {"G: \"a;b\"@c, \"N;x\" <a@b>;", {"\"a;b\"@c", "a@b"}},
      {"Undisclosed recipients:;", {NULL}},
      {"Undisclosed recipients: \t; ", {NULL}},
      {"A:;, B: ;,C:c@d;", {"c@d"}},
      {"a@[IPv6:::1], G: b@[IPv6:::2];", {"a@[IPv6:::1]", "b@[IPv6:::2]"}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_list *l = nm_addr_list_new();
    struct nm_error e = {0};
    int err = nm_addr_parse_list(nm_str_c(rows[i].text), l, &e);
    CHECK_ROW((err == 0) == (strstr(rows[i].text, "N;x <") == NULL), e.text);
    size_t n = 0;
    for (; n < 4 && rows[i].specs[n] != NULL; n++) {
      CHECK_ROW(n < l->n && is(((struct nm_addr *)l->items[n])->spec, rows[i].specs[n]), rows[i].text);
    }
    CHECK_ROW(l->n == n, rows[i].text);
    struct nm_addr *a = NULL;
    CHECK_ROW(nm_addr_parse(nm_str_c(rows[i].text), &a, &e) == NM_EINVAL, rows[i].text);
    nm_list_unref(&l);
  }
}

static const struct {
  const char *text;
  const char *address; /* as it is shown */
  const char *spec;    /* on the wire; NULL: the same */
  const char *domain;
} international[] = {
    {"a@пример.рф", "a@пример.рф", "a@xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"},
    {"Имя <\"a b\"@ПРИМЕР.рф>", "\"a b\"@пример.рф", "\"a b\"@xn--e1afmkfd.xn--p1ai",
     "xn--e1afmkfd.xn--p1ai"},
    {"a@xn--e1afmkfd.рф", "a@пример.рф", "a@xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"},
    {"a@xn--e1afmkfd.xn--p1ai", "a@xn--e1afmkfd.xn--p1ai", NULL, "xn--e1afmkfd.xn--p1ai"},
    {"a@example.test\xe3\x80\x82"
     "evil.test",
     "a@example.test.evil.test", NULL, "example.test.evil.test"},
    {"a@ｅvil．test", "a@evil.test", NULL, "evil.test"},
    {"a@faß.de", "a@faß.de", "a@xn--fa-hia.de", "xn--fa-hia.de"},
    {"иван@example.com", "иван@example.com", NULL, "example.com"},
    {"\"иван\"@Example.com", "иван@Example.com", NULL, "Example.com"},
    {"\"и \\в\"@example.com", "\"и в\"@example.com", NULL, "example.com"},
    {"и.в@пример.рф", "и.в@пример.рф", NULL, "xn--e1afmkfd.xn--p1ai"},
    {"и@[127.0.0.1]", "и@[127.0.0.1]", NULL, "[127.0.0.1]"},
    {"\xf0\x9f\x93\xa7@example.com", "\xf0\x9f\x93\xa7@example.com", NULL, "example.com"},
};

static void knows_two_forms_of_a_domain(void) {
  for (size_t i = 0; i < sizeof international / sizeof international[0]; i++) {
    const char *text = international[i].text;
    const char *spec = international[i].spec != NULL ? international[i].spec : international[i].address;
    struct nm_error e = {0};
    struct nm_addr *a = NULL, *b = NULL;
    CHECK_ROW(parse(text, strlen(text), &a, &e) == 0, e.text);
    if (a == NULL) {
      continue;
    }
    CHECK_ROW(is(a->address, international[i].address), a->address.p);
    CHECK_ROW(is(a->spec, spec), a->spec.p);
    CHECK_ROW(is(a->domain, international[i].domain), a->domain.p);
    CHECK_ROW(nm_addr_is_utf8(a) == ((unsigned char)a->local.p[0] >= 0x80), text);
    CHECK_ROW(a->address.n > a->host.n &&
                  memcmp(a->address.p + a->address.n - a->host.n, a->host.p, a->host.n) == 0,
              text);
    /* either form read again is the same mailbox */
    CHECK_ROW(nm_addr_parse(a->spec, &b, &e) == 0 && nm_addr_same(a, b) && nm_str_eq(a->spec, b->spec),
              e.text);
    nm_addr_unref(&b);
    CHECK_ROW(nm_addr_parse(a->address, &b, &e) == 0 && nm_str_eq(a->address, b->address) &&
                  nm_str_eq(a->spec, b->spec) && nm_str_ieq(a->domain, b->domain),
              e.text);
    nm_addr_unref(&b);
    nm_addr_unref(&a);
  }
}

static void bounds_the_form_on_the_wire(void) {
  struct nm_addr *a = NULL;
  struct nm_error e = {0};
  /* 32 letters of two octets */
  static const char thirtytwo[] = "яяяяяяяяяяяяяяяяяяяяяяяяяяяяяяяя";
  struct nm_buf b = {.max = 1000};
  nm_buf_addf(&b, "%s@b.c", thirtytwo);
  CHECK(nm_addr_parse(nm_buf_str(&b), &a, &e) == 0 && a->local.n == 64);
  nm_addr_unref(&a);
  nm_buf_reset(&b);
  nm_buf_addf(&b, "%sa@b.c", thirtytwo);
  CHECK(nm_addr_parse(nm_buf_str(&b), &a, &e) == NM_ELIMIT && a == NULL);
  nm_buf_reset(&b);
  /* 252 octets of domain in ASCII, with 6 more than its U-labels have */
  nm_buf_addf(&b, "a@%s", "я." LABEL63 "." LABEL63 "." LABEL63 "." A10 A10 A10 A10 A10 "a");
  CHECK_ROW(nm_addr_parse(nm_buf_str(&b), &a, &e) == 0 && a->spec.n == 253 && a->address.n == 248, e.text);
  nm_addr_unref(&a);
  nm_buf_add_c(&b, "aa");
  CHECK(nm_addr_parse(nm_buf_str(&b), &a, &e) == NM_ELIMIT && a == NULL);
  CHECK_ROW(strstr(e.text, "longer than 254 octets") != NULL, e.text);
  nm_buf_free(&b);
}

static const struct {
  const char *text;
  const char *spec;
  const char *name;
} lenient[] = {
    /* comments, wherever RFC 5322 has CFWS */
    {"a@b(c)", "a@b", ""},
    {"(c)a@b", "a@b", ""},
    {"(c) a (d) @ (e) b (f)", "a@b", ""},
    {"a(c)@(d)good.com", "a@good.com", ""},
    {"victim@bank.com(@evil.com)", "victim@bank.com", ""},
    {"a(e@evil.test)@x.test", "a@x.test", ""},
    {"a@x.test(a(b)c)", "a@x.test", ""},
    {"a@b(\\))", "a@b", ""},
    {"a@b(\\()", "a@b", ""},
    {"a@b(\")", "a@b", ""},
    {"a@b (,<x@y>;)", "a@b", ""},
    {"jdoe@machine(comment).  example", "jdoe@machine.example", ""},
    {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test", "Pete"},
    {"Name (c) Two <(d)a@b(e)>(f)", "a@b", "Name Two"},
    {"(Use this) <a@b>", "a@b", ""},
    {"\"(c)\" <a@b>", "a@b", "(c)"},
    {"\"(\"@b", "\"(\"@b", ""},
    {"a@b()", "a@b", ""},
    {"a@b(иван)", "a@b", ""},
    {"a@(я)пример.(б)рф", "a@xn--e1afmkfd.xn--p1ai", ""},
    /* folds */
    {"Name\r\n <a@b>", "a@b", "Name"},
    {"Mary Smith\n    \n\t<mary@example.net>", "mary@example.net", "Mary Smith"},
    {"a@b\r\n ", "a@b", ""},
    {"a@b(x\r\n y)", "a@b", ""},
    {"\"John\r\n Doe\" <a@b>", "a@b", "John Doe"},
    {"\"John\r\n\tDoe\" <a@b>", "a@b", "John Doe"},
    {"\"a\r\n b\"@c", "\"a b\"@c", ""},
    {"a\r\n @\r\n b", "a@b", ""},
    /* obsolete forms */
    {"a . b @ c . d", "a.b@c.d", ""},
    {"\"a\".b@c", "a.b@c", ""},
    {"a.\"b c\".d@e", "\"a.b c.d\"@e", ""},
    {"\"a\" . \"@\"@e", "\"a.@\"@e", ""},
    {"<@r1:a@b>", "a@b", ""},
    {"<@r1,@r2:a@b>", "a@b", ""},
    {"N < , @r1 , , @r2.x , : a@b >", "a@b", "N"},
    {"<@[127.0.0.1],@пример.рф:a@b>", "a@b", ""},
    {"\"a\"b <c@d>", "c@d", "ab"},
    {"a\"b\" \"\" c <c@d>", "c@d", "ab c"},
    {"J . R . <c@d>", "c@d", "J . R ."},
    {"a\" <evil@evil.test>, \"b <c@d>", "c@d", "a <evil@evil.test>, b"},
    {"\"N\tM\" <a@b>", "a@b", "N M"},
};

static int read_lenient(const char *p, size_t n, struct nm_addr **out, struct nm_error *e) {
  char *copy = malloc(n > 0 ? n : 1);
  memcpy(copy, p, n);
  int err = nm_addr_parse_lenient(nm_str(copy, n), out, e);
  free(copy);
  return err;
}

static void reads_what_others_wrote(void) {
  for (size_t i = 0; i < sizeof lenient / sizeof lenient[0]; i++) {
    const char *text = lenient[i].text;
    struct nm_error e = {0};
    struct nm_addr *a = NULL;
    CHECK_ROW(read_lenient(text, strlen(text), &a, &e) == 0, e.text);
    CHECK_ROW(a != NULL && is(a->spec, lenient[i].spec), text);
    CHECK_ROW(a != NULL && is(a->name, lenient[i].name), text);
    nm_addr_unref(&a);
    for (size_t n = 0; n < strlen(text); n++) {
      int err = read_lenient(text, n, &a, &e);
      CHECK_ROW(err == 0 || (a == NULL && e.code == err && e.kind == NM_KIND_MESSAGE), text);
      CHECK_ROW(a == NULL || memchr(a->spec.p, '\r', a->spec.n) == NULL, text);
      nm_addr_unref(&a);
    }
  }
}

/* What is right in the strict reading means the same in the lenient one. */
static void reads_the_strict_as_ever(void) {
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
    struct nm_addr *a = NULL;
    struct nm_error e = {0};
    int err = read_lenient(valid[i].text, strlen(valid[i].text), &a, &e);
    CHECK_ROW(valid[i].spec == NULL ? err == NM_ELIMIT : err == 0 && is(a->spec, valid[i].spec),
              valid[i].text);
    CHECK_ROW(a == NULL || is(a->name, valid[i].name), valid[i].text);
    nm_addr_unref(&a);
  }
}

static const struct {
  struct nm_str text;
  const char *says;
} never[] = {
    ROW("", "the address is empty"),
    ROW("(c)", "the address is empty"),
    ROW("a@good.test(x)evil.test", "text follows"),
    ROW("a@evil.com (x) @good.com", "second \"@\""),
    ROW("a(x)b@c", "white space"),
    ROW("a@b(", "a comment is opened and not closed"),
    ROW("a@b(x", "a comment is opened and not closed"),
    ROW("a@b((x)", "a comment is opened and not closed"),
    ROW("a@b(\\)", "a comment is opened and not closed"),
    ROW("a@b(\\", "a comment is opened and not closed"),
    ROW("a@b)", "without its \"(\""),
    ROW("a@b(x))", "without its \"(\""),
    ROW("a@[127.0.0.1(x)]", "square brackets"),
    ROW("a@[(]b)]", "without its \"(\""),
    ROW("a\\(b@c)", "no \"@\""),
    ROW("a\\ b@c", "before the \"@\""),
    ROW("a..b@c", "a dot stands"),
    ROW("a. .b@c", "a dot stands"),
    ROW(".a@b", "a dot stands"),
    ROW("a.@b", "a dot stands"),
    ROW("a@b. .c", "a dot stands"),
    ROW("a@b.", "a dot stands"),
    ROW("\"a\"b@c", "in part only"),
    ROW("\"a\" \"b\"@c", "white space"),
    ROW("a@b,c@d", "comma"),
    ROW("a@b,", "comma"),
    ROW("G: a@b;", "group"),
    ROW("<@r1 a@b>", "is not accepted"),
    ROW("<,:a@b>", "\":\""),
    ROW("<@:a@b>", "domain"),
    ROW("<@r1:>", "no \"@\""),
    ROW("<@a@b:c@d>", "nothing stands before"),
    ROW("\"a\tb\"@c", "tab"),
    ROW("a@b\r\n", "control character \\x0D"),
    ROW("a@b\n", "control character \\x0A"),
    ROW("a@b\r c", "control character \\x0D"),
    ROW("Name\r\n<a@b>", "control character \\x0D"),
    ROW("a@b(x\r\ny)", "control character \\x0D"),
    ROW("a@b(\0)", "control character \\x00"),
    ROW("a@b(\\\0)", "control character \\x00"),
    ROW("a@b(\x7f)", "control character \\x7F"),
    ROW("a@b(\xff)", "\\xFF in it is not UTF-8"),
    ROW("b@y.test>\r\nRCPT TO:<evil@z.test", "control character \\x0D"),
    ROW("\"a\r\nRCPT TO:<evil@z>\"@y.test", "control character \\x0D"),
    ROW("\"a\\\r\\\nb\"@y.test", "control character \\x0D"),
    ROW("a@[127.0.0.1\r\nNOOP]", "control character \\x0D"),
    ROW("\"a\\\r\n b\"@c", "control character \\x0D"), /* a pair is no fold */
    ROW("a@b(\\\r\n c)", "control character \\x0D"),
};

static void makes_no_address_of_a_comment(void) {
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
    struct nm_error e = {0};
    struct nm_addr *a = (struct nm_addr *)&e;
    int err = read_lenient(never[i].text.p, never[i].text.n, &a, &e);
    CHECK_ROW(err == NM_EINVAL && a == NULL && e.kind == NM_KIND_MESSAGE, never[i].text.p);
    CHECK_ROW(strstr(e.text, never[i].says) != NULL, e.text);
    nm_addr_unref(&a);
  }
  for (int depth = 99; depth <= 101; depth++) {
    struct nm_error e = {0};
    struct nm_addr *a = NULL;
    struct nm_buf b = {.max = 1000};
    nm_buf_add_c(&b, "a@b");
    for (int i = 0; i < 2 * depth; i++) {
      nm_buf_add_c(&b, i < depth ? "(" : ")");
    }
    int err = nm_addr_parse_lenient(nm_buf_str(&b), &a, &e);
    CHECK_ROW(depth <= 100 ? err == 0 : err == NM_ELIMIT && strstr(e.text, "deeper than 100") != NULL,
              e.text);
    nm_addr_unref(&a);
    nm_buf_free(&b);
  }
}

static void reads_a_lenient_list(void) {
  static const struct {
    const char *text;
    const char *specs[4];
    const char *says; /* NULL: taken */
  } rows[] = {
      {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
       {"mary@example.net", "jdoe@test.example"},
       NULL},
      {",,a@b,,", {"a@b"}, NULL},
      {"a@b,(x,y) c@d", {"a@b", "c@d"}, NULL},
      {"<@r1,@r2:a@b>,c@d", {"a@b", "c@d"}, NULL},
      {"A Group(Some people)\r\n        :Chris Jones <c@(Chris's host.)public.example>,\r\n  "
       "joe@example.org,\r\n"
       "     John <jdoe@one.test> (my dear friend); (the end of the group)",
       {"c@public.example", "joe@example.org", "jdoe@one.test"},
       NULL},
      {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", {NULL}, NULL},
      {"G: , a@b ,, ;,", {"a@b"}, NULL},
      {"G:,;", {NULL}, NULL},
      {"", {NULL}, "the address is empty"},
      {",", {NULL}, "list is empty"},
      {"(c)", {NULL}, "is empty"},
      {"(c),(d)", {NULL}, "list is empty"},
      {"a@b(c", {NULL}, "the list \"a@b(c\" is refused: a comment"},
      {"G: a@b; H: c@d;", {NULL}, "text follows the \";\""},
      {"a@b c@d", {NULL}, "text follows"},
      {"a@b;c@d", {NULL}, "by commas"},
      {"G: a@b", {NULL}, "does not end with"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_list *l = nm_addr_list_new();
    struct nm_error e = {0};
    int err = nm_addr_parse_list_lenient(nm_str_c(rows[i].text), l, &e);
    CHECK_ROW(rows[i].says == NULL ? err == 0 : err == NM_EINVAL && strstr(e.text, rows[i].says) != NULL,
              e.text);
    size_t n = 0;
    for (; n < 4 && rows[i].specs[n] != NULL; n++) {
      CHECK_ROW(n < l->n && is(((struct nm_addr *)l->items[n])->spec, rows[i].specs[n]), rows[i].text);
    }
    CHECK_ROW(l->n == n, rows[i].text);
    nm_list_unref(&l);
  }
}

static struct nm_buf repeat(const char *piece, size_t size) {
  struct nm_buf b = {.max = 2 * size};
  size_t n = strlen(piece);
  while (b.n + n <= size) {
    nm_buf_add(&b, piece, n);
  }
  return b;
}

static void bounds_text_and_list(void) {
  struct nm_list *l = nm_addr_list_new();
  struct nm_error e = {0};
  struct nm_addr *a = NULL;
  struct nm_buf b = repeat("a@b,", 4 * NM_ADDR_LIST_MAX);
  b.n--;
  CHECK(nm_addr_parse_list(nm_buf_str(&b), l, &e) == 0 && l->n == NM_ADDR_LIST_MAX);
  CHECK(nm_addr_parse_list(NM_STR("a@b"), l, &e) == NM_ELIMIT && l->n == NM_ADDR_LIST_MAX);
  CHECK_ROW(strstr(e.text, "more than 100000 addresses") != NULL, e.text);
  nm_list_clear(l);
  b.n++;
  nm_buf_add_c(&b, "c@d");
  CHECK(nm_addr_parse_list(nm_buf_str(&b), l, &e) == NM_ELIMIT && l->n == 0);
  nm_buf_free(&b);
  b = repeat(" ", NM_ADDR_TEXT_MAX + 1);
  CHECK(nm_addr_parse_list(nm_buf_str(&b), l, &e) == NM_ELIMIT && l->n == 0);
  CHECK(nm_addr_parse(nm_buf_str(&b), &a, &e) == NM_ELIMIT && a == NULL);
  CHECK(nm_addr_make(nm_buf_str(&b), NM_STR(""), &a, &e) == NM_ELIMIT && a == NULL);
  memcpy(b.p, "a@b", 3);
  CHECK(nm_addr_parse(nm_str(b.p, NM_ADDR_TEXT_MAX), &a, &e) == 0);
  nm_addr_unref(&a);
  nm_buf_free(&b);
  nm_list_unref(&l);
}

/* A megabyte of each, or a quarter: quadratic work would take minutes, and recursion the stack. */
static void takes_linear_time(void) {
  static const char *const pieces[] = {
      ",",    "\"",  "<",          ">",        "(",      "\\",    "a",   "a,",      "a:",     "g:a@b;",
      "a@b,", "@",   ".",          "\"\"",     "\"\\",   "\",\"", " ",   "a ",      "<a@b>,", "\"a\" ",
      "[",    "a@[", "=?u?q?a?= ", "\xd0\xb0", "\"<\" ", "()",    "(()", "a@b(x),", "<@a:",   "<,",
      "@a,",  ". ",  "a . ",       "G:;,",     "a@я.",   "a@я.,", ";",   "\r\n ",   "(\\"};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    for (int tail = 0; tail < 2; tail++) {
      struct nm_buf b = repeat(pieces[i], (size_t)(NM_ADDR_TEXT_MAX - 8) / (i < 5 ? 1 : 4));
      nm_buf_add_c(&b, tail ? "<a@b>" : "");
      struct nm_list *l = nm_addr_list_new();
      struct nm_addr *a = NULL;
      struct nm_error e = {0};
      clock_t before = clock();
      nm_addr_parse_list(nm_buf_str(&b), l, &e);
      nm_addr_parse(nm_buf_str(&b), &a, &e);
      nm_addr_unref(&a);
      nm_list_clear(l);
      nm_addr_parse_list_lenient(nm_buf_str(&b), l, &e);
      nm_addr_parse_lenient(nm_buf_str(&b), &a, &e);
      CHECK_ROW(clock() - before < 10 * CLOCKS_PER_SEC, pieces[i]);
      nm_addr_unref(&a);
      nm_list_unref(&l);
      nm_buf_free(&b);
    }
  }
}

static void survives_every_failing_allocation(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_list *l = nm_addr_list_new();
    struct nm_list *m = nm_addr_list_new();
    struct nm_addr *a = NULL, *b = NULL, *c = NULL;
    struct nm_error e = {0};
    nm_test_alloc_fail_at(n);
    int err = nm_addr_parse(NM_STR("N <a@b>"), &a, &e);
    err = err != 0 ? err : nm_addr_make(NM_STR("a@b"), NM_STR("N"), &b, &e);
    err = err != 0 ? err : nm_addr_parse_lenient(NM_STR("a@b (c)"), &c, &e);
    err = err != 0 ? err : nm_addr_parse_list(NM_STR("a@b, G: c@d, e@f;, g@h, i@я.ru"), l, &e);
    err = err != 0 ? err : nm_addr_parse_list_lenient(NM_STR("a@b (c), c@d"), m, &e);
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 ? l->n == 5 && m->n == 2 : err == NM_ENOMEM && e.code == NM_ENOMEM && m->n == 0);
    nm_addr_unref(&a);
    nm_addr_unref(&b);
    nm_addr_unref(&c);
    nm_list_unref(&l);
    nm_list_unref(&m);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 15); /* 3 addresses, 7 of lists in 6 blocks, their items four times, 2 tidied texts */
      return;
    }
  }
}

int main(void) {
  RUN(reads_a_mailbox_by_its_meaning);
  RUN(takes_the_parts_apart);
  RUN(stands_every_cut);
  RUN(refuses_with_a_sentence);
  RUN(refuses_what_is_too_long);
  RUN(bounds_the_name);
  RUN(refuses_a_control_character_everywhere);
  RUN(refuses_every_line_end);
  RUN(shows_only_a_piece_of_a_long_text);
  RUN(makes_one_from_parts);
  RUN(compares_by_value);
  RUN(counts_references);
  RUN(reads_a_list);
  RUN(appends_nothing_of_a_list_with_an_error);
  RUN(bounds_text_and_list);
  RUN(reads_groups_as_their_members);
  RUN(knows_two_forms_of_a_domain);
  RUN(bounds_the_form_on_the_wire);
  RUN(reads_what_others_wrote);
  RUN(reads_the_strict_as_ever);
  RUN(makes_no_address_of_a_comment);
  RUN(reads_a_lenient_list);
  RUN(takes_linear_time);
  RUN(survives_every_failing_allocation);
  return ctest_end();
}
