#include "net/dialler.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#define HELLO "send:220 mail.example.test ESMTP\\r\\n", "expect:EHLO client.example.test"
#define CAPS "send:250 mail.example.test\\r\\n"
/* What comes next must not come while the dial goes on. */
#define AFTERWARDS "expect:GO"
#define UPGRADE                                                                                              \
  "send:250-mail.example.test\\r\\n250 STARTTLS\\r\\n", "expect:STARTTLS", "send:220 go\\r\\n", "tls:good",  \
      "expect:EHLO client.example.test"

static const struct nm_net_api *api;
static struct nm_net *net;

/* A connection to a server that goes on with what; tls as in enum nm_tls. */
static struct nm_conn *connect_to(struct server *s, enum nm_tls tls, const char *what) {
  struct nm_conn *c;
  struct nm_error e;
  switch (tls) {
    case NM_TLS_NONE:
      server_start(s, HELLO, CAPS, AFTERWARDS, what);
      break;
    case NM_TLS_STARTTLS:
      server_start(s, HELLO, UPGRADE, CAPS, AFTERWARDS, what);
      break;
    default:
      server_start(s, "tls:good", HELLO, CAPS, AFTERWARDS, what);
  }
  struct nm_dial d = dial_to(s->port, tls);
  if (dial(net, &d, &c, &e) != 0) {
    printf("no connection: %s\n%s\n", e.text, s->log);
    exit(1);
  }
  struct nm_io *io = api->conn_io(c);
  size_t n = 0;
  CHECK(io->ops->send(io, "GO\r\n", 4, &n) == 0 && n == 4);
  return c;
}

static const enum nm_tls every_tls[] = {NM_TLS_NONE, NM_TLS_STARTTLS, NM_TLS_IMPLICIT};
#define EACH_TLS(i)                                                                                          \
  size_t i = 0;                                                                                              \
  i < sizeof every_tls / sizeof every_tls[0];                                                                \
  i++

static const char *tls_name(enum nm_tls tls) {
  return tls == NM_TLS_NONE ? "none" : tls == NM_TLS_STARTTLS ? "STARTTLS" : "implicit";
}

static void close_says_only_what_it_may(void) {
  for (EACH_TLS(i)) {
    for (int quietly = 0; quietly < 2; quietly++) {
      struct server s;
      struct nm_conn *c = connect_to(&s, every_tls[i], "end");
      api->conn_close(&c, quietly);
      server_stop(&s);
      const char *end = every_tls[i] == NM_TLS_NONE ? "end eof" : quietly ? "end cut" : "end notify";
      /* Newer versions of libcurl send no alert for such a connection at all. */
      CHECK_ROW(strstr(s.log, end) != NULL || (!quietly && strstr(s.log, "end cut") != NULL), s.log);
      CHECK_ROW(strstr(s.log, "QUIT") == NULL, s.log);
    }
  }
}

/* What a child does when the host's objects are collected there, when the host's objects are collected there; 0 if it was as promised. */
static int child_gives_up(struct nm_conn **c, int quietly) {
  struct nm_io *io = api->conn_io(*c);
  struct nm_error e = {0};
  char byte;
  size_t n = 1;
  if (io->ops->send(io, "QUIT\r\n", 6, &n) != NM_EIO || n != 0 || io->ops->recv(io, &byte, 1, &n) != NM_EIO) {
    return 1;
  }
  if (io->ops->wait(io, NM_IO_READ, PATIENCE) != 0 || !api->conn_readable(*c)) {
    return 2;
  }
  if (api->dial_step(*c, &e) != NM_EINVAL || e.text[0] == '\0' || api->dial_wait(*c, 1000) != 0) {
    return 3;
  }
  api->conn_close(c, quietly);
  return 0;
}

static void forked_child_leaves_the_line_alone(void) {
  for (EACH_TLS(i)) {
    for (int quietly = 0; quietly < 2; quietly++) {
      struct server s;
      struct nm_conn *c = connect_to(&s, every_tls[i], "echo");
      int status = -1;
      CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
      pid_t child = fork();
      if (child == 0) {
        int rc = child_gives_up(&c, quietly);
        api->net_free(net);
        child_ends(rc);
      }
      (void)waitpid(child, &status, 0);
      CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      CHECK_ROW(!api->conn_readable(c), tls_name(every_tls[i]));
      CHECK_ROW(exchange(c, "RSET\r\n", "250 RSET\r\n"), tls_name(every_tls[i]));
      api->conn_close(&c, 1);
      server_stop(&s);
    }
  }
}

/* The child's copy of the descriptor must not keep the line open behind the parent's back. */
static void child_does_not_hold_the_line_open(void) {
  struct server s;
  struct nm_conn *c = connect_to(&s, NM_TLS_IMPLICIT, "end");
  int gone[2];
  CHECK(pipe(gone) == 0);
  pid_t child = fork();
  if (child == 0) {
    (void)child_gives_up(&c, 1);
    (void)!write(gone[1], "x", 1);
    (void)sleep(10);
    _exit(0);
  }
  char x;
  CHECK(read(gone[0], &x, 1) == 1);
  api->conn_close(&c, 1);
  CHECK(server_says(&s, "end cut", PATIENCE));
  (void)kill(child, SIGKILL);
  (void)waitpid(child, NULL, 0);
  (void)close(gone[0]);
  (void)close(gone[1]);
  server_stop(&s);
}

static void child_dials_on_its_own(void) {
  struct server s, t;
  struct nm_conn *c = connect_to(&s, NM_TLS_IMPLICIT, "echo");
  int status = -1;
  server_start(&t, "tls:good", HELLO, CAPS, "echo");
  pid_t child = fork();
  if (child == 0) {
    struct nm_conn *mine;
    struct nm_error e;
    struct nm_dial d = dial_to(t.port, NM_TLS_IMPLICIT);
    int bad = dial(net, &d, &mine, &e) != 0 || !exchange(mine, "NOOP\r\n", "250 NOOP\r\n");
    api->conn_close(&c, 1);
    bad = bad || !exchange(mine, "RSET\r\n", "250 RSET\r\n");
    api->conn_close(&mine, 0);
    api->net_free(net);
    child_ends(bad);
  }
  (void)waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
  api->conn_close(&c, 1);
  server_stop(&s);
  server_stop(&t);
}

/* Waits until the descriptor has something: what was sent must have come before it is asked for. */
static int comes(struct nm_conn *c) {
  struct nm_io *io = api->conn_io(c);
  return io->ops->wait(io, NM_IO_READ, PATIENCE) == 0;
}

static void readable_when_idle_means_dead(void) {
  static const char *const ends[] = {"close", "send:421 idle too long\\r\\n", "reset"};
  for (EACH_TLS(i)) {
    for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
      struct server s;
      struct nm_conn *c = connect_to(&s, every_tls[i], ends[k]);
      struct nm_io *io = api->conn_io(c);
      char byte;
      size_t n;
      CHECK(comes(c));
      CHECK_ROW(api->conn_readable(c), ends[k]);
      CHECK_ROW(api->conn_readable(c), ends[k]);
      CHECK(io->ops->send(io, "NOOP\r\n", 6, &n) == NM_EIO && n == 0);
      CHECK(io->ops->recv(io, &byte, 1, &n) == NM_EIO && n == 0);
      CHECK(io->ops->wait(io, NM_IO_READ, PATIENCE) == 0);
      api->conn_close(&c, 0);
      server_stop(&s);
    }
  }
}

static void tell(int fd, const char *text) {
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* OpenSSL's own server, told by its standard input what to do: "k" sends a key update, which wakes poll and is nothing to read. */
static void key_update_on_an_idle_line_is_life(void) {
  struct server s;
  struct nm_conn *c;
  struct nm_error e = {0};
  char command[1024];
  int in[2];
  CHECK(pipe(in) == 0);
  (void)snprintf(command, sizeof command,
                 "exec openssl s_server -accept 127.0.0.1:0 -naccept 1 -cert %s -key %s -crlf <&%d 2>&1 | "
                 "sed -u 's/^ACCEPT .*:/port /'",
                 cert("good.pem"), cert("good.key"), in[0]);
  const char *const argv[] = {"/bin/sh", "-c", command, NULL};
  server_spawn(&s, argv);
  struct nm_dial d = dial_to(s.port, NM_TLS_IMPLICIT);
  CHECK(api->dial_start(net, &d, &c, &e) == 0);
  tell(in[1], "220 x\n");
  long long start = now_ms();
  while (!server_says(&s, "EHLO", 0) && now_ms() - start < PATIENCE) {
    CHECK_ROW(dial_run(c, 20, &e) == NM_AGAIN, e.text);
  }
  tell(in[1], "250 x\n");
  CHECK_ROW(dial_run(c, PATIENCE, &e) == 0, e.text);
  tell(in[1], "k\n");
  CHECK(comes(c));
  CHECK(!api->conn_readable(c));
  tell(in[1], "250 alive\n");
  CHECK(exchange(c, "NOOP\r\n", "250 alive\r\n"));
  api->conn_close(&c, 1);
  (void)close(in[0]);
  (void)close(in[1]);
  server_stop(&s);
}

/* poll sees the socket, not what TLS has already taken from it. */
static void all_bytes_come_in_any_portion(void) {
  static const char text[] = "250-one\r\n250-two\r\n250 three\r\n";
  for (EACH_TLS(i)) {
    for (size_t portion = 1; portion <= sizeof text; portion = 3 * portion + 1) {
      struct server s;
      struct nm_conn *c = connect_to(&s, every_tls[i], "send:250-one\\r\\n250-two\\r\\n250 three\\r\\n");
      struct nm_io *io = api->conn_io(c);
      char got[sizeof text + 8];
      size_t n = 0, part = 0;
      int rc = 0;
      while (n < sizeof text - 1 && (rc == 0 || rc == NM_AGAIN)) {
        rc = io->ops->recv(io, got + n, portion, &part);
        CHECK(part <= portion);
        n += part;
        if (rc == NM_AGAIN && io->ops->wait(io, NM_IO_READ, PATIENCE) != 0) {
          break;
        }
      }
      CHECK(n == sizeof text - 1 && memcmp(got, text, n) == 0);
      while ((rc = io->ops->recv(io, got, portion, &part)) == NM_AGAIN && comes(c)) {
      }
      /* The end. Without close_notify, as this server goes, some versions of libcurl call it an error. */
      CHECK(part == 0 && (rc == 0 || (rc == NM_EIO && every_tls[i] != NM_TLS_NONE)));
      CHECK(io->ops->recv(io, got, portion, &part) <= 0 && part == 0); /* it stays so */
      api->conn_close(&c, 1);
      server_stop(&s);
    }
  }
}

/* SIGPIPE is at its default here: were it raised, the program would end without a word. */
static void writing_to_a_broken_line_is_an_error(void) {
  static const char *const ends[] = {"close", "reset"};
  static char much[200000];
  memset(much, 'x', sizeof much);
  for (EACH_TLS(i)) {
    for (size_t k = 0; k < 2; k++) {
      struct server s;
      struct nm_conn *c = connect_to(&s, every_tls[i], ends[k]);
      struct nm_io *io = api->conn_io(c);
      size_t n;
      int rc = 0;
      CHECK(comes(c));
      for (int turn = 0; turn < 1000 && rc >= 0; turn++) {
        rc = io->ops->send(io, much, sizeof much, &n);
        if (rc == NM_AGAIN) {
          (void)io->ops->wait(io, NM_IO_WRITE, 100);
        }
      }
      CHECK(rc == NM_EIO);
      CHECK(io->ops->send(io, much, 1, &n) == NM_EIO);
      api->conn_close(&c, 0);
      server_stop(&s);
    }
  }
}

/* A server that does not read: the kernel's buffers fill, send says so, and wait keeps its time. */
static void full_line_is_again(void) {
  static char much[1000000];
  for (EACH_TLS(i)) {
    struct server s;
    struct nm_conn *c = connect_to(&s, every_tls[i], "deaf");
    struct nm_io *io = api->conn_io(c);
    size_t n, sum = 0;
    int rc = 0;
    for (int turn = 0; turn < 1000 && rc == 0; turn++) {
      rc = io->ops->send(io, much, sizeof much, &n);
      sum += n;
    }
    CHECK(rc == NM_AGAIN && sum > 0);
    long long start = now_ms();
    CHECK(io->ops->wait(io, NM_IO_WRITE, 120) == NM_ETIME);
    CHECK(now_ms() - start >= 119 && now_ms() - start < PATIENCE);
    api->conn_close(&c, 1);
    server_kill(&s);
  }
}

/* This server has Nagle's algorithm on and writes each reply by itself. The best is what counts: the stall of 40 ms would be in every one,
   and on a busy machine few are quick. */
static void several_replies_come_without_a_stall(void) {
  static const char three[] = "MAIL\r\nRCPT\r\nDATA\r\n", answers[] = "250 MAIL\r\n250 RCPT\r\n250 DATA\r\n";
  for (EACH_TLS(i)) {
    struct server s;
    struct nm_conn *c = connect_to(&s, every_tls[i], "echo");
    struct nm_io *io = api->conn_io(c);
    long long best = 1000;
    for (int round = 0; round < 100 && best >= 35; round++) {
      char got[64];
      size_t n = 0, part = 0;
      int rc = 0;
      long long start = now_ms();
      CHECK(io->ops->send(io, three, sizeof three - 1, &part) == 0 && part == sizeof three - 1);
      while (n < sizeof answers - 1 && (rc == 0 || rc == NM_AGAIN)) {
        rc = io->ops->recv(io, got + n, sizeof got - n, &part);
        n += part;
        if (rc == NM_AGAIN && io->ops->wait(io, NM_IO_READ, PATIENCE) != 0) {
          break;
        }
      }
      CHECK(n == sizeof answers - 1 && memcmp(got, answers, n) == 0);
      best = now_ms() - start < best ? now_ms() - start : best;
    }
    CHECK_ROW(best < 35, tls_name(every_tls[i]));
    api->conn_close(&c, 1);
    server_stop(&s);
  }
}

static void on_alarm(int sig) {
  (void)sig;
}

static void signal_during_wait_is_no_error(void) {
  struct server s;
  struct nm_conn *c = connect_to(&s, NM_TLS_NONE, "end");
  struct nm_io *io = api->conn_io(c);
  struct sigaction on = {.sa_handler = on_alarm}, before;
  struct itimerval soon = {.it_value = {.tv_usec = 50000}, .it_interval = {.tv_usec = 50000}}, none = {0};
  (void)sigaction(SIGALRM, &on, &before);
  (void)setitimer(ITIMER_REAL, &soon, NULL);
  CHECK(io->ops->wait(io, NM_IO_READ, -1) == 0);
  (void)setitimer(ITIMER_REAL, &none, NULL);
  (void)sigaction(SIGALRM, &before, NULL);
  api->conn_close(&c, 1);
  server_stop(&s);
}

static int open_files(void) {
  int n = 0;
  DIR *d = opendir("/proc/self/fd");
  while (readdir(d) != NULL) {
    n++;
  }
  (void)closedir(d);
  return n;
}

/* The flags of the socket that leads to the port; -1 when there is none. */
static int flags_of_line(int port) {
  for (int fd = 3; fd < 256; fd++) {
    struct sockaddr_in there = {0};
    socklen_t n = sizeof there;
    if (getpeername(fd, (struct sockaddr *)&there, &n) == 0 && ntohs(there.sin_port) == port) {
      return fcntl(fd, F_GETFD);
    }
  }
  return -1;
}

static void no_descriptor_is_left_behind(void) {
  int before = open_files();
  for (EACH_TLS(i)) {
    for (int quietly = 0; quietly < 2; quietly++) {
      struct server s;
      struct nm_conn *c = connect_to(&s, every_tls[i], "echo");
      CHECK(exchange(c, "NOOP\r\n", "250 NOOP\r\n"));
      CHECK(flags_of_line(s.port) == FD_CLOEXEC); /* no program that the host starts inherits it */
      api->conn_close(&c, quietly);
      CHECK(flags_of_line(s.port) == -1);
      server_stop(&s);
      CHECK(open_files() == before);
    }
  }
}

int main(void) {
  certs_make();
  api = nm_net_api();
  net = api->net_new(NULL);
  RUN(close_says_only_what_it_may);
  RUN(forked_child_leaves_the_line_alone);
  RUN(child_does_not_hold_the_line_open);
  RUN(child_dials_on_its_own);
  RUN(readable_when_idle_means_dead);
  RUN(key_update_on_an_idle_line_is_life);
  RUN(all_bytes_come_in_any_portion);
  RUN(writing_to_a_broken_line_is_an_error);
  RUN(full_line_is_again);
  RUN(several_replies_come_without_a_stall);
  RUN(signal_during_wait_is_no_error);
  RUN(no_descriptor_is_left_behind);
  api->net_free(net);
  CHECK(nm_test_alloc_live() == 0);
  certs_remove();
  return ctest_end();
}
