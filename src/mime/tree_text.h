#ifndef NM_MIME_TREE_TEXT_H
#define NM_MIME_TREE_TEXT_H

#include "mime/tree.h"

NM_HIDDEN_BEGIN

/* The content becomes utf8 in the node's charset, which says "utf-8" by one name. field: what an error calls it. NM_EINVAL when the charset
   lacks a character, NM_ELIMIT, NM_ENOMEM. */
int nm_node_set_text(struct nm_node *node, struct nm_content *utf8, const char *field, struct nm_error *e);
/* What a reader of text sees of html. Where the charset lacks a character of it, the node is in UTF-8: html may have it as "&euro;". */
int nm_node_set_text_of_html(struct nm_node *node, struct nm_content *html, struct nm_error *e);

NM_HIDDEN_END

#endif
