/* What transactions in flight save: the session alone, over a plain socket, without message building, Lua or libcurl.
     flight envelope|full|off data|bdat MAILS OCTETS HOST PORT [WINDOW]
   prints mails a second, send and recv calls a mail, and this process's CPU time a mail. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "pump.h"

struct line {
  struct nm_io io; /* first */
  int fd;
  unsigned long sends, recvs;
};

static int done_or_why(ssize_t n, size_t *n_out) {
  *n_out = n > 0 ? (size_t)n : 0;
  return n >= 0 ? 0 : errno == EAGAIN || errno == EINTR ? NM_AGAIN : NM_EIO;
}

static int line_send(struct nm_io *io, const char *p, size_t n, size_t *n_out) {
  struct line *l = (struct line *)(void *)io;
  l->sends++;
  return done_or_why(send(l->fd, p, n, MSG_NOSIGNAL), n_out);
}

static int line_sendv(struct nm_io *io, const struct nm_str *v, size_t n, size_t *n_out) {
  struct line *l = (struct line *)(void *)io;
  struct iovec pieces[2] = {{(void *)(uintptr_t)v[0].p, v[0].n}, {(void *)(uintptr_t)v[1].p, v[1].n}};
  struct msghdr what = {.msg_iov = pieces, .msg_iovlen = n};
  l->sends++;
  return done_or_why(sendmsg(l->fd, &what, MSG_NOSIGNAL), n_out);
}

static int line_recv(struct nm_io *io, char *p, size_t cap, size_t *n_out) {
  struct line *l = (struct line *)(void *)io;
  l->recvs++;
  return done_or_why(recv(l->fd, p, cap, 0), n_out);
}

static int line_wait(struct nm_io *io, int want, int ms) {
  struct pollfd fd = {.fd = ((struct line *)(void *)io)->fd};
  fd.events = (short)((want & NM_IO_READ ? POLLIN : 0) | (want & NM_IO_WRITE ? POLLOUT : 0));
  return poll(&fd, 1, ms) > 0 ? 0 : NM_ETIME;
}

static const struct nm_io_ops line_ops = {line_send, line_recv, line_wait, line_sendv};

static int open_line(struct line *l, const char *host, int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int one = 1;
  l->io.ops = &line_ops;
  l->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (inet_pton(AF_INET, host, &at.sin_addr) != 1 || connect(l->fd, (struct sockaddr *)&at, sizeof at) != 0) {
    return -1;
  }
  setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fcntl(l->fd, F_SETFL, O_NONBLOCK);
}

/* ---- the mails ---- */

/* As many contents as may be in flight; all of the same bytes. */
struct mails {
  struct nm_addr from, to;
  struct nm_addr *tos[1];
  struct nm_envelope env;
  struct nm_source **contents;
  size_t window, n_begun;
};

static char *make_content(size_t n) {
  static const char line[] = "What a line of text looks like when nobody has thought about it much.\r\n";
  char *p = malloc(n + sizeof line);
  size_t at = 0;
  while (p != NULL && at < n) {
    memcpy(p + at, line, sizeof line - 1);
    at += sizeof line - 1;
  }
  return p;
}

static void begin_all_that_may(struct nm_session *s, struct mails *m, size_t total) {
  while (m->n_begun < total && nm_session_may_begin(s)) {
    struct nm_source *content = m->contents[m->n_begun++ % m->window];
    nm_source_rewind(content);
    nm_session_begin(s, &m->env, content);
  }
}

static size_t take_all(struct nm_session *s) {
  size_t accepted = 0;
  while (nm_session_results(s) > 0) {
    accepted += nm_session_result(s)->outcome == NM_OUTCOME_ACCEPTED;
    nm_session_drop_result(s);
  }
  return accepted;
}

static int go_on(struct nm_session *s, struct line *l) {
  if (!nm_pump(s, &l->io)) {
    int want = nm_session_want(s) & (NM_IO_READ | NM_IO_WRITE);
    return want == 0 ? 0 : line_wait(&l->io, want, 10000);
  }
  return 0;
}

static size_t send_all(struct nm_session *s, struct line *l, struct mails *m, size_t total) {
  size_t accepted = 0;
  while (nm_session_state(s) != NM_SESSION_CLOSED) {
    accepted += take_all(s);
    begin_all_that_may(s, m, total);
    if (nm_session_state(s) == NM_SESSION_IDLE || go_on(s, l) != 0) {
      break;
    }
  }
  return accepted + take_all(s);
}

static int hello(struct nm_session *s, struct line *l) {
  struct nm_hello h = {.name = NM_STR("client.example")};
  int rc = nm_session_start(s, &h);
  while (rc == 0 && nm_session_state(s) == NM_SESSION_TALKING) {
    rc = go_on(s, l);
  }
  return rc;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
  struct line l = {.fd = -1};
  struct mails m = {.window = 1};
  struct nm_session *s = nm_session_new();
  if (argc < 7 || s == NULL || open_line(&l, argv[5], atoi(argv[6])) != 0 || hello(s, &l) != 0) {
    fprintf(stderr, "flight envelope|full|off data|bdat MAILS OCTETS HOST PORT [WINDOW]\n");
    return 2;
  }
  size_t total = strtoul(argv[3], NULL, 10), n = strtoul(argv[4], NULL, 10);
  enum nm_pipelining mode = argv[1][0] == 'f'   ? NM_PIPELINING_FULL
                            : argv[1][0] == 'o' ? NM_PIPELINING_OFF
                                                : NM_PIPELINING_ENVELOPE;
  nm_session_pipelining(s, mode);
  if (mode == NM_PIPELINING_FULL) {
    m.window = argc > 7 ? strtoul(argv[7], NULL, 10) : NM_WINDOW_DEFAULT;
    nm_session_window(s, m.window, NM_WINDOW_BYTES_DEFAULT);
  }
  char *bytes = make_content(n);
  m.contents = calloc(m.window, sizeof *m.contents);
  for (size_t i = 0; i < m.window; i++) {
    m.contents[i] = nm_source_memory(nm_str(bytes, n));
  }
  m.from = (struct nm_addr){.refs = 1, .spec = NM_STR("sender@example.com")};
  m.to = (struct nm_addr){.refs = 1, .spec = NM_STR("rcpt0@example.com")};
  m.tos[0] = &m.to;
  m.env = (struct nm_envelope){.from = &m.from, .to = m.tos, .n_to = 1, .size = (int64_t)n};
  m.env.chunking = argv[2][0] == 'd' ? NM_CHUNKING_OFF : NM_CHUNKING_OFFERED;
  l.sends = l.recvs = 0;
  double began = seconds(), cpu = cpu_seconds();
  size_t accepted = send_all(s, &l, &m, total);
  double took = seconds() - began;
  cpu = cpu_seconds() - cpu;
  printf("%-8s %-4s %7zu octets: %9.0f mails/s, %6.3f sends, %6.3f recvs, %7.2f us CPU a mail%s\n", argv[1],
         argv[2], n, (double)accepted / took, (double)l.sends / (double)total,
         (double)l.recvs / (double)total, cpu * 1e6 / (double)total, accepted == total ? "" : " (NOT ALL)");
  for (size_t i = 0; i < m.window; i++) {
    nm_source_free(&m.contents[i]);
  }
  free(m.contents);
  free(bytes);
  nm_session_free(&s);
  close(l.fd);
  return accepted == total ? 0 : 1;
}
