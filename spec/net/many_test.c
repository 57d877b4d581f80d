#include "net/dialler.h"

/* Many connections of one net, watched by its one descriptor. */

#define HELLO "send:220 mail.example.test ESMTP\\r\\n", "expect:EHLO client.example.test"
#define CAPS "send:250-mail.example.test\\r\\n250 PIPELINING\\r\\n"
#define MOST 100

static const struct nm_net_api *api;

static int is_readable(int fd, int ms) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, ms) == 1;
}

/* One that does not come about. */
struct odd {
  const char *host;
  int port;
  int code; /* NM_AGAIN: it hangs */
};

/* Steps all that are not at their end whenever the descriptor says so, until only `hanging` are left; the turns that took. */
static int run_all(struct nm_net *net, struct nm_conn **c, int *rc, int n, int hanging) {
  struct nm_error e;
  long long end = now_ms() + PATIENCE;
  int fd = api->net_watch(net), turns = 0, left;
  do {
    turns++;
    left = 0;
    api->net_calm(net);
    for (int i = 0; i < n; i++) {
      rc[i] = rc[i] == NM_AGAIN ? api->dial_step(c[i], &e) : rc[i];
      left += rc[i] == NM_AGAIN;
      if (rc[i] == NM_AGAIN) {
        (void)api->conn_rest(c[i], PATIENCE);
      }
    }
  } while (left > hanging && is_readable(fd, (int)(end - now_ms())) && now_ms() < end);
  CHECK(left == hanging);
  return turns;
}

/* Each of them in turn: what it is told is heard by the one descriptor, and by no other connection. */
static void check_lines(struct nm_net *net, struct nm_conn **c, int n) {
  int fd = api->net_watch(net);
  for (int i = 0; i < n; i++) {
    (void)api->conn_rest(c[i], -1);
  }
  api->net_calm(net); /* that they may be written to */
  for (int i = 0; i < n; i++) {
    struct nm_io *io = api->conn_io(c[i]);
    char got[64];
    size_t part;
    CHECK(io->ops->send(io, "NOOP\r\n", 6, &part) == 0 && part == 6);
    CHECK(is_readable(fd, PATIENCE));
    api->net_calm(net);
    CHECK(io->ops->recv(io, got, sizeof got, &part) == 0 && part > 4 && memcmp(got, "250 ", 4) == 0);
    CHECK(!api->conn_readable(c[(i + 1) % n]) || n == 1);
  }
}

static void dial_many(int n, enum nm_tls tls, const struct odd *odd) {
  struct nm_net *net = api->net_new(NULL);
  struct nm_conn *c[MOST];
  struct nm_error e;
  struct server s;
  int rc[MOST], usual = n - (odd != NULL);
  if (tls == NM_TLS_NONE) {
    server_start_n(&s, "127.0.0.1", usual, HELLO, CAPS, "echo", NULL);
  } else {
    server_start_n(&s, "127.0.0.1", usual, "tls:good", HELLO, CAPS, "echo", NULL);
  }
  CHECK(api->net_watch(net) >= 0);
  for (int i = 0; i < n; i++) {
    int is_odd = i == n / 2 && odd != NULL; /* neither the first nor the last to be stepped */
    struct nm_dial d = dial_to(is_odd ? odd->port : s.port, tls);
    d.host = is_odd ? odd->host : "localhost";
    rc[i] = NM_AGAIN;
    CHECK(api->dial_start(net, &d, &c[i], &e) == 0);
  }
  int hangs = odd != NULL && odd->code == NM_AGAIN;
  int turns = run_all(net, c, rc, n, hangs);
  CHECK(turns < 50 * n); /* it does not turn round and round */
  for (int i = 0; i < n; i++) {
    CHECK(rc[i] == (odd != NULL && i == n / 2 ? odd->code : 0));
  }
  if (odd != NULL) {
    api->conn_close(&c[n / 2], 1);
    c[n / 2] = c[n - 1];
  }
  check_lines(net, c, usual);
  for (int i = 0; i < usual; i++) {
    api->conn_close(&c[i], 0);
  }
  server_stop(&s);
  api->net_free(net);
}

static void all_come_about(void) {
  dial_many(1, NM_TLS_NONE, NULL);
  dial_many(10, NM_TLS_NONE, NULL);
  dial_many(10, NM_TLS_IMPLICIT, NULL);
  dial_many(MOST, NM_TLS_NONE, NULL);
}

static void one_that_is_refused_stops_nobody(void) {
  struct odd odd = {"127.0.0.1", 1, NM_EIO}; /* nobody listens on tcpmux */
  dial_many(10, NM_TLS_NONE, &odd);
  dial_many(MOST, NM_TLS_NONE, &odd);
}

/* It accepts, and never says a word. */
static void one_that_hangs_delays_nobody(void) {
  struct server silent;
  for (int i = 0; i < 3; i++) {
    server_start(&silent, "end");
    struct odd odd = {"127.0.0.1", silent.port, NM_AGAIN};
    dial_many(i == 1 ? MOST : 10, i == 2 ? NM_TLS_IMPLICIT : NM_TLS_NONE, &odd);
    server_stop(&silent);
  }
}

/* What one of them must do in a moment is not forgotten for what another must do later. */
static void the_soonest_time_counts(void) {
  struct nm_net *net = api->net_new(NULL);
  struct nm_conn *c[2];
  struct nm_error e;
  struct server s;
  server_start_n(&s, "127.0.0.1", 2, HELLO, CAPS, "echo", NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  int fd = api->net_watch(net);
  for (int i = 0; i < 2; i++) {
    CHECK(dial(net, &d, &c[i], &e) == 0);
  }
  long long start = 0;
  for (int i = 0; i < 2; i++) { /* the second time their sockets are known and calm */
    api->net_calm(net);
    start = now_ms();
    CHECK(api->conn_rest(c[0], 50) == 50 && api->conn_rest(c[1], PATIENCE) == PATIENCE);
  }
  CHECK(!is_readable(fd, 0) || now_ms() - start >= 50);
  CHECK(is_readable(fd, PATIENCE / 2));
  api->conn_close(&c[0], 0);
  api->conn_close(&c[1], 0);
  server_stop(&s);
  api->net_free(net);
}

/* A net that was watched is used by who waits. */
static void who_waits_is_not_held_up_by_who_watched(void) {
  struct nm_net *net = api->net_new(NULL);
  struct nm_conn *c;
  struct nm_error e;
  struct server s;
  server_start(&s, "sleep:0.1", HELLO, "sleep:0.1", CAPS, "echo");
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  CHECK(api->net_watch(net) >= 0);
  api->net_calm(net);
  CHECK(dial(net, &d, &c, &e) == 0);
  api->conn_close(&c, 0);
  server_stop(&s);
  api->net_free(net);
}

int main(void) {
  certs_make();
  api = nm_net_api();
  RUN(all_come_about);
  RUN(one_that_is_refused_stops_nobody);
  RUN(one_that_hangs_delays_nobody);
  RUN(the_soonest_time_counts);
  RUN(who_waits_is_not_held_up_by_who_watched);
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
