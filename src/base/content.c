#include "base/content.h"

#include "base/alloc.h"
#include "base/feed.h"
#include "base/file.h"

/* What a buffer may have too much when it becomes a content. */
#define SPARE_MAX 65536

enum kind { MEMORY, FILE_PATH, FED };

/* One block: the struct, then the bytes or the path, then a NUL; or the bytes lie elsewhere. */
struct nm_content {
  unsigned refs;
  enum kind kind;
  struct nm_feed *feed; /* FED */
  struct nm_str data;
  struct nm_held held; /* what data is in; nothing: in this block */
  struct stat *pinned; /* FILE_PATH: how the file must be; NULL: as it is */
};

static int make(struct nm_str data, enum kind kind, struct nm_content **out, struct nm_error *e) {
  struct nm_content *c = data.n < SIZE_MAX - sizeof *c ? nm_alloc(sizeof *c + data.n + 1) : NULL;
  if (c == NULL) {
    return nm_error_nomem(e);
  }
  char *p = (char *)(c + 1);
  if (data.n > 0) {
    memcpy(p, data.p, data.n);
  }
  p[data.n] = '\0';
  *c = (struct nm_content){.refs = 1, .kind = kind, .data = nm_str(p, data.n)};
  *out = c;
  return 0;
}

int nm_content_memory(struct nm_str s, struct nm_content **out, struct nm_error *e) {
  *out = NULL;
  return make(s, MEMORY, out, e);
}

int nm_content_take(struct nm_buf *b, struct nm_content **out, struct nm_error *e) {
  *out = NULL;
  int err = make(nm_str(NULL, 0), MEMORY, out, e);
  if (err == 0 && b->n > 0) {
    char *fitting = b->cap - b->n > SPARE_MAX ? nm_realloc(b->p, b->n + 1) : NULL;
    char *bytes = fitting != NULL ? fitting : b->p;
    (*out)->held = (struct nm_held){bytes, nm_free};
    (*out)->data = nm_str(bytes, b->n);
    *b = (struct nm_buf){.max = b->max};
  }
  return err;
}

int nm_content_held(struct nm_str s, struct nm_held *held, struct nm_content **out, struct nm_error *e) {
  *out = NULL;
  int err = make(nm_str(NULL, 0), MEMORY, out, e);
  if (err != 0) {
    nm_held_set(held, NULL, NULL);
    return err;
  }
  (*out)->held = *held;
  (*out)->data = s;
  *held = (struct nm_held){0};
  return 0;
}

int nm_content_file(struct nm_str path, struct nm_content **out, struct nm_error *e) {
  *out = NULL;
  if (path.n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the path of a file is empty; give one");
  }
  if (memchr(path.p, '\0', path.n) != NULL) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "a path with a NUL byte is refused, behind \"%.300s\"; take it out", path.p);
  }
  struct nm_content *c = NULL;
  int err = make(path, FILE_PATH, &c, e);
  err = err != 0 ? err : nm_file_check(c->data.p, e);
  if (err != 0) {
    nm_content_unref(&c);
    return err;
  }
  *out = c;
  return 0;
}

int nm_content_pin(struct nm_content *c, struct nm_content **out, struct nm_error *e) {
  struct stat now;
  *out = NULL;
  if (c->kind != FILE_PATH || c->pinned != NULL) {
    *out = nm_content_ref(c);
    return 0;
  }
  int err = nm_file_look(c->data.p, &now, e);
  err = err == 0 ? make(c->data, FILE_PATH, out, e) : err;
  if (err != 0) {
    return err;
  }
  (*out)->pinned = nm_alloc(sizeof now);
  if ((*out)->pinned == NULL) {
    nm_content_unref(out);
    return nm_error_nomem(e);
  }
  *(*out)->pinned = now;
  return 0;
}

int nm_content_fed(struct nm_feed **feed, struct nm_content **out, struct nm_error *e) {
  *out = NULL;
  int err = make(nm_str(NULL, 0), FED, out, e);
  if (err == 0) {
    (*out)->feed = *feed;
    *feed = NULL;
  }
  nm_feed_unref(feed);
  return err;
}

struct nm_content *nm_content_ref(struct nm_content *c) {
  c->refs++;
  return c;
}

void nm_content_unref(struct nm_content **at) {
  struct nm_content *c = *at;
  *at = NULL;
  if (c != NULL && --c->refs == 0) {
    nm_feed_unref(&c->feed);
    nm_held_set(&c->held, NULL, NULL);
    nm_free(c->pinned);
    nm_free(c);
  }
}

int64_t nm_content_size(const struct nm_content *c) {
  switch (c->kind) {
    case FILE_PATH:
      return nm_file_size(c->data.p);
    case FED:
      return nm_feed_size(c->feed);
    case MEMORY:
      break;
  }
  return (int64_t)c->data.n;
}

struct nm_str nm_content_bytes(const struct nm_content *c) {
  return c->kind == MEMORY ? c->data : nm_str(NULL, 0);
}

struct nm_str nm_content_path(const struct nm_content *c) {
  return c->kind == FILE_PATH ? c->data : nm_str("", 0);
}

struct nm_feed *nm_content_feed(const struct nm_content *c) {
  return c->feed;
}

/* The source of the bytes or of the file, and the reference that keeps what it reads from alive. */
struct content_source {
  struct nm_source source;
  struct nm_source *in;
  struct nm_content *content;
};

static int result(struct content_source *s, int err) {
  if (err < 0) {
    s->source.error = s->in->error;
  }
  return err;
}

static int content_read(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  struct content_source *c = (struct content_source *)s;
  return result(c, nm_source_read(c->in, p, cap, n_out));
}

/* The source keeps a reference to the content, whose bytes those are. */
static size_t content_lend(struct nm_source *s, size_t min, size_t max, const char **p_out) {
  return nm_source_lend(((struct content_source *)s)->in, min, max, p_out);
}

static int content_rewind(struct nm_source *s) {
  struct content_source *c = (struct content_source *)s;
  return result(c, nm_source_rewind(c->in));
}

static int64_t content_size(struct nm_source *s) {
  return nm_source_size(((struct content_source *)s)->in);
}

static void content_free(struct nm_source *s) {
  struct content_source *c = (struct content_source *)s;
  nm_source_free(&c->in);
  nm_content_unref(&c->content);
  nm_free(c);
}

static int open_in(const struct nm_content *c, struct nm_source **out, struct nm_error *e) {
  switch (c->kind) {
    case FILE_PATH:
      return nm_file_source(c->data.p, c->pinned, out, e);
    case FED:
      return nm_feed_open(c->feed, out, e);
    case MEMORY:
      break;
  }
  *out = nm_source_memory(c->data);
  return *out != NULL ? 0 : nm_error_nomem(e);
}

int nm_content_open(struct nm_content *c, struct nm_source **out, struct nm_error *e) {
  static const struct nm_source_ops ops = {content_read, content_rewind, content_size,
                                           content_free, content_lend,   NULL};
  *out = NULL;
  struct content_source *s = nm_zalloc(sizeof *s);
  if (s == NULL) {
    return nm_error_nomem(e);
  }
  s->source.ops = &ops;
  int err = open_in(c, &s->in, e);
  if (err != 0) {
    nm_free(s);
    return err;
  }
  s->content = nm_content_ref(c);
  *out = &s->source;
  return 0;
}
