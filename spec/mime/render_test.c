/* How parts are written: their encodings, what their headers keep, and messages within messages. */

#include "base/alloc.h"
#include "mime/eai.h"
#include "mime/parts.h"

#define BOTH (NM_ALLOW_8BIT | NM_ALLOW_BINARY)
#define HIGH "caf\xc3\xa9\r\n"
#define EML "From: a@b\r\n\r\n"

/* A part among the attachments of an otherwise empty message. */
struct row {
  int is_text;
  const char *type;
  struct nm_str bytes;
  const char *wish;
  unsigned allowed;
  const char *cte;   /* NULL: refused */
  const char *outer; /* of the multipart around it, where it is not 7bit; of a refusal: words */
};

static const struct row rows[] = {
    {1, "text/plain", NM_STR(HIGH), "", BOTH, "quoted-printable", NULL}, /* allowed is not wished */
    {1, "text/plain", NM_STR(HIGH), "8bit", 0, "quoted-printable", NULL},
    {1, "text/plain", NM_STR(HIGH), "8bit", NM_ALLOW_8BIT, "8bit", "8bit"},
    {1, "text/plain", NM_STR(HIGH), "8bit", NM_ALLOW_BINARY, "quoted-printable", NULL},
    {1, "text/plain", NM_STR(HIGH), "binary", NM_ALLOW_8BIT, "quoted-printable", NULL},
    {1, "text/plain", NM_STR(HIGH), "binary", BOTH, "binary", "binary"},
    {1, "text/plain", NM_STR("plain\n"), "8bit", BOTH, "8bit", "8bit"},
    {1, "text/plain", NM_STR(HIGH), "base64", BOTH, "base64", NULL},
    {1, "text/plain", NM_STR("plain"), "quoted-printable", 0, "quoted-printable", NULL},
    {1, "text/plain", NM_STR("plain"), "7bit", 0, "7bit", NULL},
    {1, "text/plain", NM_STR(HIGH), "7bit", BOTH, NULL, "7bit"},
    {0, "text/plain", NM_STR(HIGH), "7bit", BOTH, NULL, "7bit"},
    {0, "text/plain", NM_STR("a\nb"), "7bit", BOTH, NULL, "7bit"}, /* no octet of it may change */
    {0, "text/plain", NM_STR("a\nb"), "8bit", BOTH, "base64", NULL},
    {0, "text/plain", NM_STR("a\nb"), "binary", BOTH, "binary", "binary"},
    {0, "image/png", NM_STR("\0\xff\r\n\n"), "binary", BOTH, "binary", "binary"},
    {0, "image/png", NM_STR("\0\xff"), "8bit", BOTH, "base64", NULL},
    {0, "image/png", NM_STR("x"), "7bit", 0, "7bit", NULL},
    {0, "message/rfc822", NM_STR(EML "x\n"), "", 0, "7bit", NULL},
    {0, "message/rfc822", NM_STR(EML "From x\n"), "", BOTH, "7bit", NULL},
    {0, "message/rfc822", NM_STR(EML HIGH), "", 0, NULL, "cannot be sent as message/rfc822"},
    {0, "message/rfc822", NM_STR(EML HIGH), "", NM_ALLOW_8BIT, "8bit", "8bit"},
    {0, "message/rfc822", NM_STR(EML HIGH), "7bit", NM_ALLOW_8BIT, NULL, "cannot be sent"},
    {0, "message/rfc822", NM_STR(EML "caf\xc3\xa9 \r x"), "", BOTH, NULL, "bare CR"},
    {0, "message/rfc822", NM_STR(EML "a\0b"), "", BOTH, NULL, "NUL"},
    {0, "message/partial", NM_STR(EML HIGH), "", BOTH, NULL, "cannot be sent as message/partial"},
    {0, "message/partial", NM_STR(EML "x"), "8bit", BOTH, "7bit", NULL},
    {0, "message/global", NM_STR("From: \xc3\xa9@b\r\n\r\n"), "", 0, "base64", NULL},
    {0, "message/global", NM_STR("From: \xc3\xa9@b\r\n\r\n"), "8bit", NM_ALLOW_8BIT, "8bit", "8bit"},
};

/* The last field of that name, and whether it is that value. */
static int last_cte_is(const struct nm_buf *b, const char *cte) {
  char field[80];
  const char *found = NULL;
  for (const char *p = b->p; (p = memmem(p, b->n - (size_t)(p - b->p), "\nContent-Transfer-", 18)) != NULL;
       p++) {
    found = p;
  }
  snprintf(field, sizeof field, "\nContent-Transfer-Encoding: %s\r\n", cte);
  return found != NULL && strncmp(found, field, strlen(field)) == 0;
}

static void check_row(const struct row *r) {
  struct nm_message *m = letter_new();
  struct nm_part *p = r->is_text ? text(r->type, r->bytes.p) : octets(r->type, r->bytes);
  letter_must(nm_part_set_transfer_encoding(p, nm_str_c(r->wish), NULL));
  put(m->attachments, p);
  struct nm_buf got = {0};
  struct nm_error e = {0};
  int err = render_to(&got, m, r->allowed, &e);
  if (r->cte == NULL) {
    CHECK_ROW(err == NM_EINVAL && e.kind == NM_KIND_MESSAGE && strstr(e.text, r->outer) != NULL, e.text);
  } else {
    CHECK_ROW(err == 0, e.text);
    CHECK_ROW(last_cte_is(&got, r->cte), got.p);
    char outer[200];
    snprintf(outer, sizeof outer, "boundary=\"=_1_abababababababababababababababab\"\r\n%s%s%s\r\n--=_1_",
             r->outer != NULL ? "Content-Transfer-Encoding: " : "", r->outer != NULL ? r->outer : "",
             r->outer != NULL ? "\r\n" : "");
    CHECK_ROW(count_of(&got, outer) == 1, got.p);
  }
  nm_buf_free(&got);
  nm_message_unref(&m);
}

static void a_part_is_encoded_as_wished_and_allowed(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    check_row(&rows[i]);
  }
}

/* RFC 2045 6.4 */
static void a_composite_has_the_widest_of_its_children(void) {
  static const struct {
    const char *a, *b, *all;
  } wide[] = {{"", "", NULL},
              {"8bit", "", "8bit"},
              {"8bit", "binary", "binary"},
              {"binary", "8bit", "binary"},
              {"base64", "binary", "binary"}};
  for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
    struct nm_part *a = text("", HIGH), *b = text("", HIGH);
    letter_must(nm_part_set_transfer_encoding(a, nm_str_c(wide[i].a), NULL));
    letter_must(nm_part_set_transfer_encoding(b, nm_str_c(wide[i].b), NULL));
    struct nm_message *inner = letter_new(), *m = letter_new();
    inner->root = multi("multipart/mixed", multi("multipart/mixed", a, NULL, NULL), b, NULL);
    m->root = multi("multipart/digest", within(inner), NULL, NULL);
    struct nm_buf got = {0};
    letter_must(render_to(&got, m, BOTH, NULL));
    size_t outer = wide[i].all != NULL && strcmp(wide[i].all, "8bit") == 0;
    size_t n8 = count_of(&got, "Content-Transfer-Encoding: 8bit\r\n");
    size_t nb = count_of(&got, "Content-Transfer-Encoding: binary\r\n");
    if (wide[i].all == NULL) {
      CHECK(n8 == 0 && nb == 0);
    } else if (outer) { /* digest, message, mixed, mixed, part */
      CHECK_ROW(n8 == 5 && nb == 0, got.p);
    } else { /* digest, message, mixed; mixed and part by themselves */
      CHECK_ROW(nb == 3 + (size_t)(wide[i].a[0] == 'b' && wide[i].a[1] == 'i' ? 2 : 1), got.p);
    }
    nm_buf_free(&got);
    nm_message_unref(&m);
  }
}

static void check_whole(struct nm_message *m, const char *want) {
  struct nm_buf got = {0};
  struct nm_error e = {0};
  CHECK_ROW(render_to(&got, m, 0, &e) == 0, e.text);
  CHECK_ROW(got.p != NULL && strstr(got.p, want) != NULL, got.p != NULL ? got.p : want);
  nm_buf_free(&got);
  nm_message_unref(&m);
}

#define D "Date: Sun, 22 Nov 2026 02:52:45 +0300\r\n"
#define BD "=_1_abababababababababababababababab"

/* Its own date and id; without them the date of the sending, and no id, which is another message's. */
static void a_message_within_is_itself(void) {
  struct nm_message *inner = note("\xd0\x9f");
  letter_must(nm_message_set_body_encoding(inner, NM_STR("koi8-r"), NULL));
  letter_must(nm_message_set_body_transfer_encoding(inner, NM_STR("quoted-printable"), NULL));
  letter_must(nm_message_set_message_id(inner, NM_STR("inner@a.test"), NULL));
  letter_must(nm_addr_parse_list(NM_STR("secret@s.test"), inner->bcc, NULL));
  inner->has_date = 1;
  inner->date = 0;
  struct nm_message *m = note("t");
  put(m->attachments, within(inner));
  put(m->attachments, within(letter_new()));
  check_whole(
      m,
      "\r\nMessage-ID: <1@a.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"" BD
      "\"\r\n\r\n--" BD "\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 7bit\r\n\r\nt\r\n--" BD "\r\n"
      "Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n"
      "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nFrom: a@a.test\r\nTo: b@b.test\r\n"
      "Message-ID: <inner@a.test>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
      "=F0\r\n--" BD "\r\n"
      "Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" D
      "From: a@a.test\r\nTo: b@b.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 7bit\r\n\r\n\r\n--" BD "--\r\n");
}

static void a_message_within_needs_what_any_needs(void) {
  struct nm_message *inner = note("t"), *m = note("t");
  nm_addr_unref(&inner->from);
  put(m->attachments, within(inner));
  struct nm_buf got = {0};
  struct nm_error e = {0};
  CHECK(render_to(&got, m, 0, &e) == NM_EINVAL && strstr(e.text, "no From") != NULL);
  nm_list_clear(m->attachments);
  inner = note("\xe2\x82\xac");
  letter_must(nm_message_set_body_encoding(inner, NM_STR("koi8-r"), NULL));
  put(m->attachments, within(inner));
  CHECK(render_to(&got, m, 0, &e) == NM_EINVAL && strstr(e.text, "U+20AC") != NULL);
  nm_message_unref(&m);
}

/* RFC 6532 3.7 */
static void a_message_with_a_utf8_header_is_global(void) {
  struct nm_message *bcc = note("t"), *to = note("t"), *m = note("t");
  letter_must(nm_addr_parse_list(NM_STR("\xc3\xa9@x.test"), bcc->bcc, NULL));
  letter_must(nm_addr_parse_list(NM_STR("\xc3\xa9@x.test"), to->to, NULL));
  struct nm_part *plain = within(bcc), *global = within(to);
  CHECK(!plain->is_utf8 &&
        nm_str_eq(nm_part_type(plain), NM_STR("message/rfc822"))); /* Bcc is in no header */
  CHECK(global->is_utf8 && nm_str_eq(nm_part_type(global), NM_STR("message/global")));
  put(m->attachments, plain);
  CHECK(nm_message_check_header(m, NULL) == 0);
  struct nm_error e = {0};
  struct nm_list *lists[] = {m->attachments, m->views, m->linked};
  for (size_t i = 0; i < 3; i++) { /* however deep */
    put(lists[i], multi("multipart/mixed", nm_part_ref(global), NULL, NULL));
    CHECK(nm_message_check_header(m, &e) == NM_EINVAL && strstr(e.text, "SMTPUTF8") != NULL);
    nm_list_clear(lists[i]);
  }
  m->root = global;
  CHECK(nm_message_check_header(m, &e) == NM_EINVAL && strstr(e.text, "RootPart") != NULL);
  nm_message_unref(&m);
}

static void a_root_leaf_arrives_as_it_is(void) {
  static const struct {
    struct nm_str bytes;
    const char *wish, *written;
  } roots[] = {
      {NM_STR("a\r\nb"), "",
       "base64\r\n\r\nYQ0KYg==\r\n"}, /* the end of the message would end its last line */
      {NM_STR("a\r\nb\r\n"), "", "7bit\r\n\r\na\r\nb\r\n"},
      {NM_STR("a\nb\n"), "", "base64\r\n\r\nYQpiCg==\r\n"},
      {NM_STR("x"), "quoted-printable", "base64\r\n\r\neA==\r\n"},
      {NM_STR(""), "", "7bit\r\n\r\n"},
  };
  for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
    struct nm_message *m = letter_new();
    m->root = octets("text/plain", roots[i].bytes);
    letter_must(nm_part_set_transfer_encoding(m->root, nm_str_c(roots[i].wish), NULL));
    struct nm_buf got = {0};
    letter_must(render_to(&got, m, 0, NULL));
    size_t n = strlen(roots[i].written);
    CHECK_ROW(got.n > n && memcmp(got.p + got.n - n, roots[i].written, n) == 0, got.p);
    nm_buf_free(&got);
    nm_message_unref(&m);
  }
}

/* A type that may not be encoded, at the end of a message: it then ends as the message does. */
static void a_root_of_a_message_ends_its_last_line(void) {
#define EQUALS "=================================================="
  static const struct {
    const char *in, *end;
  } ends[] = {
      {EML "x", "\r\n\r\nx\r\n"},
      {EML "x\n", "\r\n\r\nx\r\n"},
      {EML "From x", "\r\n\r\nFrom x\r\n"},
      {EML "From x\r\n", "\r\n\r\nFrom x\r\n"},
      {EML "From " EQUALS, "\r\n\r\nFrom " EQUALS "\r\n"}}; /* base64 would be the best, but may not be */
#undef EQUALS
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    struct nm_message *m = letter_new();
    m->root = octets("message/rfc822", nm_str_c(ends[i].in));
    struct nm_buf got = {0};
    letter_must(render_to(&got, m, 0, NULL));
    size_t n = strlen(ends[i].end);
    CHECK_ROW(got.n > n && memcmp(got.p + got.n - n, ends[i].end, n) == 0, got.p);
    nm_buf_free(&got);
    nm_message_unref(&m);
  }
}

/* RFC 2046 5.2.3: two headers; what is said of the content stands in the second. */
static void an_external_body_has_two_headers(void) {
  struct nm_message *m = letter_new();
  struct nm_part *p = shown(external("https://x.test/a b"), "id@x");
  letter_must(nm_part_set_type(p, NM_STR("application/xml"), NULL));
  letter_must(nm_part_set_param(p, NM_STR("charset"), NM_STR("koi8-r"), NULL));
  letter_must(nm_part_set_name(p, NM_STR("a.xml"), NULL));
  letter_must(nm_part_set_description(p, NM_STR("what it is"), NULL));
  letter_must(nm_part_set_location(p, NM_STR("/a"), NULL));
  letter_must(nm_part_set_language(p, NM_STR("en"), NULL));
  put(m->attachments, p);
  put(m->attachments, external("u"));
  check_whole(m, "--" BD "\r\nContent-Type: message/external-body; access-type=URL;\r\n"
                 " URL=\"https://x.test/a b\"\r\nContent-Description: what it is\r\n\r\n"
                 "Content-Type: application/xml; charset=koi8-r; name=a.xml\r\nContent-ID: <id@x>\r\n"
                 "Content-Transfer-Encoding: binary\r\nContent-Location: /a\r\nContent-Language: en\r\n"
                 "Content-Disposition: inline; filename=a.xml\r\n\r\n\r\n--" BD "\r\n"
                 "Content-Type: message/external-body; access-type=URL; URL=u\r\n\r\n"
                 "Content-Type: application/octet-stream\r\n"
                 "Content-ID: <=_2_abababababababababababababababab@external.invalid>\r\n"
                 "Content-Transfer-Encoding: binary\r\nContent-Disposition: attachment\r\n\r\n\r\n--" BD
                 "--\r\n");
}

static void every_parameter_is_written_once(void) {
  struct nm_message *m = letter_new();
  struct nm_part *xml = octets("application/xml", NM_STR("x")), *t = text("text/plain", "t");
  struct nm_part *related = multi("multipart/mixed", t, xml, NULL);
  letter_must(nm_part_set_param(xml, NM_STR("charset"), NM_STR("koi8-r"), NULL));
  letter_must(nm_part_set_param(t, NM_STR("charset"), NM_STR("koi8-r"), NULL));
  letter_must(nm_part_set_param(t, NM_STR("format"), NM_STR("flowed"), NULL));
  letter_must(nm_part_set_param(related, NM_STR("type"), NM_STR("x/y"), NULL));
  letter_must(nm_part_set_param(related, NM_STR("start"), NM_STR("<a@b>"), NULL));
  letter_must(nm_part_set_type(related, NM_STR("multipart/related"), NULL));
  m->root = related;
  struct nm_buf got = {0};
  letter_must(render_to(&got, m, 0, NULL));
  CHECK_ROW(
      count_of(&got,
               "Content-Type: multipart/related; type=\"text/plain\"; start=\"<a@b>\";\r\n boundary=") == 1,
      got.p);
  CHECK_ROW(count_of(&got, "Content-Type: text/plain; charset=koi8-r; format=flowed\r\n") == 1, got.p);
  CHECK_ROW(count_of(&got, "Content-Type: application/xml; charset=koi8-r\r\n") == 1, got.p);
  nm_buf_free(&got);
  nm_message_unref(&m);
}

static int sweep_once(const struct nm_message *m) {
  struct nm_buf got = {0};
  struct nm_error e = {0};
  struct nm_stamp stamp = letter_stamp();
  struct nm_source *s = NULL;
  stamp.allowed = BOTH;
  int err = nm_message_render(m, &stamp, &s, &e);
  CHECK(err == 0 || e.code == NM_ENOMEM);
  nm_source_free(&s);
  nm_buf_free(&got);
  return err;
}

static void short_memory_leaves_nothing(void) {
  struct nm_message *m = note("\xd0\x9f"), *inner = note("t");
  letter_must(nm_message_set_body_encoding(m, NM_STR("koi8-r"), NULL));
  letter_must(nm_message_set_calendar(m, NM_STR(ICS), NULL));
  put(inner->attachments, octets("message/rfc822", NM_STR(EML HIGH)));
  struct nm_part *p = external("https://x.test/");
  letter_must(nm_part_set_description(p, NM_STR("\xd0\x9f"), NULL));
  put(m->attachments, multi("multipart/parallel", p, within(inner), text("", HIGH)));
  long before = nm_test_alloc_live(), n = 0;
  int err = NM_ENOMEM;
  while (err == NM_ENOMEM && n < 10000) {
    nm_test_alloc_fail_at(++n);
    err = sweep_once(m);
    nm_test_alloc_fail_at(0);
    CHECK(nm_test_alloc_live() == before);
  }
  CHECK(err == 0 && n > 10);
  nm_message_unref(&m);
}

int main(void) {
  RUN(a_part_is_encoded_as_wished_and_allowed);
  RUN(a_composite_has_the_widest_of_its_children);
  RUN(a_message_within_is_itself);
  RUN(a_message_within_needs_what_any_needs);
  RUN(a_message_with_a_utf8_header_is_global);
  RUN(a_root_leaf_arrives_as_it_is);
  RUN(a_root_of_a_message_ends_its_last_line);
  RUN(an_external_body_has_two_headers);
  RUN(every_parameter_is_written_once);
  RUN(short_memory_leaves_nothing);
  return ctest_end();
}
