#ifndef NM_MIME_PIECES_OWN_H
#define NM_MIME_PIECES_OWN_H

#include "mime/pieces.h"

/* What pieces.c, which fills them, and pieces_read.c, which reads them, know of one another. */

struct nm_piece {
  struct nm_content *content; /* NULL: literal */
  struct nm_source *fed;      /* of a content that is fed, until its turn comes */
  size_t at;                  /* literal: where in text */
  int64_t size;               /* octets of it in the message */
  int64_t raw_size;
  struct nm_encoding how;
};

struct nm_pieces {
  struct nm_source source;
  unsigned refs;
  struct nm_buf text;
  struct nm_piece *pieces; /* few, or a block of their own */
  size_t n, cap;
  size_t text_done; /* octets of text that are in pieces already */
  int64_t size;
  enum nm_cte cte;
  struct nm_pieces *tail; /* what comes behind; NULL: nothing. It has none itself */
  /* reading: */
  size_t at;              /* the piece, counted on in tail */
  int64_t done;           /* octets of it that were read */
  struct nm_source *open; /* its content */
  struct nm_piece few[2]; /* most messages are one piece, or a header and a body */
};

NM_HIDDEN_BEGIN

extern const struct nm_source_ops nm_pieces_ops;
/* Drops a reference. */
void nm_pieces_unref(struct nm_source *s);

NM_HIDDEN_END

#endif
