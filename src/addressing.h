#ifndef NM_ADDRESSING_H
#define NM_ADDRESSING_H

#include "base/error.h"
#include "base/hidden.h"
#include "mime/message.h"
#include "send_options.h"
#include "smtp/envelope.h"

/* Who sends one message to whom, and what is asked for it: a snapshot, which holds all that its envelope points to. All-zero is empty. */
struct nm_addressing {
  struct nm_addr *from;         /* NULL: the null reverse-path */
  struct nm_list *to;           /* struct nm_addr, each of them once */
  struct nm_rcpt_options *rcpt; /* to->n of them; NULL: none asks for anything */
  struct nm_send_options *options;
};

NM_HIDDEN_BEGIN

/* From the message, as far as options (takes a reference; may be NULL) say nothing else. Of a message that was resent, the newest
   Resent- block says who sends it to whom. A recipient that is named again stands where it was named first, and is asked for what all its namings
   ask. NM_EINVAL (there is no sender, or no recipient, or one is named twice with what cannot be both), NM_ELIMIT, NM_ENOMEM with e; free it all the same. */
int nm_addressing_take(struct nm_addressing *a, const struct nm_message *m, struct nm_send_options *options,
                       struct nm_error *e);
/* What it says, put into env, which keeps none of it. */
void nm_addressing_write(const struct nm_addressing *a, struct nm_envelope *env);
void nm_addressing_free(struct nm_addressing *a);
/* The same, but the room of a short list is kept for the next message. */
void nm_addressing_reset(struct nm_addressing *a);

NM_HIDDEN_END

#endif
