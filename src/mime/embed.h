#ifndef NM_MIME_EMBED_H
#define NM_MIME_EMBED_H

#include <stddef.h>
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/message.h"

/* Of one picture: nobody mails a larger one, and all of it is held. */
#define NM_EMBED_MAX ((size_t)64 << 20)
/* Of all that one call embeds. */
#define NM_EMBED_ALL_MAX ((size_t)512 << 20)

NM_HIDDEN_BEGIN

/* Puts the pictures that m's html shows (mime/html_images.h) into m->linked, each with a Content-ID of its own, and makes the html
   refer to them: data: URIs, and files by relative paths below base (base/beneath.h; base.p NULL: no files). Equal pictures
   become one part; *count_out: how many parts. All other references stay as they are: nothing is ever fetched.
   Only media types image/... by the file's name or the URI's own word; SVG is one of them, for what shows a picture does not run
   its scripts, and the file is one that the author chose. The bytes are read now and kept.
   All or nothing: on any failure m is as before. NM_EINVAL, NM_ELIMIT, NM_EIO, NM_ENOMEM. */
int nm_embed_images(struct nm_message *m, struct nm_str base, size_t *count_out, struct nm_error *e);

NM_HIDDEN_END

#endif
