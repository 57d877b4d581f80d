#ifndef NM_MIME_DECODER_H
#define NM_MIME_DECODER_H

#include <stddef.h>
#include "base/base64.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/encoder.h"

/* The way back from mime/encoder.h, in any number of steps; any split of the input gives the same bytes. Nothing is refused, as
   RFC 2045 6.7 and 6.8 ask: in base64 everything is left out that is no digit; in quoted-printable white space at a line's end
   is left out, and a "=" that means nothing stands for itself. Line ends come out as they go in. All-zero but for cte. */
#define NM_DECODER_BLANKS 128

struct nm_decoder {
  enum nm_cte cte;
  struct nm_base64_reader base64;
  /* quoted-printable: what was read and is not decided yet */
  int state;
  char digit;                     /* the first one behind "=" */
  size_t blanks_n;                /* white space that ends a line, or does not */
  char blanks[NM_DECODER_BLANKS]; /* more than a line may hold (76), so more is text */
};

/* What step or flush writes at most for n more octets. */
#define NM_DECODER_ROOM(n) ((n) + NM_DECODER_BLANKS + 8)

NM_HIDDEN_BEGIN

/* The value of Content-Transfer-Encoding, with comments and folds. 0, or NM_EINVAL for one that nobody knows (the content is
   then application/octet-stream, RFC 2045 6.4). An empty value is 7bit. */
int nm_cte_read(struct nm_str value, enum nm_cte *out);
/* Returns the octets written to out, which has NM_DECODER_ROOM(n). */
size_t nm_decoder_step(struct nm_decoder *d, const char *p, size_t n, char *out);
/* The end. The decoder may then begin anew. */
size_t nm_decoder_flush(struct nm_decoder *d, char *out);

NM_HIDDEN_END

#endif
