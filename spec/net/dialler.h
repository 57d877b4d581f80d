#ifndef NM_SPEC_NET_DIALLER_H
#define NM_SPEC_NET_DIALLER_H

/* What the tests of net/ share: a scripted server in a child process, certificates made once a program, and a dial driven to
   its end. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/alloc.h"
#include "net/net.h"
#include "support/ctest.h"

#define SERVER "spec/support/scripted_server.py"
#define MKCERTS "spec/support/mkcerts.sh"
#define STEPS_MAX 24
#define LOG_MAX 8192
#define PATIENCE 30000 /* ms, for what must come: the machine may have other work, for seconds */

static char certs[64]; /* the directory */

/* One file of it. The result lives until the fourth call after this one. */
static inline const char *cert(const char *name) {
  static char path[4][128];
  static unsigned turn;
  char *p = path[turn++ % 4];
  (void)snprintf(p, sizeof path[0], "%s/%s", certs, name);
  return p;
}

static inline void certs_make(void) {
  char command[192];
  (void)snprintf(certs, sizeof certs, "/tmp/netmail-net-certs.%ld", (long)getpid());
  (void)snprintf(command, sizeof command, "sh " MKCERTS " %s", certs);
  if (system(command) != 0) {
    printf("the certificates could not be made\n");
    exit(1);
  }
}

static inline void certs_remove(void) {
  char command[128];
  (void)snprintf(command, sizeof command, "rm -r %s", certs);
  (void)!system(command);
}

struct server {
  pid_t pid;
  int port;
  int log_fd;
  char log[LOG_MAX]; /* all it has printed */
  size_t n;
};

/* Reads what the server prints until text is there, or ms are over. */
static inline int server_says(struct server *s, const char *text, int ms) {
  while (strstr(s->log, text) == NULL) {
    struct pollfd fd = {.fd = s->log_fd, .events = POLLIN};
    int rc = poll(&fd, 1, ms);
    if (rc < 0 && errno == EINTR) {
      continue;
    }
    ssize_t got = rc > 0 && s->n < LOG_MAX - 1 ? read(s->log_fd, s->log + s->n, LOG_MAX - 1 - s->n) : 0;
    if (got <= 0) {
      return 0;
    }
    s->n += (size_t)got;
    s->log[s->n] = '\0';
  }
  return 1;
}

static inline void server_spawn(struct server *s, const char *const *argv) {
  int out[2];
  memset(s, 0, sizeof *s);
  if (pipe(out) != 0) {
    abort();
  }
  s->pid = fork();
  if (s->pid == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no server behind */
    (void)dup2(out[1], 1);
    (void)close(out[0]);
    (void)close(out[1]);
    (void)unsetenv("LD_PRELOAD");
    execv(argv[0], (char *const *)(void *)argv);
    _exit(127);
  }
  (void)close(out[1]);
  s->log_fd = out[0];
  if (s->pid < 0 || !server_says(s, "port ", PATIENCE) || !server_says(s, "\n", PATIENCE)) {
    printf("the server does not start: %s\n", s->log);
    exit(1);
  }
  s->port = atoi(strstr(s->log, "port ") + 5);
}

/* The steps, then NULL. */
static inline void server_start_n(struct server *s, const char *address, int connections, ...) {
  char n[16];
  const char *argv[STEPS_MAX + 10] = {"/usr/bin/python3", SERVER,  "--certs", certs, "--connections", n,
                                      "--address",        address, "--"};
  va_list steps;
  (void)snprintf(n, sizeof n, "%d", connections);
  va_start(steps, connections);
  for (int i = 9; i < STEPS_MAX + 9; i++) {
    argv[i] = va_arg(steps, const char *);
    if (argv[i] == NULL) {
      break;
    }
  }
  va_end(steps);
  server_spawn(s, argv);
}
#define server_start(s, ...) server_start_n(s, "127.0.0.1", 1, __VA_ARGS__, NULL)

/* Kills it: what it has to say is of no interest. */
static inline void server_kill(struct server *s) {
  (void)kill(s->pid, SIGKILL);
  (void)waitpid(s->pid, NULL, 0);
  (void)close(s->log_fd);
}

/* Waits for its end; kills it when it does not come. */
static inline void server_stop(struct server *s) {
  (void)server_says(s, "\377", PATIENCE); /* never printed: reads to the end of file */
  (void)kill(s->pid, SIGKILL);
  (void)waitpid(s->pid, NULL, 0);
  (void)close(s->log_fd);
}

/* Ends the child without an exit that a leak checker would look at: the parent's handles are leaked there on purpose. */
static inline void child_ends(int rc) {
  (void)execl("/bin/sh", "sh", "-c", rc == 0 ? "exit 0" : "exit 1", (char *)NULL);
  _exit(127);
}

static inline struct nm_dial dial_to(int port, enum nm_tls tls) {
  return (struct nm_dial){.host = "localhost",
                          .port = port,
                          .tls = tls,
                          .ehlo_name = "client.example.test",
                          .ca_file = cert("ca.pem"),
                          .ip_version = 4,
                          .timeout_ms = PATIENCE};
}

static inline long long now_ms(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* NM_AGAIN when it is not done within ms. */
static inline int dial_run(struct nm_conn *c, int ms, struct nm_error *e) {
  long long end = now_ms() + ms;
  int rc = nm_net_api()->dial_step(c, e);
  while (rc == NM_AGAIN && now_ms() < end) {
    (void)nm_net_api()->dial_wait(c, (int)(end - now_ms()));
    rc = nm_net_api()->dial_step(c, e);
  }
  return rc;
}

/* start and run; *c is NULL when start failed. */
static inline int dial(struct nm_net *net, const struct nm_dial *d, struct nm_conn **c, struct nm_error *e) {
  memset(e, 0, sizeof *e);
  int rc = nm_net_api()->dial_start(net, d, c, e);
  return rc != 0 ? rc : dial_run(*c, PATIENCE, e);
}

static inline int lines_have(const struct nm_conn *c, const char *text) {
  const char *p;
  size_t n;
  nm_net_api()->dial_lines(c, &p, &n);
  return memmem(p, n, text, strlen(text)) != NULL;
}

/* Writes text, reads until the answer ends in a line end; compares. */
static inline int exchange(struct nm_conn *c, const char *text, const char *answer) {
  struct nm_io *io = nm_net_api()->conn_io(c);
  char got[512];
  size_t n = 0, part, left = strlen(text);
  while (left > 0) {
    int rc = io->ops->send(io, text, left, &part);
    if (rc < 0) {
      return 0;
    }
    text += rc == 0 ? part : 0;
    left -= rc == 0 ? part : 0;
    if (rc == NM_AGAIN && io->ops->wait(io, NM_IO_WRITE, PATIENCE) != 0) {
      return 0;
    }
  }
  while (n == 0 || got[n - 1] != '\n') {
    int rc = io->ops->recv(io, got + n, sizeof got - n, &part);
    if (rc == NM_AGAIN) {
      rc = io->ops->wait(io, NM_IO_READ, PATIENCE);
      part = 1;
      if (rc == 0) {
        continue;
      }
    }
    if (rc != 0 || part == 0) {
      return 0;
    }
    n += part;
  }
  return n == strlen(answer) && memcmp(got, answer, n) == 0;
}

#endif
