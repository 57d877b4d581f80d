#ifndef NM_SPEC_REPLY_LOG_H
#define NM_SPEC_REPLY_LOG_H

/* What a reply parser made of some bytes, as one string: "250[2.1.0]text;" for each reply, then "E<code>" when it
   failed or "~" when a reply was left unfinished. */

#include <stdlib.h>
#include "base/buf.h"
#include "smtp/reply.h"

static inline void reply_log_one(const struct nm_reply *r, struct nm_buf *log) {
  nm_buf_addf(log, "%d[%d.%d.%d]", r->code, r->enhanced[0], r->enhanced[1], r->enhanced[2]);
  nm_buf_add_str(log, nm_buf_str(&r->text));
  nm_buf_add_byte(log, ';');
}

/* Feeds one piece from a block of exactly its size, so that a byte too many is caught. Returns the last code. */
static inline int reply_log_feed(struct nm_reply_parser *p, const char *bytes, size_t n, struct nm_buf *log) {
  char *piece = malloc(n > 0 ? n : 1);
  if (n > 0) {
    memcpy(piece, bytes, n);
  }
  size_t at = 0;
  int rc = 0;
  while (at < n && rc >= 0) {
    struct nm_error e;
    size_t used = 0;
    rc = nm_reply_parser_step(p, piece + at, n - at, &used, &e);
    at += used;
    if (rc == 1) {
      reply_log_one(nm_reply_parser_get(p), log);
    }
  }
  free(piece);
  return rc;
}

static inline void reply_log_end(const struct nm_reply_parser *p, int rc, struct nm_buf *log) {
  if (rc < 0) {
    nm_buf_addf(log, "E%d", rc);
  } else if (nm_reply_parser_partial(p)) {
    nm_buf_add_byte(log, '~');
  }
}

#endif
