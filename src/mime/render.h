#ifndef NM_MIME_RENDER_H
#define NM_MIME_RENDER_H

#include <stddef.h>
#include "base/error.h"
#include "base/hidden.h"
#include "mime/message.h"
#include "mime/pieces.h"
#include "mime/tree.h"

/* What is encoded at once and not when it is read: texts in memory of up to so many octets, and other contents in memory. */
struct nm_render_ahead {
  size_t text_max;
  size_t octets_max;
};

NM_HIDDEN_BEGIN

/* Chooses the encodings of the tree's leaves by stamp->allowed, and appends Content-... and the body. */
int nm_render_tree(struct nm_pieces *p, const struct nm_tree *tree, const struct nm_stamp *stamp,
                   const struct nm_render_ahead *ahead, struct nm_error *e);

NM_HIDDEN_END

#endif
