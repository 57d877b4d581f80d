#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"

/* Doubling from here: most buffers are a line or a header. */
#define FIRST_CAP 64

/* realloc moves a block without overwriting what it leaves. */
static char *grow(struct nm_buf *b, size_t cap) {
  if (!b->secret || b->p == NULL) {
    return nm_realloc(b->p, cap);
  }
  char *p = nm_alloc(cap);
  if (p != NULL) {
    memcpy(p, b->p, b->cap);
    nm_wipe(b->p, b->cap);
    nm_free(b->p);
  }
  return p;
}

static int fits(const struct nm_buf *b, size_t n) {
  return n <= b->max && b->n <= b->max - n;
}

/* Inlined where bytes are added: most often there is room. */
static inline char *room_at_hand(const struct nm_buf *b, size_t n) {
  return b->err == 0 && n < b->cap - b->n && fits(b, n) ? b->p + b->n : NULL; /* <: the NUL */
}

char *nm_buf_room(struct nm_buf *b, size_t n) {
  if (b->err != 0) {
    return NULL;
  }
  if (!fits(b, n)) {
    b->err = NM_ELIMIT;
    return NULL;
  }
  if (b->cap < b->n + n + 1) { /* + 1: the NUL; max is far below SIZE_MAX */
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;
    while (cap < b->n + n + 1) {
      cap = cap > b->max / 2 ? b->max + 1 : cap * 2;
    }
    char *p = grow(b, cap);
    if (p == NULL) {
      b->err = NM_ENOMEM;
      return NULL;
    }
    b->p = p;
    b->cap = cap;
  }
  return b->p + b->n;
}

void nm_buf_add(struct nm_buf *b, const char *p, size_t n) {
  char *room = room_at_hand(b, n);
  room = room != NULL ? room : nm_buf_room(b, n);
  if (room != NULL) {
    if (n > 0) {
      memcpy(room, p, n);
    }
    b->n += n;
    b->p[b->n] = '\0';
  }
}

void nm_buf_add_str(struct nm_buf *b, struct nm_str s) {
  nm_buf_add(b, s.p, s.n);
}

void nm_buf_add_byte(struct nm_buf *b, char c) {
  nm_buf_add(b, &c, 1);
}

void nm_buf_addf(struct nm_buf *b, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  char *room = n < 0 ? NULL : nm_buf_room(b, (size_t)n);
  if (room != NULL) {
    vsnprintf(room, (size_t)n + 1, fmt, again);
    b->n += (size_t)n;
  }
  va_end(again);
}

int nm_buf_replace(struct nm_buf *b, const char *what, struct nm_str s, struct nm_error *e) {
  struct nm_buf fresh = {.max = b->max, .secret = b->secret};
  nm_buf_add_str(&fresh, s);
  int err = fresh.err;
  if (err == 0) {
    nm_buf_free(b);
    *b = fresh;
    return 0;
  }
  nm_buf_free(&fresh);
  return err == NM_ELIMIT
             ? nm_error_set(e, err, NM_KIND_MESSAGE, "%s is too long: %zu bytes, at most %zu are allowed",
                            what, s.n, b->max)
             : nm_error_nomem(e);
}

void nm_buf_reset(struct nm_buf *b) {
  b->n = 0;
  b->err = 0;
  if (b->p != NULL) {
    b->p[0] = '\0';
  }
}

void nm_buf_free(struct nm_buf *b) {
  if (b->secret && b->p != NULL) {
    nm_wipe(b->p, b->cap);
  }
  nm_free(b->p);
  *b = (struct nm_buf){.max = b->max, .secret = b->secret};
}
