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

/* A field that another mailer wrote, of any name, added to the list. Its bytes are kept as raw where they may be sent; otherwise it
   is written anew from its value if that is text (in encoded words), or follows the grammar of its name. A structured field whose bytes
   may not be sent and that cannot be read is left out: nothing that could stand for it would be what it says.
   The value is decoded, and canonical where it follows its grammar; in structured fields encoded words are decoded only where they
   may stand, in phrases. NM_ENOMEM; NM_ELIMIT for one more than NM_FIELDS_MAX, or a text of more than NM_FIELD_VALUE_MAX octets
   or a name of more than NM_FIELD_NAME_MAX that cannot be kept as raw. */
int nm_field_read(struct nm_list *list, const struct nm_head_field *f, struct nm_error *e);

NM_HIDDEN_END

#endif
