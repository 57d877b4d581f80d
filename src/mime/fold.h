#ifndef NM_MIME_FOLD_H
#define NM_MIME_FOLD_H

#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* Header fields are written piece by piece into one buffer. Every writer takes the column at which the line
   stands (octets since the last CRLF) and returns the new one: nothing else is needed to fold. Lines stay
   within 78 octets where the grammar allows a fold (RFC 5322 2.1.1). */
#define NM_FOLD_COLUMN 78

NM_HIDDEN_BEGIN

/* "Name:" at the beginning of a line. No space: the first token brings its own. */
size_t nm_fold_name(struct nm_buf *b, const char *name);
/* "Name: value" and CRLF, on one line. */
void nm_fold_line(struct nm_buf *b, struct nm_str name, struct nm_str value);
/* The space before something of n octets that must not be broken, folded when that would pass the column. */
size_t nm_fold_space(struct nm_buf *b, size_t col, size_t n);
/* A space and an unbreakable token. Nothing for an empty one: a line of white space only is not allowed (RFC
   5322 3.2.2). */
size_t nm_fold_token(struct nm_buf *b, size_t col, struct nm_str token);
/* The same of a token in three pieces, each of which may be empty. */
size_t nm_fold_pieces(struct nm_buf *b, size_t col, struct nm_str before, struct nm_str token,
                      struct nm_str behind);
/* CRLF. Returns 0. */
size_t nm_fold_end(struct nm_buf *b);
/* 0, or what went wrong with the buffer, said in e. */
int nm_fold_status(const struct nm_buf *b, struct nm_error *e);

NM_HIDDEN_END

#endif
