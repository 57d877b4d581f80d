#ifndef NM_BASE_ERROR_H
#define NM_BASE_ERROR_H

#include <stddef.h>
#include <string.h>
#include "base/hidden.h"

/* What a core function returns: 0, NM_AGAIN where its comment says so, or one of the negative codes. The
   detail text is written where the error is found, into the struct nm_error the caller handed in. */
enum {
  NM_AGAIN = 1,    /* not an error: nothing now, ask again later */
  NM_EINVAL = -1,  /* the caller's mistake: bad content, bad state, bad argument */
  NM_ENOMEM = -2,  /* out of memory */
  NM_ELIMIT = -3,  /* something is longer or more than its named maximum */
  NM_EIO = -4,     /* connection lost, file unreadable */
  NM_EPROTO = -5,  /* the server broke the protocol */
  NM_EREJECT = -6, /* the server said no */
  NM_ETIME = -7    /* Timeout or Deadline is over */
};

/* Where it went wrong: the Kind of the table that Send returns as its third value. */
enum nm_kind {
  NM_KIND_NONE,
  NM_KIND_CONNECT,
  NM_KIND_TLS,
  NM_KIND_AUTH,
  NM_KIND_SENDER,
  NM_KIND_RECIPIENT,
  NM_KIND_DATA,
  NM_KIND_TIMEOUT,
  NM_KIND_PROTOCOL,
  NM_KIND_MESSAGE,
  NM_KIND_CANCELLED
};

/* Long enough for a sentence, a host, an address and a server's line; longer texts are cut. */
#define NM_ERROR_TEXT_MAX 1024

/* All-zero is "no error". */
struct nm_error {
  int code;
  enum nm_kind kind;
  char text[NM_ERROR_TEXT_MAX];
};

NM_HIDDEN_BEGIN

/* Most errors never happen, and of those that do most are short: the rest of text is left as it is, and not looked at by anybody. So an error
   stands last in its struct, and what clears or moves that goes up to it. */
static inline void nm_error_clear(struct nm_error *e) {
  e->code = 0;
  e->kind = NM_KIND_NONE;
  e->text[0] = '\0';
}

static inline void nm_error_copy(struct nm_error *to, const struct nm_error *from) {
  to->code = from->code;
  to->kind = from->kind;
  if (from->text[0] != '\0') {
    memcpy(to->text, from->text, strlen(from->text) + 1);
  } else {
    to->text[0] = '\0';
  }
}

/* Fills e (may be NULL: then only the code is returned) and returns code. Control bytes and broken UTF-8 that
   came in through the arguments are shown as \xNN, so the text is safe for a terminal and a log. */
int nm_error_set(struct nm_error *e, int code, enum nm_kind kind, const char *fmt, ...) NM_PRINTF(4, 5);
/* "out of memory", code NM_ENOMEM. */
int nm_error_nomem(struct nm_error *e);
/* "connect", "tls", …; "" for NM_KIND_NONE. */
const char *nm_kind_name(enum nm_kind kind);

NM_HIDDEN_END

#endif
