#include <sys/stat.h>
#include "net/dialler.h"
#include "net/tickets.h"

/* TLS sessions taken up again: what saves work must save no proof. */

#define HELLO "send:220 mail.example.test ESMTP\\r\\n", "expect:EHLO client.example.test"
#define CAPS "send:250-mail.example.test\\r\\n250 PIPELINING\\r\\n"
#define OFFER "send:250-mail.example.test\\r\\n250 STARTTLS\\r\\n", "expect:STARTTLS", "send:220 go\\r\\n"
#define WORD "taken up\n"

static const struct nm_net_api *api;
static struct nm_net *net;

/* Of all connections so far. */
static int taken_up(const struct server *s) {
  int n = 0;
  for (const char *p = s->log; (p = strstr(p, WORD)) != NULL; p++) {
    n++;
  }
  return n;
}

/* A connection from its beginning to its end; rc of the dial. *n_out: of all connections so far, how many took a session up. */
static int visit(struct server *s, const struct nm_dial *d, int quietly, int *n_out) {
  struct nm_conn *c;
  struct nm_error e;
  int rc = dial(net, d, &c, &e);
  if (rc == 0) {
    CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
    CHECK(exchange(c, "MARK\r\n", "250 MARK\r\n")); /* all that was said before it has been read */
    CHECK(server_says(s, "line MARK", PATIENCE));
  }
  api->conn_close(&c, quietly);
  *n_out = taken_up(s);
  /* The next "line MARK" is another one. */
  for (char *p = s->log; (p = strstr(p, "line MARK")) != NULL;) {
    memcpy(p, "LINE", 4);
  }
  return rc;
}

static void every_later_connection_takes_one_up(void) {
  static const struct {
    const char *tls;
    enum nm_tls way;
    int quietly;
  } rows[] = {
      {"tls:good", NM_TLS_IMPLICIT, 0},      {"tls:good", NM_TLS_IMPLICIT, 1},
      {"tls:good", NM_TLS_STARTTLS, 0},      {"tls:good,once", NM_TLS_IMPLICIT, 0}, /* as Postfix */
      {"tls:good,once", NM_TLS_STARTTLS, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct server s;
    if (rows[i].way == NM_TLS_IMPLICIT) {
      server_start_n(&s, "127.0.0.1", 4, rows[i].tls, HELLO, CAPS, "echo", NULL);
    } else {
      server_start_n(&s, "127.0.0.1", 4, HELLO, OFFER, rows[i].tls, "expect:EHLO", CAPS, "echo", NULL);
    }
    struct nm_dial d = dial_to(s.port, rows[i].way);
    for (int k = 0; k < 4; k++) {
      int n;
      CHECK_ROW(visit(&s, &d, rows[i].quietly, &n) == 0 && n == k, rows[i].tls);
    }
    server_stop(&s);
  }
}

/* TLS 1.2 has no tickets with libcurl, but sessions that the server keeps, which Python's does not. */
static void sessions_of_tls_1_2_are_taken_up(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  char command[1024];
  (void)snprintf(
      command, sizeof command,
      "mkfifo %s && openssl s_server -accept 127.0.0.1:0 -naccept 2 -tls1_2 -no_ticket -cert %s -key %s "
      "<> %s 2>&1 | sed -u 's/^ACCEPT.*:/port /'",
      cert("never"), cert("good.pem"), cert("good.key"), cert("never"));
  server_spawn(&s, (const char *[]){"/bin/sh", "-c", command, NULL});
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  d.is_bare = 1;
  for (int i = 0; i < 2; i++) {
    CHECK_ROW(dial(net, &d, &c, &e) == 0, e.text);
    api->conn_close(&c, 0);
  }
  CHECK_ROW(server_says(&s, "Reused session-id", PATIENCE), s.log);
  server_stop(&s);
}

/* They begin together, when one ticket is there for all. */
static void connections_at_once_share_one(void) {
  enum { N = 5 };
  struct server s;
  struct nm_conn *c[N];
  struct nm_error e;
  int n;
  server_start_n(&s, "127.0.0.1", N + 1, "tls:good,once", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  for (int i = 0; i < N; i++) {
    CHECK(api->dial_start(net, &d, &c[i], &e) == 0);
  }
  for (int i = 0; i < N; i++) {
    CHECK(dial_run(c[i], PATIENCE, &e) == 0 && exchange(c[i], "NOOP\r\n", "250 NOOP\r\n"));
  }
  for (int i = 0; i < N; i++) {
    api->conn_close(&c[i], 0);
  }
  server_stop(&s);
  CHECK(taken_up(&s) == N);
}

static void copy_file(const char *from, const char *to) {
  char command[512];
  (void)snprintf(command, sizeof command, "cp %s %s.new && mv %s.new %s", from, to, to, to);
  CHECK(system(command) == 0);
}

/* What was verified in another way was not verified in this one. */
static void another_identity_begins_from_nothing(void) {
  struct server s;
  int n;
  char other[128];
  (void)snprintf(other, sizeof other, "%s", cert("other.pem"));
  copy_file(cert("ca.pem"), other);
  server_start_n(&s, "127.0.0.1", 9, "tls:good", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  struct nm_dial first = d;
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  d.host = "127.0.0.1";
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  d = first;
  d.ca_file = other;
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  d = first;
  d.cert_file = cert("client.pem");
  d.key_file = cert("client.key");
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  /* Each has its own by now. */
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 1);
  CHECK(visit(&s, &first, 0, &n) == 0 && n == 2);
  /* A CA that does not know the server: the ticket that is there helps nobody. */
  d = first;
  d.ca_file = cert("unknownca.pem");
  CHECK(visit(&s, &d, 0, &n) == NM_EIO && n == 2);
  d.ca_file = NULL; /* the system's */
  CHECK(visit(&s, &d, 0, &n) == NM_EIO && n == 2);
  CHECK(visit(&s, &first, 0, &n) == 0 && n == 3);
  server_stop(&s);
}

/* It is not the file's name that was trusted. */
static void a_file_of_cas_is_what_is_in_it(void) {
  struct server s;
  int n;
  char file[128];
  (void)snprintf(file, sizeof file, "%s", cert("changing.pem"));
  copy_file(cert("ca.pem"), file);
  server_start_n(&s, "127.0.0.1", 5, "tls:good", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  d.ca_file = file;
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 1);
  copy_file(cert("unknownca.pem"), file);
  CHECK(visit(&s, &d, 0, &n) == NM_EIO && n == 1);
  copy_file(cert("ca.pem"), file);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 1);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 2);
  server_stop(&s);
}

/* Whether it was the ticket that the server did not like cannot be known. */
static void a_dial_that_failed_leaves_no_ticket(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  int n;
  server_start_n(&s, "127.0.0.1", 4, "tls:good", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  CHECK(api->dial_start(net, &d, &c, &e) == 0 && dial_run(c, 0, &e) == NM_AGAIN);
  api->conn_close(&c, 1);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 1);
  server_stop(&s);
}

/* More places than are remembered: the oldest goes, and what was connected with it works on. */
static void only_so_many_are_kept(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e;
  int n;
  server_start_n(&s, "127.0.0.1", 3, "tls:good", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 0);
  CHECK(dial(net, &d, &c, &e) == 0);
  for (int i = 0; i < 40; i++) {
    struct nm_conn *other;
    struct nm_dial nowhere = dial_to(i + 1, NM_TLS_IMPLICIT);
    CHECK(api->dial_start(net, &nowhere, &other, &e) == 0);
    api->conn_close(&other, 1);
  }
  CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
  api->conn_close(&c, 0);
  CHECK(visit(&s, &d, 0, &n) == 0 && n == 1); /* that of the one before */
  server_stop(&s);
}

/* One connection of a client of its own. */
static int call(struct nm_shared *shared, const struct nm_dial *d) {
  struct nm_net *one = api->net_new(shared);
  struct nm_conn *c;
  struct nm_error e;
  int rc = dial(one, d, &c, &e);
  if (rc == 0) {
    CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
  }
  api->conn_close(&c, 0);
  api->net_free(one);
  return rc;
}

/* Clients that share; others, which do not, begin from nothing. */
static void clients_share(void) {
  struct server s;
  struct nm_shared *shared = api->shared_new(NULL);
  server_start_n(&s, "127.0.0.1", 5, "tls:good,once", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  CHECK(call(shared, &d) == 0 && call(NULL, &d) == 0);
  struct nm_shared *another = api->shared_ref(shared);
  api->shared_unref(&shared);
  CHECK(shared == NULL);
  CHECK(call(another, &d) == 0 && call(another, &d) == 0 && call(NULL, &d) == 0);
  api->shared_unref(&another);
  server_stop(&s);
  CHECK(taken_up(&s) == 2);
}

/* What was there and is something else now, though it does not look it. */
static void spoil(const char *path) {
  struct stat st;
  FILE *f = fopen(path, "r+");
  CHECK(f != NULL && fstat(fileno(f), &st) == 0 && fputs("nothing", f) >= 0 && fflush(f) == 0);
  CHECK(futimens(fileno(f), (struct timespec[]){st.st_atim, st.st_mtim}) == 0);
  (void)fclose(f);
}

/* The file is not read again, for another place either, where no session helps. */
static void cas_are_loaded_once(void) {
  struct server s;
  struct nm_shared *shared = api->shared_new(NULL);
  char file[128];
  (void)snprintf(file, sizeof file, "%s", cert("once.pem"));
  copy_file(cert("ca.pem"), file);
  server_start_n(&s, "127.0.0.1", 3, "tls:good", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  d.ca_file = file;
  CHECK(call(shared, &d) == 0);
  spoil(file);
  d.host = "127.0.0.1";
  CHECK(call(shared, &d) == 0);
  CHECK(call(NULL, &d) == NM_EINVAL); /* who has not loaded it cannot */
  api->shared_unref(&shared);
  server_stop(&s);
  CHECK(taken_up(&s) == 0);
}

/* Verified by CAs that another client has loaded, and that for a host of another name: no session helps. */
static void loaded_cas_trust_no_more_than_their_file(void) {
  struct server good, bad;
  struct nm_shared *shared = api->shared_new(NULL);
  server_start_n(&good, "127.0.0.1", 2, "tls:good,once", HELLO, CAPS, "echo", NULL);
  server_start_n(&bad, "127.0.0.1", 3, "tls:unknownca", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(good.port, NM_TLS_IMPLICIT), to_bad = dial_to(bad.port, NM_TLS_IMPLICIT);
  CHECK(call(shared, &d) == 0);
  CHECK(call(shared, &to_bad) == NM_EIO);
  to_bad.ca_file = cert("unknownca.pem");
  CHECK(call(shared, &to_bad) == 0);
  to_bad.ca_file = d.ca_file;
  CHECK(call(shared, &to_bad) == NM_EIO);
  d.ca_file = cert("unknownca.pem");
  CHECK(call(shared, &d) == NM_EIO);
  api->shared_unref(&shared);
  server_stop(&good);
  server_stop(&bad);
}

/* The parent's TLS sessions and CAs are the child's too, the rest of libcurl's is not. */
static void a_child_shares_with_itself(void) {
  struct server s;
  int status = 0;
  struct nm_shared *shared = api->shared_new(NULL);
  server_start_n(&s, "127.0.0.1", 4, "tls:good,once", HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  CHECK(call(shared, &d) == 0);
  pid_t child = fork();
  if (child == 0) {
    int ok = call(shared, &d) == 0 && call(shared, &d) == 0;
    api->shared_unref(&shared);
    child_ends(!ok);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(call(shared, &d) == 0);
  api->shared_unref(&shared);
  server_stop(&s);
  CHECK(taken_up(&s) == 3);
}

/* A dial that is begun a second time, on which the net knows the place. */
static void memory_may_end_anywhere(void) {
  long live = nm_test_alloc_live();
  int is_through = 0;
  for (long n = 1; n < 100 && !is_through; n++) {
    struct nm_net *mine = api->net_new(NULL);
    struct nm_dial d = dial_to(25, NM_TLS_IMPLICIT);
    struct nm_error e = {0};
    is_through = 1;
    for (int i = 0; i < 2; i++) {
      struct nm_conn *c = NULL;
      nm_test_alloc_fail_at(n);
      int rc = api->dial_start(mine, &d, &c, &e);
      nm_test_alloc_fail_at(0);
      CHECK((rc == 0) == (c != NULL) && (rc == 0 || (rc == NM_ENOMEM && e.code == NM_ENOMEM)));
      is_through &= rc == 0;
      api->conn_close(&c, 1);
    }
    api->net_free(mine);
    CHECK(nm_test_alloc_live() == live);
    CHECK(!is_through || n > 3);
  }
  CHECK(is_through);
}

int main(void) {
  certs_make();
  api = nm_net_api();
  net = api->net_new(NULL);
  if (!nm_tickets_can()) {
    printf("SKIP libcurl's TLS is no OpenSSL that can be reached\n");
    return 0;
  }
  RUN(every_later_connection_takes_one_up);
  RUN(sessions_of_tls_1_2_are_taken_up);
  RUN(connections_at_once_share_one);
  RUN(another_identity_begins_from_nothing);
  RUN(a_file_of_cas_is_what_is_in_it);
  RUN(a_dial_that_failed_leaves_no_ticket);
  RUN(only_so_many_are_kept);
  RUN(clients_share);
  RUN(cas_are_loaded_once);
  RUN(loaded_cas_trust_no_more_than_their_file);
  RUN(a_child_shares_with_itself);
  RUN(memory_may_end_anywhere);
  api->net_free(net);
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
