#ifndef NM_BASE_BASE64_STRICT_H
#define NM_BASE_BASE64_STRICT_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* Base64 as RFC 4648 4 has it and nothing beside: whole quanta with their padding, no other character, no bits left over. Appended to
   out. NM_EINVAL, NM_ENOMEM, NM_ELIMIT (out is unchanged then). */
int nm_base64_strict(struct nm_buf *out, struct nm_str text);

NM_HIDDEN_END

#endif
