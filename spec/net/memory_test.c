#include "net/dialler.h"

#include <curl/curl.h>

/* libcurl's memory ends at each of its allocations in turn: a dial fails with an error or succeeds, and nothing of libcurl's
   or ours is left. Its allocator can be chosen only before its first initialisation, so this is a program of its own. */

#define HELLO "send:220 x\\r\\n", "expect:EHLO", "send:250-x\\r\\n250-AUTH PLAIN\\r\\n250 SIZE\\r\\n"
#define LOGIN "expect:AUTH PLAIN", "send:235 ok\\r\\n"
#define MOST 2000
#define IN_A_ROW 20 /* lives that miss nothing: some shortages in between are survived too */

static long left_to_fail; /* the allocation that fails, counted down; 0: none */
static long live;

static int fails(void) {
  return left_to_fail > 0 && --left_to_fail == 0;
}

static void *take(size_t n) {
  void *p = fails() ? NULL : malloc(n);
  live += p != NULL;
  return p;
}

static void *take_zeroed(size_t n, size_t size) {
  void *p = fails() ? NULL : calloc(n, size);
  live += p != NULL;
  return p;
}

static void *resize(void *old, size_t n) {
  void *p = fails() ? NULL : realloc(old, n);
  live += p != NULL && old == NULL;
  return p;
}

static char *copy(const char *s) {
  char *p = fails() ? NULL : strdup(s);
  live += p != NULL;
  return p;
}

static void give(void *p) {
  live -= p != NULL;
  free(p);
}

/* The whole of a client's life but the sending; rc of the dial. */
static int one_life(int port, enum nm_tls tls) {
  const struct nm_net_api *api = nm_net_api();
  struct nm_conn *c = NULL;
  struct nm_error e;
  struct nm_dial d = dial_to(port, tls);
  d.host = "127.0.0.1"; /* no resolver thread: its allocations come in no order */
  d.user = "ivanov";
  d.password = "hunter2";
  d.mechanisms = "PLAIN";
  struct nm_net *net = api->net_new(NULL);
  int rc = net == NULL ? NM_ENOMEM : dial(net, &d, &c, &e);
  if (rc == 0) {
    (void)exchange(c, "NOOP\r\n", "250 NOOP\r\n");
  }
  CHECK(rc == 0 || net == NULL || (e.code == rc && e.text[0] != '\0'));
  left_to_fail = 0;
  api->conn_close(&c, 0);
  api->net_free(net);
  return rc;
}

/* Without TLS: libcurl 7.88 itself frees a TLS session twice when memory ends just while it stores one. */
static void dial_survives_any_shortage(void) {
  struct server s;
  server_start_n(&s, "127.0.0.1", MOST, HELLO, LOGIN, "echo", NULL);
  CHECK(one_life(s.port, NM_TLS_NONE) == 0); /* what is allocated once stays */
  long before = live, ours = nm_test_alloc_live(), failures = 0, row = 0;
  for (long n = 1; row < IN_A_ROW && n < MOST - 1; n++) {
    left_to_fail = n;
    int rc = one_life(s.port, NM_TLS_NONE);
    CHECK(rc <= 0);
    CHECK(live == before && nm_test_alloc_live() == ours);
    failures += rc != 0;
    row = rc == 0 ? row + 1 : 0;
  }
  CHECK(failures > 20 && row == IN_A_ROW);
  (void)kill(s.pid, SIGKILL);
  server_stop(&s);
}

int main(void) {
  certs_make();
  if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, take, give, resize, copy, take_zeroed) != CURLE_OK) {
    return 1;
  }
  RUN(dial_survives_any_shortage);
  certs_remove();
  return ctest_end();
}
