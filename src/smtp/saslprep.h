#ifndef NM_SMTP_SASLPREP_H
#define NM_SMTP_SASLPREP_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* SASLprep (RFC 4013) of text, appended to out (secret if text is). what names it in e ("the password"); e never shows it. Characters
   that Unicode 3.2 had not yet are let through, as in a query (RFC 3454 7): a password may have an emoji in it.
   NM_EINVAL: not UTF-8, or with a character that may not be in it; also when nothing is left of it. */
int nm_saslprep(struct nm_buf *out, const char *what, struct nm_str text, struct nm_error *e);

NM_HIDDEN_END

#endif
