#include "mime/obstacle.h"

#include <inttypes.h>

#include "mime/scan.h"

static void line_end(struct nm_obstacle *o) {
  o->lines++;
  o->col = 0;
}

/* What follows a CR decides what it was; what follows is looked at after that. */
static void end_cr(struct nm_obstacle *o, int crlf) {
  o->cr = 0;
  if (!crlf && !o->text) {
    o->what = NM_OBSTACLE_CR;
  } else {
    line_end(o);
  }
}

static void look(struct nm_obstacle *o, unsigned char c) {
  int after_cr = o->cr;
  if (after_cr) {
    end_cr(o, c == '\n');
  }
  if (o->what != NM_OBSTACLE_NONE || (after_cr && c == '\n')) {
    return;
  }
  if (c == '\r') {
    o->cr = 1;
  } else if (c == '\n' && !o->text) {
    o->what = NM_OBSTACLE_LF;
  } else if (c == '\n') {
    line_end(o);
  } else if (c == 0 || c > 127) {
    o->what = NM_OBSTACLE_OCTET;
    o->octet = c;
  } else if (++o->col > NM_SCAN_LINE_MAX) {
    o->what = NM_OBSTACLE_LONG;
  }
}

void nm_obstacle_step(struct nm_obstacle *o, const char *p, size_t n) {
  for (size_t i = 0; i < n && o->what == NM_OBSTACLE_NONE; i++) {
    look(o, (unsigned char)p[i]);
  }
}

#define SENTENCE "the content cannot be sent as 7bit: line %" PRIu64 " "
#define ADVICE "; quoted-printable and base64 carry anything"

int nm_obstacle_error(struct nm_obstacle *o, struct nm_error *e) {
  if (o->what == NM_OBSTACLE_NONE && o->cr) {
    end_cr(o, 0);
  }
  uint64_t line = o->lines + 1;
  switch (o->what) {
    case NM_OBSTACLE_OCTET:
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, SENTENCE "has the octet 0x%02X" ADVICE, line,
                          o->octet);
    case NM_OBSTACLE_LONG:
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, SENTENCE "is longer than %d octets" ADVICE, line,
                          NM_SCAN_LINE_MAX);
    case NM_OBSTACLE_CR:
    case NM_OBSTACLE_LF:
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          SENTENCE "ends in a bare %s, which would not arrive as it is" ADVICE, line,
                          o->what == NM_OBSTACLE_CR ? "CR" : "LF");
    case NM_OBSTACLE_NONE:
      break;
  }
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the content changed while it was looked at");
}
