#include "smtp/caps.h"

#include "base/alloc.h"
#include "support/ctest.h"

/* Lines as the parser hands them over: joined by \n. */
static void make(const char *text, struct nm_reply *out) {
  *out = (struct nm_reply){.code = 250, .text = {.max = NM_REPLY_MAX}};
  nm_buf_add_c(&out->text, text);
}

enum { PIPE = NM_CAP_PIPELINING, SIZE = NM_CAP_SIZE, EIGHT = NM_CAP_8BITMIME, AUTH = NM_CAP_AUTH };

static const struct {
  const char *text;
  unsigned flags;
  int64_t size;
  const char *auth;
} rows[] = {
    {"", 0, 0, ""},
    {"mx.example.org", 0, 0, ""},
    {"PIPELINING", 0, 0, ""}, /* the greeting is not read */
    {"mx\nPIPELINING\nSIZE 10240000\n8BITMIME", PIPE | SIZE | EIGHT, 10240000, ""},
    {"mx\npipelining\nSize 5\n8bitmime", PIPE | SIZE | EIGHT, 5, ""},
    {"mx\n\n  PIPELINING\n\t8BITMIME \n", PIPE | EIGHT, 0, ""},
    {"mx\nPIPELINING2\nXSIZE 5\n8BITMIM", 0, 0, ""},
    {"mx\nSTARTTLS\nENHANCEDSTATUSCODES\nCHUNKING\nBINARYMIME\nSMTPUTF8\nDSN\nHELP\nVRFY\nETRN",
     NM_CAP_STARTTLS | NM_CAP_ENHANCEDSTATUSCODES | NM_CAP_CHUNKING | NM_CAP_BINARYMIME | NM_CAP_SMTPUTF8 |
         NM_CAP_DSN | NM_CAP_HELP | NM_CAP_VRFY | NM_CAP_ETRN,
     0, ""},
    {"mx\nexpn\nREQUIRETLS\nMT-PRIORITY MIXER\nDELIVERBY\nFUTURERELEASE\nLIMITS",
     NM_CAP_EXPN | NM_CAP_REQUIRETLS | NM_CAP_MT_PRIORITY | NM_CAP_DELIVERBY | NM_CAP_FUTURERELEASE |
         NM_CAP_LIMITS,
     0, ""},
    {"mx\nSIZE", SIZE, 0, ""},
    {"mx\nSIZE 0", SIZE, 0, ""},
    {"mx\nSIZE -1", SIZE, 0, ""},
    {"mx\nSIZE 12x", SIZE, 0, ""},
    {"mx\nSIZE 9223372036854775807", SIZE, INT64_MAX, ""},
    {"mx\nSIZE 9223372036854775808", SIZE, 0, ""},
    {"mx\nSIZE 100000000000000000000000000", SIZE, 0, ""},
    {"mx\nAUTH PLAIN LOGIN", AUTH, 0, "PLAIN LOGIN"},
    {"mx\nauth plain  login\tcram-md5 ", AUTH, 0, "PLAIN LOGIN CRAM-MD5"},
    {"mx\nAUTH=PLAIN LOGIN", AUTH, 0, "PLAIN LOGIN"},
    {"mx\nAUTH PLAIN LOGIN\nAUTH=LOGIN XOAUTH2", AUTH, 0, "PLAIN LOGIN XOAUTH2"},
    {"mx\nAUTH", AUTH, 0, ""},
    {"mx\nAUTH=", 0, 0, ""},
    {"mx\nAUTH SCRAM-SHA-256-PLUS X_Y", AUTH, 0, "SCRAM-SHA-256-PLUS X_Y"},
    {"mx\nAUTH A\x1b B;C 123456789012345678901 D", AUTH, 0, "D"},
};

static void parses_rows(void) {
  struct nm_caps c = {0}; /* one for all: each parse forgets the one before */
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_reply r;
    make(rows[i].text, &r);
    CHECK_ROW(nm_caps_parse(&c, &r) == 0, rows[i].text);
    CHECK_ROW(c.flags == rows[i].flags && c.size == rows[i].size, rows[i].text);
    CHECK_ROW(nm_str_eq(nm_buf_str(&c.auth), nm_str_c(rows[i].auth)), rows[i].text);
    nm_reply_free(&r);
  }
  nm_caps_free(&c);
  nm_caps_free(&c);
}

static const struct {
  const char *line;
  uint32_t rcpt_max, mail_max, domain_max, by_min, hold_max;
  int64_t hold_until;
} numbers[] = {
    {"LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1", 20, 5, 1, 0, 0, 0},
    {"limits rcptmax=999999  XMAX=1 FLAG mailmax=1", 999999, 1, 0, 0, 0, 0},
    {"LIMITS", 0, 0, 0, 0, 0, 0},
    {"LIMITS RCPTMAX", 0, 0, 0, 0, 0, 0},
    {"LIMITS RCPTMAX= MAILMAX=0 RCPTDOMAINMAX=-1", 0, 0, 0, 0, 0, 0},
    {"LIMITS RCPTMAX=1000000 MAILMAX=1x RCPTDOMAINMAX=99999999999999999999", 0, 0, 0, 0, 0, 0},
    {"LIMITS RCPTMAX=20=1", 0, 0, 0, 0, 0, 0},
    {"LIMITS =20", 0, 0, 0, 0, 0, 0},
    {"DELIVERBY 240", 0, 0, 0, 240, 0, 0},
    {"DELIVERBY 240,x", 0, 0, 0, 240, 0, 0},
    {"DELIVERBY -1", 0, 0, 0, 0, 0, 0},
    {"DELIVERBY 1000000000", 0, 0, 0, 0, 0, 0},
    {"FUTURERELEASE 86400 2006-01-02T15:04:05Z", 0, 0, 0, 0, 86400, 1136214245},
    {"FUTURERELEASE 86400 2006-01-02t15:04:05.25z", 0, 0, 0, 0, 86400, 1136214245},
    {"FUTURERELEASE 86400", 0, 0, 0, 0, 86400, 0},
    {"FUTURERELEASE x 2006-01-02T15:04:05Z", 0, 0, 0, 0, 0, 1136214245},
    {"FUTURERELEASE 1 2006-01-02T15:04:05", 0, 0, 0, 0, 1, 0},
    {"FUTURERELEASE 1 2006-01-02T15:04:05+03:00", 0, 0, 0, 0, 1, 1136203445},
    {"FUTURERELEASE 1 2006-01-0xT15:04:05Z", 0, 0, 0, 0, 1, 0},
    {"FUTURERELEASE 1 0000-00-00T00:00:00Z", 0, 0, 0, 0, 1, 0},
};

static void parses_numbers(void) {
  struct nm_caps c = {0}, copy = {0};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct nm_buf text = {.max = 1000};
    struct nm_reply r;
    nm_buf_addf(&text, "mx\n%s", numbers[i].line);
    make(text.p, &r);
    CHECK(nm_caps_parse(&c, &r) == 0 && nm_caps_copy(&copy, &c) == 0);
    CHECK_ROW(copy.rcpt_max == numbers[i].rcpt_max && copy.mail_max == numbers[i].mail_max, numbers[i].line);
    CHECK_ROW(copy.domain_max == numbers[i].domain_max && copy.by_min == numbers[i].by_min, numbers[i].line);
    CHECK_ROW(copy.hold_max == numbers[i].hold_max && copy.hold_until == numbers[i].hold_until,
              numbers[i].line);
    nm_reply_free(&r);
    nm_buf_free(&text);
  }
  nm_caps_free(&c);
  nm_caps_free(&copy);
}

/* So that what we do not know is not lost. */
static void keeps_the_lines(void) {
  struct nm_caps c = {0}, copy = {0};
  struct nm_reply r;
  make("mx greets you\nXCLIENT NAME ADDR \n\nMT-PRIORITY  MIXER\nAUTH=PLAIN\nxclient again", &r);
  CHECK(nm_caps_parse(&c, &r) == 0 && nm_caps_copy(&copy, &c) == 0);
  nm_caps_free(&c);
  CHECK(nm_str_eq(nm_buf_str(&copy.lines),
                  NM_STR("XCLIENT NAME ADDR \nMT-PRIORITY  MIXER\nAUTH=PLAIN\nxclient again\n")));
  nm_caps_free(&copy);
  nm_reply_free(&r);
}

/* What comes behind the last line that is kept is understood all the same. */
static void bounds_the_lines(void) {
  struct nm_caps c = {0};
  struct nm_reply r;
  make("mx", &r);
  for (int i = 0; i < 9000; i++) {
    nm_buf_addf(&r.text, "\nX%d", i);
  }
  nm_buf_add_c(&r.text, "\nLIMITS RCPTMAX=7");
  CHECK(r.text.err == 0 && nm_caps_parse(&c, &r) == 0);
  CHECK(c.lines.n <= 16384 && c.lines.n > 16000 && c.lines.p[c.lines.n - 1] == '\n' && c.rcpt_max == 7);
  nm_caps_free(&c);
  nm_reply_free(&r);
}

static void knows_its_mechanisms(void) {
  struct nm_caps c = {0}, copy = {0};
  struct nm_reply r;
  make("mx\nAUTH PLAIN SCRAM-SHA-256-PLUS", &r);
  CHECK(nm_caps_parse(&c, &r) == 0 && nm_caps_copy(&copy, &c) == 0);
  nm_caps_free(&c);
  CHECK(nm_caps_has_auth(&copy, "PLAIN") && nm_caps_has_auth(&copy, "scram-sha-256-plus"));
  CHECK(!nm_caps_has_auth(&copy, "SCRAM-SHA-256") && !nm_caps_has_auth(&copy, "LAIN") &&
        !nm_caps_has_auth(&copy, ""));
  CHECK(!nm_caps_has_auth(&copy, "PLAIN SCRAM-SHA-256-PLUS"));
  nm_caps_free(&copy);
  nm_reply_free(&r);
}

/* A server that offers thousands of mechanisms costs neither memory nor the connection. */
static void bounds_the_mechanisms(void) {
  struct nm_caps c = {0};
  struct nm_reply r;
  make("mx\nAUTH PLAIN", &r);
  for (int i = 0; i < 5000; i++) {
    nm_buf_addf(&r.text, " X%d", i);
  }
  nm_buf_add_c(&r.text, "\nPIPELINING");
  CHECK(r.text.err == 0 && nm_caps_parse(&c, &r) == 0);
  CHECK(c.auth.n <= 2048 && nm_caps_has_auth(&c, "PLAIN") && (c.flags & PIPE) != 0);
  nm_caps_free(&c);
  nm_reply_free(&r);
}

static void survives_short_memory(void) {
  struct nm_reply r;
  make("mx\nAUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS XOAUTH2 OAUTHBEARER", &r);
  long live = nm_test_alloc_live();
  for (long k = 1; k <= 8; k++) {
    struct nm_caps c = {0}, copy = {0};
    nm_test_alloc_fail_at(k);
    int rc = nm_caps_parse(&c, &r);
    CHECK(rc == 0 || rc == NM_ENOMEM);
    if (rc == 0) {
      rc = nm_caps_copy(&copy, &c);
      CHECK(rc == 0 ? nm_caps_has_auth(&copy, "OAUTHBEARER") : rc == NM_ENOMEM);
    }
    nm_test_alloc_fail_at(0);
    nm_caps_free(&c);
    nm_caps_free(&copy);
    CHECK(nm_test_alloc_live() == live);
  }
  nm_reply_free(&r);
}

int main(void) {
  RUN(parses_rows);
  RUN(parses_numbers);
  RUN(keeps_the_lines);
  RUN(bounds_the_lines);
  RUN(knows_its_mechanisms);
  RUN(bounds_the_mechanisms);
  RUN(survives_short_memory);
  return ctest_end();
}
