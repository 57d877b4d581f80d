#include "net/dialler.h"

#include <curl/curl.h>

#define HELLO "send:220 mail.example.test ESMTP\\r\\n", "expect:EHLO client.example.test"

static const struct nm_net_api *api;
static struct nm_net *net;
static int has_gssapi; /* in this build of libcurl */

/* One dial with a login; the server's steps after EHLO's reply come in pairs. */
struct row {
  const char *user, *mechanisms;
  const char *offer; /* "PLAIN LOGIN"; NULL: no AUTH line */
  const char *steps[6];
  int code;
  int has_235;
  const char *word; /* in the error's text, or in the server's lines */
};

static const struct row rows[] = {
    /* Initial responses, RFC 4954 4: base64 of NUL ivanov NUL hunter2. */
    {"ivanov",
     "PLAIN",
     "PLAIN LOGIN",
     {"expect:AUTH PLAIN AGl2YW5vdgBodW50ZXIy", "send:235 2.7.0 ok\\r\\n"},
     0,
     1,
     ""},
    {"ivanov",
     "LOGIN",
     "PLAIN LOGIN",
     {"expect:AUTH LOGIN aXZhbm92", "send:334 UGFzc3dvcmQ6\\r\\n",
      "expect:aHVudGVyMg==", "send:235 ok\\r\\n"},
     0,
     1,
     ""},
    /* Several are allowed: the strongest of those offered. CRAM-MD5 answers the challenge "x". */
    {"ivanov",
     "LOGIN PLAIN CRAM-MD5",
     "PLAIN LOGIN CRAM-MD5",
     {"expect:AUTH CRAM-MD5", "send:334 eA==\\r\\n", "expect:aXZhbm92I", "send:235 ok\\r\\n"},
     0,
     1,
     ""},
    {"ivanov", "LOGIN PLAIN CRAM-MD5", "LOGIN PLAIN", {"expect:AUTH PLAIN ", "send:235 ok\\r\\n"}, 0, 1, ""},
    {"ivanov",
     "LOGIN",
     "GSSAPI NTLM CRAM-MD5 PLAIN LOGIN",
     {"expect:AUTH LOGIN ", "send:334 UGFzc3dvcmQ6\\r\\n", "expect:", "send:235 ok\\r\\n"},
     0,
     1,
     ""},
    /* A name with an @ makes libcurl prefer the Kerberos ticket, if it is left to choose. */
    {"ivanov@example.test",
     "PLAIN LOGIN",
     "GSSAPI PLAIN LOGIN",
     {"expect:AUTH PLAIN ", "send:235 ok\\r\\n"},
     0,
     1,
     ""},
    /* Refused; the reply is there to be shown. */
    {"ivanov",
     "PLAIN",
     "PLAIN",
     {"expect:AUTH PLAIN ", "send:535 5.7.8 no\\r\\n"},
     NM_EREJECT,
     0,
     "check user name"},
    {"ivanov",
     "PLAIN",
     "PLAIN",
     {"expect:AUTH PLAIN ", "send:454 4.7.0 later\\r\\n"},
     NM_EREJECT,
     0,
     "not possible now"},
    {"ivanov",
     "LOGIN",
     "LOGIN",
     {"expect:AUTH LOGIN ", "send:334 UGFzc3dvcmQ6\\r\\n", "expect:", "send:535 no\\r\\n"},
     NM_EREJECT,
     0,
     "check user name"},
    /* Offered, but none that was named. */
    {"ivanov", "PLAIN LOGIN", "GSSAPI CRAM-MD5", {NULL}, NM_EREJECT, 0, "no mechanism"},
    /* Not offered at all: libcurl calls that success. Whoever reads the lines must look for the 235. */
    {"ivanov", "PLAIN", NULL, {NULL}, 0, 0, ""},
    /* The ticket's owner, by name only; there is no ticket here. */
    {"",
     "GSSAPI",
     "GSSAPI PLAIN",
     {"expect:AUTH GSSAPI", "send:334 \\r\\n"},
     NM_EINVAL,
     0,
     "Kerberos ticket"},
    {"ivanov",
     "GSSAPI",
     "GSSAPI PLAIN",
     {"expect:AUTH GSSAPI", "send:334 \\r\\n"},
     NM_EINVAL,
     0,
     "Kerberos ticket"},
    /* Nobody named: not a word about AUTH. */
    {NULL, NULL, "PLAIN LOGIN EXTERNAL", {NULL}, 0, 0, ""},
    /* A password may hold anything. */
    {"ivanov;AUTH=LOGIN", "PLAIN", "PLAIN LOGIN", {"expect:AUTH PLAIN ", "send:235 ok\\r\\n"}, 0, 1, ""},
};

static void check_row(const struct row *r, enum nm_tls tls) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  char offer[128];
  const char *steps[8] = {NULL};
  (void)snprintf(offer, sizeof offer, "send:250-x\\r\\n250-%s%s\\r\\n250 SIZE\\r\\n",
                 r->offer != NULL ? "AUTH " : "HELP", r->offer != NULL ? r->offer : "");
  size_t n = 0;
  while (n < 6 && r->steps[n] != NULL) {
    steps[n] = r->steps[n];
    n++;
  }
  steps[n] = "end";
  if (tls == NM_TLS_IMPLICIT) {
    server_start(&s, "tls:good", HELLO, offer, steps[0], steps[1], steps[2], steps[3], steps[4], steps[5]);
  } else {
    server_start(&s, HELLO, offer, steps[0], steps[1], steps[2], steps[3], steps[4], steps[5]);
  }
  struct nm_dial d = dial_to(s.port, tls);
  d.user = r->user;
  d.password = "hunter2";
  d.mechanisms = r->mechanisms;
  int rc = dial(net, &d, &c, &e);
  int code = r->code == NM_EINVAL && !has_gssapi ? NM_EREJECT : r->code;
  CHECK_ROW(rc == code, e.text);
  CHECK_ROW(rc == 0 || e.kind == NM_KIND_AUTH, e.text);
  CHECK_ROW((code != r->code || strstr(e.text, r->word) != NULL) && strstr(e.text, "hunter2") == NULL,
            e.text);
  CHECK_ROW(lines_have(c, "\r\n235 ") == r->has_235, r->mechanisms != NULL ? r->mechanisms : "none");
  CHECK(r->code != NM_EREJECT || r->steps[0] == NULL || strstr(r->steps[0], "expect") == NULL ||
        lines_have(c, "\r\n535 ") || lines_have(c, "\r\n454 "));
  api->conn_close(&c, 1);
  server_stop(&s);
  CHECK_ROW(strstr(s.log, "unexpected") == NULL, s.log);
  CHECK_ROW(r->user != NULL || strstr(s.log, "line AUTH") == NULL, s.log);
}

static void login_is_what_was_named(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    check_row(&rows[i], NM_TLS_NONE);
    check_row(&rows[i], NM_TLS_IMPLICIT);
  }
}

int main(void) {
  certs_make();
  (void)setenv("KRB5CCNAME", "FILE:/nonexistent/ticket", 1);
  (void)setenv("KRB5_CONFIG", "/dev/null", 1);
  has_gssapi = (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_GSSAPI) != 0;
  api = nm_net_api();
  net = api->net_new(NULL);
  RUN(login_is_what_was_named);
  api->net_free(net);
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
