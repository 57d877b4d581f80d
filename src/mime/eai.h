#ifndef NM_MIME_EAI_H
#define NM_MIME_EAI_H

#include "base/error.h"
#include "base/hidden.h"
#include "mime/message.h"

NM_HIDDEN_BEGIN

/* That the message's addresses can be written in ASCII, in its header and its envelope: a local part beyond ASCII (RFC 6531) makes
   a message that only a server with SMTPUTF8 takes. 0, or NM_EINVAL with the field and the address named. */
int nm_message_check_ascii(const struct nm_message *m, struct nm_error *e);
/* The same of the header alone, and of those of the messages within: Bcc is in none. */
int nm_message_check_header(const struct nm_message *m, struct nm_error *e);

NM_HIDDEN_END

#endif
