#include "base/source.h"

#include "base/alloc.h"

int nm_source_read(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  *n_out = 0;
  return s->ops->read(s, p, cap, n_out);
}

size_t nm_source_lend(struct nm_source *s, size_t min, size_t max, const char **p_out) {
  return s->ops->lend != NULL ? s->ops->lend(s, min, max, p_out) : 0;
}

unsigned nm_source_vouches(const struct nm_source *s) {
  return s->ops->vouches != NULL ? s->ops->vouches(s) : 0;
}

int nm_source_rewind(struct nm_source *s) {
  return s->ops->rewind(s);
}

int64_t nm_source_size(struct nm_source *s) {
  return s->ops->size(s);
}

void nm_source_free(struct nm_source **s) {
  if (*s != NULL) {
    (*s)->ops->free(*s);
    *s = NULL;
  }
}

struct memory_source {
  struct nm_source source;
  struct nm_str bytes;
  size_t at;
};

static int memory_read(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  struct memory_source *m = (struct memory_source *)s;
  size_t n = m->bytes.n - m->at < cap ? m->bytes.n - m->at : cap;
  if (n > 0) {
    memcpy(p, m->bytes.p + m->at, n);
  }
  m->at += n;
  *n_out = n;
  return 0;
}

static size_t memory_lend(struct nm_source *s, size_t min, size_t max, const char **p_out) {
  struct memory_source *m = (struct memory_source *)s;
  size_t left = m->bytes.n - m->at, n = left < max ? left : max;
  if (n < min) {
    return 0;
  }
  *p_out = m->bytes.p + m->at;
  m->at += n;
  return n;
}

static int memory_rewind(struct nm_source *s) {
  ((struct memory_source *)s)->at = 0;
  return 0;
}

static int64_t memory_size(struct nm_source *s) {
  return (int64_t)((struct memory_source *)s)->bytes.n;
}

static void memory_free(struct nm_source *s) {
  nm_free(s);
}

static const struct nm_source_ops memory_ops = {memory_read, memory_rewind, memory_size,
                                                memory_free, memory_lend,   NULL};

struct nm_source *nm_source_memory(struct nm_str bytes) {
  struct memory_source *m = nm_zalloc(sizeof *m);
  if (m == NULL) {
    return NULL;
  }
  m->source.ops = &memory_ops;
  m->bytes = bytes;
  return &m->source;
}
