#ifndef NM_MIME_PARAM_READ_H
#define NM_MIME_PARAM_READ_H

#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/params.h"

/* Octets of one field: more is no Content-Type but an attack. */
#define NM_TYPED_TEXT_MAX 65536

/* The value of Content-Type or Content-Disposition, read. All-zero is an empty one; owns all it points to. */
struct nm_typed {
  struct nm_str type;    /* as it is written: "Text"; or "attachment" */
  struct nm_str subtype; /* "plain"; empty when there is none */
  struct nm_param
      *items; /* names as written, values decoded: UTF-8 without NUL and line ends. No NUL behind */
  size_t n;
  size_t lost; /* octets that were no characters: they are U+FFFD */
  struct nm_buf text;
};

NM_HIDDEN_BEGIN

/* RFC 2045 5.1 with comments, folds and RFC 2231's continuations and charsets, in any order; and what else is found in mail:
   encoded words, values with spaces and without quotes, no ";" before the next parameter, none that ends a quoted string,
   parameters without names or values (left out). Type and subtype are what stands there: whoever needs tokens must look.
   Of parameters of one name the first counts, as for most readers: so nobody sees another one than who has checked it;
   but a name in RFC 2231's form before the plain one, which is for those who cannot read that.
   0, NM_ENOMEM, or NM_ELIMIT for a value beyond the maxima, also of parameters (mime/param_piece.h). */
int nm_typed_read(struct nm_typed *p, struct nm_str value);
/* p NULL: there is none of that name. */
struct nm_str nm_typed_get(const struct nm_typed *p, struct nm_str name);
void nm_typed_free(struct nm_typed *p);

NM_HIDDEN_END

#endif
