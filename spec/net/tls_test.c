#include "net/dialler.h"

#define HELLO "send:220 mail.example.test ESMTP\\r\\n", "expect:EHLO client.example.test"
#define CAPS "send:250-mail.example.test\\r\\n250-PIPELINING\\r\\n250 AUTH PLAIN LOGIN\\r\\n"
#define OFFER "send:250-mail.example.test\\r\\n250 STARTTLS\\r\\n", "expect:STARTTLS"

static const struct nm_net_api *api;
static struct nm_net *net;

static void tls_is_verified_and_used(void) {
  static const struct {
    const char *host, *ca;
    enum nm_tls tls;
  } rows[] = {
      {"localhost", "ca.pem", NM_TLS_IMPLICIT},
      {"127.0.0.1", "ca.pem", NM_TLS_IMPLICIT},
      {"localhost", "good.pem", NM_TLS_IMPLICIT}, /* exactly this certificate is trusted */
      {"localhost", "ca.pem", NM_TLS_STARTTLS},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    if (rows[i].tls == NM_TLS_IMPLICIT) {
      server_start(&s, "tls:good", HELLO, CAPS, "echo");
    } else {
      server_start(&s, HELLO, OFFER, "send:220 go\\r\\n", "tls:good", "expect:EHLO client.example.test", CAPS,
                   "echo");
    }
    struct nm_dial d = dial_to(s.port, rows[i].tls);
    d.host = rows[i].host;
    d.ca_file = cert(rows[i].ca);
    CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
    CHECK(lines_have(c, "250 AUTH PLAIN LOGIN\r\n"));
    CHECK(api->dial_progress(c) == (rows[i].tls == NM_TLS_IMPLICIT ? 5 : 7));
    CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
    CHECK(!api->conn_readable(c));
    api->conn_close(&c, 0);
    CHECK(server_says(&s, "tls TLSv1.3", PATIENCE));
    CHECK(server_says(&s, "end ", PATIENCE));
    server_stop(&s);
  }
}

static void certificates_that_prove_nothing_are_refused(void) {
  static const struct {
    const char *cert, *word;
    enum nm_tls tls;
  } rows[] = {
      {"wronghost", "for another name", NM_TLS_IMPLICIT},
      {"wronghost", "for another name", NM_TLS_STARTTLS},
      {"selfsigned", "self-signed", NM_TLS_IMPLICIT},
      {"selfsigned", "self-signed", NM_TLS_STARTTLS},
      {"expired", "expired", NM_TLS_IMPLICIT},
      {"expired", "expired", NM_TLS_STARTTLS},
      {"unknownca", "CaFile", NM_TLS_IMPLICIT},
      {"unknownca", "CaFile", NM_TLS_STARTTLS},
      {"client", "TLS",
       NM_TLS_IMPLICIT}, /* a certificate that may not be a server's; localhost is not in it either */
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    char tls[32];
    (void)snprintf(tls, sizeof tls, "tls:%s", rows[i].cert);
    if (rows[i].tls == NM_TLS_IMPLICIT) {
      server_start(&s, tls, HELLO, CAPS, "echo");
    } else {
      server_start(&s, HELLO, OFFER, "send:220 go\\r\\n", tls, "echo");
    }
    struct nm_dial d = dial_to(s.port, rows[i].tls);
    d.user = "ivanov";
    d.password = "hunter2";
    d.mechanisms = "PLAIN";
    CHECK_ROW(dial(net, &d, &c, &e) == NM_EIO, rows[i].cert);
    CHECK_ROW(e.kind == NM_KIND_TLS && e.code == NM_EIO, rows[i].cert);
    CHECK_ROW(strcmp(rows[i].word, "TLS") == 0 || strstr(e.text, rows[i].word) != NULL, e.text);
    struct nm_error again = {0};
    CHECK(api->dial_step(c, &again) == NM_EIO && strcmp(again.text, e.text) == 0);
    api->conn_close(&c, 0);
    server_stop(&s);
    CHECK_ROW(strstr(s.log, "AUTH") == NULL, s.log);
  }
}

/* What a server, or somebody between, may do instead of STARTTLS; nobody is ever spoken to in clear after it. */
static void starttls_is_never_gone_without(void) {
  static const struct {
    const char *offer, *answer;
    int code;
    enum nm_kind kind;
    const char *word;
  } rows[] = {
      {"send:250-mail.example.test\\r\\n250 AUTH PLAIN\\r\\n", "echo", NM_EREJECT, NM_KIND_TLS,
       "does not offer STARTTLS"},
      {"send:502 what?\\r\\n", "echo", NM_EREJECT, NM_KIND_CONNECT, ""},
      {"send:250 STARTTLS\\r\\n", "send:454 not now\\r\\n", NM_EREJECT, NM_KIND_TLS, "refuses STARTTLS"},
      {"send:250 STARTTLS\\r\\n", "send:220 go\\r\\n250 AUTH PLAIN\\r\\n", NM_EPROTO, NM_KIND_PROTOCOL,
       "before TLS began"},
      {"send:250 STARTTLS\\r\\n", "send:220 go\\r\\n2", NM_EPROTO, NM_KIND_PROTOCOL, ""},
      {"send:250 STARTTLS\\r\\n", "send:220-go\\r\\n220 go\\r\\n250 x\\r\\n", NM_EPROTO, NM_KIND_PROTOCOL,
       ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    if (strcmp(rows[i].answer, "echo") == 0) {
      server_start(&s, HELLO, rows[i].offer, "end");
    } else {
      server_start(&s, HELLO, "send:250-mail.example.test\\r\\n", rows[i].offer, "expect:STARTTLS",
                   rows[i].answer, "end");
    }
    struct nm_dial d = dial_to(s.port, NM_TLS_STARTTLS);
    d.user = "ivanov";
    d.password = "hunter2";
    d.mechanisms = "PLAIN";
    int rc = dial(net, &d, &c, &e);
    CHECK_ROW(rc == rows[i].code && e.kind == rows[i].kind, e.text);
    CHECK_ROW(strstr(e.text, rows[i].word) != NULL, e.text);
    api->conn_close(&c, 1);
    server_stop(&s);
    CHECK_ROW(strstr(s.log, "line AUTH") == NULL, s.log);
  }
}

/* Bytes that were sent in clear after the 220, in a segment of their own, must not pass for the server's in TLS. */
static void clear_bytes_after_starttls_end_the_dial(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  server_start(&s, HELLO, OFFER, "send:220 go\\r\\n", "peek", "send:250 injected\\r\\n", "end");
  struct nm_dial d = dial_to(s.port, NM_TLS_STARTTLS);
  CHECK(dial(net, &d, &c, &e) == NM_EIO && e.kind == NM_KIND_TLS);
  CHECK_ROW(strstr(e.text, "is not TLS") != NULL, e.text);
  CHECK(!lines_have(c, "injected"));
  api->conn_close(&c, 1);
  server_stop(&s);
}

static void plain_server_on_a_tls_port_is_told(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  server_start(&s, "send:220 mail.example.test ESMTP\\r\\n", "end");
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  CHECK(dial(net, &d, &c, &e) == NM_EIO && e.kind == NM_KIND_TLS);
  CHECK_ROW(strstr(e.text, "does not begin with TLS") != NULL, e.text);
  api->conn_close(&c, 1);
  server_stop(&s);
}

static void trust_comes_from_the_named_file_only(void) {
  static const struct {
    const char *file, *path, *cert, *key, *word;
  } rows[] = {
      {"/nonexistent/ca.pem", NULL, NULL, NULL, "CaFile: there is no /nonexistent/ca.pem"},
      {"/tmp", NULL, NULL, NULL, "CaFile: /tmp is a directory"},
      {NULL, "/nonexistent", NULL, NULL, "CaPath: there is no /nonexistent"},
      {NULL, "/etc/passwd", NULL, NULL, "CaPath: /etc/passwd is no directory"},
      {NULL, NULL, "/nonexistent/c.pem", NULL, "ClientCertificate: there is no /nonexistent/c.pem"},
      {NULL, NULL, "/etc/passwd", "/nonexistent/k.pem", "key: there is no /nonexistent/k.pem"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_conn *c = NULL;
    struct nm_error e = {0};
    struct nm_dial d = dial_to(1, NM_TLS_IMPLICIT);
    d.ca_file = rows[i].file;
    d.ca_path = rows[i].path;
    d.cert_file = rows[i].cert;
    d.key_file = rows[i].key;
    CHECK_ROW(api->dial_start(net, &d, &c, &e) == NM_EINVAL && c == NULL, rows[i].word);
    CHECK_ROW(e.kind == NM_KIND_TLS && strstr(e.text, rows[i].word) != NULL, e.text);
  }
  /* No CA named: the system's, which does not know ours; then an empty directory. */
  for (int i = 0; i < 2; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    server_start(&s, "tls:good", HELLO, CAPS, "echo");
    struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
    d.ca_file = NULL;
    d.ca_path = i == 0 ? NULL : "/proc/self/task";
    CHECK(dial(net, &d, &c, &e) == NM_EIO && e.kind == NM_KIND_TLS);
    CHECK_ROW(strstr(e.text, "CaFile") != NULL, e.text);
    api->conn_close(&c, 1);
    server_stop(&s);
  }
}

static void file_without_certificates_is_an_error(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  server_start(&s, "tls:good", HELLO, CAPS, "echo");
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  d.ca_file = "/etc/passwd";
  CHECK(dial(net, &d, &c, &e) == NM_EINVAL && e.kind == NM_KIND_TLS);
  api->conn_close(&c, 1);
  server_stop(&s);
}

static void client_certificate_is_shown(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  server_start(&s, "tls:good,client", HELLO, CAPS, "echo");
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  d.cert_file = cert("client.pem");
  d.key_file = cert("client.key");
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
  api->conn_close(&c, 1);
  server_stop(&s);
}

/* OpenSSL would ask for it on the terminal, and wait. */
static void locked_key_without_its_password_is_an_error(void) {
  static const char *const passwords[] = {NULL, "wrong", "right"};
  char command[512];
  (void)snprintf(command, sizeof command, "openssl pkey -aes128 -passout pass:right -in %s -out %s",
                 cert("client.key"), cert("locked.key"));
  CHECK(system(command) == 0);
  for (size_t i = 0; i < 3; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    server_start(&s, "tls:good,client", HELLO, CAPS, "echo");
    struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
    d.cert_file = cert("client.pem");
    d.key_file = cert("locked.key");
    d.key_password = passwords[i];
    int rc = dial(net, &d, &c, &e);
    CHECK_ROW(rc == (i == 2 ? 0 : NM_EINVAL), e.text);
    CHECK_ROW(i == 2 || (e.kind == NM_KIND_TLS && strstr(e.text, "wrong") == NULL), e.text);
    api->conn_close(&c, 1);
    server_stop(&s);
  }
}

int main(void) {
  certs_make();
  api = nm_net_api();
  net = api->net_new(NULL);
  RUN(tls_is_verified_and_used);
  RUN(certificates_that_prove_nothing_are_refused);
  RUN(starttls_is_never_gone_without);
  RUN(clear_bytes_after_starttls_end_the_dial);
  RUN(plain_server_on_a_tls_port_is_told);
  RUN(trust_comes_from_the_named_file_only);
  RUN(file_without_certificates_is_an_error);
  RUN(client_certificate_is_shown);
  RUN(locked_key_without_its_password_is_an_error);
  api->net_free(net);
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
