#ifndef NM_MIME_TREE_H
#define NM_MIME_TREE_H

#include <stdint.h>
#include "base/content.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/encoder.h"
#include "mime/message.h"
#include "mime/part.h"

/* A MIME entity as it will be written. */
struct nm_node {
  enum nm_part_kind kind;
  const struct nm_part
      *part;             /* borrowed; NULL: text, html or calendar of a message, or a level of its tree */
  const char *type;      /* when part is NULL */
  struct nm_node *child; /* MULTIPART: the first; MESSAGE: its body */
  struct nm_node *next;  /* the following one of the same parent */
  const struct nm_message *message; /* MESSAGE: whose header stands here */
  struct nm_content *content; /* OCTETS, TEXT: one reference; TEXT is in its charset. NULL: an empty leaf */
  struct nm_str charset;      /* TEXT: as Content-Type says it */
  struct nm_str method;       /* of a calendar; empty: none */
  struct nm_str name;         /* file name; empty: none */
  enum nm_disposition disposition; /* DEFAULT: none is written */
  struct nm_cte_wish wish;
  int is_raw;       /* the content is a message with its header (mime/raw.h) */
  int is_delimited; /* it stands in a multipart, where the CRLF behind its last line is not its own */
  int64_t raw_size; /* a leaf's, by nm_leaf_prepare; -1: not known */
  struct nm_encoding
      how; /* of a leaf by nm_leaf_prepare; of the others 7bit, or what one within them needs */
};

/* A small message needs no more, and so no memory of its own. */
#define NM_TREE_NODES 8

struct nm_tree_block;

/* How a message is made of parts, each level only when it is needed:
     mixed > (related > alternative(text, views, html, views, calendar) + linked and inline parts) + calendar file + attachments
   A view that is text goes before html, any other behind it: the richest last (RFC 2046 5.1.4).
   Attachments always stand in a mixed, where the bytes after a part's last line are known not to be its own. What is shown by
   HTML goes beside it; without HTML, or an attached part without an id to be shown by, it is attached like the others.
   A root nested by hand takes the place of everything but the attachments. */
struct nm_tree {
  struct nm_node *root;
  size_t n;
  struct nm_tree_block *blocks;
  struct nm_node first[NM_TREE_NODES];
};

NM_HIDDEN_BEGIN

/* The tree borrows the message's parts. Not to be moved. */
int nm_tree_make(struct nm_tree *t, const struct nm_message *m, struct nm_error *e);
void nm_tree_free(struct nm_tree *t);
/* What goes into Content-Type. */
struct nm_str nm_node_type(const struct nm_node *n);

NM_HIDDEN_END

#endif
