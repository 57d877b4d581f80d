#ifndef NM_SMTP_CAPS_H
#define NM_SMTP_CAPS_H

#include <stdint.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "smtp/reply.h"

/* What the last EHLO reply offered (RFC 5321 4.1.1.1). */
enum {
  NM_CAP_PIPELINING = 1 << 0,
  NM_CAP_SIZE = 1 << 1,
  NM_CAP_8BITMIME = 1 << 2,
  NM_CAP_STARTTLS = 1 << 3,
  NM_CAP_ENHANCEDSTATUSCODES = 1 << 4,
  NM_CAP_CHUNKING = 1 << 5,
  NM_CAP_BINARYMIME = 1 << 6,
  NM_CAP_SMTPUTF8 = 1 << 7,
  NM_CAP_DSN = 1 << 8,
  NM_CAP_AUTH = 1 << 9
};

struct nm_caps {
  unsigned flags;
  int64_t size;       /* the largest message; 0: no limit told */
  struct nm_buf auth; /* mechanisms, upper case, separated by one space */
};

NM_HIDDEN_BEGIN

/* From the whole 250 reply; the first line is the greeting and is not read. Unknown keywords are passed over; lower
   case, "AUTH=PLAIN", empty lines and leading spaces are taken; a SIZE out of range counts as no limit known. */
int nm_caps_parse(struct nm_caps *c, const struct nm_reply *ehlo);
int nm_caps_copy(struct nm_caps *to, const struct nm_caps *from);
int nm_caps_has_auth(const struct nm_caps *c, const char *mechanism);
void nm_caps_free(struct nm_caps *c);

NM_HIDDEN_END

#endif
