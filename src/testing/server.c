#include "testing/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "testing/server_own.h"

/* ---- birth ---- */

static int fail(struct nm_error *e, const char *what) {
  char text[64];
  int number = errno;
  /* strerror keeps its text where another thread may be at it. */
  const char *words = strerror_r(number, text, sizeof text);
  return nm_error_set(e, NM_EIO, NM_KIND_CONNECT, "the test server cannot %s: %s", what, words);
}

static socklen_t fill_address(const struct nm_setup *setup, struct sockaddr_storage *out) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)out;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, setup->address.p, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)setup->port);
    return sizeof *v4;
  }
  (void)inet_pton(AF_INET6, setup->address.p, &v6->sin6_addr);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons((uint16_t)setup->port);
  return sizeof *v6;
}

static int listen_at(struct nm_server *s, struct nm_error *e) {
  struct sockaddr_storage address;
  socklen_t n = fill_address(&s->house.setup, &address);
  int one = 1;
  s->listener = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s->listener < 0) {
    return fail(e, "make a socket");
  }
  (void)setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(s->listener, (struct sockaddr *)&address, n) != 0 || listen(s->listener, NM_PEERS_MAX) != 0 ||
      getsockname(s->listener, (struct sockaddr *)&address, &n) != 0) {
    return fail(e, "listen there");
  }
  s->port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                               : ((struct sockaddr_in6 *)&address)->sin6_port);
  return 0;
}

/* timedwait by the clock that nobody sets. */
static int make_lock(struct nm_server *s, struct nm_error *e) {
  pthread_condattr_t attributes;
  if (pthread_condattr_init(&attributes) != 0) {
    return nm_error_nomem(e);
  }
  int err = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  err = err != 0 ? err : pthread_mutex_init(&s->lock, NULL);
  if (err == 0) {
    err = pthread_cond_init(&s->changed, &attributes);
    if (err != 0) {
      (void)pthread_mutex_destroy(&s->lock);
    }
  }
  (void)pthread_condattr_destroy(&attributes);
  s->has_lock = err == 0;
  return err != 0 ? nm_error_nomem(e) : 0;
}

/* Signals are the host's: its threads take them. */
static int start_thread(struct nm_server *s, struct nm_error *e) {
  sigset_t all, before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  int err = pthread_create(&s->thread, NULL, nm_server_loop, s);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  s->is_running = err == 0;
  errno = err;
  return err != 0 ? fail(e, "start a thread") : 0;
}

static int make_tls(struct nm_server *s, struct nm_error *e) {
  const struct nm_setup *setup = &s->house.setup;
  int asks = 0;
  struct nm_str name;
  if (setup->tls == NM_SETUP_PLAIN) {
    return 0;
  }
  for (size_t at = 0; nm_texts_next(&setup->mechanisms, &at, &name);) {
    asks = asks || nm_str_ieq(name, NM_STR("EXTERNAL"));
  }
  return s->house.tls->host_new(setup->tls_version_max, asks, &s->tls, e);
}

static void house_free(struct nm_house *house) {
  nm_setup_free(&house->setup);
  nm_faults_free(&house->faults);
  nm_record_free(&house->record);
}

int nm_server_new(struct nm_house *house, struct nm_server **out, struct nm_error *e) {
  struct nm_server *s = *out = nm_zalloc(sizeof *s);
  if (s == NULL) {
    house_free(house);
    return nm_error_nomem(e);
  }
  s->house = *house;
  *house = (struct nm_house){0};
  s->pid = getpid();
  s->listener = s->wake[0] = s->wake[1] = -1;
  int err = nm_setup_finish(&s->house.setup, e);
  nm_record_init(&s->house.record, s->house.setup.max_messages, s->house.setup.max_bytes);
  err = err != 0 ? err : make_tls(s, e);
  err = err != 0 ? err : pipe2(s->wake, O_CLOEXEC | O_NONBLOCK) != 0 ? fail(e, "make a pipe") : 0;
  err = err != 0 ? err : listen_at(s, e);
  err = err != 0 ? err : make_lock(s, e);
  err = err != 0 ? err : start_thread(s, e);
  if (err != 0) {
    nm_server_free(out);
  }
  return err;
}

/* ---- end ---- */

static void close_fd(int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
    *fd = -1;
  }
}

static int is_foreign(const struct nm_server *s) {
  return s->pid != getpid();
}

/* In a forked child nothing of the parent's is touched: not its lines, which shutdown would end, nor the lock, which the thread may have held
   when it was copied, nor memory that the thread may have been at. */
static void leave(struct nm_server *s) {
  for (size_t i = 0; i < s->n_peers && i < NM_PEERS_MAX; i++) {
    if (s->peers[i] != NULL) {
      close_fd(&s->peers[i]->fd);
    }
  }
  close_fd(&s->listener);
  close_fd(&s->wake[0]);
  close_fd(&s->wake[1]);
  s->is_running = 0;
}

void nm_server_stop(struct nm_server *s) {
  if (!s->is_running || is_foreign(s)) {
    return;
  }
  (void)pthread_mutex_lock(&s->lock);
  s->stop = 1;
  (void)pthread_mutex_unlock(&s->lock);
  while (write(s->wake[1], "", 1) < 0 && errno == EINTR) {
  }
  (void)pthread_join(s->thread, NULL);
  s->is_running = 0;
  for (size_t i = 0; i < s->n_peers; i++) {
    nm_peer_free(s, &s->peers[i]);
  }
  s->n_peers = 0;
  (void)shutdown(s->listener, SHUT_RDWR); /* a forked child may hold it open */
  close_fd(&s->listener);
}

void nm_server_free(struct nm_server **server) {
  struct nm_server *s = *server;
  *server = NULL;
  if (s == NULL) {
    return;
  }
  if (is_foreign(s)) {
    leave(s);
    return;
  }
  nm_server_stop(s);
  close_fd(&s->listener);
  close_fd(&s->wake[0]);
  close_fd(&s->wake[1]);
  if (s->has_lock) {
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
  }
  if (s->tls != NULL) {
    s->house.tls->host_free(&s->tls);
  }
  house_free(&s->house);
  nm_free(s);
}

/* ---- from outside ---- */

int nm_server_check(const struct nm_server *s, struct nm_error *e) {
  return is_foreign(s)
             ? nm_error_set(e, NM_EINVAL, NM_KIND_CONNECT,
                            "this test server belongs to the process that started it; start one here")
             : 0;
}

int nm_server_is_running(const struct nm_server *s) {
  return s->is_running && !is_foreign(s);
}

const struct nm_setup *nm_server_setup(const struct nm_server *s) {
  return &s->house.setup;
}

int nm_server_port(const struct nm_server *s) {
  return s->port;
}

struct nm_str nm_server_ca(const struct nm_server *s) {
  return s->tls != NULL ? s->house.tls->ca(s->tls) : nm_str("", 0);
}

struct nm_str nm_server_client(const struct nm_server *s) {
  return s->tls != NULL ? s->house.tls->client(s->tls) : nm_str("", 0);
}

int nm_server_copy(struct nm_server *s, struct nm_record *out) {
  (void)pthread_mutex_lock(&s->lock);
  int err = nm_record_copy(&s->house.record, out);
  (void)pthread_mutex_unlock(&s->lock);
  return err;
}

void nm_server_swap_faults(struct nm_server *s, struct nm_faults *faults) {
  (void)pthread_mutex_lock(&s->lock);
  struct nm_faults old = s->house.faults;
  s->house.faults = *faults;
  *faults = old;
  (void)pthread_mutex_unlock(&s->lock);
}

void nm_server_reset(struct nm_server *s) {
  (void)pthread_mutex_lock(&s->lock);
  nm_record_reset(&s->house.record);
  nm_faults_reset(&s->house.faults);
  for (size_t i = 0; i < s->n_peers; i++) {
    if (s->peers[i]->visit != NULL) {
      nm_visit_renumber(s->peers[i]->visit);
    }
  }
  (void)pthread_mutex_unlock(&s->lock);
}

/* A client has connected, and perhaps spoken and gone, before the thread came to accept it. */
static int is_at_the_door(const struct nm_server *s) {
  struct pollfd door = {.fd = s->listener, .events = POLLIN};
  return poll(&door, 1, 0) > 0;
}

static int has_come(const struct nm_server *s, enum nm_server_event event, size_t n) {
  if (event == NM_SERVER_MESSAGES) {
    return s->house.record.n_mails >= n;
  }
  for (size_t i = 0; i < s->n_peers; i++) {
    if (s->peers[i]->visit != NULL) {
      return 0;
    }
  }
  return !is_at_the_door(s);
}

int nm_server_wait(struct nm_server *s, enum nm_server_event event, size_t n, int64_t ms) {
  struct timespec until = {0};
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
  until.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
  until.tv_nsec = (long)(ns % 1000000000);
  (void)pthread_mutex_lock(&s->lock);
  int err = 0;
  while (!has_come(s, event, n) && s->is_running && err != ETIMEDOUT) {
    err = pthread_cond_timedwait(&s->changed, &s->lock, &until);
  }
  int come = has_come(s, event, n);
  (void)pthread_mutex_unlock(&s->lock);
  return come;
}
