#include "net/dialler.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define HELLO "send:220 mail.example.test ESMTP\\r\\n", "expect:EHLO client.example.test"
#define CAPS "send:250-mail.example.test\\r\\n250-PIPELINING\\r\\n250 AUTH PLAIN LOGIN\\r\\n"

static const struct nm_net_api *api;
static struct nm_net *net;

static void plain_line_is_ready_after_ehlo(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  server_start(&s, HELLO, CAPS, "echo");
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  CHECK(dial(net, &d, &c, &e) == 0);
  CHECK(lines_have(c, "220 mail.example.test ESMTP\r\n250-mail.example.test\r\n250-PIPELINING\r\n"));
  CHECK(lines_have(c, "250 AUTH PLAIN LOGIN\r\n"));
  CHECK(api->dial_progress(c) == 4); /* resolved, connected, two replies */
  CHECK(api->conn_is_loopback(c));
  CHECK(api->dial_step(c, &e) == 0);
  CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
  CHECK(!api->conn_readable(c));
  api->conn_close(&c, 0);
  CHECK(c == NULL);
  api->conn_close(&c, 0);
  CHECK(server_says(&s, "end eof", PATIENCE));
  CHECK(strstr(s.log, "QUIT") == NULL);
  server_stop(&s);
}

static void hostile_arguments_are_refused(void) {
  static const struct {
    const char *host, *name, *mechanisms, *proxy;
    int port;
  } rows[] = {
      {"a/b", "x", "PLAIN", NULL, 25},
      {"u@a", "x", "PLAIN", NULL, 25},
      {"a\r\nb", "x", "PLAIN", NULL, 25},
      {"", "x", "PLAIN", NULL, 25},
      {NULL, "x", "PLAIN", NULL, 25},
      {"a#b", "x", "PLAIN", NULL, 25},
      {"a", "", "PLAIN", NULL, 25},
      {"a", NULL, "PLAIN", NULL, 25},
      {"a", "x y", "PLAIN", NULL, 25},
      {"a", "x\r\nRSET", "PLAIN", NULL, 25},
      {"a", "x/y", "PLAIN", NULL, 25},
      {"a", "x", "", NULL, 25},
      {"a", "x", NULL, NULL, 25},
      {"a", "x", "PLAIN;X", NULL, 25},
      {"a", "x", "NO-SUCH", NULL, 0},
      {"a", "x", "PLAIN", NULL, 65536},
      {"a", "x", "PLAIN", "", 25},
      {"a", "x", "PLAIN", "ftp://p:1", 25},
      {"a", "x", "PLAIN", "http://u:secret@p:x", 25},
      {"a", "x", "PLAIN", "nonsense://u:secret@p", 25},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_conn *c = NULL;
    struct nm_error e = {0};
    struct nm_dial d = dial_to(rows[i].port, NM_TLS_NONE);
    d.host = rows[i].host;
    d.ehlo_name = rows[i].name;
    d.user = "u";
    d.mechanisms = rows[i].mechanisms;
    d.proxy = rows[i].proxy;
    char row[16];
    (void)snprintf(row, sizeof row, "%zu", i);
    CHECK_ROW(api->dial_start(net, &d, &c, &e) == NM_EINVAL && c == NULL && e.text[0] != '\0', row);
    CHECK_ROW(strstr(e.text, "secret") == NULL, e.text);
  }
}

static void ehlo_says_the_name_as_it_is(void) {
  static const char *const names[] = {"client.example.test", "[127.0.0.1]", "[IPv6:2001:db8::1]", "a_b-c.d"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    char line[64];
    server_start(&s, "send:220 x\\r\\n", "expect:EHLO", CAPS, "echo");
    struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
    d.ehlo_name = names[i];
    CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
    (void)snprintf(line, sizeof line, "line EHLO %s\n", names[i]);
    CHECK_ROW(server_says(&s, line, PATIENCE), s.log);
    api->conn_close(&c, 1);
    server_stop(&s);
  }
}

static void ipv6_literal_is_reached(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  int probe = socket(AF_INET6, SOCK_STREAM, 0);
  struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int have = probe >= 0 && bind(probe, (struct sockaddr *)&here, sizeof here) == 0;
  (void)close(probe);
  if (!have) {
    SKIP("no IPv6 here");
  }
  server_start_n(&s, "::1", 1, "tls:good", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  d.host = "::1";
  d.ip_version = 0;
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  CHECK(c == NULL || api->conn_is_loopback(c));
  api->conn_close(&c, 1);
  server_stop(&s);
}

static void environment_chooses_no_proxy(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  (void)setenv("all_proxy", "http://127.0.0.1:1", 1);
  (void)setenv("smtp_proxy", "http://127.0.0.1:1", 1);
  server_start(&s, HELLO, CAPS, "echo");
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  (void)unsetenv("all_proxy");
  (void)unsetenv("smtp_proxy");
  api->conn_close(&c, 1);
  server_stop(&s);
}

static void proxy_is_asked_for_a_tunnel(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  char proxy[64];
  (void)setenv("no_proxy", "*", 1);
  server_start(&s, "expect:CONNECT mail.example.test:25 HTTP/1.1", "sleep:0.1",
               "send:HTTP/1.1 200 here you are\\r\\nX-Secret: of the proxy\\r\\n\\r\\n", "sleep:0.1",
               "send:220 mail.example.test\\r\\n", "sleep:0.1", CAPS, "echo");
  struct nm_dial d = dial_to(25, NM_TLS_NONE);
  (void)snprintf(proxy, sizeof proxy, "http://u:sec%%20ret@127.0.0.1:%d", s.port);
  d.host = "mail.example.test";
  d.proxy = proxy;
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  CHECK(lines_have(c, "220 mail.example.test") && !lines_have(c, "HTTP") && !lines_have(c, "X-Secret"));
  CHECK(!api->conn_is_loopback(c));
  api->conn_close(&c, 1);
  server_stop(&s);
  (void)unsetenv("no_proxy");
  CHECK_ROW(strstr(s.log, "Proxy-Authorization: Basic dTpzZWMgcmV0") != NULL, s.log); /* u:sec ret */
}

static void proxy_password_is_in_no_error(void) {
  static const char *const proxies[] = {"http://u:hunter2@127.0.0.1:1", "socks5h://u:hunter2@127.0.0.1:1",
                                        "https://u:hunter2@127.0.0.1:1",
                                        "http://u:hunter2@nowhere.invalid:1"};
  for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
    struct nm_conn *c;
    struct nm_error e;
    struct nm_dial d = dial_to(25, NM_TLS_NONE);
    d.proxy = proxies[i];
    CHECK_ROW(dial(net, &d, &c, &e) == NM_EIO && e.kind == NM_KIND_CONNECT, e.text);
    CHECK_ROW(strstr(e.text, "hunter2") == NULL, e.text);
    api->conn_close(&c, 1);
  }
}

static void nobody_there_is_a_connect_error(void) {
  static const struct {
    const char *host;
    int port;
  } rows[] = {{"127.0.0.1", 1}, {"nowhere.invalid", 25}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_conn *c;
    struct nm_error e;
    struct nm_dial d = dial_to(rows[i].port, NM_TLS_NONE);
    d.host = rows[i].host;
    CHECK_ROW(dial(net, &d, &c, &e) == NM_EIO && e.kind == NM_KIND_CONNECT, e.text);
    CHECK(!api->dial_refused(c));
    api->conn_close(&c, 1);
  }
}

static void greeting_that_refuses_is_no_protocol_error(void) {
  static const struct {
    const char *greeting;
    int code;
    enum nm_kind kind;
  } rows[] = {
      {"send:554 go away\\r\\n", NM_EREJECT, NM_KIND_CONNECT},
      {"send:421 too busy\\r\\n", NM_EREJECT, NM_KIND_CONNECT},
      {"send:150 well\\r\\n", NM_EPROTO, NM_KIND_PROTOCOL},
      {"close", NM_EIO, NM_KIND_CONNECT},
      {"reset", NM_EIO, NM_KIND_CONNECT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    server_start(&s, rows[i].greeting, "end");
    struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
    CHECK_ROW(dial(net, &d, &c, &e) == rows[i].code && e.kind == rows[i].kind, e.text);
    api->conn_close(&c, 1);
    server_stop(&s);
  }
}

static void flood_of_replies_ends_the_dial(void) {
  static const char *const floods[] = {"flood:5000:250-and this, and that, and more\\r\\n",
                                       "flood:200000:abcdefgh"};
  for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    server_start(&s, HELLO, floods[i], "send:\\r\\n250 ok\\r\\n", "end");
    struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
    int rc = dial(net, &d, &c, &e);
    const char *p;
    size_t n;
    api->dial_lines(c, &p, &n);
    CHECK(n <= 65536);
    if (i == 0) {
      CHECK_ROW(rc == NM_ELIMIT && e.kind == NM_KIND_PROTOCOL, e.text);
    } else { /* one endless line: libcurl drops what it does not need, or fails */
      CHECK(rc <= 0);
    }
    api->conn_close(&c, 1);
    server_stop(&s);
  }
}

static void slow_server_is_waited_for(void) {
  static const struct {
    int timeout_ms; /* of the connect phase only */
    const char *sleep;
  } rows[] = {{300, "sleep:0.4"}, {5000, "sleep:6"}};
  struct nm_error e = {0};
  int rc = -1;
  for (size_t i = 0; i < 2 && rc != 0; i++) { /* that phase may take longer on a busy machine */
    struct server s;
    struct nm_conn *c;
    server_start(&s, "drip:0.05:220 mail.example.test ESMTP\\r\\n", "expect:EHLO", rows[i].sleep,
                 "drip:0.02:250-mail.example.test\\r\\n250 SIZE\\r\\n", "echo");
    struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
    d.timeout_ms = rows[i].timeout_ms;
    CHECK(api->dial_start(net, &d, &c, &e) == 0);
    uint64_t seen = 0;
    int steps = 0;
    for (rc = api->dial_step(c, &e); rc == NM_AGAIN && steps < 10000; steps++) {
      CHECK(api->dial_progress(c) >= seen);
      seen = api->dial_progress(c);
      (void)api->dial_wait(c, 200);
      rc = api->dial_step(c, &e);
    }
    CHECK_ROW(rc == 0 || rc == NM_ETIME, e.text);
    CHECK(rc != 0 || (seen >= 3 && steps < 200));
    api->conn_close(&c, 1);
    server_stop(&s);
  }
  CHECK_ROW(rc == 0, e.text);
}

static void wait_keeps_its_time(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e = {0};
  server_start(&s, "end"); /* never says a word */
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  CHECK(api->dial_start(net, &d, &c, &e) == 0);
  CHECK(dial_run(c, 100, &e) == NM_AGAIN); /* connected by now */
  long long start = now_ms();
  int rc = 0;
  while (rc == 0 && now_ms() - start < PATIENCE) {
    rc = api->dial_wait(c, 150);
    CHECK(api->dial_step(c, &e) == NM_AGAIN);
  }
  CHECK(rc == NM_ETIME);
  CHECK(now_ms() - start >= 150 && now_ms() - start < PATIENCE);
  api->conn_close(&c, 1);
  server_stop(&s);
}

/* An address of TEST-NET-1 (RFC 5737) answers nothing, where it is not refused at once. */
static void connect_phase_is_bounded(void) {
  struct nm_conn *c;
  struct nm_error e;
  struct nm_dial d = dial_to(25, NM_TLS_NONE);
  d.host = "192.0.2.1";
  d.timeout_ms = 300;
  long long start = now_ms();
  int rc = dial(net, &d, &c, &e);
  CHECK(now_ms() - start < PATIENCE);
  CHECK_ROW((rc == NM_ETIME && e.kind == NM_KIND_TIMEOUT) || (rc == NM_EIO && e.kind == NM_KIND_CONNECT),
            e.text);
  api->conn_close(&c, 1);
}

static void loopback_only_is_kept(void) {
  struct nm_conn *c;
  struct nm_error e;
  struct nm_dial d = dial_to(25, NM_TLS_NONE);
  d.host = "192.0.2.1";
  d.loopback_only = 1;
  CHECK(dial(net, &d, &c, &e) == NM_EINVAL && e.kind == NM_KIND_TLS);
  CHECK(api->dial_refused(c));
  api->conn_close(&c, 1);

  d.host = "localhost";
  d.proxy = "http://127.0.0.1:1";
  CHECK(dial(net, &d, &c, &e) == NM_EINVAL && e.kind == NM_KIND_TLS);
  CHECK(api->dial_refused(c));
  api->conn_close(&c, 1);

  struct server s;
  server_start(&s, HELLO, CAPS, "echo");
  d.proxy = NULL;
  d.port = s.port;
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  CHECK(!api->dial_refused(c) && api->conn_is_loopback(c));
  api->conn_close(&c, 1);
  server_stop(&s);
}

/* As in conn_test.c: each write of the server's would wait 40 ms for our acknowledgement of the one before. */
static void dial_meets_no_stall(void) {
  enum { N = 100 }; /* on a busy machine few are quick; with the stall none is */
  struct server s;
  long long best = 1000;
  server_start_n(&s, "127.0.0.1", N, HELLO, "send:250-x\\r\\n", "send:250-y\\r\\n", "send:250 z\\r\\n", "end",
                 NULL);
  for (int i = 0; i < N && best >= 35; i++) {
    struct nm_conn *c;
    struct nm_error e;
    struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
    long long start = now_ms();
    CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
    best = now_ms() - start < best ? now_ms() - start : best;
    api->conn_close(&c, 1);
  }
  CHECK(best < 35);
  server_kill(&s);
}

static void close_in_the_middle_of_a_dial(void) {
  static const char *const scripts[][3] = {
      {"sleep:0.2", "end", NULL},
      {"send:220 x\\r\\n", "end", NULL},
      {"tls:good", "end", NULL},
  };
  for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
    for (int quietly = 0; quietly < 2; quietly++) {
      struct server s;
      struct nm_conn *c;
      struct nm_error e = {0};
      server_start(&s, scripts[i][0], scripts[i][1]);
      struct nm_dial d = dial_to(s.port, i == 2 ? NM_TLS_IMPLICIT : NM_TLS_NONE);
      CHECK(api->dial_start(net, &d, &c, &e) == 0);
      long long start = now_ms();
      do {
        CHECK(dial_run(c, 50, &e) == NM_AGAIN);
      } while (i == 2 && !server_says(&s, "tls TLS", 0) && now_ms() - start < PATIENCE);
      start = now_ms();
      api->conn_close(&c, quietly);
      CHECK(now_ms() - start < 10000); /* waits for nobody, who would say nothing */
      CHECK(server_says(&s, "end ", PATIENCE));
      server_stop(&s);
      CHECK_ROW(i != 2 || !quietly || strstr(s.log, "end cut") != NULL, s.log);
      CHECK_ROW(strstr(s.log, "QUIT") == NULL, s.log);
    }
  }
  /* Never stepped at all. */
  struct nm_conn *c;
  struct nm_error e = {0};
  struct nm_dial d = dial_to(25, NM_TLS_NONE);
  CHECK(api->dial_start(net, &d, &c, &e) == 0);
  api->conn_close(&c, 0);
}

/* Each starts its own; libcurl works on all of them at whichever's step. */
static void several_dials_in_one_net(void) {
  enum { N = 12 };
  struct server s;
  struct nm_conn *c[N];
  struct nm_error e = {0};
  server_start_n(&s, "127.0.0.1", N, "tls:good", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  for (int i = 0; i < N; i++) {
    CHECK(api->dial_start(net, &d, &c[i], &e) == 0);
  }
  for (int i = 0; i < N; i++) {
    CHECK_ROW(dial_run(c[i], PATIENCE, &e) == 0, e.text);
  }
  for (int i = 0; i < N; i++) {
    CHECK(exchange(c[i], "NOOP\r\n", "250 NOOP\r\n"));
  }
  for (int i = 0; i < N; i += 2) {
    api->conn_close(&c[i], i % 4 == 0);
  }
  for (int i = 1; i < N; i += 2) {
    CHECK(exchange(c[i], "RSET\r\n", "250 RSET\r\n"));
    api->conn_close(&c[i], 0);
  }
  server_stop(&s);
}

static void memory_may_end_anywhere(void) {
  long live = nm_test_alloc_live();
  for (long n = 1; n < 100; n++) {
    struct nm_conn *c = NULL;
    struct nm_error e = {0};
    struct nm_dial d = dial_to(25, NM_TLS_NONE);
    d.user = "u";
    d.mechanisms = "PLAIN LOGIN";
    nm_test_alloc_fail_at(n);
    struct nm_net *mine = api->net_new(NULL);
    int rc = mine == NULL ? NM_ENOMEM : api->dial_start(mine, &d, &c, &e);
    nm_test_alloc_fail_at(0);
    CHECK(rc == 0 || rc == NM_ENOMEM);
    CHECK((rc == 0) == (c != NULL));
    api->conn_close(&c, 1);
    api->net_free(mine);
    CHECK(nm_test_alloc_live() == live);
    if (rc == 0) {
      CHECK(n > 3);
      return;
    }
  }
  CHECK(0); /* never got through */
}

/* The server's lines are the first allocation once the dial runs. */
static void memory_may_end_in_a_callback(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e = {0};
  server_start(&s, HELLO, CAPS, "echo");
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  CHECK(api->dial_start(net, &d, &c, &e) == 0);
  nm_test_alloc_fail_at(1);
  CHECK(dial_run(c, 5000, &e) == NM_ENOMEM && e.code == NM_ENOMEM);
  nm_test_alloc_fail_at(0);
  api->conn_close(&c, 1);
  server_stop(&s);
}

static void library_is_good_enough(void) {
  char why[NM_NET_WHY_MAX] = "";
  CHECK(nm_net_check(why, sizeof why) == 0);
  CHECK(strstr(api->curl_version(), "libcurl/") != NULL);
  CHECK(api->magic == NM_NET_API_MAGIC && api->version == NM_NET_API_VERSION && api->size == sizeof *api);
}

int main(void) {
  certs_make();
  api = nm_net_api();
  net = api->net_new(NULL);
  RUN(library_is_good_enough);
  RUN(plain_line_is_ready_after_ehlo);
  RUN(hostile_arguments_are_refused);
  RUN(ehlo_says_the_name_as_it_is);
  RUN(ipv6_literal_is_reached);
  RUN(environment_chooses_no_proxy);
  RUN(proxy_is_asked_for_a_tunnel);
  RUN(proxy_password_is_in_no_error);
  RUN(nobody_there_is_a_connect_error);
  RUN(greeting_that_refuses_is_no_protocol_error);
  RUN(flood_of_replies_ends_the_dial);
  RUN(slow_server_is_waited_for);
  RUN(wait_keeps_its_time);
  RUN(connect_phase_is_bounded);
  RUN(loopback_only_is_kept);
  RUN(dial_meets_no_stall);
  RUN(close_in_the_middle_of_a_dial);
  RUN(several_dials_in_one_net);
  RUN(memory_may_end_anywhere);
  RUN(memory_may_end_in_a_callback);
  api->net_free(net);
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
