/* A line with delay and real TCP at both ends: two network namespaces, a TUN device in each, and every packet that goes into one comes
   out of the other some milliseconds later. Nothing else does that without a kernel's netem.
     line MILLISECONDS    one way
   Says on standard output the files by which nsenter --net enters the near and the far namespace, and the far one's address. Lives until
   its standard input ends, and the namespaces no longer than it and who is in them. Needs root. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define NEAR "10.99.0.1"
#define FAR "10.99.0.2"
#define MTU 1500
#define BURST 64 /* packets read before others are delivered */

struct packet {
  struct packet *next;
  long long due; /* nanoseconds */
  size_t n;
  char octets[];
};

/* One direction; packets are in the order in which they came. */
struct way {
  int from, to;
  struct packet *first, **last;
};

static void die(const char *what) {
  fprintf(stderr, "line: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* ---- the ends ---- */

static struct sockaddr in_address(const char *text) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  struct sockaddr general;
  inet_pton(AF_INET, text, &a.sin_addr);
  memcpy(&general, &a, sizeof general);
  return general;
}

static void bring_up(const char *name, const char *address, const char *other) {
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq r = {0};
  snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
  if (address != NULL) {
    r.ifr_addr = in_address(address);
    int failed = ioctl(s, SIOCSIFADDR, &r);
    r.ifr_dstaddr = in_address(other);
    failed |= ioctl(s, SIOCSIFDSTADDR, &r);
    r.ifr_mtu = MTU;
    failed |= ioctl(s, SIOCSIFMTU, &r);
    r.ifr_qlen = 10000;
    failed |= ioctl(s, SIOCSIFTXQLEN, &r);
    if (failed != 0) {
      die(address);
    }
  }
  r.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(s, SIOCSIFFLAGS, &r) != 0) {
    die(name);
  }
  close(s);
}

/* A namespace of its own for us, until the next. Returns its TUN device; *space_out keeps it alive and gives it a name. */
static int make_end(const char *address, const char *other, int *space_out) {
  struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "line"};
  if (unshare(CLONE_NEWNET) != 0 || (*space_out = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) < 0) {
    die("a network namespace");
  }
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tun < 0 || ioctl(tun, TUNSETIFF, &r) != 0) {
    die("/dev/net/tun");
  }
  bring_up("lo", NULL, NULL);
  bring_up("line", address, other);
  return tun;
}

/* ---- the line ---- */

static void take(struct way *w, long long delay) {
  static char octets[65536];
  ssize_t n;
  for (int i = 0; i < BURST && (n = read(w->from, octets, sizeof octets)) > 0; i++) {
    struct packet *p = malloc(sizeof *p + (size_t)n);
    if (p == NULL) {
      die("a packet");
    }
    *p = (struct packet){.due = now() + delay, .n = (size_t)n};
    memcpy(p->octets, octets, p->n);
    *w->last = p;
    w->last = &p->next;
  }
}

static void deliver(struct way *w) {
  for (struct packet *p; (p = w->first) != NULL && p->due <= now();) {
    if (write(w->to, p->octets, p->n) < 0 && errno == EAGAIN) {
      return;
    }
    w->first = p->next;
    if (w->first == NULL) {
      w->last = &w->first;
    }
    free(p);
  }
}

static long long next_due(const struct way ways[2]) {
  long long due = now() + 1000000000;
  for (int i = 0; i < 2; i++) {
    if (ways[i].first != NULL && ways[i].first->due < due) {
      due = ways[i].first->due;
    }
  }
  return due;
}

static void run(int near, int far, long long delay) {
  struct way ways[2] = {{.from = near, .to = far}, {.from = far, .to = near}};
  struct pollfd wait[3] = {{near, POLLIN, 0}, {far, POLLIN, 0}, {0, POLLIN, 0}};
  ways[0].last = &ways[0].first;
  ways[1].last = &ways[1].first;
  while (wait[2].revents == 0) {
    long long left = next_due(ways) - now();
    struct timespec t = {.tv_nsec = left > 0 ? (left < 999999999 ? left : 999999999) : 0};
    ppoll(wait, 3, &t, NULL);
    take(&ways[0], delay);
    take(&ways[1], delay);
    deliver(&ways[0]);
    deliver(&ways[1]);
  }
}

int main(int argc, char **argv) {
  int near_space, far_space;
  double milliseconds = argc == 2 ? strtod(argv[1], NULL) : -1;
  if (milliseconds < 0) {
    fprintf(stderr, "line MILLISECONDS\n");
    return 1;
  }
  int near = make_end(NEAR, FAR, &near_space), far = make_end(FAR, NEAR, &far_space);
  prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  printf("/proc/%d/fd/%d /proc/%d/fd/%d " FAR "\n", getpid(), near_space, getpid(), far_space);
  fflush(stdout);
  run(near, far, (long long)(milliseconds * 1e6));
  return 0;
}
