#include "net/dialler.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>

/* A name server that says nothing: nobody but who asked waits for it, and not for ever. libcurl finds the program's getaddrinfo, this one. */

#define HELLO "send:220 mail.example.test ESMTP\\r\\n", "expect:EHLO client.example.test"
#define CAPS "send:250-mail.example.test\\r\\n250 PIPELINING\\r\\n"
#define SILENT "silent.example.test"
#define A_MOMENT PATIENCE /* beside a name server that never answers */

static const struct nm_net_api *api;
static atomic_int asked, asking, is_over;

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  getaddrinfo_fn *real = NULL;
  void *found = dlsym(RTLD_NEXT, "getaddrinfo");
  memcpy(&real, &found, sizeof real);
  if (name == NULL || strcmp(name, SILENT) != 0) {
    return real(name, service, hints, out);
  }
  asked++;
  asking++;
  while (!is_over) {
    (void)poll(NULL, 0, 5);
  }
  asking--;
  return EAI_AGAIN;
}

static struct nm_dial silent(int timeout_ms) {
  struct nm_dial d = dial_to(25, NM_TLS_NONE);
  d.host = SILENT;
  d.timeout_ms = timeout_ms;
  return d;
}

static void others_go_on(void) {
  struct nm_net *net = api->net_new(NULL);
  struct nm_conn *hanging, *c;
  struct nm_error e;
  struct server s;
  struct nm_dial nobody = silent(60000);
  int before = asked;
  server_start(&s, HELLO, CAPS, "echo");
  CHECK(api->dial_start(net, &nobody, &hanging, &e) == 0);
  long long start = now_ms();
  CHECK(api->dial_step(hanging, &e) == NM_AGAIN && now_ms() - start < A_MOMENT);
  CHECK(strstr(api->dial_doing(hanging), "name server") != NULL);
  struct nm_dial d = dial_to(s.port, NM_TLS_NONE);
  start = now_ms();
  CHECK(dial(net, &d, &c, &e) == 0 && exchange(c, "NOOP\r\n", "250 NOOP\r\n") &&
        now_ms() - start < 5 * A_MOMENT);
  start = now_ms();
  CHECK(api->dial_step(hanging, &e) == NM_AGAIN && api->dial_progress(hanging) == 0);
  for (int i = 0; asked == before && i < A_MOMENT; i++) { /* its thread may come late */
    (void)poll(NULL, 0, 1);
  }
  CHECK(asked > before); /* or nothing was tried here */
  start = now_ms();
  api->conn_close(&hanging, 0);
  CHECK(now_ms() - start < A_MOMENT);
  api->conn_close(&c, 0);
  server_stop(&s);
  start = now_ms();
  api->net_free(net);
  CHECK(now_ms() - start < A_MOMENT);
}

static void it_ends_in_time(void) {
  struct nm_net *net = api->net_new(NULL);
  struct nm_conn *c;
  struct nm_error e;
  struct nm_dial d = silent(300);
  long long start = now_ms();
  CHECK(dial(net, &d, &c, &e) < 0);
  CHECK_ROW(e.kind == NM_KIND_TIMEOUT, e.text);
  CHECK(now_ms() - start >= 290 && now_ms() - start < 300 + A_MOMENT);
  api->conn_close(&c, 0);
  CHECK(now_ms() - start < 300 + 2 * A_MOMENT);
  api->net_free(net);
}

/* Who waits for the one descriptor hears of a name soon after it is known. */
static void it_is_asked_often_enough(void) {
  struct nm_net *net = api->net_new(NULL);
  struct nm_conn *c;
  struct nm_error e;
  struct nm_dial d = silent(60000);
  long long start = now_ms();
  CHECK(api->net_watch(net) >= 0 && api->dial_start(net, &d, &c, &e) == 0);
  for (int i = 0; i < 30 && now_ms() - start < 2000; i++) { /* the pauses grow with the time that is over */
    struct pollfd p = {.fd = api->net_watch(net), .events = POLLIN};
    api->net_calm(net);
    CHECK(api->dial_step(c, &e) == NM_AGAIN);
    int ms = api->conn_rest(c, 60000);
    CHECK(ms <= (now_ms() - start) / 8 + 1);
    CHECK(poll(&p, 1, A_MOMENT) == 1);
  }
  api->conn_close(&c, 0);
  api->net_free(net);
}

int main(void) {
  certs_make();
  api = nm_net_api();
  RUN(others_go_on);
  RUN(it_ends_in_time);
  RUN(it_is_asked_often_enough);
  is_over = 1;
  for (int i = 0; asking > 0 && i < PATIENCE; i++) {
    (void)poll(NULL, 0, 1);
  }
  (void)poll(NULL, 0, 200); /* their threads end, and what they have with them */
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
