#ifndef NM_MIME_LEAF_H
#define NM_MIME_LEAF_H

#include "base/error.h"
#include "base/hidden.h"
#include "mime/tree.h"

NM_HIDDEN_BEGIN

/* Finds how each leaf of the tree is written (node->how, raw_size, charset) and what that asks of the multiparts and messages
   around it. allowed: NM_ALLOW_… . Fails with NM_KIND_MESSAGE where a file cannot be read, or octets do not fit their type. */
int nm_leaf_prepare(struct nm_node *root, unsigned allowed, struct nm_error *e);

NM_HIDDEN_END

#endif
