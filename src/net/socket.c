#include "net/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 when fd is no open file. */
static ino_t inode_of(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

void nm_sockets_add(struct nm_sockets *s, int fd) {
  unsigned i = s->n % NM_SOCKETS_MAX;
  s->at[i].fd = fd;
  s->at[i].inode = inode_of(fd);
  s->n++;
}

int nm_sockets_open(struct nm_sockets *s, int family, int type, int protocol) {
  int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) {
    return -1;
  }
  nm_sockets_add(s, fd);
  return fd;
}

void nm_socket_ack(int fd) {
#ifdef TCP_QUICKACK
  int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
#else
  (void)fd;
#endif
}

static unsigned count(const struct nm_sockets *s) {
  return s->n < NM_SOCKETS_MAX ? s->n : NM_SOCKETS_MAX;
}

static int is_open(const struct nm_sockets *s, unsigned i) {
  return s->at[i].inode != 0 && inode_of(s->at[i].fd) == s->at[i].inode;
}

unsigned nm_sockets_list(const struct nm_sockets *s, int *out) {
  unsigned n = 0;
  for (unsigned i = 0; i < count(s); i++) {
    if (is_open(s, i)) {
      out[n++] = s->at[i].fd;
    }
  }
  return n;
}

void nm_sockets_ack(const struct nm_sockets *s) {
  for (unsigned i = 0; i < count(s); i++) {
    if (is_open(s, i)) {
      nm_socket_ack(s->at[i].fd);
    }
  }
}

void nm_sockets_silence(struct nm_sockets *s, int nowhere) {
  for (unsigned i = 0; i < count(s); i++) {
    if (is_open(s, i)) {
      (void)dup3(nowhere, s->at[i].fd, O_CLOEXEC);
    }
  }
  s->n = 0;
}

/* A datagram socket without address or peer: writing fails without SIGPIPE, reading says EAGAIN. (/dev/null would do too, where
   there is one: not in every chroot.) */
int nm_socket_nowhere(void) {
  return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* The addresses are copied out: libcurl's buffers promise no alignment. */
int nm_sockaddr_is_loopback(const struct sockaddr *a, socklen_t n) {
  if (a->sa_family == AF_INET && n >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in in;
    memcpy(&in, a, sizeof in);
    return ntohl(in.sin_addr.s_addr) >> 24 == 127;
  }
  if (a->sa_family == AF_INET6 && n >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 in;
    memcpy(&in, a, sizeof in);
    return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) && in.sin6_addr.s6_addr[12] == 127);
  }
  return 0;
}

void nm_sockaddr_text(const struct sockaddr *a, socklen_t n, char *out, size_t cap) {
  out[0] = '\0';
  if (a->sa_family == AF_INET && n >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in in;
    memcpy(&in, a, sizeof in);
    (void)inet_ntop(AF_INET, &in.sin_addr, out, (socklen_t)cap);
  } else if (a->sa_family == AF_INET6 && n >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 in;
    memcpy(&in, a, sizeof in);
    (void)inet_ntop(AF_INET6, &in.sin6_addr, out, (socklen_t)cap);
  }
}
