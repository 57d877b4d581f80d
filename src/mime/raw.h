#ifndef NM_MIME_RAW_H
#define NM_MIME_RAW_H

#include "base/buf.h"
#include "base/content.h"
#include "base/error.h"
#include "base/hidden.h"
#include "mime/encoder.h"

/* A message that exists already and is sent as it is. */

NM_HIDDEN_BEGIN

/* Reads it whole and finds how it is written: its octets, with every line end a CRLF (how->cte: 7bit or 8bit). Its Message-ID, if it
   has one that is safe, is appended to id (may be NULL).
   NM_EINVAL, with what to do: it has no header; its header has Bcc or Resent-Bcc (which nobody must read) or 8-bit octets (RFC 6532 is
   for messages made here); a NUL or a line over 998 octets, which no encoding can mend now; a bare CR, or LF among CRLF: whether they
   are signed, somewhere deep in it, cannot be known, and a mended one breaks the signature. A file whose lines all end in LF is one
   that was stored so, and CRLF is what was signed. */
int nm_raw_scan(struct nm_content *raw, struct nm_encoding *how, int64_t *size_out, struct nm_buf *id,
                struct nm_error *e);

NM_HIDDEN_END

#endif
