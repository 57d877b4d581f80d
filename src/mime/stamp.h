#ifndef NM_MIME_STAMP_H
#define NM_MIME_STAMP_H

#include "base/buf.h"
#include "base/hidden.h"
#include "mime/message.h"

NM_HIDDEN_BEGIN

/* The n-th boundary of a message (RFC 2046 5.1.1: 1*70 bchars), all of them different and none the beginning of another.
   128 random bits cannot be in a part by chance or by design, and "=_" is in no quoted-printable or base64 line at all. */
void nm_boundary_write(struct nm_buf *b, const struct nm_stamp *stamp, unsigned n);
/* "<" visible ASCII ">" without another bracket: what may stand in the Message-ID field as it is. */
int nm_message_id_is_safe(struct nm_str id);

NM_HIDDEN_END

#endif
