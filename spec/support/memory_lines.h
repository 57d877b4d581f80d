#ifndef NM_SPEC_MEMORY_LINES_H
#define NM_SPEC_MEMORY_LINES_H

/* A net of memory (memory_net.h) with several connections at once. What is at the other end of one is the test's: it fills in
   memory_lines.ops. No connection is allocated where the client's allocations are counted, or made to fail. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/memory_net.h"

#define MEMORY_LINES_MAX 16 /* at once */

struct nm_conn {
  struct nm_io io; /* first */
  int no;          /* how many were dialled before it */
  pid_t pid;       /* whose it is */
  char host[64];   /* to whom */
  void *server;    /* the test's */
  char lines[400]; /* of the dial; what EHLO says is the test's */
  int is_bare;     /* as it was asked for */
  int is_up;
  int had_error; /* the client was told that it is dead */
};

struct memory_lines_ops {
  /* 0, with c->lines filled; NM_AGAIN; or an error, in e. */
  int (*dial)(struct nm_conn *c, struct nm_error *e);
  /* As nm_io_ops. */
  int (*take)(struct nm_conn *c, const char *p, size_t n, size_t *n_out);
  int (*give)(struct nm_conn *c, char *p, size_t cap, size_t *n_out);
  int (*is_readable)(struct nm_conn *c);
  /* The client drops it: c is freed behind that. */
  void (*end)(struct nm_conn *c, int quietly);
};

static struct {
  const struct memory_lines_ops *ops;
  struct nm_conn *open[MEMORY_LINES_MAX];
  int n_open, n_dialled;
  int most_open;
} memory_lines;

static inline int memory_take(struct nm_io *io, const char *p, size_t n, size_t *n_out) {
  struct nm_conn *c = (struct nm_conn *)(void *)io;
  assert(!c->had_error);
  assert(c->pid == getpid());
  assert(n > 0);
  int err = memory_lines.ops->take(c, p, n, n_out);
  c->had_error |= err < 0 && err != NM_AGAIN;
  return err;
}

static inline int memory_give(struct nm_io *io, char *p, size_t cap, size_t *n_out) {
  struct nm_conn *c = (struct nm_conn *)(void *)io;
  assert(c->pid == getpid() && cap > 0);
  int err = memory_lines.ops->give(c, p, cap, n_out);
  c->had_error |= err < 0 && err != NM_AGAIN;
  return err;
}

static inline int memory_wait(struct nm_io *io, int want, int ms) {
  (void)io;
  (void)want;
  (void)ms;
  return 0;
}

static const struct nm_io_ops memory_io_ops = {memory_take, memory_give, memory_wait, NULL};

static inline const char *memory_version(void) {
  return "memory";
}

static inline int memory_net_watch(struct nm_net *net) {
  (void)net;
  return -1;
}

static inline void memory_net_calm(struct nm_net *net) {
  (void)net;
}

static inline void memory_net_alarm(struct nm_net *net, int ms) {
  (void)net;
  (void)ms;
}

static inline int memory_dial_start(struct nm_net *net, const struct nm_dial *d, struct nm_conn **out,
                                    struct nm_error *e) {
  (void)net;
  (void)e;
  assert(memory_lines.n_open < MEMORY_LINES_MAX);
  struct nm_conn *c = calloc(1, sizeof *c);
  c->io.ops = &memory_io_ops;
  c->no = memory_lines.n_dialled++;
  c->pid = getpid();
  c->is_bare = d->is_bare;
  snprintf(c->host, sizeof c->host, "%s", d->host);
  memory_lines.open[memory_lines.n_open++] = c;
  memory_lines.most_open =
      memory_lines.n_open > memory_lines.most_open ? memory_lines.n_open : memory_lines.most_open;
  *out = c;
  return 0;
}

static inline int memory_dial_step(struct nm_conn *c, struct nm_error *e) {
  int err = memory_lines.ops->dial(c, e);
  c->is_up = err == 0;
  return err;
}

static inline void memory_dial_lines(const struct nm_conn *c, const char **p, size_t *n) {
  *p = c->lines;
  *n = strlen(c->lines);
}

static inline void memory_dial_log(const struct nm_conn *c, const char **p, size_t *n) {
  (void)c;
  *p = "";
  *n = 0;
}

static inline int memory_no(const struct nm_conn *c) {
  (void)c;
  return 0;
}

static inline int memory_conn_ssl(struct nm_conn *c, void **ssl, const void **mark) {
  (void)c;
  (void)ssl;
  (void)mark;
  return NM_EINVAL;
}

static inline int memory_conn_rest(struct nm_conn *c, int ms) {
  (void)c;
  return ms;
}

static inline int memory_conn_readable(struct nm_conn *c) {
  return c->had_error || memory_lines.ops->is_readable(c);
}

static inline void memory_conn_close(struct nm_conn **at, int quietly) {
  struct nm_conn *c = *at;
  int i = 0;
  *at = NULL;
  while (memory_lines.open[i] != c) {
    i++;
    assert(i < memory_lines.n_open);
  }
  memory_lines.open[i] = memory_lines.open[--memory_lines.n_open];
  memory_lines.ops->end(c, quietly);
  free(c);
}

static const struct nm_net_api memory_api = {
    MEMORY_NET,
    .curl_version = memory_version,
    .net_watch = memory_net_watch,
    .net_calm = memory_net_calm,
    .net_alarm = memory_net_alarm,
    .dial_start = memory_dial_start,
    .dial_step = memory_dial_step,
    .dial_lines = memory_dial_lines,
    .dial_log = memory_dial_log,
    .dial_refused = memory_no,
    .conn_is_loopback = memory_no,
    .conn_ssl = memory_conn_ssl,
    .conn_rest = memory_conn_rest,
    .conn_readable = memory_conn_readable,
    .conn_close = memory_conn_close,
};

#endif
