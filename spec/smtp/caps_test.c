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
         NM_CAP_DSN,
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
  for (long k = 1; k <= 4; k++) {
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
  RUN(knows_its_mechanisms);
  RUN(bounds_the_mechanisms);
  RUN(survives_short_memory);
  return ctest_end();
}
