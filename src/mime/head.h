#ifndef NM_MIME_HEAD_H
#define NM_MIME_HEAD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "mime/message.h"

NM_HIDDEN_BEGIN

/* The fields of the message itself, from Date to MIME-Version; those of its content (Content-...) follow. */
int nm_head_write(struct nm_buf *b, const struct nm_message *m, const struct nm_stamp *stamp,
                  struct nm_error *e);

/* The Resent- blocks alone: all that is written before a message that exists already. */
int nm_head_write_resent(struct nm_buf *b, const struct nm_message *m, struct nm_error *e);

NM_HIDDEN_END

#endif
