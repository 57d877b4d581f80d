/* The thread and its sockets, without TLS; built for ThreadSanitizer too. */

#include "testing/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "testing/house.h"

static struct nm_server *start(void (*set)(struct nm_house *h)) {
  struct nm_house h = house_open();
  struct nm_server *s = NULL;
  struct nm_error e = {0};
  if (set != NULL) {
    set(&h);
  }
  if (nm_server_new(&h, &s, &e) != 0) {
    printf("no server: %s\n", e.text);
    exit(1);
  }
  return s;
}

static int dial(const struct nm_server *s) {
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)nm_server_port(s)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval patience = {.tv_sec = 10};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0) {
    return fd;
  }
  if (fd >= 0) {
    (void)close(fd);
  }
  return -1;
}

/* Says text and reads until the server ends the line, or so many lines have come; their first digits to out. */
static void talk(int fd, const char *text, int lines, char *out, size_t cap) {
  size_t used = 0;
  int at_start = 1;
  char c;
  CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
  while (lines > 0 && recv(fd, &c, 1, 0) == 1) {
    if (at_start && used + 1 < cap) {
      out[used++] = c;
    }
    at_start = c == '\n';
    lines -= at_start;
  }
  out[used] = '\0';
}

#define TRANSACTION "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 3 LAST\r\nx\r\n"

static void no_extensions(struct nm_house *h) {
  h->setup.has_extensions = 1;
  nm_texts_add(&h->setup.extensions, NM_STR("CHUNKING"));
}

static void hears_a_client(void) {
  struct nm_server *s = start(no_extensions);
  struct nm_record r;
  char codes[16];
  int fd = dial(s);
  talk(fd, "EHLO c\r\n" TRANSACTION "QUIT\r\n", 99, codes, sizeof codes);
  CHECK_ROW(strcmp(codes, "2222222") == 0, codes);
  CHECK(nm_server_wait(s, NM_SERVER_MESSAGES, 1, 60000) == 1);
  (void)close(fd);
  CHECK(nm_server_wait(s, NM_SERVER_IDLE, 0, 60000) == 1);
  CHECK(nm_server_copy(s, &r) == 0);
  CHECK(r.n_mails == 1 && r.n_visitors == 1 && r.visitors[0].is_over &&
        strcmp(r.visitors[0].how, "quit") == 0);
  nm_server_free(&s);
  CHECK(nm_str_eq(nm_buf_str(&r.mails[0]->data), NM_STR("x\r\n"))); /* the copy holds it */
  nm_record_free(&r);
}

/* ---- many, while somebody looks on ---- */

struct crowd {
  const struct nm_server *server;
  int failed;
};

static void *visit_often(void *crowd) {
  struct crowd *c = crowd;
  for (int i = 0; i < 20; i++) {
    char codes[16];
    int fd = dial(c->server);
    if (fd < 0) {
      c->failed++;
      continue;
    }
    talk(fd, "EHLO c\r\n" TRANSACTION TRANSACTION "QUIT\r\n", 99, codes, sizeof codes);
    c->failed += strcmp(codes, "2222222222") != 0;
    (void)close(fd);
  }
  return NULL;
}

static void hears_many_while_it_is_asked(void) {
  struct nm_server *s = start(no_extensions);
  pthread_t threads[4];
  struct crowd crowds[4];
  for (size_t i = 0; i < 4; i++) {
    crowds[i] = (struct crowd){.server = s};
    CHECK(pthread_create(&threads[i], NULL, visit_often, &crowds[i]) == 0);
  }
  for (int i = 0; i < 50; i++) {
    struct nm_record r;
    struct nm_faults none = {0};
    CHECK(nm_server_copy(s, &r) == 0);
    for (size_t k = 0; k < r.n_mails; k++) {
      CHECK(r.mails[k]->data.n == 3);
    }
    nm_server_swap_faults(s, &none);
    nm_faults_free(&none);
    nm_record_free(&r);
    (void)nm_server_wait(s, NM_SERVER_MESSAGES, 100000, 2);
  }
  for (size_t i = 0; i < 4; i++) {
    (void)pthread_join(threads[i], NULL);
    CHECK(crowds[i].failed == 0);
  }
  CHECK(nm_server_wait(s, NM_SERVER_MESSAGES, 160, 60000) == 1);
  nm_server_reset(s);
  CHECK(nm_server_wait(s, NM_SERVER_MESSAGES, 1, 0) == 0);
  nm_server_free(&s);
}

/* Also those whom it has not yet let in. */
static void is_not_idle_before_it_has_heard_all(void) {
  struct nm_server *s = start(no_extensions);
  for (size_t i = 1; i <= 100; i++) {
    struct nm_record r;
    int fd = dial(s);
    CHECK(fd >= 0 && send(fd, "NOOP\r\n", 6, MSG_NOSIGNAL) == 6);
    (void)close(fd);
    CHECK(nm_server_wait(s, NM_SERVER_IDLE, 0, 60000) == 1);
    CHECK(nm_server_copy(s, &r) == 0);
    CHECK(r.n_visitors == i && r.visitors[i - 1].is_over);
    nm_record_free(&r);
  }
  nm_server_free(&s);
}

/* ---- end ---- */

static void slow(struct nm_house *h) {
  struct nm_fault *f = house_add_fault(h, "CONNECT");
  if (f != NULL) {
    f->delay = 3600000;
  }
}

static void stops_without_waiting_for_clients(void) {
  void (*const sets[])(struct nm_house *) = {NULL, slow};
  for (size_t i = 0; i < 2; i++) {
    struct nm_server *s = start(sets[i]);
    int fds[3] = {dial(s), dial(s), dial(s)};
    char c;
    if (sets[i] == NULL) {
      CHECK(recv(fds[0], &c, 1, 0) == 1);
    }
    int64_t before = nm_clock_ms();
    nm_server_stop(s);
    nm_server_stop(s);
    CHECK(nm_clock_ms() - before < 20000);
    CHECK(!nm_server_is_running(s) && dial(s) < 0);
    CHECK(nm_server_wait(s, NM_SERVER_MESSAGES, 1, 10000) == 0);
    nm_server_free(&s);
    for (size_t k = 0; k < 3; k++) {
      while (recv(fds[k], &c, 1, 0) == 1) {
      }
      (void)close(fds[k]);
    }
  }
}

static int child(struct nm_server *s) {
  struct nm_error e = {0};
  int ok = nm_server_check(s, &e) == NM_EINVAL && !nm_server_is_running(s);
  nm_server_stop(s);
  nm_server_free(&s);
  return ok && s == NULL ? 0 : 1;
}

/* Ends the child without an exit that a leak checker would look at: it leaves the parent's memory alone. */
static void child_ends(int rc) {
  (void)execl("/bin/sh", "sh", "-c", rc == 0 ? "exit 0" : "exit 1", (char *)NULL);
  _exit(127);
}

static void is_left_alone_by_a_forked_child(void) {
  struct nm_server *s = start(no_extensions);
  char codes[16];
  int fd = dial(s), status = 0;
  talk(fd, "EHLO c\r\n", 3, codes, sizeof codes);
  pid_t pid = fork();
  if (pid == 0) {
    child_ends(child(s));
  }
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  talk(fd, TRANSACTION "QUIT\r\n", 99, codes, sizeof codes);
  CHECK_ROW(strcmp(codes, "2222") == 0, codes);
  (void)close(fd);
  nm_server_free(&s);
}

/* A child that lives on has copies of all descriptors: the line ends all the same. */
static void ends_lines_that_a_child_holds(void) {
  struct nm_server *s = start(no_extensions);
  char codes[16];
  int fd = dial(s);
  talk(fd, "NOOP\r\n", 2, codes, sizeof codes);
  pid_t pid = fork();
  if (pid == 0) {
    (void)sleep(30);
    _exit(0);
  }
  talk(fd, "QUIT\r\n", 99, codes, sizeof codes); /* to the end of the line */
  CHECK_ROW(strcmp(codes, "2") == 0, codes);
  nm_server_free(&s);
  (void)close(fd);
  (void)kill(pid, SIGKILL);
  (void)waitpid(pid, NULL, 0);
}

/* ---- beginning ---- */

static void outside(struct nm_house *h) {
  nm_buf_add_c(&h->setup.address, "192.0.2.1");
}

static void says_why_it_cannot_begin(void) {
  struct nm_house h = house_open();
  struct nm_server *s = NULL;
  struct nm_error e = {0};
  outside(&h);
  CHECK(nm_server_new(&h, &s, &e) == NM_EINVAL && s == NULL && strstr(e.text, "loopback") != NULL);
  struct nm_server *other = start(NULL);
  h = house_open();
  h.setup.port = nm_server_port(other);
  CHECK(nm_server_new(&h, &s, &e) == NM_EIO && s == NULL && strstr(e.text, "cannot listen there") != NULL);
  nm_server_free(&other);
  nm_server_free(&other);
}

#ifdef NM_TEST_ALLOC
static void survives_failed_allocations(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_server *s = NULL;
    struct nm_error e = {0};
    nm_test_alloc_fail_at(n);
    struct nm_house h = house_open();
    int err = nm_server_new(&h, &s, &e);
    nm_test_alloc_fail_at(0);
    nm_server_free(&s);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 3);
      break;
    }
    CHECK(err == NM_ENOMEM);
  }
}

/* In the thread: the client loses its line, and the next one is served. */
static void survives_failed_allocations_of_the_thread(void) {
  long live = nm_test_alloc_live();
  struct nm_server *s = start(no_extensions);
  for (long n = 1; n < 60; n++) {
    char codes[16] = "";
    nm_test_alloc_fail_at(n);
    int fd = dial(s);
    talk(fd, "EHLO c\r\n" TRANSACTION "QUIT\r\n", 99, codes, sizeof codes);
    nm_test_alloc_fail_at(0);
    CHECK(strncmp("2222222", codes, strlen(codes)) == 0 || strchr(codes, '4') != NULL);
    (void)close(fd);
  }
  char codes[16];
  int fd = dial(s);
  talk(fd, "EHLO c\r\n" TRANSACTION "QUIT\r\n", 99, codes, sizeof codes);
  CHECK_ROW(strcmp(codes, "2222222") == 0, codes);
  (void)close(fd);
  nm_server_free(&s);
  CHECK(nm_test_alloc_live() == live);
}
#endif

int main(void) {
  RUN(hears_a_client);
  RUN(hears_many_while_it_is_asked);
  RUN(is_not_idle_before_it_has_heard_all);
  RUN(stops_without_waiting_for_clients);
  RUN(is_left_alone_by_a_forked_child);
  RUN(ends_lines_that_a_child_holds);
  RUN(says_why_it_cannot_begin);
#ifdef NM_TEST_ALLOC
  RUN(survives_failed_allocations);
  RUN(survives_failed_allocations_of_the_thread);
#endif
  return ctest_end();
}
