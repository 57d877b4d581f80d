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
  NM_CAP_AUTH = 1 << 9,
  NM_CAP_LIMITS = 1 << 10,        /* RFC 9422 */
  NM_CAP_DELIVERBY = 1 << 11,     /* RFC 2852 */
  NM_CAP_FUTURERELEASE = 1 << 12, /* RFC 4865 */
  NM_CAP_MT_PRIORITY = 1 << 13,   /* RFC 6710 */
  NM_CAP_REQUIRETLS = 1 << 14,    /* RFC 8689 */
  NM_CAP_ETRN = 1 << 15,
  NM_CAP_VRFY = 1 << 16,
  NM_CAP_EXPN = 1 << 17,
  NM_CAP_HELP = 1 << 18
};

/* A number of these is 0 when the server told none, or told nonsense. */
struct nm_caps {
  unsigned flags;
  int64_t size;        /* the largest message */
  uint32_t rcpt_max;   /* LIMITS: recipients of a transaction */
  uint32_t mail_max;   /* LIMITS: transactions of a connection */
  uint32_t domain_max; /* LIMITS: domains of a transaction's recipients */
  uint32_t by_min;     /* DELIVERBY: the shortest time it can promise, seconds */
  uint32_t hold_max;   /* FUTURERELEASE: the longest it holds a message, seconds */
  int64_t hold_until;  /* FUTURERELEASE: the last moment, seconds since 1970 */
  struct nm_buf auth;  /* mechanisms, upper case, separated by one space */
  struct nm_buf lines; /* all lines but the greeting, as the server wrote them, each with a \n behind it */
};

NM_HIDDEN_BEGIN

/* From the whole 250 reply; the first line is the greeting and is not read. Unknown keywords are passed over; lower
   case, "AUTH=PLAIN", empty lines and leading spaces are taken; a number out of range counts as none. */
int nm_caps_parse(struct nm_caps *c, const struct nm_reply *ehlo);
int nm_caps_copy(struct nm_caps *to, const struct nm_caps *from);
int nm_caps_has_auth(const struct nm_caps *c, const char *mechanism);
void nm_caps_free(struct nm_caps *c);

NM_HIDDEN_END

#endif
