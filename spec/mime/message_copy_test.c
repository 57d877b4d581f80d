#include "base/alloc.h"
#include "mime/parts.h"
#include "mime/template.h"

/* A copy is the same message. Every member of struct nm_message is in this list, in its order; the compiler
   refuses a list that has one too few. How the copy must have it:
     SAME: the same bytes (for a pointer: shared)   LIST: another list of the same items
     TEXT: another buffer of the same text          OWN: its own */
#define MEMBERS(X)                                                                                           \
  X(OWN, unsigned, refs)                                                                                     \
  X(SAME, struct nm_addr *, from)                                                                            \
  X(SAME, struct nm_addr *, sender)                                                                          \
  X(LIST, struct nm_list *, reply_to)                                                                        \
  X(LIST, struct nm_list *, to)                                                                              \
  X(LIST, struct nm_list *, cc)                                                                              \
  X(LIST, struct nm_list *, bcc)                                                                             \
  X(LIST, struct nm_list *, notify)                                                                          \
  X(LIST, struct nm_list *, fields)                                                                          \
  X(LIST, struct nm_list *, resent)                                                                          \
  X(LIST, struct nm_list *, attachments)                                                                     \
  X(LIST, struct nm_list *, views)                                                                           \
  X(LIST, struct nm_list *, linked)                                                                          \
  X(TEXT, struct nm_buf, subject)                                                                            \
  X(TEXT, struct nm_buf, subject_encoding)                                                                   \
  X(TEXT, struct nm_buf, body_encoding)                                                                      \
  X(SAME, struct nm_content *, text)                                                                         \
  X(SAME, struct nm_content *, html)                                                                         \
  X(SAME, struct nm_part *, text_part)                                                                       \
  X(SAME, struct nm_part *, html_part)                                                                       \
  X(SAME, int, text_from_html)                                                                               \
  X(SAME, int, is_body_html)                                                                                 \
  X(SAME, struct nm_cte_wish, body_wish)                                                                     \
  X(SAME, struct nm_content *, calendar)                                                                     \
  X(TEXT, struct nm_buf, calendar_method)                                                                    \
  X(SAME, struct nm_part *, root)                                                                            \
  X(SAME, struct nm_content *, raw)                                                                          \
  X(TEXT, struct nm_buf, raw_id)                                                                             \
  X(SAME, struct nm_encoding, raw_how)                                                                       \
  X(SAME, struct nm_template *, template)                                                                    \
  X(SAME, enum nm_priority, priority)                                                                        \
  X(TEXT, struct nm_buf, message_id)                                                                         \
  X(SAME, int, has_date)                                                                                     \
  X(SAME, int64_t, date)                                                                                     \
  X(SAME, int, date_offset)

#pragma GCC diagnostic error "-Wmissing-field-initializers"
static void the_list_above_has_every_member(void) {
#define VALUE(how, type, name)                                                                               \
  ((union {                                                                                                  \
    type v;                                                                                                  \
    char c;                                                                                                  \
  }){.c = 0})                                                                                                \
      .v,
  struct nm_message every = {MEMBERS(VALUE)};
#undef VALUE
  CHECK(every.refs == 0);
}

enum how { OWN, SAME, LIST, TEXT };

static struct nm_content *content(const char *text) {
  return bytes_of(nm_str_c(text));
}

static void add(struct nm_list *list, const char *addrs) {
  letter_must(nm_addr_parse_list(nm_str_c(addrs), list, NULL));
}

static void resend(struct nm_message *m) {
  struct nm_resent *r = NULL;
  letter_must(nm_resent_new(&r));
  letter_must(nm_addr_parse(NM_STR("x@x.test"), &r->from, NULL));
  add(r->to, "y@y.test");
  letter_must(nm_message_resend(m, r, NULL));
  nm_resent_unref(&r);
}

static struct nm_template *template_of_nothing(void) {
  struct nm_message *m = letter_new();
  struct nm_stamp stamp = letter_stamp();
  struct nm_template *t = NULL;
  letter_must(nm_template_make(m, &stamp, &t, NULL));
  nm_message_unref(&m);
  return t;
}

/* Every member is something else than in a new message; not to be rendered, as raw and root exclude others. */
static struct nm_message *full(void) {
  struct nm_message *m = letter_new();
  letter_must(nm_addr_make(NM_STR("s@s.test"), NM_STR(""), &m->sender, NULL));
  add(m->reply_to, "r@r.test, r2@r.test");
  add(m->cc, "c@c.test");
  add(m->bcc, "h@h.test");
  add(m->notify, "n@n.test");
  letter_must(nm_fields_add(m->fields, NM_STR("X-A"), NM_STR("1"), NULL));
  letter_must(nm_fields_add(m->fields, NM_STR("X-A"), NM_STR("2"), NULL));
  resend(m);
  put(m->attachments, octets("image/png", NM_STR("x")));
  put(m->views, text("text/enriched", "v"));
  put(m->linked, shown(octets("image/png", NM_STR("x")), "l"));
  letter_must(nm_message_set_subject(m, NM_STR("subject"), NULL));
  letter_must(nm_message_set_subject_encoding(m, NM_STR("koi8-r"), NULL));
  letter_must(nm_message_set_body_encoding(m, NM_STR("koi8-u"), NULL));
  letter_must(nm_message_set_text(m, NM_STR("text"), NULL));
  letter_must(nm_message_set_html(m, NM_STR("html"), NULL));
  m->text_from_html = 1;
  m->is_body_html = 1;
  letter_must(nm_message_set_body_transfer_encoding(m, NM_STR("base64"), NULL));
  letter_must(nm_message_set_calendar(m, NM_STR(ICS), NULL));
  m->text_part = text("", "text");
  m->html_part = text("text/html", "html");
  m->root = text("", "root");
  m->raw = content("From: a@a.test\r\n\r\n");
  m->raw_how = (struct nm_encoding){.text = 1, .size = 18, .line_end = 1, .as_is = 1};
  m->template = template_of_nothing();
  m->priority = NM_PRIORITY_HIGH;
  letter_must(nm_buf_replace(&m->message_id, "", NM_STR("<1@a.test>"), NULL));
  letter_must(nm_buf_replace(&m->raw_id, "", NM_STR("<2@a.test>"), NULL));
  m->has_date = 1;
  m->date = LETTER_DATE;
  m->date_offset = 180;
  return m;
}

static int same_list(const struct nm_list *a, const struct nm_list *b) {
  return a != b && a->n > 0 && a->n == b->n && a->type == b->type && a->max == b->max &&
         memcmp(a->items, b->items, a->n * sizeof *a->items) == 0;
}

static int same_text(const struct nm_buf *a, const struct nm_buf *b) {
  return a->n > 0 && a->p != b->p && a->max == b->max && nm_str_eq(nm_buf_str(a), nm_buf_str(b));
}

/* A member that is all zero would prove nothing. */
static int is_set(const void *p, size_t n) {
  size_t i = 0;
  while (i < n && ((const char *)p)[i] == 0) {
    i++;
  }
  return i < n;
}

static int is_copied(enum how how, const void *from, const void *to, size_t n) {
  switch (how) {
    case LIST:
      return same_list(*(struct nm_list *const *)from, *(struct nm_list *const *)to);
    case TEXT:
      return same_text(from, to);
    case SAME:
      return is_set(from, n) && memcmp(from, to, n) == 0;
    default:
      return *(const unsigned *)to == 1;
  }
}

static void every_member_is_copied(void) {
  struct nm_message *m = full(), *copy = NULL;
  CHECK(nm_message_copy(m, &copy) == 0);
#define COPIED(how, type, name)                                                                              \
  CHECK_ROW(is_copied(how, &m->name, &copy->name, sizeof m->name) && sizeof(type) == sizeof m->name, #name);
  MEMBERS(COPIED)
#undef COPIED
  nm_message_unref(&m);
  CHECK(copy->root->refs == 1 && nm_str_eq(nm_content_bytes(copy->text), NM_STR("text")));
  nm_message_unref(&copy);
}

static void changes_of_one_are_not_the_others(void) {
  struct nm_message *m = full(), *copy = NULL, *again = NULL;
  CHECK(nm_message_copy(m, &copy) == 0 && nm_message_copy(copy, &again) == 0);
  nm_list_clear(copy->attachments);
  nm_list_clear(copy->fields);
  letter_must(nm_fields_set(again->fields, NM_STR("X-A"), NM_STR("new"), NULL));
  letter_must(nm_message_set_subject(copy, NM_STR("new"), NULL));
  letter_must(nm_message_set_text(copy, NM_STR("new"), NULL));
  letter_must(nm_message_set_calendar(copy, nm_str(NULL, 0), NULL));
  nm_part_unref(&copy->root);
  CHECK(m->attachments->n == 1 && m->fields->n == 2 && m->root != NULL && m->calendar != NULL);
  CHECK(again->fields->n == 1 && nm_str_eq(nm_fields_get(m->fields, NM_STR("X-A")), NM_STR("1")));
  CHECK(nm_str_eq(nm_buf_str(&m->subject), NM_STR("subject")));
  CHECK(nm_str_eq(nm_content_bytes(m->text), NM_STR("text")));
  nm_message_unref(&m);
  nm_message_unref(&copy);
  nm_message_unref(&again);
}

static void a_copy_renders_the_same(void) {
  struct nm_message *m = full(), *copy = NULL;
  nm_content_unref(&m->raw);
  nm_template_unref(&m->template);
  nm_part_unref(&m->root);
  CHECK(nm_message_copy(m, &copy) == 0);
  struct nm_buf one = {0}, other = {0};
  CHECK(render_to(&one, m, 0, NULL) == 0);
  nm_message_unref(&m);
  CHECK(render_to(&other, copy, 0, NULL) == 0);
  CHECK(one.n > 1000 && nm_str_eq(nm_buf_str(&one), nm_buf_str(&other)));
  nm_buf_free(&one);
  nm_buf_free(&other);
  nm_message_unref(&copy);
}

static void short_memory_leaves_nothing(void) {
  struct nm_message *m = full();
  long before = nm_test_alloc_live(), n = 0;
  int err = NM_ENOMEM;
  while (err == NM_ENOMEM && n < 1000) {
    struct nm_message *copy = NULL;
    nm_test_alloc_fail_at(++n);
    err = nm_message_copy(m, &copy);
    nm_test_alloc_fail_at(0);
    CHECK((err == 0) == (copy != NULL));
    nm_message_unref(&copy);
    CHECK(nm_test_alloc_live() == before);
  }
  CHECK(err == 0 && n > 20);
  nm_message_unref(&m);
}

int main(void) {
  RUN(the_list_above_has_every_member);
  RUN(every_member_is_copied);
  RUN(changes_of_one_are_not_the_others);
  RUN(a_copy_renders_the_same);
  RUN(short_memory_leaves_nothing);
  return ctest_end();
}
