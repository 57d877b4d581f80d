#ifndef NM_MIME_TREE_H
#define NM_MIME_TREE_H

#include "base/content.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/part.h"
#include "mime/message.h"

/* A MIME entity: a multipart of others, or a leaf with a content. */
struct nm_node {
  const char *multipart;            /* "mixed", "related", "alternative"; NULL: a leaf */
  const char *root;                 /* related: the type of its first part (RFC 2387 3.1) */
  struct nm_node *child;            /* the first */
  struct nm_node *next;             /* the following one of the same parent */
  struct nm_content *content;       /* one reference; NULL: an empty leaf */
  const struct nm_part *attachment; /* borrowed from the message; NULL: a body */
  const char *type;                 /* of a body */
};

/* How a message is made of parts: mixed > (related > alternative(text, html) + inline) + attachments, each level only
   when it is needed. Attachments always stand in a mixed, where the bytes after a part's last line are known not to be
   its own. Inline parts go beside the HTML that shows them; without HTML, or without an id to be shown by, they are attached
   like the others. */
struct nm_tree {
  struct nm_node *root;
  struct nm_node *parts; /* the memory of all of them */
  size_t n;
};

NM_HIDDEN_BEGIN

/* Bodies are in their charset already. The tree borrows the message's attachments. */
int nm_tree_make(struct nm_tree *t, const struct nm_message *m, struct nm_error *e);
void nm_tree_free(struct nm_tree *t);

NM_HIDDEN_END

#endif
