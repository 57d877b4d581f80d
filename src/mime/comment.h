#ifndef NM_MIME_COMMENT_H
#define NM_MIME_COMMENT_H

#include <stddef.h>
#include "base/hidden.h"
#include "base/str.h"

/* Longer than any comment that says something to a person; beyond it a "(" is only a character. */
#define NM_COMMENT_MAX 1000
/* So many of one value that do not end are looked at, and from then on a "(" is only a character: so fields full of open ones
   are read in linear time. */
#define NM_COMMENT_OPEN_MAX 8

NM_HIDDEN_BEGIN

/* comment = "(" *([FWS] ccontent) [FWS] ")"   (RFC 5322 3.2.2): where the one ends that begins at; at when it does not end.
   *open: how many of this value did not, 0 to begin with. */
size_t nm_comment_end(struct nm_str s, size_t at, unsigned *open);
/* Behind the comments, white space and line ends that stand at. */
size_t nm_comment_skip(struct nm_str s, size_t at, unsigned *open);

NM_HIDDEN_END

#endif
