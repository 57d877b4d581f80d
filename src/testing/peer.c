/* A visit on its socket, with TLS between them or without. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "testing/server_own.h"

/* How long a client may take to notice that we have ended: closing earlier, with octets of its that nobody has read, would send RST, and
   that can overtake the last reply. A client on a busy machine may have no turn for seconds. */
#define LINGER_MS 15000
/* Pieces for one peer before the others have their turn. */
#define TURN 64

int nm_peer_new(struct nm_server *s, int fd, int64_t now, struct nm_peer **out) {
  struct nm_peer *p = *out = nm_zalloc(sizeof *p);
  int err = p != NULL ? nm_visit_new(&s->house, &p->visit) : NM_ENOMEM;
  if (err != 0) {
    nm_free(p);
    *out = NULL;
    return err;
  }
  int one = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  p->fd = fd;
  nm_visit_work(p->visit, now);
  return 0;
}

void nm_peer_free(struct nm_server *s, struct nm_peer **peer) {
  struct nm_peer *p = *peer;
  if (p != NULL) {
    (void)shutdown(p->fd, SHUT_RDWR); /* a forked child may hold it open */
    (void)close(p->fd);
    nm_visit_free(&p->visit);
    if (p->tls != NULL) {
      s->house.tls->end_free(&p->tls);
    }
    nm_free(p);
    *peer = NULL;
  }
}

/* ---- in ---- */

static size_t room(const struct nm_peer *p) {
  return p->visit == NULL || nm_visit_is_shaking(p->visit) ? NM_PEER_PIECE : nm_visit_room(p->visit);
}

/* What TLS has made of the octets so far. */
static void hear_tls(const struct nm_server *s, struct nm_peer *p, int64_t now) {
  const struct nm_tls_host_api *api = s->house.tls;
  char piece[NM_PEER_PIECE];
  size_t cap;
  while (p->visit != NULL && (cap = room(p)) > 0) {
    size_t n = 0;
    int err = api->read(p->tls, piece, cap < sizeof piece ? cap : sizeof piece, &n);
    if (!p->is_up && api->is_up(p->tls)) {
      p->is_up = 1;
      nm_visit_secured(p->visit);
    }
    if (err == 0) {
      nm_visit_input(p->visit, piece, n);
    } else if (err == NM_EIO) {
      nm_visit_eof(p->visit, "closed");
    } else if (err != NM_AGAIN) {
      nm_visit_insecure(p->visit, api->why(p->tls));
    }
    nm_visit_work(p->visit, now);
    if (err != 0) {
      return;
    }
  }
}

static void hear_end(struct nm_peer *p, int is_reset) {
  p->is_deaf = 1;
  if (is_reset) {
    nm_visit_lost(p->visit, "reset");
  } else if (nm_visit_is_shaking(p->visit)) {
    nm_visit_insecure(p->visit, "the client went away");
  } else {
    nm_visit_eof(p->visit, p->tls != NULL ? "cut" : "closed");
  }
}

static void hear(const struct nm_server *s, struct nm_peer *p, int64_t now) {
  char piece[NM_PEER_PIECE];
  size_t cap = room(p);
  ssize_t n = recv(p->fd, piece, cap < sizeof piece ? cap : sizeof piece, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (n <= 0) {
    hear_end(p, n < 0);
  } else if (p->tls == NULL) {
    nm_visit_input(p->visit, piece, (size_t)n);
  } else if (s->house.tls->feed(p->tls, piece, (size_t)n) != 0) {
    nm_visit_lost(p->visit, "no memory");
  }
  nm_visit_work(p->visit, now);
}

/* ---- out ---- */

/* 0: not all of it could be sent. */
static int flush(struct nm_peer *p) {
  while (p->wire_at < p->wire_n) {
    ssize_t n = send(p->fd, p->wire + p->wire_at, p->wire_n - p->wire_at, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0 && errno != EAGAIN && p->visit != NULL) {
      nm_visit_lost(p->visit, "reset");
    }
    if (n < 0) {
      return 0;
    }
    p->wire_at += (size_t)n;
  }
  p->wire_at = p->wire_n = 0;
  return 1;
}

static size_t say_plain(struct nm_peer *p, const char *said, size_t n) {
  n = n < NM_PEER_PIECE ? n : NM_PEER_PIECE;
  memcpy(p->wire, said, n);
  p->wire_n = n;
  return n;
}

/* Into the wire, which is empty; 0 when there is nothing to say. */
static int say(const struct nm_server *s, struct nm_peer *p, int64_t now) {
  const char *said;
  if (p->tls != NULL) {
    p->wire_n = s->house.tls->take(p->tls, p->wire, sizeof p->wire);
    if (p->wire_n > 0) {
      return 1;
    }
  }
  size_t n = p->visit != NULL ? nm_visit_output(p->visit, &said) : 0;
  if (n == 0 || (p->tls != NULL && !p->is_up)) {
    return 0;
  }
  if (p->tls == NULL) {
    n = say_plain(p, said, n);
  } else {
    n = n < NM_PEER_PIECE ? n : NM_PEER_PIECE;
    if (s->house.tls->write(p->tls, said, n) != 0) {
      nm_visit_lost(p->visit, "tls failed");
      return 0;
    }
  }
  nm_visit_sent(p->visit, n);
  nm_visit_work(p->visit, now);
  return 1;
}

/* ---- TLS, end ---- */

static void begin_tls(struct nm_server *s, struct nm_peer *p) {
  const struct nm_tls_host_api *api = s->house.tls;
  struct nm_str rest = nm_visit_rest(p->visit);
  if (api->end_new(s->tls, nm_visit_certificate(p->visit), &p->tls) != 0 ||
      api->feed(p->tls, rest.p, rest.n) != 0) {
    nm_visit_lost(p->visit, "no memory");
    return;
  }
  nm_visit_shaking(p->visit, p->tls);
}

/* 0: there is nothing to wait for. */
static int end(struct nm_server *s, struct nm_peer *p, int64_t now) {
  enum nm_end how = nm_visit_end(p->visit);
  if (how == NM_END_RESET) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)close(p->fd);
    p->fd = -1;
    nm_visit_free(&p->visit);
    return 0;
  }
  if (p->is_up && (how == NM_END_CLOSE || how == NM_END_NONE)) {
    s->house.tls->goodbye(p->tls);
    p->wire_n = s->house.tls->take(p->tls, p->wire, sizeof p->wire);
  } else if (p->tls != NULL && !p->is_up) { /* the alert that says why */
    p->wire_n = s->house.tls->take(p->tls, p->wire, sizeof p->wire);
  }
  (void)flush(p);
  nm_visit_free(&p->visit);
  (void)shutdown(p->fd, SHUT_WR);
  p->linger = now + LINGER_MS;
  return !p->is_deaf;
}

/* What comes is thrown away. 0: the client has closed too. */
static int linger(struct nm_peer *p, int64_t now) {
  char piece[NM_PEER_PIECE];
  for (int i = 0; i < TURN; i++) {
    ssize_t n = recv(p->fd, piece, sizeof piece, 0);
    if (n <= 0) {
      return n < 0 && (errno == EAGAIN || errno == EINTR) && now < p->linger;
    }
  }
  return now < p->linger;
}

/* ---- */

short nm_peer_events(const struct nm_peer *p) {
  if (p->visit == NULL) {
    return POLLIN;
  }
  const char *said;
  int may_say = nm_visit_output(p->visit, &said) > 0 && (p->tls == NULL || p->is_up);
  short events = p->wire_at < p->wire_n || may_say ? POLLOUT : 0;
  if (!p->is_deaf && room(p) > 0) {
    events |= POLLIN;
  } else if (!p->is_deaf && events == 0 && nm_visit_due(p->visit) < 0) {
    events |= POLLRDHUP; /* it reads no more: all that is left is that the client goes */
  }
  return events;
}

int64_t nm_peer_due(const struct nm_peer *p) {
  return p->visit != NULL ? nm_visit_due(p->visit) : p->linger;
}

int nm_peer_work(struct nm_server *s, struct nm_peer *p, short events, int64_t now) {
  if (p->visit == NULL) {
    return linger(p, now);
  }
  nm_visit_work(p->visit, now);
  int has_gone = (events & (POLLERR | POLLHUP)) != 0 || ((events & POLLRDHUP) != 0 && room(p) == 0);
  if (!p->is_deaf && (events & POLLIN) != 0 && room(p) > 0) {
    hear(s, p, now);
  } else if (has_gone) {
    hear_end(p, (events & (POLLERR | POLLHUP)) != 0);
    nm_visit_work(p->visit, now);
  }
  for (int i = 0; i < TURN; i++) {
    if (p->tls != NULL) {
      hear_tls(s, p, now);
    }
    if (!flush(p)) {
      break;
    }
    if (nm_visit_want(p->visit) == NM_VISIT_TLS) {
      begin_tls(s, p);
    } else if (!say(s, p, now)) {
      break;
    }
  }
  if (nm_visit_want(p->visit) != NM_VISIT_OVER) {
    return 1;
  }
  /* What is left on the wire of a line that is gone goes nowhere. */
  return p->wire_at == p->wire_n || nm_visit_is_gone(p->visit) ? end(s, p, now) : 1;
}
