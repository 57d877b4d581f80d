#ifndef NM_SMTP_ORCPT_H
#define NM_SMTP_ORCPT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* The parameter ORCPT (RFC 3461 4.2): the recipient as the sender's user knew it. It is given as text, which is an address (rfc822, or
   utf-8 beyond ASCII) and gets encoded, or whole, as another server wrote it: addr-type ";" xtext. No address begins like that: a ";" may
   stand between quotes alone. */

/* As it stands behind "ORCPT=". */
#define NM_ORCPT_MAX 500

NM_HIDDEN_BEGIN

/* 0; NM_EINVAL, NM_ELIMIT (too long), NM_ENOMEM with e. The empty one is right. */
int nm_orcpt_check(struct nm_str orcpt, struct nm_error *e);
/* One that was checked, as it stands behind "ORCPT=". */
void nm_orcpt_add(struct nm_buf *b, struct nm_str orcpt);

NM_HIDDEN_END

#endif
