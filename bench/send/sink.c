/* An SMTP server that takes all mail and throws it away, as fast as one thread can: what clients are measured against where the server
   is not to be what is measured. It offers PIPELINING, CHUNKING, 8BITMIME, SIZE and ENHANCEDSTATUSCODES, keeps to the order of
   commands, undoes dot-stuffing far enough to see that it is right, and counts.
     sink [-c] ADDRESS    -c: no CHUNKING. Says its port on standard output. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN ((size_t)1 << 18)
#define OUT ((size_t)1 << 16)
#define REPLY 256 /* no reply is longer */
#define EVENTS 64

/* faults: what a client did that is against RFC 5321, 2920 or 3030. */
struct counts {
  unsigned long mails, recipients, connections, faults;
  unsigned long long octets; /* of content, after unstuffing */
};

/* Where in DATA's content we are: what counts is what may be the start of a line. */
enum place { TEXT, CR, LINE, DOT, DOT_CR };

struct client {
  int fd, closing;
  enum { COMMAND, DATA, BDAT } state;
  int mail, last; /* MAIL was said; the chunk is the LAST */
  unsigned long recipients;
  enum place place;
  size_t chunk; /* octets of the chunk still to come */
  size_t from, to, out;
  char in[IN], replies[OUT];
};

struct sink {
  int poll, listener, chunking;
  struct counts counts;
};

static void say(struct client *c, const char *text) {
  size_t n = strlen(text);
  memcpy(c->replies + c->out, text, n);
  c->out += n;
}

static void refuse(struct sink *s, struct client *c, const char *text) {
  s->counts.faults++;
  say(c, text);
}

static void accepted(struct sink *s, struct client *c) {
  s->counts.mails++;
  s->counts.recipients += c->recipients;
  c->mail = 0;
  c->recipients = 0;
  say(c, "250 2.0.0 Ok: thrown away\r\n");
}

/* ---- content ---- */

/* A stretch of text from the middle of a line up to a dot that may end the content, or to the end of what has come. Most text has few
   dots, so looking for them is quick. */
static const char *skip_text(struct client *c, const char *p, const char *end) {
  for (const char *at = p;;) {
    const char *dot = memchr(at, '.', (size_t)(end - at));
    if (dot == NULL) {
      break;
    }
    if (dot - p >= 2 && dot[-2] == '\r' && dot[-1] == '\n') {
      c->place = DOT;
      return dot + 1;
    }
    at = dot + 1;
  }
  if (end[-1] == '\r') {
    c->place = CR;
  } else if (end - p >= 2 && end[-2] == '\r' && end[-1] == '\n') {
    c->place = LINE;
  }
  return end;
}

/* One octet at a place where it matters. */
static void step(struct sink *s, struct client *c, char octet) {
  enum place otherwise = octet == '\r' ? CR : TEXT;
  switch (c->place) {
    case CR:
      c->place = octet == '\n' ? LINE : otherwise;
      break;
    case LINE:
      c->place = octet == '.' ? DOT : otherwise;
      break;
    case DOT: /* a second one was stuffed */
      s->counts.octets--;
      s->counts.faults += octet != '.' && octet != '\r';
      c->place = octet == '\r' ? DOT_CR : TEXT;
      break;
    default: /* DOT_CR */
      s->counts.faults += octet != '\n';
      c->place = otherwise;
  }
}

static const char *read_data(struct sink *s, struct client *c, const char *p, const char *end) {
  const char *begin = p;
  while (p < end) {
    if (c->place == TEXT) {
      p = skip_text(c, p, end);
    } else if (c->place == DOT_CR && *p == '\n') {
      s->counts.octets += (unsigned long long)(p + 1 - begin);
      s->counts.octets -= 2; /* CR LF of the last line; its dot was taken for a stuffed one */
      c->state = COMMAND;
      accepted(s, c);
      return p + 1;
    } else {
      step(s, c, *p++);
    }
  }
  s->counts.octets += (unsigned long long)(p - begin);
  return p;
}

static const char *read_chunk(struct sink *s, struct client *c, const char *p, const char *end) {
  size_t n = (size_t)(end - p) < c->chunk ? (size_t)(end - p) : c->chunk;
  c->chunk -= n;
  s->counts.octets += n;
  if (c->chunk == 0) {
    c->state = COMMAND;
    if (c->last) {
      accepted(s, c);
    } else {
      say(c, "250 2.0.0 Ok\r\n");
    }
  }
  return p + n;
}

/* ---- commands ---- */

static void ehlo(struct sink *s, struct client *c) {
  say(c, "250-sink.example\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n");
  say(c, s->chunking ? "250-CHUNKING\r\n250 HELP\r\n" : "250 HELP\r\n");
}

static void bdat(struct sink *s, struct client *c, const char *arguments) {
  char *end;
  c->chunk = strtoul(arguments, &end, 10);
  c->last = strncasecmp(end, " LAST", 5) == 0;
  c->state = BDAT;
  if (end == arguments || !s->chunking || c->recipients == 0) {
    /* The chunk comes all the same, but that no client of a benchmark should see. */
    c->closing = 1;
    refuse(s, c, "421 4.5.1 BDAT out of place\r\n");
  }
}

static void data(struct sink *s, struct client *c) {
  if (c->recipients == 0) {
    refuse(s, c, "503 5.5.1 RCPT first\r\n");
    return;
  }
  c->state = DATA;
  c->place = LINE;
  say(c, "354 go on\r\n");
}

static void envelope(struct sink *s, struct client *c, int mail) {
  if (mail == c->mail) {
    refuse(s, c, "503 5.5.1 MAIL once, then RCPT\r\n");
    return;
  }
  c->mail = 1;
  c->recipients += !mail;
  say(c, "250 2.1.0 Ok\r\n");
}

/* line ends with CRLF, which is not of n. */
static void obey(struct sink *s, struct client *c, const char *line, size_t n) {
#define IS(verb) (n >= 4 && strncasecmp(line, verb, 4) == 0)
  if (IS("MAIL") || IS("RCPT")) {
    envelope(s, c, IS("MAIL"));
  } else if (IS("BDAT") && n > 5) {
    bdat(s, c, line + 5);
  } else if (IS("DATA")) {
    data(s, c);
  } else if (IS("EHLO")) {
    ehlo(s, c);
  } else if (IS("HELO") || IS("NOOP")) {
    say(c, "250 2.0.0 Ok\r\n");
  } else if (IS("RSET")) {
    c->mail = 0;
    c->recipients = 0;
    say(c, "250 2.0.0 Ok\r\n");
  } else if (IS("QUIT")) {
    c->closing = 1;
    say(c, "221 2.0.0 Bye\r\n");
  } else {
    refuse(s, c, "500 5.5.2 what?\r\n");
  }
#undef IS
}

/* The next command, if all of it is there; else returns p. */
static const char *read_command(struct sink *s, struct client *c, const char *p, const char *end) {
  const char *lf = memchr(p, '\n', (size_t)(end - p));
  if (lf == NULL) {
    return p;
  }
  if (lf == p || lf[-1] != '\r') {
    refuse(s, c, "500 5.5.2 lines end with CR LF\r\n");
  } else {
    obey(s, c, p, (size_t)(lf - 1 - p));
  }
  if (c->state == BDAT && c->chunk == 0) {
    read_chunk(s, c, lf + 1, lf + 1);
  }
  return lf + 1;
}

/* ---- one client ---- */

/* What has come, as far as there is room for the replies: who does not read them is not read either. */
static void read_all(struct sink *s, struct client *c) {
  const char *p = c->in + c->from, *end = c->in + c->to;
  while (p < end && !c->closing && OUT - c->out >= REPLY) {
    const char *was = p;
    p = c->state == COMMAND ? read_command(s, c, p, end)
        : c->state == DATA  ? read_data(s, c, p, end)
                            : read_chunk(s, c, p, end);
    if (p == was) {
      break;
    }
  }
  c->from = (size_t)(p - c->in);
  if (c->from == c->to) {
    c->from = c->to = 0;
  } else if (c->to == IN) {
    memmove(c->in, p, c->to - c->from);
    c->to -= c->from;
    c->from = 0;
  }
}

/* 1 when all is out, 0 when the client must read first, -1 when it is gone. */
static int flush(struct client *c) {
  size_t done = 0;
  while (done < c->out) {
    ssize_t n = send(c->fd, c->replies + done, c->out - done, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) {
      if (errno != EAGAIN) {
        return -1;
      }
      break;
    }
    done += n > 0 ? (size_t)n : 0;
  }
  memmove(c->replies, c->replies + done, c->out - done);
  c->out -= done;
  return c->out == 0;
}

static void watch(struct sink *s, struct client *c, int operation, uint32_t events) {
  struct epoll_event e = {.events = events, .data.ptr = c};
  epoll_ctl(s->poll, operation, c->fd, &e);
}

static void drop(struct client *c) {
  close(c->fd);
  free(c);
}

/* -1 when it is gone: what is left of its last command counts as a fault. */
static int receive(struct sink *s, struct client *c) {
  ssize_t n = recv(c->fd, c->in + c->to, IN - c->to, 0);
  if (n > 0) {
    c->to += (size_t)n;
    return 0;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return 0;
  }
  s->counts.faults += c->mail != 0;
  return -1;
}

/* Reads and replies in turn until there is nothing to be read, or the client must take its replies first. -1 when it is to be dropped. */
static int converse(struct sink *s, struct client *c) {
  for (;;) {
    size_t before = c->to - c->from;
    read_all(s, c);
    int stuck = before == c->to - c->from, out = flush(c);
    if (out < 0 || (out == 1 && c->closing)) {
      return -1;
    }
    if (out == 1 && stuck && before == IN) {
      s->counts.faults++; /* a line without end */
      return -1;
    }
    if (out == 0 || stuck) {
      return 0;
    }
  }
}

static void serve(struct sink *s, struct client *c, uint32_t events) {
  int waited = (events & EPOLLOUT) != 0;
  if ((!waited && receive(s, c) != 0) || converse(s, c) != 0) {
    drop(c);
  } else if (waited != (c->out > 0)) {
    watch(s, c, EPOLL_CTL_MOD, waited ? EPOLLIN : EPOLLOUT);
  }
}

static void welcome(struct sink *s) {
  int fd, one = 1;
  while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct client *c = malloc(sizeof *c);
    if (c == NULL) {
      close(fd);
      return;
    }
    memset(c, 0, offsetof(struct client, in));
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->counts.connections++;
    say(c, "220 sink.example ESMTP\r\n");
    watch(s, c, EPOLL_CTL_ADD, EPOLLIN);
    if (flush(c) < 0) {
      drop(c);
    }
  }
}

/* ---- the server ---- */

static int listen_at(const char *address, int *port_out) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (inet_pton(AF_INET, address, &a.sin_addr) != 1 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
      listen(fd, 4096) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
    return -1;
  }
  *port_out = ntohs(a.sin_port);
  return fd;
}

/* Each line on standard input asks for the counts, its end ends us: whoever started us holds the other end. */
static int answer(const struct counts *counts) {
  char line[256];
  ssize_t n = read(0, line, sizeof line);
  if (n <= 0) {
    return -1;
  }
  printf("%lu %lu %llu %lu %lu\n", counts->mails, counts->recipients, counts->octets, counts->connections,
         counts->faults);
  return 0;
}

static void run(struct sink *s) {
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(s->poll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      void *who = events[i].data.ptr;
      if (who == s) {
        welcome(s);
      } else if (who == NULL) {
        if (answer(&s->counts) != 0) {
          return;
        }
      } else {
        serve(s, who, events[i].events);
      }
    }
  }
}

int main(int argc, char **argv) {
  struct sink s = {.chunking = argc < 3 || strcmp(argv[1], "-c") != 0};
  int port = 0;
  struct epoll_event asked = {.events = EPOLLIN, .data.ptr = NULL},
                     called = {.events = EPOLLIN, .data.ptr = &s};
  if (argc < 2 || (s.listener = listen_at(argv[argc - 1], &port)) < 0 ||
      (s.poll = epoll_create1(EPOLL_CLOEXEC)) < 0) {
    fprintf(stderr, "sink [-c] ADDRESS\n");
    return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("%d\n", port);
  epoll_ctl(s.poll, EPOLL_CTL_ADD, 0, &asked);
  epoll_ctl(s.poll, EPOLL_CTL_ADD, s.listener, &called);
  run(&s);
  return 0;
}
