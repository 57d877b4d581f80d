#include "smtp/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/printable.h"

/* "[12345678901234567890 more bytes]", and a character that is shown as \xNN. */
#define LINE_ROOM (NM_TRACE_LINE_MAX + 64)

struct nm_trace {
  struct nm_buf queue; /* of each line: one octet that says from whom, the line, NUL */
  size_t at;           /* the oldest */
  size_t dropped;
};

struct nm_trace *nm_trace_new(void) {
  struct nm_trace *t = nm_zalloc(sizeof *t);
  if (t != NULL) {
    t->queue.max = NM_TRACE_MAX;
  }
  return t;
}

void nm_trace_free(struct nm_trace **t) {
  if (*t != NULL) {
    nm_buf_free(&(*t)->queue);
    nm_free(*t);
    *t = NULL;
  }
}

/* Printable, and no longer than a line may be. */
static size_t show(struct nm_str s, char out[LINE_ROOM]) {
  size_t n = 0;
  while (s.n > 0 && n + NM_PRINTABLE_MAX <= NM_TRACE_LINE_MAX) {
    size_t used;
    n += nm_printable(s, out + n, &used);
    s = nm_str(s.p + used, s.n - used);
  }
  if (s.n > 0) {
    n += (size_t)snprintf(out + n, LINE_ROOM - n, " [%zu more bytes]", s.n);
  }
  return n;
}

/* Lines that were taken out make room for new ones. */
static void tidy(struct nm_trace *t) {
  size_t left = t->queue.n - t->at;
  if (t->at > 0 && left > 0) {
    memmove(t->queue.p, t->queue.p + t->at, left);
  }
  t->queue.n = left;
  t->at = 0;
}

void nm_trace_add(struct nm_trace *t, enum nm_trace_from from, struct nm_str line) {
  char shown[LINE_ROOM];
  if (t == NULL) {
    return;
  }
  size_t n = show(line, shown);
  if (t->at == t->queue.n || t->queue.n + n + 2 > t->queue.max) {
    tidy(t);
  }
  char *room = t->queue.n + n + 2 <= t->queue.max ? nm_buf_room(&t->queue, n + 2) : NULL;
  if (room == NULL) {
    t->queue.err = 0; /* memory may be less short for the next one */
    t->dropped++;
    return;
  }
  room[0] = (char)from;
  memcpy(room + 1, shown, n);
  room[1 + n] = '\0';
  t->queue.n += n + 2;
}

void nm_trace_addf(struct nm_trace *t, enum nm_trace_from from, const char *fmt, ...) {
  char line[NM_TRACE_LINE_MAX];
  va_list args;
  if (t == NULL) {
    return;
  }
  va_start(args, fmt);
  (void)vsnprintf(line, sizeof line, fmt, args);
  va_end(args);
  nm_trace_add(t, from, nm_str_c(line));
}

int nm_trace_next(struct nm_trace *t, enum nm_trace_from *from_out, struct nm_str *line_out) {
  if (t == NULL || t->at == t->queue.n) {
    return 0;
  }
  const char *p = t->queue.p + t->at;
  *from_out = (enum nm_trace_from)p[0];
  *line_out = nm_str_c(p + 1);
  t->at += line_out->n + 2;
  return 1;
}

int nm_trace_has_lines(const struct nm_trace *t) {
  return t != NULL && t->at < t->queue.n;
}

size_t nm_trace_dropped(struct nm_trace *t) {
  size_t dropped = t != NULL ? t->dropped : 0;
  if (t != NULL) {
    t->dropped = 0;
  }
  return dropped;
}
