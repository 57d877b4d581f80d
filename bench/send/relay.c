/* What stands in for line.c where there are no TUN devices or no rights: a relay on loopback that hands on what it reads some milliseconds
   later. Less than a line: the TCP of either side is loopback's, so connecting costs no round trip, and there is no slow start.
     relay MILLISECONDS PORT    one way; of the server on 127.0.0.1
   Says its own port. Lives until its standard input ends. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64
#define PIECE 65536

struct piece {
  struct piece *next;
  long long due; /* nanoseconds */
  size_t at, n;  /* n is 0: the end */
  char octets[];
};

/* One direction of one connection. */
struct way {
  int from, to, ended;
  struct piece *first, **last;
};

struct relay {
  long long delay;
  struct sockaddr_in server;
  struct way ways[2 * CONNECTIONS]; /* both of a connection are neighbours; last is NULL: free */
};

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct way new_way(int from, int to) {
  return (struct way){.from = from, .to = to};
}

static void join(struct relay *r, int client) {
  int one = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  size_t i = 0;
  while (i < 2 * CONNECTIONS && r->ways[i].last != NULL) {
    i += 2;
  }
  if (i == 2 * CONNECTIONS || connect(server, (struct sockaddr *)&r->server, sizeof r->server) != 0) {
    close(server);
    close(client);
    return;
  }
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (size_t k = 0; k < 2; k++) {
    r->ways[i + k] = new_way(k == 0 ? client : server, k == 0 ? server : client);
    r->ways[i + k].last = &r->ways[i + k].first;
  }
}

static void take(struct way *w, long long delay) {
  static char octets[PIECE];
  ssize_t n = recv(w->from, octets, sizeof octets, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  w->ended = n <= 0;
  struct piece *p = malloc(sizeof *p + (n > 0 ? (size_t)n : 0));
  if (p == NULL) {
    exit(1);
  }
  *p = (struct piece){.due = now() + delay, .n = n > 0 ? (size_t)n : 0};
  memcpy(p->octets, octets, p->n);
  *w->last = p;
  w->last = &p->next;
}

static void deliver(struct way *w) {
  for (struct piece *p; (p = w->first) != NULL && p->due <= now();) {
    if (p->n == 0) {
      shutdown(w->to, SHUT_WR);
    }
    ssize_t n = p->at < p->n ? send(w->to, p->octets + p->at, p->n - p->at, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (n < 0 && errno == EAGAIN) {
      return;
    }
    p->at = n < 0 ? p->n : p->at + (size_t)n; /* nobody there: it goes nowhere */
    if (p->at == p->n) {
      w->first = p->next;
      w->last = w->first == NULL ? &w->first : w->last;
      free(p);
    }
  }
}

static void part(struct way pair[2]) {
  if (pair[0].ended && pair[1].ended && pair[0].first == NULL && pair[1].first == NULL) {
    close(pair[0].from);
    close(pair[1].from);
    pair[0] = pair[1] = (struct way){0};
  }
}

/* Milliseconds until something is due; what a full socket keeps back is tried again soon. */
static struct timespec until_due(const struct relay *r) {
  long long left = 999999999, t = now();
  for (size_t i = 0; i < 2 * CONNECTIONS; i++) {
    const struct piece *p = r->ways[i].first;
    if (p != NULL && p->due - t < left) {
      left = p->due > t ? p->due - t : 100000;
    }
  }
  return (struct timespec){.tv_nsec = left};
}

static void run(struct relay *r, int listener) {
  struct pollfd wait[2 + 2 * CONNECTIONS] = {{listener, POLLIN, 0}, {0, POLLIN, 0}};
  while (wait[1].revents == 0) {
    for (size_t i = 0; i < 2 * CONNECTIONS; i++) {
      const struct way *w = &r->ways[i];
      wait[2 + i] = (struct pollfd){w->last != NULL && !w->ended ? w->from : -1, POLLIN, 0};
    }
    struct timespec t = until_due(r);
    ppoll(wait, 2 + 2 * CONNECTIONS, &t, NULL);
    for (size_t i = 0; i < 2 * CONNECTIONS; i++) {
      if (wait[2 + i].revents != 0) {
        take(&r->ways[i], r->delay);
      }
      deliver(&r->ways[i]);
    }
    for (size_t i = 0; i < 2 * CONNECTIONS; i += 2) {
      if (r->ways[i].last != NULL) {
        part(&r->ways[i]);
      }
    }
    if (wait[0].revents != 0) {
      join(r, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    }
  }
}

int main(int argc, char **argv) {
  static struct relay r;
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t n = sizeof own;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (argc != 3 || bind(listener, (struct sockaddr *)&own, n) != 0 || listen(listener, CONNECTIONS) != 0 ||
      getsockname(listener, (struct sockaddr *)&own, &n) != 0) {
    fprintf(stderr, "relay MILLISECONDS PORT\n");
    return 1;
  }
  r.delay = (long long)(strtod(argv[1], NULL) * 1e6);
  r.server = own;
  r.server.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
  prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  printf("%d\n", ntohs(own.sin_port));
  fflush(stdout);
  run(&r, listener);
  return 0;
}
