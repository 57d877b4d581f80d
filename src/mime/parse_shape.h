#ifndef NM_MIME_PARSE_SHAPE_H
#define NM_MIME_PARSE_SHAPE_H

#include "base/content.h"
#include "base/hidden.h"
#include "base/list.h"
#include "mime/parse_state.h"
#include "mime/part.h"

/* What a body of the shape in mime/tree.h is made of, before it becomes that of the message: nothing is taken back from a message. */
struct nm_shape {
  struct nm_content *text, *html;
  struct nm_part *text_part, *html_part; /* NULL: a text that is no TEXT (mime/parse_state.h) */
  struct nm_list *views, *linked;
};

NM_HIDDEN_BEGIN

/* Of that entity, beside which these are attached. 1: it has that shape, and would be written so again; 0: it has another one. NM_ENOMEM and
   what else making a part may return. To be freed in any case. */
int nm_shape_read(struct nm_parse *p, size_t entity, const struct nm_list *attachments, struct nm_shape *s);
void nm_shape_free(struct nm_shape *s);

NM_HIDDEN_END

#endif
