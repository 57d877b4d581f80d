#include "smtp/command.h"

#include "base/alloc.h"
#include "smtp/xtext.h"
#include "support/ctest.h"

/* An address as no parser of ours would make it: what stands here is the last gate. */
static struct nm_addr raw(const char *spec, size_t n) {
  return (struct nm_addr){.refs = 1, .spec = nm_str(spec, n)};
}

static int mail(struct nm_buf *b, const struct nm_addr *from, int64_t size, enum nm_body body) {
  struct nm_envelope env = {.from = from, .size = size, .body = body};
  return nm_command_mail(b, &env);
}

static int rcpt(struct nm_buf *b, struct nm_addr *to, const struct nm_rcpt_options *o, int utf8) {
  struct nm_envelope env = {.to = &to, .n_to = 1, .rcpt = o, .is_utf8 = utf8};
  return nm_command_rcpt(b, &env, 0);
}

static const struct {
  const char *spec;
  size_t n;
} refused[] = {
#define ROW(s)                                                                                               \
  { s, sizeof(s) - 1 }
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
    CHECK_ROW(mail(&b, &a, 5, NM_BODY_8BITMIME) == NM_EINVAL && b.n == 0, refused[i].spec);
    CHECK_ROW(rcpt(&b, &a, NULL, 0) == NM_EINVAL && b.n == 0, refused[i].spec);
    CHECK_ROW(nm_command_addr_check(&a, 0) == NM_EINVAL, refused[i].spec);
    nm_buf_free(&b);
  }
}

/* UTF-8 opens no other door: what is refused stays so, but for letters that are well-formed. */
static void takes_utf8_where_it_may(void) {
  static const char *const good[] = {"\xc3\xbc@b", "a@\xd1\x80\xd1\x84", "\"\xd0\xb0 b\"@c",
                                     "\xf0\x9f\x90\x98@b"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    struct nm_addr a = raw(good[i], strlen(good[i]));
    struct nm_buf b = {.max = NM_COMMAND_MAX};
    CHECK_ROW(rcpt(&b, &a, NULL, 0) == NM_EINVAL && b.n == 0, good[i]);
    CHECK_ROW(rcpt(&b, &a, NULL, 1) == 0 && memmem(b.p, b.n, good[i], strlen(good[i])) != NULL, good[i]);
    nm_buf_free(&b);
  }
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    struct nm_addr a = raw(refused[i].spec, refused[i].n);
    int is_utf8 =
        (unsigned char)refused[i].spec[0] == 0xc3 || memchr(refused[i].spec, '\xd1', refused[i].n) != NULL;
    CHECK_ROW(nm_command_addr_check(&a, 1) == (is_utf8 ? 0 : NM_EINVAL), refused[i].spec);
  }
}

static void writes_the_null_sender(void) {
  struct nm_addr empty = raw("", 0);
  struct nm_buf b = {.max = NM_COMMAND_MAX};
  CHECK(mail(&b, NULL, -1, NM_BODY_7BIT) == 0 && strcmp(b.p, "MAIL FROM:<>\r\n") == 0);
  nm_buf_reset(&b);
  CHECK(mail(&b, &empty, 3, NM_BODY_BINARYMIME) == 0);
  CHECK(strcmp(b.p, "MAIL FROM:<> SIZE=3 BODY=BINARYMIME\r\n") == 0);
  nm_buf_reset(&b);
  CHECK(rcpt(&b, &empty, NULL, 0) == NM_EINVAL && rcpt(&b, NULL, NULL, 0) == NM_EINVAL && b.n == 0);
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
    CHECK_ROW((nm_command_addr_check(&a, 0) == 0) == (is_printable && strchr(" <>\"\\", c) == NULL), bare);
    CHECK_ROW((nm_command_addr_check(&q, 0) == 0) == (is_printable && c != '"'), quoted);
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
    CHECK_ROW(mail(&b, &a, rows[i].size, rows[i].body) == 0 && strcmp(b.p, rows[i].mail) == 0, rows[i].spec);
    nm_buf_reset(&b);
    CHECK_ROW(rcpt(&b, &a, NULL, 0) == 0 && strcmp(b.p, rows[i].rcpt) == 0, rows[i].spec);
    nm_buf_free(&b);
  }
}

/* ---- options ---- */

static void writes_mail_options(void) {
  static const struct {
    struct nm_mail_options o;
    const char *line;
  } rows[] = {
      {{.ret = NM_RET_FULL}, "MAIL FROM:<a@b> RET=FULL\r\n"},
      {{.ret = NM_RET_HDRS, .envid = {"QQ314159", 8}}, "MAIL FROM:<a@b> RET=HDRS ENVID=QQ314159\r\n"},
      {{.envid = {" +=~!", 5}}, "MAIL FROM:<a@b> ENVID=+20+2B+3D~!\r\n"},
      {{.require_tls = 1}, "MAIL FROM:<a@b> REQUIRETLS\r\n"},
      {{.by = NM_BY_RETURN, .by_seconds = 1}, "MAIL FROM:<a@b> BY=1;R\r\n"},
      {{.by = NM_BY_NOTIFY, .by_seconds = -5, .by_trace = 1}, "MAIL FROM:<a@b> BY=-5;NT\r\n"},
      {{.by = NM_BY_NOTIFY, .by_seconds = 0}, "MAIL FROM:<a@b> BY=0;N\r\n"},
      {{.by = NM_BY_RETURN, .by_seconds = NM_BY_SECONDS_MAX}, "MAIL FROM:<a@b> BY=999999999;R\r\n"},
      {{.hold = NM_HOLD_FOR, .hold_value = 999999999}, "MAIL FROM:<a@b> HOLDFOR=999999999\r\n"},
      {{.hold = NM_HOLD_UNTIL, .hold_value = 1}, "MAIL FROM:<a@b> HOLDUNTIL=1970-01-01T00:00:01Z\r\n"},
      {{.hold = NM_HOLD_UNTIL, .hold_value = 951782400},
       "MAIL FROM:<a@b> HOLDUNTIL=2000-02-29T00:00:00Z\r\n"},
      {{.hold = NM_HOLD_UNTIL, .hold_value = INT64_C(253402300799)},
       "MAIL FROM:<a@b> HOLDUNTIL=9999-12-31T23:59:59Z\r\n"},
      {{.has_priority = 1, .priority = -9}, "MAIL FROM:<a@b> MT-PRIORITY=-9\r\n"},
      {{.has_priority = 1}, "MAIL FROM:<a@b> MT-PRIORITY=0\r\n"},
      {{.priority = 3}, "MAIL FROM:<a@b>\r\n"},
  };
  struct nm_addr a = raw("a@b", 3);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_envelope env = {.from = &a, .size = -1, .mail = rows[i].o};
    struct nm_buf b = {.max = NM_COMMAND_MAX};
    CHECK_ROW(nm_command_mail(&b, &env) == 0 && strcmp(b.p, rows[i].line) == 0, rows[i].line);
    nm_buf_free(&b);
  }
}

/* Wrong values are refused by the check, and once more by what writes them. */
static void refuses_wrong_mail_options(void) {
  static const struct {
    struct nm_mail_options o;
    const char *names;
  } rows[] = {
      {{.ret = (enum nm_ret)3}, "RET"},
      {{.envid = {"a\r\nRCPT TO:<evil@z>", 20}}, "ENVID"},
      {{.envid = {"a\nb", 3}}, "ENVID"},
      {{.envid = {"a\0b", 3}}, "ENVID"},
      {{.envid = {"a\tb", 3}}, "ENVID"},
      {{.envid = {"a\x7f", 2}}, "ENVID"},
      {{.envid = {"\xd0\xb0", 2}}, "ENVID"},
      {{.by = (enum nm_by)3, .by_seconds = 1}, "DELIVERBY"},
      {{.by = NM_BY_RETURN}, "DELIVERBY"},
      {{.by = NM_BY_RETURN, .by_seconds = -1}, "DELIVERBY"},
      {{.by = NM_BY_NOTIFY, .by_seconds = NM_BY_SECONDS_MAX + 1}, "DELIVERBY"},
      {{.by = NM_BY_NOTIFY, .by_seconds = INT32_MIN}, "DELIVERBY"},
      {{.hold = (enum nm_hold)3, .hold_value = 1}, "held"},
      {{.hold = NM_HOLD_FOR}, "HOLDFOR"},
      {{.hold = NM_HOLD_FOR, .hold_value = -1}, "HOLDFOR"},
      {{.hold = NM_HOLD_FOR, .hold_value = INT64_C(1000000000)}, "HOLDFOR"},
      {{.hold = NM_HOLD_UNTIL, .hold_value = 0}, "HOLDUNTIL"},
      {{.hold = NM_HOLD_UNTIL, .hold_value = INT64_C(253402300800)}, "HOLDUNTIL"},
      {{.hold = NM_HOLD_UNTIL, .hold_value = INT64_MAX}, "HOLDUNTIL"},
      {{.has_priority = 1, .priority = 10}, "MT-PRIORITY"},
      {{.has_priority = 1, .priority = -10}, "MT-PRIORITY"},
  };
  struct nm_addr a = raw("a@b", 3);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_envelope env = {.from = &a, .size = -1, .mail = rows[i].o};
    struct nm_buf b = {.max = NM_COMMAND_MAX};
    struct nm_error e = {0};
    CHECK_ROW(nm_mail_options_check(&rows[i].o, &e) == NM_EINVAL, rows[i].names);
    CHECK_ROW(e.kind == NM_KIND_MESSAGE && strstr(e.text, rows[i].names) != NULL, e.text);
    CHECK_ROW(nm_command_mail(&b, &env) == NM_EINVAL && b.n == 0, rows[i].names);
    nm_buf_free(&b);
  }
}

static void writes_rcpt_options(void) {
  static const struct {
    struct nm_rcpt_options o;
    const char *params;
  } rows[] = {
      {{0}, ""},
      {{.notify = NM_NOTIFY_NEVER}, " NOTIFY=NEVER"},
      {{.notify = NM_NOTIFY_SUCCESS}, " NOTIFY=SUCCESS"},
      {{.notify = NM_NOTIFY_DELAY | NM_NOTIFY_FAILURE}, " NOTIFY=FAILURE,DELAY"},
      {{.notify = 14}, " NOTIFY=SUCCESS,FAILURE,DELAY"},
      /* RFC 3461 10 prints this one */
      {{.orcpt = {"Dana@Ivory.EDU", 14}}, " ORCPT=rfc822;Dana@Ivory.EDU"},
      {{.orcpt = {"\"a b\"+c=d@e", 11}}, " ORCPT=rfc822;\"a+20b\"+2Bc+3Dd@e"},
      {{.orcpt = {"\xd0\xb8 +=\\@b", 8}}, " ORCPT=utf-8;\\x{438}\\x{20}\\x{2B}\\x{3D}\\x{5C}@b"},
      {{.orcpt = {"rfc822;Dana@Ivory.EDU", 21}}, " ORCPT=rfc822;Dana@Ivory.EDU"},
      {{.orcpt = {"RFC822;a+20b+2Bc@d", 18}}, " ORCPT=RFC822;a+20b+2Bc@d"},
      {{.orcpt = {"utf-8;\\x{438}@b", 15}}, " ORCPT=utf-8;\\x{438}@b"},
      {{.orcpt = {"X400;/C+3Dde/", 13}}, " ORCPT=X400;/C+3Dde/"},
      {{.orcpt = {";a@b", 4}}, " ORCPT=rfc822;;a@b"},
      {{.orcpt = {"\"rfc822;a\"@b", 12}}, " ORCPT=rfc822;\"rfc822;a\"@b"},
      {{.orcpt = {"\xf0\x9f\x90\x98@b", 6}}, " ORCPT=utf-8;\\x{1F418}@b"},
  };
  struct nm_addr a = raw("a@b", 3);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b = {.max = NM_COMMAND_MAX}, want = {.max = NM_COMMAND_MAX};
    nm_buf_addf(&want, "RCPT TO:<a@b>%s\r\n", rows[i].params);
    CHECK_ROW(rcpt(&b, &a, &rows[i].o, 0) == 0 && strcmp(b.p, want.p) == 0, b.p);
    nm_buf_free(&b);
    nm_buf_free(&want);
  }
}

static void refuses_wrong_rcpt_options(void) {
  static const struct {
    struct nm_rcpt_options o;
    const char *names;
  } rows[] = {
      {{.notify = 16}, "NOTIFY"},
      {{.notify = NM_NOTIFY_NEVER | NM_NOTIFY_DELAY}, "NEVER"},
      {{.notify = ~0u}, "NOTIFY"},
      {{.orcpt = {"a@b>\r\nRCPT TO:<evil@z", 22}}, "ORCPT"},
      {{.orcpt = {"a\rb", 3}}, "ORCPT"},
      {{.orcpt = {"a\0b", 3}}, "ORCPT"},
      {{.orcpt = {"a\x7f", 2}}, "ORCPT"},
      {{.orcpt = {"a\xff", 2}}, "ORCPT"},
      {{.orcpt = {"rfc822;", 7}}, "ORCPT"},
      {{.orcpt = {"rfc822;a b@c", 12}}, "ORCPT"},
      {{.orcpt = {"rfc822;a+b@c", 12}}, "ORCPT"},
      {{.orcpt = {"rfc822;a+2b@c", 13}}, "ORCPT"},
      {{.orcpt = {"rfc822;a=b@c", 12}}, "ORCPT"},
      {{.orcpt = {"rfc822;a@c+2", 12}}, "ORCPT"},
      {{.orcpt = {"utf-8;\xd0\xb8@b", 10}}, "ORCPT"},
      {{.orcpt = {"\xc0\x8d\xc0\x8a", 4}}, "ORCPT"},
  };
  struct nm_addr a = raw("a@b", 3);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b = {.max = NM_COMMAND_MAX};
    struct nm_error e = {0};
    CHECK_ROW(nm_rcpt_options_check(&rows[i].o, &e) == NM_EINVAL, rows[i].names);
    CHECK_ROW(strstr(e.text, rows[i].names) != NULL, e.text);
    CHECK_ROW(rcpt(&b, &a, &rows[i].o, 1) == NM_EINVAL && b.n == 0, rows[i].names);
    nm_buf_free(&b);
  }
}

/* Every octet: what comes of it is printable ASCII without "+" and "=" but in "+XX", and is the octet again. */
static void xtext_says_every_octet(void) {
  for (int c = 0; c < 256; c++) {
    char octet = (char)c;
    char hex[4];
    struct nm_buf b = {.max = 10};
    nm_xtext_add(&b, nm_str(&octet, 1));
    snprintf(hex, sizeof hex, "+%02X", c);
    int is_plain = c > 32 && c < 127 && c != '+' && c != '=';
    CHECK_ROW(is_plain ? b.n == 1 && b.p[0] == octet : strcmp(b.p, hex) == 0, hex);
    nm_buf_free(&b);
  }
}

static void fill(struct nm_buf *b, char c, size_t n) {
  for (size_t i = 0; i < n; i++) {
    nm_buf_add_byte(b, c);
  }
}

/* What fits each limit fits a command, all together; one octet more does not. */
static void has_limits(void) {
  struct nm_buf spec = {.max = 1000}, envid = {.max = 1000}, orcpt = {.max = 1000};
  struct nm_buf b = {.max = 2 * NM_COMMAND_MAX};
  fill(&spec, 'a', 254);
  spec.p[64] = '@';
  fill(&envid, '=', 33);
  fill(&envid, 'e', 1);
  fill(&orcpt, 'o', NM_ORCPT_MAX - 7);
  struct nm_addr a = raw(spec.p, spec.n);
  struct nm_addr *to = &a;
  struct nm_rcpt_options r = {.notify = 14, .orcpt = nm_buf_str(&orcpt)};
  struct nm_envelope env = {.from = &a, .to = &to, .n_to = 1, .size = INT64_MAX, .body = NM_BODY_BINARYMIME};
  env.rcpt = &r;
  env.is_utf8 = 1;
  env.mail = (struct nm_mail_options){.ret = NM_RET_HDRS, .envid = nm_buf_str(&envid), .require_tls = 1};
  env.mail.by = NM_BY_NOTIFY;
  env.mail.by_trace = 1;
  env.mail.by_seconds = -NM_BY_SECONDS_MAX;
  env.mail.hold = NM_HOLD_UNTIL;
  env.mail.hold_value = 1893456000;
  env.mail.has_priority = 1;
  env.mail.priority = -9;
  CHECK(nm_command_mail(&b, &env) == 0 && b.n <= 530);
  nm_buf_reset(&b);
  CHECK(nm_command_rcpt(&b, &env, 0) == 0 && b.n > 700 && b.n <= 810);
  nm_buf_reset(&b);
  a.spec.n++;
  CHECK(nm_command_mail(&b, &env) == NM_ELIMIT && nm_command_rcpt(&b, &env, 0) == NM_ELIMIT && b.n == 0);
  a.spec.n--;
  fill(&envid, 'e', 1);
  fill(&orcpt, 'o', 1);
  env.mail.envid = nm_buf_str(&envid);
  r.orcpt = nm_buf_str(&orcpt);
  CHECK(nm_command_mail(&b, &env) == NM_ELIMIT && nm_command_rcpt(&b, &env, 0) == NM_ELIMIT && b.n == 0);
  nm_buf_free(&spec);
  nm_buf_free(&envid);
  nm_buf_free(&orcpt);
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
  CHECK(mail(&b, &a, 1, NM_BODY_7BIT) == NM_ENOMEM);
  nm_test_alloc_fail_at(0);
  nm_buf_free(&b);
  CHECK(nm_test_alloc_live() == live);
}

int main(void) {
  RUN(refuses_what_could_extend_a_command);
  RUN(takes_utf8_where_it_may);
  RUN(writes_the_null_sender);
  RUN(knows_every_octet);
  RUN(writes_commands);
  RUN(has_limits);
  RUN(writes_mail_options);
  RUN(refuses_wrong_mail_options);
  RUN(writes_rcpt_options);
  RUN(refuses_wrong_rcpt_options);
  RUN(xtext_says_every_octet);
  RUN(checks_ehlo_names);
  RUN(survives_short_memory);
  return ctest_end();
}
