#ifndef NM_MIME_RENDER_H
#define NM_MIME_RENDER_H

#include <stddef.h>
#include "base/error.h"
#include "base/hidden.h"
#include "mime/message.h"
#include "mime/pieces.h"
#include "mime/tree.h"

NM_HIDDEN_BEGIN

/* Chooses the encodings of the tree's leaves by stamp->allowed, and appends Content-... and the body. A text in memory of up to encode_max
   octets is encoded at once. */
int nm_render_tree(struct nm_pieces *p, const struct nm_tree *tree, const struct nm_stamp *stamp,
                   size_t encode_max, struct nm_error *e);

NM_HIDDEN_END

#endif
