#include "net/dialler.h"

#include <curl/curl.h>
#include <dlfcn.h>

/* Lines on which libcurl says nothing, sockets of this machine, and the SSL that a line has. */

static const struct nm_net_api *api;
static struct nm_net *net;

/* Reads until text has come. */
static int hears(struct nm_conn *c, const char *text) {
  struct nm_io *io = api->conn_io(c);
  char got[256] = "";
  size_t n = 0, part;
  while (strstr(got, text) == NULL && n < sizeof got - 1) {
    int rc = io->ops->recv(io, got + n, sizeof got - 1 - n, &part);
    if (rc == NM_AGAIN && io->ops->wait(io, NM_IO_READ, PATIENCE) == 0) {
      continue;
    }
    if (rc != 0 || part == 0) {
      return 0;
    }
    n += part;
    got[n] = '\0';
  }
  return 1;
}

static struct nm_dial bare_to(int port, enum nm_tls tls) {
  struct nm_dial d = dial_to(port, tls);
  d.is_bare = 1;
  return d;
}

static void says_nothing_by_itself(void) {
  static const enum nm_tls lines[] = {NM_TLS_NONE, NM_TLS_IMPLICIT};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    const char *p;
    size_t n;
    if (lines[i] == NM_TLS_IMPLICIT) {
      server_start(&s, "tls:good", "sleep:0.2", "send:220 hello\\r\\n", "echo");
    } else {
      server_start(&s, "sleep:0.2", "send:220 hello\\r\\n", "echo");
    }
    struct nm_dial d = bare_to(s.port, lines[i]);
    int rc = dial(net, &d, &c, &e);
    CHECK_ROW(rc == 0, e.text);
    if (rc != 0) {
      api->conn_close(&c, 1);
      server_stop(&s);
      continue;
    }
    api->dial_lines(c, &p, &n);
    CHECK(n == 0 && api->conn_is_loopback(c));
    CHECK(hears(c, "220 hello\r\n")); /* the greeting is ours to read */
    CHECK(exchange(c, "LHLO x\r\n", "250 LHLO x\r\n"));
    CHECK(!api->conn_readable(c));
    api->conn_close(&c, 0);
    server_stop(&s);
    const char *first = strstr(s.log, "line ");
    CHECK_ROW(first != NULL && strncmp(first, "line LHLO x\nend ", 16) == 0, s.log);
    CHECK_ROW(strstr(s.log, "alpn") == NULL, s.log);
  }
}

static void verifies_the_server_all_the_same(void) {
  static const struct {
    const char *cert, *word;
  } rows[] = {{"wronghost", "for another name"},
              {"selfsigned", "self-signed"},
              {"expired", "expired"},
              {"unknownca", "CaFile"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    char tls[32];
    (void)snprintf(tls, sizeof tls, "tls:%s", rows[i].cert);
    server_start(&s, tls, "send:220 hello\\r\\n", "end");
    struct nm_dial d = bare_to(s.port, NM_TLS_IMPLICIT);
    CHECK_ROW(dial(net, &d, &c, &e) == NM_EIO && e.kind == NM_KIND_TLS, rows[i].cert);
    CHECK_ROW(strstr(e.text, rows[i].word) != NULL, e.text);
    api->conn_close(&c, 1);
    server_stop(&s);
  }
}

/* TLS 1.3: a server that wants a certificate says so when the handshake is over for us. It closes on words of ours that it has not read, so its
   reset may overtake its alert. */
static void knows_what_tls_has_told_of_a_loss(void) {
  int is_told = 0;
  for (int i = 0; i < 20 && !is_told; i++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e = {0};
    server_start(&s, "tls:good,client", "send:220 hello\\r\\n", "end");
    struct nm_dial d = bare_to(s.port, NM_TLS_IMPLICIT);
    CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
    CHECK(api->conn_loss(c, &e) == 0);
    CHECK(!hears(c, "220 hello\r\n"));
    is_told = api->conn_loss(c, &e) == NM_EIO;
    CHECK_ROW(!is_told || e.kind == NM_KIND_TLS, e.text);
    CHECK_ROW(!is_told || strstr(e.text, "set ClientCertificate") != NULL, e.text);
    api->conn_close(&c, 1);
    server_stop(&s);
  }
  CHECK(is_told);
}

static void refuses_what_would_be_said(void) {
  struct nm_conn *c;
  struct nm_error e;
  struct nm_dial d = bare_to(25, NM_TLS_STARTTLS);
  CHECK(dial(net, &d, &c, &e) == NM_EINVAL && c == NULL);
  d = bare_to(25, NM_TLS_NONE);
  d.user = "ivanov";
  d.password = "hunter2";
  d.mechanisms = "PLAIN";
  CHECK(dial(net, &d, &c, &e) == NM_EINVAL && c == NULL && strstr(e.text, "hunter2") == NULL);
}

static void stays_on_this_machine_when_told_to(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  server_start(&s, "send:220 hello\\r\\n", "echo");
  struct nm_dial d = bare_to(s.port, NM_TLS_NONE);
  d.loopback_only = 1;
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  api->conn_close(&c, 1);
  server_stop(&s);
  d.host = "192.0.2.1";
  CHECK(dial(net, &d, &c, &e) == NM_EINVAL && api->dial_refused(c));
  api->conn_close(&c, 1);
}

/* ---- sockets of this machine ---- */

static void reaches_a_socket_of_this_machine(void) {
  for (int is_bare = 0; is_bare < 2; is_bare++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    char path[128];
    const char *p;
    size_t n;
    (void)snprintf(path, sizeof path, "%s/s%%20 %d", certs, is_bare); /* a path is no URL */
    const char *argv[] = {"/usr/bin/python3",     SERVER, "--certs", certs, "--unix", path, "--",
                          "send:220 hello\\r\\n", "echo", NULL};
    server_spawn(&s, argv);
    struct nm_dial d = dial_to(25, NM_TLS_NONE);
    d.socket_path = path;
    d.is_bare = is_bare;
    d.loopback_only = 1;
    d.wants_log = 1;
    int rc = dial(net, &d, &c, &e);
    CHECK_ROW(rc == 0, e.text);
    if (rc == 0) {
      CHECK(api->conn_is_loopback(c));
      api->dial_log(c, &p, &n);
      CHECK(memmem(p, n, "a socket of this machine", 24) != NULL);
      CHECK(!is_bare || hears(c, "220 hello\r\n"));
      CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
    }
    api->conn_close(&c, 1);
    server_stop(&s);
    (void)unlink(path);
  }
}

static void says_why_a_socket_does_not_answer(void) {
  static const struct {
    const char *path, *word;
  } rows[] = {{"/nonexistent/socket", "there is no such socket"},
              {"/etc/passwd", "nobody listens at that socket"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_conn *c;
    struct nm_error e;
    struct nm_dial d = dial_to(25, NM_TLS_NONE);
    d.socket_path = rows[i].path;
    CHECK(dial(net, &d, &c, &e) == NM_EIO && e.kind == NM_KIND_CONNECT);
    CHECK_ROW(strstr(e.text, rows[i].word) != NULL && strstr(e.text, "localhost") == NULL, e.text);
    api->conn_close(&c, 1);
  }
}

/* ---- the SSL of a line ---- */

static int curl_has_openssl(void) {
  const char *backend = curl_version_info(CURLVERSION_NOW)->ssl_version;
  return backend != NULL && strstr(backend, "OpenSSL") != NULL;
}

static void shows_the_ssl_and_whose_it_is(void) {
  if (!curl_has_openssl()) {
    SKIP("this libcurl has another TLS library");
  }
  void *libssl = dlopen("libssl.so.3", RTLD_LAZY | RTLD_NOLOAD);
  CHECK(libssl != NULL);
  if (libssl == NULL) {
    return;
  }
  for (int is_bare = 0; is_bare < 2; is_bare++) {
    struct server s;
    struct nm_conn *c;
    struct nm_error e;
    void *ssl = NULL, *again = NULL;
    const void *mark = NULL;
    if (is_bare) {
      server_start(&s, "tls:good", "echo");
    } else {
      server_start(&s, "send:220 x\\r\\n", "expect:EHLO", "send:250-x\\r\\n250 STARTTLS\\r\\n",
                   "expect:STARTTLS", "send:220 go\\r\\n", "tls:good", "echo");
    }
    struct nm_dial d = dial_to(s.port, is_bare ? NM_TLS_IMPLICIT : NM_TLS_STARTTLS);
    d.is_bare = is_bare;
    CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
    CHECK(api->conn_ssl(c, &ssl, &mark) == 0 && ssl != NULL);
    CHECK(mark != NULL && mark == dlsym(libssl, "SSL_export_keying_material"));
    const char *(*version)(const void *) =
        (const char *(*)(const void *))(uintptr_t)dlsym(libssl, "SSL_get_version");
    CHECK(strcmp(version(ssl), "TLSv1.3") == 0);    /* it is one, and of this line */
    CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n")); /* and the line is as before */
    CHECK(api->conn_ssl(c, &again, &mark) == 0 && again == ssl);
    api->conn_close(&c, 1);
    server_stop(&s);
  }
  dlclose(libssl);
}

static void has_no_ssl_in_clear(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  void *ssl = &s;
  const void *mark = NULL;
  server_start(&s, "send:220 hello\\r\\n", "echo");
  struct nm_dial d = bare_to(s.port, NM_TLS_NONE);
  CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
  CHECK(hears(c, "220 hello\r\n"));
  CHECK(api->conn_ssl(c, &ssl, &mark) == NM_EINVAL);
  CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n")); /* nothing was lost for it */
  api->conn_close(&c, 1);
  server_stop(&s);
}

/* The server writes its tickets, then its greeting, which Nagle's algorithm holds back until the tickets are acknowledged: 40 ms, unless we do
   that at once. Of several the quickest: the machine has other work too. */
static void greeting_behind_tickets_comes_at_once(void) {
  long long least = 1000;
  for (int i = 0; i < 10 && least >= 30; i++) {
    struct nm_net *fresh = api->net_new(NULL); /* who takes a session up may be given no ticket */
    struct nm_conn *c;
    struct nm_error e;
    struct server s;
    char got[64];
    size_t n = 0;
    server_start(&s, "tls:good", "send:220 hello\\r\\n", "end");
    struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
    d.is_bare = 1;
    CHECK(dial(fresh, &d, &c, &e) == 0);
    long long start = now_ms();
    struct nm_io *io = api->conn_io(c);
    while (io->ops->recv(io, got, sizeof got, &n) == NM_AGAIN &&
           io->ops->wait(io, NM_IO_READ, PATIENCE) == 0) {
    }
    CHECK(n == 11 && memcmp(got, "220 hello\r\n", n) == 0);
    least = now_ms() - start < least ? now_ms() - start : least;
    api->conn_close(&c, 1);
    server_stop(&s);
    api->net_free(fresh);
  }
  CHECK(least < 30);
}

int main(void) {
  certs_make();
  api = nm_net_api();
  net = api->net_new(NULL);
  RUN(says_nothing_by_itself);
  RUN(verifies_the_server_all_the_same);
  RUN(knows_what_tls_has_told_of_a_loss);
  RUN(refuses_what_would_be_said);
  RUN(stays_on_this_machine_when_told_to);
  RUN(reaches_a_socket_of_this_machine);
  RUN(says_why_a_socket_does_not_answer);
  RUN(shows_the_ssl_and_whose_it_is);
  RUN(has_no_ssl_in_clear);
  RUN(greeting_behind_tickets_comes_at_once);
  api->net_free(net);
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
