#ifndef NM_SPEC_UNDOT_H
#define NM_SPEC_UNDOT_H

/* A receiver of DATA, written the slow and plain way, and what a content means: together they say what a dot source
   must give. */

#include "base/buf.h"
#include "smtp/dot.h"

/* One for one content. NULL when out of memory. */
static inline struct nm_source *wire_of(struct nm_source *inner, enum nm_wire_form form) {
  struct nm_source *wire = nm_wire_source();
  if (wire != NULL) {
    nm_wire_source_set(wire, inner, form);
  }
  return wire;
}

/* Every CRLF, bare LF and bare CR is one CRLF; the last line has one. */
static inline void normalise(struct nm_str in, struct nm_buf *out) {
  for (size_t i = 0; i < in.n; i++) {
    if (in.p[i] == '\r' || in.p[i] == '\n') {
      nm_buf_add(out, "\r\n", 2);
      if (in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] == '\n') {
        i++;
      }
    } else {
      nm_buf_add_byte(out, in.p[i]);
    }
  }
  if (out->n == 0 || out->p[out->n - 1] != '\n') {
    nm_buf_add(out, "\r\n", 2);
  }
}

/* Takes wire apart line by line. -1 unless every line ends with CRLF, no other CR or LF stands anywhere, every line that begins
   with a dot has another one, and a dot alone is the last line and none before it. */
static inline int undot(struct nm_str wire, struct nm_buf *out) {
  size_t i = 0;
  while (i < wire.n) {
    size_t end = i;
    while (end < wire.n && wire.p[end] != '\r' && wire.p[end] != '\n') {
      end++;
    }
    if (end + 1 >= wire.n || wire.p[end] != '\r' || wire.p[end + 1] != '\n') {
      return -1;
    }
    if (wire.p[i] == '.') {
      if (end == i + 1) {
        return end + 2 == wire.n ? 0 : -1;
      }
      if (wire.p[i + 1] != '.') {
        return -1;
      }
      i++;
    }
    nm_buf_add(out, wire.p + i, end + 2 - i);
    i = end + 2;
  }
  return -1;
}

#endif
