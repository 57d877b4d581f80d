#ifndef NM_MIME_QUOTED_H
#define NM_MIME_QUOTED_H

#include <stddef.h>
#include "base/hidden.h"
#include "mime/encoder.h"

NM_HIDDEN_BEGIN

/* The quoted-printable half of nm_encoder_step and nm_encoder_flush. */
size_t nm_quoted_step(struct nm_encoder *e, const char *p, size_t n, char *out);
size_t nm_quoted_flush(struct nm_encoder *e, char *out);

NM_HIDDEN_END

#endif
