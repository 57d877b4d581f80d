#include "smtp/reply.h"

#include "base/alloc.h"
#include "smtp/reply_log.h"
#include "smtp/vectors.h"
#include "support/ctest.h"

#define P "E-5" /* NM_EPROTO */

static const struct {
  const char *in;
  const char *log;
} rows[] = {
    {"", ""},
    {"250 ok\r\n", "250[0.0.0]ok;"},
    {"250\r\n", "250[0.0.0];"},
    {"250 \r\n", "250[0.0.0];"},
    {"250\n", "250[0.0.0];"},
    {"250 bare LF\n", "250[0.0.0]bare LF;"},
    {"250-\r\n250\r\n", "250[0.0.0]\n;"},
    {"250-a\r\n250-b\r\n250 c\r\n", "250[0.0.0]a\nb\nc;"},
    {"250-a\n250 b\r\n", "250[0.0.0]a\nb;"},
    {"250-a\r\n250\r\n", "250[0.0.0]a\n;"},
    {"250  two spaces\r\n", "250[0.0.0] two spaces;"},
    {"250 a\r\n354 b\r\n550 c\r\n", "250[0.0.0]a;354[0.0.0]b;550[0.0.0]c;"},
    {"571 blocked\r\n", "571[0.0.0]blocked;"}, /* a second digit above 5, as on the wire */
    {"599 x\r\n", "599[0.0.0]x;"},
    {"200 x\r\n", "200[0.0.0]x;"},
    /* enhanced codes */
    {"250 2.1.0 ok\r\n", "250[2.1.0]2.1.0 ok;"},
    {"250 2.1.0\r\n", "250[2.1.0]2.1.0;"},
    {"550 5.123.999 x\r\n", "550[5.123.999]5.123.999 x;"},
    {"550-5.7.1 a\r\n550 5.7.1 b\r\n", "550[5.7.1]5.7.1 a\n5.7.1 b;"},
    {"550-a\r\n550 5.7.1 b\r\n", "550[5.7.1]a\n5.7.1 b;"},
    {"550 4.7.1 other class\r\n", "550[0.0.0]4.7.1 other class;"},
    {"354 3.0.0 no such class\r\n", "354[0.0.0]3.0.0 no such class;"},
    {"250 2.1 short\r\n", "250[0.0.0]2.1 short;"},
    {"250 2.1.\r\n", "250[0.0.0]2.1.;"},
    {"250 2..1 x\r\n", "250[0.0.0]2..1 x;"},
    {"250 2.1234.1 x\r\n", "250[0.0.0]2.1234.1 x;"},
    {"250 2.1.1234\r\n", "250[0.0.0]2.1.1234;"},
    {"250 2.1.0x\r\n", "250[0.0.0]2.1.0x;"},
    {"250 2.1.0.0 x\r\n", "250[0.0.0]2.1.0.0 x;"},
    {"250 22.1.0 x\r\n", "250[0.0.0]22.1.0 x;"},
    /* kept as bytes */
    {"550 \x1b[31m\x80\xff\t\x7f\r\n", "550[0.0.0]\x1b[31m\x80\xff\t\x7f;"},
    {"550 \xd0\xbd\xd0\xb5\xd1\x82\r\n", "550[0.0.0]\xd0\xbd\xd0\xb5\xd1\x82;"},
    /* unfinished */
    {"2", "~"},
    {"250", "~"},
    {"250 ok", "~"},
    {"250 ok\r", "~"},
    {"250-ok\r\n", "~"},
    {"250 ok\r\n25", "250[0.0.0]ok;~"},
    /* malformed */
    {"100 x\r\n", P},
    {"1", P},
    {"0", P},
    {"699 x\r\n", P},
    {"9", P},
    {"25 ok\r\n", P},
    {"2 0 ok\r\n", P},
    {"25O ok\r\n", P},
    {"22X ok\r\n", P},
    {"220OK\r\n", P},
    {"220\tOK\r\n", P},
    {"2500 ok\r\n", P},
    {"-250 ok\r\n", P},
    {" 250 ok\r\n", P},
    {"\r\n", P},
    {"\n", P},
    {"HTTP/1.1 400 Bad Request\r\n", P},
    {"ok\r\n", P},
    {"250 a\rb\r\n", P},
    {"250\r250\r\n", P},
    {"250 a\r\r\n", P},
    {"250-a\r\n550 b\r\n", P},
    {"250-a\r\n251 b\r\n", P},
    {"250-a\r\n350", P},
    {"250-a\r\n\r\n250 b\r\n", P},
    {"250-a\r\n b\r\n", P},
    {"250 ok\r\nx", "250[0.0.0]ok;" P},
    {"250 ok\r\n\r\n", "250[0.0.0]ok;" P},
};

/* Cut into three pieces at a and b. */
static int log_is(const char *in, size_t n, size_t a, size_t b, const char *want, size_t want_n) {
  struct nm_buf log = {.max = 1 << 20};
  struct nm_reply_parser *p = nm_reply_parser_new();
  int rc = reply_log_feed(p, in, a, &log);
  rc = rc < 0 ? rc : reply_log_feed(p, in + a, b - a, &log);
  rc = rc < 0 ? rc : reply_log_feed(p, in + b, n - b, &log);
  reply_log_end(p, rc < 0 ? rc : 0, &log);
  int is = log.err == 0 && log.n == want_n && (want_n == 0 || memcmp(log.p, want, want_n) == 0);
  if (!is) {
    printf("  got: %.*s\n", (int)log.n, log.n > 0 ? log.p : "");
  }
  nm_buf_free(&log);
  nm_reply_parser_free(&p);
  return is;
}

static int log_is_bytewise(const char *in, size_t n, const char *want, size_t want_n) {
  struct nm_buf log = {.max = 1 << 20};
  struct nm_reply_parser *p = nm_reply_parser_new();
  int rc = 0;
  for (size_t i = 0; i < n && rc >= 0; i++) {
    rc = reply_log_feed(p, in + i, 1, &log);
  }
  reply_log_end(p, rc, &log);
  int is = log.n == want_n && (want_n == 0 || memcmp(log.p, want, want_n) == 0);
  nm_buf_free(&log);
  nm_reply_parser_free(&p);
  return is;
}

static void parses_rows_at_every_split(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *in = rows[i].in;
    size_t n = strlen(in);
    size_t want_n = strlen(rows[i].log);
    for (size_t a = 0; a <= n; a++) {
      for (size_t b = a; b <= n; b++) {
        CHECK_ROW(log_is(in, n, a, b, rows[i].log, want_n), in);
      }
    }
    CHECK_ROW(log_is_bytewise(in, n, rows[i].log, want_n), in);
  }
}

static void keeps_nul(void) {
  CHECK(log_is("250 a\0b\r\n", 9, 9, 9, "250[0.0.0]a\0b;", 14));
}

/* A bad byte is refused when it comes, not when its line ends. */
static void refuses_at_the_bad_byte(void) {
  static const char *const bad[] = {"1",    "6",        "x",          "2x",         "25x",
                                    "250x", "250 a\rx", "250-a\r\n3", "250-a\r\n24"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct nm_buf log = {.max = 1024};
    struct nm_reply_parser *p = nm_reply_parser_new();
    size_t n = strlen(bad[i]);
    CHECK_ROW(reply_log_feed(p, bad[i], n - 1, &log) == 0, bad[i]);
    CHECK_ROW(reply_log_feed(p, bad[i] + n - 1, 1, &log) == NM_EPROTO, bad[i]);
    nm_buf_free(&log);
    nm_reply_parser_free(&p);
  }
}

static void failure_sticks(void) {
  struct nm_reply_parser *p = nm_reply_parser_new();
  struct nm_error e = {0};
  size_t used = 0;
  CHECK(nm_reply_parser_step(p, "x", 1, &used, &e) == NM_EPROTO);
  struct nm_error again = {0};
  CHECK(nm_reply_parser_step(p, "250 ok\r\n", 8, &used, &again) == NM_EPROTO);
  CHECK(used == 0 && strcmp(e.text, again.text) == 0 && e.text[0] != '\0' && again.kind == NM_KIND_PROTOCOL);
  CHECK(nm_reply_parser_step(p, "250 ok\r\n", 8, &used, NULL) == NM_EPROTO);
  nm_reply_parser_free(&p);
  nm_reply_parser_free(&p);
}

static void stops_at_the_end_of_a_reply(void) {
  struct nm_reply_parser *p = nm_reply_parser_new();
  size_t used = 0;
  CHECK(nm_reply_parser_step(p, "250 ok\r\n220 x\r\n", 15, &used, NULL) == 1 && used == 8);
  CHECK(nm_reply_parser_get(p)->code == 250);
  CHECK(nm_reply_parser_step(p, "", 0, &used, NULL) == 0 && nm_reply_parser_get(p)->code == 250);
  CHECK(!nm_reply_parser_partial(p));
  nm_reply_parser_free(&p);
}

/* Lines of text_n bytes of text, the last with a space; feeds them in pieces, returns the code. */
static int feed_lines(size_t lines, size_t text_n, size_t piece, size_t *text_out) {
  size_t line_n = 4 + text_n + 2;
  char *in = malloc(lines * line_n);
  for (size_t i = 0; i < lines; i++) {
    char *line = in + i * line_n;
    memcpy(line, i + 1 < lines ? "250-" : "250 ", 4);
    memset(line + 4, 'a', text_n);
    memcpy(line + 4 + text_n, "\r\n", 2);
  }
  struct nm_reply_parser *p = nm_reply_parser_new();
  struct nm_buf log = {.max = 1 << 20};
  int rc = 0;
  for (size_t at = 0; at < lines * line_n && rc >= 0; at += piece) {
    size_t n = lines * line_n - at < piece ? lines * line_n - at : piece;
    rc = reply_log_feed(p, in + at, n, &log);
  }
  *text_out = nm_reply_parser_get(p)->text.n;
  nm_buf_free(&log);
  nm_reply_parser_free(&p);
  free(in);
  return rc;
}

/* What is said again is taken for the same, and nothing else is. */
static void knows_a_reply_that_is_said_again(void) {
  static const struct {
    const char *line;
    int is_again, code, detail;
    const char *text;
  } said[] = {
      {"250 2.1.5 Ok\r\n", 0, 250, 5, "2.1.5 Ok"},
      {"250 2.1.5 Ok\r\n", 1, 250, 5, "2.1.5 Ok"},
      {"250 2.1.5 Okay\r\n", 0, 250, 5, "2.1.5 Okay"},
      {"250 2.1.5 Ok\r\n", 0, 250, 5, "2.1.5 Ok"},
      {"251 2.1.5 Ok\r\n", 0, 251, 5, "2.1.5 Ok"},
      {"251 2.1.5 Ok\r\n", 1, 251, 5, "2.1.5 Ok"},
      {"250-a\r\n250 b\r\n", 0, 250, 0, "a\nb"},
      {"250-a\r\n250 b\r\n", 0, 250, 0, "a\nb"},
      {"250 \r\n", 0, 250, 0, ""},
      {"250 \r\n", 1, 250, 0, ""},
      {"550 5.1.1 no\r\n", 0, 550, 1, "5.1.1 no"},
      {"550 5.1.1 no\r\n", 1, 550, 1, "5.1.1 no"},
  };
  struct nm_reply_parser *p = nm_reply_parser_new();
  struct nm_buf all = {.max = NM_REPLY_MAX};
  for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
    nm_buf_add_c(&all, said[i].line);
  }
  size_t at = 0;
  for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
    size_t used = 0;
    CHECK_ROW(nm_reply_parser_step(p, all.p + at, all.n - at, &used, NULL) == 1, said[i].line);
    const struct nm_reply *r = nm_reply_parser_get(p);
    CHECK_ROW(used == strlen(said[i].line) && r->code == said[i].code, said[i].line);
    CHECK_ROW(nm_reply_parser_is_again(p) == said[i].is_again, said[i].line);
    CHECK_ROW(r->enhanced[2] == said[i].detail && strcmp(r->text.p, said[i].text) == 0, said[i].line);
    at += used;
  }
  nm_buf_free(&all);
  nm_reply_parser_free(&p);
}

static void has_a_limit_for_line_reply_and_lines(void) {
  static const size_t pieces[] = {1, 7, 4096, 1 << 20};
  for (size_t i = 0; i < 4; i++) {
    size_t text = 0;
    CHECK(feed_lines(1, NM_REPLY_LINE_MAX - 6, pieces[i], &text) == 1 && text == NM_REPLY_LINE_MAX - 6);
    CHECK(feed_lines(1, NM_REPLY_LINE_MAX - 5, pieces[i], &text) == NM_ELIMIT);
    CHECK(feed_lines(16, 4096 - 6, pieces[i], &text) == 1);
    CHECK(feed_lines(17, 4096 - 6, pieces[i], &text) == NM_ELIMIT && text <= NM_REPLY_MAX);
    CHECK(feed_lines(NM_REPLY_LINES_MAX, 0, pieces[i], &text) == 1);
    CHECK(feed_lines(NM_REPLY_LINES_MAX + 1, 0, pieces[i], &text) == NM_ELIMIT);
  }
}

/* The reply that in holds. */
static void parse(const char *in, struct nm_reply *out) {
  struct nm_reply_parser *p = nm_reply_parser_new();
  size_t used = 0;
  *out = (struct nm_reply){0};
  CHECK_ROW(nm_reply_parser_step(p, in, strlen(in), &used, NULL) == 1, in);
  CHECK_ROW(nm_reply_copy(out, nm_reply_parser_get(p)) == 0, in);
  nm_reply_parser_free(&p);
}

static void prints_on_one_line(void) {
  static const struct {
    const char *in;
    const char *out;
  } lines[] = {
      {"250\r\n", "250"},
      {"250 ok\r\n", "250 ok"},
      {"550 5.1.1 no such user\r\n", "550 5.1.1 no such user"},
      {"550-5.7.1 go\r\n550 5.7.1 away\r\n", "550 5.7.1 go away"},
      {"550-5.7.1 go\r\n550 5.7.1\r\n", "550 5.7.1 go"},
      {"550-5.7.1 go\r\n550 5.7.2 away\r\n", "550 5.7.1 go 5.7.2 away"},
      {"550-a\r\n550-\r\n550 b\r\n", "550 a b"},
      {"550 \x1b[31mred\x07\r\n", "550 \\x1B[31mred\\x07"},
      {"550 \xd0\xbd\xd0\xb5\xd1\x82\r\n", "550 \xd0\xbd\xd0\xb5\xd1\x82"},
      {"550 caf\xe9\r\n", "550 caf\\xE9"},
      {"550 \xe2\x80\xaetxt.exe\r\n", "550 \\xE2\\x80\\xAEtxt.exe"}, /* U+202E */
      {"550 \xc2\x9b[0m\r\n", "550 \\xC2\\x9B[0m"},                  /* C1 */
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    struct nm_reply r;
    struct nm_buf out = {.max = 1024};
    parse(lines[i].in, &r);
    nm_reply_print(&r, &out);
    CHECK_ROW(out.err == 0 && strcmp(out.p, lines[i].out) == 0, lines[i].in);
    nm_buf_free(&out);
    nm_reply_free(&r);
  }
}

static void finds_queue_ids(void) {
  static const struct {
    const char *in;
    const char *id;
  } replies[] = {
      {"250 2.0.0 Ok: queued as 4F2B01C0A1\r\n", "4F2B01C0A1"},
      {"250 OK: QUEUED AS abc\r\n", "abc"},
      {"250 OK id=1r5XyZ-000abc-Q2\r\n", "1r5XyZ-000abc-Q2"},
      {"250 2.0.0 3AL5x1 Message accepted for delivery\r\n", "3AL5x1"},
      {"250 2.0.0 3AL5x1  Message accepted for delivery\r\n", "3AL5x1"},
      {"250 2.0.0 OK  1699999999 d2e1a72fcca58-6be1-si123.45 - gsmtp\r\n", "d2e1a72fcca58-6be1-si123.45"},
      {"250 2.6.0 <m@x> [InternalId=1234, Hostname=h] Queued mail for delivery\r\n", "1234"},
      {"250 2.0.0 Ok: queued on mail-1.yandex.net as 1586-ab\r\n", "1586-ab"},
      {"250 2.0.0 Ok: queued on mail-1.yandex.net 1586-ab\r\n", "1586-ab"},
      {"250 2.0.0 Message queued with id 1a2b.\r\n", "1a2b"},
      {"250 Message Queued (A-B-C.1)\r\n", "A-B-C.1"},
      {"250-ok\r\n250 queued as X1\r\n", "X1"},
      {"250 2.0.0 dbd8ae6e Message accepted for delivery\r\n", "dbd8ae6e"},
      {"250 12345 message accepted for delivery\r\n", "12345"},
      {"250 ok 1700000000 qp 4711\r\n", "4711"},
      {"250 2.6.0 <m@x> [InternalId=77, Hostname=h.prod] 9 bytes in 0.1, 1 KB/sec Queued mail\r\n", "77"},
      {"250 Ok 0100018c5a8a4c1d-b0a1-4c3e-000000\r\n", "0100018c5a8a4c1d-b0a1-4c3e-000000"},
      {"250 2.0.0 OK C5/11-35456-9E2C81A6\r\n", "C5/11-35456-9E2C81A6"},
      {"250 2.0.0 OK: queued as <2024.1@smtp-relay.x>\r\n", "2024.1@smtp-relay.x"},
      {"250 2.5.0 Ok, envelope id 0MX0X@x.icloud.com\r\n", "0MX0X@x.icloud.com"},
      {"250 ok:  Message 12345 accepted\r\n", "12345"},
      {"250 2.0.0 <b@x> gP5uMsG0ZWc Saved\r\n", "gP5uMsG0ZWc"},
      {"250 2.1.5 Ok SESSIONID=<cyrus-12-1>\r\n", "cyrus-12-1"},
      {"250 2.0.0 Message accepted for delivery\r\n", ""},
      {"250 2.6.0 Message accepted\r\n", ""},
      {"250 2.1.5 <b@x> Ok\r\n", ""},
      {"250 Ok 10\r\n", ""},
      {"250 Ok thank-you-very-much-indeed\r\n", ""},
      {"250 Ok 0100018c5a8a4c1d-b0a1 and more\r\n", ""},
      {"250 ok\r\n", ""},
      {"250\r\n", ""},
      {"250 queued as\r\n", ""},
      {"250 queued as \r\n", ""},
      {"250 queued on\r\n", ""},
      {"250 queued on host\r\n", ""},
      {"250 queued on disk for delivery\r\n", ""},
      {"250 valid=yes\r\n", ""},
      {"250 Message accepted for delivery\r\n", ""},
      {"250  Message accepted for delivery\r\n", ""},
  };
  for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
    struct nm_reply r;
    parse(replies[i].in, &r);
    CHECK_ROW(nm_str_eq(nm_reply_queue_id(&r), nm_str_c(replies[i].id)), replies[i].in);
    nm_reply_free(&r);
    nm_reply_free(&r);
  }
}

static void copy_replaces(void) {
  struct nm_reply a, b;
  parse("550 5.1.1 first and long\r\n", &a);
  parse("250 ok\r\n", &b);
  CHECK(nm_reply_copy(&a, &b) == 0 && a.code == 250 && a.enhanced[0] == 0 && strcmp(a.text.p, "ok") == 0);
  nm_reply_free(&a);
  nm_reply_free(&b);
}

static void survives_short_memory(void) {
  const char *in = "250-2.0.0 a\r\n250 2.0.0 b\r\n";
  long live = nm_test_alloc_live();
  for (long k = 1; k <= 8; k++) {
    struct nm_reply copy = {0};
    struct nm_buf line = {.max = 100};
    nm_test_alloc_fail_at(k);
    struct nm_reply_parser *p = nm_reply_parser_new();
    size_t used = 0;
    if (p != NULL && nm_reply_parser_step(p, in, strlen(in), &used, NULL) == 1) {
      int rc = nm_reply_copy(&copy, nm_reply_parser_get(p));
      CHECK(copy.code == 250 && copy.enhanced[0] == 2);
      CHECK(rc == 0 ? copy.text.n == 15 : rc == NM_ENOMEM && copy.text.n == 0);
      nm_reply_print(&copy, &line);
      CHECK(line.err == 0 || line.err == NM_ENOMEM);
    }
    nm_test_alloc_fail_at(0);
    nm_buf_free(&line);
    nm_reply_free(&copy);
    nm_reply_parser_free(&p);
    CHECK(nm_test_alloc_live() == live);
  }
}

/* A reply that outgrows what was taken at birth says so when memory is short, for ever. */
static void long_reply_and_short_memory(void) {
  char in[3010];
  memcpy(in, "250 ", 4);
  memset(in + 4, 'x', 3000);
  memcpy(in + 3004, "\r\n", 3);
  struct nm_reply_parser *p = nm_reply_parser_new();
  size_t used = 0;
  nm_test_alloc_fail_at(1);
  CHECK(nm_reply_parser_step(p, in, 3006, &used, NULL) == NM_ENOMEM);
  nm_test_alloc_fail_at(0);
  CHECK(nm_reply_parser_step(p, "250 ok\r\n", 8, &used, NULL) == NM_ENOMEM);
  nm_reply_parser_free(&p);
}

/* Dovecot's valid replies give their codes; its invalid ones are refused, but for those that only hold an octet or a length
   that we keep: a control character, and a limit or an EHLO reply's grammar that belong to its own caller. */
static void agrees_with_dovecot(void) {
  char *text = vectors_load("smtp/dovecot-replies.json");
  if (text == NULL) {
    SKIP("NETMAIL_VECTORS is not set");
  }
  const char *invalid = strstr(text, "\"invalid\"");
  int n_valid = 0, n_invalid = 0, n_kept = 0;
  const char *at = strstr(text, "\"input_hex\"");
  while (at != NULL) {
    const char *next = strstr(at + 1, "\"input_hex\"");
    size_t n = 0;
    char *bytes = vectors_bytes(strchr(strchr(at, ':'), '"') + 1, &n);
    struct nm_buf log = {.max = 1 << 20};
    struct nm_reply_parser *p = nm_reply_parser_new();
    int rc = reply_log_feed(p, bytes, n, &log);
    int is_whole = rc == 1 && !nm_reply_parser_partial(p);
    if (at < invalid) {
      const char *status = strstr(at, "\"status\"");
      const char *enhanced = strstr(at, "\"enhanced\": \"");
      const struct nm_reply *r = nm_reply_parser_get(p);
      CHECK_ROW(is_whole && r->code == atoi(strchr(status, ':') + 1), bytes);
      if (enhanced != NULL && enhanced < (next != NULL ? next : invalid)) {
        char mine[32];
        snprintf(mine, sizeof mine, "%d.%d.%d\"", r->enhanced[0], r->enhanced[1], r->enhanced[2]);
        CHECK_ROW(strncmp(enhanced + 13, mine, strlen(mine)) == 0, bytes);
      }
      n_valid++;
    } else {
      int is_ehlo = strncmp(strchr(strstr(at, "\"ehlo\""), ':'), ": true", 6) == 0;
      int is_short = strncmp(strchr(strstr(at, "\"max_size\""), ':'), ": null", 6) != 0;
      int has_control = memchr(bytes, '\x03', n) != NULL;
      if (n > 0 && bytes[n - 1] == '\r') { /* cut off: no reply, and none to come */
        CHECK_ROW(rc == 0 && nm_reply_parser_partial(p), bytes);
        n_invalid++;
      } else if (is_ehlo || is_short || has_control) {
        CHECK_ROW(is_whole, bytes);
        n_kept++;
      } else {
        CHECK_ROW(rc == NM_EPROTO, bytes);
        n_invalid++;
      }
    }
    nm_buf_free(&log);
    nm_reply_parser_free(&p);
    free(bytes);
    at = next;
  }
  CHECK(n_valid == 9 && n_invalid + n_kept == 11 && n_invalid >= 7);
  free(text);
}

int main(void) {
  RUN(parses_rows_at_every_split);
  RUN(keeps_nul);
  RUN(refuses_at_the_bad_byte);
  RUN(failure_sticks);
  RUN(stops_at_the_end_of_a_reply);
  RUN(knows_a_reply_that_is_said_again);
  RUN(has_a_limit_for_line_reply_and_lines);
  RUN(prints_on_one_line);
  RUN(finds_queue_ids);
  RUN(copy_replaces);
  RUN(survives_short_memory);
  RUN(long_reply_and_short_memory);
  RUN(agrees_with_dovecot);
  return ctest_end();
}
