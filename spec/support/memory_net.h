#ifndef NM_SPEC_MEMORY_NET_H
#define NM_SPEC_MEMORY_NET_H

/* What a transport of memory (net/api.h) has whatever server stands behind it: one that takes no time and is never watched. The test that
   includes it has a struct nm_conn of its own, which begins with a struct nm_io, and the rest of the table. */

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "net/api.h"

struct nm_net {
  int unused;
};

static inline struct nm_net *memory_net_new(struct nm_shared *shared) {
  (void)shared;
  return nm_zalloc(sizeof(struct nm_net));
}

static inline void memory_net_free(struct nm_net *net) {
  nm_free(net);
}

static inline int memory_dial_wait(struct nm_conn *c, int ms) {
  (void)c;
  (void)ms;
  return 0;
}

static inline uint64_t memory_dial_progress(const struct nm_conn *c) {
  (void)c;
  return 0;
}

static inline const char *memory_dial_doing(const struct nm_conn *c) {
  (void)c;
  return "nothing";
}

static inline void memory_dial_times(const struct nm_conn *c, struct nm_dial_times *out) {
  (void)c;
  *out = (struct nm_dial_times){0};
}

static inline struct nm_io *memory_conn_io(struct nm_conn *c) {
  return (struct nm_io *)(void *)c;
}

static inline int memory_conn_loss(const struct nm_conn *c, struct nm_error *e) {
  (void)c;
  (void)e;
  return 0;
}

/* For the table. */
#define MEMORY_NET                                                                                           \
  .magic = NM_NET_API_MAGIC, .version = NM_NET_API_VERSION, .size = sizeof(struct nm_net_api),               \
  .net_new = memory_net_new, .net_free = memory_net_free, .dial_wait = memory_dial_wait,                     \
  .dial_progress = memory_dial_progress, .dial_doing = memory_dial_doing, .dial_times = memory_dial_times,   \
  .conn_io = memory_conn_io, .conn_loss = memory_conn_loss

/* ---- a line to a server that reads lines ---- */

struct memory_line {
  struct nm_buf in;  /* what the client sent and nobody has read yet */
  struct nm_buf out; /* what the server says */
};

#define MEMORY_LINE_MAX ((size_t)1 << 20)

/* Each line, with its end, is answered. 0, NM_EIO. */
static inline int memory_line_send(struct memory_line *l, const char *p, size_t n,
                                   void (*answer)(struct nm_conn *c, const char *line, size_t n),
                                   struct nm_conn *c) {
  size_t at = 0;
  const char *lf;
  nm_buf_add(&l->in, p, n);
  while (l->in.err == 0 && at < l->in.n && (lf = memchr(l->in.p + at, '\n', l->in.n - at)) != NULL) {
    size_t end = (size_t)(lf - l->in.p) + 1;
    answer(c, l->in.p + at, end - at);
    at = end;
  }
  if (at > 0) {
    memmove(l->in.p, l->in.p + at, l->in.n - at);
    l->in.n -= at;
  }
  return l->in.err == 0 && l->out.err == 0 ? 0 : NM_EIO;
}

/* 0, NM_AGAIN: the server has said all; NM_EIO. */
static inline int memory_line_recv(struct memory_line *l, char *p, size_t cap, size_t *n_out) {
  size_t n = l->out.n < cap ? l->out.n : cap;
  *n_out = n;
  if (n == 0) {
    return l->out.err == 0 ? NM_AGAIN : NM_EIO;
  }
  memcpy(p, l->out.p, n);
  memmove(l->out.p, l->out.p + n, l->out.n - n);
  l->out.n -= n;
  return 0;
}

static inline void memory_line_free(struct memory_line *l) {
  nm_buf_free(&l->in);
  nm_buf_free(&l->out);
}

#endif
