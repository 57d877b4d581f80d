#ifndef NM_MIME_LINE_H
#define NM_MIME_LINE_H

#include <stddef.h>
#include <string.h>

/* Where the lines of some octets end, from the first to the last. Each octet is looked for a CR once and for an LF once,
   however many there are of either. */
struct nm_lines {
  const char *end;     /* of the octets */
  const char *cr, *lf; /* the next ones, or end */
};

static inline const char *nm_lines_find(const struct nm_lines *l, const char *p, char c) {
  const char *at = p < l->end ? memchr(p, c, (size_t)(l->end - p)) : NULL;
  return at != NULL ? at : l->end;
}

static inline void nm_lines_begin(struct nm_lines *l, const char *p, size_t n) {
  l->end = p + n;
  l->cr = nm_lines_find(l, p, '\r');
  l->lf = nm_lines_find(l, p, '\n');
}

/* Octets from p, which is not before the last one, to the next CR or LF, or to the end. */
static inline size_t nm_lines_next(struct nm_lines *l, const char *p) {
  l->cr = l->cr < p ? nm_lines_find(l, p, '\r') : l->cr;
  l->lf = l->lf < p ? nm_lines_find(l, p, '\n') : l->lf;
  return (size_t)((l->cr < l->lf ? l->cr : l->lf) - p);
}

#endif
