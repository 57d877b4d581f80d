#include "mime/part.h"

#include "base/alloc.h"
#include "support/ctest.h"
#include "support/letter.h"

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

int main(void) {
  RUN(names_are_last_components);
  RUN(a_long_name_is_refused);
  RUN(types_are_checked);
  RUN(content_ids_are_message_ids);
  RUN(every_setter_survives_short_memory);
  return ctest_end();
}
