#ifndef NM_MIME_FIELD_READ_H
#define NM_MIME_FIELD_READ_H

#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"
#include "base/str.h"
#include "mime/field.h"
#include "mime/head_read.h"

/* Where a line goes that is no field: nothing is lost, and nobody takes it for the end of the header. */
#define NM_FIELD_UNPARSED "X-Unparsed-Line"

NM_HIDDEN_BEGIN

/* Whether its bytes may be sent as they are: printable ASCII in lines of at most 998 octets, none of them of white space alone. */
int nm_field_is_kept(struct nm_str name, struct nm_str value);
/* A field that another mailer wrote, of any name, added to the list. Its bytes are kept as raw where they may be sent; otherwise it is written anew from its value. The value is decoded, and
   canonical where it follows the grammar of its name. NM_ENOMEM; NM_ELIMIT for one more than NM_FIELDS_MAX, or a value of
   more than NM_FIELD_VALUE_MAX octets that cannot be kept as raw. */
int nm_field_read(struct nm_list *list, const struct nm_head_field *f, struct nm_error *e);

NM_HIDDEN_END

#endif
