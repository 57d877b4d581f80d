#include "smtp/command.h"

#include "base/alloc.h"
#include "support/ctest.h"

/* An address as no parser of ours would make it: what stands here is the last gate. */
static struct nm_addr raw(const char *spec, size_t n) {
  return (struct nm_addr){.refs = 1, .spec = nm_str(spec, n)};
}

static const struct {
  const char *spec;
  size_t n;
} refused[] = {
#define ROW(s)                                                                                               \
  { s, sizeof(s) - 1 }
    ROW(""),
    ROW("a@b>\r\nRCPT TO:<evil@z.test"),
    ROW("a@b\r\n"),
    ROW("a@b\r"),
    ROW("a@b\n"),
    ROW("a@b\0"),
    ROW("a\0@b"),
    ROW("\"a\r\nRCPT TO:<evil@z>\"@b"),
    ROW("\"a\\\r\"@b"),
    ROW("\"a\\\n\"@b"),
    ROW("\"a\\\0\"@b"),
    ROW("a@b\x7f"),
    ROW("a@b\x1b"),
    ROW("a@b\t"),
    ROW("a@b> SIZE=1"),
    ROW("a@b SIZE=1"),
    ROW("a b@c"),
    ROW("<a@b"),
    ROW("a@b>"),
    ROW("a<b>@c"),
    ROW("a\\>@c"),
    ROW("\"a@b"),
    ROW("\"a\\\"@b"),
    ROW("\"a\\"),
    ROW("a\"> SIZE=1\"@b"), /* a quoted string begins the local part or is none */
    ROW("\"a\"b\"> X\"@c"),
    ROW("\xc3\xbc@b"),
    ROW("a@\xd1\x80\xd1\x84"),
    ROW("a@b\x80"),
#undef ROW
};

static void refuses_what_could_extend_a_command(void) {
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    struct nm_addr a = raw(refused[i].spec, refused[i].n);
    struct nm_buf b = {.max = NM_COMMAND_MAX};
    CHECK_ROW(nm_command_mail(&b, &a, 5, NM_BODY_8BITMIME) == NM_EINVAL && b.n == 0, refused[i].spec);
    CHECK_ROW(nm_command_rcpt(&b, &a) == NM_EINVAL && b.n == 0, refused[i].spec);
    CHECK_ROW(nm_command_addr_check(&a) == NM_EINVAL, refused[i].spec);
    nm_buf_free(&b);
  }
  struct nm_buf b = {.max = NM_COMMAND_MAX};
  CHECK(nm_command_mail(&b, NULL, -1, NM_BODY_7BIT) == NM_EINVAL && b.n == 0);
  nm_buf_free(&b);
}

/* Each of the 256 octets, bare and in a quoted string. */
static void knows_every_octet(void) {
  for (int c = 0; c < 256; c++) {
    char bare[] = "a?b@c";
    char quoted[] = "\"a?b\"@c";
    bare[1] = quoted[2] = (char)c;
    struct nm_addr a = raw(bare, 5), q = raw(quoted, 7);
    int is_printable = c >= 32 && c <= 126;
    CHECK_ROW((nm_command_addr_check(&a) == 0) == (is_printable && strchr(" <>\"\\", c) == NULL), bare);
    CHECK_ROW((nm_command_addr_check(&q) == 0) == (is_printable && c != '"'), quoted);
  }
}

static void writes_commands(void) {
  static const struct {
    const char *spec;
    int64_t size;
    enum nm_body body;
    const char *mail;
    const char *rcpt;
  } rows[] = {
      {"a@b.c", -1, NM_BODY_7BIT, "MAIL FROM:<a@b.c>\r\n", "RCPT TO:<a@b.c>\r\n"},
      {"a@b.c", 0, NM_BODY_7BIT, "MAIL FROM:<a@b.c> SIZE=0\r\n", "RCPT TO:<a@b.c>\r\n"},
      {"a@[IPv6:::1]", INT64_MAX, NM_BODY_7BIT, "MAIL FROM:<a@[IPv6:::1]> SIZE=9223372036854775807\r\n",
       "RCPT TO:<a@[IPv6:::1]>\r\n"},
      {"a@b.c", -1, NM_BODY_8BITMIME, "MAIL FROM:<a@b.c> BODY=8BITMIME\r\n", "RCPT TO:<a@b.c>\r\n"},
      {"a@b.c", 7, NM_BODY_8BITMIME, "MAIL FROM:<a@b.c> SIZE=7 BODY=8BITMIME\r\n", "RCPT TO:<a@b.c>\r\n"},
      {"\"a> X=1\"@b", -1, NM_BODY_7BIT, "MAIL FROM:<\"a> X=1\"@b>\r\n", "RCPT TO:<\"a> X=1\"@b>\r\n"},
      {"\"a\\\"b\\\\\"@c", -1, NM_BODY_7BIT, "MAIL FROM:<\"a\\\"b\\\\\"@c>\r\n",
       "RCPT TO:<\"a\\\"b\\\\\"@c>\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_addr a = raw(rows[i].spec, strlen(rows[i].spec));
    struct nm_buf b = {.max = 2 * NM_COMMAND_MAX};
    CHECK_ROW(nm_command_mail(&b, &a, rows[i].size, rows[i].body) == 0 && strcmp(b.p, rows[i].mail) == 0,
              rows[i].spec);
    nm_buf_reset(&b);
    CHECK_ROW(nm_command_rcpt(&b, &a) == 0 && strcmp(b.p, rows[i].rcpt) == 0, rows[i].spec);
    nm_buf_free(&b);
  }
}

/* An address is never that long; the limit holds all the same, and what fits it fits a command. */
static void has_a_limit(void) {
  char long_spec[NM_COMMAND_MAX];
  memset(long_spec, 'a', sizeof long_spec);
  long_spec[1] = '@';
  struct nm_addr a = raw(long_spec, NM_COMMAND_MAX - 64);
  struct nm_buf b = {.max = NM_COMMAND_MAX};
  CHECK(nm_command_mail(&b, &a, INT64_MAX, NM_BODY_8BITMIME) == 0 && b.n <= NM_COMMAND_MAX);
  nm_buf_reset(&b);
  a.spec.n++;
  CHECK(nm_command_mail(&b, &a, -1, NM_BODY_7BIT) == NM_ELIMIT && b.n == 0);
  nm_buf_free(&b);
}

static void checks_ehlo_names(void) {
  static const char *const good[] = {"localhost",   "mx.example.org",     "a-b.c1",
                                     "[127.0.0.1]", "[IPv6:2001:db8::1]", "[ipv6:::1]"};
  static const struct {
    const char *p;
    size_t n;
  } bad[] = {
#define ROW(s) {s, sizeof(s) - 1}
      ROW(""),
      ROW("x\r\nMAIL FROM:<e@v.il>"),
      ROW("a b"),
      ROW("a\n"),
      ROW("a\0"),
      ROW("a\0b"),
      ROW("[127.0.0.1\0]"),
      ROW("a_b"),
      ROW("-a.b"),
      ROW("a..b"),
      ROW(".a"),
      ROW("[]"),
      ROW("["),
      ROW("[127.0.0.1"),
      ROW("127.0.0.1]"),
      ROW("[127.0.0.256]"),
      ROW("[::1]"),
      ROW("[IPv6:]"),
      ROW("[IPv6:1]"),
      ROW("[IPv6:127.0.0.1]"),
      ROW("[x]"),
      ROW("\xd0\xb0.ru"),
#undef ROW
  };
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    CHECK_ROW(nm_ehlo_name_check(nm_str_c(good[i])) == 0, good[i]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    CHECK_ROW(nm_ehlo_name_check(nm_str(bad[i].p, bad[i].n)) == NM_EINVAL, bad[i].p);
  }
}

static void survives_short_memory(void) {
  long live = nm_test_alloc_live();
  struct nm_addr a = raw("a@b.c", 5);
  struct nm_buf b = {.max = NM_COMMAND_MAX};
  nm_test_alloc_fail_at(1);
  CHECK(nm_command_mail(&b, &a, 1, NM_BODY_7BIT) == NM_ENOMEM);
  nm_test_alloc_fail_at(0);
  nm_buf_free(&b);
  CHECK(nm_test_alloc_live() == live);
}

int main(void) {
  RUN(refuses_what_could_extend_a_command);
  RUN(knows_every_octet);
  RUN(writes_commands);
  RUN(has_a_limit);
  RUN(checks_ehlo_names);
  RUN(survives_short_memory);
  return ctest_end();
}
