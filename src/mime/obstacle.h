#ifndef NM_MIME_OBSTACLE_H
#define NM_MIME_OBSTACLE_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/hidden.h"

/* The first thing in a content that does not fit 7bit, for the words of the error: found by a second, slow pass, when it is
   known that there is one. All-zero but for text to begin; any split of the bytes. */
struct nm_obstacle {
  int text; /* line ends may be rewritten; else one that is not CRLF is in the way, too */
  enum { NM_OBSTACLE_NONE, NM_OBSTACLE_OCTET, NM_OBSTACLE_LONG, NM_OBSTACLE_CR, NM_OBSTACLE_LF } what;
  unsigned char octet;
  uint64_t lines; /* before the one it stands in */
  size_t col;     /* octets of this line so far */
  int cr;         /* the last octet was a CR */
};

NM_HIDDEN_BEGIN

void nm_obstacle_step(struct nm_obstacle *o, const char *p, size_t n);
/* Fills e with the sentence after the last step, and returns NM_EINVAL. */
int nm_obstacle_error(struct nm_obstacle *o, struct nm_error *e);

NM_HIDDEN_END

#endif
