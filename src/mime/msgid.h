#ifndef NM_MIME_MSGID_H
#define NM_MIME_MSGID_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* Octets of one msg-id with its brackets: it fits on a line without a fold inside it. */
#define NM_MSGID_MAX 900

NM_HIDDEN_BEGIN

/* The next msg-id of text from *at on, with or without its angle brackets; what stands between the brackets is *id_out. 1;
   0 when there is none left; NM_EINVAL for what is no msg-id, then *id_out is that word. */
int nm_msgid_next(struct nm_str text, size_t *at, struct nm_str *id_out);
/* Appends "<id> <id>" for the msg-ids of text, separated by spaces. At least one and at most max of them, else NM_EINVAL with
   a sentence that begins with field's name. */
int nm_msgid_list(struct nm_buf *b, const char *field, struct nm_str text, size_t max, struct nm_error *e);

NM_HIDDEN_END

#endif
