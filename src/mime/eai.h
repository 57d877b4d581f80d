#ifndef NM_MIME_EAI_H
#define NM_MIME_EAI_H

#include "base/error.h"
#include "base/hidden.h"
#include "mime/message.h"

NM_HIDDEN_BEGIN

/* That the addresses in the message's header, and in those of the messages within, can be written in ASCII: a local part beyond ASCII
   (RFC 6532) makes a message that only a server with SMTPUTF8 takes (RFC 6531). A display name never does, nor a domain, nor Bcc, which is in
   no header. 0, or NM_EINVAL with the field and the address named, and what to do. */
int nm_message_check_header(const struct nm_message *m, struct nm_error *e);
/* The messages within alone. */
int nm_message_check_parts(const struct nm_message *m, struct nm_error *e);

NM_HIDDEN_END

#endif
