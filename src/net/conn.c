#include "net/conn.h"

#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "net/openssl.h"
#include "net/sigpipe.h"

/* An answer of the resolver's is late by one part in so many, at most. */
#define RESOLVER_LATENESS 8
/* Sent at once: the session has two. */
#define PIECES_MAX 8
/* A TLS record: what takes longer to leave counts as no progress, and to have more encrypted at once saves nothing. */
#define RECORD_MAX 16384

#ifdef MSG_NOSIGNAL
#  define CAN_SEND_PLAIN 1
#else /* libcurl knows how to do without */
#  define CAN_SEND_PLAIN 0
#  define MSG_NOSIGNAL 0
#endif

int nm_conn_is_foreign(const struct nm_conn *c) {
  return c->pid != nm_net_process(c->net);
}

static struct nm_conn *conn_of(struct nm_io *io) {
  return (struct nm_conn *)(void *)io;
}

static int may_speak(const struct nm_conn *c) {
  return c->state == NM_CONN_READY && !nm_conn_is_foreign(c);
}

static int lost(struct nm_conn *c) {
  if (!nm_conn_is_foreign(c)) {
    c->state = NM_CONN_DEAD;
  }
  return NM_EIO;
}

/* A line that takes nothing more may still hold the server's reason for that: only recv pronounces it dead. */
static int sent(struct nm_conn *c, int rc, size_t n) {
  if (rc == 0 && n > 0) {
    c->heard = 0;
    return 0;
  }
  return rc == 0 ? NM_AGAIN : rc;
}

/* Past libcurl, which would do the same with one piece after another. */
static int send_plain(struct nm_conn *c, const struct nm_str *v, size_t n, size_t *n_out) {
  struct iovec pieces[PIECES_MAX];
  struct msghdr what = {.msg_iov = pieces};
  for (size_t i = 0; i < n && i < PIECES_MAX; i++) {
    pieces[i] = (struct iovec){.iov_base = (void *)(uintptr_t)v[i].p, .iov_len = v[i].n};
    what.msg_iovlen = i + 1;
  }
  ssize_t got;
  do {
    got = sendmsg(c->fd, &what, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  *n_out = got > 0 ? (size_t)got : 0;
  return got >= 0 || errno == EAGAIN || errno == EWOULDBLOCK ? 0 : NM_EIO;
}

static int send_by_curl(struct nm_conn *c, const char *p, size_t n, size_t *n_out) {
  struct nm_sigpipe hold;
  nm_sigpipe_hold(&hold, c->net->hold_sigpipe);
  CURLcode rc = curl_easy_send(c->easy, p, n < RECORD_MAX ? n : RECORD_MAX, n_out);
  nm_sigpipe_release(&hold);
  *n_out = rc == CURLE_OK ? *n_out : 0;
  return rc == CURLE_OK || rc == CURLE_AGAIN ? 0 : NM_EIO;
}

static int io_sendv(struct nm_io *io, const struct nm_str *v, size_t n, size_t *n_out) {
  struct nm_conn *c = conn_of(io);
  *n_out = 0;
  if (!may_speak(c)) {
    return lost(c);
  }
  while (n > 1 && v->n == 0) {
    v++;
    n--;
  }
  int rc = c->is_plain ? send_plain(c, v, n, n_out) : send_by_curl(c, v->p, v->n, n_out);
  return sent(c, rc, *n_out);
}

static int io_send(struct nm_io *io, const char *p, size_t n, size_t *n_out) {
  struct nm_str whole = nm_str(p, n);
  return io_sendv(io, &whole, 1, n_out);
}

/* Past libcurl too. A stream gives what it has: less than there is room for is all (epoll(7)). */
static int recv_plain(struct nm_conn *c, char *p, size_t cap, size_t *n_out) {
  ssize_t got;
  do {
    got = recv(c->fd, p, cap, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  *n_out = got > 0 ? (size_t)got : 0;
  c->io.is_drained = got > 0 && *n_out < cap;
  return got >= 0 ? 0 : errno == EAGAIN || errno == EWOULDBLOCK ? NM_AGAIN : NM_EIO;
}

static int recv_by_curl(struct nm_conn *c, char *p, size_t cap, size_t *n_out) {
  struct nm_sigpipe hold;
  nm_sigpipe_hold(&hold, c->net->hold_sigpipe); /* TLS answers a key update while it reads */
  CURLcode rc = curl_easy_recv(c->easy, p, cap, n_out);
  nm_sigpipe_release(&hold);
  *n_out = rc == CURLE_OK ? *n_out : 0;
  return rc == CURLE_OK ? 0 : rc == CURLE_AGAIN ? NM_AGAIN : NM_EIO;
}

static int io_recv(struct nm_io *io, char *p, size_t cap, size_t *n_out) {
  struct nm_conn *c = conn_of(io);
  *n_out = 0;
  if (!may_speak(c)) {
    return lost(c);
  }
  int rc = c->is_plain ? recv_plain(c, p, cap, n_out) : recv_by_curl(c, p, cap, n_out);
  if (rc == 0) {
    c->heard = c->has_heard = 1; /* 0 bytes: the end */
  }
  return rc < 0 ? lost(c) : rc;
}

/* To wait for more when part of an answer is there is to wait for a server that may itself wait, by Nagle's algorithm, for our acknowledgement
   of that part: 44 ms a group of commands, if it writes its replies one by one. Before the first word nobody knows what has come: in TLS the
   server's tickets may have, which recv does not show, and Postfix's greeting waits until they have arrived. */
static void acknowledge(struct nm_conn *c) {
  if (c->heard || !c->has_heard) {
    nm_socket_ack(c->fd);
    c->heard = 0;
  }
}

/* Always 0 for a dead line: the next send or recv says it. */
static int io_wait(struct nm_io *io, int want, int ms) {
  struct nm_conn *c = conn_of(io);
  struct pollfd fd = {.fd = c->fd};
  if (!may_speak(c)) {
    return 0;
  }
  if ((want & NM_IO_READ) != 0) {
    acknowledge(c);
  }
  fd.events = (short)(((want & NM_IO_READ) != 0 ? POLLIN : 0) | ((want & NM_IO_WRITE) != 0 ? POLLOUT : 0));
  int rc = poll(&fd, 1, ms < 0 ? -1 : ms);
  return rc == 0 ? NM_ETIME : 0; /* also after a signal */
}

static const struct nm_io_ops io_ops = {.send = io_send, .recv = io_recv, .wait = io_wait, .sendv = io_sendv};

/* By the socket itself, not by what libcurl remembers of it. A peer that is gone by now, and so is nobody's, may have left words on the
   line: whoever reads hears them, and then of the end. */
static void note_peer(struct nm_conn *c) {
  struct sockaddr_storage a;
  socklen_t n = sizeof a;
  if (getpeername(c->fd, (struct sockaddr *)&a, &n) != 0) {
    c->is_loopback = c->is_local;
    return;
  }
  c->is_loopback = c->is_local || (!c->proxied && nm_sockaddr_is_loopback((struct sockaddr *)&a, n));
}

int nm_conn_ready(struct nm_conn *c) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD) {
    return nm_failure_explain(c, CURLE_RECV_ERROR);
  }
  c->fd = fd;
  c->words[0] = '\0'; /* of addresses that did not answer */
  c->sockets.n = 0;   /* the others are closed */
  nm_sockets_add(&c->sockets, fd);
  note_peer(c);
  c->is_plain =
      CAN_SEND_PLAIN && c->tls == NM_TLS_NONE && !c->proxied; /* what is said to a proxy may be in TLS */
  c->io.ops = &io_ops;
  c->state = NM_CONN_READY;
  return 0;
}

struct nm_io *nm_conn_io(struct nm_conn *c) {
  return &c->io;
}

int nm_conn_is_loopback(const struct nm_conn *c) {
  return c->is_loopback;
}

static int sooner(int a, long b) {
  return b >= 0 && (a < 0 || b < a) ? (int)b : a;
}

/* Sockets that were opened since the last rest. */
static void watch_sockets(struct nm_conn *c) {
  int fds[NM_SOCKETS_MAX];
  if (c->n_watched == c->sockets.n) {
    return;
  }
  for (unsigned n = nm_sockets_list(&c->sockets, fds); n > 0; n--) {
    nm_watch_add(&c->net->watch, fds[n - 1]);
  }
  c->n_watched = c->sockets.n;
}

/* libcurl has a clock of its own while it dials. By that it also asks its resolver's thread, which has no socket for us, but at twice the time each
   time: a name would be known for as long as it took to look it up before anybody heard of it. */
static int next_look(const struct nm_conn *c, int ms) {
  long own = -1;
  (void)curl_multi_timeout(c->multi, &own);
  if ((c->reached & NM_DIAL_RESOLVED) == 0) {
    own = sooner((int)own, (long)(nm_clock_ms() - c->began) / RESOLVER_LATENESS + 1);
  }
  return sooner(ms, own);
}

int nm_conn_rest(struct nm_conn *c, int ms) {
  struct nm_watch *w = &c->net->watch;
  if (nm_conn_is_foreign(c) || nm_watch_fd(w) < 0) {
    return ms;
  }
  if (c->state == NM_CONN_DIALING) {
    watch_sockets(c);
    ms = next_look(c, ms);
  } else if (c->state == NM_CONN_READY) {
    if (!c->is_watched) {
      nm_watch_add(w, c->fd);
      c->is_watched = 1;
    }
    acknowledge(c);
  }
  nm_watch_arm(w, ms);
  return ms;
}

/* Asked by reading, not by poll: an idle TLS connection may become readable while it lives (a session ticket, a key update: then
   there is no byte for us), and may hold bytes that poll does not see. */
int nm_conn_readable(struct nm_conn *c) {
  char byte;
  size_t n;
  if (io_recv(&c->io, &byte, 1, &n) == NM_AGAIN) {
    return 0;
  }
  (void)lost(c); /* the byte is gone: nobody may read on behind it */
  return 1;
}

int nm_conn_ssl(struct nm_conn *c, void **ssl, const void **mark) {
  struct curl_tlssessioninfo *info = NULL;
  /* Reading ties the handle to its connection again, which the end of the dial has untied: before, libcurl knows no SSL. */
  if (nm_conn_readable(c) || curl_easy_getinfo(c->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK ||
      info == NULL || info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL) {
    return NM_EINVAL;
  }
  *ssl = info->internals;
  *mark = nm_curl_symbol("SSL_export_keying_material");
  return *mark != NULL ? 0 : NM_EINVAL;
}

static void handles_free(struct nm_conn *c) {
  struct nm_sigpipe hold;
  nm_sigpipe_hold(&hold, c->net->hold_sigpipe);
  if (c->multi != NULL && c->easy != NULL) {
    (void)curl_multi_remove_handle(c->multi, c->easy); /* closes the connection, says nothing in SMTP */
  }
  curl_easy_cleanup(c->easy);
  nm_net_multi_back(c->net, c->multi);
  nm_sigpipe_release(&hold);
}

/* Who would not take the session up, or could not, may like a new one better. */
static void give_ticket_back(struct nm_conn *c) {
  if (c->ticket != NULL && (c->state == NM_CONN_DIALING || c->state == NM_CONN_FAILED)) {
    nm_ticket_forget(c->ticket);
  }
  nm_ticket_unref(&c->ticket);
}

/* In a forked child the handles are leaked: freeing them would end the parent's TLS session. Its descriptor is given up, so that the
   server sees the parent close. */
void nm_conn_close(struct nm_conn **pc, int quietly) {
  struct nm_conn *c = *pc;
  *pc = NULL;
  if (c == NULL) {
    return;
  }
  int foreign = nm_conn_is_foreign(c);
  if (quietly || foreign) {
    nm_sockets_silence(&c->sockets, c->net->nowhere);
  }
  if (!foreign) {
    handles_free(c);
  }
  give_ticket_back(c);
  nm_buf_free(&c->lines);
  nm_buf_free(&c->log);
  nm_free(c);
}
