#ifndef NM_OUTGOING_H
#define NM_OUTGOING_H

#include "addressing.h"
#include "base/source.h"
#include "client.h"
#include "mime/message.h"
#include "now.h"

/* One message made ready to be sent: all of it that must not change while it is on its way, or is tried again (DESIGN.md 3.7).
   All-zero is none. May be moved. */
struct nm_outgoing {
  struct nm_send_options
      *options;           /* asked for this send; NULL: neither it nor the client asks for anything */
  struct nm_envelope env; /* points into the rest */
  struct nm_source *content;
  struct nm_now now;
  struct nm_addressing who;
  struct nm_pieces *spare; /* for the next content; NULL: none */
  struct nm_message *kept; /* what is rendered anew for a server that takes less; NULL: nothing need be */
  struct nm_error
      *utf8;        /* which address makes the header UTF-8 (RFC 6532); NULL: none, or no memory for words */
  unsigned allowed; /* NM_ALLOW_…: how content was rendered */
};

NM_HIDDEN_BEGIN

/* The message as it is now, with o->options, which the caller has set, and what c says of every send. A negative code, with e; free it all
   the same. */
int nm_outgoing_take(struct nm_outgoing *o, const struct nm_client *c, const struct nm_message *m,
                     struct nm_error *e);
/* After an attempt that ended before a byte was sent, because a server with these capabilities does not take the message as it is: 1: it
   was rendered anew so that it may; 0: there is no other way; a negative code, with e. */
int nm_outgoing_narrow(struct nm_outgoing *o, const struct nm_caps *caps, struct nm_error *e);
/* The same attempt: the engine knows that the header needs SMTPUTF8, and not for whose sake. place: the server's name. */
void nm_outgoing_explain(const struct nm_outgoing *o, const struct nm_caps *caps, const char *place,
                         struct nm_error *e);
void nm_outgoing_free(struct nm_outgoing *o);
/* As empty as after that, but with small rooms in memory, and the moment, for the next message. */
void nm_outgoing_reset(struct nm_outgoing *o);

NM_HIDDEN_END

#endif
