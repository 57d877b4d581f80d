#include "mime/message.h"

#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/ctest.h"
#include "support/letter.h"

#define B1 "=_1_abababababababababababababababab"
#define B2 "=_2_abababababababababababababababab"
#define B3 "=_3_abababababababababababababababab"
#define DATE "Date: Sun, 22 Nov 2026 02:52:45 +0300\r\n"
#define HEAD DATE "From: a@a.test\r\nTo: b@b.test\r\n"
#define REST "Message-ID: <1@a.test>\r\nMIME-Version: 1.0\r\n"
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"
#define HTML "Content-Type: text/html; charset=utf-8\r\n"
#define BITS "Content-Transfer-Encoding: 7bit\r\n\r\n"
#define QUOTED "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
#define BASE64 "Content-Transfer-Encoding: base64\r\n"
#define CYRILLIC "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" /* Привет */

static void nothing(struct nm_message *m) {
  (void)m;
}

static void plain(struct nm_message *m) {
  letter_must(nm_message_set_subject(m, NM_STR("Hello"), NULL));
  letter_must(nm_message_set_text(m, NM_STR("One\nTwo\r\nThree\r"), NULL));
}

static void no_last_line_end(struct nm_message *m) {
  letter_must(nm_message_set_text(m, NM_STR("no end"), NULL));
}

static void quoted_without_line_end(struct nm_message *m) {
  letter_must(nm_message_set_text(m, NM_STR("From caf\xc3\xa9 to caf\xc3\xa9, a walk through Paris"), NULL));
}

static void empty_text(struct nm_message *m) {
  letter_must(nm_message_set_text(m, NM_STR(""), NULL));
}

static void envelope_fields(struct nm_message *m) {
  letter_must(nm_addr_make(NM_STR("robot@a.test"), NM_STR("Robot"), &m->sender, NULL));
  letter_must(nm_addr_parse_list(NM_STR("r@a.test"), m->reply_to, NULL));
  letter_must(nm_addr_parse_list(NM_STR("C <c@c.test>, \"D, E\" <d@d.test>"), m->cc, NULL));
  letter_must(nm_addr_parse_list(NM_STR("secret@s.test"), m->bcc, NULL));
  m->priority = NM_PRIORITY_HIGH;
}

static void bcc_only(struct nm_message *m) {
  nm_list_clear(m->to);
  letter_must(nm_addr_parse_list(NM_STR("secret@s.test"), m->bcc, NULL));
  letter_must(nm_addr_make(NM_STR("a@A.TEST"), NM_STR("The same"), &m->sender, NULL));
  m->priority = NM_PRIORITY_LOW;
}

static void own_fields(struct nm_message *m) {
  letter_must(nm_fields_add(m->fields, NM_STR("X-A"), NM_STR("1"), NULL));
  letter_must(nm_fields_add(m->fields, NM_STR("x-a"), NM_STR(CYRILLIC), NULL));
  letter_must(nm_fields_add(m->fields, NM_STR("In-Reply-To"), NM_STR("q@w"), NULL));
  letter_must(nm_addr_parse_list(NM_STR("r@a.test"), m->notify, NULL));
}

static void resend(struct nm_message *m, const char *from, const char *to) {
  struct nm_resent *r = NULL;
  letter_must(nm_resent_new(&r));
  letter_must(nm_addr_parse(nm_str_c(from), &r->from, NULL));
  letter_must(
      nm_addr_parse(nm_str_c(from), &r->sender, NULL)); /* not written: who resends is the author of it */
  letter_must(nm_addr_parse_list(nm_str_c(to), r->to, NULL));
  letter_must(nm_addr_parse_list(NM_STR("secret@s.test"), r->bcc, NULL));
  nm_buf_add_c(&r->message_id, "<2@a.test>");
  r->date = LETTER_DATE;
  letter_must(nm_message_resend(m, r, NULL));
  nm_resent_unref(&r);
}

static void resent_twice(struct nm_message *m) {
  resend(m, "x@x.test", "y@y.test");
  resend(m, "Z <z@z.test>", "w@w.test, v@v.test");
}

static void cyrillic(struct nm_message *m) {
  letter_must(nm_message_set_subject(m, NM_STR(CYRILLIC), NULL));
  letter_must(nm_message_set_text(m, NM_STR(CYRILLIC "\n" CYRILLIC), NULL));
}

static void koi8(struct nm_message *m) {
  nm_addr_unref(&m->from);
  letter_must(nm_addr_make(NM_STR("a@a.test"), NM_STR("\xc3\xa9"), &m->from, NULL)); /* é: not in KOI8-R */
  cyrillic(m);
  letter_must(nm_message_set_subject_encoding(m, NM_STR("koi8-r"), NULL));
  letter_must(nm_message_set_body_encoding(m, NM_STR("koi8-r"), NULL));
}

static void two_bodies(struct nm_message *m) {
  letter_must(nm_message_set_text(m, NM_STR("text"), NULL));
  letter_must(nm_message_set_html(m, NM_STR("<p>html\n"), NULL));
}

static void html_with_picture(struct nm_message *m) {
  nm_message_set_is_body_html(m, 1);
  letter_must(nm_message_hold_text(m, NM_MESSAGE_BODY, NM_STR("<img src=cid:p>"), NULL, NULL));
  letter_must(nm_part_set_content_id(letter_attach(m, "p.png", NM_STR("png")), NM_STR("p"), NULL));
}

static void everything(struct nm_message *m) {
  two_bodies(m);
  letter_attach(m, "dir/a.bin", NM_STR("\0\1\2"));
  letter_must(nm_part_set_content_id(letter_attach(m, "p.png", NM_STR("png")), NM_STR("<p@a.test>"), NULL));
  letter_attach(m, "", NM_STR(""));
}

static void text_files(struct nm_message *m) {
  letter_attach(m, "crlf.txt", NM_STR("a\r\nb\r\n"));
  letter_attach(m, "unix.txt", NM_STR("a\nb\n"));
  letter_attach(m, "utf8.csv", NM_STR("caf\xc3\xa9;a row of ASCII characters\r\n"));
  letter_attach(m, "latin.txt", NM_STR("caf\xe9, a row of ASCII characters"));
  letter_attach(m, "nul.txt", NM_STR("a\0b"));
}

static void messages(struct nm_message *m) {
  struct nm_str type = NM_STR("message/rfc822"), global = NM_STR("message/global");
  letter_must(nm_part_set_type(letter_attach(m, "a.eml", NM_STR("From: a@b\r\n\r\nx")), type, NULL));
  letter_must(nm_part_set_type(letter_attach(m, "b.eml", NM_STR("From: a@b\n\nFrom x\n")), type, NULL));
  letter_must(nm_part_set_type(letter_attach(m, "c.eml", NM_STR("X: \xc3\xa9\n")), global, NULL));
}

static void picture_without_html(struct nm_message *m) {
  no_last_line_end(m);
  letter_must(nm_part_set_content_id(letter_attach(m, "p.png", NM_STR("png")), NM_STR("p"), NULL));
}

struct golden {
  void (*build)(struct nm_message *m);
  const char *text;
};

static const struct golden goldens[] = {
    {nothing, HEAD REST PLAIN BITS},
    {plain, HEAD "Subject: Hello\r\n" REST PLAIN BITS "One\r\nTwo\r\nThree\r\n"},
    {no_last_line_end, HEAD REST PLAIN BITS "no end\r\n"},
    {quoted_without_line_end,
     HEAD REST PLAIN QUOTED "=46rom caf=C3=A9 to caf=C3=A9, a walk through Paris\r\n"},
    {empty_text, HEAD REST PLAIN BITS},
    {envelope_fields,
     DATE "From: a@a.test\r\nSender: Robot <robot@a.test>\r\nReply-To: r@a.test\r\nTo: b@b.test\r\n"
          "Cc: C <c@c.test>, \"D, E\" <d@d.test>\r\nMessage-ID: <1@a.test>\r\nX-Priority: 1 (Highest)\r\n"
          "Importance: high\r\nPriority: urgent\r\nMIME-Version: 1.0\r\n" PLAIN BITS},
    {bcc_only, DATE
     "From: a@a.test\r\nTo: undisclosed-recipients:;\r\nMessage-ID: <1@a.test>\r\n"
     "X-Priority: 5 (Lowest)\r\nImportance: low\r\nPriority: non-urgent\r\nMIME-Version: 1.0\r\n" PLAIN BITS},
    {own_fields,
     HEAD "Message-ID: <1@a.test>\r\nX-A: 1\r\nx-a: =?utf-8?B?0J/RgNC40LLQtdGC?=\r\nIn-Reply-To: <q@w>\r\n"
          "Disposition-Notification-To: r@a.test\r\nMIME-Version: 1.0\r\n" PLAIN BITS},
    {resent_twice,
     "Resent-Date: Sat, 21 Nov 2026 23:52:45 +0000\r\nResent-From: Z <z@z.test>\r\n"
     "Resent-To: w@w.test, v@v.test\r\nResent-Message-ID: <2@a.test>\r\n"
     "Resent-Date: Sat, 21 Nov 2026 23:52:45 +0000\r\nResent-From: x@x.test\r\nResent-To: y@y.test\r\n"
     "Resent-Message-ID: <2@a.test>\r\n" HEAD REST PLAIN BITS},
    {cyrillic, HEAD "Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=\r\n" REST PLAIN BASE64
                    "\r\n0J/RgNC40LLQtdGCDQrQn9GA0LjQstC10YI=\r\n"},
    {koi8, DATE "From: =?utf-8?B?w6k=?= <a@a.test>\r\nTo: b@b.test\r\nSubject: =?koi8-r?B?8NLJ18XU?=\r\n" REST
                "Content-Type: text/plain; charset=koi8-r\r\n" BASE64 "\r\n8NLJ18XUDQrw0snXxdQ=\r\n"},
    {two_bodies,
     HEAD REST "Content-Type: multipart/alternative;\r\n boundary=\"" B1 "\"\r\n\r\n--" B1 "\r\n" PLAIN BITS
               "text\r\n--" B1 "\r\n" HTML BITS "<p>html\r\n\r\n--" B1 "--\r\n"},
    {html_with_picture, HEAD REST
     "Content-Type: multipart/related; type=\"text/html\";\r\n boundary=\"" B1 "\"\r\n\r\n--" B1
     "\r\n" HTML BITS "<img src=cid:p>\r\n--" B1 "\r\nContent-Type: image/png; name=p.png\r\n" BASE64
     "Content-ID: <p>\r\nContent-Disposition: inline; filename=p.png\r\n\r\ncG5n\r\n--" B1 "--\r\n"},
    {everything, HEAD REST
     "Content-Type: multipart/mixed;\r\n boundary=\"" B1 "\"\r\n\r\n--" B1 "\r\n"
     "Content-Type: multipart/related; type=\"multipart/alternative\";\r\n boundary=\"" B2 "\"\r\n\r\n"
     "--" B2 "\r\nContent-Type: multipart/alternative;\r\n boundary=\"" B3 "\"\r\n\r\n"
     "--" B3 "\r\n" PLAIN BITS "text\r\n--" B3 "\r\n" HTML BITS "<p>html\r\n\r\n--" B3 "--\r\n"
     "--" B2 "\r\nContent-Type: image/png; name=p.png\r\n" BASE64
     "Content-ID: <p@a.test>\r\nContent-Disposition: inline; filename=p.png\r\n\r\ncG5n\r\n"
     "--" B2 "--\r\n--" B1 "\r\nContent-Type: application/octet-stream; name=a.bin\r\n" BASE64
     "Content-Disposition: attachment; filename=a.bin\r\n\r\nAAEC\r\n"
     "--" B1 "\r\nContent-Type: application/octet-stream\r\n" BASE64
     "Content-Disposition: attachment\r\n\r\n\r\n--" B1 "--\r\n"},
    {text_files, HEAD REST
     "Content-Type: multipart/mixed;\r\n boundary=\"" B1 "\"\r\n\r\n--" B1 "\r\n"
     "Content-Type: text/plain; charset=us-ascii; name=crlf.txt\r\nContent-Transfer-Encoding: 7bit\r\n"
     "Content-Disposition: attachment; filename=crlf.txt\r\n\r\na\r\nb\r\n\r\n--" B1 "\r\n"
     "Content-Type: text/plain; charset=us-ascii; name=unix.txt\r\n" BASE64
     "Content-Disposition: attachment; filename=unix.txt\r\n\r\nYQpiCg==\r\n--" B1 "\r\n"
     "Content-Type: text/csv; charset=utf-8; name=utf8.csv\r\nContent-Transfer-Encoding: quoted-printable\r\n"
     "Content-Disposition: attachment; filename=utf8.csv\r\n\r\ncaf=C3=A9;a row of ASCII "
     "characters\r\n\r\n--" B1 "\r\nContent-Type: text/plain; name=latin.txt\r\n" BASE64
     "Content-Disposition: attachment; "
     "filename=latin.txt\r\n\r\nY2Fm6SwgYSByb3cgb2YgQVNDSUkgY2hhcmFjdGVycw==\r\n--" B1
     "\r\nContent-Type: text/plain; name=nul.txt\r\n" BASE64
     "Content-Disposition: attachment; filename=nul.txt\r\n\r\nYQBi\r\n--" B1 "--\r\n"},
    {messages, HEAD REST
     "Content-Type: multipart/mixed;\r\n boundary=\"" B1 "\"\r\n\r\n--" B1 "\r\n"
     "Content-Type: message/rfc822; name=a.eml\r\nContent-Transfer-Encoding: 7bit\r\n"
     "Content-Disposition: attachment; filename=a.eml\r\n\r\nFrom: a@b\r\n\r\nx\r\n--" B1 "\r\n"
     "Content-Type: message/rfc822; name=b.eml\r\nContent-Transfer-Encoding: 7bit\r\n"
     "Content-Disposition: attachment; filename=b.eml\r\n\r\nFrom: a@b\r\n\r\nFrom x\r\n\r\n--" B1 "\r\n"
     "Content-Type: message/global; name=c.eml\r\n" BASE64
     "Content-Disposition: attachment; filename=c.eml\r\n\r\nWDogw6kK\r\n--" B1 "--\r\n"},
    {picture_without_html, HEAD REST
     "Content-Type: multipart/mixed;\r\n boundary=\"" B1 "\"\r\n\r\n--" B1 "\r\n" PLAIN BITS "no end\r\n--" B1
     "\r\nContent-Type: image/png; name=p.png\r\n" BASE64
     "Content-ID: <p>\r\nContent-Disposition: inline; filename=p.png\r\n\r\ncG5n\r\n--" B1 "--\r\n"},
};

static struct nm_source *render(const struct nm_message *m) {
  struct nm_stamp stamp = letter_stamp();
  struct nm_error e = {0};
  struct nm_source *s = NULL;
  CHECK_ROW(nm_message_render(m, &stamp, &s, &e) == 0, e.text);
  return s;
}

/* At each size of the reader's buffer, and again after a rewind in the middle, the same bytes; their number as promised. */
static void check_reads(struct nm_source *s, const char *want, size_t n) {
  static const size_t caps[] = {1, 2, 3, 7, 77, 4095, 65536};
  CHECK(nm_source_size(s) == (int64_t)n);
  for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
    struct nm_buf got = {.max = SIZE_MAX / 4};
    CHECK(source_read_all(s, caps[i], &got) == 0);
    CHECK_ROW(got.n == n && memcmp(got.p, want, n) == 0, want);
    char some[100];
    size_t k = 0;
    CHECK(nm_source_rewind(s) == 0 && nm_source_read(s, some, sizeof some, &k) == 0);
    CHECK(nm_source_rewind(s) == 0);
    nm_buf_free(&got);
  }
}

static void golden_messages(void) {
  for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
    struct nm_message *m = letter_new();
    goldens[i].build(m);
    struct nm_source *s = render(m);
    struct nm_buf got = {.max = 1 << 20};
    CHECK(source_read_all(s, 65536, &got) == 0);
    int same = nm_str_eq(nm_buf_str(&got), nm_str_c(goldens[i].text));
    CHECK_ROW(same, got.p);
    CHECK(nm_source_rewind(s) == 0);
    if (same) {
      check_reads(s, got.p, got.n);
    }
    nm_buf_free(&got);
    nm_source_free(&s);
    nm_message_unref(&m);
  }
}

static char *big(size_t n, uint32_t seed) {
  char *p = malloc(n);
  for (size_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    p[i] = (char)(seed >> 24);
  }
  return p;
}

/* Contents that are encoded while they are read: large ones, and bodies over what is encoded at once. */
static void large_contents(void) {
  enum { LEN = 300001 };
  struct nm_message *m = letter_new();
  struct nm_buf text = {.max = 1 << 20};
  while (text.n < 100000) {
    nm_buf_add_c(&text,
                 "caf\xc3\xa9 au lait, \xd0\x96 and a long line of many ASCII words. \n From here on.\n.\n");
  }
  letter_must(nm_message_set_text(m, nm_buf_str(&text), NULL));
  char *bytes = big(LEN, 3);
  letter_attach(m, "a.bin", nm_str(bytes, LEN));
  letter_attach(m, "b.bin", nm_str(bytes, 57 * 512));
  struct nm_source *s = render(m);
  struct nm_buf whole = {.max = 1 << 24};
  CHECK(source_read_all(s, 1 << 20, &whole) == 0);
  CHECK(nm_source_rewind(s) == 0);
  check_reads(s, whole.p, whole.n);
  CHECK(strstr(whole.p, "caf=C3=A9 au lait, =D0=96") != NULL);
  CHECK(strstr(whole.p, "words.=20\r\n From here on.\r\n=2E\r\n") != NULL);
  nm_buf_free(&whole);
  nm_buf_free(&text);
  free(bytes);
  nm_source_free(&s);
  nm_message_unref(&m);
}

static void a_send_is_a_snapshot(void) {
  struct nm_message *m = letter_new();
  everything(m);
  letter_must(nm_message_set_subject(m, NM_STR("before"), NULL));
  struct nm_source *s = render(m);
  struct nm_buf before = {.max = 1 << 20}, after = {.max = 1 << 20};
  CHECK(source_read_all(s, 100, &before) == 0);
  CHECK(nm_source_rewind(s) == 0);
  letter_must(nm_message_set_subject(m, NM_STR("after"), NULL));
  letter_must(nm_message_set_text(m, NM_STR("after"), NULL));
  nm_list_clear(m->attachments);
  nm_message_unref(&m);
  CHECK(source_read_all(s, 100, &after) == 0);
  CHECK(nm_str_eq(nm_buf_str(&before), nm_buf_str(&after)));
  CHECK(strstr(after.p, "Subject: before\r\n") != NULL);
  nm_buf_free(&before);
  nm_buf_free(&after);
  nm_source_free(&s);
}

/* A file of our own; the path is good until the next call. */
static const char *write_file(const char *bytes, size_t n) {
  static char path[] = "/tmp/netmail_message_test.XXXXXX";
  memcpy(path + sizeof path - 7, "XXXXXX", 6);
  int fd = mkstemp(path);
  if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0) {
    abort();
  }
  return path;
}

static void rewrite_file(const char *path, const char *bytes) {
  FILE *f = fopen(path, "wb");
  if (f == NULL || fwrite(bytes, 1, strlen(bytes), f) != strlen(bytes) || fclose(f) != 0) {
    abort();
  }
}

/* How many more descriptors the process may open. */
static void allow_descriptors(rlim_t more, struct rlimit *old) {
  int lowest = dup(0);
  close(lowest);
  if (getrlimit(RLIMIT_NOFILE, old) != 0) {
    abort();
  }
  struct rlimit now = {(rlim_t)lowest + more, old->rlim_max};
  setrlimit(RLIMIT_NOFILE, &now);
}

static void ten_thousand_files_take_one_descriptor(void) {
  enum { N = 10000 };
  const char *path = write_file("\1\2\3", 3);
  struct nm_message *m = letter_new();
  for (int i = 0; i < N; i++) {
    struct nm_part *a = letter_attach_file(m, path);
    letter_must(nm_part_set_name(a, NM_STR("a.bin"), NULL));
  }
  struct rlimit old;
  allow_descriptors(0, &old); /* rendering opens none: what goes in base64 is not read before it is sent */
  struct nm_source *s = render(m);
  setrlimit(RLIMIT_NOFILE, &old);
  allow_descriptors(1, &old);
  struct nm_buf got = {.max = 1 << 24};
  CHECK(source_read_all(s, 65536, &got) == 0);
  setrlimit(RLIMIT_NOFILE, &old);
  CHECK(nm_source_size(s) == (int64_t)got.n);
  size_t parts = 0;
  for (const char *p = got.p; (p = strstr(p, "\r\n\r\nAQID\r\n--=_")) != NULL; p++) {
    parts++;
  }
  CHECK(parts == N);
  nm_buf_free(&got);
  nm_source_free(&s);
  nm_message_unref(&m);
  unlink(path);
}

/* before: the file when the message is made; then it becomes after (NULL: it goes away) and is sent. */
struct change {
  const char *type;
  const char *before;
  const char *after;
};

static void a_file_that_changes_is_an_error(void) {
  static const struct change rows[] = {
      {"application/octet-stream", "12345", "123456"},
      {"application/octet-stream", "12345", "1"},
      {"application/octet-stream", "12345", NULL},
      {"text/plain", "seven bits\r\n", "seven bit\xe9\r\n"},
      {"text/plain", "seven bits\r\n", "seven\nbits\r\n"}, /* a bare LF would be one octet more */
      {"text/plain", "quoted \xc3\xa9 text of many octets\r\n", "quoted ee text of many octets\r\n"},
      {"text/plain", "quoted \xc3\xa9 text of many octets\r\n",
       "quoted \xc3\xa9 text of man\xc3\xa9octets\r\n"},
      {"text/plain", "unix\n", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *path = write_file(rows[i].before, strlen(rows[i].before));
    struct nm_message *m = letter_new();
    letter_must(nm_part_set_type(letter_attach_file(m, path), nm_str_c(rows[i].type), NULL));
    struct nm_source *s = render(m);
    unlink(path);
    if (rows[i].after != NULL) {
      rewrite_file(path, rows[i].after);
    }
    struct nm_buf got = {.max = 1 << 20};
    int err = source_read_all(s, 65536, &got);
    CHECK_ROW(err == NM_EIO && s->error.code == NM_EIO && s->error.kind == NM_KIND_MESSAGE, rows[i].before);
    CHECK_ROW(strstr(s->error.text, "changed") != NULL || strstr(s->error.text, path) != NULL, s->error.text);
    char byte;
    size_t n = 0;
    CHECK(nm_source_read(s, &byte, 1, &n) == NM_EIO && n == 0); /* and stays one */
    struct nm_error e = {0};
    struct nm_stamp stamp = letter_stamp();
    struct nm_source *none = NULL;
    if (rows[i].after == NULL) {
      CHECK(nm_message_render(m, &stamp, &none, &e) < 0 && e.kind == NM_KIND_MESSAGE);
      CHECK_ROW(strstr(e.text, path) != NULL, e.text);
    }
    nm_buf_free(&got);
    nm_source_free(&s);
    nm_message_unref(&m);
    unlink(path);
  }
}

static int says(int err, int code, const struct nm_error *e, const char *word) {
  int good = err == code && e->code == code && e->kind == NM_KIND_MESSAGE && strstr(e->text, word) != NULL;
  if (!good) {
    printf("  code %d, kind %d: %s\n", err, (int)e->kind, e->text);
  }
  return good;
}

static void setters_refuse_and_keep_the_old_value(void) {
  static const struct {
    struct nm_str s;
    const char *word;
  } bad[] = {{NM_STR("a\r\nBcc: x@y"), "line break (CR or LF) at byte 2"},
             {NM_STR("a\nb"), "line break"},
             {NM_STR("a\rb"), "line break"},
             {NM_STR("ab\0c"), "NUL (\\0) at byte 3"},
             {NM_STR("a\xff"), "UTF-8 at byte 2"}};
  struct nm_message *m = letter_new();
  letter_must(nm_message_set_subject(m, NM_STR("old"), NULL));
  letter_must(nm_message_set_subject_encoding(m, NM_STR("koi8-r"), NULL));
  letter_must(nm_message_set_text(m, NM_STR("old"), NULL));
  struct nm_content *text = m->text;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct nm_error e = {0};
    CHECK_ROW(says(nm_message_set_subject(m, bad[i].s, &e), NM_EINVAL, &e, bad[i].word), e.text);
    CHECK(strncmp(e.text, "Subject ", 8) == 0);
    CHECK(nm_message_set_subject_encoding(m, bad[i].s, &e) == NM_EINVAL);
    CHECK(nm_message_set_body_encoding(m, bad[i].s, &e) == NM_EINVAL);
    if (i >= 3) { /* line ends are fine in a text */
      CHECK_ROW(says(nm_message_set_text(m, bad[i].s, &e), NM_EINVAL, &e, bad[i].word), e.text);
      CHECK_ROW(says(nm_message_set_html(m, bad[i].s, &e), NM_EINVAL, &e, "Html"), e.text);
      CHECK_ROW(says(nm_message_hold_text(m, NM_MESSAGE_BODY, bad[i].s, NULL, &e), NM_EINVAL, &e, "Body"),
                e.text);
    }
  }
  struct nm_error e = {0};
  CHECK(says(nm_message_set_subject_encoding(m, NM_STR("no-such"), &e), NM_EINVAL, &e, "SubjectEncoding: "));
  CHECK(says(nm_message_set_body_encoding(m, NM_STR("utf-16"), &e), NM_EINVAL, &e, "BodyEncoding: "));
  char *many = calloc(1, NM_SUBJECT_MAX + 1);
  memset(many, 'x', NM_SUBJECT_MAX + 1);
  CHECK(
      says(nm_message_set_subject(m, nm_str(many, NM_SUBJECT_MAX + 1), &e), NM_ELIMIT, &e, "at most 65536"));
  free(many);
  CHECK(nm_str_eq(nm_buf_str(&m->subject), NM_STR("old")));
  CHECK(nm_str_eq(nm_buf_str(&m->subject_encoding), NM_STR("koi8-r")));
  CHECK(m->text == text && m->html == NULL && m->body_encoding.n == 0);
  nm_message_unref(&m);
}

static void count_release(void *what) {
  ++*(int *)what;
}

/* Where they are, until the message has another text; a text that is refused is let go of at once. */
static void held_texts_are_not_copied(void) {
  static const char text[] = "held";
  struct nm_message *m = letter_new();
  int released[3] = {0};
  struct nm_held held[3];
  for (int i = 0; i < 3; i++) {
    held[i] = (struct nm_held){&released[i], count_release};
  }
  CHECK(nm_message_hold_text(m, NM_MESSAGE_TEXT, nm_str(text, 4), &held[0], NULL) == 0);
  CHECK(held[0].what == NULL && released[0] == 0 && nm_content_bytes(m->text).p == text);
  CHECK(nm_message_hold_text(m, NM_MESSAGE_HTML, nm_str(text, 5), &held[1], NULL) == NM_EINVAL);
  CHECK(held[1].what == NULL && released[1] == 1 && m->html == NULL);
  m->is_body_html = 1;
  CHECK(nm_message_hold_text(m, NM_MESSAGE_BODY, nm_str(text, 3), &held[2], NULL) == 0);
  CHECK(nm_content_bytes(m->html).p == text && nm_content_bytes(m->html).n == 3 && released[2] == 0);
  CHECK(nm_message_set_text(m, NM_STR("copied"), NULL) == 0 && released[0] == 1);
  nm_message_unref(&m);
  CHECK(released[0] == 1 && released[1] == 1 && released[2] == 1);
}

static void the_body_moves_with_is_body_html(void) {
  struct nm_message *m = letter_new();
  letter_must(nm_message_hold_text(m, NM_MESSAGE_BODY, NM_STR("x"), NULL, NULL));
  struct nm_content *x = m->text;
  nm_message_set_is_body_html(m, 1);
  CHECK(m->html == x && m->text == NULL);
  nm_message_set_is_body_html(m, 1);
  CHECK(m->html == x && m->text == NULL);
  nm_message_set_is_body_html(m, 0);
  CHECK(m->text == x && m->html == NULL);
  letter_must(nm_message_set_html(m, NM_STR("h"), NULL));
  struct nm_content *h = m->html;
  nm_message_set_is_body_html(m, 1); /* both are set: nothing moves */
  CHECK(m->text == x && m->html == h && m->is_body_html == 1);
  letter_must(nm_message_hold_text(m, NM_MESSAGE_BODY, nm_str(NULL, 0), NULL, NULL));
  CHECK(m->text == x && m->html == NULL);
  nm_message_unref(&m);
}

static void render_refuses_with_a_sentence(void) {
  struct nm_stamp stamp = letter_stamp();
  struct nm_source *s = NULL;
  struct nm_error e = {0};
  struct nm_message *m = letter_new();
  letter_must(nm_message_set_subject(m, NM_STR("\xe2\x82\xac"), NULL)); /* €: not in KOI8-R */
  letter_must(nm_message_set_subject_encoding(m, NM_STR("koi8-r"), NULL));
  CHECK(says(nm_message_render(m, &stamp, &s, &e), NM_EINVAL, &e, "Subject: "));
  CHECK(strstr(e.text, "U+20AC") != NULL);
  letter_must(nm_message_set_subject(m, NM_STR(""), NULL));
  letter_must(nm_message_set_body_encoding(m, NM_STR("koi8-r"), NULL));
  letter_must(nm_message_set_html(m, NM_STR("x \xe2\x82\xac"), NULL));
  CHECK(says(nm_message_render(m, &stamp, &s, &e), NM_EINVAL, &e, "Html: "));
  CHECK(strstr(e.text, "U+20AC") != NULL);
  letter_must(nm_message_set_html(m, nm_str(NULL, 0), NULL));
  static const char *const ids[] = {"x@y",  "<a b@c>",      "<a@b>\r\nX: y>", "<>",
                                    "<a@b", "<\xc3\xa9@b>", "<a@b><c@d>"};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    stamp.message_id = nm_str_c(ids[i]);
    CHECK(says(nm_message_render(m, &stamp, &s, &e), NM_EINVAL, &e, "not a Message-ID"));
  }
  stamp = letter_stamp();
  struct nm_part *a = letter_attach(m, "x.eml", NM_STR("8-bit \xc3\xa9"));
  letter_must(nm_part_set_type(a, NM_STR("message/RFC822"), NULL));
  CHECK(says(nm_message_render(m, &stamp, &s, &e), NM_EINVAL, &e,
             "\"x.eml\" cannot be sent as message/RFC822"));
  nm_list_clear(m->attachments);
  a = letter_attach(m, "y.eml", NM_STR("bare\rCR\r\n"));
  letter_must(nm_part_set_type(a, NM_STR("message/partial"), NULL));
  CHECK(says(nm_message_render(m, &stamp, &s, &e), NM_EINVAL, &e, "\"y.eml\" cannot be sent"));
  nm_addr_unref(&m->from);
  CHECK(says(nm_message_render(m, &stamp, &s, &e), NM_EINVAL, &e, "no From"));
  struct nm_buf id = {.max = 1000};
  CHECK(says(nm_message_id_make(m->from, &id, &e), NM_EINVAL, &e, "no From"));
  CHECK(s == NULL);
  nm_message_unref(&m);
}

static void message_id_is_one(void) {
  struct nm_message *m = letter_new();
  struct nm_error e = {0};
  static const char *const bad[] = {"", "a", "a b", "<a>", "a@b c@d", "a@b> <c@d", "<a@b>\r\nX: y"};
  CHECK(nm_message_set_message_id(m, NM_STR("x.y@a.test"), &e) == 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    CHECK(says(nm_message_set_message_id(m, nm_str_c(bad[i]), &e), NM_EINVAL, &e, "MessageId"));
    CHECK(nm_str_eq(nm_buf_str(&m->message_id), NM_STR("<x.y@a.test>")));
  }
  CHECK(nm_message_set_message_id(m, nm_str(NULL, 0), &e) == 0 && m->message_id.n == 0);
  nm_message_unref(&m);
}

static void resend_wants_a_sender_and_a_recipient(void) {
  struct nm_message *m = letter_new();
  struct nm_resent *r = NULL;
  struct nm_error e = {0};
  letter_must(nm_resent_new(&r));
  CHECK(says(nm_message_resend(m, r, &e), NM_EINVAL, &e, "needs From"));
  letter_must(nm_addr_parse(NM_STR("a@a.test"), &r->from, NULL));
  CHECK(says(nm_message_resend(m, r, &e), NM_EINVAL, &e, "needs recipients"));
  letter_must(nm_addr_parse_list(NM_STR("b@b.test"), r->bcc, NULL));
  CHECK(nm_message_resent(m) == NULL && nm_message_resend(m, r, &e) == 0);
  CHECK(nm_message_resent(m) == r && r->refs == 2 && r->message_id.n == strlen("<@a.test>") + 32);
  while (m->resent->n < NM_RESENT_MAX) {
    CHECK(nm_message_resend(m, r, &e) == 0);
  }
  CHECK(says(nm_message_resend(m, r, &e), NM_ELIMIT, &e, "resent 50 times"));
  nm_message_unref(&m);
  CHECK(r->refs == 1);
  nm_resent_unref(&r);
  nm_resent_unref(&r);
}

static void one_click_is_switched(void) {
  struct nm_message *m = letter_new();
  struct nm_error e = {0};
  CHECK(says(nm_message_set_one_click(m, 1, &e), NM_EINVAL, &e, "needs an https URL"));
  letter_must(nm_fields_set(m->fields, NM_STR("List-Unsubscribe"), NM_STR("https://x.test"), NULL));
  CHECK(nm_message_set_one_click(m, 1, &e) == 0 && m->fields->n == 2);
  CHECK(nm_message_set_one_click(m, 0, &e) == 0 && m->fields->n == 1);
  nm_message_unref(&m);
}

static void message_ids_are_fresh(void) {
  struct nm_message *m = letter_new();
  struct nm_buf a = {.max = 1000}, b = {.max = 1000}, small = {.max = 20};
  struct nm_error e = {0};
  CHECK(nm_message_id_make(m->from, &a, &e) == 0 && nm_message_id_make(m->from, &b, &e) == 0);
  CHECK(a.n == strlen("<@a.test>") + 32 && a.p[0] == '<' && strcmp(a.p + 33, "@a.test>") == 0);
  CHECK(strspn(a.p + 1, "0123456789abcdef") == 32);
  CHECK(!nm_str_eq(nm_buf_str(&a), nm_buf_str(&b)));
  CHECK(nm_message_id_make(m->from, &small, &e) == NM_ELIMIT);
  nm_buf_free(&a);
  nm_buf_free(&b);
  nm_buf_free(&small);
  nm_message_unref(&m);
}

/* Everything that allocates, with the n-th allocation failing, for every n: the right code, nothing lost, nothing leaked. */
static int build_and_render(void) {
  struct nm_message *m = NULL;
  struct nm_content *c = NULL;
  struct nm_part *a = NULL;
  struct nm_resent *r = NULL;
  struct nm_source *s = NULL;
  struct nm_error e = {0};
  struct nm_stamp stamp = letter_stamp();
  struct nm_buf id = {.max = 1000};
  struct nm_buf got = {.max = 1 << 20};
  int err = nm_message_new(&m);
  err = err != 0 ? err : nm_addr_make(NM_STR("a@a.test"), NM_STR(CYRILLIC), &m->from, &e);
  err = err != 0 ? err : nm_addr_parse_list(NM_STR("b@b.test"), m->to, &e);
  err = err != 0 ? err : nm_message_set_subject(m, NM_STR(CYRILLIC), &e);
  err = err != 0 ? err : nm_message_set_subject_encoding(m, NM_STR("koi8-r"), &e);
  err = err != 0 ? err : nm_message_set_body_encoding(m, NM_STR("koi8-r"), &e);
  err = err != 0 ? err : nm_message_set_text(m, NM_STR(CYRILLIC), &e);
  err = err != 0 ? err : nm_message_set_html(m, NM_STR("<p>" CYRILLIC), &e);
  err = err != 0 ? err : nm_content_memory(NM_STR("text, not all of it ASCII: \xc3\xa9\r\n"), &c, &e);
  err = err != 0 ? err : nm_part_new(c, NM_STR(CYRILLIC ".txt"), &a, &e);
  err = err != 0 ? err : nm_part_set_type(a, NM_STR("text/csv"), &e);
  err = err != 0 ? err : nm_part_set_content_id(a, NM_STR("id"), &e);
  err = err != 0 ? err : nm_list_add(m->attachments, a);
  err = err != 0 ? err : nm_message_id_make(m->from, &id, &e);
  err = err != 0 ? err : nm_message_set_message_id(m, nm_buf_str(&id), &e);
  err = err != 0 ? err : nm_fields_set(m->fields, NM_STR("List-Unsubscribe"), NM_STR("https://x.test"), &e);
  err = err != 0 ? err : nm_message_set_one_click(m, 1, &e);
  err = err != 0 ? err : nm_resent_new(&r);
  err = err != 0 ? err : nm_addr_parse(NM_STR("r@r.test"), &r->from, &e);
  err = err != 0 ? err : nm_addr_parse_list(NM_STR("s@s.test"), r->to, &e);
  err = err != 0 ? err : nm_message_resend(m, r, &e);
  err = err != 0 ? err : nm_message_render(m, &stamp, &s, &e);
  err = err != 0 ? err : source_read_all(s, 4000, &got);
  if (s != NULL && s->error.code != 0) {
    CHECK(s->error.code == err);
  }
  nm_source_free(&s);
  nm_buf_free(&id);
  nm_buf_free(&got);
  nm_content_unref(&c);
  nm_part_unref(&a);
  nm_resent_unref(&r);
  nm_message_unref(&m);
  return err;
}

static void survives_short_memory(void) {
  long before = nm_test_alloc_live();
  int err = NM_ENOMEM;
  long n = 1;
  for (; err != 0 && n < 10000; n++) {
    nm_test_alloc_fail_at(n);
    err = build_and_render();
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 || err == NM_ENOMEM);
    CHECK(nm_test_alloc_live() == before);
  }
  CHECK(err == 0 && n > 40);
}

static void unref_and_free_twice_is_fine(void) {
  struct nm_message *m = letter_new();
  struct nm_message *other = nm_message_ref(m);
  nm_message_unref(&m);
  CHECK(m == NULL && other->refs == 1);
  nm_message_unref(&m);
  nm_message_unref(&other);
  CHECK(other == NULL);
}

int main(void) {
  RUN(golden_messages);
  RUN(large_contents);
  RUN(a_send_is_a_snapshot);
  RUN(ten_thousand_files_take_one_descriptor);
  RUN(a_file_that_changes_is_an_error);
  RUN(setters_refuse_and_keep_the_old_value);
  RUN(held_texts_are_not_copied);
  RUN(the_body_moves_with_is_body_html);
  RUN(render_refuses_with_a_sentence);
  RUN(message_id_is_one);
  RUN(resend_wants_a_sender_and_a_recipient);
  RUN(one_click_is_switched);
  RUN(message_ids_are_fresh);
  RUN(survives_short_memory);
  RUN(unref_and_free_twice_is_fine);
  return ctest_end();
}
