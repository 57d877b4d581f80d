#ifndef NM_MIME_FIELD_VALUE_H
#define NM_MIME_FIELD_VALUE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/field_rule.h"

NM_HIDDEN_BEGIN

/* Appends the canonical form of what the caller gave as the value of a field of that kind: one line of UTF-8. NM_EINVAL
   with a sentence that begins with field, its name. */
int nm_field_value_read(struct nm_buf *b, enum nm_field_kind kind, const char *field, struct nm_str text,
                        struct nm_error *e);
/* Appends a canonical value behind the field's name. */
int nm_field_value_write(struct nm_buf *b, size_t *col, enum nm_field_kind kind, struct nm_str value,
                         struct nm_str charset, struct nm_error *e);

NM_HIDDEN_END

#endif
