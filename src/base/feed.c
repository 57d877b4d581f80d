#include "base/feed.h"

#include "base/alloc.h"
#include "base/buf.h"

/* A buffer larger than this does not stay for the next chunk. */
#define KEEP_MAX 262144

struct nm_feed {
  unsigned refs;
  int can_restart;
  int64_t size;
  void *producer;
  void (*release)(void *producer);
  int is_spent; /* the producer was asked, and cannot restart */
  /* Of the source that is open: */
  int is_open;
  int is_wanting;
  int is_ended;
  int64_t given;
  struct nm_buf bytes;
  size_t at;
  struct nm_error error;
};

static void release(struct nm_feed *f) {
  void *producer = f->producer;
  f->producer = NULL;
  if (producer != NULL && f->release != NULL) {
    f->release(producer);
  }
}

int nm_feed_new(int64_t size, int can_restart, void *producer, void (*release_producer)(void *),
                struct nm_feed **out, struct nm_error *e) {
  struct nm_feed *f = nm_zalloc(sizeof *f);
  *out = f;
  if (f == NULL) {
    if (release_producer != NULL) {
      release_producer(producer);
    }
    return nm_error_nomem(e);
  }
  f->refs = 1;
  f->size = size;
  f->can_restart = can_restart;
  f->producer = producer;
  f->release = release_producer;
  f->bytes.max = NM_FEED_CHUNK_MAX;
  return 0;
}

struct nm_feed *nm_feed_ref(struct nm_feed *f) {
  f->refs++;
  return f;
}

void nm_feed_unref(struct nm_feed **at) {
  struct nm_feed *f = *at;
  *at = NULL;
  if (f != NULL && --f->refs == 0) {
    release(f);
    nm_buf_free(&f->bytes);
    nm_free(f);
  }
}

int64_t nm_feed_size(const struct nm_feed *f) {
  return f->size;
}

/* ---- the producer's end ---- */

int nm_feed_wants(const struct nm_feed *f) {
  return f->is_open && f->is_wanting && !f->is_ended && f->error.code == 0;
}

void nm_feed_asked(struct nm_feed *f) {
  f->is_spent = !f->can_restart;
}

void *nm_feed_producer(const struct nm_feed *f) {
  return f->producer;
}

int64_t nm_feed_given(const struct nm_feed *f) {
  return f->given;
}

/* Nobody asks this producer again. */
static void over(struct nm_feed *f) {
  nm_feed_asked(f);
  f->is_wanting = 0;
  if (!f->can_restart) {
    release(f);
  }
}

void nm_feed_fail(struct nm_feed *f, const struct nm_error *why) {
  if (nm_feed_wants(f)) {
    f->error = *why;
    over(f);
  }
}

static void fail_size(struct nm_feed *f, int is_more) {
  struct nm_error why;
  if (is_more) {
    nm_error_set(&why, NM_EIO, NM_KIND_MESSAGE,
                 "a content that was to have %lld bytes has more; it grew, or its Size is wrong",
                 (long long)f->size);
  } else {
    nm_error_set(&why, NM_EIO, NM_KIND_MESSAGE,
                 "a content that was to have %lld bytes ended after %lld; it shrank, or its Size is wrong",
                 (long long)f->size, (long long)f->given);
  }
  nm_feed_fail(f, &why);
}

static void fail_memory(struct nm_feed *f, int err) {
  struct nm_error why;
  if (err == NM_ENOMEM) {
    nm_error_nomem(&why);
  } else {
    nm_error_set(&why, err, NM_KIND_MESSAGE,
                 "a content gave over %zu bytes at once; give it in smaller pieces", NM_FEED_CHUNK_MAX);
  }
  nm_feed_fail(f, &why);
}

void nm_feed_push(struct nm_feed *f, const char *p, size_t n) {
  if (!nm_feed_wants(f)) {
    return;
  }
  nm_feed_asked(f);
  if (n == 0) {
    return;
  }
  if (f->size >= 0 && (uint64_t)n > (uint64_t)(f->size - f->given)) {
    fail_size(f, 1);
    return;
  }
  nm_buf_add(&f->bytes, p, n);
  if (f->bytes.err != 0) {
    fail_memory(f, f->bytes.err);
    return;
  }
  f->given += (int64_t)n;
  f->is_wanting = 0;
}

void nm_feed_end(struct nm_feed *f) {
  if (!nm_feed_wants(f)) {
    return;
  }
  if (f->size >= 0 && f->given < f->size) {
    fail_size(f, 0);
  } else {
    f->is_ended = 1;
    over(f);
  }
}

/* ---- the core's end ---- */

struct feed_source {
  struct nm_source source;
  struct nm_feed *feed;
};

static void restart(struct nm_feed *f) {
  nm_buf_free(&f->bytes);
  f->at = 0;
  f->given = 0;
  f->is_wanting = f->is_ended = 0;
  f->error = (struct nm_error){0};
}

static int ask(struct nm_feed *f) {
  if (f->bytes.cap > KEEP_MAX) {
    nm_buf_free(&f->bytes);
  }
  nm_buf_reset(&f->bytes);
  f->at = 0;
  f->is_wanting = 1;
  return NM_AGAIN;
}

static int feed_read(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  struct nm_feed *f = ((struct feed_source *)s)->feed;
  size_t left = f->bytes.n - f->at;
  *n_out = left < cap ? left : cap;
  if (*n_out > 0) {
    memcpy(p, f->bytes.p + f->at, *n_out);
    f->at += *n_out;
    return 0;
  }
  if (f->error.code != 0) {
    s->error = f->error;
    return f->error.code;
  }
  return f->is_ended ? 0 : ask(f);
}

static int fail_read_before(struct nm_error *e) {
  return nm_error_set(
      e, NM_EINVAL, NM_KIND_MESSAGE,
      "a content was read already, and what gave it cannot begin again; give each send a new one, or a "
      "string or a file");
}

static int feed_rewind(struct nm_source *s) {
  struct nm_feed *f = ((struct feed_source *)s)->feed;
  if (f->is_spent) {
    return fail_read_before(&s->error);
  }
  restart(f);
  s->error = (struct nm_error){0};
  return 0;
}

static int64_t feed_size(struct nm_source *s) {
  return ((struct feed_source *)s)->feed->size;
}

static void feed_free(struct nm_source *s) {
  struct nm_feed *f = ((struct feed_source *)s)->feed;
  restart(f);
  f->is_open = 0;
  if (f->is_spent) {
    release(f);
  }
  nm_feed_unref(&f);
  nm_free(s);
}

int nm_feed_open(struct nm_feed *f, struct nm_source **out, struct nm_error *e) {
  static const struct nm_source_ops ops = {feed_read, feed_rewind, feed_size, feed_free, NULL, NULL};
  *out = NULL;
  if (f->is_open) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "a content given by a function or an open file is in use by a send that has not ended; it can be "
        "in one place of one message at a time");
  }
  if (f->is_spent) {
    return fail_read_before(e);
  }
  struct feed_source *s = nm_zalloc(sizeof *s);
  if (s == NULL) {
    return nm_error_nomem(e);
  }
  s->source.ops = &ops;
  s->feed = nm_feed_ref(f);
  f->is_open = 1;
  *out = &s->source;
  return 0;
}
