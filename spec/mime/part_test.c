#include "mime/part.h"

#include "base/alloc.h"
#include "mime/message.h"
#include "mime/parts.h"

/* One attachment of a message that is freed with it. */
static struct nm_message *message;
static struct nm_part *attachment(const char *name) {
  message = letter_new();
  return letter_attach(message, name, NM_STR("x"));
}

static int is(const struct nm_buf *b, const char *want) {
  return nm_str_eq(nm_buf_str(b), nm_str_c(want));
}

struct name {
  struct nm_str in;
  const char *out; /* NULL: refused, and the old one stays */
  const char *word;
};

static const struct name names[] = {
    {NM_STR("a.txt"), "a.txt", NULL},
    {NM_STR("dir/a.txt"), "a.txt", NULL},
    {NM_STR("/a/b\\c.txt"), "c.txt", NULL},
    {NM_STR("C:\\dir\\a.txt"), "a.txt", NULL},
    {NM_STR("../../etc/passwd"), "passwd", NULL},
    {NM_STR("a\"; filename=\"b.exe"), "a\"; filename=\"b.exe",
     NULL}, /* quoted or encoded when it is written */
    {NM_STR("\xe2\x80\xaetxt.exe"), "\xe2\x80\xaetxt.exe", NULL},
    {NM_STR("a\tb"), "a\tb", NULL},
    {NM_STR(""), "", NULL},
    {NM_STR("..."), "...", NULL},
    {NM_STR("a/"), NULL, "folder"},
    {NM_STR("/"), NULL, "folder"},
    {NM_STR("."), NULL, "folder"},
    {NM_STR("a/.."), NULL, "folder"},
    {NM_STR("a\r\nX-Y: z.txt"), NULL, "line break"},
    {NM_STR("a\n/b.txt"), NULL, "line break"}, /* in the path too */
    {NM_STR("a\rb"), NULL, "line break"},
    {NM_STR("a\0b"), NULL, "NUL"},
    {NM_STR("a\xff"), NULL, "UTF-8"},
};

static void names_are_last_components(void) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct nm_part *a = attachment("old.txt");
    struct nm_error e = {0};
    int err = nm_part_set_name(a, names[i].in, &e);
    CHECK_ROW((err == 0) == (names[i].out != NULL), names[i].in.p);
    CHECK_ROW(is(&a->name, names[i].out != NULL ? names[i].out : "old.txt"), names[i].in.p);
    if (names[i].out == NULL) {
      CHECK_ROW(err == NM_EINVAL && e.kind == NM_KIND_MESSAGE && strstr(e.text, names[i].word) != NULL,
                e.text);
    }
    nm_message_unref(&message);
  }
}

static void a_long_name_is_refused(void) {
  struct nm_part *a = attachment("old.txt");
  char name[NM_PART_NAME_MAX + 2];
  memset(name, 'x', sizeof name);
  struct nm_error e = {0};
  CHECK(nm_part_set_name(a, nm_str(name, NM_PART_NAME_MAX + 1), &e) == NM_ELIMIT);
  CHECK(strstr(e.text, "too long") != NULL && is(&a->name, "old.txt"));
  CHECK(nm_part_set_name(a, nm_str(name, NM_PART_NAME_MAX), &e) == 0);
  nm_message_unref(&message);
}

static void types_are_checked(void) {
  static const char *const bad[] = {
      "text",           "text/",       "/plain",      "text/plain; boundary=x", "te xt/plain",
      "text/pl\r\nX:y", "text//plain", "text/pl\xe9", "multipart/mixed",        "MULTIPART/x",
      "text/plain\n",   " text/plain"};
  struct nm_part *a = attachment("a.PNG");
  CHECK(nm_str_eq(nm_part_type(a), NM_STR("image/png")));
  CHECK(nm_part_set_type(a, NM_STR("Text/X-Thing"), NULL) == 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct nm_error e = {0};
    CHECK_ROW(nm_part_set_type(a, nm_str_c(bad[i]), &e) == NM_EINVAL, bad[i]);
    CHECK_ROW(e.text[0] != '\0' && e.kind == NM_KIND_MESSAGE, bad[i]);
    CHECK_ROW(nm_str_eq(nm_part_type(a), NM_STR("Text/X-Thing")), bad[i]);
  }
  CHECK(nm_part_set_type(a, NM_STR("text\0/plain"), NULL) == NM_EINVAL);
  CHECK(nm_part_set_type(a, NM_STR("message/rfc822"), NULL) == 0);
  CHECK(nm_part_set_type(a, NM_STR(""), NULL) == 0); /* by name again */
  CHECK(nm_str_eq(nm_part_type(a), NM_STR("image/png")));
  nm_message_unref(&message);
}

static void content_ids_are_message_ids(void) {
  static const char *const good[] = {
      "chart", "a.b", "a@b", "<a@b.test>", "image001.png@01D9.AB", "a@[x:y]", "%$&'*+/=?^_`{|}~-@a"};
  static const char *const bad[] = {"a b",   "a@",        "@b",         "a@b@c",    "a..b",
                                    ".a",    "a.",        "<a",         "a>",       "<>",
                                    "<<a>>", "a\r\nX: y", "a>\r\nX: y", "\xc3\xa9", "a@b> <c@d",
                                    "a@[",   "a@[a]b]",   "a@[\x01]",   "\"a b\"@c"};
  struct nm_part *a = attachment("p.png");
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    CHECK_ROW(nm_part_set_content_id(a, nm_str_c(good[i]), NULL) == 0 &&
                  a->disposition == NM_DISPOSITION_INLINE,
              good[i]);
    size_t skip = good[i][0] == '<';
    CHECK_ROW(nm_str_eq(nm_buf_str(&a->content_id), nm_str(good[i] + skip, strlen(good[i]) - 2 * skip)),
              good[i]);
  }
  CHECK(nm_part_set_content_id(a, NM_STR("old"), NULL) == 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct nm_error e = {0};
    CHECK_ROW(nm_part_set_content_id(a, nm_str_c(bad[i]), &e) == NM_EINVAL, bad[i]);
    CHECK_ROW(e.text[0] != '\0' && is(&a->content_id, "old") && a->disposition == NM_DISPOSITION_INLINE,
              bad[i]);
  }
  CHECK(nm_part_set_content_id(a, NM_STR("a\0b"), NULL) == NM_EINVAL);
  CHECK(nm_part_set_content_id(a, NM_STR(""), NULL) == 0);
  CHECK(a->content_id.n == 0 && a->disposition != NM_DISPOSITION_INLINE);
  nm_message_unref(&message);
}

static void every_setter_survives_short_memory(void) {
  struct nm_part *a = attachment("old.png");
  CHECK(nm_part_set_content_id(a, NM_STR("old"), NULL) == 0);
  CHECK(nm_part_set_type(a, NM_STR("old/old"), NULL) == 0);
  long before = nm_test_alloc_live();
  nm_test_alloc_fail_at(1);
  CHECK(nm_part_set_name(a, NM_STR("new"), NULL) == NM_ENOMEM);
  nm_test_alloc_fail_at(1);
  CHECK(nm_part_set_type(a, NM_STR("new/new"), NULL) == NM_ENOMEM);
  nm_test_alloc_fail_at(1);
  CHECK(nm_part_set_content_id(a, NM_STR("new"), NULL) == NM_ENOMEM);
  for (long n = 1; n <= 2; n++) {
    struct nm_part *other = NULL;
    nm_test_alloc_fail_at(n);
    CHECK(nm_part_new(a->content, NM_STR("x"), &other, NULL) == NM_ENOMEM && other == NULL);
  }
  nm_test_alloc_fail_at(1);
  CHECK(nm_part_list_new() == NULL);
  nm_test_alloc_fail_at(0);
  CHECK(nm_test_alloc_live() == before);
  CHECK(is(&a->name, "old.png") && is(&a->type, "old/old") && is(&a->content_id, "old") &&
        a->disposition == NM_DISPOSITION_INLINE);
  nm_message_unref(&message);
}

struct value {
  struct nm_str in;
  const char *out; /* what is kept; NULL: refused, and the old one stays */
};

typedef int set_fn(struct nm_part *p, struct nm_str value, struct nm_error *e);

/* Of a part of each kind: these belong to any. */
static void check_values(set_fn *set, struct nm_buf *(*field)(struct nm_part *), const char *old,
                         const struct value *values, size_t n) {
  struct nm_part *all[] = {octets("image/png", NM_STR("x")), text("", "t"),
                           multi("multipart/mixed", text("", "t"), NULL, NULL), within(note("t")),
                           external("u")};
  for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
    for (size_t i = 0; i < n; i++) {
      struct nm_error e = {0};
      CHECK(set(all[k], nm_str_c(old), NULL) == 0);
      int err = set(all[k], values[i].in, &e);
      CHECK_ROW((err == 0) == (values[i].out != NULL), values[i].in.p);
      CHECK_ROW(is(field(all[k]), values[i].out != NULL ? values[i].out : old), values[i].in.p);
      CHECK_ROW(err == 0 || (e.kind == NM_KIND_MESSAGE && e.text[0] != '\0' && e.code == err),
                values[i].in.p);
    }
    nm_part_unref(&all[k]);
  }
}

static struct nm_buf *description(struct nm_part *p) {
  return &p->description;
}

static struct nm_buf *location(struct nm_part *p) {
  return &p->location;
}

static struct nm_buf *language(struct nm_part *p) {
  return &p->language;
}

static void fields_are_checked(void) {
  static const struct value descriptions[] = {{NM_STR("\xd0\x9f what"), "\xd0\x9f what"},
                                              {NM_STR(""), ""},
                                              {NM_STR("a\r\nX: y"), NULL},
                                              {NM_STR("a\rb"), NULL},
                                              {NM_STR("a\0b"), NULL},
                                              {NM_STR("\xff"), NULL}};
  static const struct value locations[] = {{NM_STR("https://x.test/a?b=%20#c"), "https://x.test/a?b=%20#c"},
                                           {NM_STR("../a.png"), "../a.png"},
                                           {NM_STR(""), ""},
                                           {NM_STR("a b"), NULL},
                                           {NM_STR("<a>"), NULL},
                                           {NM_STR("a\r\nX: y"), NULL},
                                           {NM_STR("a\0b"), NULL},
                                           {NM_STR("\xc3\xa9"), NULL},
                                           {NM_STR("a\x7f"), NULL}};
  static const struct value languages[] = {{NM_STR("ru"), "ru"},
                                           {NM_STR("ru,en-GB ,  zh-Hant-TW"), "ru, en-GB, zh-Hant-TW"},
                                           {NM_STR("i-klingon"), "i-klingon"},
                                           {NM_STR("de-1996"), "de-1996"},
                                           {NM_STR(""), ""},
                                           {NM_STR(" "), NULL},
                                           {NM_STR("ru,"), NULL},
                                           {NM_STR(",ru"), NULL},
                                           {NM_STR("ru,,en"), NULL},
                                           {NM_STR("ru_RU"), NULL},
                                           {NM_STR("ru-"), NULL},
                                           {NM_STR("-ru"), NULL},
                                           {NM_STR("1a"), NULL},
                                           {NM_STR("abcdefghi"), NULL},
                                           {NM_STR("ru en"), NULL},
                                           {NM_STR("ru\r\nX: y"), NULL},
                                           {NM_STR("ru\0"), NULL}};
#define VALUES(a) a, sizeof a / sizeof a[0]
  check_values(nm_part_set_description, description, "old", VALUES(descriptions));
  check_values(nm_part_set_location, location, "old", VALUES(locations));
  check_values(nm_part_set_language, language, "old", VALUES(languages));
#undef VALUES
}

/* What is longest is still below the 998 octets of a line, or is folded. */
static void fields_have_an_end(void) {
  static char many[65537 + 1];
  struct nm_part *p = text("", "t");
  struct nm_error e = {0};
  memset(many, 'x', sizeof many - 1);
  CHECK(nm_part_set_description(p, nm_str(many, 65536), &e) == 0);
  CHECK(nm_part_set_description(p, nm_str(many, 65537), &e) == NM_ELIMIT && p->description.n == 65536);
  CHECK(nm_part_set_location(p, nm_str(many, 900), &e) == 0);
  CHECK(nm_part_set_location(p, nm_str(many, 901), &e) == NM_ELIMIT && p->location.n == 900);
  CHECK(nm_part_set_content_id(p, nm_str(many, 512), &e) == 0);
  CHECK(nm_part_set_content_id(p, nm_str(many, 513), &e) == NM_ELIMIT && p->content_id.n == 512);
  for (size_t i = 0; i + 3 < sizeof many; i += 3) {
    memcpy(many + i, "en,", 3);
  }
  CHECK(nm_part_set_language(p, nm_str(many, 899), &e) == NM_ELIMIT &&
        p->language.n == 0); /* ", " between them */
  CHECK_ROW(strstr(e.text, "too long") != NULL && e.kind == NM_KIND_MESSAGE, e.text);
  CHECK(nm_part_set_language(p, nm_str(many, 674), &e) == 0 && p->language.n == 898);
  struct nm_message *m = letter_new();
  put(m->attachments, p);
  struct nm_buf got = {0};
  CHECK(render_to(&got, m, 0, NULL) == 0);
  for (size_t at = 0; at < got.n;) {
    const char *end = memchr(got.p + at, '\n', got.n - at);
    CHECK(end != NULL && (size_t)(end - got.p) - at <= 999);
    at = end != NULL ? (size_t)(end - got.p) + 1 : got.n;
  }
  nm_buf_free(&got);
  nm_message_unref(&m);
}

static void each_kind_has_its_types(void) {
  enum { OCTETS, TEXT, MULTI, MESSAGE, EXTERNAL, KINDS };
  static const struct {
    const char *type;
    int taken[KINDS];
  } types[] = {
      {"text/html", {1, 1, 0, 0, 1}},
      {"TEXT/X-A", {1, 1, 0, 0, 1}},
      {"image/png", {1, 0, 0, 0, 1}},
      {"multipart/mixed", {0, 0, 1, 0, 0}},
      {"MULTIPART/x-own", {0, 0, 1, 0, 0}},
      {"multipart/signed", {0, 0, 0, 0, 0}},
      {"Multipart/Encrypted", {0, 0, 0, 0, 0}},
      {"message/rfc822", {1, 0, 0, 0, 1}},
      {"multipart/", {0, 0, 0, 0, 0}},
      {"text", {0, 0, 0, 0, 0}},
      {"text/html\r\nX: y", {0, 0, 0, 0, 0}},
      {"", {1, 1, 0, 1, 1}},
      {"text/html; a=b", {1, 1, 0, 0, 1}},
      {"multipart/mixed; a=b", {0, 0, 1, 0, 0}},
      {"text/html; boundary=b", {0, 0, 0, 0, 0}},
      {"text/html; a=b; a b=c", {0, 0, 0, 0, 0}},
      {"text/html; a=b; charset", {0, 0, 0, 0, 0}},
      {"text/html; a=", {0, 0, 0, 0, 0}},
      {"text/html; =b", {0, 0, 0, 0, 0}},
      {"text/html; a=b c", {0, 0, 0, 0, 0}},
      {"text/html; a=b/c", {0, 0, 0, 0, 0}},
      {"text/html; a=\"b", {0, 0, 0, 0, 0}},
      {"text/html; a=\"b\\\"", {0, 0, 0, 0, 0}},
      {"text/html; a=\"b\"c", {0, 0, 0, 0, 0}},
      {"text/html;; a=b", {0, 0, 0, 0, 0}},
      {"text/html;a=\"b;\\\" c\" ; d=e;", {1, 1, 0, 0, 1}},
      {"text/html;", {1, 1, 0, 0, 1}},
      {"text/html; a*=utf-8''%C3%A9", {1, 1, 0, 0, 1}},
  };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    struct nm_part *all[KINDS] = {octets("", NM_STR("x")), text("", "t"),
                                  multi("multipart/mixed", text("", "t"), NULL, NULL), within(note("t")),
                                  external("u")};
    for (int k = 0; k < KINDS; k++) {
      struct nm_error e = {0};
      char before[100];
      snprintf(before, sizeof before, "%.*s", (int)nm_part_type(all[k]).n, nm_part_type(all[k]).p);
      int err = nm_part_set_type(all[k], nm_str_c(types[i].type), &e);
      CHECK_ROW((err == 0) == types[i].taken[k], types[i].type);
      CHECK_ROW(err == 0 || (e.kind == NM_KIND_MESSAGE && e.text[0] != '\0'), types[i].type);
      CHECK_ROW(err == 0 || (nm_str_eq(nm_part_type(all[k]), nm_str_c(before)) && all[k]->params.n == 0),
                types[i].type);
      nm_part_unref(&all[k]);
    }
  }
}

static void some_parameters_are_not_the_authors(void) {
  struct nm_part *t = text("", "t"), *o = octets("text/plain", NM_STR("x"));
  struct nm_part *r = multi("multipart/related", text("", "t"), NULL, NULL);
  static const char *const bad[] = {"boundary", "BOUNDARY", "name", "Name"};
  for (size_t i = 0; i < 4; i++) {
    struct nm_error e = {0};
    CHECK(nm_part_set_param(t, nm_str_c(bad[i]), NM_STR("x"), &e) == NM_EINVAL);
    CHECK_ROW(strstr(e.text, "made from other properties") != NULL, e.text);
  }
  CHECK(nm_part_set_param(r, NM_STR("Type"), NM_STR("x/y"), NULL) == NM_EINVAL);
  CHECK(nm_part_set_param(t, NM_STR("type"), NM_STR("x/y"), NULL) == 0);
  CHECK(nm_part_set_param(t, NM_STR("type"), NM_STR(""), NULL) == 0 && t->params.n == 0);
  CHECK(nm_part_set_param(t, NM_STR("charset"), NM_STR("no-such"), NULL) == NM_EINVAL);
  CHECK(nm_part_set_param(t, NM_STR("charset"), NM_STR("utf-16"), NULL) == NM_EINVAL);
  CHECK(nm_part_set_param(t, NM_STR("charset"), NM_STR("koi8-r"), NULL) == 0 && t->params.n == 1);
  CHECK(nm_part_set_param(o, NM_STR("charset"), NM_STR("no-such"), NULL) == 0); /* the author's word for it */
  nm_part_unref(&t);
  nm_part_unref(&o);
  nm_part_unref(&r);
}

static void wishes_are_for_leaves(void) {
  static const char *const encodings[] = {"7bit", "8BIT", "Binary", "quoted-printable", "base64", ""};
  static const char *const bad[] = {"uuencode", "7 bit", "base64 ", "base64\r\n", "x-token"};
  struct nm_part *leaves[] = {text("", "t"), octets("", NM_STR("x"))};
  struct nm_part *others[] = {multi("multipart/mixed", text("", "t"), NULL, NULL), within(note("t")),
                              external("u")};
  for (size_t k = 0; k < 2; k++) {
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++) {
      CHECK_ROW(nm_part_set_transfer_encoding(leaves[k], nm_str_c(encodings[i]), NULL) == 0, encodings[i]);
      CHECK_ROW(leaves[k]->wish.is_forced == (encodings[i][0] != '\0'), encodings[i]);
    }
    CHECK(nm_part_set_transfer_encoding(leaves[k], NM_STR("base64"), NULL) == 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
      struct nm_error e = {0};
      CHECK_ROW(nm_part_set_transfer_encoding(leaves[k], nm_str_c(bad[i]), &e) == NM_EINVAL, bad[i]);
      CHECK_ROW(strstr(e.text, "is not a transfer encoding") != NULL, e.text);
      CHECK(leaves[k]->wish.is_forced && leaves[k]->wish.forced == NM_CTE_BASE64);
    }
    nm_part_unref(&leaves[k]);
  }
  for (size_t k = 0; k < 3; k++) {
    struct nm_error e = {0};
    CHECK(nm_part_set_transfer_encoding(others[k], NM_STR("7bit"), &e) == NM_EINVAL);
    CHECK_ROW(strstr(e.text, "may not be encoded") != NULL && !others[k]->wish.is_forced, e.text);
    nm_part_unref(&others[k]);
  }
}

static void constructors_refuse(void) {
  struct nm_part *p = NULL;
  struct nm_error e = {0};
  struct nm_list *none = nm_part_list_new();
  struct nm_params access = {0};
  CHECK(nm_part_new_multipart(NM_STR("multipart/mixed"), none, &p, &e) == NM_EINVAL && p == NULL);
  put(none, text("", "t"));
  static const char *const bad[] = {"",          "mixed", "text/plain", "multipart/signed", "multipart/a b",
                                    "multipart/"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    CHECK_ROW(nm_part_new_multipart(nm_str_c(bad[i]), none, &p, &e) == NM_EINVAL && p == NULL, bad[i]);
  }
  struct nm_content *c = bytes_of(NM_STR("a\0b"));
  CHECK(nm_part_new_text(c, &p, &e) == NM_EINVAL && p == NULL && strstr(e.text, "NUL") != NULL);
  nm_content_unref(&c);
  c = bytes_of(NM_STR("a\xc3"));
  CHECK(nm_part_new_text(c, &p, &e) == NM_EINVAL && p == NULL && strstr(e.text, "UTF-8") != NULL);
  CHECK(nm_part_new(c, NM_STR("a/"), &p, &e) == NM_EINVAL && p == NULL);
  nm_content_unref(&c);
  static const char *const rows[][5] = {
      /* access-type, the parameters, the word of the refusal */
      {"", "", "", "is not an access type"},
      {"HTTP", "", "", "is not an access type"},
      {"x-", "", "", "is not an access type"},
      {"URL", "", "", "needs the parameter URL"},
      {"url", "URL", "", NULL},
      {"FTP", "NAME", "", "needs the parameter SITE"},
      {"FTP", "name", "site", NULL},
      {"ANON-FTP", "SITE", "", "needs the parameter NAME"},
      {"TFTP", "NAME", "SITE", NULL},
      {"LOCAL-FILE", "NAME", "", NULL},
      {"LOCAL-FILE", "", "", "NAME"},
      {"MAIL-SERVER", "SERVER", "", NULL},
      {"mail-server", "", "", "SERVER"},
      {"X-Own", "", "", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    letter_must(nm_params_set(&access, NM_STR("access-type"), nm_str_c(rows[i][0]), NULL));
    for (size_t k = 1; k <= 2; k++) {
      letter_must(rows[i][k][0] != '\0' ? nm_params_set(&access, nm_str_c(rows[i][k]), NM_STR("v"), NULL)
                                        : 0);
    }
    e = (struct nm_error){0};
    int err = nm_part_new_external(&access, &p, &e);
    CHECK_ROW((err == 0) == (rows[i][3] == NULL), rows[i][0]);
    CHECK_ROW(rows[i][3] == NULL || strstr(e.text, rows[i][3]) != NULL, e.text);
    nm_part_unref(&p);
    nm_params_free(&access);
  }
  nm_list_unref(&none);
}

/* All that a part allocates, with the n-th allocation failing: the old part is as it was, the new one is none. */
static int make_all(struct nm_content *c, const struct nm_message *m, const struct nm_list *children,
                    const struct nm_params *access) {
  struct nm_part *p[5] = {NULL};
  struct nm_error e = {0};
  int err = nm_part_new(c, NM_STR("a.txt"), &p[0], &e);
  err = err != 0 ? err : nm_part_new_text(c, &p[1], &e);
  err = err != 0 ? err : nm_part_new_multipart(NM_STR("multipart/mixed"), children, &p[2], &e);
  err = err != 0 ? err : nm_part_new_message(m, &p[3], &e);
  err = err != 0 ? err : nm_part_new_external(access, &p[4], &e);
  for (size_t i = 0; i < 5; i++) {
    CHECK(err == 0 || e.code == NM_ENOMEM);
    nm_part_unref(&p[i]);
  }
  return err;
}

static int set_all(struct nm_part *p) {
  struct nm_error e = {0};
  int err = nm_part_set_type(p, NM_STR("text/x-new; charset=koi8-r; new=1"), &e);
  err = err != 0 ? err : nm_part_set_description(p, NM_STR("new"), &e);
  err = err != 0 ? err : nm_part_set_location(p, NM_STR("new"), &e);
  err = err != 0 ? err : nm_part_set_language(p, NM_STR("en, fr"), &e);
  err = err != 0 ? err : nm_part_set_param(p, NM_STR("charset"), NM_STR("koi8-u"), &e);
  err = err != 0 ? err : nm_part_set_param(p, NM_STR("x"), NM_STR("y"), &e);
  CHECK(err == 0 || e.code == NM_ENOMEM);
  return err;
}

static void short_memory_changes_nothing(void) {
  struct nm_content *c = bytes_of(NM_STR("x"));
  struct nm_message *m = note("t");
  put(m->attachments, text("", "t"));
  struct nm_params access = {0};
  letter_must(nm_params_set(&access, NM_STR("access-type"), NM_STR("x-y"), NULL));
  int err = NM_ENOMEM;
  long n = 0, before = nm_test_alloc_live();
  while (err == NM_ENOMEM && n < 1000) {
    nm_test_alloc_fail_at(++n);
    err = make_all(c, m, m->attachments, &access);
    nm_test_alloc_fail_at(0);
    CHECK(nm_test_alloc_live() == before);
  }
  CHECK(err == 0 && n > 10);
  err = NM_ENOMEM;
  for (n = 1; err == NM_ENOMEM && n < 1000; n++) {
    struct nm_part *p = text("text/x-old", "t");
    letter_must(nm_part_set_param(p, NM_STR("old"), NM_STR("1"), NULL));
    nm_test_alloc_fail_at(n);
    err = set_all(p);
    nm_test_alloc_fail_at(0);
    if (is(&p->type, "text/x-old")) { /* the type and its parameters change together */
      CHECK(p->params.n == 1 && nm_str_eq(nm_params_get(&p->params, NM_STR("old")), NM_STR("1")));
    } else {
      CHECK(is(&p->type, "text/x-new") && nm_params_get(&p->params, NM_STR("new")).n == 1);
    }
    nm_part_unref(&p);
    CHECK(nm_test_alloc_live() == before);
  }
  CHECK(err == 0 && n > 10);
  nm_params_free(&access);
  nm_content_unref(&c);
  nm_message_unref(&m);
}

int main(void) {
  RUN(names_are_last_components);
  RUN(a_long_name_is_refused);
  RUN(types_are_checked);
  RUN(content_ids_are_message_ids);
  RUN(every_setter_survives_short_memory);
  RUN(fields_are_checked);
  RUN(fields_have_an_end);
  RUN(each_kind_has_its_types);
  RUN(some_parameters_are_not_the_authors);
  RUN(wishes_are_for_leaves);
  RUN(constructors_refuse);
  RUN(short_memory_changes_nothing);
  return ctest_end();
}
