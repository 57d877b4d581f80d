/* A message whose body is a template's is, octet by octet, the one that is made anew. */

#include "mime/template.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/feed.h"
#include "mime/eai.h"
#include "mime/parts.h"

#define BOTH (NM_ALLOW_8BIT | NM_ALLOW_BINARY)
#define HIGH "caf\xc3\xa9\r\n"
#define PATH "build/template_test.bin"

static struct nm_template *template_of(const struct nm_message *m) {
  struct nm_stamp stamp = letter_stamp();
  struct nm_template *t = NULL;
  struct nm_error e = {0};
  int err = nm_template_make(m, &stamp, &t, &e);
  CHECK_ROW(err == 0 && t != NULL, e.text);
  letter_must(err);
  return t;
}

static struct nm_message *mail_of(struct nm_template *t) {
  struct nm_message *m = NULL;
  letter_must(nm_template_mail(t, &m));
  return m;
}

static void put_file(const char *bytes, size_t n) {
  int fd = open(PATH, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  letter_must(fd < 0 || write(fd, bytes, n) != (ssize_t)n);
  close(fd);
}

/* A time of change that is not the last one's. */
static void age_file(int by) {
  struct stat st;
  letter_must(stat(PATH, &st));
  struct timespec times[] = {st.st_atim, st.st_mtim};
  times[1].tv_sec += by;
  letter_must(utimensat(AT_FDCWD, PATH, times, 0));
}

static void set_text(struct nm_message *m, size_t n) {
  char *p = malloc(n);
  letter_must(p == NULL);
  for (size_t i = 0; i < n; i++) {
    p[i] = i % 70 == 69 ? '\n' : i % 7 == 6 ? '=' : (char)('a' + i % 26);
  }
  letter_must(nm_message_set_text(m, nm_str(p, n), NULL));
  free(p);
}

static void forced(struct nm_message *m, const char *cte) {
  letter_must(nm_message_set_body_transfer_encoding(m, nm_str_c(cte), NULL));
}

static void html(struct nm_message *m) {
  letter_must(nm_message_set_html(m, NM_STR("<p>\xd0\x9f<img src=cid:i@x>"), NULL));
  put(m->attachments, shown(octets("image/png", NM_STR("\x89PNG\0")), "i@x"));
}

/* ---- bodies of every kind ---- */

static void nothing(struct nm_message *m) {
  (void)m;
}

static void short_text(struct nm_message *m) {
  letter_must(nm_message_set_text(m, NM_STR("one\n.two\nFrom x"), NULL));
}

static void text_of_16_kb(struct nm_message *m) {
  set_text(m, 16385);
  forced(m, "quoted-printable");
}

static void text_of_2_mb(struct nm_message *m) {
  set_text(m, (size_t)2 << 20);
}

static void text_and_page(struct nm_message *m) {
  letter_must(nm_message_set_text(m, NM_STR(HIGH), NULL));
  html(m);
}

static void text_from_html(struct nm_message *m) {
  html(m);
  m->text_from_html = 1;
}

static void koi8(struct nm_message *m) {
  letter_must(nm_message_set_body_encoding(m, NM_STR("koi8-r"), NULL));
  letter_must(nm_message_set_text(m, NM_STR("\xd0\x9f\xd1\x80"), NULL));
}

static void wishes_8bit(struct nm_message *m) {
  letter_must(nm_message_set_text(m, NM_STR(HIGH), NULL));
  forced(m, "8bit");
}

static void wishes_binary(struct nm_message *m) {
  struct nm_part *p = octets("image/png", NM_STR("\0\xff\r\n\n"));
  letter_must(nm_part_set_transfer_encoding(p, NM_STR("binary"), NULL));
  put(m->attachments, p);
  wishes_8bit(m);
}

static void file(struct nm_message *m) {
  short_text(m);
  letter_attach_file(m, PATH);
}

static void text_file(struct nm_message *m) {
  letter_must(nm_part_set_type(letter_attach_file(m, PATH), NM_STR("text/plain"), NULL));
}

static void large_octets(struct nm_message *m) {
  char octets_of[40000];
  memset(octets_of, 0xe9, sizeof octets_of);
  letter_attach(m, "large.bin", nm_str(octets_of, sizeof octets_of));
}

static void calendar(struct nm_message *m) {
  short_text(m);
  letter_must(nm_message_set_calendar(m, NM_STR(ICS), NULL));
}

static void message_within(struct nm_message *m) {
  struct nm_message *inner = note("within");
  wishes_8bit(inner);
  put(m->attachments, within(inner));
}

static void nested(struct nm_message *m) {
  m->root =
      multi("multipart/mixed", text("text/plain", HIGH),
            multi("multipart/parallel", external("https://x.test/"), octets("", NM_STR("x")), NULL), NULL);
}

static void only_7bit(struct nm_message *m) {
  struct nm_part *p = octets("message/partial", NM_STR("From: a@b\r\n\r\nx\n"));
  letter_must(nm_part_set_transfer_encoding(p, NM_STR("7bit"), NULL));
  put(m->attachments, p);
  wishes_8bit(m);
}

static const struct {
  const char *name;
  void (*build)(struct nm_message *m);
} bodies[] = {
    {"nothing", nothing},
    {"short_text", short_text},
    {"text_of_16_kb", text_of_16_kb},
    {"text_of_2_mb", text_of_2_mb},
    {"text_and_page", text_and_page},
    {"text_from_html", text_from_html},
    {"koi8", koi8},
    {"wishes_8bit", wishes_8bit},
    {"wishes_binary", wishes_binary},
    {"file", file},
    {"text_file", text_file},
    {"large_octets", large_octets},
    {"calendar", calendar},
    {"message_within", message_within},
    {"nested", nested},
    {"only_7bit", only_7bit},
};

/* ---- fields of every kind, given to both ---- */

static void no_fields(struct nm_message *m) {
  (void)m;
}

static void own_addresses(struct nm_message *m) {
  nm_list_clear(m->to);
  letter_must(nm_addr_parse_list(NM_STR("\"\xd0\x9c\" <m@m.test>, n@n.test"), m->to, NULL));
  letter_must(nm_addr_parse_list(NM_STR("c@c.test"), m->cc, NULL));
  letter_must(nm_addr_parse_list(NM_STR("secret@s.test"), m->bcc, NULL));
}

static void own_originators(struct nm_message *m) {
  nm_addr_unref(&m->from);
  letter_must(nm_addr_make(NM_STR("f@f.test"), NM_STR("\xd0\xa4"), &m->from, NULL));
}

static void own_sender(struct nm_message *m) {
  letter_must(nm_addr_make(NM_STR("s@f.test"), NM_STR(""), &m->sender, NULL));
}

static void own_reply_to(struct nm_message *m) {
  letter_must(nm_addr_parse_list(NM_STR("r@r.test"), m->reply_to, NULL));
}

static void own_subject(struct nm_message *m) {
  letter_must(nm_message_set_subject(m, NM_STR("mine"), NULL));
}

static void no_subject(struct nm_message *m) {
  letter_must(nm_message_set_subject(m, NM_STR(""), NULL));
}

static void own_fields(struct nm_message *m) {
  letter_must(nm_fields_set(m->fields, NM_STR("x-b"), NM_STR("mine"), NULL));
  letter_must(nm_fields_add(m->fields, NM_STR("X-D"), NM_STR("added"), NULL));
}

static void fewer_fields(struct nm_message *m) {
  nm_fields_remove(m->fields, NM_STR("X-A"));
}

static void the_rest(struct nm_message *m) {
  letter_must(nm_addr_parse_list(NM_STR("n@n.test"), m->notify, NULL));
  m->priority = NM_PRIORITY_HIGH;
}

static void resent(struct nm_message *m) {
  struct nm_resent *r = NULL;
  letter_must(nm_resent_new(&r));
  letter_must(nm_addr_make(NM_STR("x@x.test"), NM_STR(""), &r->from, NULL));
  letter_must(nm_addr_parse_list(NM_STR("y@y.test"), r->to, NULL));
  letter_must(nm_buf_replace(&r->message_id, "", NM_STR("<r@x.test>"), NULL));
  letter_must(nm_message_resend(m, r, NULL));
  nm_resent_unref(&r);
}

static void (*const changes[])(struct nm_message *m) = {
    no_fields,  own_addresses, own_originators, own_sender, own_reply_to, own_subject,
    no_subject, own_fields,    fewer_fields,    the_rest,   resent};

static struct nm_message *common(void (*build)(struct nm_message *m)) {
  struct nm_message *m = letter_new();
  letter_must(nm_message_set_subject(m, NM_STR("\xd0\xa2\xd0\xb5\xd0\xbc\xd0\xb0"), NULL));
  letter_must(nm_message_set_message_id(m, NM_STR("own@a.test"), NULL));
  letter_must(nm_fields_add(m->fields, NM_STR("X-A"), NM_STR("\xd0\xb0"), NULL));
  letter_must(nm_fields_add(m->fields, NM_STR("X-B"), NM_STR("b"), NULL));
  letter_must(nm_fields_add(m->fields, NM_STR("X-C"), NM_STR("c"), NULL));
  build(m);
  return m;
}

static void check_same(const char *row, const struct nm_message *want, const struct nm_message *got,
                       unsigned allowed) {
  struct nm_buf a = {0}, b = {0};
  struct nm_error ea = {0}, eb = {0};
  int err = render_to(&a, want, allowed, &ea);
  CHECK_ROW(render_to(&b, got, allowed, &eb) == err, eb.text);
  CHECK_ROW(strcmp(ea.text, eb.text) == 0, eb.text);
  CHECK_ROW(a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0), row);
  nm_buf_free(&a);
  nm_buf_free(&b);
}

static void the_octets_are_those_of_a_message_made_anew(void) {
  put_file("a file\r\nof text\r\n", 17);
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    struct nm_message *m = common(bodies[i].build);
    struct nm_template *t = template_of(m);
    CHECK(t->common->message_id.n == 0);
    for (size_t k = 0; k < sizeof changes / sizeof changes[0]; k++) {
      struct nm_message *whole = NULL, *mine = mail_of(t);
      letter_must(nm_message_copy(m, &whole));
      changes[k](whole);
      changes[k](mine);
      for (unsigned allowed = 0; allowed <= BOTH; allowed++) {
        check_same(bodies[i].name, whole, mine, allowed);
      }
      nm_message_unref(&whole);
      nm_message_unref(&mine);
    }
    nm_template_unref(&t);
    nm_message_unref(&m);
  }
}

/* Two of them at once, in pieces of every size, and after everything else is gone. */
static void a_body_is_read_by_many_at_once(void) {
  put_file("a file\r\nof text\r\n", 17);
  static const size_t caps[] = {1, 7, 100, 4096, 100000};
  for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
    struct nm_message *m = common(file);
    large_octets(m);
    struct nm_template *t = template_of(m);
    struct nm_stamp stamp = letter_stamp();
    struct nm_source *s[3] = {0};
    struct nm_buf want = {0}, got[2] = {{.max = 1 << 20}, {.max = 1 << 20}};
    letter_must(render_to(&want, m, 0, NULL));
    for (int k = 0; k < 3; k++) {
      struct nm_message *mine = mail_of(t);
      letter_must(nm_message_render(mine, &stamp, &s[k], NULL));
      CHECK(nm_source_size(s[k]) == (int64_t)want.n && nm_pieces_bytes(s[k]).p == NULL);
      CHECK(nm_pieces_waiting(s[k]) == NULL);
      nm_message_unref(&mine);
    }
    nm_template_unref(&t);
    nm_message_unref(&m);
    nm_source_free(&s[2]);
    char *piece = malloc(caps[i]);
    for (size_t n = 1; n > 0;) {
      for (int k = 0; k < 2; k++) {
        letter_must(nm_source_read(s[k], piece, caps[i], &n));
        nm_buf_add(&got[k], piece, n);
      }
    }
    free(piece);
    letter_must(nm_source_rewind(s[0]));
    nm_buf_reset(&got[0]);
    letter_must(source_read_all(s[0], caps[i], &got[0]));
    for (int k = 0; k < 2; k++) {
      CHECK(got[k].n == want.n && memcmp(got[k].p, want.p, want.n) == 0);
      nm_buf_free(&got[k]);
      nm_source_free(&s[k]);
    }
    nm_buf_free(&want);
  }
}

static void a_small_message_is_one_run_of_bytes(void) {
  struct nm_message *m = common(short_text), *mine = NULL;
  struct nm_template *t = template_of(m);
  struct nm_stamp stamp = letter_stamp();
  struct nm_source *s = NULL;
  mine = mail_of(t);
  letter_must(nm_message_render(mine, &stamp, &s, NULL));
  CHECK(nm_pieces_bytes(s).n == (size_t)nm_source_size(s) && nm_pieces_bytes(s).n > 0);
  nm_source_free(&s);
  nm_message_unref(&mine);
  nm_template_unref(&t);
  nm_message_unref(&m);
}

static void a_template_is_what_the_message_was(void) {
  struct nm_message *m = common(text_and_page), *mine = NULL;
  struct nm_buf want = {0}, got = {0};
  letter_must(render_to(&want, m, 0, NULL));
  struct nm_template *t = template_of(m);
  letter_must(nm_part_set_name(m->attachments->items[0], NM_STR("other.png"), NULL));
  large_octets(m);
  short_text(m);
  own_addresses(m);
  own_fields(m);
  own_subject(m);
  mine = mail_of(t);
  own_fields(mine); /* what one of them gets is no other's */
  nm_message_unref(&mine);
  mine = mail_of(t);
  letter_must(render_to(&got, mine, 0, NULL));
  CHECK(got.n == want.n && memcmp(got.p, want.p, want.n) == 0);
  nm_buf_free(&want);
  nm_buf_free(&got);
  nm_message_unref(&mine);
  nm_template_unref(&t);
  nm_message_unref(&m);
}

static void a_file_must_stay_what_it_was(void) {
  for (int how = 0; how < 4; how++) {
    put_file("text one\r\n", 10);
    struct nm_message *m = common(text_file), *mine = NULL;
    struct nm_template *t = template_of(m);
    struct nm_buf got = {.max = 100000};
    struct nm_stamp stamp = letter_stamp();
    struct nm_source *s = NULL;
    mine = mail_of(t);
    letter_must(nm_message_render(mine, &stamp, &s, NULL));
    if (how == 1) {
      put_file("text two\r\n", 10);
      age_file(5);
    } else if (how == 2) {
      put_file("longer\r\n more\r\n", 15);
    } else if (how == 3) {
      letter_must(unlink(PATH));
    }
    int err = source_read_all(s, 100, &got);
    CHECK(how == 0 ? err == 0 : err == NM_EIO && strstr(s->error.text, PATH) != NULL);
    CHECK_ROW(how != 1 || strstr(s->error.text, "make a new template") != NULL, s->error.text);
    CHECK(how == 0 || strstr(got.p, "two") == NULL);
    nm_source_free(&s);
    nm_buf_free(&got);
    nm_message_unref(&mine);
    nm_template_unref(&t);
    nm_message_unref(&m);
  }
}

static int refused(const struct nm_message *m, const char *words) {
  struct nm_stamp stamp = letter_stamp();
  struct nm_template *t = NULL;
  struct nm_error e = {0};
  int err = nm_template_make(m, &stamp, &t, &e);
  CHECK_ROW(err == NM_EINVAL && t == NULL && strstr(e.text, words) != NULL, e.text);
  return err;
}

static void what_cannot_be_shared_is_refused(void) {
  struct nm_message *m = common(short_text), *inner = note("x");
  struct nm_content *raw = bytes_of(NM_STR("From: a@b\r\n\r\nx\r\n"));
  resent(m);
  refused(m, "resend what it gives");
  nm_list_clear(m->resent);
  letter_must(nm_message_set_raw(m, raw, NULL));
  refused(m, "one header for all");
  letter_must(nm_message_set_raw(m, NULL, NULL));
  nm_content_unref(&raw);
  for (int can_restart = 0; can_restart < 2; can_restart++) {
    struct nm_feed *feed = NULL;
    struct nm_content *fed = NULL;
    letter_must(nm_feed_new(-1, can_restart, NULL, NULL, &feed, NULL));
    letter_must(nm_content_fed(&feed, &fed, NULL));
    letter_attach_content(inner, "fed.txt", fed);
  }
  put(m->attachments, within(inner));
  refused(m, "\"fed.txt\" comes from a function or an open file");
  nm_list_clear(m->attachments);
  letter_must(nm_message_set_subject_encoding(m, NM_STR("us-ascii"), NULL));
  refused(m, "Subject");
  nm_message_unref(&m);
}

/* RFC 2046 5.2.1: a message/rfc822 cannot be encoded. */
static void what_needs_8bit_is_said_where_it_cannot_go(void) {
  struct nm_message *m = common(nothing), *mine = NULL;
  put(m->attachments, octets("message/rfc822", NM_STR("From: a@b\r\n\r\n" HIGH)));
  struct nm_template *t = template_of(m);
  mine = mail_of(t);
  for (unsigned allowed = 0; allowed <= BOTH; allowed++) {
    check_same("8bit", m, mine, allowed);
  }
  struct nm_buf got = {0};
  CHECK(render_to(&got, mine, 0, NULL) == NM_EINVAL && got.n == 0);
  nm_message_unref(&mine);
  nm_template_unref(&t);
  nm_message_unref(&m);
}

static void what_needs_smtputf8_is_known(void) {
  struct nm_message *inner = note("x"), *m = common(short_text), *mine = NULL;
  nm_addr_unref(&inner->from);
  letter_must(nm_addr_make(NM_STR("\xd0\xb8@x.test"), NM_STR(""), &inner->from, NULL));
  put(m->attachments, within(inner));
  struct nm_template *t = template_of(m);
  struct nm_error a = {0}, b = {0};
  mine = mail_of(t);
  CHECK(nm_message_check_header(m, &a) == NM_EINVAL && nm_message_check_header(mine, &b) == NM_EINVAL);
  CHECK_ROW(strcmp(a.text, b.text) == 0, b.text);
  nm_message_unref(&mine);
  nm_template_unref(&t);
  nm_message_unref(&m);
}

static void who_has_no_from_gets_one(void) {
  struct nm_message *m = common(short_text), *mine = NULL;
  struct nm_buf got = {0};
  struct nm_error e = {0};
  nm_addr_unref(&m->from);
  struct nm_template *t = template_of(m);
  mine = mail_of(t);
  CHECK(render_to(&got, mine, 0, &e) == NM_EINVAL && strstr(e.text, "no From") != NULL);
  own_originators(mine);
  own_originators(m);
  check_same("From", m, mine, 0);
  nm_message_unref(&mine);
  nm_template_unref(&t);
  nm_message_unref(&m);
}

static void fields_take_the_place_of_those_of_their_name(void) {
  struct nm_list *list = nm_fields_new(), *from = nm_fields_new();
  static const char *const have[][2] = {{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}};
  static const char *const come[][2] = {{"D", "5"}, {"A", "6"}, {"c", "7"}, {"A", "8"}};
  static const char want[] = "A=6 B=2 c=7 D=5 A=8 ";
  struct nm_buf got = {.max = 1000};
  for (size_t i = 0; i < 4; i++) {
    letter_must(nm_fields_add(list, nm_str_c(have[i][0]), nm_str_c(have[i][1]), NULL));
    letter_must(nm_fields_add(from, nm_str_c(come[i][0]), nm_str_c(come[i][1]), NULL));
  }
  CHECK(nm_fields_merge(list, from, NULL) == 0);
  for (size_t i = 0; i < list->n; i++) {
    const struct nm_field *f = list->items[i];
    nm_buf_addf(&got, "%s=%.*s ", f->name.p, (int)f->value.n, f->value.p);
  }
  CHECK_ROW(strcmp(got.p, want) == 0, got.p);
  nm_buf_free(&got);
  nm_list_unref(&list);
  nm_list_unref(&from);
}

static int sweep_once(const struct nm_message *m) {
  struct nm_stamp stamp = letter_stamp();
  struct nm_template *t = NULL;
  struct nm_message *mine = NULL;
  struct nm_source *s = NULL;
  struct nm_buf got = {.max = 1 << 20};
  struct nm_error e = {0};
  stamp.allowed = BOTH;
  int err = nm_template_make(m, &stamp, &t, &e);
  CHECK(e.code == err);
  err = err == 0 ? nm_template_mail(t, &mine) : err;
  err = err == 0 ? nm_message_render(mine, &stamp, &s, &e) : err;
  err = err == 0 ? source_read_all(s, 1000, &got) : err;
  nm_source_free(&s);
  nm_message_unref(&mine);
  nm_template_unref(&t);
  nm_buf_free(&got);
  return err;
}

static void short_memory_leaves_nothing(void) {
  put_file("a file\r\nof text\r\n", 17);
  struct nm_message *m = common(wishes_binary);
  text_file(m);
  large_octets(m);
  message_within(m);
  put(m->attachments, octets("message/rfc822", NM_STR("From: a@b\r\n\r\n" HIGH)));
  long before = nm_test_alloc_live(), n = 0;
  int err = NM_ENOMEM;
  while (err == NM_ENOMEM && n < 10000) {
    nm_test_alloc_fail_at(++n);
    err = sweep_once(m);
    nm_test_alloc_fail_at(0);
    CHECK(nm_test_alloc_live() == before);
  }
  CHECK(err == 0 && n > 50);
  nm_message_unref(&m);
}

int main(void) {
  RUN(the_octets_are_those_of_a_message_made_anew);
  RUN(a_body_is_read_by_many_at_once);
  RUN(a_small_message_is_one_run_of_bytes);
  RUN(a_template_is_what_the_message_was);
  RUN(a_file_must_stay_what_it_was);
  RUN(what_cannot_be_shared_is_refused);
  RUN(what_needs_8bit_is_said_where_it_cannot_go);
  RUN(what_needs_smtputf8_is_known);
  RUN(who_has_no_from_gets_one);
  RUN(fields_take_the_place_of_those_of_their_name);
  RUN(short_memory_leaves_nothing);
  (void)unlink(PATH);
  return ctest_end();
}
