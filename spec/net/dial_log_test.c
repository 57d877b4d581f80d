#include "net/dialler.h"

#include <curl/curl.h>

/* What a dial's log shows, and what it never does. */

#define GREETING "send:220 mail.example.test ESMTP\\r\\n"
#define HELLO GREETING, "expect:EHLO client.example.test"

static const struct nm_net_api *api;
static struct nm_net *net;

/* 'C', 'S' and '-' with their lines; valid until the next call. */
static const char *log_of(const struct nm_conn *c) {
  static char text[16384];
  const char *p;
  size_t n;
  api->dial_log(c, &p, &n);
  n = n < sizeof text - 1 ? n : sizeof text - 1;
  memcpy(text, p, n);
  text[n] = '\0';
  return text;
}

static void shows_all_that_is_said(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  server_start(&s, HELLO, "send:250-x\\r\\n250 STARTTLS\\r\\n", "expect:STARTTLS", "send:220 go\\r\\n",
               "tls:good", "expect:EHLO", "send:250-x\\r\\n250 AUTH PLAIN\\r\\n", "end");
  struct nm_dial d = dial_to(s.port, NM_TLS_STARTTLS);
  d.wants_log = 1;
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  CHECK_ROW(
      strcmp(log_of(c),
             "-connecting to 127.0.0.1\n-connected\nS220 mail.example.test ESMTP\nCEHLO client.example.test\n"
             "S250-x\nS250 STARTTLS\nCSTARTTLS\nS220 go\n"
             "-the line is encrypted, and the certificate is the server's\n"
             "CEHLO client.example.test\nS250-x\nS250 AUTH PLAIN\n") == 0,
      log_of(c));
  api->conn_close(&c, 1);
  server_stop(&s);
}

static void shows_nothing_unasked(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  server_start(&s, HELLO, "send:250 x\\r\\n", "end");
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  CHECK(log_of(c)[0] == '\0');
  api->conn_close(&c, 1);
  server_stop(&s);
}

/* hunter2, and base64 of it, of the name before it, and of both as PLAIN has them. */
static const char *const secrets[] = {"hunter2",    "aHVudGVyMg", "aXZhbm92", "AGl2YW5vdgBodW50ZXIy",
                                      "PG5vbmNlPg", NULL};

static void check_hides(const struct nm_conn *c, const char *row) {
  for (size_t i = 0; secrets[i] != NULL; i++) {
    CHECK_ROW(strstr(log_of(c), secrets[i]) == NULL, row);
  }
}

/* A login of libcurl's, also with a server that repeats what it does not understand. */
static void hides_a_login(void) {
  static const struct {
    const char *mechanism;
    const char *steps[6];
    const char *shown;
  } rows[] = {
      {"PLAIN", {"expect:AUTH PLAIN", "send:235 ok ivanov\\r\\n"}, "CAUTH PLAIN ***\nS235 ok ivanov\n"},
      {"PLAIN",
       {"expect:AUTH PLAIN",
        "send:535-5.7.8 no: AUTH PLAIN AGl2YW5vdgBodW50ZXIy\\r\\n535 5.7.8 hunter2\\r\\n"},
       "CAUTH PLAIN ***\nS535-5.7.8 ***\nS535 5.7.8 ***\n"},
      {"LOGIN",
       {"expect:AUTH LOGIN", "send:334 UGFzc3dvcmQ6\\r\\n", "expect:aHVudGVyMg==", "send:235 ok\\r\\n"},
       "CAUTH LOGIN ***\nS334 ***\nC***\nS235 ok\n"},
      {"CRAM-MD5",
       {"expect:AUTH CRAM-MD5", "send:334 PG5vbmNlPg==\\r\\n", "expect:", "send:500 hunter2 what\\r\\n"},
       "CAUTH CRAM-MD5\nS334 ***\nC***\nS500 ***\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    const char *const *t = rows[i].steps;
    server_start(&s, HELLO, "send:250-x\\r\\n250 AUTH PLAIN LOGIN CRAM-MD5\\r\\n", t[0], t[1],
                 t[2] != NULL ? t[2] : "end", t[3] != NULL ? t[3] : "end", "end");
    struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
    d.wants_log = 1;
    d.user = "ivanov";
    d.password = "hunter2";
    d.mechanisms = rows[i].mechanism;
    (void)dial(net, &d, &c, &e);
    const char *from = strstr(log_of(c), "CAUTH");
    CHECK_ROW(from != NULL && strncmp(from, rows[i].shown, strlen(rows[i].shown)) == 0, log_of(c));
    check_hides(c, rows[i].mechanism);
    api->conn_close(&c, 1);
    server_stop(&s);
  }
}

/* libcurl shows the request to a proxy with the password in it. */
static void hides_the_way_through_a_proxy(void) {
  static const struct {
    const char *answer;
    int code;
    const char *shown;
  } rows[] = {
      {"send:HTTP/1.1 200 go\\r\\nX-Echo: aXZhbm92Omh1bnRlcjI=\\r\\n\\r\\n", 0,
       "-connecting to 127.0.0.1\n-the proxy is asked for the way\n-the proxy says: HTTP/1.1 200 "
       "go\n-connected\n"
       "S220 mail.example.test ESMTP\nCEHLO client.example.test\nS250 x\n"},
      {"send:HTTP/1.1 407 who?\\r\\nProxy-Authenticate: Basic "
       "realm=\"aXZhbm92Omh1bnRlcjI=\"\\r\\nContent-Length: 0\\r\\n\\r\\n",
       NM_EIO,
       "-connecting to 127.0.0.1\n-the proxy is asked for the way\n-the proxy says: HTTP/1.1 407 "
       "who?\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    char proxy[128];
    server_start(&s, "expect:CONNECT mail.example.test:25",
                 "expect:", "expect:Proxy-Authorization: Basic aXZhbm92",
                 "expect:", "expect:", rows[i].answer, GREETING, "expect:EHLO", "send:250 x\\r\\n", "end");
    struct nm_dial d = dial_to(25, NM_TLS_NONE);
    (void)snprintf(proxy, sizeof proxy, "http://ivanov:hunter2@127.0.0.1:%d", s.port);
    d.host = "mail.example.test";
    d.proxy = proxy;
    d.wants_log = 1;
    int rc = dial(net, &d, &c, &e);
    CHECK_ROW(rc == rows[i].code || (rc < 0 && rows[i].code < 0), e.text);
    CHECK_ROW(strncmp(log_of(c), rows[i].shown, strlen(rows[i].shown)) == 0, log_of(c));
    check_hides(c, log_of(c));
    api->conn_close(&c, 1);
    server_stop(&s);
    CHECK_ROW(strstr(s.log, "unexpected") == NULL, s.log);
  }
}

static void does_not_grow_without_end(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  const char *p;
  size_t n;
  server_start(&s, HELLO, "flood:20000:250-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\r\\n",
               "end");
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  d.wants_log = 1;
  CHECK(dial(net, &d, &c, &e) == NM_ELIMIT);
  api->dial_log(c, &p, &n);
  CHECK(n > 1000 && n <= 256 << 10);
  api->conn_close(&c, 1);
  server_stop(&s);
}

static void times_follow_one_another(void) {
  static const struct {
    const char *sleep;
    int64_t most; /* microseconds */
  } rows[] = {{"sleep:0.1", 90000}, {"sleep:4", 2000000}};
  int are_apart = 0;
  for (size_t i = 0; i < 2 && !are_apart;
       i++) { /* who is late to see that it is connected sees less of the server's pause */
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    struct nm_dial_times t = {0};
    server_start(&s, rows[i].sleep, "tls:good", rows[i].sleep, HELLO, "send:250 x\\r\\n", "end");
    struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
    CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
    api->dial_times(c, &t);
    CHECK(0 < t.resolved && t.resolved <= t.connected && t.connected < t.secure && t.secure < t.ready);
    CHECK(t.ready < 60000000);
    are_apart = t.connected + rows[i].most < t.secure && t.secure + rows[i].most < t.ready;
    api->conn_close(&c, 1);
    server_stop(&s);
  }
  CHECK(are_apart);
}

/* Whichever allocation fails, the dial works or says so, and nothing leaks. */
static void survives_each_failing_allocation(void) {
  for (long n = 1; n < 40; n++) {
    struct server s;
    struct nm_conn *c = NULL;
    struct nm_error e = {0};
    server_start(&s, HELLO, "send:250-x\\r\\n250 AUTH PLAIN\\r\\n", "expect:AUTH", "send:235 ok\\r\\n",
                 "end");
    struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
    d.wants_log = 1;
    d.user = "ivanov";
    d.password = "hunter2";
    d.mechanisms = "PLAIN";
    long live = nm_test_alloc_live();
    nm_test_alloc_fail_at(n);
    int rc = dial(net, &d, &c, &e);
    nm_test_alloc_fail_at(0);
    CHECK(rc == 0 || rc == NM_ENOMEM);
    if (c != NULL) {
      check_hides(c, "short of memory");
      api->conn_close(&c, 1);
    }
    CHECK(nm_test_alloc_live() == live);
    server_kill(&s);
  }
}

int main(void) {
  certs_make();
  api = nm_net_api();
  net = api->net_new(NULL);
  RUN(shows_all_that_is_said);
  RUN(shows_nothing_unasked);
  RUN(hides_a_login);
  RUN(hides_the_way_through_a_proxy);
  RUN(does_not_grow_without_end);
  RUN(times_follow_one_another);
  RUN(survives_each_failing_allocation);
  api->net_free(net);
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
