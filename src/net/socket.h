#ifndef NM_NET_SOCKET_H
#define NM_NET_SOCKET_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include "base/hidden.h"

/* The sockets that a dial was given, so that they can be spoken to before libcurl tells which one won, and silenced without
   libcurl. libcurl closes the losers by itself and their numbers come back as other files; each is therefore
   known by its inode too. (A CLOSESOCKETFUNCTION would say when one is closed, but libcurl calls it with our
   pointer whenever it pleases, also after the connection's struct is gone.) */
#define NM_SOCKETS_MAX                                                                                       \
  8 /* live at once: two in happy eyeballs, a few more in the newest libcurl; the oldest falls out */

struct nm_sockets {
  struct {
    int fd;
    ino_t inode;
  } at[NM_SOCKETS_MAX];
  unsigned n; /* remembered so far; at[n % NM_SOCKETS_MAX] is the next place */
};

/* An IPv6 address with a zone, and its NUL. */
#define NM_PEER_TEXT_MAX 64

NM_HIDDEN_BEGIN

/* A new non-blocking, close-on-exec socket that is remembered; -1 when there is none. */
int nm_sockets_open(struct nm_sockets *s, int family, int type, int protocol);
void nm_sockets_add(struct nm_sockets *s, int fd);
/* Asks the kernel to acknowledge at once what has come in (Linux; elsewhere nothing). It does not stick: a peer with Nagle's
   algorithm on would else wait 40 ms for our delayed acknowledgement between two small writes. */
void nm_sockets_ack(const struct nm_sockets *s);
void nm_socket_ack(int fd);
/* Those that are still open, for whoever asks; out has room for NM_SOCKETS_MAX. */
unsigned nm_sockets_list(const struct nm_sockets *s, int *out);
/* Puts nowhere over every remembered socket that is still open: from here on nothing goes out on them. */
void nm_sockets_silence(struct nm_sockets *s, int nowhere);
/* A descriptor for that purpose, or -1. */
int nm_socket_nowhere(void);

/* 127.0.0.0/8, ::1, and the first as IPv4-mapped IPv6 address. */
int nm_sockaddr_is_loopback(const struct sockaddr *a, socklen_t n);
/* "192.0.2.1", "2001:db8::1"; "" for other families. */
void nm_sockaddr_text(const struct sockaddr *a, socklen_t n, char *out, size_t cap);

NM_HIDDEN_END

#endif
