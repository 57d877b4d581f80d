/* The thread: one poll over all lines. */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "testing/server_own.h"

/* When there is no descriptor for a client, to be asked for again. */
#define REST_MS 50

static void accept_all(struct nm_server *s, int64_t now) {
  while (s->n_peers < NM_PEERS_MAX) {
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) {
      continue;
    }
    if (fd < 0) {
      s->rest = errno == EAGAIN || errno == EWOULDBLOCK ? 0 : now + REST_MS;
      return;
    }
    struct nm_peer **peer = &s->peers[s->n_peers];
    if (nm_peer_new(s, fd, now, peer) != 0) {
      (void)close(fd);
      return;
    }
    if (nm_peer_work(s, *peer, 0, now)) {
      s->n_peers++;
    } else {
      nm_peer_free(s, peer);
    }
  }
}

static void work(struct nm_server *s, const struct pollfd *fds, size_t n, int64_t now) {
  for (size_t i = 0; i < n; i++) {
    if (!nm_peer_work(s, s->peers[i], fds[i].revents, now)) {
      nm_peer_free(s, &s->peers[i]);
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < s->n_peers; i++) {
    if (s->peers[i] != NULL) {
      s->peers[kept++] = s->peers[i];
    }
  }
  s->n_peers = kept;
}

static void sooner(int64_t *due, int64_t other) {
  if (other >= 0 && (*due < 0 || other < *due)) {
    *due = other;
  }
}

/* The wait: fds[0] wakes us, fds[1] is the listener, the peers follow in their order. */
static void prepare(const struct nm_server *s, struct pollfd *fds, int64_t now, int *timeout_out) {
  int accepts = s->n_peers < NM_PEERS_MAX && now >= s->rest;
  int64_t due = now < s->rest ? s->rest : -1;
  fds[0] = (struct pollfd){.fd = s->wake[0], .events = POLLIN};
  fds[1] = (struct pollfd){.fd = accepts ? s->listener : -1, .events = POLLIN};
  for (size_t i = 0; i < s->n_peers; i++) {
    fds[i + 2] = (struct pollfd){.fd = s->peers[i]->fd, .events = nm_peer_events(s->peers[i])};
    sooner(&due, nm_peer_due(s->peers[i]));
  }
  int64_t ms = due < 0 ? -1 : due > now ? due - now : 0;
  *timeout_out = ms > 60000 ? 60000 : (int)ms;
}

void *nm_server_loop(void *server) {
  struct nm_server *s = server;
  struct pollfd fds[NM_PEERS_MAX + 2];
  (void)pthread_mutex_lock(&s->lock);
  while (!s->stop) {
    int timeout;
    size_t n = s->n_peers;
    prepare(s, fds, nm_clock_ms(), &timeout);
    (void)pthread_mutex_unlock(&s->lock);
    int rc = poll(fds, (nfds_t)(n + 2), timeout);
    (void)pthread_mutex_lock(&s->lock);
    if (rc < 0) { /* EINTR, or no memory for an instant: nothing is known of any descriptor */
      continue;
    }
    int64_t now = nm_clock_ms();
    work(s, fds + 2, n, now);
    if ((fds[1].revents & POLLIN) != 0) {
      accept_all(s, now);
    }
    (void)pthread_cond_broadcast(&s->changed);
  }
  (void)pthread_mutex_unlock(&s->lock);
  return NULL;
}
