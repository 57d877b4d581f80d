#ifndef NM_MIME_RESENT_H
#define NM_MIME_RESENT_H

#include <stdint.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"

/* "Resent fields SHOULD be added to any message that is reintroduced by a user into the transport system" (RFC 5322 3.6.6): one
   block of them. Counted; plain fields are set directly before it joins a message and never changed after that. */
struct nm_resent {
  unsigned refs;
  struct nm_addr *from;   /* NULL: none yet */
  struct nm_addr *sender; /* NULL: none */
  struct nm_list *to;     /* never NULL, as are the other two */
  struct nm_list *cc;
  struct nm_list *bcc;      /* envelope only: never rendered */
  int64_t date;             /* seconds since 1970 UTC */
  int offset;               /* minutes east of UTC */
  struct nm_buf message_id; /* with <> */
  int is_read; /* it came with a message that was read: what others did, and no order to send anything to anybody */
};

/* A message that was resent so often goes in circles. */
#define NM_RESENT_MAX 50

NM_HIDDEN_BEGIN

int nm_resent_new(struct nm_resent **out);
struct nm_resent *nm_resent_ref(struct nm_resent *r);
void nm_resent_unref(struct nm_resent **r);
/* A list of them, the oldest first. */
/* As nm_list_init. */
void nm_resent_list_init(struct nm_list *l, struct nm_block *block);

NM_HIDDEN_END

#endif
