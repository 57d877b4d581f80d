#ifndef NM_MIME_HEAD_H
#define NM_MIME_HEAD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "mime/message.h"

/* Fields as they are written, of a message whose subject_encoding stays. All-zero: none. */
struct nm_head_kept {
  struct nm_buf text;
  size_t from_end;    /* behind From, Sender and Reply-To; 0: they are not kept */
  size_t subject_end; /* behind Subject */
  size_t *ends;       /* behind each of fields */
};

NM_HIDDEN_BEGIN

/* The fields of the message itself, from Date to MIME-Version; those of its content (Content-...) follow. */
int nm_head_write(struct nm_buf *b, const struct nm_message *m, const struct nm_stamp *stamp,
                  struct nm_error *e);

/* Keeps what those that are made of m's template have in common with it. */
int nm_head_keep(struct nm_head_kept *k, const struct nm_message *m, struct nm_error *e);
void nm_head_kept_free(struct nm_head_kept *k);

/* The Resent- blocks alone: all that is written before a message that exists already. */
int nm_head_write_resent(struct nm_buf *b, const struct nm_message *m, struct nm_error *e);

NM_HIDDEN_END

#endif
