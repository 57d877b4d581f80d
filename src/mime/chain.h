#ifndef NM_MIME_CHAIN_H
#define NM_MIME_CHAIN_H

#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/charset.h"

/* A chain of RFC 2047 encoded words: one text, cut between characters into words of at most 75 octets on
   lines of at most 78, each converted on its own and ending in the charset's initial state. A reader joins
   them without a gap. */
struct nm_chain {
  struct nm_buf *b; /* where the field is written */
  size_t col;       /* where its line stands */
  struct nm_charset charset;
  int phrase;    /* set it for the smaller alphabet of RFC 2047 5(3), which also suits a quoted string */
  size_t tail;   /* columns to keep free behind each word */
  char encoding; /* of the word at hand: 'B' or 'Q' */
  struct nm_buf scratch; /* text in the charset */
  struct nm_error *e;
};

NM_HIDDEN_BEGIN

/* Keeps b and e until the end; charset as nm_charset_check takes. End is due also when begin failed. */
int nm_chain_begin(struct nm_chain *c, struct nm_buf *b, size_t col, struct nm_str charset,
                   struct nm_error *e);
/* UTF-8 text as encoded words, any number of times; spaced: with a space or a fold before the first. Q where
   that is not longer for the whole text, because people can read it, else B. Nothing for an empty text.
   Octets that are not UTF-8 are encoded as they are when the charset is UTF-8. */
int nm_chain_write(struct nm_chain *c, struct nm_str text, int spaced);
/* Frees, and returns err, or the error of the buffer. */
int nm_chain_end(struct nm_chain *c, int err);

NM_HIDDEN_END

#endif
