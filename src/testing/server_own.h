#ifndef NM_TESTING_SERVER_OWN_H
#define NM_TESTING_SERVER_OWN_H

#include <pthread.h>
#include <sys/types.h>
#include "testing/server.h"

/* Between the files of a server. */

/* Lines at once; more wait to be accepted. */
#define NM_PEERS_MAX 64
/* Read, or written, at once: a TLS record. */
#define NM_PEER_PIECE 16384

/* One line. */
struct nm_peer {
  int fd;
  struct nm_visit *visit; /* NULL: it is over, and we wait for the client to notice */
  struct nm_tls_end *tls;
  int is_up;                      /* TLS is */
  int is_deaf;                    /* the client has ended its side */
  int64_t linger;                 /* until then */
  char wire[NM_PEER_PIECE + 512]; /* to be sent */
  size_t wire_at;
  size_t wire_n;
};

struct nm_server {
  pthread_t thread;
  pthread_mutex_t lock; /* over all below; the thread holds it whenever it is not waiting */
  pthread_cond_t changed;
  int has_lock; /* the two above are there */
  int is_running;
  int stop;
  pid_t pid;
  int listener;
  int wake[2]; /* a pipe */
  int port;
  int64_t rest; /* nobody is accepted before */
  struct nm_house house;
  struct nm_tls_host *tls;
  struct nm_peer *peers[NM_PEERS_MAX];
  size_t n_peers;
};

NM_HIDDEN_BEGIN

/* server_loop.c: the thread. */
void *nm_server_loop(void *server);

/* peer.c; all with the lock held. */
int nm_peer_new(struct nm_server *s, int fd, int64_t now, struct nm_peer **out);
void nm_peer_free(struct nm_server *s, struct nm_peer **p);
/* What poll is to wait for. */
short nm_peer_events(const struct nm_peer *p);
/* When to come back without an event; -1: never. */
int64_t nm_peer_due(const struct nm_peer *p);
/* Does what can be done; 0 when the peer is to be freed. */
int nm_peer_work(struct nm_server *s, struct nm_peer *p, short events, int64_t now);

NM_HIDDEN_END

#endif
