#ifndef NM_SMTP_SECRET_H
#define NM_SMTP_SECRET_H

#include "base/hidden.h"
#include "base/str.h"

/* A server that does not understand an AUTH line may quote it: its words are then not shown to anybody. */
#define NM_SECRET_REPEATED "(the server repeated the password; its words are not shown)"

NM_HIDDEN_BEGIN

/* text has the password in it: as it is, as base64 of itself, or of what PLAIN sends with this user. When memory is short: yes. */
int nm_secret_shown(struct nm_str text, struct nm_str user, struct nm_str password);
/* text has the line that was sent in it, or enough of its beginning to be a quotation that was cut. */
int nm_secret_quoted(struct nm_str text, struct nm_str sent);

NM_HIDDEN_END

#endif
