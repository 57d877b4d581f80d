#ifndef NM_SPEC_SOURCES_H
#define NM_SPEC_SOURCES_H

/* Sources that behave badly, and a reader, for the C tests. */

#include <stdlib.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/source.h"

/* Reads to the end in pieces of cap octets, past any NM_AGAIN; what came before an error is kept. */
static inline int source_read_all(struct nm_source *s, size_t cap, struct nm_buf *out) {
  char *piece = malloc(cap); /* exact: one octet too many is caught */
  int err = 0;
  for (;;) {
    size_t n = 0;
    err = nm_source_read(s, piece, cap, &n);
    if (err < 0 || (err == 0 && n == 0)) {
      break;
    }
    nm_buf_add(out, piece, err == NM_AGAIN ? 0 : n);
  }
  free(piece);
  return err < 0 ? err : out->err;
}

struct odd_source {
  struct nm_source source;
  struct nm_str bytes;
  size_t at;
  size_t piece; /* at most that many octets a read */
  int stutters; /* every other read says NM_AGAIN */
  int tick;
  int holds;        /* every read says NM_AGAIN */
  int is_once;      /* what was read cannot be read again */
  const char *why;  /* fails with it at the end */
  size_t lends;     /* at most that many octets at once; 0: none */
  unsigned vouched; /* NM_VOUCHED_… of all of it */
};

static int odd_read(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  struct odd_source *o = (struct odd_source *)s;
  o->tick = !o->tick;
  if (o->holds || (o->stutters && o->tick)) {
    return NM_AGAIN;
  }
  size_t n = o->bytes.n - o->at;
  n = n < cap ? n : cap;
  n = n < o->piece ? n : o->piece;
  if (n == 0 && o->why != NULL) {
    return nm_error_set(&s->error, NM_EIO, NM_KIND_MESSAGE, "%s", o->why);
  }
  memcpy(p, o->bytes.p + o->at, n);
  o->at += n;
  *n_out = n;
  return 0;
}

/* Not more than lends, and now and then nothing. */
static size_t odd_lend(struct nm_source *s, size_t min, size_t max, const char **p_out) {
  struct odd_source *o = (struct odd_source *)s;
  size_t n = o->bytes.n - o->at;
  n = n < max ? n : max;
  n = n < o->lends ? n : o->lends;
  if (n < min || n == 0) {
    return 0;
  }
  o->tick = !o->tick;
  if (o->holds || (o->stutters && o->tick)) {
    return 0;
  }
  *p_out = o->bytes.p + o->at;
  o->at += n;
  return n;
}

static unsigned odd_vouches(const struct nm_source *s) {
  return ((const struct odd_source *)s)->vouched;
}

static int odd_rewind(struct nm_source *s) {
  struct odd_source *o = (struct odd_source *)s;
  if (o->is_once && o->at > 0) {
    return nm_error_set(&s->error, NM_EINVAL, NM_KIND_MESSAGE, "it can be read only once");
  }
  o->at = 0;
  return 0;
}

static int64_t odd_size(struct nm_source *s) {
  (void)s;
  return -1;
}

static void odd_free(struct nm_source *s) {
  free(s);
}

static inline struct nm_source *odd_source(struct nm_str bytes, size_t piece, int stutters, const char *why) {
  static const struct nm_source_ops ops = {odd_read, odd_rewind, odd_size, odd_free, odd_lend, odd_vouches};
  struct odd_source *o = calloc(1, sizeof *o);
  o->source.ops = &ops;
  o->bytes = bytes;
  o->piece = piece;
  o->stutters = stutters;
  o->why = why;
  return &o->source;
}

/* Says "not now" before every piece; its size is not known. */
static inline struct nm_source *stuttering_source(struct nm_str bytes, size_t piece) {
  return odd_source(bytes, piece, 1, NULL);
}

/* Gives its bytes, then an error for ever. */
static inline struct nm_source *failing_source(struct nm_str bytes, const char *why) {
  return odd_source(bytes, bytes.n, 0, why);
}

#endif
