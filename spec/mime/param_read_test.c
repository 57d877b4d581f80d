#include "mime/param_read.h"

#include "base/alloc.h"
#include "smtp/vectors.h"
#include "support/json.h"
#include "support/misses.h"

#define BAD "\xef\xbf\xbd"

/* "type/subtype name=[value] ..." */
static void show(struct nm_buf *b, const struct nm_typed *p) {
  nm_buf_reset(b);
  nm_buf_add_str(b, p->type);
  nm_buf_add_byte(b, '/');
  nm_buf_add_str(b, p->subtype);
  for (size_t i = 0; i < p->n; i++) {
    nm_buf_add_byte(b, ' ');
    nm_buf_add_str(b, p->items[i].name);
    nm_buf_add_c(b, "=[");
    nm_buf_add_str(b, p->items[i].value);
    nm_buf_add_byte(b, ']');
  }
}

static void reads_values(void) {
  static const struct {
    const char *in;
    const char *out;
  } rows[] = {
      {"", "/"},
      {" text/plain", "text/plain"},
      {"TEXT/Plain; CharSet=UTF-8", "TEXT/Plain CharSet=[UTF-8]"},
      {"attachment; filename=a.txt", "attachment/ filename=[a.txt]"},
      {"text/plain; charset=us-ascii (Plain text)", "text/plain charset=[us-ascii]"}, /* RFC 2045 5.1 */
      {"text/plain; charset=\"us-ascii\"", "text/plain charset=[us-ascii]"},
      {"(a) text (b) / (c) plain (d) ; (e) x (f) = (g) y (h)", "text/plain x=[y]"},
      {"a/b;\r\n\tname=\"x\r\n y\\\"z\\\\\"", "a/b name=[x y\"z\\]"},
      {"a/b; name=\"\"", "a/b name=[]"},
      /* RFC 2231 3, 4, 4.1 */
      {"message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n "
       "URL*1=\"cs.utk.edu/pub/bulk-mailer.tar\"",
       "message/external-body access-type=[URL] URL=[ftp://cs.utk.edu/pub/bulk-mailer.tar]"},
      {"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
       "application/x-stuff title=[This is ***fun***]"},
      {"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; "
       "title*1*=%2A%2A%2Afun%2A%2A%2A%20;"
       " title*2=\"isn't it!\"",
       "application/x-stuff title=[This is even more ***fun*** isn't it!]"},
      {"a/b; x*2=c; x*0=a; x*1=b", "a/b x=[abc]"},
      {"a/b; x*1*=%D0; y=1; x*2*=%B0b; x*0*=utf-8''%D0%9F", "a/b x=[Паb] y=[1]"},
      {"a/b; x*0*=koi8-r''%F0; x*1=b; x*2*=%F0", "a/b x=[ПbП]"},
      {"a/b; x*=koi8-r''%F0", "a/b x=[П]"},
      {"a/b; x*='%C3%A9", "a/b x=['é]"}, /* no charset */
      {"a/b; x*=%C3%A9", "a/b x=[é]"},
      {"a/b; x*=''%C3%A9", "a/b x=[é]"},
      {"a/b; x*=no-such''%C3%A9", "a/b x=[é]"},
      {"a/b; x*=\"utf-8''%C3%A9\"", "a/b x=[é]"},
      {"a/b; x*=utf-8''%C3%A", "a/b x=[" BAD "%A]"},
      {"a/b; x*=utf-8''%0D%0A%00", "a/b x=[" BAD BAD BAD "]"},
      {"a/b; x*0=\"=?utf-8?Q?=C3\"; x*1=\"=A9?=\"", "a/b x=[é]"},
      {"a/b; x*1=b", "a/b x=[b]"},
      {"a/b; x*1=b; x=a", "a/b x=[a]"},
      {"a/b; x*0=a; x*5=b", "a/b x=[ab]"},
      {"a/b; x**=c; x*y=d; x*0**=e; *0=f; x*99999=g; y=1", "a/b x=[c] y=[1]"},
      /* one name more than once */
      {"a/b; x=1; X=2", "a/b x=[1]"},
      {"a/b; x=1; x*=utf-8''2", "a/b x=[2]"},
      {"a/b; x=1; x*0=2; x*1=3", "a/b x=[23]"},
      {"a/b; x*0=2; x*=utf-8''4; x*=utf-8''5", "a/b x=[4]"},
      {"a/b; x*0=1; x*0=2", "a/b x=[1]"},
      /* encoded words, raw characters */
      {"a/b; name=\"=?utf-8?B?0J8=?=.txt\"", "a/b name=[П.txt]"},
      {"a/b; name=\"=?utf-8?B?0J8=?=\r\n =?utf-8?B?0J8=?=\"", "a/b name=[ПП]"},
      {"a/b; name==?utf-8?B?0J8=?=.txt; y=1", "a/b name=[П.txt] y=[1]"},
      {"a/b; name==?utf-8?Q?a?= =?utf-8?Q?b?=", "a/b name=[ab]"},
      {"a/b; name=П.txt", "a/b name=[П.txt]"},
      {"a/b; name=\"a\xff\"", "a/b name=[a" BAD "]"},
      {"a/b; name=\"a\rb\"", "a/b name=[ab]"},
      /* no quotes, no ";", no end, too much of it */
      {"a/b; name=my file.txt; y=1", "a/b name=[my file.txt] y=[1]"},
      {"a/b; name=my file (1).txt", "a/b name=[my file (1).txt]"},
      {"a/b; name=x=y", "a/b name=[x=y]"},
      {"a/b; name=a@b:c/d", "a/b name=[a@b:c/d]"},
      {"a/b\r\n name=x\r\n y=\"1\"\r\n z=2", "a/b name=[x] y=[1] z=[2]"},
      {"a/b; name=\"open", "a/b name=[open]"},
      {"a/b; name=\"open\\", "a/b name=[open\\]"},
      {"a/b; name=\"a\"b c; y=1", "a/b name=[a] y=[1]"},
      {"a/b;;; ; = ;; y=1;", "a/b y=[1]"},
      {"a/b; name=; y=1", "a/b y=[1]"},
      {"a/b; name; y=1", "a/b y=[1]"},
      {"a/b; \"x\"; y=1", "a/b y=[1]"},
      {"a/b; y = 1 ", "a/b y=[1]"},
      {"a/b (open; y=1", "a/b y=[1]"},
      {"a/b; y=1 (open", "a/b y=[1 (open]"},
      {"a", "a/"},
      {"a/", "a/"},
      {"/b; y=1", "/b y=[1]"},
      {"a/b/c", "a/b/c"},
  };
  struct nm_buf b = {.max = 10000};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_typed p;
    CHECK_ROW(nm_typed_read(&p, nm_str_c(rows[i].in)) == 0, rows[i].in);
    show(&b, &p);
    CHECK_ROW(strcmp(b.p, rows[i].out) == 0, b.p);
    CHECK_ROW((strstr(rows[i].out, BAD) != NULL) == (p.lost > 0), rows[i].in);
    nm_typed_free(&p);
    nm_typed_free(&p);
  }
  nm_buf_free(&b);
}

static void finds_by_name(void) {
  struct nm_typed p;
  CHECK(nm_typed_read(&p, NM_STR("a/b; Name=x; y=\"\"")) == 0 && p.n == 2);
  CHECK(nm_str_eq(nm_typed_get(&p, NM_STR("NAME")), NM_STR("x")));
  CHECK(nm_typed_get(&p, NM_STR("y")).p != NULL && nm_typed_get(&p, NM_STR("y")).n == 0);
  CHECK(nm_typed_get(&p, NM_STR("z")).p == NULL);
  nm_typed_free(&p);
}

static void keeps_to_its_limits(void) {
  static const char *const units[] = {"; a=b", "; a*0=b", ";",       "(",  "=",
                                      "\"",    " (a",     "; a=b (", "x ", "; a=b c "};
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    struct nm_buf in = {.max = 1 << 20};
    nm_buf_add_c(&in, "a/b");
    while (in.n + strlen(units[i]) <= NM_TYPED_TEXT_MAX) {
      nm_buf_add_c(&in, units[i]);
    }
    struct nm_typed p;
    int err = nm_typed_read(&p, nm_buf_str(&in));
    CHECK_ROW(err == (i < 2 || i == 7 || i == 9 ? NM_ELIMIT : 0), units[i]);
    nm_typed_free(&p);
    while (in.n <= NM_TYPED_TEXT_MAX) {
      nm_buf_add_byte(&in, ' ');
    }
    CHECK(nm_typed_read(&p, nm_buf_str(&in)) == NM_ELIMIT && p.items == NULL);
    nm_buf_free(&in);
  }
}

static int is_same_word(const struct json *v, struct nm_str s) {
  return v->kind == 'n' ? s.n == 0 : nm_str_ieq(nm_str(v->s, v->n), s);
}

static int same(const struct nm_typed *p, const struct json *want) {
  struct json *type = json_get(want, "c_type"), *subtype = json_get(want, "c_subtype");
  if (want->kind == 'n') {
    return p->type.n == 0; /* no type at all */
  }
  size_t n = 0;
  int ok = is_same_word(type, p->type) && is_same_word(subtype, p->subtype);
  struct json *attributes = json_get(want, "attributes");
  for (struct json *a = attributes != NULL ? attributes->child : NULL; a != NULL; a = a->next) {
    const char *suffix = strstr(a->child->s, "-language"); /* RFC 2231's language: nobody asks for it here */
    if (suffix == NULL || suffix[9] != '\0') {
      struct nm_str got = nm_typed_get(p, nm_str(a->child->s, a->child->n));
      ok = ok && got.p != NULL && json_is(a->child->next, got.p, got.n);
      n++;
    }
  }
  return ok && n == p->n;
}

static void agrees_with_mail_parser(void) {
  static const struct miss misses[] = {
      {32, "a charset in each section, which RFC 2231 has in the first one only"},
      {35, "white space between encoded words means nothing, here as elsewhere"},
      {60, "NUL is U+FFFD"},
      {62, "asterisks where they have no meaning: such a parameter is left out"},
      {0, NULL},
  };
  char *text = vectors_load("stalwart/content_type.json");
  if (text == NULL) {
    SKIP("NETMAIL_VECTORS is not set, or has no stalwart/content_type.json");
  }
  struct tally t = {.name = "mail-parser, Content-Type", .misses = misses};
  struct nm_buf b = {.max = 10000};
  struct json *all = json_parse(text);
  for (struct json *row = all->child; row != NULL; row = row->next) {
    struct json *header = json_get(row, "header");
    struct nm_typed p;
    CHECK(nm_typed_read(&p, nm_str(header->s, header->n)) == 0);
    show(&b, &p);
    tally_add(&t, same(&p, json_get(row, "expected")), b.p);
    nm_typed_free(&p);
  }
  tally_end(&t, 103);
  nm_buf_free(&b);
  json_free(all);
  free(text);
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_typed p;
    nm_test_alloc_fail_at(n);
    int err = nm_typed_read(&p, NM_STR("a/b; x*0*=koi8-r''%F0; x*1=b; y=\"=?koi8-r?Q?=F0?=\"; z*=%D0%9F"));
    nm_test_alloc_fail_at(0);
    CHECK(err != 0 || (p.n == 3 && nm_str_eq(p.items[0].value, NM_STR("Пb")) &&
                       nm_str_eq(p.items[1].value, NM_STR("П")) && nm_str_eq(p.items[2].value, NM_STR("П"))));
    nm_typed_free(&p);
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
  RUN(reads_values);
  RUN(finds_by_name);
  RUN(keeps_to_its_limits);
  RUN(agrees_with_mail_parser);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  return ctest_end();
}
