#ifndef NM_MIME_PARAM_PIECE_H
#define NM_MIME_PARAM_PIECE_H

#include <stddef.h>
#include <stdint.h>
#include "base/hidden.h"
#include "base/str.h"

/* Content-Type and Content-Disposition taken apart into parameters as they stand there, each piece of RFC 2231 for itself: which octets
   are whose name and value, and nothing more. mime/param_read.h puts them together. */

/* More is no Content-Type but an attack. */
#define NM_PARAM_PIECES_MAX 250
#define NM_PARAM_SINGLE (-1) /* no section number */

/* parameter = regular-parameter / extended-parameter   (RFC 2231 7): one of them. */
struct nm_param_piece {
  struct nm_str name; /* without "*" and what follows */
  uint32_t hash;      /* of the name */
  struct nm_str value;
  int section;  /* or NM_PARAM_SINGLE */
  int extended; /* %XX */
  int quoted;   /* it stood in quotes: backslashes are to be undone */
  int used;     /* for who puts them together: its parameter is made */
};

struct nm_param_pieces {
  struct nm_param_piece items[NM_PARAM_PIECES_MAX];
  size_t n;
  unsigned open; /* comments, for mime/comment.h */
};

NM_HIDDEN_BEGIN

/* Of the value of a field, which all keeps and needs no initialising for; type and subtype may come out empty. NM_ELIMIT. */
int nm_param_pieces_read(struct nm_param_pieces *all, struct nm_str s, struct nm_str *type_out,
                         struct nm_str *subtype_out);
/* Whether they are of one parameter. */
int nm_param_piece_is(const struct nm_param_piece *piece, const struct nm_param_piece *like);

NM_HIDDEN_END

#endif
