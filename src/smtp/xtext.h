#ifndef NM_SMTP_XTEXT_H
#define NM_SMTP_XTEXT_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* RFC 3461 4: what an ESMTP parameter can hold of any octets. */
void nm_xtext_add(struct nm_buf *b, struct nm_str s);
/* Whether it is that already. */
int nm_xtext_is(struct nm_str s);
/* RFC 6533 3: the same for UTF-8 (well-formed): ASCII only, a form that xtext leaves as it is. */
void nm_utf8_xtext_add(struct nm_buf *b, struct nm_str s);

NM_HIDDEN_END

#endif
